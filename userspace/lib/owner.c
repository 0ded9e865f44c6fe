// SPDX-License-Identifier: MIT
/*
 * The calling thread's owner ids, one for each handle it locks through.
 *
 * They are the thread's own memory; nobody else reads or changes them.  An entry
 * is good while its serial is the handle's: closing a handle, or being a child of
 * fork(), makes all entries for it stale at once.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

SHMBUF_EXPORT __thread struct shmbuf_fast_thread shmbuf_fast_thread = {
	.serial = SHMBUF_NO_SERIAL,
};

static __thread struct shmbuf_thread thread
	__attribute__((tls_model("initial-exec")));

static pthread_key_t key;
static int key_error = -EAGAIN;

static int unregister(struct shmbuf *b, __u64 id)
{
	struct shmbuf_register argument = {
		.size = sizeof(argument),
		.owner = id,
	};
	int ret;

	do
		ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_UNREGISTER, &argument);
	while (ret == -EINTR);
	return ret;
}

/* The mutex keeps the handle from being closed meanwhile. */
static void owner_end(const struct shmbuf_owner *o)
{
	struct shmbuf_hot *hot = shmbuf_hot(o->b);

	pthread_mutex_lock(&hot->mutex);
	if (shmbuf_serial(o->b) == o->serial) {
		unregister(o->b, o->id);
		shmbuf_row_unmap(o->b, o->row);
	}
	pthread_mutex_unlock(&hot->mutex);
}

/* At the thread's end.  First it can't use the ids, then it hasn't got them. */
static void thread_end(void *argument)
{
	struct shmbuf_thread *t = argument, old = *t;
	__u32 i;

	shmbuf_fast_thread.serial = SHMBUF_NO_SERIAL;
	*t = (struct shmbuf_thread) {};
	if (old.owners == t->first)
		old.owners = old.first;
	for (i = 0; i <= old.mask; i++)
		if (old.owners[i].serial)
			owner_end(&old.owners[i]);
	if (old.owners != old.first)
		free(old.owners);
}

/* Before other constructors, which may lock; and unlike pthread_once(), without a
 * system call at the first lock.
 */
static void __attribute__((constructor(101))) key_init(void)
{
	key_error = -pthread_key_create(&key, thread_end);
}

/* Whether the entry is free, or the handle it is for is gone. */
static bool owner_free(const struct shmbuf_owner *o)
{
	return !o->serial || shmbuf_serial(o->b) != o->serial;
}

static struct shmbuf_owner *owner_find(struct shmbuf_thread *t, __u64 serial)
{
	struct shmbuf_owner *o;
	__u32 i;

	if (!t->owners)
		return NULL;
	for (i = serial & t->mask; o = &t->owners[i], o->serial;
	     i = (i + 1) & t->mask)
		if (o->serial == serial)
			return o;
	return NULL;
}

/* There is room. */
static void owner_add(struct shmbuf_thread *t, const struct shmbuf_owner *new)
{
	__u32 i = new->serial & t->mask;

	while (!owner_free(&t->owners[i]))
		i = (i + 1) & t->mask;
	if (!t->owners[i].serial)
		t->used++;
	t->owners[i] = *new;
}

/* Make room for one more: a quarter stays empty, so that searches end soon. */
static int owner_room(struct shmbuf_thread *t)
{
	struct shmbuf_owner *old = t->owners;
	__u32 i, size = t->mask + 1, live = 0;

	if (!old) {
		t->owners = t->first;
		t->mask = SHMBUF_OWNERS_INLINE - 1;
		return 0;
	}
	if (t->used + 1 <= size / 4 * 3)
		return 0;
	for (i = 0; i < size; i++)
		live += !owner_free(&old[i]);
	for (i = 2 * SHMBUF_OWNERS_INLINE; i < 2 * (live + 1); i *= 2)
		;
	t->owners = calloc(i, sizeof(*old));
	if (!t->owners) {
		t->owners = old;
		return -ENOMEM;
	}
	t->mask = i - 1;
	t->used = 0;
	for (i = 0; i < size; i++)
		if (!owner_free(&old[i]))
			owner_add(t, &old[i]);
	if (old != t->first)
		free(old);
	return 0;
}

