// SPDX-License-Identifier: GPL-2.0-only
/* The library's barriers. */
#include "lib_test.h"

#define BARRIER	0

FIXTURE(lib_barrier)
{
	struct shmbuf *b;
	int *shared;
};

FIXTURE_SETUP(lib_barrier)
{
	struct shmbuf_options o = { .nr_objects = 2 };

	self->shared = shared(4096);
	ASSERT_EQ(0, shmbuf_create(&self->b, NULL, 1, &o));
	ASSERT_EQ(0, shmbuf_init(self->b, BARRIER, 1, SHMBUF_KIND_BARRIER, 2));
}

FIXTURE_TEARDOWN(lib_barrier)
{
	shmbuf_close(self->b);
}

TEST_F(lib_barrier, offered)
{
	struct shmbuf_info info;

	ASSERT_EQ(0, shmbuf_query(self->b, &info));
	EXPECT_NE(0, info.features & SHMBUF_FEATURE_BARRIER);
}

TEST_F(lib_barrier, wrong_arguments)
{
	struct timespec bad = { .tv_nsec = -1 }, past = {};
	uint32_t i;

	for (i = 1; i < 4; i++) {
		EXPECT_EQ(-EINVAL, shmbuf_barrier_wait(self->b, i, NULL));
		EXPECT_EQ(-EINVAL, shmbuf_barrier_leave(self->b, i));
	}
	EXPECT_EQ(-EINVAL, shmbuf_init(self->b, 1, 1, SHMBUF_KIND_BARRIER, 0));
	EXPECT_EQ(-EINVAL, shmbuf_barrier_wait(self->b, BARRIER, &bad));
	EXPECT_EQ(-ENOENT, shmbuf_barrier_leave(self->b, BARRIER));
	EXPECT_EQ(-ETIMEDOUT, shmbuf_barrier_wait(self->b, BARRIER, &past));
	EXPECT_EQ(0, shmbuf_barrier_leave(self->b, BARRIER));
}

TEST_F(lib_barrier, read_only)
{
	struct shmbuf_options o = { .nr_objects = 1 };
	struct shmbuf *b, *ro;
	char name[64];

	snprintf(name, sizeof(name), "lib-barrier-%d", getpid());
	ASSERT_EQ(0, shmbuf_create(&b, name, 1, &o));
	ASSERT_EQ(0, shmbuf_init(b, 0, 1, SHMBUF_KIND_BARRIER, 1));
	ASSERT_EQ(0, shmbuf_open(&ro, name, SHMBUF_RDONLY));
	EXPECT_EQ(-EBADF, shmbuf_barrier_wait(ro, 0, NULL));
	EXPECT_EQ(-EBADF, shmbuf_barrier_leave(ro, 0));
	EXPECT_EQ(1, shmbuf_barrier_wait(b, 0, NULL));
	shmbuf_close(ro);
	shmbuf_close(b);
}

TEST_F(lib_barrier, rounds)
{
	int i, sum = 0;
	pid_t pid = spawn();

	if (!pid) {
		for (i = 0; i < 500; i++) {
			self->shared[0] = i;
			self->shared[1] += shmbuf_barrier_wait(self->b, BARRIER, NULL);
			CHECK(shmbuf_barrier_wait(self->b, BARRIER, NULL) >= 0);
		}
		CHECK(!shmbuf_barrier_leave(self->b, BARRIER));
		_exit(0);
	}
	for (i = 0; i < 500; i++) {
		int ret = shmbuf_barrier_wait(self->b, BARRIER, NULL);

		EXPECT_EQ(i, self->shared[0]);
		EXPECT_EQ(true, ret == 0 || ret == 1);
		sum += ret;
		EXPECT_LE(0, shmbuf_barrier_wait(self->b, BARRIER, NULL));
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(500, sum + self->shared[1]);
}

static void *arrive(void *argument)
{
	CHECK(shmbuf_barrier_wait(argument, BARRIER, &(struct timespec) {}) == -ETIMEDOUT);
	return NULL;
}

static void *arrive_and_leave(void *argument)
{
	arrive(argument);
	CHECK(!shmbuf_barrier_leave(argument, BARRIER));
	return NULL;
}

/* Each thread is a party; its end is a death, unless it left. */
TEST_F(lib_barrier, threads)
{
	struct timespec end = in_seconds(PATIENCE_S);

	run_thread(arrive_and_leave, self->b);
	EXPECT_EQ(-ETIMEDOUT, shmbuf_barrier_wait(self->b, BARRIER, &(struct timespec) {}));
	run_thread(arrive, self->b);
	do
		errno = -shmbuf_barrier_wait(self->b, BARRIER, &end);
	while (errno == EOWNERDEAD);
	EXPECT_EQ(ENOTRECOVERABLE, errno);
	EXPECT_EQ(0, shmbuf_reset(self->b, BARRIER, 1));
	ASSERT_EQ(0, shmbuf_init(self->b, BARRIER, 1, SHMBUF_KIND_BARRIER, 1));
	EXPECT_EQ(1, shmbuf_barrier_wait(self->b, BARRIER, NULL));
}

TEST_F(lib_barrier, a_party_is_killed)
{
	pid_t pid = spawn();

	if (!pid) {
		shmbuf_barrier_wait(self->b, BARRIER, &(struct timespec) {});
		self->shared[0] = 1;
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(&self->shared[0], __ATOMIC_SEQ_CST));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	UNTIL(shmbuf_barrier_wait(self->b, BARRIER, NULL) == -ENOTRECOVERABLE);
}

TEST_HARNESS_MAIN
