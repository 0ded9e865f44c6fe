// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/minmax.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "info.h"
#include "name.h"
#include "object.h"
#include "registry.h"
#include "stats.h"
#include "waiter.h"

static void shmbuf_stats_lock(struct shmbuf_buffer *buffer, u32 index, u64 word,
			      struct shmbuf_stats *stats)
{
	u32 state, readers;

	if (word & SHMBUF_WORD_UNUSED)
		return;
	state = shmbuf_info_state(buffer, index, word, &readers);
	if (state & SHMBUF_OWNER_HELD)
		stats->held++;
	else if (state & SHMBUF_OWNER_SHARED)
		stats->shared++;
	if (state & SHMBUF_OWNER_NOTRECOVERABLE)
		stats->notrecoverable++;
	else if (state & SHMBUF_OWNER_INCONSISTENT)
		stats->inconsistent++;
}

/* -EINTR: it is being killed. */
static int shmbuf_stats_locks(struct shmbuf_buffer *buffer, struct shmbuf_stats *stats)
{
	u32 first, last, i;
	u64 word;

	for (first = 0; shmbuf_objects_next(buffer, SHMBUF_KIND_LOCK, &first, &last);
	     first = last + 1) {
		for (i = first; i <= last; i++) {
			word = atomic64_read(shmbuf_word(buffer, i));
			if (word)
				shmbuf_stats_lock(buffer, i, word, stats);
			cond_resched();
			if (fatal_signal_pending(current))
				return -EINTR;
		}
	}
	return 0;
}

u32 shmbuf_stats_waiters(struct shmbuf_buffer *buffer)
{
	u32 waiters = 0;
	int i;

	for (i = 0; i < SHMBUF_NR_BUCKETS; i++)
		waiters += READ_ONCE(buffer->buckets[i].nr_waiters);
	return waiters;
}

int shmbuf_stats_fill(struct shmbuf_buffer *buffer, struct shmbuf_stats *stats)
{
	stats->buffer_id = buffer->id;
	stats->data_size = READ_ONCE(buffer->data_size);
	stats->max_size = buffer->max_size;
	stats->resident = shmbuf_buffer_resident(buffer);
	stats->created = shmbuf_time_of_caller(buffer->created);
	stats->deaths = READ_ONCE(buffer->nr_deaths);
	stats->contentions = atomic64_read(&buffer->nr_contentions);
	stats->waited = atomic64_read(&buffer->waited);
	stats->nr_objects = buffer->nr_objects;
	stats->joined = READ_ONCE(buffer->nr_members);
	stats->owners = READ_ONCE(buffer->nr_owners);
	stats->waiters = shmbuf_stats_waiters(buffer);
	stats->mode = buffer->mode;
	stats->uid = from_kuid_munged(current_user_ns(), buffer->uid);
	stats->gid = from_kgid_munged(current_user_ns(), buffer->gid);
	stats->seals = READ_ONCE(buffer->seals);
	stats->create_flags = shmbuf_buffer_flags(buffer);
	stats->creator_pid = pid_nr_ns(buffer->creator, task_active_pid_ns(current));
	memcpy(stats->creator, buffer->creator_comm, sizeof(stats->creator));
	return shmbuf_stats_locks(buffer, stats);
}

int shmbuf_stats(struct shmbuf_buffer *buffer, const struct shmbuf_stats *args,
		 void __user *args_user)
{
	struct shmbuf_stats stats = { .size = args->size };
	int ret = shmbuf_stats_fill(buffer, &stats);

	if (!ret && copy_to_user(args_user, &stats, sizeof(stats)))
		ret = -EFAULT;
	return ret;
}

/* The first buffer after @after that is of the caller's namespace, pinned, or NULL. */
static struct shmbuf_buffer *shmbuf_list_next(u64 after)
{
	struct shmbuf_buffer *buffer;

	while ((buffer = shmbuf_registry_next(after)) && !shmbuf_name_is_near(buffer)) {
		after = buffer->id;
		shmbuf_buffer_unpin(buffer);
		cond_resched();
	}
	return buffer;
}

static int shmbuf_list_fill(u64 after, struct shmbuf_listing *listings, u32 room)
{
	struct shmbuf_buffer *buffer;
	u32 nr = 0;
	int ret = 0;

	while (nr < room && (buffer = shmbuf_list_next(after))) {
		struct shmbuf_listing *listing = &listings[nr++];

		after = buffer->id;
		listing->stats.size = sizeof(listing->stats);
		if (shmbuf_name_exists(buffer))
			memcpy(listing->name, buffer->name, buffer->name_len);
		ret = shmbuf_stats_fill(buffer, &listing->stats);
		shmbuf_buffer_unpin(buffer);
		if (ret)
			return ret;
	}
	return nr;
}

int shmbuf_list(const struct shmbuf_list *args)
{
	u32 room = min_t(u32, args->nr_listings, SHMBUF_LIST_MAX);
	size_t known = min_t(size_t, args->listing_size, sizeof(struct shmbuf_listing));
	struct shmbuf_listing *listings;
	int ret, i, err = 0;

	if (!room || known < sizeof(listings->name) || args->listing_size > PAGE_SIZE)
		return -EINVAL;
	listings = kvcalloc(room, sizeof(*listings), GFP_KERNEL_ACCOUNT);
	if (!listings)
		return -ENOMEM;
	ret = shmbuf_list_fill(args->after, listings, room);
	for (i = 0; i < ret && !err; i++) {
		void __user *to = u64_to_user_ptr(args->listings) + (size_t)i * args->listing_size;

		if (copy_to_user(to, &listings[i], known) ||
		    clear_user(to + known, args->listing_size - known))
			err = -EFAULT;
	}
	kvfree(listings);
	return err ?: ret;
}
