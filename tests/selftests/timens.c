// SPDX-License-Identifier: GPL-2.0-only
/* Deadlines are on the caller's CLOCK_MONOTONIC, that of its time namespace. */
#include "shmbuf_test.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define OFFSET_SECONDS 100000

static bool in_new_time_namespace(void)
{
	char text[64];
	int fd, length;

	if (unshare(CLONE_NEWTIME))
		return false;
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	length = snprintf(text, sizeof(text), "monotonic %d 0", OFFSET_SECONDS);
	if (fd < 0 || write(fd, text, length) != length)
		fatal("timens_offsets: %s", strerror(errno));
	return true;
}

/* The host's clock is far behind: its deadlines would be a day away. */
static void pass_deadlines(int fd, __u64 outside)
{
	__u64 sequence = 0, end = now() + 30 * NSEC_PER_MSEC;

	CHECK(now() - outside >= (OFFSET_SECONDS - 1) * NSEC_PER_SEC);
	CHECK(do_wait(fd, 1, &sequence, end) == -ETIMEDOUT);
	CHECK(now() >= end);
	end = now() + 30 * NSEC_PER_MSEC;
	CHECK(do_lock(fd, new_owner(fd), 0, 0, end) == -ETIMEDOUT);
	CHECK(now() >= end);
	CHECK(do_wait(fd, 1, &sequence, outside) == -ETIMEDOUT);
}

static void see_a_death(int fd)
{
	struct shmbuf_death death;
	__u64 start = now();
	pid_t pid = spawn();

	if (!pid) {
		new_owner(fd);
		_exit(0);
	}
	CHECK(!reap(pid));
	UNTIL(do_deaths(fd, &death, 1, ~0ULL) == 1);
	CHECK(death.time >= start && death.time <= now());
}

/* What is told of is told on the clock of who asks. */
static void see_times(int fd)
{
	struct shmbuf_waiter_info waiter;
	struct shmbuf_stats stats;
	__u64 start = now();
	pid_t pid = spawn();

	if (!pid) {
		__u64 sequence = 0;

		_exit(do_wait(fd, 1, &sequence, NEVER));
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	CHECK(do_waiters(fd, 1, &waiter, 1) == 1);
	/* To the clock's tick. */
	CHECK(waiter.since >= start - 20 * NSEC_PER_MSEC && waiter.since <= now());
	CHECK(do_stats(fd, &stats) == 0);
	CHECK(stats.created <= start && start - stats.created < 1000 * NSEC_PER_SEC);
	kill_and_reap(pid);
}

TEST(deadlines)
{
	int fd = open_device(O_RDWR);
	struct shmbuf_range ranges[] = {
		{ .first = 0, .count = 1, .kind = SHMBUF_KIND_LOCK },
		{ .first = 1, .count = 1, .kind = SHMBUF_KIND_QUEUE },
	};
	struct shmbuf_create c = {
		.size = sizeof(c), .data_size = 1, .nr_objects = 2,
		.ranges = address(ranges), .nr_ranges = 2,
	};
	__u64 owner;
	pid_t pid;

	ASSERT_EQ(0, call(fd, SHMBUF_IOC_CREATE, &c));
	owner = new_owner(fd);
	ASSERT_EQ(0, do_lock(fd, owner, 0, 0, NEVER));
	pid = spawn();
	if (!pid) {
		__u64 outside = now();
		pid_t inside;

		if (!in_new_time_namespace())
			_exit(KSFT_SKIP);
		/* A time namespace is for children. */
		inside = spawn();
		if (!inside) {
			see_a_death(fd);
			see_times(fd);
			pass_deadlines(fd, outside);
			_exit(0);
		}
		_exit(reap(inside));
	}
	switch (reap(pid)) {
	case 0:
		break;
	case KSFT_SKIP:
		SKIP(return, "no time namespaces");
	default:
		EXPECT_TRUE(false);
	}
	EXPECT_EQ(0, do_unlock(fd, owner, 0));
}

TEST_HARNESS_MAIN
