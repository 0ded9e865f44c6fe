// SPDX-License-Identifier: GPL-2.0-only
/* Guards: locks that are released where their block ends. */
#include "lib_test.h"

#include <shmbuf_guard.h>

FIXTURE(guard)
{
	struct shmbuf *b;
};

FIXTURE_SETUP(guard)
{
	struct shmbuf_options options = { .nr_locks = 2 };

	ASSERT_EQ(0, shmbuf_create(&self->b, NULL, 1, &options));
}

FIXTURE_TEARDOWN(guard)
{
	shmbuf_close(self->b);
}

static bool held(struct shmbuf *b, uint32_t index)
{
	int ret = shmbuf_trylock(b, index);

	if (!ret)
		shmbuf_unlock(b, index);
	return ret == -EBUSY;
}

static int leaves_early(struct shmbuf *b, int *result)
{
	shmbuf_guard(guard, b, 0);

	*result = guard.result;
	if (!held(b, 0))
		return 1;
	return 2;
}

TEST_F(guard, block)
{
	{
		shmbuf_guard(guard, self->b, 0);
		shmbuf_guard(other, self->b, 1);

		EXPECT_EQ(0, guard.result);
		EXPECT_EQ(0, other.result);
		EXPECT_TRUE(held(self->b, 0));
		EXPECT_TRUE(held(self->b, 1));
	}
	EXPECT_FALSE(held(self->b, 0));
	EXPECT_FALSE(held(self->b, 1));
}

/* As with a function's, an argument's side effects come once. */
TEST_F(guard, arguments)
{
	struct shmbuf *handles[] = { self->b, self->b, self->b, self->b, NULL }, **b = handles;
	struct timespec deadlines[] = { in_seconds(PATIENCE_S), {} }, *deadline = deadlines;
	uint32_t locks[] = { 0, 1, 1, 1, 2 }, *lock = locks;

	{
		shmbuf_guard(guard, *b++, *lock++);

		EXPECT_EQ(1, b - handles);
		EXPECT_EQ(1, lock - locks);
		EXPECT_EQ(0, guard.result);
		EXPECT_TRUE(held(self->b, 0));
	}
	{
		shmbuf_read_guard(guard, *b++, *lock++);

		EXPECT_EQ(2, b - handles);
		EXPECT_EQ(2, lock - locks);
		EXPECT_EQ(0, guard.result);
	}
	{
		shmbuf_try_guard(guard, *b++, *lock++);

		EXPECT_EQ(3, b - handles);
		EXPECT_EQ(3, lock - locks);
		EXPECT_EQ(0, guard.result);
	}
	{
		shmbuf_timed_guard(guard, *b++, *lock++, deadline++);

		EXPECT_EQ(4, b - handles);
		EXPECT_EQ(4, lock - locks);
		EXPECT_EQ(1, deadline - deadlines);
		EXPECT_EQ(0, guard.result);
	}
	EXPECT_FALSE(held(self->b, 0));
	EXPECT_FALSE(held(self->b, 1));
}

TEST_F(guard, readers)
{
	{
		shmbuf_read_guard(guard, self->b, 0);
		shmbuf_read_guard(again, self->b, 0);

		EXPECT_EQ(0, guard.result);
		EXPECT_EQ(0, again.result);
		EXPECT_TRUE(held(self->b, 0));
	}
	EXPECT_FALSE(held(self->b, 0));
}

TEST_F(guard, left_by_return)
{
	int result = 1;

	EXPECT_EQ(2, leaves_early(self->b, &result));
	EXPECT_EQ(0, result);
	EXPECT_FALSE(held(self->b, 0));
}

TEST_F(guard, left_by_break)
{
	int i;

	for (i = 0; i < 3; i++) {
		shmbuf_timed_guard(guard, self->b, 0, NULL);

		EXPECT_EQ(0, guard.result);
		if (i == 1)
			break;
	}
	EXPECT_EQ(1, i);
	EXPECT_FALSE(held(self->b, 0));
}

/* What wasn't taken isn't released: neither another's hold nor one's own. */
TEST_F(guard, not_taken)
{
	struct timespec past = {};

	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	{
		shmbuf_try_guard(guard, self->b, 0);
		shmbuf_timed_guard(timed, self->b, 0, &past);
		shmbuf_guard(none, self->b, 2);

		EXPECT_EQ(-EBUSY, guard.result);
		EXPECT_EQ(-EDEADLK, timed.result);
		EXPECT_EQ(-EINVAL, none.result);
	}
	EXPECT_TRUE(held(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

TEST_F(guard, ended_before)
{
	{
		shmbuf_guard(guard, self->b, 0);

		shmbuf_guard_end(&guard);
		EXPECT_EQ(-EPERM, guard.result);
		EXPECT_FALSE(held(self->b, 0));
		/* The end of the block leaves this one alone. */
		EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	}
	EXPECT_TRUE(held(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

TEST_F(guard, dead_owner)
{
	pid_t pid = spawn();

	if (!pid) {
		CHECK(!shmbuf_lock(self->b, 0));
		CHECK(!shmbuf_lock(self->b, 1));
		raise(SIGKILL);
	}
	reap(pid);
	{
		shmbuf_guard(guard, self->b, 0);
		shmbuf_guard(unrepaired, self->b, 1);

		EXPECT_EQ(-EOWNERDEAD, guard.result);
		EXPECT_EQ(-EOWNERDEAD, unrepaired.result);
		EXPECT_EQ(0, shmbuf_consistent(self->b, 0));
	}
	EXPECT_FALSE(held(self->b, 0));
	EXPECT_EQ(0, shmbuf_trylock(self->b, 0));
	EXPECT_EQ(-ENOTRECOVERABLE, shmbuf_trylock(self->b, 1));
}

TEST_HARNESS_MAIN
