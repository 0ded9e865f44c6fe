// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <linux/shmbuf.h>

#include "command.h"

#define FIELD(struct_, member, type_, ...) {					\
	.offset = offsetof(struct struct_, member),			\
	.width = sizeof(((struct struct_ *)0)->member),			\
	.type = FIELD_##type_, ##__VA_ARGS__				\
}

#define COMMAND(name_, struct_)						\
	.name = #name_, .nr = SHMBUF_IOC_##name_, .size = sizeof(struct struct_)

/* What each can say, as it copies its argument and looks at it. */
#define ERRORS	E2BIG, EFAULT, EINVAL, EOPNOTSUPP

const struct command commands[] = {
	{
		COMMAND(QUERY, shmbuf_query), .weight = 2,
		.fields = {
			FIELD(shmbuf_query, areas, ARRAY),
			FIELD(shmbuf_query, nr_areas, NR_ARRAY),
			FIELD(shmbuf_query, name, ARRAY),
			FIELD(shmbuf_query, name_size, NR_ARRAY),
		},
		.errors = { ERRORS },
	}, {
		COMMAND(CREATE, shmbuf_create), .weight = 3, .attaches = true, .most = 1,
		.flags = SHMBUF_CREATE_EXCL | SHMBUF_CREATE_PERSIST | SHMBUF_CREATE_PREALLOC |
			 SHMBUF_CREATE_HUGE,
		.fields = {
			FIELD(shmbuf_create, name, NAME),
			FIELD(shmbuf_create, name_len, NAME_LEN),
			FIELD(shmbuf_create, mode, MODE),
			FIELD(shmbuf_create, data_size, BYTES),
			FIELD(shmbuf_create, max_size, MAX_BYTES),
			FIELD(shmbuf_create, nr_objects, NR_OBJECTS),
			FIELD(shmbuf_create, layout, LAYOUT),
			FIELD(shmbuf_create, ranges, RANGES),
			FIELD(shmbuf_create, nr_ranges, NR_RANGES),
		},
		.errors = { ERRORS, EACCES, EBUSY, EDQUOT, EEXIST, EINTR, ENAMETOOLONG, ENFILE,
			    ENOMEM, ENOSPC, EPERM },
	}, {
		COMMAND(OPEN, shmbuf_name), .weight = 3, .attaches = true,
		.fields = {
			FIELD(shmbuf_name, name, NAME),
			FIELD(shmbuf_name, name_len, NAME_LEN),
		},
		.errors = { ERRORS, EACCES, EBUSY, EINTR, ENAMETOOLONG, ENOENT, ENOMEM, EPERM },
	}, {
		COMMAND(UNLINK, shmbuf_name), .weight = 1,
		.fields = {
			FIELD(shmbuf_name, name, NAME),
			FIELD(shmbuf_name, name_len, NAME_LEN),
		},
		.errors = { ERRORS, EACCES, EINTR, ENAMETOOLONG, ENOENT, ENOMEM, EPERM },
	}, {
		COMMAND(INIT, shmbuf_init), .weight = 3,
		.fields = {
			FIELD(shmbuf_init, range.first, FIRST),
			FIELD(shmbuf_init, range.count, COUNT),
			FIELD(shmbuf_init, range.kind, KIND),
			FIELD(shmbuf_init, range.value, VALUE),
		},
		.errors = { ERRORS, EEXIST, EINTR, ENOMEM, ENOTCONN },
	}, {
		COMMAND(RESET, shmbuf_init), .weight = 2,
		.fields = {
			FIELD(shmbuf_init, range.first, FIRST),
			FIELD(shmbuf_init, range.count, COUNT),
		},
		.errors = { ERRORS, EBUSY, EINTR, ENOMEM, ENOTCONN },
	}, {
		COMMAND(GROW, shmbuf_grow), .weight = 1,
		.fields = { FIELD(shmbuf_grow, data_size, BYTES) },
		.errors = { ERRORS, EDQUOT, EINTR, ENOMEM, ENOSPC, ENOTCONN, EPERM },
	}, {
		COMMAND(SEAL, shmbuf_seal), .weight = 1,
		.fields = { FIELD(shmbuf_seal, seals, SEALS) },
		.errors = { ERRORS, EINTR, ENOTCONN },
	}, {
		COMMAND(REGISTER, shmbuf_register), .weight = 4, .flags = SHMBUF_REGISTER_PROCESS,
		.errors = { ERRORS, EDQUOT, EINTR, ENOMEM, ENOTCONN },
	}, {
		COMMAND(UNREGISTER, shmbuf_register), .weight = 2,
		.fields = { FIELD(shmbuf_register, owner, OWNER) },
		.errors = { ERRORS, EINTR, ENOMEM, ENOTCONN, EPERM },
	}, {
		COMMAND(LOCK, shmbuf_lock), .weight = 16, .kind = SHMBUF_KIND_LOCK,
		.flags = SHMBUF_LOCK_TRY | SHMBUF_LOCK_SPIN | SHMBUF_LOCK_NOSPIN |
			 SHMBUF_LOCK_INTERRUPTIBLE | SHMBUF_LOCK_SHARED | SHMBUF_LOCK_NODETECT,
		.try = SHMBUF_LOCK_TRY,
		.fields = {
			FIELD(shmbuf_lock, owner, OWNER),
			FIELD(shmbuf_lock, index, INDEX),
			FIELD(shmbuf_lock, deadline, DEADLINE),
		},
		.errors = { ERRORS, EBUSY, EDEADLK, EDQUOT, EINTR, ENOMEM, ENOTCONN,
			    ENOTRECOVERABLE, EOVERFLOW, EOWNERDEAD, EPERM, ETIMEDOUT },
	}, {
		COMMAND(UNLOCK, shmbuf_lock), .weight = 8, .kind = SHMBUF_KIND_LOCK,
		.for_holders = true,
		.fields = {
			FIELD(shmbuf_lock, owner, OWNER),
			FIELD(shmbuf_lock, index, INDEX),
		},
		.errors = { ERRORS, EINTR, ENOTCONN, ENOTRECOVERABLE, EPERM },
	}, {
		COMMAND(CONSISTENT, shmbuf_lock), .weight = 3, .kind = SHMBUF_KIND_LOCK,
		.for_holders = true,
		.fields = {
			FIELD(shmbuf_lock, owner, OWNER),
			FIELD(shmbuf_lock, index, INDEX),
		},
		.errors = { ERRORS, EINTR, ENOTCONN, ENOTRECOVERABLE, EPERM },
	}, {
		COMMAND(DOWNGRADE, shmbuf_lock), .weight = 3, .kind = SHMBUF_KIND_LOCK,
		.for_holders = true,
		.fields = {
			FIELD(shmbuf_lock, owner, OWNER),
			FIELD(shmbuf_lock, index, INDEX),
		},
		.errors = { ERRORS, EDQUOT, EINTR, ENOMEM, ENOTCONN, ENOTRECOVERABLE, EPERM },
	}, {
		COMMAND(WAIT, shmbuf_wait), .weight = 10, .kind = SHMBUF_KIND_QUEUE, .most = 31,
		.flags = SHMBUF_WAIT_LOCK | SHMBUF_WAIT_PEERS | SHMBUF_WAIT_RELEASED,
		.hangs = SHMBUF_WAIT_LOCK,
		.fields = {
			FIELD(shmbuf_wait, index, INDEX),
			FIELD(shmbuf_wait, lock, LOCK, .only = SHMBUF_WAIT_LOCK),
			FIELD(shmbuf_wait, sequence, SEQUENCE),
			FIELD(shmbuf_wait, deadline, DEADLINE),
			FIELD(shmbuf_wait, owner, OWNER, .only = SHMBUF_WAIT_LOCK),
			FIELD(shmbuf_wait, deaths, DEATHS, .only = SHMBUF_WAIT_PEERS),
		},
		.errors = { ERRORS, EDQUOT, EINTR, ENOMEM, ENOTCONN, ENOTRECOVERABLE,
			    EOWNERDEAD, EPERM, EPIPE, ETIMEDOUT },
	}, {
		COMMAND(WAKE, shmbuf_wake), .weight = 8, .kind = SHMBUF_KIND_QUEUE,
		.most = INT_MAX,
		.fields = {
			FIELD(shmbuf_wake, index, INDEX),
			FIELD(shmbuf_wake, count, WAKES),
		},
		.errors = { ERRORS, EINTR, ENOTCONN },
	}, {
		COMMAND(WAIT_ANY, shmbuf_wait_any), .weight = 6, .flags = SHMBUF_WAIT_PEERS,
		.most = SHMBUF_WAIT_ANY_OWNERDEAD | (SHMBUF_WAIT_ANY_MAX - 1),
		.fields = {
			FIELD(shmbuf_wait_any, items, ITEMS),
			FIELD(shmbuf_wait_any, nr_items, NR_ITEMS),
			FIELD(shmbuf_wait_any, deadline, DEADLINE),
			FIELD(shmbuf_wait_any, deaths, DEATHS, .only = SHMBUF_WAIT_PEERS),
		},
		.errors = { ERRORS, EDEADLK, EDQUOT, EINTR, ENOMEM, ENOTCONN, ENOTRECOVERABLE,
			    EOWNERDEAD, EPERM, EPIPE, ETIMEDOUT },
	}, {
		COMMAND(WATCH, shmbuf_watch), .weight = 4, .kind = SHMBUF_KIND_QUEUE,
		.flags = SHMBUF_WATCH_REMOVE | SHMBUF_WATCH_EVENTFD,
		.fields = {
			FIELD(shmbuf_watch, index, INDEX),
			FIELD(shmbuf_watch, eventfd, EVENTFD, .only = SHMBUF_WATCH_EVENTFD,
			      .unless = SHMBUF_WATCH_REMOVE),
			FIELD(shmbuf_watch, sequence, SEQUENCE,
			      .unless = SHMBUF_WATCH_EVENTFD | SHMBUF_WATCH_REMOVE),
		},
		.errors = { ERRORS, EDQUOT, EEXIST, EINTR, ENOENT, ENOMEM, ENOTCONN },
	}, {
		COMMAND(MOVED, shmbuf_moved), .weight = 2, .most = INT_MAX,
		.fields = {
			FIELD(shmbuf_moved, queues, ARRAY),
			FIELD(shmbuf_moved, nr_queues, NR_ARRAY),
		},
		.errors = { ERRORS, EINTR, ENOTCONN },
	}, {
		COMMAND(SEM_WAIT, shmbuf_sem), .weight = 10, .kind = SHMBUF_KIND_SEMAPHORE,
		.flags = SHMBUF_SEM_TRY | SHMBUF_SEM_UNDO | SHMBUF_SEM_PEERS,
		.try = SHMBUF_SEM_TRY,
		.fields = {
			FIELD(shmbuf_sem, index, INDEX),
			FIELD(shmbuf_sem, owner, OWNER, .only = SHMBUF_SEM_UNDO),
			FIELD(shmbuf_sem, deadline, DEADLINE),
			FIELD(shmbuf_sem, deaths, DEATHS, .only = SHMBUF_SEM_PEERS),
		},
		.errors = { ERRORS, EBUSY, EDQUOT, EINTR, ENOMEM, ENOTCONN, EOWNERDEAD, EPERM,
			    EPIPE, ETIMEDOUT },
	}, {
		COMMAND(SEM_POST, shmbuf_sem), .weight = 8, .kind = SHMBUF_KIND_SEMAPHORE,
		.flags = SHMBUF_SEM_UNDO,
		.fields = {
			FIELD(shmbuf_sem, index, INDEX),
			FIELD(shmbuf_sem, owner, OWNER, .only = SHMBUF_SEM_UNDO),
		},
		.errors = { ERRORS, ENOMEM, ENOTCONN, EOVERFLOW, EPERM },
	}, {
		COMMAND(BARRIER_WAIT, shmbuf_barrier), .weight = 6, .kind = SHMBUF_KIND_BARRIER,
		.most = 1,
		.fields = {
			FIELD(shmbuf_barrier, index, INDEX),
			FIELD(shmbuf_barrier, owner, OWNER),
			FIELD(shmbuf_barrier, deadline, DEADLINE),
		},
		.errors = { ERRORS, EDQUOT, EINTR, ENOMEM, ENOTCONN, ENOTRECOVERABLE,
			    EOWNERDEAD, EPERM, ETIMEDOUT },
	}, {
		COMMAND(BARRIER_LEAVE, shmbuf_barrier), .weight = 3,
		.kind = SHMBUF_KIND_BARRIER,
		.fields = {
			FIELD(shmbuf_barrier, index, INDEX),
			FIELD(shmbuf_barrier, owner, OWNER),
		},
		.errors = { ERRORS, EINTR, ENOENT, ENOMEM, ENOTCONN, ENOTRECOVERABLE, EPERM },
	}, {
		COMMAND(OWNER_INFO, shmbuf_owner_info), .weight = 3, .kind = SHMBUF_KIND_LOCK,
		.fields = {
			FIELD(shmbuf_owner_info, index, INDEX),
			FIELD(shmbuf_owner_info, nr_waiters, NR_ARRAY),
			FIELD(shmbuf_owner_info, waiters, ARRAY),
		},
		.errors = { ERRORS, EINTR, ENOMEM, ENOTCONN },
	}, {
		COMMAND(RECOVER, shmbuf_recover), .weight = 2, .kind = SHMBUF_KIND_LOCK,
		.for_holders = true,
		.fields = {
			FIELD(shmbuf_recover, index, INDEX),
			FIELD(shmbuf_recover, owner, ANY_OWNER),
		},
		.errors = { ERRORS, ENOTCONN, EPERM, ESRCH },
	}, {
		COMMAND(STATS, shmbuf_stats), .weight = 2,
		.errors = { ERRORS, EINTR, ENOTCONN },
	}, {
		COMMAND(LIST, shmbuf_list), .weight = 2, .most = SHMBUF_LIST_MAX,
		.fields = {
			FIELD(shmbuf_list, after, AFTER),
			FIELD(shmbuf_list, listings, ROOM),
			FIELD(shmbuf_list, nr_listings, NR_ARRAY),
			FIELD(shmbuf_list, listing_size, LISTING),
		},
		.errors = { ERRORS, EINTR, ENOMEM },
	}, {
		COMMAND(OBJECTS, shmbuf_objects), .weight = 2, .most = SHMBUF_OBJECTS_MAX,
		.fields = {
			FIELD(shmbuf_objects, objects, ROOM),
			FIELD(shmbuf_objects, first, INDEX),
			FIELD(shmbuf_objects, nr_objects, NR_ARRAY),
		},
		.errors = { ERRORS, EINTR, ENOMEM, ENOTCONN },
	}, {
		COMMAND(WAITERS, shmbuf_waiters), .weight = 2, .most = INT_MAX,
		.kind = SHMBUF_KIND_QUEUE,
		.fields = {
			FIELD(shmbuf_waiters, waiters, ARRAY),
			FIELD(shmbuf_waiters, index, INDEX),
			FIELD(shmbuf_waiters, nr_waiters, NR_ARRAY),
		},
		.errors = { ERRORS, ENOMEM, ENOTCONN },
	}, {
		COMMAND(DEATHS, shmbuf_deaths), .weight = 2, .most = INT_MAX,
		.fields = {
			FIELD(shmbuf_deaths, deaths, ARRAY),
			FIELD(shmbuf_deaths, nr_deaths, NR_ARRAY),
			FIELD(shmbuf_deaths, after, DEATHS),
		},
		.errors = { ERRORS, ENOMEM, ENOTCONN },
	},
};

const int nr_commands = ARRAY_SIZE(commands);
