// SPDX-License-Identifier: GPL-2.0-only
/* The steps of words that user space takes without the kernel: only from words it may. */
#include "shmbuf_test.h"

#define ID	(3ULL << SHMBUF_OWNER_SLOT_BITS | 1)
#define INDEX	5

enum {
	ACQUIRE = 1 << 0,
	RELEASE = 1 << 1,
	WAKE = 1 << 2,
	DOWN = 1 << 3,
	UP = 1 << 4,
};

static const struct {
	__u64 word;
	unsigned int steps;
} words[] = {
	{ 0, ACQUIRE },
	{ ID, RELEASE },
	{ ID + 1, 0 },
	{ ID | SHMBUF_WORD_OWNER_DIED, 0 },
	{ SHMBUF_WORD_OWNER_DIED, 0 },
	{ SHMBUF_WORD_NOTRECOVERABLE, 0 },
	{ SHMBUF_WORD_READERS, 0 },
	{ SHMBUF_WORD_QUEUE, WAKE },
	{ SHMBUF_WORD_QUEUE | 5, WAKE },
	{ SHMBUF_WORD_QUEUE | SHMBUF_SEQUENCE_MASK, WAKE },
	{ SHMBUF_WORD_SEMAPHORE, 0 },
	{ SHMBUF_WORD_SEMAPHORE | 5, DOWN },
	{ SHMBUF_WORD_SEMAPHORE | 5ULL << SHMBUF_SEM_BITS, UP },
	{ SHMBUF_WORD_SEMAPHORE | 5ULL << SHMBUF_SEM_BITS | 4, DOWN | UP },
	{ SHMBUF_WORD_SEMAPHORE | 5ULL << SHMBUF_SEM_BITS | 5, DOWN },
	{ SHMBUF_WORD_SEMAPHORE | SHMBUF_SEM_MAX, DOWN },
	{ SHMBUF_WORD_BARRIER | 2, 0 },
	{ SHMBUF_WORD_BARRIER | 1ULL << SHMBUF_BARRIER_BITS | 2, 0 },
	{ SHMBUF_WORD_SEMAPHORE | SHMBUF_WORD_QUEUE | 5, 0 },
};

static unsigned int steps_from(__u64 word)
{
	__u64 new;

	return (shmbuf_lock_user_acquire(word, ID, &new) ? ACQUIRE : 0) |
	       (shmbuf_lock_user_release(word, ID, &new) ? RELEASE : 0) |
	       (shmbuf_queue_user_wake(word, &new) ? WAKE : 0) |
	       (shmbuf_sem_user_down(word, &new) ? DOWN : 0) |
	       (shmbuf_sem_user_up(word, &new) ? UP : 0);
}

TEST(user_steps)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		EXPECT_EQ(words[i].steps, steps_from(words[i].word));
		/* Whatever it is, with waiters it is the kernel's, and without a kind nobody's. */
		EXPECT_EQ(0, steps_from(words[i].word | SHMBUF_WORD_WAITERS));
		EXPECT_EQ(0, steps_from(words[i].word | SHMBUF_WORD_UNUSED));
	}
}

TEST(where_user_steps_lead)
{
	__u64 new;

	EXPECT_EQ(1, shmbuf_lock_user_acquire(0, ID, &new));
	EXPECT_EQ(ID, new);
	EXPECT_EQ(1, shmbuf_lock_user_release(ID, ID, &new));
	EXPECT_EQ(0, new);
	EXPECT_EQ(1, shmbuf_queue_user_wake(SHMBUF_WORD_QUEUE | 5, &new));
	EXPECT_EQ(SHMBUF_WORD_QUEUE | 6, new);
	EXPECT_EQ(1, shmbuf_queue_user_wake(SHMBUF_WORD_QUEUE | SHMBUF_SEQUENCE_MASK, &new));
	EXPECT_EQ(SHMBUF_WORD_QUEUE, new);
	EXPECT_EQ(1, shmbuf_sem_user_down(shmbuf_sem_word(7, 5, 0), &new));
	EXPECT_EQ(shmbuf_sem_word(7, 4, 0), new);
	EXPECT_EQ(1, shmbuf_sem_user_up(shmbuf_sem_word(7, 5, 0), &new));
	EXPECT_EQ(shmbuf_sem_word(7, 6, 0), new);
}

/* Steps of @entry by its owner: ACQUIRE and RELEASE. */
static unsigned int row_steps_from(__u64 entry)
{
	__u64 new;

	return (shmbuf_row_user_acquire(entry, INDEX, &new) ? ACQUIRE : 0) |
	       (shmbuf_row_user_release(entry, INDEX, &new) ? RELEASE : 0);
}

TEST(row_steps)
{
	const __u64 entry = shmbuf_row_entry(INDEX), used = SHMBUF_ROW_USED;
	const __u64 most = SHMBUF_ROW_COUNT_MASK;
	__u64 new;

	EXPECT_EQ(ACQUIRE, row_steps_from(entry));
	EXPECT_EQ(ACQUIRE, row_steps_from(entry | used));
	EXPECT_EQ(ACQUIRE | RELEASE, row_steps_from(entry | used | 1));
	EXPECT_EQ(ACQUIRE | RELEASE, row_steps_from(entry | (most - 1)));
	EXPECT_EQ(RELEASE, row_steps_from(entry | used | most));
	EXPECT_EQ(0, row_steps_from(0));
	EXPECT_EQ(0, row_steps_from(1));
	EXPECT_EQ(0, row_steps_from(entry & ~SHMBUF_ROW_OPEN));
	EXPECT_EQ(0, row_steps_from((entry & ~SHMBUF_ROW_OPEN) | 1));
	EXPECT_EQ(0, row_steps_from(entry | SHMBUF_ROW_REVOKED));
	EXPECT_EQ(0, row_steps_from(entry | SHMBUF_ROW_REVOKED | 1));
	EXPECT_EQ(0, row_steps_from(shmbuf_row_entry(INDEX + 1) | 1));
	EXPECT_EQ(0, row_steps_from(shmbuf_row_entry(INDEX - 1) | 1));
	EXPECT_EQ(0, row_steps_from(shmbuf_row_entry(INDEX + SHMBUF_ROW_ENTRIES) | 1));
	EXPECT_EQ(0, row_steps_from(~0ULL));

	EXPECT_EQ(1, shmbuf_row_user_acquire(entry, INDEX, &new));
	EXPECT_EQ(entry | used | 1, new);
	EXPECT_EQ(1, shmbuf_row_user_release(new, INDEX, &new));
	EXPECT_EQ(entry | used, new);
}

TEST_HARNESS_MAIN
