// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "claim.h"
#include "compat.h"
#include "contention.h"
#include "counter.h"
#include "deadlock.h"
#include "info.h"
#include "lock.h"
#include "object.h"
#include "owner.h"
#include "point.h"
#include "spin.h"
#include "trace.h"
#include "user.h"
#include "waiter.h"

/*
 * How LOCK waits: a look at the word, a spin while the owner runs, then sleep.  What may
 * be done with the word stands above lock.c.
 */

/* Threads that spin for the locks of one bucket; more only steal time. */
#define SHMBUF_MAX_SPINNERS 2

/* Looks at a lock word between looks at all the rest. */
#define SHMBUF_SPINS 1024

/* So often, and then who may sleep does: no owner runs for long, or it is a deadlock. */
#define SHMBUF_MAX_SPINS 64

/* Beside the flags of LOCK: nothing but a fatal signal ends it. */
#define SHMBUF_LOCK_RETAKE BIT(31)

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
	DEFINE_SHMBUF_WAKEUPS(wakeups);
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

/* The first look: who has the lock by that didn't wait. */
static int shmbuf_lock_try_first(struct shmbuf_buffer *buffer, u32 index,
				 struct shmbuf_owner *owner, struct shmbuf_claim **spare)
{
	int ret = shmbuf_lock_try_once(buffer, index, owner, spare);

	if (shmbuf_is_locked(ret))
		trace_shmbuf_lock_acquired(buffer, index, owner->id, spare, 0, ret);
	return ret;
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
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	struct shmbuf_waiter *first;
	int why = 0;
	int ret = -EBUSY;

	if (fatal_signal_pending(current) ||
	    (signal_pending(current) && !(flags & SHMBUF_LOCK_RETAKE)))
		why = shmbuf_lock_interrupted(flags);
	else if (shmbuf_deadline_passed(deadline))
		why = -ETIMEDOUT;

	shmbuf_point(lock_woken);
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
	waiter->tried |= waiter->trying;
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

/* Until there is something to look at again. */
static void shmbuf_lock_sleep_once(struct shmbuf_waiter *waiter, u32 flags,
				   struct shmbuf_deadline *deadline)
{
	if (flags & SHMBUF_LOCK_SPIN) {
		cond_resched();
		return;
	}
	/* Whom a signal can't end isn't kept awake by it, and isn't in state D either. */
	if ((flags & SHMBUF_LOCK_RETAKE) && signal_pending(current))
		set_current_state(TASK_KILLABLE | TASK_NOLOAD | TASK_FREEZABLE);
	else
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
	if (!shmbuf_waiter_chosen(waiter))
		shmbuf_waiter_sleep(deadline);
	__set_current_state(TASK_RUNNING);
}

/* For OWNER_INFO: whoever sleeps knows that it was held by then. */
static void shmbuf_lock_see_holder(struct shmbuf_buffer *buffer, u32 index)
{
	u64 id = shmbuf_lock_word_owner(atomic64_read(shmbuf_word(buffer, index)));

	if (id)
		shmbuf_held_see(buffer, index, id);
}

/*
 * @waiter, who is in the queue, looks out for the lock before it tries for it, or sleeps.
 * The last of the readers who hold it chooses @waiter; who they are isn't looked at.
 */
static void shmbuf_lock_look_out(struct shmbuf_buffer *buffer,
				 const struct shmbuf_waiter *waiter)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	int spins = SHMBUF_MAX_SPINS;
	u64 word;

	if (atomic_inc_return(&bucket->nr_spinners) <= SHMBUF_MAX_SPINNERS) {
		while (spins-- && !shmbuf_waiter_done(waiter)) {
			word = atomic64_read(shmbuf_word(buffer, waiter->index));
			if (shmbuf_word_has_live_owner(buffer, word)) {
				if (!shmbuf_lock_spin_on_owner(buffer, waiter->index))
					break;
			} else if (!(word & SHMBUF_WORD_READERS) || shmbuf_waiter_chosen(waiter) ||
				   !shmbuf_spin_until(&bucket->read_spins, shmbuf_waiter_chosen,
						      waiter)) {
				break;
			}
		}
	}
	atomic_dec(&bucket->nr_spinners);
}

/* @waiter is in the queue. */
static int shmbuf_lock_sleep_queued(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				    u32 flags, struct shmbuf_deadline *deadline)
{
	int ret = -EBUSY;

	/* While another writer holds it, that was done by shmbuf_lock_adaptive(). */
	if (!waiter->shared && !(flags & (SHMBUF_LOCK_SPIN | SHMBUF_LOCK_NOSPIN)) &&
	    !shmbuf_lock_looks_held(buffer, waiter->index)) {
		shmbuf_lock_look_out(buffer, waiter);
		ret = shmbuf_lock_retry(buffer, waiter, flags, deadline);
	}
	while (ret == -EBUSY) {
		shmbuf_lock_see_holder(buffer, waiter->index);
		shmbuf_lock_sleep_once(waiter, flags, deadline);
		ret = shmbuf_lock_retry(buffer, waiter, flags, deadline);
	}
	return ret;
}

