/* SPDX-License-Identifier: GPL-2.0-only */
/* What the steps of several kinds are made of.  Included once. */
#ifndef STORM_STEPS_H
#define STORM_STEPS_H

#include "storm.h"

/* How often a holder's death was told of. */
static unsigned long *storm_told;

static unsigned long get(const unsigned long *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void add(unsigned long *p)
{
	__atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST);
}

static void linger(__u64 *seed)
{
	int gap = draw(seed) % 1000;

	while (gap--)
		asm volatile("" ::: "memory");
}

/* Not atomic: only a lock makes it right. */
static void increment(unsigned long *p, __u64 *seed)
{
	unsigned long old = get(p);

	linger(seed);
	__atomic_store_n(p, old + 1, __ATOMIC_RELAXED);
}

static __u32 some_flags(struct worker *w)
{
	static const __u32 flags[] = { 0, 0, SHMBUF_LOCK_NOSPIN, SHMBUF_LOCK_SPIN,
				       SHMBUF_LOCK_TRY, SHMBUF_LOCK_INTERRUPTIBLE };

	return flags[draw(&w->seed) % ARRAY_SIZE(flags)];
}

/* Mostly none; now and then one that may well pass. */
static __u64 some_deadline(struct worker *w)
{
	return draw(&w->seed) % 8 ? NEVER : now() + draw(&w->seed) % NSEC_PER_MSEC;
}

/* 0 or -EOWNERDEAD with the lock held. */
static int take(struct worker *w, __u32 index)
{
	int ret;

	if (draw(&w->seed) % 2 && fast_lock(&w->c, w->owner, index))
		return 0;
	ret = do_lock(w->fd, w->owner, index, some_flags(w), some_deadline(w));
	CHECK(ret == 0 || ret == -EOWNERDEAD || ret == -EBUSY || ret == -ETIMEDOUT ||
	      ret == -EDEADLK);
	if (ret == -EOWNERDEAD)
		add(storm_told);
	return ret;
}

static void give(struct worker *w, __u32 index)
{
	if (draw(&w->seed) % 2 == 0 || !fast_unlock(&w->c, w->owner, index))
		CHECK(do_unlock(w->fd, w->owner, index) == 0);
}

static bool held(int ret)
{
	return ret == 0 || ret == -EOWNERDEAD;
}

static void mend(struct worker *w, __u32 index, int ret)
{
	if (ret == -EOWNERDEAD)
		CHECK(do_consistent(w->fd, w->owner, index) == 0);
}

#endif /* STORM_STEPS_H */
