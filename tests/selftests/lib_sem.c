// SPDX-License-Identifier: GPL-2.0-only
/* The library's semaphores. */
#include "lib_test.h"

#define LOCK	0
#define QUEUE	1
#define SEM	2
#define FREE	3

FIXTURE(lib_sem)
{
	struct shmbuf *b;
	int *shared;
};

FIXTURE_SETUP(lib_sem)
{
	struct shmbuf_options o = { .nr_locks = 1, .nr_queues = 1, .nr_objects = 4 };

	self->shared = shared(4096);
	ASSERT_EQ(0, shmbuf_create(&self->b, NULL, 1, &o));
	ASSERT_EQ(0, shmbuf_init(self->b, SEM, 1, SHMBUF_KIND_SEMAPHORE,
				 SHMBUF_SEM_VALUE(2, 3)));
}

FIXTURE_TEARDOWN(lib_sem)
{
	shmbuf_close(self->b);
}

TEST_F(lib_sem, offered)
{
	struct shmbuf_info info;

	ASSERT_EQ(0, shmbuf_query(self->b, &info));
	EXPECT_NE(0, info.features & SHMBUF_FEATURE_SEMAPHORE);
}

TEST_F(lib_sem, counts)
{
	struct timespec soon = in_seconds(0), past = {};

	EXPECT_EQ(2, shmbuf_sem_value(self->b, SEM));
	EXPECT_EQ(0, shmbuf_sem_post(self->b, SEM));
	EXPECT_EQ(-EOVERFLOW, shmbuf_sem_post(self->b, SEM));
	EXPECT_EQ(-EOVERFLOW, shmbuf_sem_post_flags(self->b, SEM, 0));
	EXPECT_EQ(3, shmbuf_sem_value(self->b, SEM));
	EXPECT_EQ(0, shmbuf_sem_wait(self->b, SEM));
	EXPECT_EQ(0, shmbuf_sem_trywait(self->b, SEM));
	EXPECT_EQ(0, shmbuf_sem_timedwait(self->b, SEM, &past));
	EXPECT_EQ(0, shmbuf_sem_value(self->b, SEM));
	EXPECT_EQ(-EBUSY, shmbuf_sem_trywait(self->b, SEM));
	EXPECT_EQ(-ETIMEDOUT, shmbuf_sem_timedwait(self->b, SEM, &soon));
	EXPECT_EQ(-ETIMEDOUT, shmbuf_sem_timedwait(self->b, SEM, &past));
	EXPECT_EQ(-ETIMEDOUT, shmbuf_sem_wait_flags(self->b, SEM, 0, &past));
	EXPECT_EQ(0, shmbuf_sem_post(self->b, SEM));
	EXPECT_EQ(0, shmbuf_sem_wait_flags(self->b, SEM, 0, NULL));
}

TEST_F(lib_sem, wrong_arguments)
{
	struct timespec bad = { .tv_nsec = 1000000000 };
	uint64_t sequence;
	uint32_t i;

	/* Words that have something where a semaphore has its count. */
	EXPECT_EQ(0, shmbuf_lock(self->b, LOCK));
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE, 1));
	sequence = shmbuf_sequence(self->b, QUEUE);
	for (i = 0; i < 6; i++) {
		if (i == SEM)
			continue;
		EXPECT_EQ(-EINVAL, shmbuf_sem_wait(self->b, i));
		EXPECT_EQ(-EINVAL, shmbuf_sem_trywait(self->b, i));
		EXPECT_EQ(-EINVAL, shmbuf_sem_post(self->b, i));
		EXPECT_EQ(-EINVAL, shmbuf_sem_wait_flags(self->b, i, SHMBUF_UNDO, NULL));
		EXPECT_EQ(-EINVAL, shmbuf_sem_post_flags(self->b, i, SHMBUF_UNDO));
		EXPECT_EQ(-EINVAL, shmbuf_sem_value(self->b, i));
	}
	EXPECT_EQ(0, shmbuf_unlock(self->b, LOCK));
	EXPECT_EQ(sequence, shmbuf_sequence(self->b, QUEUE));
	EXPECT_EQ(-EOPNOTSUPP, shmbuf_sem_wait_flags(self->b, SEM, SHMBUF_SEM_TRY, NULL));
	EXPECT_EQ(-EOPNOTSUPP, shmbuf_sem_post_flags(self->b, SEM, 1 << 20));
	EXPECT_EQ(-EOPNOTSUPP, shmbuf_sem_wait_peers(self->b, SEM, SHMBUF_SEM_TRY, NULL, 0));
	EXPECT_EQ(-EINVAL, shmbuf_lock(self->b, SEM));
	EXPECT_EQ(-EINVAL, shmbuf_wake(self->b, SEM, 1));
	EXPECT_EQ(-EPERM, shmbuf_sem_post_flags(self->b, SEM, SHMBUF_UNDO));
	EXPECT_EQ(0, shmbuf_sem_wait(self->b, SEM));
	EXPECT_EQ(0, shmbuf_sem_wait(self->b, SEM));
	EXPECT_EQ(-EINVAL, shmbuf_sem_timedwait(self->b, SEM, &bad));
}

