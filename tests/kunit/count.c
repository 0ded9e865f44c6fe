// SPDX-License-Identifier: GPL-2.0-only
/* The steps of words that count: semaphores and barriers, as word.c does the others. */
#include <kunit/test.h>

#include <linux/bits.h>
#include <linux/shmbuf_word.h>

#include "word.h"

#define UNLIMITED SHMBUF_SEM_MAX

/* In words that a hostile peer has written, the count may be above the most. */
static const u64 numbers[] = { 0, 1, 2, 3, SHMBUF_SEM_MAX - 1, SHMBUF_SEM_MAX };

/* What a semaphore's word says: how many units there are, of how many. */
struct units {
	u64 most;
	u64 count;
};

static struct units units_of(u64 word)
{
	struct units units = {
		.most = (word >> SHMBUF_SEM_BITS) & SHMBUF_SEM_MAX,
		.count = word & SHMBUF_SEM_MAX,
	};

	units.most = units.most ?: UNLIMITED;
	units.count = min(units.count, units.most);
	return units;
}

static void each_sem_word(struct kunit *test, void (*check)(struct kunit *test, u64 word))
{
	unsigned int flags, i, j;

	for (flags = 0; flags < WORD_NR_FLAGS; flags++) {
		for (i = 0; i < ARRAY_SIZE(numbers); i++) {
			for (j = 0; j < ARRAY_SIZE(numbers); j++)
				check(test, word_flags(flags) |
					    numbers[i] << SHMBUF_SEM_BITS | numbers[j]);
		}
	}
}

static void sem_user_steps_of(struct kunit *test, u64 old)
{
	const u64 fields = (1ULL << 2 * SHMBUF_SEM_BITS) - 1;
	bool quiet = (old & ~fields) == SHMBUF_WORD_SEMAPHORE;
	struct units units = units_of(old);
	bool may_rise = quiet && (old & fields) >> SHMBUF_SEM_BITS && units.count < units.most;
	u64 new;

	KUNIT_ASSERT_EQ(test, shmbuf_sem_word_is_quiet(old), quiet);
	KUNIT_ASSERT_EQ(test, shmbuf_sem_word_most(old), units.most);
	KUNIT_ASSERT_EQ(test, shmbuf_sem_word_count(old), units.count);
	KUNIT_ASSERT_EQ(test, shmbuf_sem_user_down(old, &new), quiet && units.count);
	if (quiet && units.count)
		KUNIT_ASSERT_EQ(test, new, old - 1);
	KUNIT_ASSERT_EQ(test, shmbuf_sem_user_up(old, &new), may_rise);
	if (may_rise)
		KUNIT_ASSERT_EQ(test, new, old + 1);
}

static void sem_user_steps(struct kunit *test)
{
	each_sem_word(test, sem_user_steps_of);
}

/* What the kernel leaves is a semaphore with so many units, and nothing a peer wrote. */
static void sem_has(struct kunit *test, u64 old, u64 new, u64 count, int waiters)
{
	const u64 kept = SHMBUF_WORD_UNUSED;
	u64 flags = SHMBUF_WORD_SEMAPHORE | (old & kept) | (waiters ? SHMBUF_WORD_WAITERS : 0);

	KUNIT_ASSERT_EQ(test, units_of(new).count, count);
	KUNIT_ASSERT_EQ(test, units_of(new).most, units_of(old).most);
	KUNIT_ASSERT_EQ(test, new >> 2 * SHMBUF_SEM_BITS, flags >> 2 * SHMBUF_SEM_BITS);
	KUNIT_ASSERT_LE(test, new & SHMBUF_SEM_MAX, units_of(new).most);
}

static void sem_kernel_steps_of(struct kunit *test, u64 old)
{
	static const u64 given[] = { 0, 1, 2, SHMBUF_SEM_MAX, 1ULL << 32, ~0ULL };
	struct units units = units_of(old);
	int waiters;
	u64 new;
	int i;

	for (waiters = 0; waiters < 2; waiters++) {
		KUNIT_ASSERT_EQ(test, shmbuf_sem_take(old, waiters, &new),
				units.count ? 0 : -EBUSY);
		sem_has(test, old, new, units.count ? units.count - 1 : 0, waiters);
		for (i = 0; i < ARRAY_SIZE(given); i++) {
			bool fits = given[i] <= units.most - units.count;

			KUNIT_ASSERT_EQ(test, shmbuf_sem_give(old, given[i], waiters, &new),
					fits ? 0 : -EOVERFLOW);
			sem_has(test, old, new, fits ? units.count + given[i] : units.most,
				waiters);
		}
	}
}

