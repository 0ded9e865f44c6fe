/* SPDX-License-Identifier: GPL-2.0-only */
/* The storm with locks that readers share.  Included once. */
#ifndef STORM_READER_H
#define STORM_READER_H

#include "lock.h"

#define SHARED	2

struct shared {
	struct counts counts;
	unsigned long reads, by_row, changed;
};

/* As take(), to read; -EOWNERDEAD with the lock held exclusively.  @by_row: by no call. */
static int take_to_read(struct worker *w, __u32 index, bool *by_row)
{
	int ret;

	*by_row = draw(&w->seed) % 4 && fast_read(w->row, index);
	if (*by_row)
		return 0;
	ret = do_read(w->fd, w->owner, index, some_flags(w), some_deadline(w));
	CHECK(ret == 0 || ret == -EOWNERDEAD || ret == -EBUSY || ret == -ETIMEDOUT);
	if (ret == -EOWNERDEAD)
		add(storm_told);
	return ret;
}

static void give_read(struct worker *w, __u32 index)
{
	if (draw(&w->seed) % 4 == 0 || !fast_unread(w->row, index))
		CHECK(do_unlock(w->fd, w->owner, index) == 0);
}

/* Nothing is half changed, and nothing changes meanwhile. */
static void see(struct worker *w, struct shared *s)
{
	unsigned long first = get(&s->counts.first);

	if (get(&s->counts.second) != first)
		add(&s->counts.unnoticed);
	linger(&w->seed);
	if (get(&s->counts.second) != first || get(&s->counts.first) != first)
		add(&s->changed);
}

static void repair(struct worker *w, __u32 index, struct counts *counts)
{
	__atomic_store_n(&counts->second, get(&counts->first), __ATOMIC_RELAXED);
	linger(&w->seed);
	CHECK(do_consistent(w->fd, w->owner, index) == 0);
}

static void read_step(struct worker *w, __u32 index, struct shared *s)
{
	bool by_row, again;
	int ret = take_to_read(w, index, &by_row);

	if (!held(ret))
		return;
	if (ret) {
		repair(w, index, &s->counts);
		CHECK(do_downgrade(w->fd, w->owner, index) == 0);
	}
	see(w, s);
	/* Who reads may once more. */
	if (draw(&w->seed) % 8 == 0) {
		ret = take_to_read(w, index, &again);
		CHECK(ret == 0);
		see(w, s);
		give_read(w, index);
	}
	add(by_row ? &s->by_row : &s->reads);
	give_read(w, index);
}

static void shared_step(struct worker *w, __u32 first, void *data)
{
	__u32 i = draw(&w->seed) % SHARED, index = first + i;
	struct shared *s = (struct shared *)data + i;
	int ret;

	if (draw(&w->seed) % 4) {
		read_step(w, index, s);
		return;
	}
	ret = take(w, index);
	CHECK(ret != -EDEADLK);
	if (!held(ret))
		return;
	if (!ret && get(&s->counts.first) != get(&s->counts.second))
		add(&s->counts.unnoticed);
	if (ret)
		repair(w, index, &s->counts);
	increment(&s->counts.first, &w->seed);
	increment(&s->counts.second, &w->seed);
	if (draw(&w->seed) % 4) {
		give(w, index);
		return;
	}
	CHECK(do_downgrade(w->fd, w->owner, index) == 0);
	see(w, s);
	give_read(w, index);
}

static const char *shared_check(struct worker *w, __u32 first, void *data, unsigned long killed)
{
	struct shared *s = data;
	__u32 i;

	for (i = 0; i < SHARED; i++, s++) {
		int ret = do_trylock(w->fd, w->owner, first + i);

		printf("# %lu writes, %lu reads by a call, %lu by the row\n", s->counts.first,
		       s->reads, s->by_row);
		if (!held(ret))
			return "a lock can't be taken: somebody dead reads?";
		if (!ret && s->counts.first != s->counts.second)
			return "half a change, and nobody hears of a death";
		if (s->counts.unnoticed)
			return "half a change was seen";
		if (s->changed)
			return "something changed while somebody read";
		if (!s->counts.first || !s->reads || (killed > 100 && !s->by_row))
			return "nobody wrote, or nobody read";
	}
	return NULL;
}

#endif /* STORM_READER_H */
