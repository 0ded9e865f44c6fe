// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "claim.h"
#include "member.h"
#include "object.h"
#include "owner.h"
#include "peers.h"
#include "point.h"
#include "sem.h"
#include "sweep.h"
#include "trace.h"
#include "user.h"
#include "waiter.h"

/*
 * A semaphore's word counts in user space only while nobody sleeps for a unit, and under
 * its bucket's lock in every other way.  For each unit that the kernel finds in the count
 * somebody who waits is told to try for it, the longest waiting first.  While the first of
 * them is on its way the word is left to user space, as a lock's (lock.c): who runs can have
 * the unit meanwhile, or post more, which who comes tells the next ones of.  Whoever tried in
 * vain and waited for long gets the next unit handed over, and so does who waits for other
 * objects beside.  Units that one batch of wake-ups isn't enough for are left to the
 * sweep that shmbuf_sweep_soon() begins.
 *
 * A unit that is taken with UNDO is put on record in a claim of the process in
 * the same hold of the lock, also where somebody else takes it for a waiter, and the
 * record goes in the hold that gives it back.  So whatever dies, wherever: a unit
 * is in the count or in one claim.  Units without UNDO nobody knows of.
 */

/* Waiters that are looked at in one go. */
#define SHMBUF_SEM_LOOK 64

/*
 * As shmbuf_word_take(), but also while INIT or RESET is at work: RESET may be
 * undone, and what comes back mustn't be lost then.
 */
static int shmbuf_sem_word_take(struct shmbuf_buffer *buffer, u32 index, u64 *old)
{
	int ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_SEMAPHORE, old);

	return ret == -EAGAIN ? 0 : ret;
}

static void shmbuf_sem_put(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_SEMAPHORE);

	word &= ~SHMBUF_WORD_WAITERS;
	if (first && !first->trying)
		word |= SHMBUF_WORD_WAITERS;
	shmbuf_word_put(buffer, index, word);
}

/* Put a unit on record for @waiter's process; false where that is dead. */
static bool shmbuf_sem_record(struct shmbuf_bucket *bucket, struct shmbuf_waiter *waiter)
{
	const struct shmbuf_member *member = waiter->owner->member;
	struct shmbuf_claim *claim;

	if (READ_ONCE(member->dead))
		return false;
	claim = shmbuf_claim_find(bucket, waiter->index, member->id);
	if (claim) {
		claim->count++;
		return true;
	}
	waiter->claim->count = 1;
	if (!shmbuf_claim_add(bucket, waiter->claim))
		return false;
	waiter->claim = NULL;
	return true;
}

/* Take a unit of *@word for @waiter, on record.  0, -EBUSY, or -EPERM (its process is dead). */
static int shmbuf_sem_take_for(struct shmbuf_bucket *bucket, struct shmbuf_waiter *waiter,
			       u64 *word)
{
	u64 less;
	int ret = shmbuf_sem_take(*word, false, &less);

	shmbuf_point(sem_taken);
	if (!ret && waiter->owner && !shmbuf_sem_record(bucket, waiter))
		ret = -EPERM;
	shmbuf_point(sem_recorded);
	if (!ret)
		*word = less;
	return ret;
}

/* Decide on @waiter: true where a unit is its own now. */
static bool shmbuf_sem_grant(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			     struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	bool granted;

	if (!shmbuf_waiter_claim(waiter))
		return false;
	granted = !waiter->owner || shmbuf_sem_record(bucket, waiter);
	waiter->result = granted ? 0 : -EPERM;
	shmbuf_waiter_finish(buffer, bucket, waiter, wakeups);
	return granted;
}

/* Whether @waiter can't be told to try: it gets its unit at once. */
static bool shmbuf_sem_hand_over(const struct shmbuf_waiter *waiter)
{
	return waiter->any || (waiter->tried && shmbuf_waiter_waits_long(waiter));
}

/*
 * See to it that those who wait have what @word counts: one for each unit.  @all: they get
 * it at once, whoever they are.  Returns the word with what is left.
 */
static u64 shmbuf_sem_serve(struct shmbuf_buffer *buffer, u32 index, u64 word, bool all,
			    struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *waiter, *next;
	u64 left = word, less;
	int i = 0;

	waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_SEMAPHORE);
	for (; waiter && !shmbuf_sem_take(left, false, &less); waiter = next) {
		if (wakeups->nr == SHMBUF_WAKE_BATCH) {
			shmbuf_sweep_soon(buffer);
			break;
		}
		/* So many are on their way: whoever comes sees to the next. */
		if (i++ == SHMBUF_SEM_LOOK)
			break;
		next = shmbuf_waiter_next(waiter);
		shmbuf_point(sem_served);
		if (all || (!waiter->trying && shmbuf_sem_hand_over(waiter))) {
			if (!shmbuf_sem_grant(buffer, waiter, wakeups))
				continue;
			shmbuf_sem_take(word, false, &word);
		} else if (!waiter->trying) {
			shmbuf_waiter_try(bucket, waiter, wakeups);
		}
		left = less;
	}
	return word;
}