static int shmbuf_lock_sleep(struct shmbuf_buffer *buffer, u32 index,
			     struct shmbuf_owner *owner, struct shmbuf_claim **spare, u32 flags,
			     struct shmbuf_deadline *deadline)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
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
	shmbuf_point(lock_unqueued);
	spin_lock(&bucket->lock);
	ret = shmbuf_lock_try(buffer, bucket, index, owner, NULL, true, spare, &wakeups);
	if (ret == -EBUSY) {
		if (spare)
			swap(waiter.claim, *spare);
		shmbuf_waiter_add(buffer, bucket, &waiter);
	}
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	shmbuf_point(lock_queued);

	if (ret == -EBUSY) {
		ret = shmbuf_lock_sleep_queued(buffer, &waiter, flags, deadline);
		shmbuf_contention_note(buffer, index, ktime_get_ns() - waiter.since);
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
	waiter->tried |= waiter->trying;
	waiter->trying = false;
	return shmbuf_lock_try(buffer, shmbuf_bucket(buffer, waiter->index), waiter->index,
			       waiter->owner, waiter, true, shmbuf_lock_spare(waiter), wakeups);
}

/* Of those that perf knows: what waits and spins in what way. */
static unsigned int shmbuf_lock_contention_flags(u32 flags)
{
	if (flags & SHMBUF_LOCK_SPIN)
		return LCB_F_SPIN;
	if (flags & SHMBUF_LOCK_SHARED)
		return LCB_F_READ;
	return flags & SHMBUF_LOCK_NOSPIN ? LCB_F_MUTEX : LCB_F_MUTEX | LCB_F_SPIN;
}

static void shmbuf_lock_contention_begin(struct shmbuf_buffer *buffer, u32 index,
					 const struct shmbuf_owner *owner, u32 flags)
{
	trace_shmbuf_lock_contended(buffer, index, owner->id, flags & SHMBUF_LOCK_SHARED);
	shmbuf_contention_begin(shmbuf_word(buffer, index), shmbuf_lock_contention_flags(flags));
}

static void shmbuf_lock_contention_end(struct shmbuf_buffer *buffer, u32 index,
				       const struct shmbuf_owner *owner, u32 flags, u64 since,
				       int ret)
{
	shmbuf_contention_end(shmbuf_word(buffer, index), shmbuf_is_locked(ret) ? 0 : ret);
	trace_shmbuf_lock_acquired(buffer, index, owner->id, flags & SHMBUF_LOCK_SHARED, since,
				   ret);
}

int shmbuf_lock_retake(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool queued)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	struct shmbuf_deadline never = { .never = true };
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	u64 since = waiter->since;
	int ret = -EBUSY;

	if (!queued) {
		spin_lock(&bucket->lock);
		ret = shmbuf_lock_enter(buffer, waiter, true, &wakeups);
		spin_unlock(&bucket->lock);
		shmbuf_wakeups_flush(&wakeups);
	}
	if (ret == -EBUSY) {
		shmbuf_lock_contention_begin(buffer, waiter->index, waiter->owner, 0);
		do {
			shmbuf_lock_look_out(buffer, waiter);
			ret = shmbuf_lock_retry(buffer, waiter, SHMBUF_LOCK_RETAKE, &never);
			if (ret == -EBUSY)
				shmbuf_lock_sleep_once(waiter, SHMBUF_LOCK_RETAKE, &never);
		} while (ret == -EBUSY);
		shmbuf_lock_contention_end(buffer, waiter->index, waiter->owner, 0, since, ret);
	} else if (shmbuf_is_locked(ret)) {
		trace_shmbuf_lock_acquired(buffer, waiter->index, waiter->owner->id, false, 0, ret);
	}
	return ret;
}

/* Not to be had at once.  @spare: as in shmbuf_lock_try(); not *@spare NULL. */
static int shmbuf_lock_contend(struct shmbuf_buffer *buffer, struct shmbuf_owner *owner,
			       const struct shmbuf_lock *args, struct shmbuf_claim **spare)
{
	struct shmbuf_deadline deadline = shmbuf_deadline(args->deadline);
	u64 since = shmbuf_trace_since(lock_acquired);
	u32 flags = args->flags, index = args->index;
	int ret = -EBUSY;

	shmbuf_lock_contention_begin(buffer, index, owner, flags);
	if (flags & SHMBUF_LOCK_SPIN) {
		if (!spare)
			ret = shmbuf_lock_spin_only(buffer, index, owner, flags, &deadline);
	} else if (!(flags & SHMBUF_LOCK_NOSPIN)) {
		ret = shmbuf_lock_adaptive(buffer, index, owner, spare, &deadline);
	}
	if (ret == -EBUSY)
		ret = shmbuf_lock_sleep(buffer, index, owner, spare, flags, &deadline);
	shmbuf_lock_contention_end(buffer, index, owner, flags, since, ret);
	return ret;
}

static int shmbuf_lock_acquire_by(struct shmbuf_buffer *buffer, struct shmbuf_owner *owner,
				  const struct shmbuf_lock *args, struct shmbuf_claim **spare)
{
	int ret = shmbuf_lock_try_first(buffer, args->index, owner, spare);

	if (args->flags & SHMBUF_LOCK_TRY)
		return ret == -EDEADLK ? -EBUSY : ret;
	return ret == -EBUSY ? shmbuf_lock_contend(buffer, owner, args, spare) : ret;
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
	int ret = shmbuf_lock_try_first(buffer, args->index, owner, &spare);

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
	if (ret == -EDEADLK) {
		shmbuf_count(SHMBUF_COUNT_DEADLOCKS);
		trace_shmbuf_deadlock(buffer, args->index, owner->id,
				      args->flags & SHMBUF_LOCK_SHARED);
	}
	shmbuf_point(lock_got);
	/* Who never gets to see the lock doesn't die as its holder. */
	if (shmbuf_is_locked(ret) && fatal_signal_pending(current)) {
		shmbuf_lock_put(buffer, args->index, owner->id, true);
		ret = -EINTR;
	}
	shmbuf_point(lock_returning);
	shmbuf_owner_put(owner);
	return ret;
}
