/* SPDX-License-Identifier: GPL-2.0-only */
/* What is done in the storm with each kind of sync object.  Included once. */
#ifndef STORM_KINDS_H
#define STORM_KINDS_H

#include "any.h"
#include "barrier.h"
#include "condition.h"
#include "lock.h"
#include "queue.h"
#include "reader.h"
#include "sem.h"

static const struct storm_kind storm_kinds[] = {
	{ "exclusive lock", { { SHMBUF_KIND_LOCK, LOCKS, 0 } }, lock_step, NULL, lock_check },
	{ "two locks in any order", { { SHMBUF_KIND_LOCK, PAIRS, 0 } },
	  pair_step, NULL, pair_check },
	{ "queue", { { SHMBUF_KIND_QUEUE, QUEUES, 0 } }, queue_step, queue_nudge, queue_check },
	{ "semaphore with UNDO", { { SHMBUF_KIND_LOCK, UNITS, 0 },
				   { SHMBUF_KIND_SEMAPHORE, 1, UNITS } },
	  undo_step, NULL, undo_check },
	{ "semaphore", { { SHMBUF_KIND_SEMAPHORE, SEMS, 0 } }, sem_step, sem_nudge, sem_check },
	{ "shared lock", { { SHMBUF_KIND_LOCK, SHARED, 0 } }, shared_step, NULL, shared_check },
	{ "barrier", { { SHMBUF_KIND_BARRIER, 1, 2 }, { SHMBUF_KIND_BARRIER, 1, 3 } },
	  barrier_step, barrier_nudge, barrier_check },
	{ "condition", { { SHMBUF_KIND_LOCK, 1, 0 }, { SHMBUF_KIND_QUEUE, 2, 0 } },
	  condition_step, condition_nudge, condition_check },
	{ "any of several", { { SHMBUF_KIND_LOCK, 1, 0 }, { SHMBUF_KIND_SEMAPHORE, 1, 1 },
			      { SHMBUF_KIND_QUEUE, 1, 0 } },
	  any_step, any_nudge, any_check },
};

static const size_t storm_nr_kinds = ARRAY_SIZE(storm_kinds);

#endif /* STORM_KINDS_H */
