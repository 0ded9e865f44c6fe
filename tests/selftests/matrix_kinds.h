/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kinds of the kill matrix are held by and waited for, and what survivors hear. */
#ifndef MATRIX_KINDS_H
#define MATRIX_KINDS_H

#include "matrix_cell.h"

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

/* Exclusive locks */

static void lock_hold(struct cell *cell)
{
	cell->owner = new_owner(cell->my_fd);
	CHECK(do_lock(cell->my_fd, cell->owner, LOCK, 0, NEVER) == 0);
}

static void lock_let_go(struct cell *cell)
{
	CHECK(do_unlock(cell->my_fd, cell->owner, LOCK) == 0);
}

/* Give back a lock that came with @ret, if it came. */
static int lock_give_back(struct cell *cell, __u64 owner, int ret)
{
	if (ret == -EOWNERDEAD)
		CHECK(do_consistent(cell->my_fd, owner, LOCK) == 0);
	if (ret == 0 || ret == -EOWNERDEAD)
		CHECK(do_unlock(cell->my_fd, owner, LOCK) == 0);
	return ret;
}

static int lock_wait(struct cell *cell, __u64 deadline)
{
	__u64 owner = new_owner(cell->my_fd);

	return lock_give_back(cell, owner, do_lock(cell->my_fd, owner, LOCK,
						   SHMBUF_LOCK_NOSPIN, deadline));
}

static void lock_close(struct cell *cell)
{
	CHECK(do_lock(cell->fd, cell->owner, LOCK, 0, NEVER) == 0);
}

static void lock_open(struct cell *cell)
{
	CHECK(do_unlock(cell->fd, cell->owner, LOCK) == 0);
}

/* Exactly @expected hear of a death, the test counted; and the lock is as good as new. */
static void lock_told(struct cell *cell, int expected)
{
	int told = nr_told(cell, -EOWNERDEAD), ret;

	UNTIL((ret = do_trylock(cell->fd, cell->owner, LOCK)) != -EBUSY);
	CHECK(ret == 0 || ret == -EOWNERDEAD);
	if (ret) {
		told++;
		CHECK(do_consistent(cell->fd, cell->owner, LOCK) == 0);
	}
	CHECK(told == expected);
	CHECK(do_unlock(cell->fd, cell->owner, LOCK) == 0);
	CHECK(do_trylock(cell->fd, cell->owner, LOCK) == 0);
}

/* One hears of a holder's death, of a waiter's nobody. */
static void lock_after(struct cell *cell)
{
	lock_told(cell, cell->role == HOLDER && cell->way->death);
}

/* Waits on a queue: a wake is one waiter's, and none gets lost with who died. */

static int queue_wait(struct cell *cell, __u64 deadline)
{
	__u64 sequence = read_sequence(&cell->c, QUEUE);

	return do_wait(cell->my_fd, QUEUE, &sequence, deadline);
}

static void queue_close(struct cell *cell)
{
	(void)cell;
}

static void queue_open(struct cell *cell)
{
	CHECK(do_wake(cell->fd, QUEUE, 1) >= 0);
}

static void queue_after(struct cell *cell)
{
	struct control c = map_control(cell->fd, PROT_READ);
	/* One wake was given: where the victim didn't use it, one of the others did. */
	int n = cell->way->death && cell->nr_others ? 1 : 0;

	UNTIL(nr_returned(cell) >= n);
	for (; n < cell->nr_others; n++) {
		CHECK(nr_returned(cell) == n);
		queue_open(cell);
		UNTIL(nr_returned(cell) > n);
	}
	CHECK(nr_told(cell, 0) == cell->nr_others);
	UNTIL(!(read_word(&c, QUEUE) & SHMBUF_WORD_WAITERS));
}

static const struct kind kinds[] = {
	{ "exclusive lock", SHMBUF_IOC_LOCK, NULL, false, NULL, lock_hold, lock_let_go,
	  lock_wait, lock_close, lock_open, lock_after },
	{ "queue wait", SHMBUF_IOC_WAIT, "nobody holds a queue", false, NULL, NULL, NULL,
	  queue_wait, queue_close, queue_open, queue_after },
};

#endif /* MATRIX_KINDS_H */
