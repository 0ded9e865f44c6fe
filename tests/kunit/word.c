// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of locks', queues' and rows' words: every step from every word that flags and
 * a few owners and numbers make, held against what the ABI promises.  None of this says how
 * a step comes to its word.
 */
#include <kunit/test.h>

#include <linux/shmbuf_word.h>

#include "word.h"

/* The same slot in two generations, another slot, and more than any id. */
static const u64 owners[] = {
	0, 5ULL << SHMBUF_OWNER_SLOT_BITS | 3, 6ULL << SHMBUF_OWNER_SLOT_BITS | 3,
	5ULL << SHMBUF_OWNER_SLOT_BITS | 4, SHMBUF_OWNER_MASK,
};

static const u64 me = 5ULL << SHMBUF_OWNER_SLOT_BITS | 3;
static const u64 heir = 9ULL << SHMBUF_OWNER_SLOT_BITS | 1;

enum lock_step { ACQUIRE, RELEASE, HAND_OVER, UNDO, CONSISTENT, DIED, SHARE, DOWNGRADE, NR_STEPS };

static const char * const names[] = {
	"acquire", "release", "hand over", "undo", "consistent", "died", "share", "downgrade",
};

/* One step: what it is taken from, and what it came to. */
struct taken {
	enum lock_step step;
	u64 old;
	bool alive;
	bool waiters;
	int ret;
	u64 new;
};

static void take_step(struct taken *t)
{
	switch (t->step) {
	case ACQUIRE:
		t->ret = shmbuf_lock_acquire(t->old, me, t->alive, t->waiters, &t->new);
		break;
	case RELEASE:
		t->ret = shmbuf_lock_release(t->old, me, 0, t->waiters, &t->new);
		break;
	case HAND_OVER:
		t->ret = shmbuf_lock_release(t->old, me, heir, t->waiters, &t->new);
		break;
	case UNDO:
		t->ret = shmbuf_lock_undo(t->old, me, t->waiters, &t->new);
		break;
	case CONSISTENT:
		t->ret = shmbuf_lock_consistent(t->old, me, t->waiters, &t->new);
		break;
	case DIED:
		t->ret = shmbuf_lock_owner_died(t->old, t->waiters, &t->new);
		break;
	case SHARE:
		t->ret = shmbuf_lock_share(t->old, me, t->alive, t->waiters, &t->new);
		break;
	default:
		t->ret = shmbuf_lock_downgrade(t->old, me, t->waiters, &t->new);
	}
}

static u64 owner_of(u64 word)
{
	return word & SHMBUF_OWNER_MASK;
}

static bool has(u64 word, u64 flag)
{
	return word & flag;
}

/* What the steps themselves make of a lock: never anything else. */
static bool lawful(u64 word)
{
	const u64 others = SHMBUF_WORD_QUEUE | SHMBUF_WORD_SEMAPHORE | SHMBUF_WORD_BARRIER;

	if (word & others)
		return false;
	return !has(word, SHMBUF_WORD_NOTRECOVERABLE) ||
	       !(word & (SHMBUF_OWNER_MASK | SHMBUF_WORD_OWNER_DIED));
}

static bool same_but_waiters(u64 a, u64 b)
{
	return !((a ^ b) & ~SHMBUF_WORD_WAITERS);
}

/* The step changes something for the better or worse of who took it. */
static bool works(const struct taken *t)
{
	if (t->step == DIED)
		return t->ret == 1;
	return !t->ret || (t->step == ACQUIRE && t->ret == -EOWNERDEAD) ||
	       (t->step <= HAND_OVER && t->step != ACQUIRE && t->ret == -ENOTRECOVERABLE);
}

#define HOLDS(t, cond)									\
	do {										\
		if (cond)								\
			break;								\
		KUNIT_FAIL(test, "%s of %016llx, %s, %s: %d, %016llx; not so: " #cond,	\
			   names[(t)->step], (t)->old, (t)->alive ? "alive" : "dead",	\
			   (t)->waiters ? "waiters" : "no waiters", (t)->ret, (t)->new); \
		return false;								\
	} while (0)

