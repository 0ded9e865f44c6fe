// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <linux/shmbuf_word.h>

#include "barrier.h"
#include "buffer.h"
#include "claim.h"
#include "object.h"
#include "owner.h"
#include "point.h"
#include "spin.h"
#include "sweep.h"
#include "trace.h"
#include "user.h"
#include "waiter.h"

/*
 * A barrier's word changes under its bucket's lock only.  A waiter knows the phase
 * that it arrived in; the word then tells what becomes of it: that phase is over, or
 * the barrier is broken, or it waits.  So once the word is changed all who wait are
 * decided on, and are told in batches, by whoever changed it or by the sweep; who
 * leaves before it is told asks the word as well.  Those of a phase that is over
 * come first in the bucket's tree, as they came first.
 *
 * A party is an owner with a claim.  The end of the owner buries the claim, and that
 * breaks the barrier.  What a hostile peer writes into the word goes for those who
 * meet at this barrier.
 */

/* As shmbuf_word_take(), but also while INIT or RESET is at work: that may be undone. */
static int shmbuf_barrier_word_take(struct shmbuf_buffer *buffer, u32 index, u64 *old)
{
	int ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_BARRIER, old);

	return ret == -EAGAIN ? 0 : ret;
}

static void shmbuf_barrier_put(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	word = (word & ~SHMBUF_WORD_WAITERS) | SHMBUF_WORD_BARRIER;
	if (shmbuf_waiter_first(bucket, index, SHMBUF_KIND_BARRIER))
		word |= SHMBUF_WORD_WAITERS;
	shmbuf_word_put(buffer, index, word);
}

/* What the wait has come to: true, and the result. */
static bool shmbuf_barrier_decided(const struct shmbuf_waiter *waiter, u64 word, int *result)
{
	if (waiter->expected != shmbuf_barrier_word_phase(word))
		*result = 0;
	else if (word & SHMBUF_WORD_NOTRECOVERABLE)
		*result = -EOWNERDEAD;
	else
		return false;
	return true;
}

/* Tell those who are decided on, up to a batch; true where there are more. */
static bool shmbuf_barrier_tell(struct shmbuf_buffer *buffer, u32 index, u64 word,
				struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *waiter;
	int result;

	lockdep_assert_held(&bucket->lock);
	while ((waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_BARRIER)) &&
	       shmbuf_barrier_decided(waiter, word, &result)) {
		if (wakeups->nr == SHMBUF_WAKE_BATCH)
			return true;
		waiter->result = result;
		shmbuf_waiter_finish(buffer, bucket, waiter, wakeups);
	}
	return false;
}

/* @waiter's owner is a party from here.  -EPERM: it is dead; -ENODATA: that takes a claim. */
static int shmbuf_barrier_enrol(struct shmbuf_bucket *bucket, struct shmbuf_waiter *waiter)
{
	if (READ_ONCE(waiter->owner->dead))
		return -EPERM;
	if (shmbuf_claim_find(bucket, waiter->index, waiter->owner->id))
		return 0;
	if (!waiter->claim)
		return -ENODATA;
	if (!shmbuf_claim_add(bucket, waiter->claim))
		return -EPERM;
	waiter->claim = NULL;
	return 0;
}

/* 1: @waiter was the last one; 0: it is in the tree now; -ENODATA: it needs a claim. */
static int shmbuf_barrier_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				bool *more)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	u64 old, word;
	int ret, err = 0;

	spin_lock(&bucket->lock);
	ret = shmbuf_word_take(buffer, waiter->index, SHMBUF_KIND_BARRIER, &old);
	if (ret)
		goto unlock;
	ret = shmbuf_barrier_arrive(old, false, &word);
	if (ret >= 0)
		err = shmbuf_barrier_enrol(bucket, waiter);
	if (err) {
		shmbuf_barrier_put(buffer, waiter->index, old);
		spin_unlock(&bucket->lock);
		return err;
	}
	shmbuf_point(barrier_arrived);
	if (!ret) {
		waiter->expected = shmbuf_barrier_word_phase(old);
		shmbuf_waiter_add(buffer, bucket, waiter);
	}
	*more = shmbuf_barrier_tell(buffer, waiter->index, word, &wakeups);
	shmbuf_barrier_put(buffer, waiter->index, word);
