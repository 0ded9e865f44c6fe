// SPDX-License-Identifier: MIT
/*
 * Barriers: all of it is the kernel's, which knows who lives.
 */
#include "internal.h"

#include <errno.h>

static int barrier_call(struct shmbuf *b, __u32 index, unsigned long command,
			__u64 deadline)
{
	struct shmbuf_barrier argument = {
		.size = sizeof(argument),
		.index = index,
		.deadline = deadline,
	};
	int ret = shmbuf_self(b, &argument.owner);

	return ret ? ret : shmbuf_sys_ioctl(b->fd, command, &argument);
}

SHMBUF_EXPORT int shmbuf_barrier_wait(struct shmbuf *b, uint32_t index,
				      const struct timespec *deadline)
{
	__u64 ns;
	int ret = shmbuf_deadline(deadline, &ns);

	return ret ? ret : barrier_call(b, index, SHMBUF_IOC_BARRIER_WAIT, ns);
}

SHMBUF_EXPORT int shmbuf_barrier_leave(struct shmbuf *b, uint32_t index)
{
	int ret;

	do
		ret = barrier_call(b, index, SHMBUF_IOC_BARRIER_LEAVE, 0);
	while (ret == -EINTR);
	return ret;
}
