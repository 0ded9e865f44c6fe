// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "claim.h"
#include "compat.h"
#include "deadlock.h"
#include "death.h"
#include "info.h"
#include "lock.h"
#include "object.h"
#include "owner.h"
#include "reader.h"
#include "user.h"
#include "waiter.h"

/*
 * A lock's word changes in user space only from 0 to an id and back, and under
 * its bucket's lock in every other way.  What is taken by shmbuf_word_take() is
 * decided on by its old value alone and put back; no step needs a second look.
 *
 * WAITERS stays set while somebody sleeps, with one exception: while a waiter is
 * trying, that is woken and on its way to the bucket's lock, the word is left to
 * user space, so that who runs can take the lock meanwhile.  The trying waiter
 * takes the lock, sets WAITERS again before it sleeps, or sees to its successor
 * when it leaves.  Whoever goes to sleep sets WAITERS and looks at the owner in
 * one step.
 *
 * READERS stays set while anybody has a claim to read (reader.c): then user space
 * can't take the lock.  Who writes stops the readers, and sleeps until the last of them
 * has released it; who reads doesn't pass one who waits, unless it reads already.  When
 * a writer goes, the readers at the head of the queue get the lock, all at once and by who
 * releases it; a writer has to try.  So both come to their turn.
 */

/* A waiter who waited for longer gets the lock handed over. */
#define SHMBUF_PATIENCE_NS (2 * NSEC_PER_MSEC)

/* Threads that spin for the locks of one bucket; more only steal time. */
#define SHMBUF_MAX_SPINNERS 2

/* Looks at a lock word between looks at all the rest. */
#define SHMBUF_SPINS 1024

/* So often, and then who may sleep does: no owner runs for long, or it is a deadlock. */
#define SHMBUF_MAX_SPINS 64

/* How often a word may turn out to be UNUSED before it is taken to be hostile. */
#define SHMBUF_SETTLE_TRIES 8

/* Beside the flags of LOCK: nothing but a fatal signal ends it. */
#define SHMBUF_LOCK_RETAKE BIT(31)

static bool shmbuf_word_has_live_owner(struct shmbuf_buffer *buffer, u64 word)
{
	u64 id = shmbuf_lock_word_owner(word);

	return id && shmbuf_owner_alive(buffer, id);
}

static void shmbuf_lock_word_put(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
				 u32 index, u64 word)
{
	word &= ~SHMBUF_WORD_READERS;
	if (shmbuf_claim_first(bucket, index))
		word |= SHMBUF_WORD_READERS;
	shmbuf_word_put(buffer, index, word);
}

/*
 * @id wants to write: *@new from @old, which is taken.  @stay: it goes to sleep on
 * -EBUSY, and readers are stopped for it.
 */
static int shmbuf_lock_try_write(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
				 u32 index, u64 id, u64 old, int waiters, bool stay, u64 *new)
{
	int ret = shmbuf_lock_acquire(old, id, shmbuf_word_has_live_owner(buffer, old),
				      waiters, new);

	if (!shmbuf_is_locked(ret) || !shmbuf_claim_first(bucket, index))
		return ret;
	if (shmbuf_reader_reads(bucket, index, id))
		ret = -EDEADLK;
	else if ((!stay && shmbuf_readers_any(buffer, bucket, index)) ||
		 shmbuf_readers_stop(buffer, bucket, index))
		ret = -EBUSY;
	else
		return ret;
	*new = (old & ~SHMBUF_WORD_WAITERS) | shmbuf_word_waiters(waiters);
	return ret;
}

/* @owner wants to read; @first: who else waits. */
static int shmbuf_lock_try_read(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
				u32 index, struct shmbuf_owner *owner, struct shmbuf_claim **spare,
				u64 old, const struct shmbuf_waiter *first, bool is_first,
				struct shmbuf_wakeups *wakeups, u64 *new)
{
	bool waiters = first && !first->trying;
	int ret = shmbuf_lock_share(old, owner->id, shmbuf_word_has_live_owner(buffer, old),
				    waiters, new);

	if (ret)
		return ret;
	if (first && !is_first && !shmbuf_reader_reads(bucket, index, owner->id))
		return -EBUSY;
	return shmbuf_reader_grant(bucket, index, owner, spare, first, wakeups);
}

/*
 * @owner takes the lock if it can.  @self is its waiter, where it has one;
 * @stay: it goes to sleep on -EBUSY.  @spare: it wants to read, see
 * shmbuf_reader_grant(); NULL where it wants to write.
 */
