// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "buffer.h"
#include "condition.h"
#include "lock.h"
#include "object.h"
#include "owner.h"
#include "peers.h"
#include "point.h"
#include "queue.h"
#include "spin.h"
#include "trace.h"
#include "user.h"
#include "waiter.h"

/*
 * The lock is given up and the queue entered under the locks of both buckets, so that
 * there is no moment between.  A WAKE makes the sleeper a waiter of the lock, again under
 * both: it wakes once, when it gets the lock, and not before.  Who leaves the queue in
 * any other way, by deadline or signal or because a waker couldn't have both bucket
 * locks, takes the lock by itself.
 *
 * With RELEASED the lock was given up in user space, after a look at the sequence: what
 * happened since then shows when the queue is entered.
 *
 * Two buckets are locked in the order of their addresses.
 */

/* For sparse two locks are taken and released, always. */
static void shmbuf_buckets_lock(struct shmbuf_bucket *a, struct shmbuf_bucket *b)
	__acquires(&a->lock) __acquires(&b->lock)
{
	spin_lock(&min(a, b)->lock);
	if (a != b)
		spin_lock_nested(&max(a, b)->lock, SINGLE_DEPTH_NESTING);
	else
		__acquire(&b->lock);
}

static void shmbuf_buckets_unlock(struct shmbuf_bucket *a, struct shmbuf_bucket *b)
	__releases(&a->lock) __releases(&b->lock)
{
	if (a != b)
		spin_unlock(&max(a, b)->lock);
	else
		__release(&b->lock);
	spin_unlock(&min(a, b)->lock);
}

/* With the locks of both buckets held. */
static void shmbuf_condition_move_locked(struct shmbuf_buffer *buffer,
					 struct shmbuf_waiter *waiter,
					 struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *from = shmbuf_bucket(buffer, waiter->index);
	struct shmbuf_bucket *to = shmbuf_bucket(buffer, waiter->lock);

	lockdep_assert_held(&from->lock);
	lockdep_assert_held(&to->lock);
	shmbuf_waiter_remove(buffer, from, waiter);
	waiter->index = waiter->lock;
	waiter->kind = SHMBUF_KIND_LOCK;
	waiter->since = ktime_get_ns();
	shmbuf_waiter_add(buffer, to, waiter);
	shmbuf_lock_moved(buffer, waiter, wakeups);
	shmbuf_point(cond_moved);
	/* Pairs with shmbuf_condition_chosen().  It stays until @to's lock is dropped. */
	smp_store_release(&waiter->moved, true);
}

/* So often a bucket's lock is tried that can't be waited for. */
#define SHMBUF_CONDITION_TRIES 200

bool shmbuf_condition_move(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			   struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *from = shmbuf_bucket(buffer, waiter->index);
	struct shmbuf_bucket *to = shmbuf_bucket(buffer, waiter->lock);
	int tries = SHMBUF_CONDITION_TRIES;

	lockdep_assert_held(&from->lock);
	if (to == from) {
		shmbuf_condition_move_locked(buffer, waiter, wakeups);
		return true;
	}
	if (to > from) {
		spin_lock_nested(&to->lock, SINGLE_DEPTH_NESTING);
	} else {
		/* Against the order: who holds it may want ours, but rarely does. */
		while (!spin_trylock(&to->lock)) {
			if (!tries--)
				return false;
			cpu_relax();
		}
	}
	shmbuf_condition_move_locked(buffer, waiter, wakeups);
	spin_unlock(&to->lock);
	return true;
}

static bool shmbuf_condition_chosen(const struct shmbuf_waiter *waiter)
{
	/* Pairs with shmbuf_condition_move(). */
	return shmbuf_waiter_done(waiter) || smp_load_acquire(&waiter->moved);
}

/* As shmbuf_condition_enter(), with the lock given up already. */
static int shmbuf_condition_enter_released(struct shmbuf_buffer *buffer,
					   struct shmbuf_waiter *waiter)
{
	struct shmbuf_bucket *queue = shmbuf_bucket(buffer, waiter->index);
	int ret;

	if (!shmbuf_object_is(buffer, waiter->lock, SHMBUF_KIND_LOCK))
		return -EINVAL;
	spin_lock(&queue->lock);
	ret = shmbuf_queue_enter(buffer, waiter);
	spin_unlock(&queue->lock);
	shmbuf_point(cond_given_up);
	return ret;
}

