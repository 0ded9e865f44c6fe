// SPDX-License-Identifier: MIT
/*
 * Queues that are watched by poll() or an eventfd.
 */
#include "internal.h"

static int watch_call(struct shmbuf *b, unsigned int flags, __u32 queue, int eventfd,
		      __u64 sequence)
{
	struct shmbuf_watch argument = {
		.size = sizeof(argument),
		.flags = flags,
		.index = queue,
		.eventfd = eventfd,
		.sequence = sequence,
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_WATCH, &argument);
}

SHMBUF_EXPORT int shmbuf_watch(struct shmbuf *b, uint32_t queue, uint64_t sequence)
{
	return watch_call(b, 0, queue, 0, sequence);
}

SHMBUF_EXPORT int shmbuf_unwatch(struct shmbuf *b, uint32_t queue)
{
	return watch_call(b, SHMBUF_WATCH_REMOVE, queue, 0, 0);
}

SHMBUF_EXPORT int shmbuf_watch_eventfd(struct shmbuf *b, uint32_t queue, int eventfd)
{
	return watch_call(b, SHMBUF_WATCH_EVENTFD, queue, eventfd, 0);
}

SHMBUF_EXPORT int shmbuf_unwatch_eventfd(struct shmbuf *b, uint32_t queue)
{
	return watch_call(b, SHMBUF_WATCH_EVENTFD | SHMBUF_WATCH_REMOVE, queue, 0, 0);
}

SHMBUF_EXPORT int shmbuf_moved(struct shmbuf *b, struct shmbuf_moved_queue *queues,
			       uint32_t room)
{
	struct shmbuf_moved argument = {
		.size = sizeof(argument),
		.queues = (uintptr_t)queues,
		.nr_queues = room,
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_MOVED, &argument);
}