static int shmbuf_lock_try(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			   u32 index, struct shmbuf_owner *owner,
			   const struct shmbuf_waiter *self, bool stay,
			   struct shmbuf_claim **spare, struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_waiter *first;
	bool is_first;
	u64 old, new;
	int ret;

	lockdep_assert_held(&bucket->lock);
	if (READ_ONCE(owner->dead))
		return -EPERM;
	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old);
	if (ret)
		return ret;
	first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	is_first = first == self;
	if (first && is_first)
		first = shmbuf_waiter_next(first);
	ret = -EOWNERDEAD;
	if (spare)
		ret = shmbuf_lock_try_read(buffer, bucket, index, owner, spare, old, first,
					   is_first, wakeups, &new);
	/* Who can only read can't repair: it gets the lock as a writer. */
	if (!spare || ret == -EOWNERDEAD)
		ret = shmbuf_lock_try_write(buffer, bucket, index, owner->id, old,
					    first && !first->trying, stay, &new);
	if (ret == -EBUSY && stay)
		new |= SHMBUF_WORD_WAITERS;
	if (ret == -EOWNERDEAD && shmbuf_lock_word_owner(old))
		shmbuf_death_note(buffer, index, shmbuf_lock_word_owner(old));
	shmbuf_lock_word_put(buffer, bucket, index, new);
	return ret;
}

/* The readers at the head of the queue read, as many as can be woken. */
static void shmbuf_lock_admit(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			      u32 index, struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_waiter *waiter, *next;

	waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	/* Room is left for one who shall try. */
	for (; waiter && waiter->shared && wakeups->nr < SHMBUF_WAKE_BATCH - 1; waiter = next) {
		next = shmbuf_waiter_next(waiter);
		if (!shmbuf_waiter_claim(waiter))
			continue;
		waiter->result = shmbuf_reader_grant(bucket, index, waiter->owner,
						     &waiter->claim, next, wakeups);
		shmbuf_waiter_finish(buffer, bucket, waiter, wakeups);
	}
}

/* Whether @waiter, a writer, gets the lock handed over. */
static bool shmbuf_lock_hand_over(const struct shmbuf_waiter *waiter)
{
	return !READ_ONCE(waiter->owner->dead) &&
	       ktime_get_ns() - waiter->since > SHMBUF_PATIENCE_NS;
}

/*
 * See to it that those who wait go on, if they can: @word is the lock's, which is taken.
 * @undo: nobody has held it since the last time.  Return: what to put.
 */
static u64 shmbuf_lock_settle(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			      u32 index, u64 word, bool undo, struct shmbuf_wakeups *wakeups)
{
	const u64 ill = SHMBUF_OWNER_MASK | SHMBUF_WORD_OWNER_DIED | SHMBUF_WORD_NOTRECOVERABLE;
	struct shmbuf_waiter *first;

	lockdep_assert_held(&bucket->lock);
	word &= ~SHMBUF_WORD_WAITERS;
	if (!shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK))
		return word;
	if (shmbuf_word_has_live_owner(buffer, word))
		return word | SHMBUF_WORD_WAITERS;
	if (!(word & ill))
		shmbuf_lock_admit(buffer, bucket, index, wakeups);
	first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	if (!first)
		return word;
	if (!(word & ill)) {
		/* More readers than could be woken: the last of them goes on. */
		if (first->shared || shmbuf_readers_any(buffer, bucket, index) ||
		    shmbuf_readers_stop(buffer, bucket, index))
			return word | SHMBUF_WORD_WAITERS;
		if (!undo && shmbuf_lock_hand_over(first) && shmbuf_waiter_claim(first)) {
			word |= first->owner->id |
				shmbuf_word_waiters(!!shmbuf_waiter_next(first));
			shmbuf_waiter_finish(buffer, bucket, first, wakeups);
			return word;
		}
	}
	if (!first->trying)
		shmbuf_waiter_try(bucket, first, wakeups);
	return word;
}

/*
 * See to it that somebody who waits for the lock goes on if no live owner
 * holds it, though others tried and aren't back yet.
 */
