// SPDX-License-Identifier: MIT
/* The device fake's wait queues, and conditions. */
#include "fake_call.h"

#include <errno.h>

/* How far a wait with LOCK has come. */
enum { FAKE_HOLDING, FAKE_ASLEEP, FAKE_RETAKING };

/* 0 where the queue has moved from *@sequence, to what that is from here; else -EBUSY. */
static int fake_queue_look(struct fake_call *c, __u32 index, __u64 *sequence)
{
	__u64 *word, present;

	if (index == SHMBUF_INDEX_DEATHS) {
		fake_reap(c);
		present = c->f->nr_deaths;
	} else {
		word = fake_word_of(c, index, SHMBUF_KIND_QUEUE);
		if (!word)
			return -EINVAL;
		present = fake_word_take(word) & SHMBUF_SEQUENCE_MASK;
		fake_word_give(word, shmbuf_queue_word(present, c->f->waiters[index]));
	}
	if (present == *sequence)
		return -EBUSY;
	*sequence = present;
	return 0;
}

static int fake_condition_retake(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_wait *w = s->argument;
	int ret;

	s->stage = FAKE_RETAKING;
	s->index = w->lock;
	s->writer = true;
	s->stubborn = true;
	if (!fake_word_of(c, w->lock, SHMBUF_KIND_LOCK))
		return -ENOTRECOVERABLE;
	ret = fake_lock_take(c, w->lock, w->owner);
	if (ret && ret != -EOWNERDEAD)
		return ret == -EBUSY ? -EBUSY : -ENOTRECOVERABLE;
	return s->waited | (ret ? SHMBUF_WAITED_OWNERDEAD : 0);
}

static int fake_condition_sleep(struct fake_sleeper *s)
{
	s->stage = FAKE_ASLEEP;
	return -EBUSY;
}

static int fake_condition_begin(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_wait *w = s->argument;
	__u64 *word = fake_word_of(c, w->lock, SHMBUF_KIND_LOCK);
	int ret;

	s->expected = w->sequence;
	ret = fake_queue_look(c, w->index, &s->expected);
	if (!word || (ret && ret != -EBUSY))
		return -EINVAL;
	if (!fake_owner_is_caller(c->f, w->owner))
		return -EPERM;
	if (w->flags & SHMBUF_WAIT_RELEASED)
		return ret ? fake_condition_sleep(s) : fake_condition_retake(c, s);
	if (!shmbuf_lock_is_sound(__atomic_load_n(word, __ATOMIC_RELAXED), w->owner))
		return -EPERM;
	if (!ret)
		return 0;
	fake_lock_put(c, w->lock, w->owner);
	return fake_condition_sleep(s);
}

static int fake_condition(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_wait *w = s->argument;
	int ret;

	switch (s->stage) {
	case FAKE_HOLDING:
		return fake_condition_begin(c, s);
	case FAKE_ASLEEP:
		ret = fake_queue_look(c, w->index, &s->expected);
		if (ret == -EBUSY)
			return ret;
		break;
	}
	return fake_condition_retake(c, s);
}

int fake_wait(struct fake_call *c, struct fake_sleeper *s)
{
	struct shmbuf_wait *w = s->argument;

	if (w->flags & ~(SHMBUF_WAIT_LOCK | SHMBUF_WAIT_PEERS | SHMBUF_WAIT_RELEASED))
		return -EOPNOTSUPP;
	if ((w->flags & (SHMBUF_WAIT_LOCK | SHMBUF_WAIT_RELEASED)) == SHMBUF_WAIT_RELEASED)
		return -EINVAL;
	s->sleeps = true;
	if (s->stage == FAKE_HOLDING) {
		s->index = w->index;
		s->deadline = w->deadline;
		s->peers = w->flags & SHMBUF_WAIT_PEERS;
		s->deaths = w->deaths;
	}
	return w->flags & SHMBUF_WAIT_LOCK ? fake_condition(c, s) :
					     fake_queue_look(c, w->index, &w->sequence);
}

int fake_wait_give_up(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_wait *w = s->argument;

	if (!(w->flags & SHMBUF_WAIT_LOCK))
		return s->result;
	switch (s->result) {
	case -ETIMEDOUT:
		s->waited = SHMBUF_WAITED_TIMEDOUT;
		break;
	case -EINTR:
		s->waited = SHMBUF_WAITED_INTERRUPTED;
		break;
	case -EPIPE:
		s->waited = SHMBUF_WAITED_ALONE;
		break;
	default:
		s->waited = SHMBUF_WAITED_PEERDEAD;
	}
	return fake_condition_retake(c, s);
}

int fake_wake(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_wake *w = s->argument;
	__u64 *word = fake_word_of(c, w->index, SHMBUF_KIND_QUEUE), new;
	__u32 waiters;

	if (!word || !w->count)
		return -EINVAL;
	waiters = c->f->waiters[w->index];
	shmbuf_queue_wake(fake_word_take(word), waiters, &new);
	fake_word_give(word, new);
	return waiters < w->count ? waiters : w->count;
}
