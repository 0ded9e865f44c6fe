// SPDX-License-Identifier: MIT
/* The kinds of the device fake's sync objects. */
#include "fake_call.h"

#include <errno.h>

/* The word that an object of the kind begins with; false for a wrong value or kind. */
static bool fake_first_word(const struct shmbuf_range *r, __u64 *word)
{
	__u64 count = r->value & ~0U, most = r->value >> 32;

	switch (r->kind) {
	case SHMBUF_KIND_LOCK:
		*word = 0;
		return !r->value;
	case SHMBUF_KIND_QUEUE:
		*word = shmbuf_queue_word(r->value, 0);
		return !(r->value & ~SHMBUF_SEQUENCE_MASK);
	case SHMBUF_KIND_SEMAPHORE:
		if (!most)
			most = SHMBUF_SEM_MAX;
		*word = shmbuf_sem_word(most, count, 0);
		return most <= SHMBUF_SEM_MAX && count <= most;
	case SHMBUF_KIND_BARRIER:
		*word = shmbuf_barrier_word(0, 0, r->value & SHMBUF_BARRIER_MAX, 0);
		return r->value && r->value <= SHMBUF_BARRIER_MAX;
	default:
		return false;
	}
}

static bool fake_range_is_there(const struct fake_buffer *f, const struct shmbuf_range *r)
{
	return r->count && r->first <= f->nr_objects &&
	       r->count <= f->nr_objects - r->first;
}

int fake_set_kinds(struct fake_call *c, const struct shmbuf_range *r)
{
	__u64 word;
	__u32 i;

	if (!fake_range_is_there(c->f, r) || !fake_first_word(r, &word))
		return -EINVAL;
	for (i = r->first; i < r->first + r->count; i++)
		if (c->f->kinds[i])
			return -EEXIST;
	for (i = r->first; i < r->first + r->count; i++) {
		c->f->kinds[i] = r->kind;
		fake_word_give(fake_word(c, i), word);
	}
	return 0;
}

int fake_init_objects(struct fake_call *c, struct fake_sleeper *s)
{
	return fake_set_kinds(c, &((const struct shmbuf_init *)s->argument)->range);
}

/* A party of a barrier doesn't keep it: who has units or reads does. */
static bool fake_is_busy(struct fake_call *c, __u32 index)
{
	__u64 old = __atomic_load_n(fake_word(c, index), __ATOMIC_ACQUIRE);
	struct fake_claim *claim = NULL;

	if (c->f->waiters[index])
		return true;
	if (c->f->kinds[index] == SHMBUF_KIND_LOCK &&
	    fake_owner_alive(c->f, shmbuf_lock_word_owner(old)))
		return true;
	if (c->f->kinds[index] == SHMBUF_KIND_BARRIER)
		return false;
	while ((claim = fake_claim_next(c->f, claim, index)))
		if (c->f->kinds[index] == SHMBUF_KIND_SEMAPHORE || fake_reader_count(c, claim))
			return true;
	return false;
}

int fake_reset(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_range *r = &((const struct shmbuf_init *)s->argument)->range;
	struct fake_claim *claim;
	__u32 i;

	if (!fake_range_is_there(c->f, r))
		return -EINVAL;
	for (i = r->first; i < r->first + r->count; i++)
		if (fake_is_busy(c, i))
			return -EBUSY;
	for (i = r->first; i < r->first + r->count; i++) {
		if (c->f->kinds[i] == SHMBUF_KIND_LOCK)
			fake_readers_stop(c, i);
		while ((claim = fake_claim_next(c->f, NULL, i)))
			fake_claim_free(c->f, claim);
		c->f->kinds[i] = SHMBUF_KIND_NONE;
		fake_word_give(fake_word(c, i), SHMBUF_WORD_UNUSED);
	}
	return 0;
}
