// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "any.h"
#include "buffer.h"
#include "claim.h"
#include "handle.h"
#include "lock.h"
#include "member.h"
#include "object.h"
#include "owner.h"
#include "peers.h"
#include "point.h"
#include "queue.h"
#include "sem.h"
#include "trace.h"
#include "user.h"
#include "waiter.h"

/*
 * The thread is a waiter of each object.  Whoever grants it something claims it first, by
 * shmbuf_waiter_claim(); so does the thread itself, with what it takes, and with a number
 * that is no item's when it goes for another reason.  What it took without being able
 * to claim it, it gives back.
 *
 * It has left all of the trees, each under its bucket's lock, before the waiters go.
 */

/**
 * struct shmbuf_any_entry - one item of a call
 * @waiter: of the item's object; @waiter.index and @waiter.kind name that
 * @buffer: the object's, kept by @file
 * @file: the handle's, a reference
 * @queued: @waiter has been one of those who wait
 * @taken: what taking the object returned, where that is what was won
 */
struct shmbuf_any_entry {
	struct shmbuf_waiter waiter;
	struct shmbuf_buffer *buffer;
	struct file *file;
	bool queued;
	int taken;
};

/**
 * struct shmbuf_any_call - one WAIT_ANY under way
 * @any: what the waiters refer to
 * @nr: of @entries
 * @entries: the items
 */
struct shmbuf_any_call {
	struct shmbuf_any any;
	int nr;
	struct shmbuf_any_entry *entries;
};

/**
 * struct shmbuf_any_kind - what the kinds of objects differ in; all under the bucket's lock
 * @flags: SHMBUF_WAIT_ITEM_* that it knows
 * @owned: an owner id is needed, or with UNDO
 * @writes: a handle is needed that may write
 * @enter: take the object, 0 or -EOWNERDEAD; else -EBUSY, with @stay as one who waits
 * @again: the same for one who waits and was told to try; NULL where nobody is
 * @leave: one who waits doesn't any more, with the object where it is @won by him
 * @undo: without the bucket's lock: what was won or taken can't be used, and goes to
 *	the next
 */
struct shmbuf_any_kind {
	u32 flags;
	bool owned;
	bool writes;
	int (*enter)(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool stay,
		     struct shmbuf_wakeups *wakeups);
	int (*again)(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
		     struct shmbuf_wakeups *wakeups);
	void (*leave)(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool won,
		      struct shmbuf_wakeups *wakeups);
	void (*undo)(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter);
};

static int shmbuf_any_lock_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				 bool stay, struct shmbuf_wakeups *wakeups)
{
	return shmbuf_lock_enter(buffer, waiter, stay, wakeups);
}

static void shmbuf_any_lock_leave(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				  bool won, struct shmbuf_wakeups *wakeups)
{
	shmbuf_lock_leave(buffer, shmbuf_bucket(buffer, waiter->index), waiter,
			  won ? 0 : -EBUSY, wakeups);
}

static void shmbuf_any_lock_undo(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter)
{
	shmbuf_lock_put(buffer, waiter->index, waiter->owner->id, true);
}

static int shmbuf_any_queue_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				  bool stay, struct shmbuf_wakeups *wakeups)
{
	int ret = shmbuf_queue_enter(buffer, waiter);

	if (ret <= 0)
		return ret;
	if (!stay)
		shmbuf_queue_remove(buffer, waiter);
	return -EBUSY;
}

static void shmbuf_any_queue_leave(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				   bool won, struct shmbuf_wakeups *wakeups)
{
	shmbuf_queue_remove(buffer, waiter);
}

/* Who was chosen passes the wake on.  Who found the sequence moved took nobody's. */
static void shmbuf_any_queue_undo(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter)
{
	if (waiter->done && !waiter->observer)
		shmbuf_queue_pass_on(buffer, waiter->index, waiter->sequence);
}

static void shmbuf_any_sem_leave(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
				 bool won, struct shmbuf_wakeups *wakeups)
{
	shmbuf_sem_leave(buffer, waiter, wakeups);
}

static void shmbuf_any_sem_undo(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter)
{
	shmbuf_sem_pass_on(buffer, waiter->index, waiter->owner);
}

static const struct shmbuf_any_kind shmbuf_any_kinds[] = {
	[SHMBUF_KIND_LOCK] = {
		.flags = SHMBUF_WAIT_ITEM_SHARED,
		.owned = true,
		.writes = true,
		.enter = shmbuf_any_lock_enter,
		.again = shmbuf_lock_try_again,
		.leave = shmbuf_any_lock_leave,
		.undo = shmbuf_any_lock_undo,
	},
	[SHMBUF_KIND_QUEUE] = {
		.enter = shmbuf_any_queue_enter,
		.leave = shmbuf_any_queue_leave,
		.undo = shmbuf_any_queue_undo,
	},
	[SHMBUF_KIND_SEMAPHORE] = {
		.flags = SHMBUF_WAIT_ITEM_UNDO,
		.writes = true,
		.enter = shmbuf_sem_try,
		.leave = shmbuf_any_sem_leave,
		.undo = shmbuf_any_sem_undo,
	},
};

