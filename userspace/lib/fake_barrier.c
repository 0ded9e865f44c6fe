// SPDX-License-Identifier: MIT
/* The device fake's barriers. */
#include "fake_call.h"

#include <errno.h>

enum { FAKE_COMING, FAKE_ARRIVED };

static int fake_barrier_check(struct fake_call *c, const struct shmbuf_barrier *b)
{
	if (b->flags)
		return -EOPNOTSUPP;
	if (!fake_owner_is_caller(c->f, b->owner))
		return -EPERM;
	return fake_word_of(c, b->index, SHMBUF_KIND_BARRIER) ? 0 : -EINVAL;
}

/* 0 or an error for who has arrived, -EBUSY where that isn't decided. */
static int fake_barrier_look(struct fake_sleeper *s, __u64 word)
{
	if (shmbuf_barrier_word_phase(word) != s->expected)
		return 0;
	return word & SHMBUF_WORD_NOTRECOVERABLE ? -EOWNERDEAD : -EBUSY;
}

static int fake_barrier_arrive(struct fake_call *c, struct fake_sleeper *s,
			       const struct shmbuf_barrier *b)
{
	__u64 *word = fake_word(c, b->index), old = fake_word_take(word), new;
	int ret = shmbuf_barrier_arrive(old, c->f->waiters[b->index], &new);

	if (ret >= 0 && !fake_claim_get(c->f, b->index, b->owner)) {
		new = old;
		ret = -EDQUOT;
	}
	fake_word_give(word, new);
	if (ret)
		return ret;
	s->stage = FAKE_ARRIVED;
	s->expected = shmbuf_barrier_word_phase(old);
	return -EBUSY;
}

int fake_barrier_wait(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_barrier *b = s->argument;
	int ret = fake_barrier_check(c, b);

	if (ret)
		return ret;
	s->sleeps = true;
	s->index = b->index;
	s->deadline = b->deadline;
	if (s->stage == FAKE_COMING)
		return fake_barrier_arrive(c, s, b);
	return fake_barrier_look(s, __atomic_load_n(fake_word(c, b->index), __ATOMIC_RELAXED));
}

int fake_barrier_give_up(struct fake_call *c, struct fake_sleeper *s)
{
	__u64 *word = fake_word(c, s->index), old = fake_word_take(word), new = old;
	int ret = fake_barrier_look(s, old);

	if (ret == -EBUSY) {
		shmbuf_barrier_take_back(old, c->f->waiters[s->index], &new);
		ret = s->result;
	}
	fake_word_give(word, new);
	return ret;
}

int fake_barrier_leave(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_barrier *b = s->argument;
	int ret = fake_barrier_check(c, b);
	struct fake_claim *claim;

	if (ret)
		return ret;
	claim = fake_claim_find(c->f, b->index, b->owner);
	if (!claim)
		return -ENOENT;
	fake_claim_free(c->f, claim);
	return 0;
}
