/* SPDX-License-Identifier: GPL-2.0-only */
/* Raw ioctls that return what the call returned, or -errno. */
#ifndef IOCTLS_H
#define IOCTLS_H

#include <errno.h>
#include <linux/shmbuf.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

static inline __u64 address(const void *p)
{
	return (__u64)(uintptr_t)p;
}

static inline int call(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline int do_query(int fd, struct shmbuf_query *query)
{
	query->size = sizeof(*query);
	return call(fd, SHMBUF_IOC_QUERY, query);
}

static inline int do_name(int fd, unsigned long cmd, const char *name)
{
	struct shmbuf_name arg = {
		.size = sizeof(arg), .name = address(name), .name_len = strlen(name),
	};

	return call(fd, cmd, &arg);
}

static inline int do_open(int fd, const char *name)
{
	return do_name(fd, SHMBUF_IOC_OPEN, name);
}

static inline int do_unlink(int fd, const char *name)
{
	return do_name(fd, SHMBUF_IOC_UNLINK, name);
}

static inline int do_init(int fd, __u32 first, __u32 count, __u32 kind, __u64 value)
{
	struct shmbuf_init arg = {
		.size = sizeof(arg),
		.range = { .first = first, .count = count, .kind = kind, .value = value },
	};

	return call(fd, SHMBUF_IOC_INIT, &arg);
}

static inline int do_reset(int fd, __u32 first, __u32 count)
{
	struct shmbuf_init arg = {
		.size = sizeof(arg), .range = { .first = first, .count = count },
	};

	return call(fd, SHMBUF_IOC_RESET, &arg);
}

static inline int do_grow(int fd, __u64 size)
{
	struct shmbuf_grow arg = { .size = sizeof(arg), .data_size = size };

	return call(fd, SHMBUF_IOC_GROW, &arg);
}

static inline int do_seal(int fd, __u32 seals)
{
	struct shmbuf_seal arg = { .size = sizeof(arg), .seals = seals };

	return call(fd, SHMBUF_IOC_SEAL, &arg);
}

static inline int do_register(int fd, __u32 flags, __u64 *owner)
{
	struct shmbuf_register arg = { .size = sizeof(arg), .flags = flags };
	int ret = call(fd, SHMBUF_IOC_REGISTER, &arg);

	*owner = arg.owner;
	return ret;
}

static inline int do_unregister(int fd, __u64 owner)
{
	struct shmbuf_register arg = { .size = sizeof(arg), .owner = owner };

	return call(fd, SHMBUF_IOC_UNREGISTER, &arg);
}

static inline int do_lock(int fd, __u64 owner, __u32 index, __u32 flags, __u64 deadline)
{
	struct shmbuf_lock arg = {
		.size = sizeof(arg), .flags = flags, .owner = owner,
		.index = index, .deadline = deadline,
	};

	return call(fd, SHMBUF_IOC_LOCK, &arg);
}

static inline int do_trylock(int fd, __u64 owner, __u32 index)
{
	return do_lock(fd, owner, index, SHMBUF_LOCK_TRY, 0);
}

static inline int do_unlock(int fd, __u64 owner, __u32 index)
{
	struct shmbuf_lock arg = { .size = sizeof(arg), .owner = owner, .index = index };

	return call(fd, SHMBUF_IOC_UNLOCK, &arg);
}

static inline int do_consistent(int fd, __u64 owner, __u32 index)
{
	struct shmbuf_lock arg = { .size = sizeof(arg), .owner = owner, .index = index };

	return call(fd, SHMBUF_IOC_CONSISTENT, &arg);
}

static inline int do_read(int fd, __u64 owner, __u32 index, __u32 flags, __u64 deadline)
{
	return do_lock(fd, owner, index, flags | SHMBUF_LOCK_SHARED, deadline);
}

static inline int do_tryread(int fd, __u64 owner, __u32 index)
{
	return do_read(fd, owner, index, SHMBUF_LOCK_TRY, 0);
}

static inline int do_downgrade(int fd, __u64 owner, __u32 index)
{
	struct shmbuf_lock arg = { .size = sizeof(arg), .owner = owner, .index = index };

	return call(fd, SHMBUF_IOC_DOWNGRADE, &arg);
}

static inline int do_wait(int fd, __u32 index, __u64 *sequence, __u64 deadline)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .index = index, .sequence = *sequence,
		.deadline = deadline,
	};
	int ret = call(fd, SHMBUF_IOC_WAIT, &arg);

	*sequence = arg.sequence;
	return ret;
}

/* WAIT with LOCK, as long as the queue's sequence is @sequence. */
static inline int do_wait_locked(int fd, __u64 owner, __u32 lock, __u32 index, __u64 sequence,
				 __u64 deadline)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_LOCK, .index = index, .lock = lock,
		.sequence = sequence, .deadline = deadline, .owner = owner,
	};

	return call(fd, SHMBUF_IOC_WAIT, &arg);
}

/* The same by one who has given the lock up after it read @sequence. */
static inline int do_wait_released(int fd, __u64 owner, __u32 lock, __u32 index, __u64 sequence,
				   __u64 deadline)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_LOCK | SHMBUF_WAIT_RELEASED,
		.index = index, .lock = lock,
		.sequence = sequence, .deadline = deadline, .owner = owner,
	};

	return call(fd, SHMBUF_IOC_WAIT, &arg);
}