TEST_F(lib_sem, read_only)
{
	struct shmbuf_options o = { .nr_objects = 1 };
	char name[64];
	struct shmbuf *b, *ro;

	snprintf(name, sizeof(name), "lib-sem-%d", getpid());
	ASSERT_EQ(0, shmbuf_create(&b, name, 1, &o));
	ASSERT_EQ(0, shmbuf_init(b, 0, 1, SHMBUF_KIND_SEMAPHORE, SHMBUF_SEM_VALUE(1, 0)));
	ASSERT_EQ(0, shmbuf_open(&ro, name, SHMBUF_RDONLY));
	EXPECT_EQ(-EBADF, shmbuf_sem_wait(ro, 0));
	EXPECT_EQ(-EBADF, shmbuf_sem_trywait(ro, 0));
	EXPECT_EQ(-EBADF, shmbuf_sem_post(ro, 0));
	EXPECT_EQ(-EBADF, shmbuf_sem_wait_flags(ro, 0, SHMBUF_UNDO, NULL));
	EXPECT_EQ(1, shmbuf_sem_value(ro, 0));
	shmbuf_close(ro);
	shmbuf_close(b);
}

static void *take_undo(void *argument)
{
	CHECK(!shmbuf_sem_wait_flags(argument, SEM, SHMBUF_UNDO, NULL));
	return NULL;
}

