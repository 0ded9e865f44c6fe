/* SPDX-License-Identifier: GPL-2.0-only */
/* The kill matrix's locks: exclusive, shared, and taken back by who waited for a condition. */
#ifndef MATRIX_LOCK_H
#define MATRIX_LOCK_H

#include "matrix_cell.h"

static void lock_hold(struct cell *cell)
{
	cell->m.owner = new_owner(cell->m.fd);
	CHECK(do_lock(cell->m.fd, cell->m.owner, LOCK, 0, NEVER) == 0);
}

static void lock_let_go(struct cell *cell)
{
	CHECK(do_unlock(cell->m.fd, cell->m.owner, LOCK) == 0);
}

/* Give back a lock that came with @ret, if it came. */
static int lock_give_back(struct cell *cell, __u64 owner, int ret)
{
	if (ret == -EOWNERDEAD)
		CHECK(do_consistent(cell->m.fd, owner, LOCK) == 0);
	if (ret == 0 || ret == -EOWNERDEAD)
		CHECK(do_unlock(cell->m.fd, owner, LOCK) == 0);
	return ret;
}

static int lock_wait(struct cell *cell, __u64 deadline)
{
	__u64 owner = new_owner(cell->m.fd);

	return lock_give_back(cell, owner, do_lock(cell->m.fd, owner, LOCK,
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

/* Exactly @expected hear of a death, the test counted. */
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
}

/* One hears of a holder's death, of a waiter's nobody. */
static void lock_after(struct cell *cell)
{
	lock_told(cell, cell->role == HOLDER && is_death(cell));
}

static void lock_at_last(struct cell *cell)
{
	CHECK(do_trylock(cell->fd, cell->owner, LOCK) == 0);
}

/* Shared: a reader that dies blocks no writer, and nobody hears of it. */

/* Twice: what the kernel counts, and what user space does. */
static void shared_hold(struct cell *cell)
{
	cell->m.owner = new_owner(cell->m.fd);
	cell->m.row = map_row(cell->m.fd, cell->m.owner);
	CHECK(do_read(cell->m.fd, cell->m.owner, LOCK, 0, NEVER) == 0);
	CHECK(fast_read(cell->m.row, LOCK));
}

static void shared_let_go(struct cell *cell)
{
	lock_let_go(cell);
	lock_let_go(cell);
}

/* Who waits for a reader writes; else they take turns. */
static bool wants_to_read(const struct cell *cell)
{
	return cell->role != HOLDER && (cell->me + cell->timed) % 2 == 0;
}

static int shared_wait(struct cell *cell, __u64 deadline)
{
	__u64 owner = new_owner(cell->m.fd);
	__u32 flags = SHMBUF_LOCK_NOSPIN | (wants_to_read(cell) ? SHMBUF_LOCK_SHARED : 0);

	return lock_give_back(cell, owner, do_lock(cell->m.fd, owner, LOCK, flags, deadline));
}

static void shared_after(struct cell *cell)
{
	lock_told(cell, 0);
}

/*
 * Conditions: who holds the lock has woken the others, so that they wait for the lock; who
 * waits or is woken does so on the queue.
 */

static void cond_hold(struct cell *cell)
{
	lock_hold(cell);
	CHECK(do_wake(cell->m.fd, QUEUE, SHMBUF_WAKE_ALL) == cell->nr_others);
}

static int cond_result(int ret)
{
	if (ret < 0)
		return ret;
	CHECK(!(ret & ~(SHMBUF_WAITED_OWNERDEAD | SHMBUF_WAITED_TIMEDOUT)));
	return ret & SHMBUF_WAITED_OWNERDEAD ? -EOWNERDEAD :
	       ret & SHMBUF_WAITED_TIMEDOUT ? -ETIMEDOUT : 0;
}

static int cond_wait(struct cell *cell, __u64 deadline)
{
	__u64 owner = new_owner(cell->m.fd);
	int ret = do_lock(cell->m.fd, owner, LOCK, 0, deadline);

	if (ret)
		return ret;
	ret = do_wait_locked(cell->m.fd, owner, LOCK, QUEUE, read_sequence(&cell->m.c, QUEUE),
			     deadline);
	ret = cond_result(ret);
	if (ret == -ETIMEDOUT)
		CHECK(do_unlock(cell->m.fd, owner, LOCK) == 0);
	return lock_give_back(cell, owner, ret);
}

static void cond_open(struct cell *cell)
{
	lock_close(cell);
	CHECK(do_wake(cell->fd, QUEUE, 1) >= 0);
	lock_open(cell);
}

static void cond_after(struct cell *cell)
{
	if (cell->role != HOLDER)
		wakes_told(cell);
	lock_after(cell);
}

static void cond_at_last(struct cell *cell)
{
	CHECK(!(read_word(&cell->c, QUEUE) & SHMBUF_WORD_WAITERS));
	lock_at_last(cell);
}

#endif /* MATRIX_LOCK_H */
