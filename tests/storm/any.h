/* SPDX-License-Identifier: GPL-2.0-only */
/* The storm with waits for any of several objects.  Included once. */
#ifndef STORM_ANY_H
#define STORM_ANY_H

#include "steps.h"

/* The objects, in this order; of the semaphore there is one unit, with UNDO. */
enum { ANY_LOCK, ANY_SEM, ANY_QUEUE, ANY_KINDS };

struct any {
	struct { unsigned long first, second, unnoticed; } counts;
	unsigned long won[ANY_KINDS], wakes;
};

static void any_won(struct worker *w, __u32 first, struct any *any, __u32 object, bool died)
{
	add(&any->won[object]);
	if (object == ANY_SEM) {
		linger(&w->seed);
		CHECK(do_sem_post(w->fd, w->owner, first + ANY_SEM) == 0);
	}
	if (object != ANY_LOCK)
		return;
	if (!died && get(&any->counts.first) != get(&any->counts.second))
		add(&any->counts.unnoticed);
	if (died) {
		add(storm_told);
		__atomic_store_n(&any->counts.second, get(&any->counts.first), __ATOMIC_RELAXED);
		CHECK(do_consistent(w->fd, w->owner, first + ANY_LOCK) == 0);
	}
	increment(&any->counts.first, &w->seed);
	increment(&any->counts.second, &w->seed);
	give(w, first + ANY_LOCK);
}

static void any_step(struct worker *w, __u32 first, void *data)
{
	struct shmbuf_wait_item items[ANY_KINDS];
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = ANY_KINDS,
		.deadline = some_deadline(w),
	};
	__u32 turn = draw(&w->seed) % ANY_KINDS, i;
	struct any *any = data;
	int ret;

	if (draw(&w->seed) % 4 == 0) {
		add(&any->wakes);
		CHECK(do_wake(w->fd, first + ANY_QUEUE, 1) >= 0);
		return;
	}
	for (i = 0; i < ANY_KINDS; i++) {
		__u32 object = (i + turn) % ANY_KINDS, index = first + object;

		items[i] = (struct shmbuf_wait_item){ .fd = w->fd, .index = index };
		items[i].kind = object == ANY_LOCK ? SHMBUF_KIND_LOCK :
				object == ANY_SEM ? SHMBUF_KIND_SEMAPHORE : SHMBUF_KIND_QUEUE;
		items[i].flags = object == ANY_SEM ? SHMBUF_WAIT_ITEM_UNDO : 0;
		items[i].owner = object == ANY_QUEUE ? 0 : w->owner;
		items[i].sequence = object == ANY_QUEUE ? read_sequence(&w->c, index) : 0;
	}
	ret = call(w->fd, SHMBUF_IOC_WAIT_ANY, &arg);
	CHECK(ret >= 0 || ret == -ETIMEDOUT);
	if (ret >= 0)
		any_won(w, first, any, ((ret & 0xffff) + turn) % ANY_KINDS,
			ret & SHMBUF_WAIT_ANY_OWNERDEAD);
}

static void any_nudge(struct worker *w, __u32 first, void *data)
{
	add(&((struct any *)data)->wakes);
	CHECK(do_wake(w->fd, first + ANY_QUEUE, SHMBUF_WAKE_ALL) >= 0);
}

static const char *any_check(struct worker *w, __u32 first, void *data, unsigned long killed)
{
	const struct any *any = data;
	__u64 sequence = read_sequence(&w->c, first + ANY_QUEUE);
	int ret = do_trylock(w->fd, w->owner, first + ANY_LOCK);

	printf("# won: %lu locks, %lu units, %lu wakes\n", any->won[ANY_LOCK],
	       any->won[ANY_SEM], any->won[ANY_QUEUE]);
	if (!held(ret))
		return "the lock can't be taken";
	if (any->counts.unnoticed || (!ret && any->counts.first != any->counts.second))
		return "half a change went unnoticed";
	if (read_count(&w->c, first + ANY_SEM) != 1)
		return "the unit didn't come back, or twice";
	if (sequence > any->wakes || any->wakes - sequence > killed)
		return "more or less wakes than there were";
	return any->won[ANY_LOCK] && any->won[ANY_SEM] ? NULL : "nothing was won";
}

#endif /* STORM_ANY_H */
