// SPDX-License-Identifier: MIT
/*
 * Which buffers there are and how they fare; what holds them up.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

SHMBUF_EXPORT int shmbuf_stats(struct shmbuf *b, struct shmbuf_stats *stats)
{
	*stats = (struct shmbuf_stats) { .size = sizeof(*stats) };
	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_STATS, stats);
}

SHMBUF_EXPORT int shmbuf_list(struct shmbuf_listing *listings, uint32_t room, uint64_t after)
{
	struct shmbuf_list argument = {
		.size = sizeof(argument),
		.after = after,
		.listings = (uintptr_t)listings,
		.nr_listings = room,
		.listing_size = sizeof(*listings),
	};
	int fd = shmbuf_sys_open(O_RDONLY);
	int ret;

	if (fd < 0)
		return fd;
	ret = shmbuf_sys_ioctl(fd, SHMBUF_IOC_LIST, &argument);
	close(fd);
	return ret == -ENOTTY ? -EPROTONOSUPPORT : ret;
}

SHMBUF_EXPORT int shmbuf_objects(struct shmbuf *b, uint32_t first,
				 struct shmbuf_object *objects, uint32_t room)
{
	struct shmbuf_objects argument = {
		.size = sizeof(argument),
		.objects = (uintptr_t)objects,
		.first = first,
		.nr_objects = room,
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_OBJECTS, &argument);
}

SHMBUF_EXPORT int shmbuf_waiters(struct shmbuf *b, uint32_t index,
				 struct shmbuf_waiter_info *waiters, uint32_t room)
{
	struct shmbuf_waiters argument = {
		.size = sizeof(argument),
		.waiters = (uintptr_t)waiters,
		.index = index,
		.nr_waiters = room,
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_WAITERS, &argument);
}

SHMBUF_EXPORT int shmbuf_recover(struct shmbuf *b, uint32_t index, uint64_t owner)
{
	struct shmbuf_recover argument = {
		.size = sizeof(argument),
		.index = index,
		.owner = owner,
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_RECOVER, &argument);
}
