// SPDX-License-Identifier: MIT
/*
 * Locks.  Here a word goes from 0 to the caller's id and back, by compare-and-swap
 * (shmbuf.h has that); in every other state it is the kernel's.  A reader counts in
 * its row, where the kernel has opened an entry for the lock.
 */
#include "internal.h"

#include <errno.h>

static int read_lock(struct shmbuf *b, uint32_t index, unsigned int flags,
		     const struct timespec *deadline)
{
	if (shmbuf_fast_rdlock(b, index))
		return 0;
	return shmbuf_contended_read(b, index, flags, deadline);
}

SHMBUF_EXPORT int shmbuf_rdlock(struct shmbuf *b, uint32_t index)
{
	return read_lock(b, index, 0, NULL);
}

SHMBUF_EXPORT int shmbuf_tryrdlock(struct shmbuf *b, uint32_t index)
{
	return read_lock(b, index, SHMBUF_LOCK_TRY, NULL);
}

SHMBUF_EXPORT int shmbuf_timedrdlock(struct shmbuf *b, uint32_t index,
				     const struct timespec *deadline)
{
	return read_lock(b, index, 0, deadline);
}

SHMBUF_EXPORT int shmbuf_downgrade(struct shmbuf *b, uint32_t index)
{
	return shmbuf_holder_call(b, index, SHMBUF_IOC_DOWNGRADE);
}

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
	if (flags & ~(SHMBUF_SPIN | SHMBUF_NOSPIN | SHMBUF_INTERRUPTIBLE | SHMBUF_SHARED |
		      SHMBUF_NODETECT))
		return -EOPNOTSUPP;
	if ((flags & SHMBUF_SPIN) && (flags & SHMBUF_NOSPIN))
		return -EINVAL;
	if (flags & SHMBUF_SHARED)
		return read_lock(b, index, flags, deadline);
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