static void shmbuf_lock_look_after(struct shmbuf_buffer *buffer, struct shmbuf_waiter *first,
				   struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, first->index);
	u32 index = first->index;
	struct shmbuf_waiter *waiter;
	u64 old;

	lockdep_assert_held(&bucket->lock);
	if (shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old)) {
		/* A hostile word: they see for themselves. */
		shmbuf_waiter_try(bucket, first, wakeups);
		return;
	}
	old = shmbuf_lock_settle(buffer, bucket, index, old, true, wakeups);
	shmbuf_lock_word_put(buffer, bucket, index, old);
	if (old & SHMBUF_WORD_WAITERS)
		return;
	waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	while (waiter && waiter->trying)
		waiter = shmbuf_waiter_next(waiter);
	if (waiter && !wakeups->nr)
		shmbuf_waiter_try(bucket, waiter, wakeups);
}

/* Something is different about the lock: who waits may go on. */
static void shmbuf_lock_dispatch(struct shmbuf_buffer *buffer, u32 index,
				 struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *first;
	u64 old;

	if (!shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old)) {
		old = shmbuf_lock_settle(buffer, bucket, index, old, true, wakeups);
		shmbuf_lock_word_put(buffer, bucket, index, old);
		return;
	}
	/* A hostile word: they see for themselves. */
	first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	if (first && !first->trying)
		shmbuf_waiter_try(bucket, first, wakeups);
}

int shmbuf_lock_put_locked(struct shmbuf_buffer *buffer, u32 index, u64 id, bool undo,
			   struct shmbuf_wakeups *wakeups)
{
	const u64 ill = SHMBUF_WORD_OWNER_DIED | SHMBUF_WORD_NOTRECOVERABLE;
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	bool waited;
	u64 old, new;
	int ret;

	lockdep_assert_held(&bucket->lock);
	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old);
	if (ret)
		return ret;
	if (undo)
		ret = shmbuf_lock_undo(old, id, false, &new);
	else
		ret = shmbuf_lock_release(old, id, 0, false, &new);
	waited = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	if (ret != -EPERM) {
		/* After a death they may not until somebody has repaired. */
		shmbuf_readers_go_on(bucket, index, !waited && !(new & ill), wakeups);
		ret = 0;
	} else {
		new = old;
		ret = shmbuf_reader_release(bucket, index, id, waited, wakeups);
	}
	if (!ret)
		new = shmbuf_lock_settle(buffer, bucket, index, new, undo, wakeups);
	shmbuf_lock_word_put(buffer, bucket, index, new);
	return ret;
}

int shmbuf_lock_put(struct shmbuf_buffer *buffer, u32 index, u64 id, bool undo)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_wakeups wakeups = {};
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_lock_put_locked(buffer, index, id, undo, &wakeups);
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	if (!ret)
		shmbuf_held_forget(buffer, index, id);
	return ret;
}

int shmbuf_lock_check(struct shmbuf_buffer *buffer, u32 index, u64 id)
{
	u64 old;
	int ret;

	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old);
	if (ret)
		return ret == -EAGAIN ? -EPERM : ret;
	shmbuf_word_put(buffer, index, old);
	return shmbuf_lock_is_sound(old, id) ? 0 : -EPERM;
}

/*
 * Spin while the lock's owner runs on another CPU.  True where the lock may be
 * free now, false where sleeping is better.
 */
static bool shmbuf_lock_spin_on_owner(struct shmbuf_buffer *buffer, u32 index)
{
	atomic64_t *word = shmbuf_word(buffer, index);
	struct task_struct *task;
	u64 old = atomic64_read(word);
	u64 id = shmbuf_lock_word_owner(old);
	bool go_on = true;
	int i;

	rcu_read_lock();
	task = id ? shmbuf_owner_task(buffer, id) : NULL;
	for (i = 0; go_on && i < SHMBUF_SPINS; i++) {
		old = atomic64_read(word);
		if (shmbuf_lock_word_owner(old) != id)
			break;
		go_on = task && owner_on_cpu(task) && !need_resched() &&
			!signal_pending(current);
		cpu_relax();
	}
	rcu_read_unlock();
	return go_on && !need_resched() && !signal_pending(current);
}

static int shmbuf_lock_try_once(struct shmbuf_buffer *buffer, u32 index,
				struct shmbuf_owner *owner, struct shmbuf_claim **spare)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_wakeups wakeups = {};
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_lock_try(buffer, bucket, index, owner, NULL, false, spare, &wakeups);
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	return ret;
}