/* What is so for every step, from any word, be it a hostile peer's. */
static bool holds_always(struct kunit *test, const struct taken *t)
{
	u64 owner = owner_of(t->old);

	HOLDS(t, has(t->new, SHMBUF_WORD_WAITERS) == t->waiters);
	HOLDS(t, has(t->new, SHMBUF_WORD_UNUSED) == has(t->old, SHMBUF_WORD_UNUSED));
	HOLDS(t, works(t) || same_but_waiters(t->new, t->old));
	/* Readers are let in by two steps, and by none sent away. */
	HOLDS(t, has(t->new, SHMBUF_WORD_READERS) ==
	      (has(t->old, SHMBUF_WORD_READERS) ||
	       (works(t) && (t->step == SHARE || t->step == DOWNGRADE))));
	/* Nobody holds it who didn't and didn't ask. */
	HOLDS(t, !owner_of(t->new) || owner_of(t->new) == owner ||
	      (t->step == ACQUIRE && owner_of(t->new) == me) ||
	      (t->step == HAND_OVER && owner == me && owner_of(t->new) == heir));
	/* What another holds who is alive stays his. */
	if (owner && owner != me && t->alive && t->step != DIED)
		HOLDS(t, !works(t) && owner_of(t->new) == owner);
	HOLDS(t, !works(t) || !has(t->old, SHMBUF_WORD_UNUSED));
	return true;
}

/* What is so for words that the steps themselves have made. */
static bool holds_for_lawful(struct kunit *test, const struct taken *t)
{
	bool dead = owner_of(t->old) && (t->step == DIED || (t->step == ACQUIRE && !t->alive));
	bool told = t->step == CONSISTENT && !t->ret;

	HOLDS(t, lawful(t->new));
	/* A death is forgotten by nobody but who repairs. */
	if ((dead && works(t)) || has(t->old, SHMBUF_WORD_OWNER_DIED))
		HOLDS(t, told || has(t->new, SHMBUF_WORD_OWNER_DIED | SHMBUF_WORD_NOTRECOVERABLE));
	/* And told of no other. */
	else if (!has(t->old, SHMBUF_WORD_NOTRECOVERABLE))
		HOLDS(t, !has(t->new, SHMBUF_WORD_OWNER_DIED | SHMBUF_WORD_NOTRECOVERABLE));
	/* What is given up for good stays so. */
	HOLDS(t, !has(t->old, SHMBUF_WORD_NOTRECOVERABLE) ||
	      has(t->new, SHMBUF_WORD_NOTRECOVERABLE));
	return true;
}

/* Who asks for a lock: what he is told. */
static int told_who_asks(const struct taken *t)
{
	u64 owner = owner_of(t->old);

	if (has(t->old, SHMBUF_WORD_UNUSED))
		return -EINVAL;
	if (has(t->old, SHMBUF_WORD_NOTRECOVERABLE))
		return -ENOTRECOVERABLE;
	if (owner == me && t->alive)
		return -EDEADLK;
	if (owner && t->alive)
		return -EBUSY;
	return owner || has(t->old, SHMBUF_WORD_OWNER_DIED) ? -EOWNERDEAD : 0;
}

/* Who gives something up or mends it, which only the holder can. */
static int told_who_holds(const struct taken *t)
{
	bool died = has(t->old, SHMBUF_WORD_OWNER_DIED);

	if (owner_of(t->old) != me || has(t->old, SHMBUF_WORD_UNUSED))
		return -EPERM;
	switch (t->step) {
	case RELEASE:
	case HAND_OVER:
		return died ? -ENOTRECOVERABLE : 0;
	case CONSISTENT:
		return died ? 0 : -EINVAL;
	case DOWNGRADE:
		return died ? -EPERM : 0;
	default:
		return 0;
	}
}

static bool tells(struct kunit *test, const struct taken *t)
{
	const u64 none = SHMBUF_WORD_UNUSED | SHMBUF_WORD_NOTRECOVERABLE;
	u64 died = t->new & SHMBUF_WORD_OWNER_DIED;

	switch (t->step) {
	case ACQUIRE:
		HOLDS(t, t->ret == told_who_asks(t));
		HOLDS(t, !works(t) || (owner_of(t->new) == me && !died == !t->ret));
		break;
	case SHARE:
		HOLDS(t, t->ret == told_who_asks(t));
		HOLDS(t, !works(t) || !owner_of(t->new));
		break;
	case DIED:
		HOLDS(t, t->ret == (owner_of(t->old) && !(t->old & none)));
		HOLDS(t, !works(t) || (!owner_of(t->new) && died));
		break;
	default:
		HOLDS(t, t->ret == told_who_holds(t));
		break;
	}
	return true;
}

