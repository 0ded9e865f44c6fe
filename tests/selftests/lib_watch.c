// SPDX-License-Identifier: GPL-2.0-only
/* The library: queues that are watched, deaths, and who holds a lock. */
#include "lib_test.h"

#include <poll.h>
#include <sys/eventfd.h>

#define LOCKS	2
#define QUEUE	LOCKS
#define QUEUES	3
#define DEATHS	SHMBUF_INDEX_DEATHS

FIXTURE(lib)
{
	struct shmbuf *b;
	struct shmbuf *observer;
};

FIXTURE_SETUP(lib)
{
	struct shmbuf_options o = { .nr_locks = LOCKS, .nr_queues = QUEUES };
	char name[64];

	snprintf(name, sizeof(name), "lib-watch-%d", getpid());
	ASSERT_EQ(0, shmbuf_create(&self->b, name, 1, &o));
	ASSERT_EQ(0, shmbuf_open(&self->observer, name, SHMBUF_RDONLY));
}

FIXTURE_TEARDOWN(lib)
{
	shmbuf_close(self->b);
	shmbuf_close(self->observer);
}

static int polled(struct shmbuf *b)
{
	struct pollfd p = { .fd = shmbuf_fd(b), .events = POLLIN };

	return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

TEST_F(lib, watch)
{
	struct shmbuf_moved_queue q[QUEUES];

	ASSERT_EQ(0, shmbuf_watch(self->observer, QUEUE, shmbuf_sequence(self->b, QUEUE)));
	ASSERT_EQ(0, shmbuf_watch(self->observer, QUEUE + 1, 0));
	EXPECT_EQ(0, polled(self->observer));
	EXPECT_EQ(0, shmbuf_moved(self->observer, q, QUEUES));
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE + 1, 1));
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE + 2, 1));
	EXPECT_EQ(POLLIN, polled(self->observer));
	ASSERT_EQ(1, shmbuf_moved(self->observer, q, QUEUES));
	EXPECT_EQ(QUEUE + 1, q[0].index);
	EXPECT_EQ(1, q[0].sequence);
	EXPECT_EQ(0, shmbuf_watch(self->observer, q[0].index, q[0].sequence));
	EXPECT_EQ(0, polled(self->observer));
	EXPECT_EQ(-EBUSY, shmbuf_reset(self->b, QUEUE, 1));
	EXPECT_EQ(0, shmbuf_unwatch(self->observer, QUEUE));
	EXPECT_EQ(-ENOENT, shmbuf_unwatch(self->observer, QUEUE));
	EXPECT_EQ(0, shmbuf_reset(self->b, QUEUE, 1));
	EXPECT_EQ(UINT64_MAX, shmbuf_sequence(self->b, QUEUE));
	EXPECT_EQ(-EINVAL, shmbuf_watch(self->observer, QUEUE, 0));
	EXPECT_EQ(-EINVAL, shmbuf_watch(self->observer, 0, 0));
}

TEST_F(lib, eventfd)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	__u64 count;

	ASSERT_EQ(0, shmbuf_watch_eventfd(self->b, QUEUE, fd));
	EXPECT_EQ(-EEXIST, shmbuf_watch_eventfd(self->b, QUEUE, fd));
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE, 1));
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE, SHMBUF_WAKE_ALL));
	EXPECT_EQ(sizeof(count), read(fd, &count, sizeof(count)));
	EXPECT_EQ(2, count);
	EXPECT_EQ(0, shmbuf_unwatch_eventfd(self->b, QUEUE));
	EXPECT_EQ(-ENOENT, shmbuf_unwatch_eventfd(self->b, QUEUE));
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE, 1));
	EXPECT_EQ(-1, read(fd, &count, sizeof(count)));
	EXPECT_EQ(-EBADF, shmbuf_watch_eventfd(self->b, QUEUE, -1));
	EXPECT_EQ(-EINVAL, shmbuf_watch_eventfd(self->b, QUEUE, shmbuf_fd(self->b)));
	EXPECT_EQ(-EINVAL, shmbuf_watch_eventfd(self->b, 0, fd));
	close(fd);
}

TEST_F(lib, deaths)
{
	struct timespec deadline = in_seconds(PATIENCE_S);
	struct shmbuf_death d[2];
	pid_t pid;

	EXPECT_EQ(0, shmbuf_deaths(self->observer, d, 2, UINT64_MAX));
	EXPECT_EQ(0, shmbuf_sequence(self->observer, DEATHS));
	EXPECT_EQ(-EINVAL, shmbuf_wake(self->b, DEATHS, 1));
	ASSERT_EQ(0, shmbuf_watch(self->observer, DEATHS, 0));
	pid = spawn();
	if (!pid) {
		CHECK(!shmbuf_lock(self->b, 0));
		_exit(5);
	}
	EXPECT_EQ(0, shmbuf_wait(self->observer, DEATHS, 0, &deadline));
	EXPECT_EQ(5, reap(pid));
	EXPECT_EQ(POLLIN, polled(self->observer));
	EXPECT_EQ(1, shmbuf_sequence(self->b, DEATHS));
	ASSERT_EQ(1, shmbuf_deaths(self->observer, d, 2, UINT64_MAX));
	EXPECT_EQ(pid, d[0].pid);
	EXPECT_EQ(SHMBUF_DEATH_EXIT, d[0].how);
	EXPECT_EQ(5, d[0].code);
	EXPECT_EQ(0, shmbuf_deaths(self->observer, d, 2, 1));
	EXPECT_EQ(-EFAULT, shmbuf_deaths(self->observer, NULL, 2, 0));
}