/* They belong to the process, though it has never locked, and live on with it. */
TEST_F(lib_sem, undo)
{
	pid_t pid;

	run_thread(take_undo, self->b);
	EXPECT_EQ(1, shmbuf_sem_value(self->b, SEM));
	pid = spawn();
	if (!pid) {
		CHECK(shmbuf_sem_post_flags(self->b, SEM, SHMBUF_UNDO) == -EPERM);
		run_thread(take_undo, self->b);
		CHECK(shmbuf_sem_value(self->b, SEM) == 0);
		CHECK(shmbuf_sem_trywait(self->b, SEM) == -EBUSY);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	/* The device fake finds out about a death when it is called. */
	UNTIL(shmbuf_reset(self->b, SEM, 0) == -EINVAL && shmbuf_sem_value(self->b, SEM) == 1);
	EXPECT_EQ(0, shmbuf_sem_post_flags(self->b, SEM, SHMBUF_UNDO));
	EXPECT_EQ(-EPERM, shmbuf_sem_post_flags(self->b, SEM, SHMBUF_UNDO));
	EXPECT_EQ(2, shmbuf_sem_value(self->b, SEM));
}

/* A handle that is closed gives them back, though a child has the file open. */
TEST_F(lib_sem, undo_and_close)
{
	struct shmbuf *b;
	pid_t pid;

	ASSERT_EQ(0, shmbuf_from_fd(&b, shmbuf_fd(self->b)));
	run_thread(take_undo, b);
	pid = spawn();
	if (!pid)
		for (;;)
			pause();
	EXPECT_EQ(1, shmbuf_sem_value(self->b, SEM));
	shmbuf_close(b);
	UNTIL(shmbuf_sem_value(self->b, SEM) == 2);
	kill(pid, SIGKILL);
	reap(pid);
}

TEST_F(lib_sem, peers)
{
	EXPECT_EQ(0, shmbuf_sem_wait_peers(self->b, SEM, 0, NULL, UINT64_MAX));
	EXPECT_EQ(0, shmbuf_sem_wait_peers(self->b, SEM, SHMBUF_UNDO, NULL, UINT64_MAX));
	EXPECT_EQ(-EPIPE, shmbuf_sem_wait_peers(self->b, SEM, 0, NULL, UINT64_MAX));
	EXPECT_EQ(-EPIPE, shmbuf_sem_wait_peers(self->b, SEM, SHMBUF_UNDO, NULL, UINT64_MAX));
	EXPECT_EQ(-EOWNERDEAD, shmbuf_sem_wait_peers(self->b, SEM, 0, NULL, 12345));
}

/* A child of fork() needs nothing set up. */
TEST_F(lib_sem, fork_first)
{
	pid_t pid = spawn();

	if (!pid) {
		CHECK(!shmbuf_sem_post(self->b, SEM));
		CHECK(!shmbuf_sem_wait(self->b, SEM));
		CHECK(!shmbuf_sem_wait(self->b, SEM));
		CHECK(!shmbuf_sem_wait(self->b, SEM));
		CHECK(shmbuf_sem_trywait(self->b, SEM) == -EBUSY);
		CHECK(!shmbuf_sem_post(self->b, SEM));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, shmbuf_sem_value(self->b, SEM));
}

static struct shmbuf *posted;
static int handled;

static void post_it(int sig)
{
	int saved = errno;

	(void)sig;
	errno = 12345;
	CHECK(!shmbuf_sem_post(posted, SEM));
	CHECK(errno == 12345);
	handled++;
	/* Who was interrupted may be about to read it. */
	errno = saved;
}

/* From a handler, into whatever call or wait the signal comes. */
TEST_F(lib_sem, post_from_a_signal_handler)
{
	struct timespec end;
	int taken = 0, interrupted = 0;
	pid_t pid;

	EXPECT_EQ(0, shmbuf_reset(self->b, SEM, 1));
	ASSERT_EQ(0, shmbuf_init(self->b, SEM, 1, SHMBUF_KIND_SEMAPHORE, 0));
	posted = self->b;
	signal(SIGUSR1, post_it);
	pid = spawn();
	if (!pid) {
		for (;;) {
			kill(getppid(), SIGUSR1);
			usleep(500);
		}
	}
	end = in_seconds(PATIENCE_S);
	while (taken < 1000) {
		int ret = shmbuf_sem_timedwait(self->b, SEM, &end);

		ASSERT_EQ(0, ret == -EINTR ? 0 : ret);
		taken += !ret;
		interrupted += !!ret;
		CHECK(!shmbuf_lock(self->b, LOCK));
		CHECK(!shmbuf_unlock(self->b, LOCK));
	}
	kill(pid, SIGKILL);
	reap(pid);
	signal(SIGUSR1, SIG_IGN);
	EXPECT_LT(0, interrupted);
	EXPECT_EQ(handled - taken, shmbuf_sem_value(self->b, SEM));
}

#define ITEMS	20000

/* A ring with two semaphores: what is taken was put, once. */
TEST_F(lib_sem, producer_and_consumers)
{
	int *sum = self->shared, i, n, got;
	pid_t pids[3];

	EXPECT_EQ(0, shmbuf_reset(self->b, SEM, 1));
	ASSERT_EQ(0, shmbuf_init(self->b, SEM, 1, SHMBUF_KIND_SEMAPHORE, 0));
	ASSERT_EQ(0, shmbuf_init(self->b, FREE, 1, SHMBUF_KIND_SEMAPHORE,
				 SHMBUF_SEM_VALUE(8, 8)));
	for (i = 0; i < 3; i++) {
		pids[i] = spawn();
		if (pids[i])
			continue;
		for (got = 0; got < ITEMS / 4; got++) {
			CHECK(!shmbuf_sem_wait(self->b, SEM));
			n = __atomic_sub_fetch(&sum[0], 1, __ATOMIC_SEQ_CST);
			CHECK(n >= 0 && n < 8);
			CHECK(!shmbuf_sem_post(self->b, FREE));
		}
		_exit(0);
	}
	for (n = 0; n < ITEMS / 4 * 3; n++) {
		CHECK(!shmbuf_sem_wait(self->b, FREE));
		CHECK(__atomic_add_fetch(&sum[0], 1, __ATOMIC_SEQ_CST) <= 8);
		CHECK(!shmbuf_sem_post(self->b, SEM));
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(0, shmbuf_sem_value(self->b, SEM));
	EXPECT_EQ(8, shmbuf_sem_value(self->b, FREE));
}

TEST_HARNESS_MAIN
