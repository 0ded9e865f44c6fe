// SPDX-License-Identifier: GPL-2.0-only
/* The library's condition wait, and both of its results. */
#include "lib_test.h"

#include <sys/time.h>

enum { LOCK, OTHER, QUEUE };

FIXTURE(lib_cond)
{
	struct shmbuf *b;
	int *value;	/* in the buffer */
};

FIXTURE_SETUP(lib_cond)
{
	struct shmbuf_options o = { .nr_locks = 2, .nr_queues = 1 };

	ASSERT_EQ(0, shmbuf_create(&self->b, NULL, 4096, &o));
	self->value = shmbuf_data(self->b);
}

FIXTURE_TEARDOWN(lib_cond)
{
	shmbuf_close(self->b);
}

TEST_F(lib_cond, woken)
{
	int why = 1, n;
	pid_t pid = spawn();

	if (!pid) {
		for (n = 1; n <= 1000; n++) {
			CHECK(!shmbuf_lock(self->b, LOCK));
			while (*self->value % 2 == 0)
				CHECK(!shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, NULL));
			++*self->value;
			CHECK(!shmbuf_unlock(self->b, LOCK));
			CHECK(shmbuf_wake(self->b, QUEUE, 1) >= 0);
		}
		_exit(0);
	}
	for (n = 0; n < 1000; n++) {
		ASSERT_EQ(0, shmbuf_lock(self->b, LOCK));
		++*self->value;
		ASSERT_LE(0, shmbuf_wake(self->b, QUEUE, 1));
		while (*self->value % 2) {
			ASSERT_EQ(0, shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, &why));
			ASSERT_EQ(0, why);
		}
		ASSERT_EQ(0, shmbuf_unlock(self->b, LOCK));
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(2000, *self->value);
}

TEST_F(lib_cond, timeout)
{
	struct timespec past = {}, soon = in_seconds(1);
	int why = 1;

	ASSERT_EQ(0, shmbuf_lock(self->b, LOCK));
	EXPECT_EQ(0, shmbuf_wait_locked(self->b, QUEUE, LOCK, &past, NULL, &why));
	EXPECT_EQ(-ETIMEDOUT, why);
	EXPECT_EQ(0, shmbuf_wait_locked(self->b, QUEUE, LOCK, &soon, NULL, &why));
	EXPECT_EQ(-ETIMEDOUT, why);
	EXPECT_EQ(true, passed(&soon));
	EXPECT_EQ(0, shmbuf_wait_locked(self->b, QUEUE, LOCK, &past, NULL, NULL));
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
}

static void nothing(int sig)
{
	(void)sig;
}

TEST_F(lib_cond, signal)
{
	struct itimerval timer = { .it_value.tv_usec = 50000 };
	int why = 1;

	signal(SIGALRM, nothing);
	ASSERT_EQ(0, shmbuf_lock(self->b, LOCK));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	EXPECT_EQ(0, shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, &why));
	EXPECT_EQ(-EINTR, why);
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
}

TEST_F(lib_cond, the_holder_dies)
{
	int why = 1;
	pid_t pid;

	ASSERT_EQ(0, shmbuf_lock(self->b, LOCK));
	pid = spawn();
	if (!pid) {
		/* It gets the lock when the other sleeps. */
		CHECK(!shmbuf_lock(self->b, LOCK));
		CHECK(shmbuf_wake(self->b, QUEUE, 1) == 1);
		_exit(0);
	}
	EXPECT_EQ(-EOWNERDEAD, shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, &why));
	EXPECT_EQ(0, why);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EPERM, shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, &why));
	EXPECT_EQ(0, shmbuf_consistent(self->b, LOCK));
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
}

