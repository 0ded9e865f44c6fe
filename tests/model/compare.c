// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what the functions of shmbuf_word.h make of each word of the model, as
 * compare.pml does of word.pml.  A result that is no word of the model shows in hex.
 */
#include <errno.h>
#include <stdio.h>

#include <linux/shmbuf_word.h>

/* The model's words; see word.pml. */
#define OWNER		7
#define WAITERS		8
#define OWNER_DIED	16
#define NOTRECOVERED	32
#define UNUSED		64
#define READERS		128
#define SEM_SHIFT	4
#define ROW_COUNT	3
#define ROW_INDEX	4
#define ROW_OPEN	8
#define ROW_USED	16
#define ROW_REVOKED	32

static const struct flag {
	unsigned int small;
	__u64 large;
} flags[] = {
	{ WAITERS, SHMBUF_WORD_WAITERS },
	{ OWNER_DIED, SHMBUF_WORD_OWNER_DIED },
	{ NOTRECOVERED, SHMBUF_WORD_NOTRECOVERABLE },
	{ UNUSED, SHMBUF_WORD_UNUSED },
	{ READERS, SHMBUF_WORD_READERS },
};

static const struct flag row_flags[] = {
	{ ROW_OPEN, SHMBUF_ROW_OPEN },
	{ ROW_USED, SHMBUF_ROW_USED },
	{ ROW_REVOKED, SHMBUF_ROW_REVOKED },
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static __u64 enlarge(const struct flag *flag, size_t n, unsigned int small)
{
	__u64 large = 0;

	for (; n--; flag++)
		large |= small & flag->small ? flag->large : 0;
	return large;
}

/* Takes the flags out of *large. */
static unsigned int reduce(const struct flag *flag, size_t n, __u64 *large)
{
	unsigned int small = 0;

	for (; n--; flag++) {
		small |= *large & flag->large ? flag->small : 0;
		*large &= ~flag->large;
	}
	return small;
}

static __u64 large_id(unsigned int id)
{
	return id ? (0x9abcdef0ULL + id) << SHMBUF_OWNER_SLOT_BITS | (0xffff00 + id) : 0;
}

static __u64 large_lock(unsigned int old)
{
	return enlarge(flags, COUNT(flags), old) | large_id(old & OWNER);
}

/* The last sequence and the last count stand for themselves, the others for what they are. */
static __u64 large_queue(unsigned int old)
{
	return enlarge(flags, COUNT(flags), old) | SHMBUF_WORD_QUEUE |
	       ((old & 7) == 7 ? SHMBUF_SEQUENCE_MASK : old & 7);
}

static __u64 large_sem(unsigned int old)
{
	return enlarge(flags, COUNT(flags), old & (WAITERS | UNUSED)) |
	       SHMBUF_WORD_SEMAPHORE | (__u64)(old >> SEM_SHIFT & 3) << SHMBUF_SEM_BITS | (old & 3);
}

static __u32 large_index(unsigned int index)
{
	return 5 + index * SHMBUF_ROW_ENTRIES;
}

static __u64 large_row(unsigned int old)
{
	return enlarge(row_flags, COUNT(row_flags), old) |
	       (__u64)large_index(!!(old & ROW_INDEX)) << SHMBUF_ROW_INDEX_SHIFT |
	       ((old & ROW_COUNT) == ROW_COUNT ? SHMBUF_ROW_COUNT_MASK : old & ROW_COUNT);
}

/* The end of a line. */
static void end(unsigned int small, __u64 strange)
{
	if (strange)
		printf(" strange %#llx\n", (unsigned long long)strange);
	else
		printf(" %u\n", small);
}

static void end_lock(__u64 word)
{
	unsigned int id, small = reduce(flags, COUNT(flags), &word);

	for (id = 0; id <= OWNER; id++) {
		if (word == large_id(id))
			return end(small | id, 0);
	}
	end(0, word);
}

static void end_queue(__u64 word)
{
	unsigned int small = reduce(flags, COUNT(flags), &word);
	__u64 sequence = word & SHMBUF_SEQUENCE_MASK;

	word ^= SHMBUF_WORD_QUEUE | sequence;
	if (sequence == SHMBUF_SEQUENCE_MASK)
		sequence = 7;
	end(small | sequence, word ? word : sequence > 7);
}

static void end_sem(__u64 word)
{
	unsigned int small = reduce(flags, COUNT(flags), &word);
	__u64 most = word >> SHMBUF_SEM_BITS & SHMBUF_SEM_MAX, count = word & SHMBUF_SEM_MAX;

	word ^= SHMBUF_WORD_SEMAPHORE | most << SHMBUF_SEM_BITS | count;
	end(small | most << SEM_SHIFT | count, word ? word : (most > 3 || count > 3));
}

static void end_row(__u64 entry)
{
	unsigned int small = reduce(row_flags, COUNT(row_flags), &entry);
	__u64 count = entry & SHMBUF_ROW_COUNT_MASK, index = entry >> SHMBUF_ROW_INDEX_SHIFT;

	if (count >= SHMBUF_ROW_COUNT_MASK - 1)
		count -= SHMBUF_ROW_COUNT_MASK - ROW_COUNT;
	if (count > ROW_COUNT || (index != large_index(0) && index != large_index(1)))
		return end(0, entry);
	end(small | (index == large_index(1) ? ROW_INDEX : 0) | count, 0);
}

/* As the model numbers them. */
static int result(int ret)
{
	static const int errors[] = {
		0, EBUSY, EDEADLK, ENOTRECOVERABLE, EINVAL, EOWNERDEAD, EPERM, EOVERFLOW,
	};
	unsigned int i;

	if (ret >= 0)
		return ret;
	for (i = 1; i < COUNT(errors); i++) {
		if (-ret == errors[i])
			return i;
	}
	return ret;
}

/* A line: the step with its arguments, what @call returned, and the word that it made. */
#define STEP(kind, call, ...) do {		\
	__u64 new_word = large;			\
	int ret = call;				\
						\
	printf(__VA_ARGS__);			\
	printf(": %d", result(ret));		\
	end_##kind(new_word);			\
} while (0)