static int owner_new(struct shmbuf_thread *t, struct shmbuf *b, __u64 serial)
{
	struct shmbuf_register argument = { .size = sizeof(argument) };
	int ret;

	if (key_error)
		return key_error;
	/* Again each time: the destructor may have run already. */
	ret = -pthread_setspecific(key, t);
	if (!ret)
		ret = owner_room(t);
	if (!ret)
		ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_REGISTER, &argument);
	if (ret)
		return ret;
	owner_add(t, &(struct shmbuf_owner) {
		.serial = serial,
		.id = argument.owner,
		.b = b,
	});
	return 0;
}

static int self(struct shmbuf *b, bool reader, __u64 *id)
{
	struct shmbuf_thread *t = &thread;
	struct shmbuf_owner *o;
	__u64 serial;
	int ret;

	if (!shmbuf_serial(b)) {
		ret = shmbuf_revive(b);
		if (ret)
			return ret;
	}
	serial = shmbuf_serial(b);
	o = owner_find(t, serial);
	if (!o) {
		ret = owner_new(t, b, serial);
		if (ret)
			return ret;
		o = owner_find(t, serial);
	}
	if (reader && !o->row_tried) {
		o->row_tried = true;
		o->row = shmbuf_row_map(b, serial, o->id);
	}
	*id = o->id;
	shmbuf_fast_thread.serial = serial;
	shmbuf_fast_thread.id = o->id;
	shmbuf_fast_thread.row = o->row;
	return 0;
}

/* The id of the calling process, whichever thread asks: it ends with the handle. */
int shmbuf_self_process(struct shmbuf *b, __u64 *id)
{
	struct shmbuf_register argument = {
		.size = sizeof(argument),
		.flags = SHMBUF_REGISTER_PROCESS,
	};
	struct shmbuf_hot *hot = shmbuf_hot(b);
	int ret = 0;

	if (!shmbuf_serial(b)) {
		ret = shmbuf_revive(b);
		if (ret)
			return ret;
	}
	pthread_mutex_lock(&hot->mutex);
	if (!hot->process_id) {
		ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_REGISTER, &argument);
		if (!ret)
			hot->process_id = argument.owner;
	}
	*id = hot->process_id;
	pthread_mutex_unlock(&hot->mutex);
	return ret;
}

SHMBUF_EXPORT int shmbuf_join(struct shmbuf *b)
{
	__u64 id;
	int ret;

	do
		ret = shmbuf_self_process(b, &id);
	while (ret == -EINTR);
	return ret;
}

/*
 * The calling thread's id in the buffer of @b; the next fast path has it, too.  A
 * read-only handle gets none, so that nothing here writes to its words.
 */
int shmbuf_self(struct shmbuf *b, __u64 *id)
{
	return self(b, false, id);
}

/* The same for who wants to read: with a row, if there is one to be had. */
int shmbuf_self_reader(struct shmbuf *b, __u64 *id)
{
	return self(b, true, id);
}

/*
 * @b is about to be closed: the calling thread gives its id back, and the process its
 * own.  The file's release would do, but others may have the same file open.
 */
void shmbuf_forget(struct shmbuf *b)
{
	struct shmbuf_thread *t = &thread;
	__u64 serial = shmbuf_serial(b);
	struct shmbuf_owner *o;

	if (!serial)
		return;
	if (shmbuf_fast_thread.serial == serial)
		shmbuf_fast_thread.serial = SHMBUF_NO_SERIAL;
	o = owner_find(t, serial);
	if (o)
		unregister(b, o->id);
	if (shmbuf_hot(b)->process_id)
		unregister(b, shmbuf_hot(b)->process_id);
}
