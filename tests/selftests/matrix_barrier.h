/* SPDX-License-Identifier: GPL-2.0-only */
/* The kill matrix's barrier: its parties are the victim, the others and the test. */
#ifndef MATRIX_BARRIER_H
#define MATRIX_BARRIER_H

#include "matrix_cell.h"

static void barrier_init_parties(struct cell *cell)
{
	CHECK(do_init(cell->fd, FREE, 1, SHMBUF_KIND_BARRIER, cell->nr_others + 2) == 0);
}

/* A party that hasn't arrived. */
static void barrier_hold(struct cell *cell)
{
	cell->m.owner = new_owner(cell->m.fd);
	CHECK(do_barrier_wait(cell->m.fd, cell->m.owner, FREE, 0) == -ETIMEDOUT);
}

/* A party once, so that whatever comes of it, its end from here on breaks nothing. */
static int barrier_meet(int fd, __u64 owner, __u64 deadline)
{
	int ret = do_barrier_wait(fd, owner, FREE, deadline);

	CHECK(do_barrier_leave(fd, owner, FREE) == 0);
	return ret;
}

static void barrier_let_go(struct cell *cell)
{
	CHECK(barrier_meet(cell->m.fd, cell->m.owner, NEVER) >= 0);
}

static int barrier_wait(struct cell *cell, __u64 deadline)
{
	return barrier_meet(cell->m.fd, new_owner(cell->m.fd), deadline);
}

/* The test arrives.  What a waiter leaves by its end is found at once, or in a moment. */
static void barrier_open(struct cell *cell)
{
	int ret = do_barrier_wait(cell->fd, cell->owner, FREE, now() + PATIENCE);

	if (cell->role != WOKEN && is_death(cell))
		CHECK(ret == -EOWNERDEAD || ret == -ENOTRECOVERABLE);
	else
		CHECK(ret == 1 || (ret == 0 && cell->role == HOLDER));
}

static bool barrier_is_broken(const struct cell *cell)
{
	return read_word(&cell->c, FREE) & SHMBUF_WORD_NOTRECOVERABLE;
}

/* All who wait at a party's death hear of it, and who comes later finds the ruin. */
static void barrier_after(struct cell *cell)
{
	bool told = is_death(cell) && cell->role != WOKEN;

	if (cell->role == HOLDER)
		barrier_open(cell);
	CHECK(nr_told(cell, told ? -EOWNERDEAD : 0) == cell->nr_others);
	if (!is_death(cell))
		return;
	UNTIL(barrier_is_broken(cell));
	CHECK(do_barrier_wait(cell->fd, cell->owner, FREE, NEVER) == -ENOTRECOVERABLE);
}

static void barrier_at_last(struct cell *cell)
{
	CHECK(barrier_is_broken(cell) == is_death(cell));
	CHECK(do_reset(cell->fd, FREE, 1) == 0);
	CHECK(do_init(cell->fd, FREE, 1, SHMBUF_KIND_BARRIER, 1) == 0);
	CHECK(do_barrier_wait(cell->fd, cell->owner, FREE, NEVER) == 1);
}

#endif /* MATRIX_BARRIER_H */
