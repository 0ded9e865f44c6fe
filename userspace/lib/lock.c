// SPDX-License-Identifier: MIT
/*
 * Locks.  Here a word goes from 0 to the caller's id and back, by compare-and-swap
 * (shmbuf.h has that); in every other state it is the kernel's.
 */
#include "internal.h"

#include <errno.h>

SHMBUF_EXPORT int shmbuf_lock(struct shmbuf *b, uint32_t index)
{
	if (shmbuf_fast_lock(b, index))
		return 0;
	return shmbuf_contended(b, index, 0, NULL);
}

SHMBUF_EXPORT int shmbuf_trylock(struct shmbuf *b, uint32_t index)
{
	if (shmbuf_fast_lock(b, index))
		return 0;
	/* Only the kernel knows whether the holder lives. */
	return shmbuf_contended(b, index, SHMBUF_LOCK_TRY, NULL);
}

SHMBUF_EXPORT int shmbuf_timedlock(struct shmbuf *b, uint32_t index,
				   const struct timespec *deadline)
{
	if (shmbuf_fast_lock(b, index))
		return 0;
	return shmbuf_contended(b, index, 0, deadline);
}

SHMBUF_EXPORT int shmbuf_lock_flags(struct shmbuf *b, uint32_t index,
				    unsigned int flags,
				    const struct timespec *deadline)
{
	if (flags & ~(SHMBUF_SPIN | SHMBUF_NOSPIN | SHMBUF_INTERRUPTIBLE | SHMBUF_NODETECT))
		return -EOPNOTSUPP;
	if ((flags & SHMBUF_SPIN) && (flags & SHMBUF_NOSPIN))
		return -EINVAL;
	if (shmbuf_fast_lock(b, index))
		return 0;
	return shmbuf_contended(b, index, flags, deadline);
}

SHMBUF_EXPORT int shmbuf_unlock(struct shmbuf *b, uint32_t index)
{
	if (shmbuf_fast_unlock(b, index))
		return 0;
	return shmbuf_holder_call(b, index, SHMBUF_IOC_UNLOCK);
}

SHMBUF_EXPORT int shmbuf_consistent(struct shmbuf *b, uint32_t index)
{
	return shmbuf_holder_call(b, index, SHMBUF_IOC_CONSISTENT);
}
