// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "claim.h"
#include "death.h"
#include "info.h"
#include "lock.h"
#include "member.h"
#include "object.h"
#include "owner.h"
#include "reader.h"
#include "waiter.h"

/* Looks at so many waiters or claims before the bucket's lock is dropped. */
#define SHMBUF_INFO_BATCH 32

static struct shmbuf_held *shmbuf_held(struct shmbuf_buffer *buffer, u32 index)
{
	return &buffer->deaths->held[index % SHMBUF_NR_HELD];
}

static bool shmbuf_held_is(const struct shmbuf_held *held, u32 index, u64 id)
{
	/* Also looked at without the lock, for whether it need be taken. */
	return READ_ONCE(held->owner) == id && READ_ONCE(held->index) == index;
}

static void shmbuf_held_set(struct shmbuf_buffer *buffer, u32 index, u64 id, bool bound)
{
	struct shmbuf_held *held = shmbuf_held(buffer, index);
	u64 now = ktime_get_ns();

	spin_lock(&buffer->deaths_lock);
	if (!bound || !shmbuf_held_is(held, index, id)) {
		WRITE_ONCE(held->owner, id);
		WRITE_ONCE(held->index, index);
		held->since = now;
		held->bound = bound;
	}
	spin_unlock(&buffer->deaths_lock);
}

void shmbuf_held_note(struct shmbuf_buffer *buffer, u32 index, u64 id)
{
	shmbuf_held_set(buffer, index, id, false);
}

void shmbuf_held_forget(struct shmbuf_buffer *buffer, u32 index, u64 id)
{
	struct shmbuf_held *held = shmbuf_held(buffer, index);

	if (!shmbuf_held_is(held, index, id))
		return;
	spin_lock(&buffer->deaths_lock);
	if (shmbuf_held_is(held, index, id))
		WRITE_ONCE(held->owner, 0);
	spin_unlock(&buffer->deaths_lock);
}

void shmbuf_held_see(struct shmbuf_buffer *buffer, u32 index, u64 id)
{
	if (!shmbuf_held_is(shmbuf_held(buffer, index), index, id))
		shmbuf_held_set(buffer, index, id, true);
}

static void shmbuf_info_since(struct shmbuf_buffer *buffer, struct shmbuf_owner_info *info)
{
	struct shmbuf_held held;

	shmbuf_held_see(buffer, info->index, info->owner);
	spin_lock(&buffer->deaths_lock);
	held = *shmbuf_held(buffer, info->index);
	spin_unlock(&buffer->deaths_lock);
	/* Others may have taken the place meanwhile. */
	if (!shmbuf_held_is(&held, info->index, info->owner))
		held = (struct shmbuf_held){ .since = ktime_get_ns(), .bound = true };
	info->since = shmbuf_time_of_caller(held.since);
	if (held.bound)
		info->state |= SHMBUF_OWNER_SINCE_BOUND;
}

/* False where the owner has gone meanwhile. */
static bool shmbuf_info_owner(struct shmbuf_buffer *buffer, u64 id,
			      struct shmbuf_owner_info *info)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct shmbuf_owner *owner = shmbuf_owner_get(buffer, id);

	if (!owner)
		return false;
	info->owner = id;
	info->pid = pid_nr_ns(owner->member->pid, ns);
	info->tid = owner->process_bound ? 0 : pid_nr_ns(owner->pid, ns);
	memcpy(info->comm, owner->member->comm, sizeof(info->comm));
	shmbuf_owner_put(owner);
	shmbuf_info_since(buffer, info);
	return true;
}

static void shmbuf_info_death(struct shmbuf_buffer *buffer, u64 id,
			      struct shmbuf_owner_info *info)
{
	bool found = shmbuf_death_find(buffer, id, &info->death);

	if (!found) {
		/* A thread that went without a word, or UNREGISTER a moment ago. */
		shmbuf_owners_find_dead(buffer);
		shmbuf_owners_reap(buffer);
		found = shmbuf_death_find(buffer, id, &info->death);
	}
	if (found)
		info->state |= SHMBUF_OWNER_DEAD;
}

u32 shmbuf_info_readers(struct shmbuf_buffer *buffer, u32 index, u64 *ids, u32 room)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_claim *claim;
	u64 last = 0;
	u32 nr = 0;
	int i;

	do {
		spin_lock(&bucket->lock);
		claim = shmbuf_claim_after(bucket, index, last);
		for (i = 0; claim && i < SHMBUF_INFO_BATCH; i++) {
			last = claim->holder;
			if (!READ_ONCE(*claim->dead) && shmbuf_reader_count(claim)) {
				if (nr < room)
					ids[nr] = last;
				nr++;
			}
			claim = shmbuf_claim_next(claim);
		}
		spin_unlock(&bucket->lock);
		cond_resched();
	} while (claim && !fatal_signal_pending(current));
	return nr;
}

u32 shmbuf_info_state(struct shmbuf_buffer *buffer, u32 index, u64 word, u32 *readers)
{
	bool held = shmbuf_word_has_live_owner(buffer, word);
	u32 state = held ? SHMBUF_OWNER_HELD : 0;

	*readers = word & SHMBUF_WORD_READERS ? shmbuf_info_readers(buffer, index, NULL, 0) : 0;
	if (*readers)
		state |= SHMBUF_OWNER_SHARED;
	if ((word & SHMBUF_WORD_OWNER_DIED) || (shmbuf_lock_word_owner(word) && !held))
		state |= SHMBUF_OWNER_INCONSISTENT;
	if (word & SHMBUF_WORD_NOTRECOVERABLE)
		state |= SHMBUF_OWNER_NOTRECOVERABLE;
	return state;
}