unlock:
	spin_unlock(&bucket->lock);
	shmbuf_point(barrier_told);
	if (ret == 1)
		trace_shmbuf_wake(buffer, waiter->index, SHMBUF_KIND_BARRIER, wakeups.nr);
	shmbuf_wakeups_flush(&wakeups);
	return ret;
}

/* Tell the others.  If a hostile peer changes the word all the time: no more than there are. */
static void shmbuf_barrier_tell_all(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	int left = atomic_read(&buffer->nr_waiters);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	bool more;
	u64 word;

	do {
		spin_lock(&bucket->lock);
		more = false;
		if (!shmbuf_barrier_word_take(buffer, index, &word)) {
			more = shmbuf_barrier_tell(buffer, index, word, &wakeups);
			shmbuf_barrier_put(buffer, index, word);
		}
		spin_unlock(&bucket->lock);
		left -= wakeups.nr;
		shmbuf_point(barrier_more);
		trace_shmbuf_wake(buffer, index, SHMBUF_KIND_BARRIER, wakeups.nr);
		shmbuf_wakeups_flush(&wakeups);
		cond_resched();
	} while (more && left > 0);
}

/* @waiter leaves for @why and takes its arrival back, unless it has been decided on. */
static int shmbuf_barrier_give_up(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				  int why)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	int ret = why;
	u64 word;

	spin_lock(&bucket->lock);
	if (waiter->done) {
		ret = waiter->result;
		goto unlock;
	}
	shmbuf_waiter_remove(buffer, bucket, waiter);
	if (shmbuf_barrier_word_take(buffer, waiter->index, &word))
		goto unlock;
	if (!shmbuf_barrier_decided(waiter, word, &ret))
		shmbuf_barrier_take_back(word, false, &word);
	shmbuf_barrier_put(buffer, waiter->index, word);
unlock:
	spin_unlock(&bucket->lock);
	return ret;
}

static int shmbuf_barrier_wait_by(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				  u64 ns)
{
	struct shmbuf_deadline deadline = shmbuf_deadline(ns);
	bool more = false;
	int ret;

	ret = shmbuf_barrier_enter(buffer, waiter, &more);
	if (more)
		shmbuf_barrier_tell_all(buffer, waiter->index);
	if (ret)
		return ret;
	if (!shmbuf_spin_until(&shmbuf_bucket(buffer, waiter->index)->wait_spins,
			       shmbuf_waiter_done, waiter))
		ret = shmbuf_waiter_wait(waiter, &deadline, NULL);
	shmbuf_point(barrier_passed);
	return ret ? shmbuf_barrier_give_up(buffer, waiter, ret) : waiter->result;
}

static int shmbuf_barrier_wait_settled(struct shmbuf_buffer *buffer, struct shmbuf_user *user,
				       struct shmbuf_owner *owner,
				       const struct shmbuf_barrier *args)
{
	struct shmbuf_waiter waiter = {
		.index = args->index,
		.kind = SHMBUF_KIND_BARRIER,
		.task = current,
		.owner = owner,
		.since = ktime_get_coarse_ns(),
	};
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	ret = shmbuf_user_charge(user, SHMBUF_QUOTA_WAITERS, 1);
	if (ret)
		return ret;
	do {
		ret = shmbuf_barrier_wait_by(buffer, &waiter, args->deadline);
		if (ret == -ENODATA) {
			/* No party yet, as it is from the second time on. */
			waiter.claim = shmbuf_claim_alloc(user, args->index, SHMBUF_KIND_BARRIER,
							  owner->id, &owner->dead);
			ret = PTR_ERR_OR_ZERO(waiter.claim);
		} else if (ret == -EAGAIN) {
			ret = tries-- ? shmbuf_objects_settle(buffer, args->index) : -EINVAL;
		} else {
			break;
		}
	} while (!ret);
	shmbuf_user_uncharge(user, SHMBUF_QUOTA_WAITERS, 1);
	shmbuf_claim_free(waiter.claim);
	return ret;
}