static bool shmbuf_lock_looks_held(struct shmbuf_buffer *buffer, u32 index)
{
	return shmbuf_word_has_live_owner(buffer, atomic64_read(shmbuf_word(buffer, index)));
}

static int shmbuf_lock_adaptive(struct shmbuf_buffer *buffer, u32 index,
				struct shmbuf_owner *owner, struct shmbuf_claim **spare,
				const struct shmbuf_deadline *deadline)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	int spins = SHMBUF_MAX_SPINS;
	int ret = -EBUSY;

	if (atomic_inc_return(&bucket->nr_spinners) <= SHMBUF_MAX_SPINNERS) {
		while (ret == -EBUSY && spins-- && shmbuf_lock_spin_on_owner(buffer, index) &&
		       !shmbuf_deadline_passed(deadline)) {
			if (!shmbuf_lock_looks_held(buffer, index))
				ret = shmbuf_lock_try_once(buffer, index, owner, spare);
		}
	}
	atomic_dec(&bucket->nr_spinners);
	return ret;
}

static int shmbuf_lock_interrupted(u32 flags)
{
	return flags & SHMBUF_LOCK_INTERRUPTIBLE ? -ERESTARTNOHAND : -ERESTARTNOINTR;
}

static int shmbuf_lock_spin_only(struct shmbuf_buffer *buffer, u32 index,
				 struct shmbuf_owner *owner, u32 flags,
				 const struct shmbuf_deadline *deadline)
{
	struct shmbuf_edge edge;
	int ret = shmbuf_edge_add(&edge, owner, index, !(flags & SHMBUF_LOCK_NODETECT));

	if (ret)
		return ret;
	for (ret = -EBUSY; ret == -EBUSY;) {
		if (!shmbuf_lock_looks_held(buffer, index))
			ret = shmbuf_lock_try_once(buffer, index, owner, NULL);
		/* By readers, who would come and go: it has to stop them. */
		if (ret != -EBUSY || !shmbuf_lock_looks_held(buffer, index))
			break;
		if (signal_pending(current))
			ret = shmbuf_lock_interrupted(flags);
		else if (shmbuf_deadline_passed(deadline))
			ret = -ETIMEDOUT;
		else if (!shmbuf_lock_spin_on_owner(buffer, index))
			cond_resched();
	}
	shmbuf_edge_remove(&edge);
	return ret;
}

/* @waiter leaves: without the lock, somebody else must get the chance it had. */
void shmbuf_lock_leave(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
		       struct shmbuf_waiter *waiter, int ret, struct shmbuf_wakeups *wakeups)
{
	shmbuf_waiter_remove(buffer, bucket, waiter);
	/* A reader isn't in the way of others. */
	if (!shmbuf_is_locked(ret) || (waiter->shared && !ret))
		shmbuf_lock_dispatch(buffer, waiter->index, wakeups);
}

/* By what it reads, for shmbuf_lock_try(). */
static struct shmbuf_claim **shmbuf_lock_spare(struct shmbuf_waiter *waiter)
{
	return waiter->shared ? &waiter->claim : NULL;
}

/* After a wake-up, a signal or the deadline.  -EBUSY: sleep on. */
static int shmbuf_lock_retry(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			     u32 flags, const struct shmbuf_deadline *deadline)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	struct shmbuf_wakeups wakeups = {};
	struct shmbuf_waiter *first;
	int why = 0;
	int ret = -EBUSY;

	if (fatal_signal_pending(current) ||
	    (signal_pending(current) && !(flags & SHMBUF_LOCK_RETAKE)))
		why = shmbuf_lock_interrupted(flags);
	else if (shmbuf_deadline_passed(deadline))
		why = -ETIMEDOUT;

	spin_lock(&bucket->lock);
	if (waiter->done) {
		/* Readers come in batches: whoever of one is awake lets the next in. */
		first = shmbuf_waiter_first(bucket, waiter->index, SHMBUF_KIND_LOCK);
		if (waiter->shared && first && first->shared)
			shmbuf_lock_dispatch(buffer, waiter->index, &wakeups);
		spin_unlock(&bucket->lock);
		shmbuf_wakeups_flush(&wakeups);
		return waiter->result;
	}
	waiter->trying = false;
	if (!fatal_signal_pending(current))
		ret = shmbuf_lock_try(buffer, bucket, waiter->index, waiter->owner, waiter,
				      !why, shmbuf_lock_spare(waiter), &wakeups);
	if (ret == -EBUSY && why)
		ret = why;
	if (ret != -EBUSY)
		shmbuf_lock_leave(buffer, bucket, waiter, ret, &wakeups);
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	/*
	 * RESET leaves alone what is waited for: only a hostile peer does this, or a
	 * sleeper was moved here meanwhile.
	 */
	return ret == -EAGAIN && !(flags & SHMBUF_LOCK_RETAKE) ? -EINVAL : ret;
}

