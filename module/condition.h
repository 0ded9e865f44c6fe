/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting on a queue for a condition that a lock protects. */
#ifndef SHMBUF_CONDITION_H
#define SHMBUF_CONDITION_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_buffer;
struct shmbuf_waiter;
struct shmbuf_wakeups;

/* WAIT with LOCK, with checked arguments but for owner and indexes. */
int shmbuf_condition_wait(struct shmbuf_buffer *buffer, const struct shmbuf_wait *args);

/*
 * Under the lock of the queue's bucket: @waiter, who has been chosen and gave a lock up,
 * is one of the lock's waiters from here.  False where that can't be: it shall wake,
 * and take the lock by itself.
 */
bool shmbuf_condition_move(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			   struct shmbuf_wakeups *wakeups);

#endif /* SHMBUF_CONDITION_H */
