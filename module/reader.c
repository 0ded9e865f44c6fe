// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/lockdep.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "claim.h"
#include "owner.h"
#include "point.h"
#include "reader.h"
#include "row.h"
#include "waiter.h"

/*
 * Who reads has a claim.  It counts in the claim itself, by ioctl alone, or beside that
 * in an entry of the owner's row, where the owner can count in user space.
 *
 * An entry is the kernel's once REVOKED is set, as a lock's word is once WAITERS is: it
 * is taken by shmbuf_entry_take(), decided on by its old value, and put back.  While a
 * writer holds a lock or anybody sleeps for it, all entries of the lock are revoked.  They
 * are given back when a writer goes and nobody sleeps, or who does is told to try, else each
 * to its owner when that comes to read again.
 *
 * What the owner writes to its row by force counts for its own reading only: an entry
 * that isn't what it should be has lost its count.
 *
 * All locks that meet in an entry are of one bucket.
 */

/* After so many writers without having read, a reader is one no more. */
#define SHMBUF_READER_IDLE 4

/* Whether the entry was the claim's; *@count of what is the kernel's from here. */
static bool shmbuf_entry_take(struct shmbuf_claim *claim, u64 *count)
{
	u64 old = atomic64_fetch_or(SHMBUF_ROW_REVOKED, claim->entry);

	if (!shmbuf_row_is(old, claim->index)) {
		claim->entry = NULL;
		return false;
	}
	if (old & SHMBUF_ROW_USED)
		claim->idle = 0;
	*count = shmbuf_row_count(old);
	return true;
}

static void shmbuf_entry_put(struct shmbuf_claim *claim, u64 count, bool revoked)
{
	/* Release: pairs with the acquiring compare-and-swap of user space. */
	atomic64_set_release(claim->entry, shmbuf_row_entry(claim->index) | count |
					   (revoked ? SHMBUF_ROW_REVOKED : 0));
}

u64 shmbuf_reader_count(const struct shmbuf_claim *claim)
{
	u64 entry = claim->entry ? atomic64_read(claim->entry) : 0;

	return claim->count +
	       (shmbuf_row_is(entry, claim->index) ? shmbuf_row_count(entry) : 0);
}

static void shmbuf_reader_drop(struct shmbuf_bucket *bucket, struct shmbuf_claim *claim,
			       struct shmbuf_wakeups *wakeups)
{
	shmbuf_claim_remove(bucket, claim);
	claim->next = wakeups->claims;
	wakeups->claims = claim;
}

/* The claim counts by itself from here; it goes if there is nothing to count. */
static void shmbuf_entry_close(struct shmbuf_bucket *bucket, struct shmbuf_claim *claim,
			       struct shmbuf_wakeups *wakeups)
{
	u64 count;

	if (shmbuf_entry_take(claim, &count)) {
		claim->count += count;
		claim->entry = NULL;
	}
	if (!claim->count)
		shmbuf_reader_drop(bucket, claim, wakeups);
}

/*
 * Give @claim its entry, revoked, unless the lock that has it is being read.  Which one
 * that is the owner could forge: then it has taken its own entry away.
 */
static void shmbuf_entry_open(struct shmbuf_bucket *bucket, struct shmbuf_claim *claim,
			      struct shmbuf_owner *owner, struct shmbuf_wakeups *wakeups)
{
	atomic64_t *entry = shmbuf_row_entry_of(owner, claim->index);
	struct shmbuf_claim *other;
	u64 old;
	u32 index;

	BUILD_BUG_ON(SHMBUF_ROW_ENTRIES % SHMBUF_NR_BUCKETS);
	if (!entry)
		return;
	old = atomic64_read(entry);
	index = shmbuf_row_index(old);
	if (index != claim->index &&
	    index % SHMBUF_ROW_ENTRIES == claim->index % SHMBUF_ROW_ENTRIES) {
		other = shmbuf_claim_find(bucket, index, owner->id);
		if (other && other->entry == entry) {
			if (shmbuf_row_count(old))
				return;
			shmbuf_entry_close(bucket, other, wakeups);
		}
	}
	claim->entry = entry;
	shmbuf_entry_put(claim, 0, true);
}

bool shmbuf_reader_reads(struct shmbuf_bucket *bucket, u32 index, u64 id)
{
	struct shmbuf_claim *claim = shmbuf_claim_find(bucket, index, id);

	return claim && shmbuf_reader_count(claim);
}

