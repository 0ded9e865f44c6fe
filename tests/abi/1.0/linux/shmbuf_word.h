/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * shmbuf: the steps that a word of the control area can take
 *
 * Pure functions: each tells from the word's old value whether the step can be
 * taken, and the new value.  Module, library, KUnit and the model's check share
 * them; how the value is read and stored (compare-and-swap in user space, fetch-or
 * of WAITERS and then a store in the kernel) is the caller's.
 *
 * A user_* step is for a compare-and-swap of a word without any flag but its kind's.  A kernel
 * step is for a word on which the kernel has set WAITERS; @waiters tells whether
 * it must stay set.
 *
 * An owner id is a slot of the buffer's table with a generation above it.  0 is
 * none.
 *
 * READERS goes with a lock's word through each step: whether there are any is
 * known to the kernel alone.
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

/* What a kernel step of a lock leaves beside owner and death. */
static inline __u64 shmbuf_lock_word_flags(__u64 old, int waiters)
{
	return (old & SHMBUF_WORD_READERS) | shmbuf_word_waiters(waiters);
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
	__u64 flags = shmbuf_lock_word_flags(old, waiters);
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
	__u64 flags = shmbuf_lock_word_flags(old, waiters);

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
	__u64 flags = shmbuf_lock_word_flags(old, waiters);

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
	__u64 flags = shmbuf_lock_word_flags(old, waiters);

	*new_word = (old & ~SHMBUF_WORD_WAITERS) | flags;
	if (!shmbuf_lock_word_owner(old) ||
	    (old & (SHMBUF_WORD_UNUSED | SHMBUF_WORD_NOTRECOVERABLE)))
		return 0;
	*new_word = SHMBUF_WORD_OWNER_DIED | flags;
	return 1;
}

/*
 * Kernel: @id wants to read.  That no other reader or waiter is in the way is the
 * caller's to know.
 *
 * Return: 0 where it may, with *new_word open to readers, else -EDEADLK (held by @id),
 * -EBUSY (held by a live owner), -EOWNERDEAD (a writer died: only somebody alone can
 * repair), -ENOTRECOVERABLE, -EINVAL (no lock).
 */
static inline int shmbuf_lock_share(__u64 old, __u64 id, int owner_alive, int waiters,
				    __u64 *new_word)
{
	__u64 owner = shmbuf_lock_word_owner(old);

	*new_word = (old & ~SHMBUF_WORD_WAITERS) | shmbuf_word_waiters(waiters);
	if (old & SHMBUF_WORD_UNUSED)
		return -EINVAL;
	if (old & SHMBUF_WORD_NOTRECOVERABLE)
		return -ENOTRECOVERABLE;
	if (owner && owner_alive)
		return owner == id ? -EDEADLK : -EBUSY;
	if (owner || (old & SHMBUF_WORD_OWNER_DIED))
		return -EOWNERDEAD;
	*new_word |= SHMBUF_WORD_READERS;
	return 0;
}