/* NULL where there is no such kind. */
static const struct shmbuf_any_kind *shmbuf_any_kind(u32 kind)
{
	if (kind >= ARRAY_SIZE(shmbuf_any_kinds))
		return NULL;
	kind = array_index_nospec(kind, ARRAY_SIZE(shmbuf_any_kinds));
	return shmbuf_any_kinds[kind].enter ? &shmbuf_any_kinds[kind] : NULL;
}

static void shmbuf_any_free(struct shmbuf_any_call *call)
{
	int i;

	for (i = 0; i < call->nr; i++) {
		shmbuf_claim_free(call->entries[i].waiter.claim);
		if (call->entries[i].waiter.owner)
			shmbuf_owner_put(call->entries[i].waiter.owner);
		if (call->entries[i].file)
			fput(call->entries[i].file);
	}
	kvfree(call->entries);
}

static int shmbuf_any_open(struct shmbuf_any_entry *entry, const struct shmbuf_wait_item *item,
			   const struct shmbuf_any_kind *kind)
{
	struct shmbuf_owner *owner;

	entry->file = fget(item->fd);
	if (!entry->file)
		return -EBADF;
	if (entry->file->f_op != &shmbuf_fops)
		return -ENOTTY;
	entry->buffer = shmbuf_handle_buffer(shmbuf_handle(entry->file));
	if (!entry->buffer)
		return -ENOTCONN;
	entry->waiter.observer = !shmbuf_file_writable(entry->file);
	if (kind->writes && entry->waiter.observer)
		return -EBADF;
	if (!kind->owned && !(item->flags & SHMBUF_WAIT_ITEM_UNDO))
		return item->owner ? -EINVAL : 0;
	owner = shmbuf_owner_get_current(entry->buffer, item->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	entry->waiter.owner = owner;
	return 0;
}

/* What a unit with UNDO, or a reader, is put on record in. */
static int shmbuf_any_claim_alloc(struct shmbuf_user *user, struct shmbuf_waiter *waiter)
{
	struct shmbuf_member *member = waiter->owner->member;
	struct shmbuf_claim *claim;

	if (waiter->shared)
		claim = shmbuf_lock_claim(waiter->owner, waiter->index);
	else
		claim = shmbuf_claim_alloc(user, waiter->index, waiter->kind, member->id,
					   &member->dead);
	if (IS_ERR(claim))
		return PTR_ERR(claim);
	waiter->claim = claim;
	return 0;
}

static int shmbuf_any_prepare(struct shmbuf_any_call *call, struct shmbuf_user *user, int i,
			      const struct shmbuf_wait_item *item)
{
	const struct shmbuf_any_kind *kind = shmbuf_any_kind(item->kind);
	struct shmbuf_any_entry *entry = &call->entries[i];
	int j, ret;

	if (!kind || (item->kind != SHMBUF_KIND_QUEUE && item->sequence))
		return -EINVAL;
	if (item->flags & ~kind->flags)
		return -EOPNOTSUPP;
	entry->waiter.index = item->index;
	entry->waiter.kind = item->kind;
	entry->waiter.task = current;
	entry->waiter.expected = item->sequence;
	entry->waiter.any = &call->any;
	entry->waiter.item = i;
	entry->waiter.since = ktime_get_ns();
	entry->waiter.shared = item->flags & SHMBUF_WAIT_ITEM_SHARED;
	ret = shmbuf_any_open(entry, item, kind);
	for (j = 0; !ret && j < i; j++) {
		if (call->entries[j].buffer == entry->buffer &&
		    call->entries[j].waiter.index == entry->waiter.index)
			ret = -EINVAL;
	}
	if (!ret && item->flags)
		ret = shmbuf_any_claim_alloc(user, &entry->waiter);
	return ret;
}

static int shmbuf_any_init(struct shmbuf_any_call *call, struct shmbuf_user *user,
			   const struct shmbuf_wait_any *args)
{
	const struct shmbuf_wait_item __user *items_user = u64_to_user_ptr(args->items);
	struct shmbuf_wait_item item;
	int i, ret = 0;

	atomic_set(&call->any.won, -1);
	call->entries = kvcalloc(args->nr_items, sizeof(*call->entries), GFP_KERNEL_ACCOUNT);
	if (!call->entries)
		return -ENOMEM;
	for (i = 0; i < args->nr_items && !ret; i++) {
		if (copy_from_user(&item, &items_user[i], sizeof(item)))
			ret = -EFAULT;
		else
			call->nr = i + 1;
		if (!ret)
			ret = shmbuf_any_prepare(call, user, i, &item);
	}
	if (ret)
		shmbuf_any_free(call);
	return ret;
}

static void shmbuf_any_trace_acquired(const struct shmbuf_any_entry *entry, int ret)
{
	if (entry->waiter.kind == SHMBUF_KIND_LOCK)
		trace_shmbuf_lock_acquired(entry->buffer, entry->waiter.index,
					   entry->waiter.owner->id, entry->waiter.shared,
					   entry->waiter.since, ret);
}

/* What was taken when something else had been won goes to the next. */
static void shmbuf_any_give_back(struct shmbuf_any_entry *entry, int ret)
{
	/* Its release is traced as well. */
	shmbuf_any_trace_acquired(entry, ret);
	shmbuf_any_kind(entry->waiter.kind)->undo(entry->buffer, &entry->waiter);
}

/*
 * Under the bucket's lock: what was taken, if it was, is won, unless something else has
 * been; then it is to be undone.
 */
static bool shmbuf_any_claim(struct shmbuf_any_entry *entry, int ret)
{
	if (!shmbuf_is_locked(ret))
		return true;
	if (!shmbuf_waiter_claim(&entry->waiter))
		return false;
	entry->taken = ret;
	return true;
}

/* -EBUSY: not to be had now.  0: something is won. */
static int shmbuf_any_enter_once(struct shmbuf_any_entry *entry, bool stay)
{
	const struct shmbuf_any_kind *kind = shmbuf_any_kind(entry->waiter.kind);
	struct shmbuf_bucket *bucket = shmbuf_bucket(entry->buffer, entry->waiter.index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	bool claimed;
	int ret;

	spin_lock(&bucket->lock);
	ret = kind->enter(entry->buffer, &entry->waiter, stay, &wakeups);
	entry->queued = ret == -EBUSY && stay;
	shmbuf_point(any_taken);
	claimed = shmbuf_any_claim(entry, ret);
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	if (!claimed)
		shmbuf_any_give_back(entry, ret);
	return shmbuf_is_locked(ret) ? 0 : ret;
}

static int shmbuf_any_enter(struct shmbuf_any_entry *entry, bool stay)
{
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	for (;;) {
		ret = shmbuf_any_enter_once(entry, stay);
		if (ret != -EAGAIN)
			return ret;
		ret = tries-- ? shmbuf_objects_settle(entry->buffer, entry->waiter.index) :
				-EINVAL;
		if (ret)
			return ret;
	}
}

/* All of them in order.  -EBUSY, 0 or an error. */
static int shmbuf_any_enter_all(struct shmbuf_any_call *call, bool stay)
{
	int i, ret = -EBUSY;

	for (i = 0; i < call->nr && ret == -EBUSY; i++) {
		if (atomic_read(&call->any.won) >= 0)
			return 0;
		ret = shmbuf_any_enter(&call->entries[i], stay);
		shmbuf_point(any_queued);
	}
	return ret;
}

static int shmbuf_any_try(struct shmbuf_any_entry *entry)
{
	const struct shmbuf_any_kind *kind = shmbuf_any_kind(entry->waiter.kind);
	struct shmbuf_bucket *bucket = shmbuf_bucket(entry->buffer, entry->waiter.index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	bool claimed;
	int ret = -EBUSY;

	spin_lock(&bucket->lock);
	if (!entry->waiter.done)
		ret = kind->again(entry->buffer, &entry->waiter, &wakeups);
	claimed = shmbuf_any_claim(entry, ret);
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	if (!claimed)
		shmbuf_any_give_back(entry, ret);
	if (shmbuf_is_locked(ret))
		return 0;
	/* RESET leaves alone what is waited for: only a hostile peer does this. */
	return ret == -EAGAIN ? -EINVAL : ret;
}

/* Somebody has to do something about what was decided or offered. */
static bool shmbuf_any_news(const struct shmbuf_any_call *call)
{
	int i;

	if (atomic_read(&call->any.won) >= 0)
		return true;
	for (i = 0; i < call->nr; i++) {
		if (READ_ONCE(call->entries[i].waiter.trying))
			return true;
	}
	return false;
}

/* -EBUSY: nothing can be had yet.  0: something is won. */
static int shmbuf_any_look(struct shmbuf_any_call *call)
{
	int i, ret = -EBUSY;

	for (i = 0; i < call->nr && ret == -EBUSY; i++) {
		if (atomic_read(&call->any.won) >= 0)
			return 0;
		if (READ_ONCE(call->entries[i].waiter.trying))
			ret = shmbuf_any_try(&call->entries[i]);
	}
	return ret;
}

static int shmbuf_any_sleep(struct shmbuf_any_call *call, struct shmbuf_deadline *deadline,
			    const struct shmbuf_peers *peers)
{
	int ret;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (!shmbuf_any_news(call) && !shmbuf_peers_result(peers))
			shmbuf_waiter_sleep(deadline);
		__set_current_state(TASK_RUNNING);
		if (!fatal_signal_pending(current)) {
			ret = shmbuf_any_look(call);
			if (ret != -EBUSY)
				return ret;
		}
		if (shmbuf_peers_result(peers))
			return shmbuf_peers_result(peers);
		if (signal_pending(current))
			return -ERESTARTNOHAND;
		if (shmbuf_deadline_passed(deadline))
			return -ETIMEDOUT;
	}
}

static void shmbuf_any_leave(struct shmbuf_any_entry *entry, bool won)
{
	const struct shmbuf_any_kind *kind = shmbuf_any_kind(entry->waiter.kind);
	struct shmbuf_bucket *bucket = shmbuf_bucket(entry->buffer, entry->waiter.index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);

	if (!entry->queued)
		return;
	spin_lock(&bucket->lock);
	if (!entry->waiter.done)
		kind->leave(entry->buffer, &entry->waiter, won, &wakeups);
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
}

/* @ret is why the call ends, unless something has been won by now. */
static int shmbuf_any_end(struct shmbuf_any_call *call, int ret)
{
	struct shmbuf_any_entry *entry;
	int i, won = call->nr;

	if (atomic_cmpxchg(&call->any.won, -1, call->nr) != -1)
		won = atomic_read(&call->any.won);
	shmbuf_point(any_won);
	for (i = 0; i < call->nr; i++)
		shmbuf_any_leave(&call->entries[i], i == won);
	shmbuf_point(any_left);
	if (won == call->nr)
		return ret;
	entry = &call->entries[won];
	/* Decided on, but not in its favour. */
	if (entry->waiter.done && entry->waiter.result < 0)
		return entry->waiter.result;
	shmbuf_any_trace_acquired(entry, entry->taken);
	/* Who never gets to see what it won leaves it to the next. */
	if (fatal_signal_pending(current)) {
		shmbuf_any_kind(entry->waiter.kind)->undo(entry->buffer, &entry->waiter);
		return -EINTR;
	}
	return won | (entry->taken ? SHMBUF_WAIT_ANY_OWNERDEAD : 0);
}

static int shmbuf_any_wait(struct shmbuf_any_call *call, u64 ns,
			   const struct shmbuf_peers *peers)
{
	struct shmbuf_deadline deadline = shmbuf_deadline(ns);
	int ret = shmbuf_any_enter_all(call, false);

	if (ret == -EBUSY)
		ret = shmbuf_any_enter_all(call, true);
	if (ret == -EBUSY)
		ret = shmbuf_any_sleep(call, &deadline, peers);
	return shmbuf_any_end(call, ret);
}

static int shmbuf_any_wait_peers(struct shmbuf_buffer *buffer, struct shmbuf_any_call *call,
				 const struct shmbuf_wait_any *args)
{
	struct shmbuf_peers peers;
	int ret;

	if (!(args->flags & SHMBUF_WAIT_PEERS))
		return shmbuf_any_wait(call, args->deadline, NULL);
	shmbuf_peers_begin(buffer, &peers, args->deaths);
	ret = shmbuf_any_wait(call, args->deadline, &peers);
	shmbuf_peers_end(buffer, &peers);
	return ret;
}

int shmbuf_wait_any(struct shmbuf_buffer *buffer, struct shmbuf_user *opener,
		    const struct shmbuf_wait_any *args)
{
	struct shmbuf_any_call call = {};
	u64 since = shmbuf_trace_since(wait);
	struct shmbuf_user *user;
	int ret;

	if (!args->nr_items || args->nr_items > SHMBUF_WAIT_ANY_MAX)
		return -EINVAL;
	user = shmbuf_user_get_caller(opener);
	if (!user)
		return -ENOMEM;
	ret = shmbuf_user_charge(user, SHMBUF_QUOTA_WAITERS, args->nr_items);
	if (ret)
		goto put_user;
	ret = shmbuf_any_init(&call, user, args);
	if (!ret) {
		ret = shmbuf_any_wait_peers(buffer, &call, args);
		shmbuf_any_free(&call);
	}
	shmbuf_user_uncharge(user, SHMBUF_QUOTA_WAITERS, args->nr_items);
	trace_shmbuf_wait(buffer, args->nr_items, SHMBUF_KIND_NONE, 0, since, ret);
put_user:
	shmbuf_user_put(user);
	return ret;
}
