/* SPDX-License-Identifier: GPL-2.0-only */
/* The storm with semaphores.  Included once. */
#ifndef STORM_SEM_H
#define STORM_SEM_H

#include "steps.h"

#define UNITS	2	/* of the semaphore with UNDO */
#define SEMS	2	/* without */

/*
 * With UNDO: who has a unit also takes one of as many locks, his place.  That none of
 * them is free proves that somebody is inside too many.
 */

struct places {
	unsigned long left[UNITS];	/* how often a place was given up, said before */
	unsigned long taken, too_many;
};

struct view {
	__u64 holder[UNITS];
	unsigned long left[UNITS];
};

static struct view look(struct worker *w, __u32 first, const struct places *places)
{
	struct view view;
	__u32 i;

	for (i = 0; i < UNITS; i++) {
		view.left[i] = __atomic_load_n(&places->left[i], __ATOMIC_SEQ_CST);
		view.holder[i] = read_word(&w->c, first + i) & SHMBUF_OWNER_MASK;
	}
	return view;
}

/*
 * The place, or -1: others have had all of them at one moment, by the same hold, and
 * were alive.
 */
static int find_place(struct worker *w, __u32 first, const struct places *places)
{
	for (;;) {
		struct view before = look(w, first, places), after;
		int i, ret;

		for (i = 0; i < UNITS; i++) {
			if (draw(&w->seed) % 2 && fast_lock(&w->c, w->owner, first + i))
				return i;
			ret = do_trylock(w->fd, w->owner, first + i);
			if (ret == -EOWNERDEAD)
				CHECK(do_consistent(w->fd, w->owner, first + i) == 0);
			if (held(ret))
				return i;
			CHECK(ret == -EBUSY);
		}
		after = look(w, first, places);
		if (!memcmp(&before, &after, sizeof(after)))
			return -1;
	}
}

static void undo_step(struct worker *w, __u32 first, void *data)
{
	struct places *places = data;
	__u32 sem = first + UNITS;
	int place, ret;

	ret = do_sem_wait(w->fd, w->owner, sem, draw(&w->seed) % 4 ? 0 : SHMBUF_SEM_TRY,
			  some_deadline(w));
	CHECK(ret == 0 || ret == -EBUSY || ret == -ETIMEDOUT);
	if (ret)
		return;
	add(&places->taken);
	place = find_place(w, first, places);
	if (place < 0) {
		add(&places->too_many);
	} else {
		linger(&w->seed);
		add(&places->left[place]);
		give(w, first + place);
	}
	CHECK(do_sem_post(w->fd, w->owner, sem) == 0);
}

static const char *undo_check(struct worker *w, __u32 first, void *data, unsigned long killed)
{
	const struct places *places = data;
	__u32 sem = first + UNITS;

	(void)killed;
	printf("# %lu units taken\n", places->taken);
	if (places->too_many)
		return "too many were inside";
	if (read_word(&w->c, sem) & SHMBUF_WORD_WAITERS)
		return "nobody waits, and the word says so";
	if (read_count(&w->c, sem) < UNITS)
		return "a unit hasn't come back";
	if (read_count(&w->c, sem) > UNITS)
		return "a unit came back twice";
	if (do_sem_post(w->fd, w->owner, sem) != -EPERM)
		return "who has no unit can give one back";
	return places->taken ? NULL : "nothing was done";
}

/* Without UNDO: a unit more with each post, one less with each wait. */

struct units {
	unsigned long posted, taken;	/* the one said before, the other after */
};

static void post(struct worker *w, __u32 index, struct units *units)
{
	add(&units->posted);
	if (draw(&w->seed) % 2 == 0 || !fast_up(&w->c, index))
		CHECK(do_sem_post(w->fd, 0, index) == 0);
}

static void sem_step(struct worker *w, __u32 first, void *data)
{
	__u32 index = first + draw(&w->seed) % SEMS;
	struct units *units = data;
	int ret;

	if (draw(&w->seed) % 2) {
		post(w, index, units);
		return;
	}
	if (draw(&w->seed) % 2 && fast_down(&w->c, index)) {
		add(&units->taken);
		return;
	}
	ret = do_sem_wait(w->fd, 0, index, draw(&w->seed) % 4 ? 0 : SHMBUF_SEM_TRY,
			  some_deadline(w));
	CHECK(ret == 0 || ret == -EBUSY || ret == -ETIMEDOUT);
	if (!ret)
		add(&units->taken);
}

static void sem_nudge(struct worker *w, __u32 first, void *data)
{
	__u32 i;

	for (i = 0; i < SEMS; i++)
		post(w, first + i, data);
}

static const char *sem_check(struct worker *w, __u32 first, void *data, unsigned long killed)
{
	const struct units *units = data;
	unsigned long count = 0, said = units->posted - units->taken;
	__u32 i;

	for (i = 0; i < SEMS; i++) {
		count += read_count(&w->c, first + i);
		if (read_word(&w->c, first + i) & SHMBUF_WORD_WAITERS)
			return "nobody waits, and the word says so";
	}
	printf("# %lu units posted, %lu taken, %lu there\n", units->posted, units->taken, count);
	/* Who is killed may have said that he will post, or not have said that he took. */
	if (count > said || said - count > killed)
		return "more or less units than there were";
	return units->taken ? NULL : "nothing was done";
}

#endif /* STORM_SEM_H */
