// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>

#include "buffer.h"
#include "object.h"
#include "owner.h"
#include "peers.h"
#include "point.h"
#include "sweep.h"
#include "waiter.h"
#include "watch.h"

/* The longest that a death nobody tells of, or a hostile word, can hold waiters up. */
#define SHMBUF_SWEEP_PERIOD (HZ / 10)

/* The first waiter of the next object that is waited for, from @index and @kind on. */
static struct shmbuf_waiter *shmbuf_sweep_next(struct shmbuf_bucket *bucket, u32 index, u32 kind)
{
	struct rb_node *node = bucket->waiters.rb_node;
	struct shmbuf_waiter *found = NULL;

	lockdep_assert_held(&bucket->lock);
	while (node) {
		struct shmbuf_waiter *waiter = rb_entry(node, struct shmbuf_waiter, node);

		if (waiter->index > index || (waiter->index == index && waiter->kind >= kind)) {
			found = waiter;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

static void shmbuf_sweep_bucket(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket)
{
	int left = atomic_read(&buffer->nr_waiters);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	struct shmbuf_waiter *waiter;
	u32 index = 0, kind = 0;

	do {
		spin_lock(&bucket->lock);
		waiter = shmbuf_sweep_next(bucket, index, kind);
		if (waiter) {
			index = waiter->index;
			kind = waiter->kind;
			shmbuf_kind_ops(kind)->sweep(buffer, waiter, &wakeups);
			/* After a full batch once more, but not for ever: they may come back. */
			left -= wakeups.nr;
			if (wakeups.nr < SHMBUF_WAKE_BATCH || left <= 0)
				kind++;
		}
		spin_unlock(&bucket->lock);
		shmbuf_wakeups_flush(&wakeups);
		cond_resched();
	} while (waiter);
}

/*
 * Each bucket's lock is taken, also where nobody seems to wait: who goes to sleep
 * later finds the death himself.
 */
void shmbuf_sweep(struct shmbuf_buffer *buffer)
{
	int i;

	for (i = 0; i < SHMBUF_NR_BUCKETS; i++)
		shmbuf_sweep_bucket(buffer, &buffer->buckets[i]);
	shmbuf_peers_sweep(buffer);
}

static void shmbuf_sweep_watchers(struct shmbuf_buffer *buffer)
{
	int i;

	for (i = 0; i < SHMBUF_NR_BUCKETS; i++)
		shmbuf_watchers_sweep(buffer, &buffer->buckets[i]);
}

void shmbuf_sweep_later(struct shmbuf_buffer *buffer)
{
	queue_delayed_work(shmbuf_workqueue, &buffer->check, SHMBUF_SWEEP_PERIOD);
}

void shmbuf_sweep_soon(struct shmbuf_buffer *buffer)
{
	mod_delayed_work(shmbuf_workqueue, &buffer->check, 0);
}

void shmbuf_sweep_work(struct work_struct *work)
{
	struct shmbuf_buffer *buffer =
		container_of(to_delayed_work(work), struct shmbuf_buffer, check);

	shmbuf_point(sweep_begun);
	/* Threads that went without a word: what they had of any object is undone. */
	if (shmbuf_owners_find_dead(buffer))
		shmbuf_owners_reap(buffer);
	shmbuf_sweep(buffer);
	shmbuf_sweep_watchers(buffer);
	if (atomic_read(&buffer->nr_waiters))
		shmbuf_sweep_later(buffer);
}