/*
 * Up to @units more, which those who wait make room for.  Returns how many: what has no room
 * is left.
 */
static u32 shmbuf_sem_add(struct shmbuf_buffer *buffer, u32 index, u32 units, u64 *word,
			  struct shmbuf_wakeups *wakeups)
{
	u64 more;

	if (shmbuf_sem_give(*word, units, false, &more)) {
		*word = shmbuf_sem_serve(buffer, index, *word, true, wakeups);
		units = min_t(u64, units,
			      shmbuf_sem_word_most(*word) - shmbuf_sem_word_count(*word));
		shmbuf_sem_give(*word, units, false, &more);
	}
	*word = more;
	return units;
}

int shmbuf_sem_try(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool stay,
		   struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	u32 index = waiter->index;
	u64 word;
	int ret;

	lockdep_assert_held(&bucket->lock);
	if (waiter->owner && READ_ONCE(waiter->owner->member->dead))
		return -EPERM;
	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_SEMAPHORE, &word);
	if (ret)
		return ret;
	word = shmbuf_sem_serve(buffer, index, word, false, wakeups);
	ret = shmbuf_sem_take_for(bucket, waiter, &word);
	if (ret == -EBUSY && stay) {
		waiter->since = ktime_get_ns();
		shmbuf_waiter_add(buffer, bucket, waiter);
	}
	shmbuf_sem_put(buffer, index, word);
	return ret;
}

void shmbuf_sem_leave(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
		      struct shmbuf_wakeups *wakeups)
{
	u32 index = waiter->index;
	u64 word;

	shmbuf_waiter_remove(buffer, shmbuf_bucket(buffer, index), waiter);
	if (!shmbuf_sem_word_take(buffer, index, &word))
		shmbuf_sem_put(buffer, index,
			       shmbuf_sem_serve(buffer, index, word, false, wakeups));
}

/*
 * @waiter, who was told to try, takes a unit and goes, and the next one tries for what is
 * left.  -EBUSY: it waits on.
 */
static int shmbuf_sem_try_again(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	u32 index = waiter->index;
	u64 word;
	int ret;

	lockdep_assert_held(&bucket->lock);
	waiter->trying = false;
	waiter->tried = true;
	/* RESET leaves alone what is waited for: only a hostile peer does this. */
	if (shmbuf_word_take(buffer, index, SHMBUF_KIND_SEMAPHORE, &word)) {
		shmbuf_waiter_remove(buffer, bucket, waiter);
		return -EINVAL;
	}
	ret = shmbuf_sem_take_for(bucket, waiter, &word);
	if (ret != -EBUSY)
		shmbuf_waiter_remove(buffer, bucket, waiter);
	shmbuf_sem_put(buffer, index, shmbuf_sem_serve(buffer, index, word, false, wakeups));
	return ret;
}

/* One less is on record, if @claim isn't NULL.  Returns it for freeing if it's empty. */
static struct shmbuf_claim *shmbuf_sem_unrecord(struct shmbuf_bucket *bucket,
						struct shmbuf_claim *claim)
{
	if (!claim || --claim->count)
		return NULL;
	shmbuf_claim_remove(bucket, claim);
	return claim;
}

/*
 * Give a unit, one that @owner's process has on record unless that is NULL.  @late:
 * even while INIT or RESET is at work, else -EAGAIN.
 */
static int shmbuf_sem_give_one(struct shmbuf_buffer *buffer, u32 index,
			       const struct shmbuf_owner *owner, bool late)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_claim *claim = NULL, *empty = NULL;
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	u64 word;
	int ret;

	spin_lock(&bucket->lock);
	ret = late ? shmbuf_sem_word_take(buffer, index, &word) :
		     shmbuf_word_take(buffer, index, SHMBUF_KIND_SEMAPHORE, &word);
	if (ret)
		goto unlock;
	if (owner) {
		claim = shmbuf_claim_find(bucket, index, owner->member->id);
		ret = claim ? 0 : -EPERM;
	}
	if (!ret && !shmbuf_sem_add(buffer, index, 1, &word, &wakeups))
		ret = -EOVERFLOW;
	shmbuf_point(sem_giving);
	if (!ret)
		empty = shmbuf_sem_unrecord(bucket, claim);
	shmbuf_sem_put(buffer, index, shmbuf_sem_serve(buffer, index, word, false, &wakeups));
