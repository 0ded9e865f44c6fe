// SPDX-License-Identifier: MIT
/*
 * Who died, and how.
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
