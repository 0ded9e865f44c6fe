// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/time_namespace.h>

#include "buffer.h"
#include "claim.h"
#include "peers.h"
#include "sweep.h"
#include "waiter.h"

#define node_to_waiter(node_) rb_entry_safe(node_, struct shmbuf_waiter, node)

static int shmbuf_waiter_cmp(u32 index, u32 kind, const struct shmbuf_waiter *waiter)
{
	if (index != waiter->index)
		return index < waiter->index ? -1 : 1;
	if (kind != waiter->kind)
		return kind < waiter->kind ? -1 : 1;
	return 0;
}

static bool shmbuf_waiter_less(struct rb_node *a, const struct rb_node *b)
{
	const struct shmbuf_waiter *waiter = rb_entry(a, struct shmbuf_waiter, node);

	return shmbuf_waiter_cmp(waiter->index, waiter->kind,
				 rb_entry(b, struct shmbuf_waiter, node)) < 0;
}

void shmbuf_waiter_add(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
		       struct shmbuf_waiter *waiter)
{
	lockdep_assert_held(&bucket->lock);
	waiter->serial = atomic64_inc_return(&buffer->last_waiter);
	rb_add(&waiter->node, &bucket->waiters, shmbuf_waiter_less);
	WRITE_ONCE(bucket->nr_waiters, bucket->nr_waiters + 1);
	if (atomic_inc_return(&buffer->nr_waiters) == 1)
		shmbuf_sweep_later(buffer);
}

void shmbuf_waiter_remove(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			  struct shmbuf_waiter *waiter)
{
	lockdep_assert_held(&bucket->lock);
	rb_erase(&waiter->node, &bucket->waiters);
	WRITE_ONCE(bucket->nr_waiters, bucket->nr_waiters - 1);
	atomic_dec(&buffer->nr_waiters);
}

struct shmbuf_waiter *shmbuf_waiter_from(struct shmbuf_bucket *bucket, u32 index, u32 kind,
					 u64 serial)
{
	struct rb_node *node = bucket->waiters.rb_node;
	struct shmbuf_waiter *first = NULL;

	lockdep_assert_held(&bucket->lock);
	while (node) {
		struct shmbuf_waiter *waiter = node_to_waiter(node);
		int cmp = shmbuf_waiter_cmp(index, kind, waiter);

		if (!cmp && waiter->serial < serial)
			cmp = 1;
		else if (!cmp)
			first = waiter;
		node = cmp <= 0 ? node->rb_left : node->rb_right;
	}
	return first;
}

struct shmbuf_waiter *shmbuf_waiter_first(struct shmbuf_bucket *bucket, u32 index, u32 kind)
{
	return shmbuf_waiter_from(bucket, index, kind, 0);
}

struct shmbuf_waiter *shmbuf_waiter_next(struct shmbuf_waiter *waiter)
{
	struct shmbuf_waiter *next = node_to_waiter(rb_next(&waiter->node));

	return next && !shmbuf_waiter_cmp(waiter->index, waiter->kind, next) ? next : NULL;
}

void shmbuf_wakeups_add(struct shmbuf_wakeups *wakeups, struct task_struct *task)
{
	if (WARN_ON_ONCE(wakeups->nr == SHMBUF_WAKE_BATCH))
		return;
	wakeups->tasks[wakeups->nr++] = get_task_struct(task);
}

void shmbuf_waiter_finish(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			  struct shmbuf_waiter *waiter, struct shmbuf_wakeups *wakeups)
{
	shmbuf_waiter_remove(buffer, bucket, waiter);
	shmbuf_wakeups_add(wakeups, waiter->task);
	/* Pairs with shmbuf_waiter_done(); the waiter may be gone right after. */
	smp_store_release(&waiter->done, true);
}

void shmbuf_waiter_try(struct shmbuf_bucket *bucket, struct shmbuf_waiter *waiter,
		       struct shmbuf_wakeups *wakeups)
{
	lockdep_assert_held(&bucket->lock);
	waiter->late = false;
	WRITE_ONCE(waiter->trying, true);
	shmbuf_wakeups_add(wakeups, waiter->task);
}

void shmbuf_wakeups_flush(struct shmbuf_wakeups *wakeups)
{
	unsigned int i;

	for (i = 0; i < wakeups->nr; i++) {
		wake_up_process(wakeups->tasks[i]);
		put_task_struct(wakeups->tasks[i]);
	}
	wakeups->nr = 0;
	while (wakeups->claims) {
		struct shmbuf_claim *claim = wakeups->claims;

		wakeups->claims = claim->next;
		shmbuf_claim_free(claim);
	}
}

struct shmbuf_deadline shmbuf_deadline(u64 ns)
{
	struct timespec64 ahead = {};
	ktime_t expires, offset;

	if (ns > KTIME_MAX)
		return (struct shmbuf_deadline){ .never = true };
	timens_add_monotonic(&ahead);
	offset = timespec64_to_ktime(ahead);
	expires = offset < 0 ? ktime_add_safe(ns_to_ktime(ns), -offset) :
			       ktime_sub(ns_to_ktime(ns), offset);
	/* To a timer, what is before the host's boot is never. */
	return (struct shmbuf_deadline){ .expires = max_t(ktime_t, expires, 0) };
}

u64 shmbuf_time_of_caller(u64 ns)
{
	struct timespec64 time = ns_to_timespec64(ns);

	timens_add_monotonic(&time);
	return max_t(s64, timespec64_to_ns(&time), 0);
}

bool shmbuf_deadline_passed(const struct shmbuf_deadline *deadline)
{
	return !deadline->never && ktime_compare(ktime_get(), deadline->expires) >= 0;
}

void shmbuf_waiter_sleep(struct shmbuf_deadline *deadline)
{
	schedule_hrtimeout_range(deadline->never ? NULL : &deadline->expires,
				 current->timer_slack_ns, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

int shmbuf_waiter_wait(const struct shmbuf_waiter *waiter, struct shmbuf_deadline *deadline,
		       const struct shmbuf_peers *peers)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (!shmbuf_waiter_chosen(waiter) && !shmbuf_peers_result(peers))
			shmbuf_waiter_sleep(deadline);
		__set_current_state(TASK_RUNNING);
		if (shmbuf_waiter_chosen(waiter))
			return 0;
		if (shmbuf_peers_result(peers))
			return shmbuf_peers_result(peers);
		if (signal_pending(current))
			return -ERESTARTNOHAND;
		if (shmbuf_deadline_passed(deadline))
			return -ETIMEDOUT;
	}
}