unlock:
	spin_unlock(&bucket->lock);
	shmbuf_point(sem_given);
	if (!ret)
		trace_shmbuf_wake(buffer, index, SHMBUF_KIND_SEMAPHORE, wakeups.nr);
	shmbuf_wakeups_flush(&wakeups);
	shmbuf_claim_free(empty);
	return ret;
}

/* What finds no room now, or no record, is nobody's. */
void shmbuf_sem_pass_on(struct shmbuf_buffer *buffer, u32 index, struct shmbuf_owner *owner)
{
	shmbuf_sem_give_one(buffer, index, owner, true);
}

static int shmbuf_sem_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			    bool stay)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_sem_try(buffer, waiter, stay, &wakeups);
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	return ret;
}

/*
 * What has become of @waiter, who is awake: -EBUSY where it waits on.  With @why it leaves
 * for that, unless it can have a unit.
 */
static int shmbuf_sem_look(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, int why)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	int ret = -EBUSY;

	spin_lock(&bucket->lock);
	if (waiter->done)
		ret = waiter->result;
	else if (waiter->trying)
		ret = shmbuf_sem_try_again(buffer, waiter, &wakeups);
	if (ret == -EBUSY && why) {
		shmbuf_sem_leave(buffer, waiter, &wakeups);
		ret = why;
	}
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	return ret;
}

static int shmbuf_sem_sleep(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			    const struct shmbuf_sem *args, const struct shmbuf_peers *peers)
{
	struct shmbuf_deadline deadline = shmbuf_deadline(args->deadline);
	int ret = shmbuf_sem_enter(buffer, waiter, true);

	shmbuf_point(sem_queued);
	while (ret == -EBUSY)
		ret = shmbuf_sem_look(buffer, waiter,
				      shmbuf_waiter_wait(waiter, &deadline, peers));
	return ret;
}

static int shmbuf_sem_wait_by(struct shmbuf_buffer *buffer, struct shmbuf_user *user,
			      struct shmbuf_waiter *waiter, const struct shmbuf_sem *args)
{
	struct shmbuf_peers peers, *with_peers = NULL;
	int ret;

	ret = shmbuf_sem_enter(buffer, waiter, false);
	if (ret != -EBUSY || (args->flags & SHMBUF_SEM_TRY))
		return ret;
	shmbuf_point(sem_unqueued);
	ret = shmbuf_user_charge(user, SHMBUF_QUOTA_WAITERS, 1);
	if (ret)
		return ret;
	if (args->flags & SHMBUF_SEM_PEERS) {
		with_peers = &peers;
		shmbuf_peers_begin(buffer, &peers, args->deaths);
	}
	ret = shmbuf_sem_sleep(buffer, waiter, args, with_peers);
	if (with_peers)
		shmbuf_peers_end(buffer, &peers);
	shmbuf_user_uncharge(user, SHMBUF_QUOTA_WAITERS, 1);
	return ret;
}

static int shmbuf_sem_wait_settled(struct shmbuf_buffer *buffer, struct shmbuf_user *user,
				   struct shmbuf_owner *owner, const struct shmbuf_sem *args)
{
	struct shmbuf_waiter waiter = {
		.index = args->index,
		.kind = SHMBUF_KIND_SEMAPHORE,
		.task = current,
		.owner = owner,
	};
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	if (owner) {
		waiter.claim = shmbuf_claim_alloc(user, args->index, SHMBUF_KIND_SEMAPHORE,
						  owner->member->id, &owner->member->dead);
		if (IS_ERR(waiter.claim))
			return PTR_ERR(waiter.claim);
	}
	do {
		ret = shmbuf_sem_wait_by(buffer, user, &waiter, args);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(buffer, args->index) : -EINVAL;
	} while (!ret);
	shmbuf_claim_free(waiter.claim);
	return ret;
}

int shmbuf_sem_wait(struct shmbuf_buffer *buffer, struct shmbuf_user *opener,
		    const struct shmbuf_sem *args)
{
	u64 since = shmbuf_trace_since(wait);
	struct shmbuf_owner *owner = NULL;
	struct shmbuf_user *user;
	int ret;

	if (args->flags & SHMBUF_SEM_UNDO) {
		owner = shmbuf_owner_get_current(buffer, args->owner);
		if (IS_ERR(owner))
			return PTR_ERR(owner);
	}
	/* Who waits pays, as in shmbuf_wait(). */
	user = shmbuf_user_get_caller(opener);
	ret = user ? shmbuf_sem_wait_settled(buffer, user, owner, args) : -ENOMEM;
	shmbuf_point(sem_got);
	if (!ret && fatal_signal_pending(current)) {
		shmbuf_sem_pass_on(buffer, args->index, owner);
		ret = -EINTR;
	}
	shmbuf_point(sem_returning);
	trace_shmbuf_wait(buffer, args->index, SHMBUF_KIND_SEMAPHORE,
			  owner ? owner->id : 0, since, ret);
	if (user)
		shmbuf_user_put(user);
	if (owner)
		shmbuf_owner_put(owner);
	return ret;
}