/* The library's threads give their ids back: no deaths, unless they hold something. */
static void *lock_and_unlock(void *b)
{
	CHECK(!shmbuf_lock(b, 0));
	CHECK(!shmbuf_unlock(b, 0));
	return NULL;
}

static void *lock(void *b)
{
	CHECK(!shmbuf_lock(b, 0));
	return NULL;
}

/**
 * struct idler - a thread that has used a lock of @b, and has it still or not
 * @step: 1 once it has; 2 for its end
 */
struct idler {
	struct shmbuf *b;
	bool holds;
	int step;
};

static void *idle(void *argument)
{
	struct idler *idler = argument;

	CHECK(!shmbuf_lock(idler->b, idler->holds));
	CHECK(idler->holds || !shmbuf_unlock(idler->b, 0));
	__atomic_store_n(&idler->step, 1, __ATOMIC_SEQ_CST);
	UNTIL(__atomic_load_n(&idler->step, __ATOMIC_SEQ_CST) == 2);
	return NULL;
}

/* A handle is closed while threads live that have used it: a death only of who holds. */
TEST_F(lib, closed_with_threads)
{
	struct shmbuf_info info;
	struct shmbuf_death d[2];
	int i;

	ASSERT_EQ(0, shmbuf_query(self->b, &info));
	for (i = 0; i < 2; i++) {
		struct idler idler = { .holds = i };
		pthread_t thread;

		ASSERT_EQ(0, shmbuf_open(&idler.b, info.name, 0));
		ASSERT_EQ(0, shmbuf_lock(idler.b, 0));
		ASSERT_EQ(0, shmbuf_unlock(idler.b, 0));
		ASSERT_EQ(0, pthread_create(&thread, NULL, idle, &idler));
		UNTIL(__atomic_load_n(&idler.step, __ATOMIC_SEQ_CST) == 1);
		shmbuf_close(idler.b);
		EXPECT_EQ(i, shmbuf_deaths(self->b, d, 2, UINT64_MAX));
		EXPECT_EQ(i, shmbuf_sequence(self->b, DEATHS));
		__atomic_store_n(&idler.step, 2, __ATOMIC_SEQ_CST);
		ASSERT_EQ(0, pthread_join(thread, NULL));
	}
	EXPECT_EQ(SHMBUF_DEATH_HANDLE, d[0].how);
	EXPECT_EQ(getpid(), d[0].pid);
	EXPECT_EQ(1, shmbuf_sequence(self->b, DEATHS));
	EXPECT_EQ(-EOWNERDEAD, shmbuf_lock(self->b, 1));
}

TEST_F(lib, threads)
{
	struct shmbuf_death d[2];

	run_thread(lock_and_unlock, self->b);
	run_thread(lock, self->b);
	UNTIL(shmbuf_sequence(self->b, DEATHS) == 1);
	ASSERT_EQ(1, shmbuf_deaths(self->b, d, 2, UINT64_MAX));
	EXPECT_EQ(SHMBUF_DEATH_UNREGISTER, d[0].how);
	EXPECT_EQ(getpid(), d[0].pid);
	EXPECT_NE(getpid(), d[0].tid);
	EXPECT_EQ(-EOWNERDEAD, shmbuf_lock(self->b, 0));
}

TEST_F(lib, owner_info)
{
	struct shmbuf_waiter_info w[2];
	struct shmbuf_owner_info i;
	pid_t pid;

	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	pid = spawn();
	if (!pid) {
		CHECK(!shmbuf_lock(self->b, 0));
		raise(SIGKILL);
	}
	UNTIL(!shmbuf_owner_info(self->observer, 0, &i, w, 2) && i.nr_waiters == 1);
	EXPECT_EQ(SHMBUF_OWNER_HELD, i.state & SHMBUF_OWNER_HELD);
	EXPECT_EQ(getpid(), i.pid);
	EXPECT_EQ(pid, w[0].pid);
	ASSERT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_EQ(-EOWNERDEAD, shmbuf_lock(self->b, 0));
	ASSERT_EQ(0, shmbuf_owner_info(self->b, 0, &i, NULL, 0));
	EXPECT_EQ(SHMBUF_OWNER_DEAD, i.state & SHMBUF_OWNER_DEAD);
	EXPECT_EQ(pid, i.death.pid);
	EXPECT_EQ(SIGKILL, i.death.code);
	EXPECT_EQ(-EINVAL, shmbuf_owner_info(self->b, QUEUE, &i, NULL, 0));
}

TEST_HARNESS_MAIN
