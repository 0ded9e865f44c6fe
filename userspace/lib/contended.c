// SPDX-License-Identifier: MIT
/*
 * Locks that aren't simply free or simply held: the kernel decides.  Apart from
 * lock.c, so that the fast path saves no registers for this one.
 */
#include "internal.h"

#include <errno.h>

/* How often a held lock is looked at before the kernel is asked, which knows
 * whether its owner runs.  About as long as the call takes.
 */
#define SPINS	40

static inline void cpu_relax(void)
{
#if __has_builtin(__builtin_ia32_pause)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
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
		if (!old && shmbuf_fast_acquire(word, id))
			return true;
		if ((old & ~SHMBUF_OWNER_MASK) || old == id)
			return false;
		cpu_relax();
	}
	return false;
}

int shmbuf_contended(struct shmbuf *b, __u32 index, unsigned int flags,
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

/* As a reader, whom the kernel gives an entry in its row to. */
int shmbuf_contended_read(struct shmbuf *b, __u32 index, unsigned int flags,
			  const struct timespec *deadline)
{
	struct shmbuf_lock argument = {
		.size = sizeof(argument),
		.flags = flags | SHMBUF_LOCK_SHARED,
		.index = index,
	};
	int ret;

	do {
		ret = shmbuf_self_reader(b, &argument.owner);
		if (!ret && shmbuf_fast_rdlock(b, index))
			return 0;
		if (!ret)
			ret = shmbuf_deadline(deadline, &argument.deadline);
		if (!ret)
			ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_LOCK, &argument);
	} while (ret == -EINTR && !(flags & SHMBUF_LOCK_INTERRUPTIBLE));
	return ret;
}

/* UNLOCK, CONSISTENT or DOWNGRADE. */
int shmbuf_holder_call(struct shmbuf *b, __u32 index, unsigned long command)
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
