// SPDX-License-Identifier: MIT
/*
 * Who reads under a lock of the device fake.  A claim counts, or the entry of the owner's
 * row that is open to it; who wants to write closes the entries, and the claims go on.
 */
#include "fake_call.h"

#include <errno.h>

static __u64 *fake_row_entry(struct fake_call *c, __u64 id, __u32 index)
{
	return &fake_row(c, id)[index % SHMBUF_ROW_ENTRIES];
}

static __u64 fake_row_load(const __u64 *entry)
{
	__u64 old = __atomic_load_n(entry, __ATOMIC_ACQUIRE);

	fake_tsan_step(entry);
	return old;
}

static __u64 fake_row_exchange(__u64 *entry, __u64 new)
{
	__u64 old;

	fake_tsan_step(entry);
	old = __atomic_exchange_n(entry, new, __ATOMIC_ACQ_REL);
	fake_tsan_step(entry);
	return old;
}

__u64 fake_reader_count(struct fake_call *c, const struct fake_claim *claim)
{
	__u64 *entry = fake_row_entry(c, claim->holder, claim->index);
	__u64 old = fake_row_load(entry);

	return claim->count + (shmbuf_row_is(old, claim->index) ? shmbuf_row_count(old) : 0);
}

/* The claim counts by itself from here; it goes if there is nothing to count. */
static void fake_reader_close(struct fake_call *c, struct fake_claim *claim)
{
	__u64 *entry = fake_row_entry(c, claim->holder, claim->index);
	__u64 old = fake_row_load(entry);

	if (shmbuf_row_is(old, claim->index))
		claim->count += shmbuf_row_count(fake_row_exchange(entry, 0));
	if (!claim->count)
		fake_claim_free(c->f, claim);
}

bool fake_readers_stop(struct fake_call *c, __u32 index)
{
	struct fake_claim *claim = NULL;
	bool any = false;

	while ((claim = fake_claim_next(c->f, claim, index))) {
		fake_reader_close(c, claim);
		any |= claim->holder;
	}
	return any;
}

/* Open @claim's entry, unless a lock that it has in common with this one is being read. */
static void fake_reader_open(struct fake_call *c, struct fake_claim *claim)
{
	__u64 *entry = fake_row_entry(c, claim->holder, claim->index);
	__u64 old = fake_row_load(entry);
	struct fake_claim *other;

	if (shmbuf_row_is(old, claim->index) || shmbuf_row_count(old))
		return;
	other = old ? fake_claim_find(c->f, shmbuf_row_index(old), claim->holder) : NULL;
	if (other)
		fake_reader_close(c, other);
	fake_row_exchange(entry, shmbuf_row_entry(claim->index) | claim->count);
	claim->count = 0;
}

int fake_reader_add(struct fake_call *c, __u32 index, __u64 id)
{
	struct fake_claim *claim = fake_claim_get(c->f, index, id);

	if (!claim)
		return -EDQUOT;
	if (fake_reader_count(c, claim) >= SHMBUF_ROW_COUNT_MASK)
		return -EOVERFLOW;
	claim->count++;
	/* Nobody counts in user space while somebody waits to write. */
	if (!c->f->writers[index])
		fake_reader_open(c, claim);
	return 0;
}

int fake_reader_release(struct fake_call *c, __u32 index, __u64 id)
{
	struct fake_claim *claim = fake_claim_find(c->f, index, id);
	__u64 *entry = fake_row_entry(c, id, index);

	if (!claim || !fake_reader_count(c, claim))
		return -EPERM;
	/* Its owner is in this call, and counts nothing in user space meanwhile. */
	if (claim->count) {
		claim->count--;
	} else {
		fake_tsan_step(entry);
		__atomic_sub_fetch(entry, 1, __ATOMIC_RELEASE);
	}
	if (!claim->count && !shmbuf_row_is(__atomic_load_n(entry, __ATOMIC_RELAXED), index))
		fake_claim_free(c->f, claim);
	return 0;
}