static int shmbuf_info_holder(struct shmbuf_buffer *buffer, struct shmbuf_owner_info *info)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, info->index);
	u64 word, id, dead = 0;
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_word_take(buffer, info->index, SHMBUF_KIND_LOCK, &word);
	if (!ret)
		shmbuf_word_put(buffer, info->index, word);
	spin_unlock(&bucket->lock);
	if (ret)
		return ret;

	id = shmbuf_lock_word_owner(word);
	if (id && !shmbuf_owner_alive(buffer, id)) {
		dead = id;
		info->state |= SHMBUF_OWNER_INCONSISTENT;
	} else if (id && shmbuf_info_owner(buffer, id, info)) {
		info->state |= SHMBUF_OWNER_HELD;
	} else if (!id) {
		info->nr_readers = shmbuf_info_readers(buffer, info->index, &id, 1);
		if (id && shmbuf_info_owner(buffer, id, info))
			info->state |= SHMBUF_OWNER_SHARED;
	}
	if (word & SHMBUF_WORD_OWNER_DIED)
		info->state |= SHMBUF_OWNER_INCONSISTENT;
	if (word & SHMBUF_WORD_NOTRECOVERABLE)
		info->state |= SHMBUF_OWNER_NOTRECOVERABLE;
	if (!dead)
		dead = shmbuf_death_holder(buffer, info->index);
	if (dead)
		shmbuf_info_death(buffer, dead, info);
	return 0;
}

static void shmbuf_info_waiter(const struct shmbuf_waiter *waiter,
			       struct shmbuf_waiter_info *info)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	/* It sleeps in a call of ours, so the task is there. */
	info->owner = waiter->owner ? waiter->owner->id : 0;
	info->since = waiter->since;
	info->flags = waiter->shared ? SHMBUF_LOCK_SHARED : 0;
	info->pid = task_tgid_nr_ns(waiter->task, ns);
	info->tid = task_pid_nr_ns(waiter->task, ns);
	get_task_comm(info->comm, waiter->task);
}

u32 shmbuf_info_waiters(struct shmbuf_buffer *buffer, u32 index, u32 kind,
			struct shmbuf_waiter_info *infos, u32 room)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	/* Who comes later isn't counted, so that this ends. */
	u64 serial = 0, last = atomic64_read(&buffer->last_waiter);
	struct shmbuf_waiter *waiter;
	u32 nr = 0;
	int i;

	do {
		spin_lock(&bucket->lock);
		waiter = shmbuf_waiter_from(bucket, index, kind, serial);
		for (i = 0; waiter && i < SHMBUF_INFO_BATCH; i++) {
			if (waiter->serial > last) {
				waiter = NULL;
				break;
			}
			serial = waiter->serial + 1;
			if (nr < room)
				shmbuf_info_waiter(waiter, &infos[nr]);
			nr++;
			waiter = shmbuf_waiter_next(waiter);
		}
		spin_unlock(&bucket->lock);
		cond_resched();
	} while (waiter && !fatal_signal_pending(current));
	return nr;
}

/* To the caller's array @to: the first @room who wait.  -EFAULT, -ENOMEM; *@nr: how many do. */
static int shmbuf_info_copy_waiters(struct shmbuf_buffer *buffer, u32 index, u32 kind,
				    void __user *to, u32 room, u32 *nr)
{
	struct shmbuf_waiter_info *infos = NULL;
	int ret = 0;
	u32 i;

	room = min_t(u32, room, SHMBUF_WAITERS_MAX);
	if (room) {
		infos = kvcalloc(room, sizeof(*infos), GFP_KERNEL_ACCOUNT);
		if (!infos)
			return -ENOMEM;
	}
	*nr = shmbuf_info_waiters(buffer, index, kind, infos, room);
	room = min(room, *nr);
	for (i = 0; i < room; i++)
		infos[i].since = shmbuf_time_of_caller(infos[i].since);
	if (copy_to_user(to, infos, room * sizeof(*infos)))
		ret = -EFAULT;
	kvfree(infos);
	return ret;
}

static int shmbuf_info_fill(struct shmbuf_buffer *buffer, struct shmbuf_owner_info *info)
{
	int tries = SHMBUF_SETTLE_TRIES;
	int ret;

	do {
		ret = shmbuf_info_holder(buffer, info);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(buffer, info->index) : -EINVAL;
	} while (!ret);
	return ret;
}

int shmbuf_owner_info(struct shmbuf_buffer *buffer, struct shmbuf_owner_info *args,
		      void __user *args_user)
{
	struct shmbuf_owner_info info = {
		.size = args->size,
		.index = args->index,
		.nr_waiters = args->nr_waiters,
		.waiters = args->waiters,
	};
	int ret = shmbuf_info_fill(buffer, &info);

	if (!ret)
		ret = shmbuf_info_copy_waiters(buffer, info.index, SHMBUF_KIND_LOCK,
					       u64_to_user_ptr(info.waiters), info.nr_waiters,
					       &info.nr_waiters);
	if (!ret && copy_to_user(args_user, &info, sizeof(info)))
		ret = -EFAULT;
	return ret;
}

int shmbuf_waiters(struct shmbuf_buffer *buffer, const struct shmbuf_waiters *args)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, args->index);
	u32 kind, nr;
	int ret;

	spin_lock(&bucket->lock);
	kind = shmbuf_object_kind(buffer, args->index);
	spin_unlock(&bucket->lock);
	if (kind == SHMBUF_KIND_NONE)
		return -EINVAL;
	ret = shmbuf_info_copy_waiters(buffer, args->index, kind,
				       u64_to_user_ptr(args->waiters), args->nr_waiters, &nr);
	return ret ?: min_t(u32, nr, INT_MAX);
}
