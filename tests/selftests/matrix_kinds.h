/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the kill matrix. */
#ifndef MATRIX_KINDS_H
#define MATRIX_KINDS_H

#include "matrix_any.h"
#include "matrix_barrier.h"
#include "matrix_lock.h"
#include "matrix_queue.h"
#include "matrix_sem.h"

static const struct kind kinds[] = {
	{
		.name = "exclusive lock", .cmd = SHMBUF_IOC_LOCK,
		.hold = lock_hold, .let_go = lock_let_go, .wait = lock_wait,
		.close = lock_close, .open = lock_open,
		.after = lock_after, .at_last = lock_at_last,
	},
	{
		.name = "shared lock", .cmd = SHMBUF_IOC_LOCK,
		.hold = shared_hold, .let_go = shared_let_go, .wait = shared_wait,
		.close = lock_close, .open = lock_open,
		.after = shared_after, .at_last = lock_at_last,
	},
	{
		.name = "semaphore with UNDO", .cmd = SHMBUF_IOC_SEM_WAIT,
		.by_process = true, .init = sem_init_one,
		.hold = sem_hold, .let_go = sem_let_go, .wait = sem_wait,
		.close = sem_close, .open = sem_open,
		.after = sem_after, .at_last = sem_at_last,
	},
	{
		.name = "condition wait", .cmd = SHMBUF_IOC_WAIT, .waiters_first = true,
		.hold = cond_hold, .let_go = lock_let_go, .wait = cond_wait,
		.open = cond_open, .after = cond_after, .at_last = cond_at_last,
	},
	{
		.name = "barrier", .cmd = SHMBUF_IOC_BARRIER_WAIT, .init = barrier_init_parties,
		.hold = barrier_hold, .let_go = barrier_let_go, .wait = barrier_wait,
		.open = barrier_open, .after = barrier_after, .at_last = barrier_at_last,
	},
	{
		.name = "queue wait", .cmd = SHMBUF_IOC_WAIT,
		.no_holder = "nobody holds a queue", .wait = queue_wait, .open = queue_open,
		.after = wakes_told, .at_last = queue_at_last,
	},
	{
		.name = "WAIT_ANY won by its lock", .cmd = SHMBUF_IOC_WAIT_ANY,
		.init = any_lock_init,
		.hold = any_lock_hold, .let_go = lock_let_go, .wait = any_lock_wait,
		.close = lock_close, .open = lock_open,
		.after = lock_after, .at_last = any_lock_at_last,
	},
	{
		.name = "WAIT_ANY won by its queue", .cmd = SHMBUF_IOC_WAIT_ANY,
		.no_holder = "nobody holds a queue", .init = any_queue_init,
		.wait = any_queue_wait, .open = queue_open,
		.after = wakes_told, .at_last = any_queue_at_last,
	},
	{
		.name = "WAIT_ANY won by its semaphore", .cmd = SHMBUF_IOC_WAIT_ANY,
		.by_process = true, .init = any_sem_init,
		.hold = any_sem_hold, .let_go = sem_let_go, .wait = any_sem_wait,
		.close = sem_close, .open = sem_open,
		.after = sem_after, .at_last = any_sem_at_last,
	},
};

#endif /* MATRIX_KINDS_H */
