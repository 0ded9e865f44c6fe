/* SPDX-License-Identifier: GPL-2.0-only */
/* The kill matrix's WAIT_ANY: one object of the set is won, and nothing changes with the others. */
#ifndef MATRIX_ANY_H
#define MATRIX_ANY_H

#include "matrix_lock.h"
#include "matrix_queue.h"
#include "matrix_sem.h"

static int any_wait(struct cell *cell, __u64 owner, __u32 winner, __u64 deadline)
{
	const int fd = cell->m.fd;
	struct shmbuf_wait_item items[] = {
		[LOCK] = { .fd = fd, .index = LOCK, .kind = SHMBUF_KIND_LOCK, .owner = owner },
		[STILL] = { .fd = fd, .index = STILL, .kind = SHMBUF_KIND_QUEUE },
		[QUEUE] = { .fd = fd, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE,
			    .sequence = read_sequence(&cell->m.c, QUEUE) },
		[FREE] = { .fd = fd, .index = FREE, .kind = SHMBUF_KIND_SEMAPHORE,
			   .flags = SHMBUF_WAIT_ITEM_UNDO, .owner = owner },
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = ARRAY_SIZE(items),
		.deadline = deadline,
	};
	int ret = call(fd, SHMBUF_IOC_WAIT_ANY, &arg);

	if (ret < 0)
		return ret;
	CHECK((ret & ~SHMBUF_WAIT_ANY_OWNERDEAD) == winner);
	return ret & SHMBUF_WAIT_ANY_OWNERDEAD ? -EOWNERDEAD : 0;
}

/* What can't be had while @winner can: the test has it, and nobody else comes to it. */

static void any_init(struct cell *cell, __u32 winner)
{
	new_sem(cell->fd, FREE, winner == FREE, UNITS);
	if (winner != LOCK)
		lock_close(cell);
}

static void any_untouched(struct cell *cell, __u32 winner)
{
	if (winner != LOCK)
		CHECK(read_word(&cell->c, LOCK) == cell->owner);
	if (winner != QUEUE)
		CHECK(read_word(&cell->c, QUEUE) == SHMBUF_WORD_QUEUE);
	if (winner != FREE)
		CHECK(read_word(&cell->c, FREE) == shmbuf_sem_word(UNITS, 0, 0));
}

static void any_lock_init(struct cell *cell)
{
	any_init(cell, LOCK);
}

static void any_lock_hold(struct cell *cell)
{
	cell->m.owner = new_owner(cell->m.fd);
	CHECK(any_wait(cell, cell->m.owner, LOCK, NEVER) == 0);
}

static int any_lock_wait(struct cell *cell, __u64 deadline)
{
	__u64 owner = new_owner(cell->m.fd);

	return lock_give_back(cell, owner, any_wait(cell, owner, LOCK, deadline));
}

static void any_lock_at_last(struct cell *cell)
{
	any_untouched(cell, LOCK);
	lock_at_last(cell);
}

static void any_queue_init(struct cell *cell)
{
	any_init(cell, QUEUE);
}

static int any_queue_wait(struct cell *cell, __u64 deadline)
{
	return any_wait(cell, new_owner(cell->m.fd), QUEUE, deadline);
}

static void any_queue_at_last(struct cell *cell)
{
	any_untouched(cell, QUEUE);
	queue_at_last(cell);
}

static void any_sem_init(struct cell *cell)
{
	any_init(cell, FREE);
}

static void any_sem_hold(struct cell *cell)
{
	CHECK(any_wait(cell, new_owner(cell->m.fd), FREE, NEVER) == 0);
}

static int any_sem_wait(struct cell *cell, __u64 deadline)
{
	__u64 owner = new_owner(cell->m.fd);

	return sem_give_back(cell, owner, any_wait(cell, owner, FREE, deadline));
}

static void any_sem_at_last(struct cell *cell)
{
	any_untouched(cell, FREE);
	sem_at_last(cell);
}

#endif /* MATRIX_ANY_H */
