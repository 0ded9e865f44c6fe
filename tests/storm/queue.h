/* SPDX-License-Identifier: GPL-2.0-only */
/* The storm with queues.  Included once. */
#ifndef STORM_QUEUE_H
#define STORM_QUEUE_H

#include "steps.h"

#define QUEUES	2

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

#endif /* STORM_QUEUE_H */