TEST_F(lib_cond, wrong_arguments)
{
	struct timespec bad = { .tv_nsec = 1000000000 };
	int why = 1;

	EXPECT_EQ(-EPERM, shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, &why));
	EXPECT_EQ(0, why);
	ASSERT_EQ(0, shmbuf_lock(self->b, LOCK));
	EXPECT_EQ(-EPERM, shmbuf_wait_locked(self->b, QUEUE, OTHER, NULL, NULL, &why));
	EXPECT_EQ(-EINVAL, shmbuf_wait_locked(self->b, QUEUE, LOCK, &bad, NULL, &why));
	EXPECT_EQ(-EINVAL, shmbuf_wait_locked(self->b, OTHER, LOCK, NULL, NULL, &why));
	EXPECT_EQ(-EINVAL, shmbuf_wait_locked(self->b, 9, LOCK, NULL, NULL, &why));
	EXPECT_EQ(-EINVAL, shmbuf_wait_locked(self->b, QUEUE, QUEUE, NULL, NULL, &why));
	EXPECT_EQ(-EINVAL, shmbuf_wait_locked(self->b, QUEUE, 9, NULL, NULL, &why));
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
}

TEST_F(lib_cond, read_only_handle)
{
	struct shmbuf *named, *ro;
	struct shmbuf_options o = { .nr_locks = 1, .nr_queues = 1 };

	ASSERT_LE(0, shmbuf_create(&named, "lib-selftest-cond", 1, &o));
	ASSERT_EQ(0, shmbuf_open(&ro, "lib-selftest-cond", SHMBUF_RDONLY));
	EXPECT_EQ(-EBADF, shmbuf_wait_locked(ro, 1, 0, NULL, NULL, NULL));
	shmbuf_close(ro);
	shmbuf_close(named);
}

TEST_F(lib_cond, the_lock_is_given_up_for_good)
{
	int why = 1;
	pid_t pid = spawn();

	if (!pid) {
		CHECK(!shmbuf_lock(self->b, LOCK));
		*self->value = 1;
		CHECK(shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, &why) ==
		      -ENOTRECOVERABLE);
		CHECK(shmbuf_unlock(self->b, LOCK) == -EPERM);
		_exit(0);
	}
	UNTIL(__atomic_load_n(self->value, __ATOMIC_SEQ_CST));
	if (!spawn())
		_exit(shmbuf_lock(self->b, LOCK));
	EXPECT_LE(0, wait(NULL));
	EXPECT_EQ(-EOWNERDEAD, shmbuf_lock(self->b, LOCK));
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
	EXPECT_EQ(-ENOTRECOVERABLE, shmbuf_lock(self->b, LOCK));
	EXPECT_EQ(1, shmbuf_wake(self->b, QUEUE, 1));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(lib_cond, peers)
{
	uint64_t all = UINT64_MAX, some = 5;
	int why = 1;
	pid_t pid;

	EXPECT_EQ(-EPIPE, shmbuf_wait_peers(self->b, QUEUE, 0, NULL, all));
	EXPECT_EQ(-EOWNERDEAD, shmbuf_wait_peers(self->b, QUEUE, 0, NULL, some));
	EXPECT_EQ(0, shmbuf_wait_peers(self->b, QUEUE, 1, NULL, all));
	ASSERT_EQ(0, shmbuf_lock(self->b, LOCK));
	EXPECT_EQ(0, shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, &all, &why));
	EXPECT_EQ(-EPIPE, why);
	EXPECT_EQ(0, shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, &some, &why));
	EXPECT_EQ(-EOWNERDEAD, why);
	pid = spawn();
	if (!pid) {
		/* It gets the lock when the other sleeps. */
		CHECK(!shmbuf_lock(self->b, OTHER));
		*self->value = 1;
		CHECK(!shmbuf_lock(self->b, LOCK));
		CHECK(!shmbuf_unlock(self->b, LOCK));
		_exit(0);
	}
	UNTIL(__atomic_load_n(self->value, __ATOMIC_SEQ_CST));
	EXPECT_EQ(0, shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, &all, &why));
	EXPECT_EQ(-EOWNERDEAD, why);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
}

#ifndef LIB_FAKE
#define WAITERS_LIMIT	"/sys/module/shmbuf/parameters/max_user_waiters"