static void sem_kernel_steps(struct kunit *test)
{
	each_sem_word(test, sem_kernel_steps_of);
}

#define PHASES BIT_ULL(24)

static const u64 parties[] = { 0, 1, 2, 3, SHMBUF_BARRIER_MAX };
static const u64 arrivals[] = { 0, 1, 2, SHMBUF_BARRIER_MAX - 1, SHMBUF_BARRIER_MAX };
static const u64 phases[] = { 0, 1, PHASES - 1 };

struct barrier {
	u64 phase;
	u64 arrived;
	u64 parties;
	u64 flags;
};

static u64 barrier_word(const struct barrier *b)
{
	return b->flags | b->phase << 2 * SHMBUF_BARRIER_BITS |
	       b->arrived << SHMBUF_BARRIER_BITS | b->parties;
}

static void barrier_is(struct kunit *test, u64 new, const struct barrier *b, int waiters)
{
	const u64 kept = SHMBUF_WORD_UNUSED | SHMBUF_WORD_NOTRECOVERABLE;
	struct barrier want = *b;

	want.flags = SHMBUF_WORD_BARRIER | (b->flags & kept) | (waiters ? SHMBUF_WORD_WAITERS : 0);
	KUNIT_ASSERT_EQ(test, new, barrier_word(&want));
}

/* An arrival counts, the last one begins the next phase, and a broken barrier stays as it is. */
static void barrier_arrives(struct kunit *test, struct barrier b, int waiters)
{
	bool broken = b.flags & SHMBUF_WORD_NOTRECOVERABLE;
	bool last = b.arrived + 1 >= b.parties;
	u64 old = barrier_word(&b), new;

	KUNIT_ASSERT_EQ(test, shmbuf_barrier_arrive(old, waiters, &new),
			broken ? -ENOTRECOVERABLE : last);
	if (!broken && last) {
		b.phase = (b.phase + 1) % PHASES;
		b.arrived = 0;
	} else if (!broken) {
		b.arrived++;
	}
	barrier_is(test, new, &b, waiters);
}

static void barrier_steps_of(struct kunit *test, struct barrier b)
{
	u64 old = barrier_word(&b), new;
	struct barrier after;
	int waiters;

	KUNIT_ASSERT_EQ(test, shmbuf_barrier_word_phase(old), b.phase);
	KUNIT_ASSERT_EQ(test, shmbuf_barrier_word_arrived(old), b.arrived);
	KUNIT_ASSERT_EQ(test, shmbuf_barrier_word_parties(old), b.parties);
	for (waiters = 0; waiters < 2; waiters++) {
		barrier_arrives(test, b, waiters);
		after = b;
		after.arrived -= !!after.arrived;
		shmbuf_barrier_take_back(old, waiters, &new);
		barrier_is(test, new, &after, waiters);
		after.arrived = 0;
		after.flags |= SHMBUF_WORD_NOTRECOVERABLE;
		shmbuf_barrier_break(old, waiters, &new);
		barrier_is(test, new, &after, waiters);
	}
}

static void barrier_steps(struct kunit *test)
{
	unsigned int flags, i, j, k;

	for (flags = 0; flags < WORD_NR_FLAGS; flags++) {
		for (i = 0; i < ARRAY_SIZE(parties); i++) {
			for (j = 0; j < ARRAY_SIZE(arrivals); j++) {
				for (k = 0; k < ARRAY_SIZE(phases); k++)
					barrier_steps_of(test, (struct barrier){
						phases[k], arrivals[j], parties[i],
						word_flags(flags) });
			}
		}
	}
}

static struct kunit_case count_cases[] = {
	KUNIT_CASE(sem_user_steps),
	KUNIT_CASE(sem_kernel_steps),
	KUNIT_CASE(barrier_steps),
	{}
};

static struct kunit_suite count_suite = {
	.name = "shmbuf_count",
	.test_cases = count_cases,
};

kunit_test_suite(count_suite);
