/* SPDX-License-Identifier: GPL-2.0-only */
/* What is done in the storm with each kind of sync object.  Included once. */
#ifndef STORM_KINDS_H
#define STORM_KINDS_H

#include "storm.h"

#define LOCKS	3
#define PAIRS	4
#define QUEUES	2

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

static void mend(struct worker *w, __u32 index, int ret)
{
	if (ret == -EOWNERDEAD)
		CHECK(do_consistent(w->fd, w->owner, index) == 0);
}

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

/* Queues: a sequence moves by one with each wake, and by nothing else. */

static void queue_step(struct worker *w, __u32 first, void *data)
{
	__u32 i = draw(&w->seed) % QUEUES, index = first + i;
	unsigned long *wakes = data;
	__u64 sequence;
	int ret;

	if (draw(&w->seed) % 4) {
		add(&wakes[i]);
		if (draw(&w->seed) % 2 || !fast_wake(&w->c, index))
			CHECK(do_wake(w->fd, index, draw(&w->seed) % 4 ?: SHMBUF_WAKE_ALL) >= 0);
		return;
	}
	sequence = read_sequence(&w->c, index);
	ret = do_wait(w->fd, index, &sequence,
		      draw(&w->seed) % 16 ? now() + draw(&w->seed) % NSEC_PER_MSEC : NEVER);
	CHECK(ret == 0 || ret == -ETIMEDOUT);
}

static void queue_nudge(struct worker *w, __u32 first, void *data)
{
	unsigned long *wakes = data;
	__u32 i;

	for (i = 0; i < QUEUES; i++) {
		add(&wakes[i]);
		CHECK(do_wake(w->fd, first + i, SHMBUF_WAKE_ALL) >= 0);
	}
}

static const char *queue_check(struct worker *w, __u32 first, void *data, unsigned long killed)
{
	unsigned long *wakes = data;
	__u32 i;

	for (i = 0; i < QUEUES; i++) {
		__u64 sequence = read_sequence(&w->c, first + i);

		if (read_word(&w->c, first + i) & SHMBUF_WORD_WAITERS)
			return "nobody waits, and the word says so";
		/* Who is killed may have said that he will wake, and no more. */
		if (sequence > wakes[i] || wakes[i] - sequence > killed)
			return "more or less wakes than there were";
	}
	return NULL;
}

static const struct storm_kind storm_kinds[] = {
	{ "exclusive lock", SHMBUF_KIND_LOCK, LOCKS, 0, lock_step, NULL, lock_check },
	{ "two locks in any order", SHMBUF_KIND_LOCK, PAIRS, 0, pair_step, NULL, pair_check },
	{ "queue", SHMBUF_KIND_QUEUE, QUEUES, 0, queue_step, queue_nudge, queue_check },
};

static const size_t storm_nr_kinds = ARRAY_SIZE(storm_kinds);

#endif /* STORM_KINDS_H */
