// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "condition.h"
#include "object.h"
#include "peers.h"
#include "point.h"
#include "queue.h"
#include "trace.h"
#include "user.h"
#include "waiter.h"
#include "watch.h"

/*
 * A queue's word moves in user space only while nobody waits, and under its
 * bucket's lock in every other way.  A waiter is chosen by shmbuf_waiter_finish()
 * under that lock; what is decided there outranks its signal and its deadline.
 */

/* Whether @a came before @b; sequences wrap. */
static bool shmbuf_sequence_before(u64 a, u64 b)
{
	return ((b - a - 1) & SHMBUF_SEQUENCE_MASK) < (SHMBUF_SEQUENCE_MASK >> 1);
}

static bool shmbuf_queue_has_waiters(struct shmbuf_bucket *bucket, u32 index)
{
	return shmbuf_waiter_first(bucket, index, SHMBUF_KIND_QUEUE) ||
	       shmbuf_watched(bucket, index);
}

void shmbuf_queue_look_after(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	u64 old;

	lockdep_assert_held(&bucket->lock);
	if (!shmbuf_word_take(buffer, index, SHMBUF_KIND_QUEUE, &old))
		shmbuf_word_put(buffer, index,
				shmbuf_queue_word(old, shmbuf_queue_has_waiters(bucket, index)));
}

/*
 * Wake up to *@count of those that went to sleep before @sequence, up to a batch.
 * Observers before them wake as well, and take nobody's turn.  Who gave a lock up
 * waits for that instead, and who got something else meanwhile doesn't count.
 *
 * Return: how many were woken.  *@count is 0 where nobody is left to wake.
 */
static int shmbuf_queue_wake_batch(struct shmbuf_buffer *buffer, u32 index, u64 sequence,
				   u32 *count, struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *waiter;
	int i, woken = 0;

	lockdep_assert_held(&bucket->lock);
	for (i = 0; *count && i < SHMBUF_WAKE_BATCH && wakeups->nr < SHMBUF_WAKE_BATCH; i++) {
		waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_QUEUE);
		if (!waiter || !shmbuf_sequence_before(waiter->expected, sequence)) {
			*count = 0;
			break;
		}
		waiter->sequence = sequence;
		if (shmbuf_waiter_claim(waiter)) {
			*count -= !waiter->observer;
			woken++;
		}
		if (!waiter->owner || !shmbuf_condition_move(buffer, waiter, wakeups))
			shmbuf_waiter_finish(buffer, bucket, waiter, wakeups);
	}
	return woken;
}

/* Find waiters whom a hostile peer has hidden. */
static void shmbuf_queue_sweep(struct shmbuf_buffer *buffer, struct shmbuf_waiter *first,
			       struct shmbuf_wakeups *wakeups)
{
	u32 index = first->index;
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *waiter;
	u64 old, sequence;

	lockdep_assert_held(&bucket->lock);
	if (shmbuf_word_take(buffer, index, SHMBUF_KIND_QUEUE, &old))
		return;
	sequence = old & SHMBUF_SEQUENCE_MASK;
	/* A sequence never falls behind a waiter's, unless a hostile peer sets it back. */
	while (wakeups->nr < SHMBUF_WAKE_BATCH) {
		waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_QUEUE);
		if (!waiter || waiter->expected == sequence ||
		    shmbuf_sequence_before(waiter->expected, sequence))
			break;
		waiter->sequence = sequence;
		shmbuf_waiter_claim(waiter);
		shmbuf_waiter_finish(buffer, bucket, waiter, wakeups);
	}
	shmbuf_word_put(buffer, index,
			shmbuf_queue_word(old, shmbuf_queue_has_waiters(bucket, index)));
}

static bool shmbuf_queue_first_word(u64 value, u64 *word)
{
	*word = shmbuf_queue_word(value, false);
	return !(value & ~SHMBUF_SEQUENCE_MASK);
}

static bool shmbuf_queue_is_idle(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	lockdep_assert_held(&bucket->lock);
	return !shmbuf_queue_has_waiters(bucket, index);
}

const struct shmbuf_kind_ops shmbuf_queue_ops = {
	.first_word = shmbuf_queue_first_word,
	.is_idle = shmbuf_queue_is_idle,
	.sweep = shmbuf_queue_sweep,
};