/* Sleep once, and look.  -EBUSY: sleep on. */
static int shmbuf_lock_sleep_once(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				  u32 flags, struct shmbuf_deadline *deadline)
{
	if (flags & SHMBUF_LOCK_SPIN) {
		cond_resched();
		return shmbuf_lock_retry(buffer, waiter, flags, deadline);
	}
	/* Whom a signal can't end isn't kept awake by it, and isn't in state D either. */
	if ((flags & SHMBUF_LOCK_RETAKE) && signal_pending(current))
		set_current_state(TASK_KILLABLE | TASK_NOLOAD | TASK_FREEZABLE);
	else
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
	if (!shmbuf_waiter_done(waiter) && !READ_ONCE(waiter->trying))
		shmbuf_waiter_sleep(deadline);
	__set_current_state(TASK_RUNNING);
	return shmbuf_lock_retry(buffer, waiter, flags, deadline);
}

/* For OWNER_INFO: whoever sleeps knows that it was held by then. */
static void shmbuf_lock_see_holder(struct shmbuf_buffer *buffer, u32 index)
{
	u64 id = shmbuf_lock_word_owner(atomic64_read(shmbuf_word(buffer, index)));

	if (id)
		shmbuf_held_see(buffer, index, id);
}

static int shmbuf_lock_sleep(struct shmbuf_buffer *buffer, u32 index,
			     struct shmbuf_owner *owner, struct shmbuf_claim **spare, u32 flags,
			     struct shmbuf_deadline *deadline)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_wakeups wakeups = {};
	struct shmbuf_waiter waiter = {
		.index = index,
		.kind = SHMBUF_KIND_LOCK,
		.task = current,
		.owner = owner,
		.since = ktime_get_ns(),
		.shared = spare,
	};
	struct shmbuf_edge edge;
	int ret;

	ret = shmbuf_user_charge(owner->user, SHMBUF_QUOTA_WAITERS, 1);
	if (ret)
		return ret;
	ret = shmbuf_edge_add(&edge, owner, index, !(flags & SHMBUF_LOCK_NODETECT));
	if (ret)
		goto uncharge;
	spin_lock(&bucket->lock);
	ret = shmbuf_lock_try(buffer, bucket, index, owner, NULL, true, spare, &wakeups);
	if (ret == -EBUSY) {
		if (spare)
			swap(waiter.claim, *spare);
		shmbuf_waiter_add(buffer, bucket, &waiter);
	}
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);

	while (ret == -EBUSY) {
		shmbuf_lock_see_holder(buffer, index);
		ret = shmbuf_lock_sleep_once(buffer, &waiter, flags, deadline);
	}
	shmbuf_claim_free(waiter.claim);
	shmbuf_edge_remove(&edge);
uncharge:
	shmbuf_user_uncharge(owner->user, SHMBUF_QUOTA_WAITERS, 1);
	return ret;
}

int shmbuf_lock_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool stay,
		      struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	int ret = shmbuf_lock_try(buffer, bucket, waiter->index, waiter->owner, NULL, stay,
				  shmbuf_lock_spare(waiter), wakeups);

	if (ret == -EBUSY && stay)
		shmbuf_waiter_add(buffer, bucket, waiter);
	return ret;
}

int shmbuf_lock_try_again(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			  struct shmbuf_wakeups *wakeups)
{
	waiter->trying = false;
	return shmbuf_lock_try(buffer, shmbuf_bucket(buffer, waiter->index), waiter->index,
			       waiter->owner, waiter, true, shmbuf_lock_spare(waiter), wakeups);
}

void shmbuf_lock_moved(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
		       struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	u64 old;

	lockdep_assert_held(&bucket->lock);
	if (shmbuf_word_take(buffer, waiter->index, SHMBUF_KIND_LOCK, &old)) {
		/* It sees for itself that this is no lock any more. */
		shmbuf_waiter_try(bucket, waiter, wakeups);
		return;
	}
	old = shmbuf_lock_settle(buffer, bucket, waiter->index, old, true, wakeups);
	shmbuf_lock_word_put(buffer, bucket, waiter->index, old);
}

