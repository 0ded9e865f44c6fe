/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways to end, or to seem to, of who has something of a buffer. */
#ifndef WAYS_TO_DIE_H
#define WAYS_TO_DIE_H

#include "shmbuf_test.h"

/**
 * struct mortal - what its way to die needs to know of a process
 * @fd: its handle
 * @owner: its id
 * @c: its mapping of the control area; this and all below may be missing
 * @data: of a page of the data area
 * @row: of @owner's row
 */
struct mortal {
	int fd;
	__u64 owner;
	struct control c;
	void *data;
	__u64 *row;
};

static void stay(void)
{
	for (;;)
		pause();
}

static void by_exit(struct mortal *m)
{
	(void)m;
	_exit(0);
}

static void by_signal(int sig)
{
	signal(sig, SIG_DFL);
	kill(getpid(), sig);
	stay();
}

static void by_sigkill(struct mortal *m)
{
	(void)m;
	by_signal(SIGKILL);
}

static void by_sigsegv(struct mortal *m)
{
	(void)m;
	by_signal(SIGSEGV);
}

static void by_exec(struct mortal *m)
{
	/* The handle stays open: exec alone is the death. */
	CHECK(!fcntl(m->fd, F_SETFD, 0));
	exec_idle();
}

static void by_unregister(struct mortal *m)
{
	CHECK(do_unregister(m->fd, m->owner) == 0);
	stay();
}

/* Of threads, whose process goes on. */

static void by_pthread_exit(struct mortal *m)
{
	(void)m;
	pthread_exit(NULL);
}

static void by_raw_exit(struct mortal *m)
{
	(void)m;
	syscall(SYS_exit, 0);
}

/* No death by itself. */
static void by_munmap(struct mortal *m)
{
	if (m->c.base)
		CHECK(!munmap(m->c.base, m->c.size));
	if (m->data)
		CHECK(!munmap(m->data, 4096));
	if (m->row)
		CHECK(!munmap(m->row, sysconf(_SC_PAGESIZE)));
}

static void by_release(struct mortal *m)
{
	by_munmap(m);
	close(m->fd);
	stay();
}

/* Deaths of others, who are near to who holds. */

static void by_childs_exit(struct mortal *m)
{
	pid_t pid = spawn();

	(void)m;
	if (!pid)
		_exit(0);
	CHECK(reap(pid) == 0);
}

static void by_vforked_childs_exit(struct mortal *m)
{
	pid_t pid = vfork();

	(void)m;
	if (!pid)
		_exit(0);
	CHECK(reap(pid) == 0);
}

static void by_vforked_childs_exec(struct mortal *m)
{
	pid_t pid = vfork();

	(void)m;
	if (!pid)
		exec_idle();
	CHECK(kill_and_reap(pid) == 128 + SIGKILL);
}

static int return_at_once(void *arg)
{
	(void)arg;
	return 0;
}

/* It has the same memory, and is another process. */
static pid_t spawn_sharer(int (*fn)(void *arg), void *arg)
{
	const size_t size = 65536;
	pid_t pid = clone(fn, (char *)shared_memory(size) + size, CLONE_VM | SIGCHLD, arg);

	if (pid < 0)
		fatal("clone: %s", strerror(errno));
	return pid;
}

static void by_sharers_exit(struct mortal *m)
{
	(void)m;
	CHECK(reap(spawn_sharer(return_at_once, NULL)) == 0);
}

/**
 * struct way - how somebody ends
 * @end: does it
 * @death: its id ends by it
 * @thread: its thread ends itself, and nobody is told of that: it is found by looking, which
 *	is done while somebody waits
 * @large: with much memory touched
 * @once: of several cases one is enough
 */
struct way {
	const char *name;
	void (*end)(struct mortal *m);
	bool death, thread, large, once;
};

static const struct way ways_to_die[] = {
	{ "exit", by_exit, true },
	{ "SIGKILL", by_sigkill, true },
	{ "SIGSEGV", by_sigsegv, true },
	{ "exec", by_exec, true },
	{ "release", by_release, true },
	{ "UNREGISTER", by_unregister, true },
	{ "raw thread exit", by_raw_exit, true, .thread = true },
};

/**
 * struct life - of a process, or of a thread of it
 * @live: until it's time to end
 */
struct life {
	void (*live)(struct mortal *m);
	const struct way *way;
	struct mortal *mortal;
};

static void *live_and_end(void *arg)
{
	const struct life *life = arg;

	life->live(life->mortal);
	life->way->end(life->mortal);
	return NULL;
}

/* Where it's a thread that ends, the process lives on. */
static void lead(struct life life)
{
	pthread_t thread;

	if (!life.way->thread)
		live_and_end(&life);
	CHECK(!pthread_create(&thread, NULL, live_and_end, &life));
	stay();
}

#endif /* WAYS_TO_DIE_H */