static int shmbuf_reader_add(struct shmbuf_claim *claim, bool revoked)
{
	u64 count;

	if (!claim->entry || !shmbuf_entry_take(claim, &count)) {
		if (claim->count >= SHMBUF_ROW_COUNT_MASK)
			return -EOVERFLOW;
		claim->count++;
		return 0;
	}
	if (count == SHMBUF_ROW_COUNT_MASK) {
		shmbuf_entry_put(claim, count, revoked);
		return -EOVERFLOW;
	}
	shmbuf_entry_put(claim, count + 1, revoked);
	return 0;
}

int shmbuf_reader_grant(struct shmbuf_bucket *bucket, u32 index, struct shmbuf_owner *owner,
			struct shmbuf_claim **spare, bool revoked,
			struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_claim *claim;

	lockdep_assert_held(&bucket->lock);
	if (READ_ONCE(owner->dead))
		return -EPERM;
	claim = shmbuf_claim_find(bucket, index, owner->id);
	if (!claim) {
		claim = *spare;
		if (!claim)
			return -ENODATA;
		if (!shmbuf_claim_add(bucket, claim))
			return -EPERM;
		*spare = NULL;
		shmbuf_point(reader_claimed);
	}
	claim->idle = 0;
	if (!claim->entry)
		shmbuf_entry_open(bucket, claim, owner, wakeups);
	return shmbuf_reader_add(claim, revoked);
}

int shmbuf_reader_release(struct shmbuf_bucket *bucket, u32 index, u64 id, bool revoked,
			  struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_claim *claim = shmbuf_claim_find(bucket, index, id);
	u64 count;
	int ret = 0;

	if (!claim)
		return -EPERM;
	if (claim->entry && shmbuf_entry_take(claim, &count)) {
		if (count) {
			shmbuf_entry_put(claim, count - 1, revoked);
			return 0;
		}
		/* Nothing is held by it: it can stay revoked. */
	}
	if (claim->count)
		claim->count--;
	else
		ret = -EPERM;
	if (!claim->count && !claim->entry)
		shmbuf_reader_drop(bucket, claim, wakeups);
	return ret;
}

static bool shmbuf_reader_lives(struct shmbuf_buffer *buffer, const struct shmbuf_claim *claim)
{
	return !READ_ONCE(*claim->dead) && shmbuf_owner_alive(buffer, claim->holder);
}

bool shmbuf_readers_any(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket, u32 index)
{
	struct shmbuf_claim *claim;

	for (claim = shmbuf_claim_first(bucket, index); claim; claim = shmbuf_claim_next(claim)) {
		if (shmbuf_reader_count(claim) && shmbuf_reader_lives(buffer, claim))
			return true;
	}
	return false;
}

bool shmbuf_readers_stop(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket, u32 index)
{
	struct shmbuf_claim *claim;
	bool any = false;
	u64 count;

	for (claim = shmbuf_claim_first(bucket, index); claim; claim = shmbuf_claim_next(claim)) {
		if (!claim->entry || !shmbuf_entry_take(claim, &count))
			count = 0;
		if (count + claim->count && !any)
			any = shmbuf_reader_lives(buffer, claim);
	}
	return any;
}

void shmbuf_readers_open(struct shmbuf_bucket *bucket, u32 index)
{
	struct shmbuf_claim *claim;
	u64 count;

	for (claim = shmbuf_claim_first(bucket, index); claim; claim = shmbuf_claim_next(claim)) {
		if (claim->entry && shmbuf_entry_take(claim, &count))
			shmbuf_entry_put(claim, count, false);
	}
}

void shmbuf_readers_go_on(struct shmbuf_bucket *bucket, u32 index, bool open,
			  struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_claim *claim, *next;
	u64 count;

	for (claim = shmbuf_claim_first(bucket, index); claim; claim = next) {
		next = shmbuf_claim_next(claim);
		if (++claim->idle > SHMBUF_READER_IDLE && !claim->count) {
			if (claim->entry)
				shmbuf_entry_close(bucket, claim, wakeups);
			else
				shmbuf_reader_drop(bucket, claim, wakeups);
		} else if (open && claim->entry && shmbuf_entry_take(claim, &count)) {
			shmbuf_entry_put(claim, count, false);
		}
	}
}