/* 1: asleep, so to say, and the lock given up; 0: the sequence isn't as expected. */
static int shmbuf_condition_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter)
{
	struct shmbuf_bucket *queue = shmbuf_bucket(buffer, waiter->index);
	struct shmbuf_bucket *lock = shmbuf_bucket(buffer, waiter->lock);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	int ret, err;

	shmbuf_buckets_lock(queue, lock);
	ret = shmbuf_queue_enter(buffer, waiter);
	shmbuf_point(cond_queued);
	err = ret < 0 ? 0 : shmbuf_lock_check(buffer, waiter->lock, waiter->owner->id);
	if (ret > 0 && !err)
		err = shmbuf_lock_put_locked(buffer, waiter->lock, waiter->owner->id,
					     SHMBUF_LOCK_SLEEPS, &wakeups);
	if (err) {
		if (ret > 0)
			shmbuf_queue_remove(buffer, waiter);
		ret = err == -EAGAIN ? -EPERM : err;
	}
	shmbuf_buckets_unlock(queue, lock);
	shmbuf_point(cond_given_up);
	if (ret > 0)
		trace_shmbuf_lock_released(buffer, waiter->lock, waiter->owner->id);
	shmbuf_wakeups_flush(&wakeups);
	return ret;
}

/* @waiter wants to leave for @why, unless it has been chosen meanwhile. */
static int shmbuf_condition_leave(struct shmbuf_buffer *buffer, u32 index,
				  struct shmbuf_waiter *waiter, int why)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	spin_lock(&bucket->lock);
	if (waiter->done || waiter->moved)
		why = 0;
	else
		shmbuf_queue_remove(buffer, waiter);
	spin_unlock(&bucket->lock);
	return why;
}

static int shmbuf_condition_peers(int result)
{
	return result == -EPIPE ? SHMBUF_WAITED_ALONE : SHMBUF_WAITED_PEERDEAD;
}

/* 0: chosen; else SHMBUF_WAITED_*. */
static int shmbuf_condition_sleep(struct shmbuf_buffer *buffer, u32 index,
				  struct shmbuf_waiter *waiter,
				  struct shmbuf_deadline *deadline,
				  const struct shmbuf_peers *peers)
{
	int why;

	/* Who takes turns is woken soon. */
	if (shmbuf_spin_until(&shmbuf_bucket(buffer, index)->wait_spins,
			      shmbuf_condition_chosen, waiter))
		return 0;
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (!shmbuf_condition_chosen(waiter) && !shmbuf_peers_result(peers))
			shmbuf_waiter_sleep(deadline);
		__set_current_state(TASK_RUNNING);
		if (shmbuf_condition_chosen(waiter))
			return 0;
		if (shmbuf_peers_result(peers))
			why = shmbuf_condition_peers(shmbuf_peers_result(peers));
		else if (signal_pending(current))
			why = SHMBUF_WAITED_INTERRUPTED;
		else if (shmbuf_deadline_passed(deadline))
			why = SHMBUF_WAITED_TIMEDOUT;
		else
			continue;
		return shmbuf_condition_leave(buffer, index, waiter, why);
	}
}

/* Have the lock again, or fail.  @waiter is no more a queue's. */
static int shmbuf_condition_retake(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter)
{
	bool queued = waiter->moved;
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	for (;;) {
		if (!queued) {
			waiter->index = waiter->lock;
			waiter->kind = SHMBUF_KIND_LOCK;
			waiter->since = ktime_get_ns();
			waiter->trying = false;
			waiter->tried = false;
			waiter->done = false;
		}
		ret = shmbuf_lock_retake(buffer, waiter, queued);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(buffer, waiter->lock) : -EINVAL;
		if (ret)
			break;
		queued = false;
	}
	shmbuf_point(cond_retaken);
	/* Who never gets to see the lock doesn't die as its holder. */
	if (shmbuf_is_locked(ret) && fatal_signal_pending(current)) {
		shmbuf_lock_put(buffer, waiter->lock, waiter->owner->id, true);
		ret = -EINTR;
	}
	return ret;
}

static struct shmbuf_waiter shmbuf_condition_waiter(struct shmbuf_owner *owner,
						    const struct shmbuf_wait *args)
{
	return (struct shmbuf_waiter){
		.index = args->index,
		.kind = SHMBUF_KIND_QUEUE,
		.task = current,
		.owner = owner,
		.lock = args->lock,
		.expected = args->sequence,
		.since = ktime_get_coarse_ns(),
	};
}