int shmbuf_lock_retake(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool queued)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	struct shmbuf_deadline never = { .never = true };
	struct shmbuf_wakeups wakeups = {};
	int ret = -EBUSY;

	if (!queued) {
		spin_lock(&bucket->lock);
		ret = shmbuf_lock_enter(buffer, waiter, true, &wakeups);
		spin_unlock(&bucket->lock);
		shmbuf_wakeups_flush(&wakeups);
	}
	while (ret == -EBUSY)
		ret = shmbuf_lock_sleep_once(buffer, waiter, SHMBUF_LOCK_RETAKE, &never);
	return ret;
}

/* @spare: as in shmbuf_lock_try(); not *@spare NULL. */
static int shmbuf_lock_acquire_by(struct shmbuf_buffer *buffer, struct shmbuf_owner *owner,
				  const struct shmbuf_lock *args, struct shmbuf_claim **spare)
{
	struct shmbuf_deadline deadline = shmbuf_deadline(args->deadline);
	u32 index = args->index;
	int ret;

	ret = shmbuf_lock_try_once(buffer, index, owner, spare);
	if (args->flags & SHMBUF_LOCK_TRY)
		return ret == -EDEADLK ? -EBUSY : ret;
	if (ret != -EBUSY)
		return ret;
	if (args->flags & SHMBUF_LOCK_SPIN) {
		if (!spare)
			ret = shmbuf_lock_spin_only(buffer, index, owner, args->flags, &deadline);
	} else if (!(args->flags & SHMBUF_LOCK_NOSPIN)) {
		ret = shmbuf_lock_adaptive(buffer, index, owner, spare, &deadline);
	}
	if (ret != -EBUSY)
		return ret;
	return shmbuf_lock_sleep(buffer, index, owner, spare, args->flags, &deadline);
}

struct shmbuf_claim *shmbuf_lock_claim(struct shmbuf_owner *owner, u32 index)
{
	return shmbuf_claim_alloc(owner->user, index, SHMBUF_KIND_LOCK, owner->id, &owner->dead);
}

/* Claims are allocated where they are needed: a reader that has one is the usual case. */
static int shmbuf_lock_read_by(struct shmbuf_buffer *buffer, struct shmbuf_owner *owner,
			       const struct shmbuf_lock *args)
{
	struct shmbuf_claim *spare = NULL;
	int ret = shmbuf_lock_try_once(buffer, args->index, owner, &spare);

	if (ret == -EDEADLK && (args->flags & SHMBUF_LOCK_TRY))
		return -EBUSY;
	if (ret != -ENODATA && (ret != -EBUSY || (args->flags & SHMBUF_LOCK_TRY)))
		return ret;
	spare = shmbuf_lock_claim(owner, args->index);
	if (IS_ERR(spare))
		return PTR_ERR(spare);
	ret = shmbuf_lock_acquire_by(buffer, owner, args, &spare);
	shmbuf_claim_free(spare);
	return ret;
}

