// SPDX-License-Identifier: MIT
/*
 * What sync objects are, and what may be done to a buffer.
 */
#include "internal.h"

SHMBUF_EXPORT int shmbuf_init(struct shmbuf *b, uint32_t first, uint32_t count,
			      unsigned int kind, uint64_t value)
{
	struct shmbuf_init argument = {
		.size = sizeof(argument),
		.range = {
			.first = first,
			.count = count,
			.kind = kind,
			.value = value,
		},
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_INIT, &argument);
}

SHMBUF_EXPORT int shmbuf_reset(struct shmbuf *b, uint32_t first, uint32_t count)
{
	struct shmbuf_init argument = {
		.size = sizeof(argument),
		.range = {
			.first = first,
			.count = count,
		},
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_RESET, &argument);
}

SHMBUF_EXPORT int shmbuf_seal(struct shmbuf *b, unsigned int seals)
{
	struct shmbuf_seal argument = {
		.size = sizeof(argument),
		.seals = seals,
	};

	return shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_SEAL, &argument);
}