/* Take the lock back after @why, and return that.  @chosen: by a WAKE. */
static int shmbuf_condition_end(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				u32 index, bool chosen, int why)
{
	int ret;

	shmbuf_point(cond_chosen);
	ret = shmbuf_condition_retake(buffer, waiter);
	if (shmbuf_is_locked(ret))
		return why | (ret ? SHMBUF_WAITED_OWNERDEAD : 0);
	/* Without the lock it can do nothing about what it was woken for. */
	if (chosen)
		shmbuf_queue_pass_on(buffer, index, waiter->sequence);
	/* All other errors mean that it is as before. */
	return fatal_signal_pending(current) ? -EINTR : -ENOTRECOVERABLE;
}

static int shmbuf_condition_wait_by(struct shmbuf_buffer *buffer, struct shmbuf_owner *owner,
				    const struct shmbuf_wait *args,
				    const struct shmbuf_peers *peers)
{
	struct shmbuf_deadline deadline = shmbuf_deadline(args->deadline);
	struct shmbuf_waiter waiter = shmbuf_condition_waiter(owner, args);
	bool released = args->flags & SHMBUF_WAIT_RELEASED;
	int ret = released ? shmbuf_condition_enter_released(buffer, &waiter) :
			     shmbuf_condition_enter(buffer, &waiter);

	if (ret < 0 || (!ret && !released))
		return ret;
	if (!ret)
		return shmbuf_condition_end(buffer, &waiter, args->index, false, 0);
	ret = shmbuf_condition_sleep(buffer, args->index, &waiter, &deadline, peers);
	return shmbuf_condition_end(buffer, &waiter, args->index, !ret, ret);
}

/* 1: the sequence is as @waiter expects; 0: it isn't. */
static int shmbuf_condition_look(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_queue_enter(buffer, waiter);
	if (ret > 0)
		shmbuf_queue_remove(buffer, waiter);
	spin_unlock(&bucket->lock);
	return ret;
}

/* @why has happened already, and ends the wait before it gives the lock up. */
static int shmbuf_condition_refuse(struct shmbuf_buffer *buffer, struct shmbuf_owner *owner,
				   const struct shmbuf_wait *args, int why)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, args->lock);
	struct shmbuf_waiter waiter = shmbuf_condition_waiter(owner, args);
	int ret = shmbuf_condition_look(buffer, &waiter);

	if (ret < 0)
		return ret;
	/* A wake comes first. */
	if (!ret)
		why = 0;
	if (args->flags & SHMBUF_WAIT_RELEASED) {
		if (!shmbuf_object_is(buffer, args->lock, SHMBUF_KIND_LOCK))
			return -EINVAL;
		return shmbuf_condition_end(buffer, &waiter, args->index, false, why);
	}
	spin_lock(&bucket->lock);
	ret = shmbuf_lock_check(buffer, args->lock, owner->id);
	spin_unlock(&bucket->lock);
	return ret ?: why;
}

static int shmbuf_condition_wait_peers(struct shmbuf_buffer *buffer, struct shmbuf_owner *owner,
				       const struct shmbuf_wait *args)
{
	struct shmbuf_peers peers;
	int ret, result;

	shmbuf_peers_begin(buffer, &peers, args->deaths);
	result = shmbuf_peers_result(&peers);
	if (result)
		ret = shmbuf_condition_refuse(buffer, owner, args,
					      shmbuf_condition_peers(result));
	else
		ret = shmbuf_condition_wait_by(buffer, owner, args, &peers);
	shmbuf_peers_end(buffer, &peers);
	return ret;
}

int shmbuf_condition_wait(struct shmbuf_buffer *buffer, const struct shmbuf_wait *args)
{
	int tries = SHMBUF_SETTLE_TRIES;
	struct shmbuf_owner *owner;
	u64 since = shmbuf_trace_since(wait);
	int ret;

	owner = shmbuf_owner_get_current(buffer, args->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	/* For the whole of it: the lock can't be taken back without. */
	ret = shmbuf_user_charge(owner->user, SHMBUF_QUOTA_WAITERS, 1);
	if (ret)
		goto put_owner;
	do {
		ret = args->flags & SHMBUF_WAIT_PEERS ?
			shmbuf_condition_wait_peers(buffer, owner, args) :
			shmbuf_condition_wait_by(buffer, owner, args, NULL);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(buffer, args->index) : -EINVAL;
	} while (!ret);
	shmbuf_user_uncharge(owner->user, SHMBUF_QUOTA_WAITERS, 1);
	trace_shmbuf_wait(buffer, args->index, SHMBUF_KIND_QUEUE, owner->id, since, ret);
put_owner:
	shmbuf_owner_put(owner);
	return ret;
}