static inline int do_wake(int fd, __u32 index, __u32 count)
{
	struct shmbuf_wake arg = { .size = sizeof(arg), .index = index, .count = count };

	return call(fd, SHMBUF_IOC_WAKE, &arg);
}

static inline int do_sem_wait(int fd, __u64 owner, __u32 index, __u32 flags, __u64 deadline)
{
	struct shmbuf_sem arg = {
		.size = sizeof(arg), .flags = flags | (owner ? SHMBUF_SEM_UNDO : 0),
		.owner = owner, .index = index, .deadline = deadline,
	};

	return call(fd, SHMBUF_IOC_SEM_WAIT, &arg);
}

static inline int do_sem_try(int fd, __u64 owner, __u32 index)
{
	return do_sem_wait(fd, owner, index, SHMBUF_SEM_TRY, 0);
}

/* With UNDO where there is an @owner. */
static inline int do_sem_post(int fd, __u64 owner, __u32 index)
{
	struct shmbuf_sem arg = {
		.size = sizeof(arg), .flags = owner ? SHMBUF_SEM_UNDO : 0,
		.owner = owner, .index = index,
	};

	return call(fd, SHMBUF_IOC_SEM_POST, &arg);
}

static inline int do_barrier(int fd, unsigned long cmd, __u64 owner, __u32 index, __u64 deadline)
{
	struct shmbuf_barrier arg = {
		.size = sizeof(arg), .owner = owner, .index = index, .deadline = deadline,
	};

	return call(fd, cmd, &arg);
}

static inline int do_barrier_wait(int fd, __u64 owner, __u32 index, __u64 deadline)
{
	return do_barrier(fd, SHMBUF_IOC_BARRIER_WAIT, owner, index, deadline);
}

static inline int do_barrier_leave(int fd, __u64 owner, __u32 index)
{
	return do_barrier(fd, SHMBUF_IOC_BARRIER_LEAVE, owner, index, 0);
}

static inline int do_watch_flags(int fd, __u32 flags, __u32 index, int eventfd,
				 __u64 sequence)
{
	struct shmbuf_watch arg = {
		.size = sizeof(arg), .flags = flags, .index = index, .eventfd = eventfd,
		.sequence = sequence,
	};

	return call(fd, SHMBUF_IOC_WATCH, &arg);
}

static inline int do_watch(int fd, __u32 index, __u64 sequence)
{
	return do_watch_flags(fd, 0, index, 0, sequence);
}

static inline int do_unwatch(int fd, __u32 index)
{
	return do_watch_flags(fd, SHMBUF_WATCH_REMOVE, index, 0, 0);
}

static inline int do_moved(int fd, struct shmbuf_moved_queue *queues, __u32 nr)
{
	struct shmbuf_moved arg = {
		.size = sizeof(arg), .queues = address(queues), .nr_queues = nr,
	};

	return call(fd, SHMBUF_IOC_MOVED, &arg);
}

static inline int do_deaths(int fd, struct shmbuf_death *deaths, __u32 nr, __u64 after)
{
	struct shmbuf_deaths arg = {
		.size = sizeof(arg), .deaths = address(deaths), .nr_deaths = nr, .after = after,
	};

	return call(fd, SHMBUF_IOC_DEATHS, &arg);
}

static inline int do_owner_info(int fd, __u32 index, struct shmbuf_owner_info *info,
				struct shmbuf_waiter_info *waiters, __u32 room)
{
	*info = (struct shmbuf_owner_info){
		.size = sizeof(*info), .index = index, .nr_waiters = room,
		.waiters = address(waiters),
	};
	return call(fd, SHMBUF_IOC_OWNER_INFO, info);
}

static inline int do_recover(int fd, __u32 index, __u64 owner)
{
	struct shmbuf_recover arg = { .size = sizeof(arg), .index = index, .owner = owner };

	return call(fd, SHMBUF_IOC_RECOVER, &arg);
}

static inline int do_stats(int fd, struct shmbuf_stats *stats)
{
	stats->size = sizeof(*stats);
	stats->flags = 0;
	return call(fd, SHMBUF_IOC_STATS, stats);
}

static inline int do_list(int fd, struct shmbuf_listing *listings, __u32 nr, __u64 after)
{
	struct shmbuf_list arg = {
		.size = sizeof(arg), .after = after, .listings = address(listings),
		.nr_listings = nr, .listing_size = sizeof(*listings),
	};

	return call(fd, SHMBUF_IOC_LIST, &arg);
}

static inline int do_objects(int fd, struct shmbuf_object *objects, __u32 nr, __u32 first)
{
	struct shmbuf_objects arg = {
		.size = sizeof(arg), .objects = address(objects), .first = first,
		.nr_objects = nr,
	};

	return call(fd, SHMBUF_IOC_OBJECTS, &arg);
}

static inline int do_waiters(int fd, __u32 index, struct shmbuf_waiter_info *waiters, __u32 nr)
{
	struct shmbuf_waiters arg = {
		.size = sizeof(arg), .waiters = address(waiters), .index = index,
		.nr_waiters = nr,
	};

	return call(fd, SHMBUF_IOC_WAITERS, &arg);
}

#endif /* IOCTLS_H */