/* Where a holder's step leaves the lock, in so many words. */
static bool leaves(struct kunit *test, const struct taken *t)
{
	const u64 beside = SHMBUF_WORD_WAITERS | SHMBUF_WORD_READERS;
	u64 left = t->new & ~beside, died = t->old & SHMBUF_WORD_OWNER_DIED;

	if (!works(t))
		return true;
	if (t->step == RELEASE)
		HOLDS(t, left == (died ? SHMBUF_WORD_NOTRECOVERABLE : 0));
	if (t->step == HAND_OVER)
		HOLDS(t, left == (died ? SHMBUF_WORD_NOTRECOVERABLE : heir));
	if (t->step == UNDO)
		HOLDS(t, left == died);
	if (t->step == CONSISTENT)
		HOLDS(t, owner_of(left) == me && !has(left, SHMBUF_WORD_OWNER_DIED));
	if (t->step == DOWNGRADE)
		HOLDS(t, !left);
	return true;
}

static void each_flags_and_owner(struct kunit *test, struct taken *t)
{
	unsigned int flags, i;

	for (flags = 0; flags < WORD_NR_FLAGS; flags++) {
		for (i = 0; i < ARRAY_SIZE(owners); i++) {
			t->old = word_flags(flags) | owners[i];
			take_step(t);
			if (!holds_always(test, t) || !tells(test, t) ||
			    (lawful(t->old) && (!holds_for_lawful(test, t) || !leaves(test, t))))
				return;
		}
	}
}

static void lock_steps(struct kunit *test)
{
	struct taken t = {};

	for (t.step = 0; t.step < NR_STEPS; t.step++) {
		each_flags_and_owner(test, &(struct taken){ .step = t.step });
		each_flags_and_owner(test, &(struct taken){ .step = t.step, .waiters = true });
		each_flags_and_owner(test, &(struct taken){ .step = t.step, .alive = true });
		each_flags_and_owner(test, &(struct taken){
			.step = t.step, .alive = true, .waiters = true });
	}
}

/* User space has two steps only, and the kernel's lead to the same words. */
static void lock_user_steps(struct kunit *test)
{
	unsigned int flags, i;
	u64 old, new, kernel;

	for (flags = 0; flags < WORD_NR_FLAGS; flags++) {
		for (i = 0; i < ARRAY_SIZE(owners); i++) {
			old = word_flags(flags) | owners[i];
			new = ~0ULL;
			KUNIT_ASSERT_EQ(test, shmbuf_lock_user_acquire(old, me, &new), old == 0);
			KUNIT_ASSERT_EQ(test, new, old ? ~0ULL : me);
			new = ~0ULL;
			KUNIT_ASSERT_EQ(test, shmbuf_lock_user_release(old, me, &new), old == me);
			KUNIT_ASSERT_EQ(test, new, old == me ? 0 : ~0ULL);
			KUNIT_ASSERT_EQ(test, shmbuf_lock_is_sound(old, me),
					owners[i] == me && !has(old, SHMBUF_WORD_UNUSED |
								     SHMBUF_WORD_OWNER_DIED |
								     SHMBUF_WORD_NOTRECOVERABLE));
		}
	}
	KUNIT_EXPECT_EQ(test, shmbuf_lock_acquire(0, me, false, false, &kernel), 0);
	KUNIT_EXPECT_TRUE(test, shmbuf_lock_user_acquire(0, me, &new) && new == kernel);
	KUNIT_EXPECT_EQ(test, shmbuf_lock_release(me, me, 0, false, &kernel), 0);
	KUNIT_EXPECT_TRUE(test, shmbuf_lock_user_release(me, me, &new) && new == kernel);
}

static const u64 sequences[] = { 0, 1, SHMBUF_SEQUENCE_MASK - 1, SHMBUF_SEQUENCE_MASK };

