/* SPDX-License-Identifier: GPL-2.0-only */
/* The kill matrix's waits on a queue. */
#ifndef MATRIX_QUEUE_H
#define MATRIX_QUEUE_H

#include "matrix_cell.h"

static int queue_wait(struct cell *cell, __u64 deadline)
{
	__u64 sequence = read_sequence(&cell->m.c, QUEUE);

	return do_wait(cell->m.fd, QUEUE, &sequence, deadline);
}

static void queue_open(struct cell *cell)
{
	CHECK(do_wake(cell->fd, QUEUE, 1) >= 0);
}

static void queue_at_last(struct cell *cell)
{
	CHECK(!(read_word(&cell->c, QUEUE) & SHMBUF_WORD_WAITERS));
}

#endif /* MATRIX_QUEUE_H */