static void lock_steps_by(unsigned int old, unsigned int id, int waiters)
{
	__u64 large = large_lock(old), me = large_id(id);
	int alive, next;

	for (alive = 0; alive <= 1; alive++) {
		STEP(lock, shmbuf_lock_acquire(large, me, alive, waiters, &new_word),
		     "lock_acquire %u %u %d %d", old, id, alive, waiters);
		STEP(lock, shmbuf_lock_share(large, me, alive, waiters, &new_word),
		     "lock_share %u %u %d %d", old, id, alive, waiters);
	}
	for (next = 0; next <= 3; next += 3)
		STEP(lock, shmbuf_lock_release(large, me, large_id(next), waiters, &new_word),
		     "lock_release %u %u %d %d", old, id, next, waiters);
	STEP(lock, shmbuf_lock_undo(large, me, waiters, &new_word),
	     "lock_undo %u %u %d", old, id, waiters);
	STEP(lock, shmbuf_lock_consistent(large, me, waiters, &new_word),
	     "lock_consistent %u %u %d", old, id, waiters);
	STEP(lock, shmbuf_lock_downgrade(large, me, waiters, &new_word),
	     "lock_downgrade %u %u %d", old, id, waiters);
	STEP(lock, shmbuf_lock_owner_died(large, waiters, &new_word),
	     "lock_owner_died %u %d", old, waiters);
}

static void lock_steps(unsigned int old)
{
	__u64 large = large_lock(old);
	unsigned int id;

	for (id = 1; id <= 2; id++) {
		STEP(lock, shmbuf_lock_user_acquire(large, large_id(id), &new_word),
		     "lock_user_acquire %u %u", old, id);
		STEP(lock, shmbuf_lock_user_release(large, large_id(id), &new_word),
		     "lock_user_release %u %u", old, id);
		printf("lock_is_sound %u %u: %d\n", old, id,
		       shmbuf_lock_is_sound(large, large_id(id)));
		lock_steps_by(old, id, 0);
		lock_steps_by(old, id, 1);
	}
}

static void queue_steps(unsigned int old)
{
	__u64 large = large_queue(old);
	int waiters;

	printf("queue_word_is_quiet %u: %d\n", old, shmbuf_queue_word_is_quiet(large));
	STEP(queue, shmbuf_queue_user_wake(large, &new_word), "queue_user_wake %u", old);
	for (waiters = 0; waiters <= 1; waiters++) {
		printf("queue_word %u %d:", old, waiters);
		end_queue(shmbuf_queue_word(large, waiters));
		STEP(queue, shmbuf_queue_wake(large, waiters, &new_word),
		     "queue_wake %u %d", old, waiters);
	}
}

static void sem_steps(unsigned int old)
{
	__u64 large = large_sem(old);
	int waiters, units;

	printf("sem_word_is_quiet %u: %d\n", old, shmbuf_sem_word_is_quiet(large));
	printf("sem_word_count %u: %d\n", old, (int)shmbuf_sem_word_count(large));
	STEP(sem, shmbuf_sem_user_down(large, &new_word), "sem_user_down %u", old);
	STEP(sem, shmbuf_sem_user_up(large, &new_word), "sem_user_up %u", old);
	for (waiters = 0; waiters <= 1; waiters++) {
		STEP(sem, shmbuf_sem_take(large, waiters, &new_word),
		     "sem_take %u %d", old, waiters);
		for (units = 1; units <= 3; units++)
			STEP(sem, shmbuf_sem_give(large, units, waiters, &new_word),
			     "sem_give %u %d %d", old, units, waiters);
	}
}

static void row_steps(unsigned int old)
{
	__u64 large = large_row(old);
	unsigned int index;

	for (index = 0; index <= 1; index++) {
		printf("row_is %u %u: %d\n", old, index,
		       shmbuf_row_is(large, large_index(index)));
		STEP(row, shmbuf_row_user_acquire(large, large_index(index), &new_word),
		     "row_user_acquire %u %u", old, index);
		STEP(row, shmbuf_row_user_release(large, large_index(index), &new_word),
		     "row_user_release %u %u", old, index);
	}
}

int main(void)
{
	unsigned int old;

	for (old = 0; old < 256; old++)
		lock_steps(old);
	for (old = 0; old < 128; old++) {
		if (!(old & (OWNER_DIED | NOTRECOVERED)))
			queue_steps(old);
	}
	for (old = 0; old < 128; old++) {
		if (!(old & 4) && (old >> SEM_SHIFT & 3))
			sem_steps(old);
	}
	for (old = 0; old < 64; old++)
		row_steps(old);
	return 0;
}