int shmbuf_lock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args)
{
	struct shmbuf_owner *owner;
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	owner = shmbuf_owner_get_current(buffer, args->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	do {
		ret = args->flags & SHMBUF_LOCK_SHARED ?
			shmbuf_lock_read_by(buffer, owner, args) :
			shmbuf_lock_acquire_by(buffer, owner, args, NULL);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(buffer, args->index) : -EINVAL;
	} while (!ret);
	if (shmbuf_is_locked(ret))
		shmbuf_held_note(buffer, args->index, owner->id);
	/* Who never gets to see the lock doesn't die as its holder. */
	if (shmbuf_is_locked(ret) && fatal_signal_pending(current)) {
		shmbuf_lock_put(buffer, args->index, owner->id, true);
		ret = -EINTR;
	}
	shmbuf_owner_put(owner);
	return ret;
}

int shmbuf_unlock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args)
{
	struct shmbuf_owner *owner;
	int ret;

	owner = shmbuf_owner_get_current(buffer, args->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	ret = shmbuf_lock_put(buffer, args->index, owner->id, false);
	shmbuf_owner_put(owner);
	/* INIT or RESET at work on it: it isn't held. */
	return ret == -EAGAIN ? -EPERM : ret;
}

int shmbuf_consistent(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, args->index);
	struct shmbuf_owner *owner;
	u64 old, new;
	int ret;

	owner = shmbuf_owner_get_current(buffer, args->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	spin_lock(&bucket->lock);
	ret = shmbuf_word_take(buffer, args->index, SHMBUF_KIND_LOCK, &old);
	if (!ret) {
		ret = shmbuf_lock_consistent(old, owner->id,
					     !!(old & SHMBUF_WORD_WAITERS), &new);
		shmbuf_word_put(buffer, args->index, new);
	}
	spin_unlock(&bucket->lock);
	shmbuf_owner_put(owner);
	return ret == -EAGAIN ? -EPERM : ret;
}

/* From writer to reader, under the bucket's lock. */
static int shmbuf_lock_turn(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket, u32 index,
			    struct shmbuf_owner *owner, struct shmbuf_claim **spare,
			    struct shmbuf_wakeups *wakeups)
{
	bool waiters = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	u64 old, new;
	int ret;

	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old);
	if (ret)
		return ret;
	ret = shmbuf_lock_downgrade(old, owner->id, !!(old & SHMBUF_WORD_WAITERS), &new);
	if (!ret)
		ret = shmbuf_reader_grant(bucket, index, owner, spare, waiters, wakeups);
	if (ret)
		new = old;
	else
		new = shmbuf_lock_settle(buffer, bucket, index, new, false, wakeups);
	shmbuf_lock_word_put(buffer, bucket, index, new);
	return ret;
}

int shmbuf_downgrade(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, args->index);
	struct shmbuf_wakeups wakeups = {};
	struct shmbuf_owner *owner;
	struct shmbuf_claim *spare;
	int ret;

	owner = shmbuf_owner_get_current(buffer, args->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	spare = shmbuf_lock_claim(owner, args->index);
	ret = PTR_ERR_OR_ZERO(spare);
	if (!ret) {
		spin_lock(&bucket->lock);
		ret = shmbuf_lock_turn(buffer, bucket, args->index, owner, &spare, &wakeups);
		spin_unlock(&bucket->lock);
		shmbuf_wakeups_flush(&wakeups);
		shmbuf_claim_free(spare);
	}
	shmbuf_owner_put(owner);
	return ret == -EAGAIN ? -EPERM : ret;
}

static bool shmbuf_lock_first_word(u64 value, u64 *word)
{
	*word = 0;
	return !value;
}

static bool shmbuf_lock_is_idle(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	lockdep_assert_held(&bucket->lock);
	return !shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK) &&
	       !shmbuf_word_has_live_owner(buffer, word) &&
	       !shmbuf_readers_stop(buffer, bucket, index);
}

/* A dead reader vanishes. */
static void shmbuf_lock_bury_claim(struct shmbuf_buffer *buffer, struct shmbuf_claim *claim,
				   struct shmbuf_wakeups *wakeups)
{
	shmbuf_lock_dispatch(buffer, claim->index, wakeups);
}

const struct shmbuf_kind_ops shmbuf_lock_ops = {
	.first_word = shmbuf_lock_first_word,
	.is_idle = shmbuf_lock_is_idle,
	.sweep = shmbuf_lock_look_after,
	.bury = shmbuf_lock_bury_claim,
};

static void shmbuf_lock_bury(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_wakeups wakeups = {};
	struct shmbuf_waiter *first;
	u64 old, new;

	spin_lock(&bucket->lock);
	if (shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old))
		goto unlock;
	if (shmbuf_word_has_live_owner(buffer, old) ||
	    !shmbuf_lock_owner_died(old, false, &new)) {
		shmbuf_word_put(buffer, index, old);
		goto unlock;
	}
	shmbuf_death_note(buffer, index, shmbuf_lock_word_owner(old));
	shmbuf_word_put(buffer, index, new);
	first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	if (first && !first->trying)
		shmbuf_waiter_try(bucket, first, &wakeups);
unlock:
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
}

void shmbuf_locks_bury(struct shmbuf_buffer *buffer)
{
	u32 first, last, i;

	for (first = 0; shmbuf_objects_next(buffer, SHMBUF_KIND_LOCK, &first, &last);
	     first = last + 1) {
		for (i = first; i <= last; i++) {
			u64 word = atomic64_read(shmbuf_word(buffer, i));

			if (shmbuf_lock_word_owner(word) &&
			    !shmbuf_word_has_live_owner(buffer, word))
				shmbuf_lock_bury(buffer, i);
			cond_resched();
		}
	}
}