void shmbuf_queue_pass_on(struct shmbuf_buffer *buffer, u32 index, u64 sequence)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	int left = atomic_read(&buffer->nr_waiters);
	u32 count = 1;
	int woken;

	/* There may be observers before the next one, and who got something else. */
	for (; count && left > 0; left--) {
		spin_lock(&bucket->lock);
		woken = shmbuf_queue_wake_batch(buffer, index, sequence, &count, &wakeups);
		shmbuf_queue_look_after(buffer, index);
		spin_unlock(&bucket->lock);
		trace_shmbuf_wake(buffer, index, SHMBUF_KIND_QUEUE, woken);
		shmbuf_wakeups_flush(&wakeups);
	}
}

int shmbuf_queue_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	u64 old;
	int ret;

	lockdep_assert_held(&bucket->lock);
	ret = shmbuf_word_take(buffer, waiter->index, SHMBUF_KIND_QUEUE, &old);
	if (ret)
		return ret;
	waiter->sequence = old & SHMBUF_SEQUENCE_MASK;
	if (waiter->sequence == waiter->expected) {
		shmbuf_waiter_add(buffer, bucket, waiter);
		ret = 1;
	}
	shmbuf_word_put(buffer, waiter->index,
			shmbuf_queue_word(old, shmbuf_queue_has_waiters(bucket, waiter->index)));
	return ret;
}

void shmbuf_queue_remove(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter)
{
	shmbuf_waiter_remove(buffer, shmbuf_bucket(buffer, waiter->index), waiter);
	shmbuf_queue_look_after(buffer, waiter->index);
}

/* @waiter wants to leave for @why, unless it has been chosen meanwhile. */
static int shmbuf_queue_leave(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			      int why)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);

	spin_lock(&bucket->lock);
	if (waiter->done)
		why = 0;
	else
		shmbuf_queue_remove(buffer, waiter);
	spin_unlock(&bucket->lock);
	return why;
}

static int shmbuf_queue_sleep(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			      struct shmbuf_deadline *deadline, const struct shmbuf_peers *peers)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (!shmbuf_waiter_done(waiter) && !shmbuf_peers_result(peers))
			shmbuf_waiter_sleep(deadline);
		__set_current_state(TASK_RUNNING);
		if (shmbuf_waiter_done(waiter))
			return 0;
		if (shmbuf_peers_result(peers))
			return shmbuf_queue_leave(buffer, waiter, shmbuf_peers_result(peers));
		if (signal_pending(current))
			return shmbuf_queue_leave(buffer, waiter, -ERESTARTNOHAND);
		if (shmbuf_deadline_passed(deadline))
			return shmbuf_queue_leave(buffer, waiter, -ETIMEDOUT);
	}
}

static int shmbuf_queue_wait(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			     u64 ns, const struct shmbuf_peers *peers,
			     u64 __user *sequence_user)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	struct shmbuf_deadline deadline = shmbuf_deadline(ns);
	bool entered;
	int ret;

	shmbuf_point(wait_unqueued);
	spin_lock(&bucket->lock);
	ret = shmbuf_queue_enter(buffer, waiter);
	spin_unlock(&bucket->lock);
	shmbuf_point(wait_queued);
	entered = ret > 0;
	if (entered)
		ret = shmbuf_queue_sleep(buffer, waiter, &deadline, peers);
	shmbuf_point(wait_chosen);
	if (ret)
		return ret;
	if (put_user(waiter->sequence, sequence_user))
		ret = -EFAULT;
	else if (fatal_signal_pending(current))
		ret = -EINTR;
	if (ret && entered && !waiter->observer)
		shmbuf_queue_pass_on(buffer, waiter->index, waiter->sequence);
	return ret;
}

static int shmbuf_wait_by(struct shmbuf_buffer *buffer, bool observer,
			  const struct shmbuf_wait *args, const struct shmbuf_peers *peers,
			  u64 __user *sequence_user)
{
	struct shmbuf_waiter waiter = {
		.index = args->index,
		.kind = SHMBUF_KIND_QUEUE,
		.task = current,
		.expected = args->sequence,
		.observer = observer,
		.since = ktime_get_coarse_ns(),
	};
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	do {
		ret = shmbuf_queue_wait(buffer, &waiter, args->deadline, peers, sequence_user);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(buffer, args->index) : -EINVAL;
	} while (!ret);
	return ret;
}

