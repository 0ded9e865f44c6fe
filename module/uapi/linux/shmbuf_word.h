/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * shmbuf: the steps that a word of the control area can take
 *
 * Pure functions: each tells from the word's old value whether the step can be
 * taken, and the new value.  Module, library, KUnit and the model's check share
 * them; how the value is read and stored (compare-and-swap in user space, fetch-or
 * of WAITERS and then a store in the kernel) is the caller's.
 *
 * A user_* step is for a compare-and-swap of a word without any flag but QUEUE.  A kernel
 * step is for a word on which the kernel has set WAITERS; @waiters tells whether
 * it must stay set.
 *
 * An owner id is a slot of the buffer's table with a generation above it.  0 is
 * none.
 */
#ifndef _UAPI_LINUX_SHMBUF_WORD_H
#define _UAPI_LINUX_SHMBUF_WORD_H

#include <linux/errno.h>
#include <linux/shmbuf.h>
#include <linux/types.h>

#define SHMBUF_OWNER_SLOT_BITS	24
#define SHMBUF_OWNER_SLOT_MASK	((1ULL << SHMBUF_OWNER_SLOT_BITS) - 1)

static inline __u64 shmbuf_word_waiters(int waiters)
{
	return waiters ? SHMBUF_WORD_WAITERS : 0;
}

static inline __u64 shmbuf_lock_word_owner(__u64 old)
{
	return old & SHMBUF_OWNER_MASK;
}

/* User space: a lock is taken only from 0 and released only to 0. */

static inline int shmbuf_lock_user_acquire(__u64 old, __u64 id, __u64 *new_word)
{
	if (old)
		return 0;
	*new_word = id;
	return 1;
}

static inline int shmbuf_lock_user_release(__u64 old, __u64 id, __u64 *new_word)
{
	if (old != id)
		return 0;
	*new_word = 0;
	return 1;
}

/*
 * Kernel: @id wants the lock.  @owner_alive speaks of the id in @old.
 *
 * Return: 0 or -EOWNERDEAD with the lock taken, else *new_word is @old with its
 * WAITERS as @waiters has it: -EBUSY (held), -EDEADLK (held by @id),
 * -ENOTRECOVERABLE, -EINVAL (no lock).
 */
static inline int shmbuf_lock_acquire(__u64 old, __u64 id, int owner_alive,
				      int waiters, __u64 *new_word)
{
	__u64 owner = shmbuf_lock_word_owner(old);
	__u64 flags = shmbuf_word_waiters(waiters);
	int died;

	*new_word = (old & ~SHMBUF_WORD_WAITERS) | flags;
	if (old & SHMBUF_WORD_UNUSED)
		return -EINVAL;
	if (old & SHMBUF_WORD_NOTRECOVERABLE)
		return -ENOTRECOVERABLE;
	if (owner && owner_alive)
		return owner == id ? -EDEADLK : -EBUSY;
	died = owner || (old & SHMBUF_WORD_OWNER_DIED);
	*new_word = id | flags | (died ? SHMBUF_WORD_OWNER_DIED : 0);
	return died ? -EOWNERDEAD : 0;
}

/*
 * Kernel: @id gives the lock up, to @next (an id, or 0 for nobody).
 *
 * Return: 0; -ENOTRECOVERABLE where nobody said CONSISTENT since the death, so
 * that nobody gets it; -EPERM where @id doesn't hold it.
 */
static inline int shmbuf_lock_release(__u64 old, __u64 id, __u64 next,
				      int waiters, __u64 *new_word)
{
	__u64 flags = shmbuf_word_waiters(waiters);

	*new_word = (old & ~SHMBUF_WORD_WAITERS) | flags;
	if (shmbuf_lock_word_owner(old) != id || (old & SHMBUF_WORD_UNUSED))
		return -EPERM;
	if (old & SHMBUF_WORD_OWNER_DIED) {
		*new_word = SHMBUF_WORD_NOTRECOVERABLE | flags;
		return -ENOTRECOVERABLE;
	}
	*new_word = next | flags;
	return 0;
}

/* Whether @id holds the lock for itself, with nothing that it has to repair. */
static inline int shmbuf_lock_is_sound(__u64 word, __u64 id)
{
	return shmbuf_lock_word_owner(word) == id &&
	       !(word & (SHMBUF_WORD_UNUSED | SHMBUF_WORD_OWNER_DIED |
			 SHMBUF_WORD_NOTRECOVERABLE));
}

/* Kernel: @id gives a lock back untouched, just as it got it. */
static inline int shmbuf_lock_undo(__u64 old, __u64 id, int waiters, __u64 *new_word)
{
	__u64 flags = shmbuf_word_waiters(waiters);

	*new_word = (old & ~SHMBUF_WORD_WAITERS) | flags;
	if (shmbuf_lock_word_owner(old) != id || (old & SHMBUF_WORD_UNUSED))
		return -EPERM;
	*new_word = (old & SHMBUF_WORD_OWNER_DIED) | flags;
	return 0;
}

/* Kernel: @id has repaired what a dead holder left. */
static inline int shmbuf_lock_consistent(__u64 old, __u64 id, int waiters,
					 __u64 *new_word)
{
	*new_word = (old & ~SHMBUF_WORD_WAITERS) | shmbuf_word_waiters(waiters);
	if (shmbuf_lock_word_owner(old) != id || (old & SHMBUF_WORD_UNUSED))
		return -EPERM;
	if (!(old & SHMBUF_WORD_OWNER_DIED))
		return -EINVAL;
	*new_word &= ~SHMBUF_WORD_OWNER_DIED;
	return 0;
}

/*
 * Kernel: the death of the id in @old is put on record.
 *
 * Return: 1 where it was, 0 where the word names no owner.
 */
static inline int shmbuf_lock_owner_died(__u64 old, int waiters, __u64 *new_word)
{
	__u64 flags = shmbuf_word_waiters(waiters);

	*new_word = (old & ~SHMBUF_WORD_WAITERS) | flags;
	if (!shmbuf_lock_word_owner(old) ||
	    (old & (SHMBUF_WORD_UNUSED | SHMBUF_WORD_NOTRECOVERABLE)))
		return 0;
	*new_word = SHMBUF_WORD_OWNER_DIED | flags;
	return 1;
}

static inline __u64 shmbuf_queue_word(__u64 sequence, int waiters)
{
	return SHMBUF_WORD_QUEUE | (sequence & SHMBUF_SEQUENCE_MASK) |
	       shmbuf_word_waiters(waiters);
}

/* Whether nothing but its sequence stands in a queue's word. */
static inline int shmbuf_queue_word_is_quiet(__u64 word)
{
	return (word & ~SHMBUF_SEQUENCE_MASK) == SHMBUF_WORD_QUEUE;
}

/* User space: a queue's sequence moves on only while nobody waits. */
static inline int shmbuf_queue_user_wake(__u64 old, __u64 *new_word)
{
	if (!shmbuf_queue_word_is_quiet(old))
		return 0;
	*new_word = shmbuf_queue_word(old + 1, 0);
	return 1;
}

/* Kernel: the sequence moves on.  Return: 0, or -EINVAL for no queue. */
static inline int shmbuf_queue_wake(__u64 old, int waiters, __u64 *new_word)
{
	*new_word = (old & ~SHMBUF_WORD_WAITERS) | shmbuf_word_waiters(waiters);
	if (old & SHMBUF_WORD_UNUSED)
		return -EINVAL;
	*new_word = shmbuf_queue_word(old + 1, waiters);
	return 0;
}

#endif /* _UAPI_LINUX_SHMBUF_WORD_H */
