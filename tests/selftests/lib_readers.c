// SPDX-License-Identifier: GPL-2.0-only
/* The library's shared locks, with the module. */
#include "lib_test.h"

FIXTURE(readers)
{
	struct shmbuf *b;
};

FIXTURE_SETUP(readers)
{
	ASSERT_EQ(0, shmbuf_create(&self->b, NULL, 4096,
				   &(struct shmbuf_options) { .nr_locks = 2000, .nr_queues = 1 }));
}

FIXTURE_TEARDOWN(readers)
{
	shmbuf_close(self->b);
}

struct attempt {
	struct shmbuf *b;
	int (*lock)(struct shmbuf *b, uint32_t index);
	int ret;
};

static int read_soon(struct shmbuf *b, uint32_t index)
{
	struct timespec t = in_seconds(0);

	return shmbuf_timedrdlock(b, index, &t);
}

static int write_soon(struct shmbuf *b, uint32_t index)
{
	struct timespec t = in_seconds(0);

	return shmbuf_timedlock(b, index, &t);
}

static int (try_write)(struct shmbuf *b, uint32_t index)
{
	return shmbuf_trylock(b, index);
}

static int (try_read)(struct shmbuf *b, uint32_t index)
{
	return shmbuf_tryrdlock(b, index);
}

static void *attempt_in_thread(void *arg)
{
	struct attempt *a = arg;

	a->ret = a->lock(a->b, 0);
	if (!a->ret)
		CHECK(!shmbuf_unlock(a->b, 0));
	return NULL;
}

/* What another thread gets; it gives it back. */
static int other(struct shmbuf *b, int (*lock)(struct shmbuf *b, uint32_t index))
{
	struct attempt a = { b, lock, 0 };

	run_thread(attempt_in_thread, &a);
	return a.ret;
}

TEST_F(readers, beside_each_other)
{
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, shmbuf_rdlock(self->b, 0));
		EXPECT_EQ(0, other(self->b, try_read));
		EXPECT_EQ(0, other(self->b, read_soon));
		EXPECT_EQ(-EBUSY, other(self->b, try_write));
		EXPECT_EQ(-ETIMEDOUT, other(self->b, write_soon));
		ASSERT_EQ(0, shmbuf_tryrdlock(self->b, 0));
		ASSERT_EQ(0, shmbuf_unlock(self->b, 0));
		EXPECT_EQ(-EBUSY, other(self->b, try_write));
		ASSERT_EQ(0, shmbuf_unlock(self->b, 0));
		EXPECT_EQ(-EPERM, shmbuf_unlock(self->b, 0));
		EXPECT_EQ(0, other(self->b, try_write));
	}
}