int shmbuf_wait(struct shmbuf_buffer *buffer, struct shmbuf_user *opener, bool observer,
		const struct shmbuf_wait *args, u64 __user *sequence_user)
{
	struct shmbuf_peers peers, *with_peers = NULL;
	u64 since = shmbuf_trace_since(wait);
	struct shmbuf_user *user;
	int ret;

	/* Who waits pays: not who opened a handle that he passed on. */
	user = shmbuf_user_get_caller(opener);
	if (!user)
		return -ENOMEM;
	ret = shmbuf_user_charge(user, SHMBUF_QUOTA_WAITERS, 1);
	if (ret)
		goto put_user;
	if (args->flags & SHMBUF_WAIT_PEERS) {
		with_peers = &peers;
		shmbuf_peers_begin(buffer, &peers, args->deaths);
	}
	ret = shmbuf_wait_by(buffer, observer, args, with_peers, sequence_user);
	if (with_peers)
		shmbuf_peers_end(buffer, &peers);
	shmbuf_user_uncharge(user, SHMBUF_QUOTA_WAITERS, 1);
	trace_shmbuf_wait(buffer, args->index, SHMBUF_KIND_QUEUE, 0, since, ret);
put_user:
	shmbuf_user_put(user);
	return ret;
}

static int shmbuf_queue_move(struct shmbuf_buffer *buffer, u32 index, u64 *sequence)
{
	u64 old, new;
	int ret;

	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_QUEUE, &old);
	if (ret)
		return ret;
	ret = shmbuf_queue_wake(old, true, &new);
	shmbuf_word_put(buffer, index, new);
	*sequence = new & SHMBUF_SEQUENCE_MASK;
	return ret;
}

/* So many before others may have the CPU. */
#define SHMBUF_WAKE_BATCHES 16

/*
 * With the bucket's lock held, which is dropped: wake up to @count of those that went to
 * sleep before @sequence.  Who is killed meanwhile goes on: nobody else knows of the rest.
 */
static int shmbuf_queue_wake_waiters(struct shmbuf_buffer *buffer, u32 index, u64 sequence,
				     u32 count)
	__releases(&shmbuf_bucket(buffer, index)->lock)
{
	/* A hostile peer can set the sequence back and wait again: once is enough. */
	int batch, woken = 0, batches = 0, left = atomic_read(&buffer->nr_waiters);
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);

	for (;;) {
		batch = shmbuf_queue_wake_batch(buffer, index, sequence, &count, &wakeups);
		woken += batch;
		shmbuf_queue_look_after(buffer, index);
		spin_unlock(&bucket->lock);
		shmbuf_point(wake_chosen);
		trace_shmbuf_wake(buffer, index, SHMBUF_KIND_QUEUE, batch);
		shmbuf_wakeups_flush(&wakeups);
		/* Each batch takes one out at least. */
		if (!count || left-- <= 0)
			return woken;
		/* Not at once: who was woken here would keep the others waiting. */
		if (!(++batches % SHMBUF_WAKE_BATCHES))
			cond_resched();
		spin_lock(&bucket->lock);
	}
}

static int shmbuf_queue_wake_once(struct shmbuf_buffer *buffer,
				  const struct shmbuf_wake *args)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, args->index);
	u64 sequence;
	bool watched;
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_queue_move(buffer, args->index, &sequence);
	if (ret) {
		spin_unlock(&bucket->lock);
		return ret;
	}
	watched = shmbuf_watched(bucket, args->index);
	shmbuf_point(wake_moved);
	ret = shmbuf_queue_wake_waiters(buffer, args->index, sequence, args->count);
	if (watched)
		shmbuf_watchers_tell(buffer, args->index, sequence, false);
	return ret;
}

void shmbuf_queue_moved(struct shmbuf_buffer *buffer, u32 index)
{
	u64 sequence = atomic64_read(shmbuf_word(buffer, index)) & SHMBUF_SEQUENCE_MASK;

	spin_lock(&shmbuf_bucket(buffer, index)->lock);
	shmbuf_queue_wake_waiters(buffer, index, sequence, SHMBUF_WAKE_ALL);
	shmbuf_watchers_tell(buffer, index, sequence, true);
}

int shmbuf_wake(struct shmbuf_buffer *buffer, const struct shmbuf_wake *args)
{
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	if (!args->count || args->index == SHMBUF_INDEX_DEATHS)
		return -EINVAL;
	for (;;) {
		ret = shmbuf_queue_wake_once(buffer, args);
		if (ret != -EAGAIN)
			return ret;
		ret = tries-- ? shmbuf_objects_settle(buffer, args->index) : -EINVAL;
		if (ret)
			return ret;
	}
}
