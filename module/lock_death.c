// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/sched.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "death.h"
#include "info.h"
#include "lock.h"
#include "name.h"
#include "object.h"
#include "owner.h"
#include "waiter.h"

/* The locks of the dead: one look at each word of the buffer, for all who died meanwhile. */

/*
 * Of the word @old, which is taken, the owner is dead, or is to be: somebody else shall have
 * the lock.  False where the word names no owner.
 */
static bool shmbuf_lock_disown(struct shmbuf_buffer *buffer, u32 index, u64 old,
			       struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *first;
	u64 new;

	lockdep_assert_held(&bucket->lock);
	if (!shmbuf_lock_owner_died(old, false, &new))
		return false;
	shmbuf_word_put(buffer, index, new);
	first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	if (first && !first->trying)
		shmbuf_waiter_try(bucket, first, wakeups);
	return true;
}

static void shmbuf_lock_bury(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	u64 old;

	spin_lock(&bucket->lock);
	if (shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old))
		goto unlock;
	if (shmbuf_word_has_live_owner(buffer, old) ||
	    !shmbuf_lock_disown(buffer, index, old, &wakeups))
		shmbuf_word_put(buffer, index, old);
	else
		shmbuf_death_note(buffer, index, shmbuf_lock_word_owner(old));
unlock:
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
}

int shmbuf_recover(struct shmbuf_buffer *buffer, const struct shmbuf_recover *args)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, args->index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	u64 old;
	int ret;

	if (!shmbuf_name_is_own(buffer))
		return -EPERM;
	spin_lock(&bucket->lock);
	ret = shmbuf_word_take(buffer, args->index, SHMBUF_KIND_LOCK, &old);
	if (!ret && (shmbuf_lock_word_owner(old) != args->owner ||
		     !shmbuf_lock_disown(buffer, args->index, old, &wakeups))) {
		shmbuf_word_put(buffer, args->index, old);
		ret = -ESRCH;
	}
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	if (!ret)
		shmbuf_held_forget(buffer, args->index, args->owner);
	/* INIT or RESET at work on it: it isn't held. */
	return ret == -EAGAIN ? -ESRCH : ret;
}

/* Words that are looked at before others may have the CPU. */
#define SHMBUF_SCAN_BATCH 4096

/* The first of @first to @last whose word names an owner, or @last + 1. */
static u32 shmbuf_lock_next_owned(struct shmbuf_buffer *buffer, u32 first, u32 last)
{
	const void *word = shmbuf_word(buffer, first), *end = shmbuf_word(buffer, last);
	const size_t stride = (size_t)1 << buffer->stride_shift;

	while (word <= end && !shmbuf_lock_word_owner(READ_ONCE(*(const u64 *)word)))
		word += stride;
	return last + 1 - ((end + stride - word) >> buffer->stride_shift);
}

static void shmbuf_locks_bury_run(struct shmbuf_buffer *buffer, u32 first, u32 last)
{
	u32 i, stop;
	u64 word;

	for (i = first; i <= last; i++) {
		stop = min(last, i + SHMBUF_SCAN_BATCH - 1);
		i = shmbuf_lock_next_owned(buffer, i, stop);
		if (i <= stop) {
			word = atomic64_read(shmbuf_word(buffer, i));
			if (shmbuf_lock_word_owner(word) &&
			    !shmbuf_word_has_live_owner(buffer, word))
				shmbuf_lock_bury(buffer, i);
		} else {
			i = stop;
		}
		cond_resched();
	}
}

void shmbuf_locks_bury(struct shmbuf_buffer *buffer)
{
	u32 first, last;

	for (first = 0; shmbuf_objects_next(buffer, SHMBUF_KIND_LOCK, &first, &last);
	     first = last + 1)
		shmbuf_locks_bury_run(buffer, first, last);
}