static void queue_wakes(struct kunit *test, u64 old, u64 next)
{
	u64 quiet = old & ~SHMBUF_SEQUENCE_MASK, new;
	int waiters;

	KUNIT_ASSERT_EQ(test, shmbuf_queue_word_is_quiet(old), quiet == SHMBUF_WORD_QUEUE);
	KUNIT_ASSERT_EQ(test, shmbuf_queue_user_wake(old, &new), quiet == SHMBUF_WORD_QUEUE);
	if (quiet == SHMBUF_WORD_QUEUE)
		KUNIT_ASSERT_EQ(test, new, SHMBUF_WORD_QUEUE | next);
	for (waiters = 0; waiters < 2; waiters++) {
		bool unused = has(old, SHMBUF_WORD_UNUSED);

		KUNIT_ASSERT_EQ(test, shmbuf_queue_wake(old, waiters, &new), unused ? -EINVAL : 0);
		KUNIT_ASSERT_EQ(test, has(new, SHMBUF_WORD_WAITERS), waiters);
		new &= ~SHMBUF_WORD_WAITERS;
		KUNIT_ASSERT_EQ(test, new, unused ? old & ~SHMBUF_WORD_WAITERS :
						    SHMBUF_WORD_QUEUE | next);
	}
}

/* A sequence moves by one and wraps, and nothing beside it is touched or left. */
static void queue_steps(struct kunit *test)
{
	unsigned int flags, i;

	for (flags = 0; flags < WORD_NR_FLAGS; flags++) {
		for (i = 0; i < ARRAY_SIZE(sequences); i++) {
			queue_wakes(test, word_flags(flags) | sequences[i],
				    sequences[i] == SHMBUF_SEQUENCE_MASK ? 0 : sequences[i] + 1);
			KUNIT_ASSERT_EQ(test, shmbuf_queue_word(sequences[i], false),
					SHMBUF_WORD_QUEUE | sequences[i]);
		}
	}
}

static void row_step(struct kunit *test, u64 old, u32 index, bool mine, u64 count)
{
	bool revoked = has(old, SHMBUF_ROW_REVOKED), may = mine && !revoked;
	bool room = count < SHMBUF_ROW_COUNT_MASK;
	u64 new;

	KUNIT_ASSERT_EQ(test, shmbuf_row_is(old, index), mine);
	KUNIT_ASSERT_EQ(test, shmbuf_row_count(old), count);
	KUNIT_ASSERT_EQ(test, shmbuf_row_user_acquire(old, index, &new), may && room);
	if (may && room)
		KUNIT_ASSERT_EQ(test, new, (old | SHMBUF_ROW_USED) + 1);
	KUNIT_ASSERT_EQ(test, shmbuf_row_user_release(old, index, &new), may && count);
	if (may && count)
		KUNIT_ASSERT_EQ(test, new, old - 1);
}

/* Only a count of the lock's own entry changes, and neither wraps nor while it is revoked. */
static void row_steps(struct kunit *test)
{
	static const u64 counts[] = { 0, 1, 2, SHMBUF_ROW_COUNT_MASK - 1, SHMBUF_ROW_COUNT_MASK };
	static const u32 indexes[] = { 0, 1, 512, ~0U };
	unsigned int flags, i, j, k;

	for (flags = 0; flags < WORD_NR_FLAGS; flags++) {
		u64 stray = word_flags(flags) & ~(SHMBUF_ROW_REVOKED | SHMBUF_ROW_USED);

		for (i = 0; i < ARRAY_SIZE(indexes); i++) {
			for (j = 0; j < ARRAY_SIZE(indexes); j++) {
				for (k = 0; k < ARRAY_SIZE(counts); k++)
					row_step(test, word_flags(flags) |
						       (u64)indexes[i] << SHMBUF_ROW_INDEX_SHIFT |
						       counts[k], indexes[j],
						 i == j && stray == SHMBUF_ROW_OPEN, counts[k]);
			}
			KUNIT_ASSERT_EQ(test, shmbuf_row_index(shmbuf_row_entry(indexes[i])),
					indexes[i]);
		}
	}
}

static struct kunit_case word_cases[] = {
	KUNIT_CASE(lock_steps),
	KUNIT_CASE(lock_user_steps),
	KUNIT_CASE(queue_steps),
	KUNIT_CASE(row_steps),
	{}
};

static struct kunit_suite word_suite = {
	.name = "shmbuf_word",
	.test_cases = word_cases,
};

kunit_test_suite(word_suite);
