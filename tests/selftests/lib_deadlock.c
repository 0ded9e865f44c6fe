// SPDX-License-Identifier: GPL-2.0-only
/* Deadlocks as the library tells of them. */
#include "lib_test.h"

FIXTURE(deadlock)
{
	struct shmbuf *first, *second;
	int *held;
	pid_t other;
};

FIXTURE_SETUP(deadlock)
{
	const struct shmbuf_options options = { .nr_locks = 1 };

	ASSERT_EQ(0, shmbuf_create(&self->first, NULL, 1, &options));
	ASSERT_EQ(0, shmbuf_create(&self->second, NULL, 1, &options));
	ASSERT_EQ(0, shmbuf_lock(self->first, 0));
	self->held = shared(4096);
	self->other = spawn();
	if (!self->other) {
		CHECK(shmbuf_lock(self->second, 0) == 0);
		__atomic_store_n(self->held, 1, __ATOMIC_SEQ_CST);
		CHECK(shmbuf_lock_flags(self->first, 0, SHMBUF_NODETECT, NULL) == 0);
		CHECK(shmbuf_unlock(self->first, 0) == 0);
		CHECK(shmbuf_unlock(self->second, 0) == 0);
		_exit(0);
	}
	UNTIL(__atomic_load_n(self->held, __ATOMIC_SEQ_CST));
}

FIXTURE_TEARDOWN(deadlock)
{
	shmbuf_close(self->first);
	shmbuf_close(self->second);
}

/* As long as the child isn't asleep yet, this can only time out. */
static int lock_with_patience(struct shmbuf *b, unsigned int flags)
{
	struct timespec soon;
	int err;

	UNTIL((soon = in_seconds(1), err = shmbuf_lock_flags(b, 0, flags, &soon)) != -ETIMEDOUT);
	return err;
}

TEST_F(deadlock, between_buffers)
{
	EXPECT_EQ(-EDEADLK, lock_with_patience(self->second, SHMBUF_NOSPIN));
	EXPECT_EQ(-EDEADLK, shmbuf_lock(self->second, 0));
	EXPECT_EQ(-EDEADLK, shmbuf_lock_flags(self->second, 0, SHMBUF_SPIN, NULL));
	EXPECT_EQ(-EBUSY, shmbuf_trylock(self->second, 0));
	EXPECT_NE(NULL, strstr(shmbuf_strerror(-EDEADLK), "waits for this thread"));
	EXPECT_EQ(0, shmbuf_unlock(self->first, 0));
	EXPECT_EQ(0, reap(self->other));
	EXPECT_EQ(0, shmbuf_lock(self->second, 0));
	EXPECT_EQ(-EDEADLK, shmbuf_lock_flags(self->second, 0, SHMBUF_NODETECT, NULL));
	EXPECT_EQ(0, shmbuf_unlock(self->second, 0));
}

TEST_HARNESS_MAIN
