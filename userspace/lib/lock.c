// SPDX-License-Identifier: MIT
/*
 * Locks.  Here a word goes from 0 to the caller's id and back, by
 * compare-and-swap; in every other state it is the kernel's.
 */
#include "internal.h"

#include <errno.h>

/* How often a held lock is looked at before the kernel is asked, which knows
 * whether its owner runs.  About as long as the call takes.
 */
#define SPINS	40

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

static inline bool acquire(__u64 *word, __u64 id)
{
	__u64 old = 0, new = 0;

	return shmbuf_lock_user_acquire(old, id, &new) &&
	       __atomic_compare_exchange_n(word, &old, new, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool release(__u64 *word, __u64 id)
{
	__u64 old = id, new = 0;

	return shmbuf_lock_user_release(old, id, &new) &&
	       __atomic_compare_exchange_n(word, &old, new, false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/*
 * Whether the calling thread's id in this buffer is at hand, and there is such an
 * object.  Neither is so in a child of fork() or after a close.
 */
static inline bool at_hand(const struct shmbuf *b, __u32 index)
{
	const struct shmbuf_hot *hot = shmbuf_hot(b);

	return likely(shmbuf_thread.serial ==
		      __atomic_load_n(&hot->serial, __ATOMIC_RELAXED)) &&
	       likely(index < hot->nr_objects);
}

static inline __u64 *word_at(const struct shmbuf *b, __u32 index)
{
	const struct shmbuf_hot *hot = shmbuf_hot(b);

	return (__u64 *)(hot->words + index * hot->stride);
}

static inline bool fast_acquire(const struct shmbuf *b, __u32 index)
{
	return at_hand(b, index) &&
	       likely(acquire(word_at(b, index), shmbuf_thread.id));
}

static inline bool fast_release(const struct shmbuf *b, __u32 index)
{
	return at_hand(b, index) &&
	       likely(release(word_at(b, index), shmbuf_thread.id));
}

/* Any content of the word ends this: it is looked at so often and no more. */
static bool spin(struct shmbuf *b, __u32 index, __u64 id, unsigned int flags)
{
	int n = flags & (SHMBUF_LOCK_TRY | SHMBUF_LOCK_NOSPIN) ? 1 : SPINS;
	__u64 *word = shmbuf_word(b, index);
	__u64 old;

	if (!word)
		return false;
	while (n--) {
		old = __atomic_load_n(word, __ATOMIC_RELAXED);
		if (!old && acquire(word, id))
			return true;
		if ((old & ~SHMBUF_OWNER_MASK) || old == id)
			return false;
		cpu_relax();
	}
	return false;
}

static __attribute__((noinline, cold)) int
lock_slow(struct shmbuf *b, __u32 index, unsigned int flags,
	  const struct timespec *deadline)
{
	struct shmbuf_lock argument = {
		.size = sizeof(argument),
		.flags = flags,
		.index = index,
	};
	int ret;

	do {
		ret = shmbuf_self(b, &argument.owner);
		if (!ret && spin(b, index, argument.owner, flags))
			return 0;
		if (!ret)
			ret = shmbuf_deadline(deadline, &argument.deadline);
		if (!ret)
			ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_LOCK, &argument);
	} while (ret == -EINTR && !(flags & SHMBUF_LOCK_INTERRUPTIBLE));
	return ret;
}

/* UNLOCK or CONSISTENT. */
static __attribute__((noinline, cold)) int
holder_call(struct shmbuf *b, __u32 index, unsigned long command)
{
	struct shmbuf_lock argument = {
		.size = sizeof(argument),
		.index = index,
	};
	int ret;

	do {
		ret = shmbuf_self(b, &argument.owner);
		if (!ret)
			ret = shmbuf_sys_ioctl(b->fd, command, &argument);
	} while (ret == -EINTR);
	return ret;
}

SHMBUF_EXPORT int shmbuf_lock(struct shmbuf *b, uint32_t index)
{
	if (fast_acquire(b, index))
		return 0;
	return lock_slow(b, index, 0, NULL);
}

SHMBUF_EXPORT int shmbuf_trylock(struct shmbuf *b, uint32_t index)
{
	if (fast_acquire(b, index))
		return 0;
	/* Only the kernel knows whether the holder lives. */
	return lock_slow(b, index, SHMBUF_LOCK_TRY, NULL);
}

SHMBUF_EXPORT int shmbuf_timedlock(struct shmbuf *b, uint32_t index,
				   const struct timespec *deadline)
{
	if (fast_acquire(b, index))
		return 0;
	return lock_slow(b, index, 0, deadline);
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
	return lock_slow(b, index, flags, deadline);
}

SHMBUF_EXPORT int shmbuf_unlock(struct shmbuf *b, uint32_t index)
{
	if (fast_release(b, index))
		return 0;
	return holder_call(b, index, SHMBUF_IOC_UNLOCK);
}

SHMBUF_EXPORT int shmbuf_consistent(struct shmbuf *b, uint32_t index)
{
	return holder_call(b, index, SHMBUF_IOC_CONSISTENT);
}
