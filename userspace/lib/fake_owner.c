// SPDX-License-Identifier: MIT
/* The device fake's owner ids, and who of them is dead. */
#include "fake_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool fake_task_alive(const struct fake_owner *o)
{
	char path[64], text[512], *end;
	ssize_t n;
	int fd;

	/* What lives in the caller's own process needn't be read about. */
	if (o->pid == getpid())
		return !o->tid || !syscall(SYS_tgkill, o->pid, o->tid, 0);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", o->pid, o->tid ? o->tid : o->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	end = strrchr(text, ')');
	return end && !strchr("ZX", end[2]);
}

struct fake_owner *fake_find_owner(struct fake_buffer *f, __u64 id)
{
	int i;

	for (i = 0; id && i < FAKE_OWNERS; i++)
		if (f->owners[i].id == id)
			return &f->owners[i];
	return NULL;
}

bool fake_owner_alive(struct fake_buffer *f, __u64 id)
{
	struct fake_owner *o = fake_find_owner(f, id);

	return o && fake_task_alive(o);
}

bool fake_owner_is_caller(struct fake_buffer *f, __u64 id)
{
	struct fake_owner *o = fake_find_owner(f, id);

	return o && o->pid == getpid() && (!o->tid || o->tid == gettid());
}

static bool fake_is_joined(const struct fake_buffer *f, pid_t pid)
{
	int i;

	for (i = 0; i < FAKE_OWNERS; i++)
		if (f->owners[i].id && f->owners[i].pid == pid)
			return true;
	return false;
}

static bool fake_holds_lock(struct fake_call *c, __u64 id)
{
	__u64 *word;
	__u32 i;

	for (i = 0; i < c->f->nr_objects; i++) {
		word = fake_word_of(c, i, SHMBUF_KIND_LOCK);
		if (word && shmbuf_lock_word_owner(__atomic_load_n(word, __ATOMIC_RELAXED)) == id)
			return true;
	}
	return false;
}

/* True where it had something.  Its locks have a dead owner by its id's end alone. */
static bool fake_owner_end(struct fake_call *c, struct fake_owner *o)
{
	bool had = fake_holds_lock(c, o->id);

	had |= fake_claims_bury(c, o->id);
	o->id = 0;
	/* Units are the process's. */
	if (!fake_is_joined(c->f, o->pid))
		had |= fake_claims_bury(c, o->pid);
	return had;
}

void fake_reap(struct fake_call *c)
{
	struct fake_owner *o;

	for (o = c->f->owners; o < c->f->owners + FAKE_OWNERS; o++) {
		if (!o->id || fake_task_alive(o))
			continue;
		fake_owner_end(c, o);
		c->f->nr_deaths++;
	}
}

int fake_peers(struct fake_call *c, __u64 deaths)
{
	int i;

	fake_reap(c);
	if (c->f->nr_deaths != deaths)
		return -EOWNERDEAD;
	for (i = 0; i < FAKE_OWNERS; i++)
		if (c->f->owners[i].id && c->f->owners[i].pid != getpid())
			return 0;
	return -EPIPE;
}

int fake_register(struct fake_call *c, struct fake_sleeper *s)
{
	struct shmbuf_register *r = s->argument;
	struct fake_buffer *f = c->f;
	int i;

	if (r->flags & ~SHMBUF_REGISTER_PROCESS)
		return -EOPNOTSUPP;
	for (i = 0; i < FAKE_OWNERS; i++)
		if (!f->owners[i].id || !fake_task_alive(&f->owners[i]))
			break;
	if (i == FAKE_OWNERS)
		return -EDQUOT;
	if (f->owners[i].id) {
		fake_owner_end(c, &f->owners[i]);
		f->nr_deaths++;
	}
	f->owners[i] = (struct fake_owner) {
		.id = ++f->next_id << SHMBUF_OWNER_SLOT_BITS | i,
		.pid = getpid(),
		.tid = r->flags & SHMBUF_REGISTER_PROCESS ? 0 : gettid(),
	};
	memset(fake_row(c, f->owners[i].id), 0, FAKE_PAGE);
	r->owner = f->owners[i].id;
	return 0;
}

int fake_unregister(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_register *r = s->argument;
	struct fake_owner *o = fake_find_owner(c->f, r->owner);

	if (!o || !fake_owner_is_caller(c->f, r->owner))
		return -EPERM;
	if (fake_owner_end(c, o))
		c->f->nr_deaths++;
	return 0;
}