int shmbuf_barrier_wait(struct shmbuf_buffer *buffer, struct shmbuf_user *opener,
			const struct shmbuf_barrier *args)
{
	struct shmbuf_owner *owner = shmbuf_owner_get_current(buffer, args->owner);
	u64 since = shmbuf_trace_since(wait);
	struct shmbuf_user *user;
	int ret;

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	/* Who waits pays, as in shmbuf_wait(). */
	user = shmbuf_user_get_caller(opener);
	ret = -ENOMEM;
	if (user) {
		ret = shmbuf_barrier_wait_settled(buffer, user, owner, args);
		shmbuf_user_put(user);
	}
	trace_shmbuf_wait(buffer, args->index, SHMBUF_KIND_BARRIER, owner->id, since, ret);
	shmbuf_owner_put(owner);
	return ret;
}

static int shmbuf_barrier_leave_once(struct shmbuf_buffer *buffer, u32 index, u64 owner)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_claim *claim = NULL;
	u64 word;
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_BARRIER, &word);
	if (!ret) {
		claim = shmbuf_claim_find(bucket, index, owner);
		if (claim)
			shmbuf_claim_remove(bucket, claim);
		else
			ret = -ENOENT;
		shmbuf_barrier_put(buffer, index, word);
	}
	spin_unlock(&bucket->lock);
	shmbuf_claim_free(claim);
	return ret;
}

int shmbuf_barrier_leave(struct shmbuf_buffer *buffer, const struct shmbuf_barrier *args)
{
	struct shmbuf_owner *owner = shmbuf_owner_get_current(buffer, args->owner);
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	do {
		ret = shmbuf_barrier_leave_once(buffer, args->index, owner->id);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(buffer, args->index) : -EINVAL;
	} while (!ret);
	shmbuf_owner_put(owner);
	return ret;
}

static bool shmbuf_barrier_first_word(u64 value, u64 *word)
{
	*word = shmbuf_barrier_word(0, 0, value & SHMBUF_BARRIER_MAX, 0);
	return value && value <= SHMBUF_BARRIER_MAX;
}

static bool shmbuf_barrier_is_idle(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	return !shmbuf_waiter_first(bucket, index, SHMBUF_KIND_BARRIER);
}

/* A word that can't be taken is a hostile peer's doing: RESET leaves waiters alone. */
static void shmbuf_barrier_dismiss(struct shmbuf_buffer *buffer, u32 index,
				   struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *waiter;

	while (wakeups->nr < SHMBUF_WAKE_BATCH) {
		waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_BARRIER);
		if (!waiter)
			break;
		waiter->result = -EINVAL;
		shmbuf_waiter_finish(buffer, bucket, waiter, wakeups);
	}
}

static void shmbuf_barrier_sweep(struct shmbuf_buffer *buffer, struct shmbuf_waiter *first,
				 struct shmbuf_wakeups *wakeups)
{
	u32 index = first->index;
	u64 word;

	if (shmbuf_word_take(buffer, index, SHMBUF_KIND_BARRIER, &word)) {
		shmbuf_barrier_dismiss(buffer, index, wakeups);
		return;
	}
	if (shmbuf_barrier_tell(buffer, index, word, wakeups))
		shmbuf_sweep_soon(buffer);
	shmbuf_barrier_put(buffer, index, word);
}

static bool shmbuf_barrier_bury(struct shmbuf_buffer *buffer, struct shmbuf_claim *claim,
				struct shmbuf_wakeups *wakeups)
{
	u32 index = claim->index;
	u64 word;

	if (shmbuf_barrier_word_take(buffer, index, &word))
		return true;
	shmbuf_barrier_break(word, false, &word);
	if (shmbuf_barrier_tell(buffer, index, word, wakeups))
		shmbuf_sweep_soon(buffer);
	shmbuf_barrier_put(buffer, index, word);
	return true;
}

const struct shmbuf_kind_ops shmbuf_barrier_ops = {
	.first_word = shmbuf_barrier_first_word,
	.is_idle = shmbuf_barrier_is_idle,
	.sweep = shmbuf_barrier_sweep,
	.bury = shmbuf_barrier_bury,
};
