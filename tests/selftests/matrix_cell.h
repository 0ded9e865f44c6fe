/* SPDX-License-Identifier: GPL-2.0-only */
/* A cell of the kill matrix: what is done to whom, who takes part, and what they heard. */
#ifndef MATRIX_CELL_H
#define MATRIX_CELL_H

#include "ways_to_die.h"

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
	int fd;			/* the test's own handle, id and mapping */
	__u64 owner;
	struct control c;
	struct party *victim, *others;
	/* Of this process, where it is a party: */
	int me;			/* 0: the victim; 1 and more: the others */
	struct mortal m;
};

/**
 * struct kind - a row
 * @cmd: the ioctl in which its waiters sleep
 * @no_holder: why nobody holds it, or NULL
 * @waiters_first: the others wait before the holder comes to hold
 * @by_process: what is held is the process's, whichever of its threads took it
 * @init: what its object needs, or NULL
 * @hold: take it, in the victim; @let_go: the opposite
 * @wait: wait for it, and give it back when it came.  What the wait returned.
 * @close: before somebody can wait, in the test, or NULL; @open: so that the first one
 *	who waits goes on
 * @after: what the others hear (by cell->others); the victim is gone or has what it
 *	waited for
 * @at_last: nobody else is left, and all objects are as good as new
 */
struct kind {
	const char *name;
	unsigned long cmd;
	const char *no_holder;
	bool waiters_first;
	bool by_process;
	void (*init)(struct cell *cell);
	void (*hold)(struct cell *cell);
	void (*let_go)(struct cell *cell);
	int (*wait)(struct cell *cell, __u64 deadline);
	void (*close)(struct cell *cell);
	void (*open)(struct cell *cell);
	void (*after)(struct cell *cell);
	void (*at_last)(struct cell *cell);
};

static void set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static int get(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

/* Whether what the victim holds or waits for goes with it. */
static bool is_death(const struct cell *cell)
{
	return cell->way->death && !(cell->way->thread && cell->kind->by_process);
}

static int nr_returned(const struct cell *cell)
{
	int i, n = 0;

	for (i = 0; i < cell->nr_others; i++)
		n += get(&cell->others[i].returned);
	return n;
}

/* How many of the others heard @error; the rest heard nothing bad. */
static int nr_told(const struct cell *cell, int error)
{
	int i, told = 0;

	UNTIL(nr_returned(cell) == cell->nr_others);
	for (i = 0; i < cell->nr_others; i++) {
		told += cell->others[i].result == error;
		CHECK(cell->others[i].result == 0 || cell->others[i].result == error);
	}
	return told;
}

/* Each wake is one waiter's, and none gets lost with who died. */
static void wakes_told(struct cell *cell)
{
	/* One was given: where the victim didn't use it, one of the others did. */
	int n = is_death(cell) && cell->nr_others ? 1 : 0;

	UNTIL(nr_returned(cell) >= n);
	for (; n < cell->nr_others; n++) {
		CHECK(nr_returned(cell) == n);
		cell->kind->open(cell);
		UNTIL(nr_returned(cell) > n);
	}
	CHECK(nr_told(cell, 0) == cell->nr_others);
}

#endif /* MATRIX_CELL_H */
