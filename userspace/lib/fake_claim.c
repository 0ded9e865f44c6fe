// SPDX-License-Identifier: MIT
/* What owners of the device fake have of an object that its word doesn't tell. */
#include "fake_call.h"

/* The next one of @index behind @claim, or the first; NULL where there is none. */
struct fake_claim *fake_claim_next(struct fake_buffer *f, struct fake_claim *claim,
				   __u32 index)
{
	for (claim = claim ? claim + 1 : f->claims; claim < f->claims + FAKE_CLAIMS; claim++)
		if (claim->holder && claim->index == index)
			return claim;
	return NULL;
}

struct fake_claim *fake_claim_find(struct fake_buffer *f, __u32 index, __u64 holder)
{
	struct fake_claim *claim = NULL;

	while ((claim = fake_claim_next(f, claim, index)))
		if (claim->holder == holder)
			return claim;
	return NULL;
}

struct fake_claim *fake_claim_get(struct fake_buffer *f, __u32 index, __u64 holder)
{
	struct fake_claim *claim = fake_claim_find(f, index, holder);

	if (claim)
		return claim;
	for (claim = f->claims; claim < f->claims + FAKE_CLAIMS; claim++) {
		if (claim->holder)
			continue;
		*claim = (struct fake_claim) { .holder = holder, .index = index };
		f->nr_claims++;
		return claim;
	}
	return NULL;
}

void fake_claim_free(struct fake_buffer *f, struct fake_claim *claim)
{
	claim->holder = 0;
	f->nr_claims--;
}

/* What becomes of an object that a claim of the dead is of. */
static bool fake_claim_bury(struct fake_call *c, const struct fake_claim *claim)
{
	__u32 waiters = c->f->waiters[claim->index];
	__u64 *word = fake_word(c, claim->index), new;

	switch (c->f->kinds[claim->index]) {
	case SHMBUF_KIND_SEMAPHORE:
		shmbuf_sem_give(fake_word_take(word), claim->count, waiters, &new);
		break;
	case SHMBUF_KIND_BARRIER:
		shmbuf_barrier_break(fake_word_take(word), waiters, &new);
		break;
	default:
		return fake_reader_count(c, claim);
	}
	fake_word_give(word, new);
	return true;
}

bool fake_claims_bury(struct fake_call *c, __u64 holder)
{
	struct fake_claim *claim;
	bool any = false;

	for (claim = c->f->claims; claim < c->f->claims + FAKE_CLAIMS; claim++) {
		if (claim->holder != holder)
			continue;
		any |= fake_claim_bury(c, claim);
		fake_claim_free(c->f, claim);
	}
	return any;
}