/* Kernel: @id, who holds the lock, goes on as a reader.  -EPERM: it doesn't, or must repair. */
static inline int shmbuf_lock_downgrade(__u64 old, __u64 id, int waiters, __u64 *new_word)
{
	*new_word = (old & ~SHMBUF_WORD_WAITERS) | shmbuf_word_waiters(waiters);
	if (shmbuf_lock_word_owner(old) != id ||
	    (old & (SHMBUF_WORD_UNUSED | SHMBUF_WORD_OWNER_DIED)))
		return -EPERM;
	*new_word = SHMBUF_WORD_READERS | shmbuf_word_waiters(waiters);
	return 0;
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

/*
 * A semaphore: the most that it counts above its count.  No word that INIT makes has 0
 * for the most, so 0 needn't mean that it counts nothing: it means no limit, to the
 * kernel, which then does all the counting.
 */

#define SHMBUF_SEM_BITS		28

static inline __u64 shmbuf_sem_word(__u64 most, __u64 count, int waiters)
{
	return SHMBUF_WORD_SEMAPHORE | most << SHMBUF_SEM_BITS | count |
	       shmbuf_word_waiters(waiters);
}

static inline __u64 shmbuf_sem_word_most(__u64 word)
{
	__u64 most = word >> SHMBUF_SEM_BITS & SHMBUF_SEM_MAX;

	return most ? most : SHMBUF_SEM_MAX;
}

/* A hostile peer's word can say more than the most. */
static inline __u64 shmbuf_sem_word_count(__u64 word)
{
	__u64 count = word & SHMBUF_SEM_MAX, most = shmbuf_sem_word_most(word);

	return count < most ? count : most;
}

/* Whether nothing but its numbers stands in a semaphore's word. */
static inline int shmbuf_sem_word_is_quiet(__u64 word)
{
	return word >> 2 * SHMBUF_SEM_BITS == SHMBUF_WORD_SEMAPHORE >> 2 * SHMBUF_SEM_BITS;
}

/* User space: a semaphore counts only while nobody sleeps for it, never below 0. */
static inline int shmbuf_sem_user_down(__u64 old, __u64 *new_word)
{
	if (!shmbuf_sem_word_is_quiet(old) || !(old & SHMBUF_SEM_MAX))
		return 0;
	*new_word = old - 1;
	return 1;
}

/*
 * Likewise, never above the most.  What is left of a quiet word without its kind and its
 * count is the most; of any other it is more.
 */
static inline int shmbuf_sem_user_up(__u64 old, __u64 *new_word)
{
	__u64 most = (old ^ SHMBUF_WORD_SEMAPHORE) >> SHMBUF_SEM_BITS;

	if (most > SHMBUF_SEM_MAX || (old & SHMBUF_SEM_MAX) >= most)
		return 0;
	*new_word = old + 1;
	return 1;
}

/*
 * Kernel: take a unit.  UNUSED stays, here and below: RESET may be undone.
 *
 * Return: 0, or -EBUSY for none there.
 */
static inline int shmbuf_sem_take(__u64 old, int waiters, __u64 *new_word)
{
	__u64 most = shmbuf_sem_word_most(old), count = shmbuf_sem_word_count(old);

	*new_word = shmbuf_sem_word(most, count ? count - 1 : 0, waiters) |
		    (old & SHMBUF_WORD_UNUSED);
	return count ? 0 : -EBUSY;
}

/* Kernel: give @units.  Return: 0, or -EOVERFLOW where only some found room, or none. */
static inline int shmbuf_sem_give(__u64 old, __u64 units, int waiters, __u64 *new_word)
{
	__u64 most = shmbuf_sem_word_most(old), count = shmbuf_sem_word_count(old);
	int fits = units <= most - count;

	*new_word = shmbuf_sem_word(most, fits ? count + units : most, waiters) |
		    (old & SHMBUF_WORD_UNUSED);
	return fits ? 0 : -EOVERFLOW;
}

/*
 * A barrier: its phase above the arrivals of that phase above the parties.  It is the
 * kernel's alone.  NOTRECOVERABLE: it is broken.
 */

#define SHMBUF_BARRIER_BITS	16
#define SHMBUF_BARRIER_PHASES	((1ULL << 24) - 1)

static inline __u64 shmbuf_barrier_word_parties(__u64 word)
{
	return word & SHMBUF_BARRIER_MAX;
}

static inline __u64 shmbuf_barrier_word_arrived(__u64 word)
{
	return word >> SHMBUF_BARRIER_BITS & SHMBUF_BARRIER_MAX;
}

static inline __u64 shmbuf_barrier_word_phase(__u64 word)
{
	return word >> 2 * SHMBUF_BARRIER_BITS & SHMBUF_BARRIER_PHASES;
}

static inline __u64 shmbuf_barrier_word(__u64 phase, __u64 arrived, __u64 parties,
					__u64 flags)
{
	return SHMBUF_WORD_BARRIER | flags |
	       (phase & SHMBUF_BARRIER_PHASES) << 2 * SHMBUF_BARRIER_BITS |
	       arrived << SHMBUF_BARRIER_BITS | parties;
}

static inline __u64 shmbuf_barrier_word_flags(__u64 old, int waiters)
{
	return (old & (SHMBUF_WORD_UNUSED | SHMBUF_WORD_NOTRECOVERABLE)) |
	       shmbuf_word_waiters(waiters);
}

/*
 * Kernel: one arrives.
 *
 * Return: 1 where it was the last of its phase, so that the next one has begun; 0
 * where it isn't, -ENOTRECOVERABLE where the barrier is broken.
 */
static inline int shmbuf_barrier_arrive(__u64 old, int waiters, __u64 *new_word)
{
	__u64 parties = shmbuf_barrier_word_parties(old);
	__u64 arrived = shmbuf_barrier_word_arrived(old);
	__u64 phase = shmbuf_barrier_word_phase(old);
	__u64 flags = shmbuf_barrier_word_flags(old, waiters);

	*new_word = shmbuf_barrier_word(phase, arrived, parties, flags);
	if (old & SHMBUF_WORD_NOTRECOVERABLE)
		return -ENOTRECOVERABLE;
	if (arrived + 1 < parties) {
		*new_word = shmbuf_barrier_word(phase, arrived + 1, parties, flags);
		return 0;
	}
	*new_word = shmbuf_barrier_word(phase + 1, 0, parties, flags);
	return 1;
}

/* Kernel: one who has arrived in the present phase hasn't. */
static inline void shmbuf_barrier_take_back(__u64 old, int waiters, __u64 *new_word)
{
	__u64 arrived = shmbuf_barrier_word_arrived(old);

	*new_word = shmbuf_barrier_word(shmbuf_barrier_word_phase(old),
					arrived ? arrived - 1 : 0,
					shmbuf_barrier_word_parties(old),
					shmbuf_barrier_word_flags(old, waiters));
}

/* Kernel: a party is dead. */
static inline void shmbuf_barrier_break(__u64 old, int waiters, __u64 *new_word)
{
	*new_word = shmbuf_barrier_word(shmbuf_barrier_word_phase(old), 0,
					shmbuf_barrier_word_parties(old),
					shmbuf_barrier_word_flags(old, waiters) |
					SHMBUF_WORD_NOTRECOVERABLE);
}

/*
 * An owner's row: SHMBUF_ROW_ENTRIES words, in each the owner's count of one lock that
 * it reads under.  Locks that meet in an entry take turns.
 *
 * An entry with OPEN is its lock's; the index stands above the count.  REVOKED makes it
 * the kernel's, as WAITERS does a lock's word: the kernel sets it by an atomic that
 * tells the count, and from there on no legal step of user space changes it.  USED
 * tells the kernel that user space has counted since.
 */
#define SHMBUF_ROW_ENTRIES	512
#define SHMBUF_ROW_REVOKED	(1ULL << 63)
#define SHMBUF_ROW_OPEN		(1ULL << 62)
#define SHMBUF_ROW_USED		(1ULL << 61)
#define SHMBUF_ROW_INDEX_SHIFT	24
#define SHMBUF_ROW_COUNT_MASK	((1ULL << SHMBUF_ROW_INDEX_SHIFT) - 1)

/* The entry of lock @index with nothing counted, and open to its owner. */
static inline __u64 shmbuf_row_entry(__u32 index)
{
	return SHMBUF_ROW_OPEN | (__u64)index << SHMBUF_ROW_INDEX_SHIFT;
}

static inline __u32 shmbuf_row_index(__u64 entry)
{
	return (__u32)(entry >> SHMBUF_ROW_INDEX_SHIFT);
}

static inline __u64 shmbuf_row_count(__u64 entry)
{
	return entry & SHMBUF_ROW_COUNT_MASK;
}

/* Whether the entry is @index's, revoked or not. */
static inline int shmbuf_row_is(__u64 entry, __u32 index)
{
	return (entry & ~(SHMBUF_ROW_REVOKED | SHMBUF_ROW_USED | SHMBUF_ROW_COUNT_MASK)) ==
	       shmbuf_row_entry(index);
}

/*
 * User space: one more, or one less, while the entry isn't revoked.  What is left of a
 * right entry without flags and index is a count; of any other it is more.
 */

static inline int shmbuf_row_user_acquire(__u64 old, __u32 index, __u64 *new_entry)
{
	old |= SHMBUF_ROW_USED;
	if (old - (shmbuf_row_entry(index) | SHMBUF_ROW_USED) >= SHMBUF_ROW_COUNT_MASK)
		return 0;
	*new_entry = old + 1;
	return 1;
}

static inline int shmbuf_row_user_release(__u64 old, __u32 index, __u64 *new_entry)
{
	__u64 count = (old | SHMBUF_ROW_USED) - (shmbuf_row_entry(index) | SHMBUF_ROW_USED);

	if (count - 1 >= SHMBUF_ROW_COUNT_MASK)
		return 0;
	*new_entry = old - 1;
	return 1;
}

#endif /* _UAPI_LINUX_SHMBUF_WORD_H */
