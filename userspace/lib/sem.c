// SPDX-License-Identifier: MIT
/*
 * Semaphores.  Here one counts by compare-and-swap while there are units and nobody
 * sleeps (shmbuf.h has that); a unit with UNDO, and a word with waiters, are the kernel's.
 */
#include "internal.h"

#include <errno.h>

/* The word, where it may be written. */
static __u64 *word_at_hand(const struct shmbuf *b, __u32 index)
{
	__u64 table = shmbuf_fast_table(b);

	return shmbuf_fast_has(table, index) ? shmbuf_fast_word_by(b, table, index) : NULL;
}

/* Others who count at the same time can make a compare-and-swap fail. */
#define TRIES	8

static bool fast_down(struct shmbuf *b, __u32 index)
{
	__u64 *word = word_at_hand(b, index), old, new;
	int n;

	for (n = 0; word && n < TRIES; n++) {
		old = __atomic_load_n(word, __ATOMIC_RELAXED);
		if (!shmbuf_sem_user_down(old, &new))
			return false;
		if (__atomic_compare_exchange_n(word, &old, new, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static bool fast_up(struct shmbuf *b, __u32 index)
{
	__u64 *word = word_at_hand(b, index), old, new;
	int n;

	for (n = 0; word && n < TRIES; n++) {
		old = __atomic_load_n(word, __ATOMIC_RELAXED);
		if (!shmbuf_sem_user_up(old, &new))
			return false;
		if (__atomic_compare_exchange_n(word, &old, new, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* A word that says so for itself: the kernel couldn't find a unit either. */
static bool is_empty(struct shmbuf *b, __u32 index)
{
	__u64 *word = word_at_hand(b, index), old;

	if (!word)
		return false;
	old = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	return shmbuf_sem_word_is_quiet(old) && !shmbuf_sem_word_count(old);
}

static int sem_call(struct shmbuf *b, __u32 index, unsigned long command,
		    unsigned int flags, __u64 deadline, __u64 deaths)
{
	struct shmbuf_sem argument = {
		.size = sizeof(argument),
		.flags = flags,
		.index = index,
		.deadline = deadline,
		.deaths = deaths,
	};
	int ret = 0;

	if (flags & SHMBUF_SEM_UNDO)
		ret = shmbuf_self_process(b, &argument.owner);
	return ret ? ret : shmbuf_sys_ioctl(b->fd, command, &argument);
}

static int wait_call(struct shmbuf *b, __u32 index, unsigned int flags,
		     const struct timespec *deadline, __u64 deaths)
{
	__u64 ns;
	int ret = shmbuf_deadline(deadline, &ns);

	if (ret)
		return ret;
	/* In a child of fork(): the next one is fast. */
	if (!b->readonly && !shmbuf_serial(b))
		shmbuf_revive(b);
	return sem_call(b, index, SHMBUF_IOC_SEM_WAIT, flags, ns, deaths);
}

SHMBUF_EXPORT int shmbuf_sem_wait(struct shmbuf *b, uint32_t index)
{
	return fast_down(b, index) ? 0 : wait_call(b, index, 0, NULL, 0);
}

SHMBUF_EXPORT int shmbuf_sem_trywait(struct shmbuf *b, uint32_t index)
{
	if (fast_down(b, index))
		return 0;
	if (is_empty(b, index))
		return -EBUSY;
	return wait_call(b, index, SHMBUF_SEM_TRY, NULL, 0);
}

SHMBUF_EXPORT int shmbuf_sem_timedwait(struct shmbuf *b, uint32_t index,
				       const struct timespec *deadline)
{
	return fast_down(b, index) ? 0 : wait_call(b, index, 0, deadline, 0);
}

SHMBUF_EXPORT int shmbuf_sem_wait_flags(struct shmbuf *b, uint32_t index,
					unsigned int flags,
					const struct timespec *deadline)
{
	if (flags & ~SHMBUF_UNDO)
		return -EOPNOTSUPP;
	if (!(flags & SHMBUF_UNDO) && fast_down(b, index))
		return 0;
	return wait_call(b, index, flags, deadline, 0);
}

SHMBUF_EXPORT int shmbuf_sem_wait_peers(struct shmbuf *b, uint32_t index,
					unsigned int flags,
					const struct timespec *deadline,
					uint64_t deaths)
{
	if (flags & ~SHMBUF_UNDO)
		return -EOPNOTSUPP;
	if (!(flags & SHMBUF_UNDO) && fast_down(b, index))
		return 0;
	return wait_call(b, index, flags | SHMBUF_SEM_PEERS, deadline, deaths);
}

SHMBUF_EXPORT int shmbuf_sem_post_flags(struct shmbuf *b, uint32_t index,
					unsigned int flags)
{
	int ret;

	if (flags & ~SHMBUF_UNDO)
		return -EOPNOTSUPP;
	if (!(flags & SHMBUF_UNDO) && fast_up(b, index))
		return 0;
	do
		ret = sem_call(b, index, SHMBUF_IOC_SEM_POST, flags, 0, 0);
	while (ret == -EINTR);
	return ret;
}

SHMBUF_EXPORT int shmbuf_sem_post(struct shmbuf *b, uint32_t index)
{
	int saved = errno, ret = shmbuf_sem_post_flags(b, index, 0);

	/* It may be what a signal handler interrupted that looks at errno. */
	errno = saved;
	return ret;
}

SHMBUF_EXPORT int shmbuf_sem_value(struct shmbuf *b, uint32_t index)
{
	__u64 *word = shmbuf_word(b, index), old;

	if (!word)
		return -EINVAL;
	old = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	if (!shmbuf_sem_word_is_quiet(old & ~SHMBUF_WORD_WAITERS))
		return -EINVAL;
	return shmbuf_sem_word_count(old);
}
