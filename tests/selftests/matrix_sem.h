/* SPDX-License-Identifier: GPL-2.0-only */
/* The kill matrix's units with UNDO: a process's, whichever thread took them. */
#ifndef MATRIX_SEM_H
#define MATRIX_SEM_H

#include "matrix_cell.h"

/* Room for those that come back once too often. */
#define UNITS	10

static void sem_init_one(struct cell *cell)
{
	new_sem(cell->fd, FREE, 1, UNITS);
}

static int sem_take(struct cell *cell, __u64 owner, __u64 deadline)
{
	return do_sem_wait(cell->m.fd, owner, FREE, 0, deadline);
}

static void sem_hold(struct cell *cell)
{
	CHECK(sem_take(cell, new_owner(cell->m.fd), NEVER) == 0);
}

/* By any thread. */
static void sem_let_go(struct cell *cell)
{
	CHECK(do_sem_post(cell->m.fd, new_owner(cell->m.fd), FREE) == 0);
}

static int sem_give_back(struct cell *cell, __u64 owner, int ret)
{
	if (!ret)
		CHECK(do_sem_post(cell->m.fd, owner, FREE) == 0);
	return ret;
}

static int sem_wait(struct cell *cell, __u64 deadline)
{
	__u64 owner = new_owner(cell->m.fd);

	return sem_give_back(cell, owner, sem_take(cell, owner, deadline));
}

static void sem_close(struct cell *cell)
{
	CHECK(do_sem_try(cell->fd, cell->owner, FREE) == 0);
}

static void sem_open(struct cell *cell)
{
	CHECK(do_sem_post(cell->fd, cell->owner, FREE) == 0);
}

/* The unit of the dead came back. */
static void sem_after(struct cell *cell)
{
	CHECK(nr_told(cell, 0) == cell->nr_others);
	UNTIL(read_word(&cell->c, FREE) == shmbuf_sem_word(UNITS, 1, 0));
}

/* Once. */
static void sem_at_last(struct cell *cell)
{
	CHECK(read_word(&cell->c, FREE) == shmbuf_sem_word(UNITS, 1, 0));
}

#endif /* MATRIX_SEM_H */