static void allowed_waiters(char *most, int room)
{
	FILE *f = fopen(WAITERS_LIMIT, "r");

	CHECK(f && fgets(most, room, f));
	fclose(f);
}

static void allow_waiters(const char *most)
{
	FILE *f = fopen(WAITERS_LIMIT, "w");

	CHECK(f && fputs(most, f) >= 0 && !fclose(f));
}

/* The lock is given up before the kernel says no: then it is taken back. */
TEST_F(lib_cond, too_many_waiters)
{
	int why = 1, ret;
	char most[32];

	allowed_waiters(most, sizeof(most));
	ASSERT_EQ(0, shmbuf_lock(self->b, LOCK));
	allow_waiters("0");
	ret = shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, &why);
	allow_waiters(most);
	EXPECT_EQ(-EDQUOT, ret);
	EXPECT_EQ(0, why);
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
}

/* And another can have had it meanwhile. */
TEST_F(lib_cond, too_many_waiters_and_a_holder_who_dies)
{
	char most[32];
	int why, ret;
	pid_t pid;

	allowed_waiters(most, sizeof(most));
	ASSERT_EQ(0, shmbuf_lock(self->b, LOCK));
	allow_waiters("0");
	pid = spawn();
	if (!pid) {
		while (shmbuf_trylock(self->b, LOCK))
			;
		_exit(0);
	}
	do
		ret = shmbuf_wait_locked(self->b, QUEUE, LOCK, NULL, NULL, &why);
	while (ret == -EDQUOT);
	allow_waiters(most);
	EXPECT_EQ(-EOWNERDEAD, ret);
	EXPECT_EQ(-EDQUOT, why);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, shmbuf_consistent(self->b, LOCK));
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
}

TEST_F(lib_cond, any)
{
	struct timespec past = {}, bad = { .tv_nsec = -1 };
	struct shmbuf_any items[] = {
		{ .b = self->b, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE },
		{ .b = self->b, .index = OTHER, .kind = SHMBUF_KIND_LOCK },
	};
	pid_t pid;

	EXPECT_EQ(1, shmbuf_wait_any(items, 2, &past, NULL));
	EXPECT_EQ(-EDEADLK, shmbuf_wait_any(items, 2, &past, NULL));
	EXPECT_EQ(-ETIMEDOUT, shmbuf_wait_any(items, 1, &past, NULL));
	EXPECT_EQ(-EINVAL, shmbuf_wait_any(items, 0, &past, NULL));
	EXPECT_EQ(-EINVAL, shmbuf_wait_any(items, 65, &past, NULL));
	EXPECT_EQ(-EINVAL, shmbuf_wait_any(items, 2, &bad, NULL));
	items[1].reserved = 1;
	EXPECT_EQ(-EINVAL, shmbuf_wait_any(items, 2, &past, NULL));
	items[1].reserved = 0;
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE, 1));
	EXPECT_EQ(0, shmbuf_wait_any(items, 2, NULL, NULL));
	EXPECT_EQ(0, shmbuf_unlock(self->b, OTHER));
	items[0].sequence = 1;
	pid = spawn();
	if (!pid) {
		CHECK(!shmbuf_lock(self->b, OTHER));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1 | SHMBUF_WAIT_ANY_OWNERDEAD, shmbuf_wait_any(items, 2, NULL, NULL));
	EXPECT_EQ(0, shmbuf_consistent(self->b, OTHER));
	EXPECT_EQ(0, shmbuf_unlock(self->b, OTHER));
	/* As a reader: another one reads as well. */
	items[1].flags = SHMBUF_SHARED;
	EXPECT_EQ(1, shmbuf_wait_any(items, 2, NULL, NULL));
	EXPECT_EQ(0, shmbuf_tryrdlock(self->b, OTHER));
	EXPECT_EQ(0, shmbuf_unlock(self->b, OTHER));
	EXPECT_EQ(0, shmbuf_unlock(self->b, OTHER));
}
#endif

TEST_HARNESS_MAIN
