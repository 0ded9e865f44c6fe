/* SPDX-License-Identifier: GPL-2.0-only */
/* The storm with waits that give a lock up meanwhile.  Included once. */
#ifndef STORM_CONDITION_H
#define STORM_CONDITION_H

#include "steps.h"

#define ROOM	4

/* The queues, after the lock: of those who wait for an item, and of those who wait for room. */
enum { ITEMS, SPACE };

struct stock {
	unsigned long made, used, there;	/* under the lock */
	unsigned long said_made, said_used;	/* before and after */
	unsigned long wakes[2];			/* said before */
	unsigned long woken, timed_out, unnoticed;
};

static void restock(struct worker *w, __u32 lock, struct stock *s)
{
	__atomic_store_n(&s->there, get(&s->made) - get(&s->used), __ATOMIC_RELAXED);
	linger(&w->seed);
	CHECK(do_consistent(w->fd, w->owner, lock) == 0);
}

/* The lock has just been got, after a holder's death if @died. */
static void look_after(struct worker *w, __u32 lock, struct stock *s, bool died)
{
	if (died)
		restock(w, lock, s);
	else if (get(&s->there) != get(&s->made) - get(&s->used))
		add(&s->unnoticed);
}

/* The lock is held after as before. */
static void wait_for_change(struct worker *w, __u32 lock, int queue, struct stock *s)
{
	__u64 deadline = draw(&w->seed) % 8 ? now() + draw(&w->seed) % NSEC_PER_MSEC : NEVER;
	__u32 index = lock + 1 + queue;
	int ret = do_wait_locked(w->fd, w->owner, lock, index, read_sequence(&w->c, index),
				 deadline);

	CHECK(ret >= 0 && !(ret & ~(SHMBUF_WAITED_OWNERDEAD | SHMBUF_WAITED_TIMEDOUT)));
	if (ret & SHMBUF_WAITED_OWNERDEAD)
		add(storm_told);
	look_after(w, lock, s, ret & SHMBUF_WAITED_OWNERDEAD);
	add(ret & SHMBUF_WAITED_TIMEDOUT ? &s->timed_out : &s->woken);
}

static void tell(struct worker *w, __u32 lock, int queue, struct stock *s)
{
	add(&s->wakes[queue]);
	if (draw(&w->seed) % 2 || !fast_wake(&w->c, lock + 1 + queue))
		CHECK(do_wake(w->fd, lock + 1 + queue, draw(&w->seed) % 4 ?: SHMBUF_WAKE_ALL) >= 0);
}

static void use_one(struct worker *w, struct stock *s)
{
	increment(&s->used, &w->seed);
	linger(&w->seed);
	__atomic_store_n(&s->there, get(&s->there) - 1, __ATOMIC_RELAXED);
	add(&s->said_used);
}

static void make_one(struct worker *w, struct stock *s)
{
	add(&s->said_made);
	increment(&s->made, &w->seed);
	linger(&w->seed);
	__atomic_store_n(&s->there, get(&s->there) + 1, __ATOMIC_RELAXED);
}

static void condition_step(struct worker *w, __u32 lock, void *data)
{
	bool use = draw(&w->seed) % 2, early = draw(&w->seed) % 2;
	unsigned long stop = use ? 0 : ROOM;
	struct stock *s = data;
	int ret = take(w, lock);

	CHECK(ret != -EDEADLK);
	if (!held(ret))
		return;
	look_after(w, lock, s, ret);
	if (get(&s->there) == stop)
		wait_for_change(w, lock, use ? ITEMS : SPACE, s);
	if (get(&s->there) == stop) {
		give(w, lock);
		return;
	}
	if (use)
		use_one(w, s);
	else
		make_one(w, s);
	if (early)
		tell(w, lock, use ? SPACE : ITEMS, s);
	give(w, lock);
	if (!early)
		tell(w, lock, use ? SPACE : ITEMS, s);
}

static void condition_nudge(struct worker *w, __u32 lock, void *data)
{
	struct stock *s = data;
	int i;

	for (i = 0; i < 2; i++) {
		add(&s->wakes[i]);
		CHECK(do_wake(w->fd, lock + 1 + i, SHMBUF_WAKE_ALL) >= 0);
	}
}

static const char *condition_check(struct worker *w, __u32 lock, void *data, unsigned long killed)
{
	struct stock *s = data;
	int ret = do_trylock(w->fd, w->owner, lock), i;

	printf("# %lu made, %lu used; waits: %lu woken, %lu timed out\n", s->made, s->used,
	       s->woken, s->timed_out);
	if (!held(ret))
		return "the lock can't be taken";
	if (s->unnoticed || (!ret && s->there != s->made - s->used))
		return "half a change went unnoticed";
	if (s->made - s->used > ROOM)
		return "used what wasn't there, or made too much";
	/* Who is killed may have said that he will make one, or not that he has used one. */
	if (s->made > s->said_made || s->said_made - s->made > killed ||
	    s->said_used > s->used || s->used - s->said_used > killed)
		return "a change is lost, or made twice";
	for (i = 0; i < 2; i++) {
		__u64 sequence = read_sequence(&w->c, lock + 1 + i);

		if (read_word(&w->c, lock + 1 + i) & SHMBUF_WORD_WAITERS)
			return "nobody waits, and the word says so";
		if (sequence > s->wakes[i] || s->wakes[i] - sequence > killed)
			return "more or less wakes than there were";
	}
	return killed > 100 && (!s->woken || !s->timed_out) ? "nobody waited" : NULL;
}

#endif /* STORM_CONDITION_H */
