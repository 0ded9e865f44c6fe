/* SPDX-License-Identifier: GPL-2.0-only */
/* A cell of the kill matrix: what is done to whom, and who takes part. */
#ifndef MATRIX_CELL_H
#define MATRIX_CELL_H

#include "shmbuf_test.h"

#define MAX_OTHERS	3
#define SOON		(20 * NSEC_PER_MSEC)

/* The objects of each cell's buffer. */
enum { LOCK, STILL, QUEUE, FREE };	/* STILL: a queue that nobody wakes; FREE: INIT's */

enum role { HOLDER, WAITER, WOKEN, NR_ROLES };

static const char * const roles[] = { "holder", "waiter", "woken but not yet running" };

/**
 * struct party - the victim, or one of the others who wait
 * @pid: of its process
 * @tid: of the thread that holds or waits
 * @ready: it holds
 * @go: 1: now end; 2: to a holder that lives on: let go
 * @done: it has done what it calls its end, and lives
 * @result: of its call, once @returned
 */
struct party {
	pid_t pid, tid;
	int ready, go, done, returned, result;
};

struct cell {
	const struct kind *kind;
	const struct way *way;
	enum role role;
	int nr_others;
	bool timed;
	char name[64];		/* the buffer's */
	int fd;			/* the test's own handle, and id */
	__u64 owner;
	struct party *victim, *others;
	/* Of this process, where it is a party: */
	int me;			/* 0: the victim; 1 and more: the others */
	int my_fd;
	struct control c;
	void *data;
	__u64 *row;		/* or NULL */
};

/**
 * struct way - how the victim ends
 * @death: its id ends by it
 * @thread: its thread ends itself; else its process's first thread sees to it
 * @large: once per kind, with much memory touched
 */
struct way {
	const char *name;
	void (*end)(struct cell *cell);
	bool death, thread, large;
};

/**
 * struct kind - a row
 * @cmd: the ioctl in which its waiters sleep
 * @no_holder: why nobody holds it, or NULL
 * @waiters_first: the others wait before the holder comes to hold
 * @init: what its object needs, or NULL
 * @hold: take it, in the victim; @let_go: the opposite
 * @wait: wait for it, and give it back when it came.  What the wait returned.
 * @close: before somebody can wait, in the test; @open: so that the first one who
 *	waits goes on
 * @after: what the others hear (by cell->others), and that the object is as good as new;
 *	the victim is gone or has what it waited for
 */
struct kind {
	const char *name;
	unsigned long cmd;
	const char *no_holder;
	bool waiters_first;
	void (*init)(struct cell *cell);
	void (*hold)(struct cell *cell);
	void (*let_go)(struct cell *cell);
	int (*wait)(struct cell *cell, __u64 deadline);
	void (*close)(struct cell *cell);
	void (*open)(struct cell *cell);
	void (*after)(struct cell *cell);
};

static void set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static int get(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void stay(void)
{
	for (;;)
		pause();
}

#endif /* MATRIX_CELL_H */