TEST_F(readers, beside_writers)
{
	const struct timespec wrong = { .tv_nsec = 1000000000 };

	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(-EBUSY, other(self->b, try_read));
	EXPECT_EQ(-ETIMEDOUT, other(self->b, read_soon));
	EXPECT_EQ(-EDEADLK, shmbuf_rdlock(self->b, 0));
	EXPECT_EQ(-EBUSY, shmbuf_tryrdlock(self->b, 0));
	EXPECT_EQ(-EINVAL, shmbuf_timedrdlock(self->b, 0, &wrong));
	EXPECT_EQ(0, shmbuf_downgrade(self->b, 0));
	EXPECT_EQ(-EPERM, shmbuf_downgrade(self->b, 0));
	EXPECT_EQ(0, other(self->b, try_read));
	EXPECT_EQ(-EBUSY, other(self->b, try_write));
	EXPECT_EQ(-EDEADLK, shmbuf_lock(self->b, 0));
	EXPECT_EQ(-EBUSY, shmbuf_trylock(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(0, shmbuf_lock_flags(self->b, 0, SHMBUF_SHARED | SHMBUF_NOSPIN, NULL));
	EXPECT_EQ(0, shmbuf_lock_flags(self->b, 0, SHMBUF_SHARED, NULL));
	EXPECT_EQ(0, other(self->b, try_read));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(-EINVAL, shmbuf_lock_flags(self->b, 0, SHMBUF_SHARED | SHMBUF_SPIN |
					     SHMBUF_NOSPIN, NULL));
}

TEST_F(readers, errors)
{
	struct shmbuf_options o = { .nr_locks = 1 };
	struct shmbuf *b;

	EXPECT_EQ(-EINVAL, shmbuf_rdlock(self->b, 2000));
	EXPECT_EQ(-EINVAL, shmbuf_rdlock(self->b, 2001));
	EXPECT_EQ(-EINVAL, shmbuf_tryrdlock(self->b, UINT32_MAX));
	EXPECT_EQ(-EINVAL, shmbuf_downgrade(self->b, 2000));
	EXPECT_EQ(-EPERM, shmbuf_downgrade(self->b, 0));
	ASSERT_LE(0, shmbuf_create(&b, "lib-readers", 1, &o));
	shmbuf_close(self->b);
	ASSERT_EQ(0, shmbuf_open(&self->b, "lib-readers", SHMBUF_RDONLY));
	EXPECT_EQ(-EBADF, shmbuf_rdlock(self->b, 0));
	EXPECT_EQ(-EBADF, shmbuf_downgrade(self->b, 0));
	shmbuf_close(b);
}

TEST_F(readers, locks_that_meet_and_handles_in_turn)
{
	struct shmbuf *b;
	uint32_t i;

	ASSERT_EQ(0, shmbuf_from_fd(&b, shmbuf_fd(self->b)));
	for (i = 0; i < 2000; i++) {
		ASSERT_EQ(0, shmbuf_rdlock(self->b, i));
		ASSERT_EQ(0, shmbuf_rdlock(b, i));
	}
	EXPECT_EQ(-EBUSY, other(self->b, try_write));
	for (i = 0; i < 2000; i++) {
		ASSERT_EQ(0, shmbuf_unlock(self->b, i));
		ASSERT_EQ(-EPERM, shmbuf_unlock(self->b, i));
		ASSERT_EQ(-EBUSY, shmbuf_trylock(self->b, i));
		ASSERT_EQ(0, shmbuf_unlock(b, i));
		ASSERT_EQ(0, shmbuf_trylock(self->b, i));
		ASSERT_EQ(0, shmbuf_unlock(self->b, i));
	}
	shmbuf_close(b);
}

static void *read_and_end(void *arg)
{
	CHECK(!shmbuf_rdlock(arg, 0) && !shmbuf_rdlock(arg, 0));
	return NULL;
}

static int row_maps(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	int n = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long long offset = 0;

		n += strstr(line, "shmbuf") && sscanf(line, "%*s %*s %llx", &offset) == 1 &&
		     offset >= SHMBUF_ROW_OFFSET;
	}
	fclose(f);
	return n;
}

TEST_F(readers, ends_of_threads_children_and_handles)
{
	struct shmbuf *b;
	pid_t pid;
	int i;

	for (i = 0; i < 20; i++)
		run_thread(read_and_end, self->b);
	EXPECT_EQ(0, row_maps());
	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	ASSERT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(0, row_maps());
	ASSERT_EQ(0, shmbuf_rdlock(self->b, 0));
	EXPECT_EQ(1, row_maps());
	/* What the parent has, the parent has. */
	pid = spawn();
	if (!pid) {
		CHECK(shmbuf_unlock(self->b, 0) == -EPERM);
		CHECK(!shmbuf_rdlock(self->b, 0) && !shmbuf_rdlock(self->b, 0));
		CHECK(!shmbuf_unlock(self->b, 0));
		CHECK(row_maps() == 1);
		kill(getpid(), SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(-EPERM, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(0, other(self->b, try_write));
	/* A handle that is closed reads no more. */
	ASSERT_EQ(0, shmbuf_from_fd(&b, shmbuf_fd(self->b)));
	ASSERT_EQ(0, shmbuf_rdlock(b, 0));
	EXPECT_EQ(-EBUSY, shmbuf_trylock(self->b, 0));
	shmbuf_close(b);
	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(1, row_maps());
}

TEST_F(readers, dead_writer)
{
	pid_t pid = spawn();

	if (!pid) {
		CHECK(!shmbuf_rdlock(self->b, 0) && !shmbuf_unlock(self->b, 0));
		CHECK(!shmbuf_lock(self->b, 0));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EOWNERDEAD, shmbuf_rdlock(self->b, 0));
	EXPECT_EQ(-EBUSY, other(self->b, try_read));
	EXPECT_EQ(-EPERM, shmbuf_downgrade(self->b, 0));
	EXPECT_EQ(0, shmbuf_consistent(self->b, 0));
	EXPECT_EQ(0, shmbuf_downgrade(self->b, 0));
	EXPECT_EQ(0, other(self->b, try_read));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

/* In the same places for readers and writers of several processes. */
TEST_F(readers, see_what_writers_left)
{
	uint64_t *n = shmbuf_data(self->b);
	pid_t pids[6];
	int i, k;

	for (i = 0; i < 6; i++) {
		pids[i] = spawn();
		if (pids[i])
			continue;
		for (k = 0; k < 20000; k++) {
			if ((k + i) % 50) {
				CHECK(!shmbuf_rdlock(self->b, 0));
				CHECK(__atomic_load_n(&n[0], __ATOMIC_RELAXED) ==
				      __atomic_load_n(&n[64], __ATOMIC_RELAXED));
			} else {
				CHECK(!shmbuf_lock(self->b, 0));
				n[0]++;
				n[64]++;
				if (k % 100 == 0)
					CHECK(!shmbuf_downgrade(self->b, 0));
			}
			CHECK(!shmbuf_unlock(self->b, 0));
		}
		_exit(0);
	}
	for (i = 0; i < 6; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(6 * 400, n[0]);
	EXPECT_EQ(n[0], n[64]);
}

#define ROUNDS	300

/* Locks, counts, and opens and closes handles, at once with others. */
static void *use_in_thread(void *argument)
{
	struct shmbuf *b = argument, *own;
	uint64_t *n = shmbuf_data(b);
	int i;

	for (i = 0; i < ROUNDS; i++) {
		CHECK(!shmbuf_rdlock(b, 0));
		CHECK(n[0] == n[64]);
		CHECK(!shmbuf_unlock(b, 0));
		if (i % 10)
			continue;
		CHECK(!shmbuf_lock(b, 0));
		n[0]++;
		n[64]++;
		CHECK(!shmbuf_unlock(b, 0));
		CHECK(!shmbuf_from_fd(&own, shmbuf_fd(b)));
		CHECK(!shmbuf_rdlock(own, 1));
		CHECK(!shmbuf_unlock(own, 1));
		shmbuf_close(own);
	}
	return NULL;
}

TEST_F(readers, in_threads)
{
	pthread_t threads[4];
	uint64_t *n = shmbuf_data(self->b);
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, use_in_thread, self->b));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, pthread_join(threads[i], NULL));
	EXPECT_EQ(4 * ROUNDS / 10, n[0]);
	EXPECT_EQ(n[0], n[64]);
}

TEST_HARNESS_MAIN
