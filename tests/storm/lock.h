/* SPDX-License-Identifier: GPL-2.0-only */
/* The storm with exclusive locks.  Included once. */
#ifndef STORM_LOCK_H
#define STORM_LOCK_H

#include "steps.h"

#define LOCKS	3
#define PAIRS	4

/* Exclusive locks: two counts that differ only while somebody changes them, or died of it. */

struct counts {
	unsigned long first, second, unnoticed;
};

static void lock_step(struct worker *w, __u32 first, void *data)
{
	__u32 i = draw(&w->seed) % LOCKS;
	struct counts *counts = (struct counts *)data + i;
	int ret = take(w, first + i);

	if (!held(ret))
		return;
	if (!ret && get(&counts->first) != get(&counts->second))
		add(&counts->unnoticed);
	if (ret) {
		__atomic_store_n(&counts->second, get(&counts->first), __ATOMIC_RELAXED);
		linger(&w->seed);
		CHECK(do_consistent(w->fd, w->owner, first + i) == 0);
	}
	increment(&counts->first, &w->seed);
	increment(&counts->second, &w->seed);
	give(w, first + i);
}

static const char *lock_check(struct worker *w, __u32 first, void *data, unsigned long killed)
{
	struct counts *counts = data;
	__u32 i;

	(void)killed;
	for (i = 0; i < LOCKS; i++) {
		int ret = do_trylock(w->fd, w->owner, first + i);

		if (!held(ret))
			return "a lock can't be taken";
		if (!ret && counts[i].first != counts[i].second)
			return "half a change, and nobody hears of a death";
		if (counts[i].unnoticed)
			return "half a change went unnoticed";
		if (!counts[i].first)
			return "nothing was done";
	}
	return NULL;
}

/* Two locks in any order: deadlocks, told of or broken by death. */

static void pair_step(struct worker *w, __u32 first, void *data)
{
	__u32 a = draw(&w->seed) % PAIRS, b = (a + 1 + draw(&w->seed) % (PAIRS - 1)) % PAIRS;
	unsigned long *cycles = data;
	int ret = take(w, first + a);

	if (!held(ret))
		return;
	mend(w, first + a, ret);
	linger(&w->seed);
	ret = take(w, first + b);
	if (held(ret)) {
		mend(w, first + b, ret);
		linger(&w->seed);
		give(w, first + b);
	} else if (ret == -EDEADLK) {
		add(cycles);
	}
	give(w, first + a);
}

static const char *pair_check(struct worker *w, __u32 first, void *data, unsigned long killed)
{
	const unsigned long *cycles = data;
	__u32 i;

	printf("# %lu deadlocks\n", *cycles);
	for (i = 0; i < PAIRS; i++)
		if (!held(do_trylock(w->fd, w->owner, first + i)))
			return "a lock can't be taken";
	return killed > 100 && !*cycles ? "there was no deadlock" : NULL;
}

#endif /* STORM_LOCK_H */
