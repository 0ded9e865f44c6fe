// SPDX-License-Identifier: GPL-2.0-only
/* The library: which buffers there are, what their objects are, who waits; taking locks away. */
#include "lib_test.h"

#define LOCKS	2
#define QUEUE	LOCKS

FIXTURE(lib)
{
	struct shmbuf *b;
	struct shmbuf *observer;
	char name[64];
};

FIXTURE_SETUP(lib)
{
	struct shmbuf_options o = { .nr_locks = LOCKS, .nr_queues = 1, .nr_objects = 5 };

	ASSERT_EQ(0, unshare(CLONE_NEWIPC));
	snprintf(self->name, sizeof(self->name), "lib-stats-%d", getpid());
	ASSERT_EQ(0, shmbuf_create(&self->b, self->name, 1, &o));
	ASSERT_EQ(0, shmbuf_open(&self->observer, self->name, SHMBUF_RDONLY));
}

FIXTURE_TEARDOWN(lib)
{
	shmbuf_close(self->b);
	shmbuf_close(self->observer);
}

TEST_F(lib, stats)
{
	struct shmbuf_stats s;
	struct shmbuf_info info;

	memset(&s, 0x55, sizeof(s));
	ASSERT_EQ(0, shmbuf_query(self->b, &info));
	ASSERT_EQ(0, shmbuf_stats(self->observer, &s));
	EXPECT_EQ(info.buffer_id, s.buffer_id);
	EXPECT_EQ(5, s.nr_objects);
	EXPECT_EQ(getpid(), s.creator_pid);
	EXPECT_EQ(0, s.held);
	ASSERT_EQ(0, shmbuf_lock(self->b, 1));
	ASSERT_EQ(0, shmbuf_stats(self->b, &s));
	EXPECT_EQ(1, s.held);
	EXPECT_EQ(1, s.joined);
	EXPECT_EQ(1, s.owners);
}

TEST_F(lib, list)
{
	struct shmbuf_listing l[3];
	struct shmbuf_stats s;
	struct shmbuf *other;
	int fds;

	ASSERT_EQ(1, shmbuf_list(l, 3, 0));
	EXPECT_STREQ(self->name, l[0].name);
	ASSERT_EQ(0, shmbuf_stats(self->b, &s));
	EXPECT_EQ(0, memcmp(&s, &l[0].stats, sizeof(s)));
	EXPECT_EQ(0, shmbuf_list(l, 3, s.buffer_id));
	ASSERT_EQ(0, shmbuf_create(&other, NULL, 1, NULL));
	ASSERT_EQ(2, shmbuf_list(l, 3, 0));
	EXPECT_STREQ("", l[1].name);
	ASSERT_EQ(1, shmbuf_list(l, 1, 0));
	EXPECT_EQ(s.buffer_id, l[0].stats.buffer_id);
	ASSERT_EQ(1, shmbuf_list(l, 1, s.buffer_id));
	shmbuf_close(other);
	EXPECT_EQ(-EINVAL, shmbuf_list(l, 0, 0));
	EXPECT_EQ(-EFAULT, shmbuf_list(NULL, 1, 0));
	/* The device is open for the call alone. */
	fds = dup(0);
	close(fds);
	ASSERT_EQ(1, shmbuf_list(l, 3, 0));
	EXPECT_EQ(fds, dup(0));
}

TEST_F(lib, objects)
{
	struct shmbuf_object o[5];

	ASSERT_EQ(0, shmbuf_lock(self->b, 1));
	ASSERT_EQ(0, shmbuf_wake(self->b, QUEUE, 1));
	ASSERT_EQ(3, shmbuf_objects(self->observer, 0, o, 5));
	EXPECT_EQ(SHMBUF_KIND_LOCK, o[1].kind);
	EXPECT_EQ(SHMBUF_OWNER_HELD, o[1].state);
	EXPECT_EQ(SHMBUF_KIND_QUEUE, o[2].kind);
	EXPECT_EQ(1, o[2].value);
	ASSERT_EQ(1, shmbuf_objects(self->b, 1, o, 1));
	EXPECT_EQ(1, o[0].index);
	EXPECT_EQ(0, shmbuf_objects(self->b, QUEUE + 1, o, 5));
	EXPECT_EQ(-EINVAL, shmbuf_objects(self->b, 0, o, 0));
	EXPECT_EQ(-EFAULT, shmbuf_objects(self->b, 0, NULL, 1));
}

TEST_F(lib, waiters)
{
	struct shmbuf_waiter_info w[2];
	pid_t pid = spawn();

	if (!pid)
		_exit(shmbuf_wait(self->observer, QUEUE, 0, NULL) != 0);
	UNTIL(shmbuf_waiters(self->observer, QUEUE, w, 2) == 1);
	EXPECT_EQ(pid, w[0].pid);
	EXPECT_EQ(1, shmbuf_waiters(self->b, QUEUE, NULL, 0));
	EXPECT_EQ(0, shmbuf_waiters(self->b, 0, w, 2));
	EXPECT_EQ(0, shmbuf_waiters(self->b, SHMBUF_INDEX_DEATHS, w, 2));
	EXPECT_EQ(-EINVAL, shmbuf_waiters(self->b, QUEUE + 1, w, 2));
	EXPECT_EQ(1, shmbuf_wake(self->b, QUEUE, 1));
	EXPECT_EQ(0, reap(pid));
}

static int lock_from_outside(struct shmbuf *b)
{
	pid_t pid = spawn();

	if (!pid) {
		int ret = shmbuf_lock(b, 0);

		if (ret == -EOWNERDEAD)
			CHECK(!shmbuf_consistent(b, 0));
		CHECK(!shmbuf_unlock(b, 0));
		_exit(-ret);
	}
	return -reap(pid);
}

TEST_F(lib, recover)
{
	struct shmbuf_owner_info i;

	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	ASSERT_EQ(0, shmbuf_owner_info(self->b, 0, &i, NULL, 0));
	EXPECT_EQ(-EBADF, shmbuf_recover(self->observer, 0, i.owner));
	EXPECT_EQ(-ESRCH, shmbuf_recover(self->b, 0, i.owner + 1));
	EXPECT_EQ(-ESRCH, shmbuf_recover(self->b, 1, i.owner));
	EXPECT_EQ(-EINVAL, shmbuf_recover(self->b, QUEUE, i.owner));
	ASSERT_EQ(0, shmbuf_recover(self->b, 0, i.owner));
	/* By the steps that need no kernel, too. */
	EXPECT_EQ(-EPERM, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(-EPERM, (shmbuf_unlock)(self->b, 0));
	EXPECT_EQ(-EPERM, shmbuf_consistent(self->b, 0));
	EXPECT_EQ(-EOWNERDEAD, lock_from_outside(self->b));
	EXPECT_EQ(0, lock_from_outside(self->b));
	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

TEST_F(lib, words_for_errors)
{
	EXPECT_NE(NULL, strstr(shmbuf_strerror(-ESRCH), "hold the lock"));
}

TEST_HARNESS_MAIN
