// SPDX-License-Identifier: MIT
/*
 * Who died, and how; who holds a lock.
 */
#include "internal.h"

SHMBUF_EXPORT int shmbuf_deaths(struct shmbuf *b, struct shmbuf_death *deaths,
				uint32_t room, uint64_t after)
{
	struct shmbuf_deaths argument = {
		.size = sizeof(argument),
		.deaths = (uintptr_t)deaths,
		.nr_deaths = room,
		.after = after,
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_DEATHS, &argument);
}

SHMBUF_EXPORT int shmbuf_owner_info(struct shmbuf *b, uint32_t index,
				    struct shmbuf_owner_info *info,
				    struct shmbuf_waiter_info *waiters, uint32_t room)
{
	*info = (struct shmbuf_owner_info) {
		.size = sizeof(*info),
		.index = index,
		.nr_waiters = room,
		.waiters = (uintptr_t)waiters,
	};
	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_OWNER_INFO, info);
}