int shmbuf_sem_post(struct shmbuf_buffer *buffer, const struct shmbuf_sem *args)
{
	struct shmbuf_owner *owner = NULL;
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	if (args->flags & SHMBUF_SEM_UNDO) {
		owner = shmbuf_owner_get_current(buffer, args->owner);
		if (IS_ERR(owner))
			return PTR_ERR(owner);
	}
	do {
		ret = shmbuf_sem_give_one(buffer, args->index, owner, false);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(buffer, args->index) : -EINVAL;
	} while (!ret);
	if (owner)
		shmbuf_owner_put(owner);
	return ret;
}

static bool shmbuf_sem_first_word(u64 value, u64 *word)
{
	u64 count = value & U32_MAX, most = value >> 32;

	if (!most)
		most = SHMBUF_SEM_MAX;
	*word = shmbuf_sem_word(most, count, false);
	return most <= SHMBUF_SEM_MAX && count <= most;
}

static bool shmbuf_sem_is_idle(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_claim *claim = shmbuf_claim_first(bucket, index);

	while (claim && READ_ONCE(*claim->dead))
		claim = shmbuf_claim_next(claim);
	return !claim && !shmbuf_waiter_first(bucket, index, SHMBUF_KIND_SEMAPHORE);
}

/* Tell those who wait for what can't be: no semaphore, or no process to have the unit. */
static void shmbuf_sem_dismiss(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			       int error, struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	struct shmbuf_waiter *next;
	int i;

	for (i = 0; waiter && i < SHMBUF_SEM_LOOK && wakeups->nr < SHMBUF_WAKE_BATCH; i++) {
		bool dead = waiter->owner && READ_ONCE(waiter->owner->member->dead);

		next = shmbuf_waiter_next(waiter);
		if ((error || dead) && shmbuf_waiter_claim(waiter)) {
			waiter->result = error ?: -EPERM;
			shmbuf_waiter_finish(buffer, bucket, waiter, wakeups);
		}
		waiter = next;
	}
}

/* Another one has a unit, as those told before it haven't come since the last sweep. */
static u64 shmbuf_sem_serve_another(struct shmbuf_buffer *buffer, u32 index, u64 word,
				    struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *waiter;

	waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_SEMAPHORE);
	while (waiter && waiter->trying) {
		if (!waiter->late) {
			waiter->late = true;
			return word;
		}
		waiter = shmbuf_waiter_next(waiter);
	}
	if (!waiter)
		return word;
	if (!waiter->any)
		shmbuf_waiter_try(bucket, waiter, wakeups);
	else if (shmbuf_sem_grant(buffer, waiter, wakeups))
		shmbuf_sem_take(word, false, &word);
	return word;
}

/* Find waiters whom a hostile peer has hidden, or the end of their process. */
static void shmbuf_sem_sweep(struct shmbuf_buffer *buffer, struct shmbuf_waiter *first,
			     struct shmbuf_wakeups *wakeups)
{
	u32 index = first->index;
	u64 word;

	/* RESET leaves alone what is waited for. */
	if (shmbuf_word_take(buffer, index, SHMBUF_KIND_SEMAPHORE, &word)) {
		shmbuf_sem_dismiss(buffer, first, -EINVAL, wakeups);
		return;
	}
	shmbuf_sem_dismiss(buffer, first, 0, wakeups);
	word = shmbuf_sem_serve(buffer, index, word, false, wakeups);
	/* Who was told long ago may not be allowed to run. */
	if (shmbuf_sem_word_count(word) && !wakeups->nr)
		word = shmbuf_sem_serve_another(buffer, index, word, wakeups);
	shmbuf_sem_put(buffer, index, word);
}

static bool shmbuf_sem_bury(struct shmbuf_buffer *buffer, struct shmbuf_claim *claim,
			    struct shmbuf_wakeups *wakeups)
{
	u32 index = claim->index;
	bool full;
	u64 word;

	if (shmbuf_sem_word_take(buffer, index, &word))
		return true;
	claim->count -= shmbuf_sem_add(buffer, index, claim->count, &word, wakeups);
	full = wakeups->nr == SHMBUF_WAKE_BATCH;
	shmbuf_sem_put(buffer, index, shmbuf_sem_serve(buffer, index, word, false, wakeups));
	/* What no waiter has made room for is nobody's, once all have been asked. */
	return !claim->count || !full;
}

const struct shmbuf_kind_ops shmbuf_sem_ops = {
	.first_word = shmbuf_sem_first_word,
	.is_idle = shmbuf_sem_is_idle,
	.sweep = shmbuf_sem_sweep,
	.bury = shmbuf_sem_bury,
};
