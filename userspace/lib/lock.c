// SPDX-License-Identifier: MIT
/*
 * Locks.  Here a word goes from 0 to the caller's id and back, by
 * compare-and-swap; in every other state it is the kernel's.
 */
#include "internal.h"

#include <errno.h>

static inline bool release(__u64 *word, __u64 id)
{
	__u64 old = id, new = 0;

	return shmbuf_lock_user_release(old, id, &new) &&
	       __atomic_compare_exchange_n(word, &old, new, false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/*
 * The word, if the calling thread's id in this buffer is at hand and there is such
 * an object.  Neither is so in a child of fork() or after a close.
 */
static inline bool word_at_hand(const struct shmbuf *b, __u32 index, __u64 **word)
{
	const struct shmbuf_hot *hot = shmbuf_hot(b);
	__u64 table = hot->table;

	*word = shmbuf_word_at(hot, table, index);
	return likely(shmbuf_thread.serial ==
		      __atomic_load_n(&hot->serial, __ATOMIC_RELAXED)) &&
	       likely(shmbuf_in_table(table, index));
}

static inline bool fast_acquire(const struct shmbuf *b, __u32 index)
{
	__u64 *word;

	return word_at_hand(b, index, &word) &&
	       likely(shmbuf_acquire(word, shmbuf_thread.id));
}

static inline bool fast_release(const struct shmbuf *b, __u32 index)
{
	__u64 *word;

	return word_at_hand(b, index, &word) &&
	       likely(release(word, shmbuf_thread.id));
}

SHMBUF_EXPORT int shmbuf_lock(struct shmbuf *b, uint32_t index)
{
	if (fast_acquire(b, index))
		return 0;
	return shmbuf_lock_call(b, index, 0, NULL);
}

SHMBUF_EXPORT int shmbuf_trylock(struct shmbuf *b, uint32_t index)
{
	if (fast_acquire(b, index))
		return 0;
	/* Only the kernel knows whether the holder lives. */
	return shmbuf_lock_call(b, index, SHMBUF_LOCK_TRY, NULL);
}

SHMBUF_EXPORT int shmbuf_timedlock(struct shmbuf *b, uint32_t index,
				   const struct timespec *deadline)
{
	if (fast_acquire(b, index))
		return 0;
	return shmbuf_lock_call(b, index, 0, deadline);
}

SHMBUF_EXPORT int shmbuf_lock_flags(struct shmbuf *b, uint32_t index,
				    unsigned int flags,
				    const struct timespec *deadline)
{
	if (flags & ~(SHMBUF_SPIN | SHMBUF_NOSPIN | SHMBUF_INTERRUPTIBLE))
		return -EOPNOTSUPP;
	if ((flags & SHMBUF_SPIN) && (flags & SHMBUF_NOSPIN))
		return -EINVAL;
	if (fast_acquire(b, index))
		return 0;
	return shmbuf_lock_call(b, index, flags, deadline);
}

SHMBUF_EXPORT int shmbuf_unlock(struct shmbuf *b, uint32_t index)
{
	if (fast_release(b, index))
		return 0;
	return shmbuf_holder_call(b, index, SHMBUF_IOC_UNLOCK);
}

SHMBUF_EXPORT int shmbuf_consistent(struct shmbuf *b, uint32_t index)
{
	return shmbuf_holder_call(b, index, SHMBUF_IOC_CONSISTENT);
}
