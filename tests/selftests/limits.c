// SPDX-License-Identifier: GPL-2.0-only
/* Limits per user and for all: reached, not passed, and given back. */
#include "others.h"

#define PAGE	4096
#define USER	61101
#define ANOTHER	61102

static const char *const parameters[] = {
	"max_total_bytes", "max_user_bytes", "max_user_buffers", "max_user_objects",
	"max_user_owners", "max_user_waiters", "max_user_claims",
};

static int create(__u64 pages, __u32 objects, int *fd)
{
	*fd = open_device(O_RDWR);
	return do_create(*fd, NULL, 0, pages * PAGE, 0, 0, objects);
}

FIXTURE(limits)
{
	__u64 before[ARRAY_SIZE(parameters)];
	int account;
};

FIXTURE_SETUP(limits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		self->before[i] = get_parameter(parameters[i]);
	self->account = open_device_of(USER);
}

FIXTURE_TEARDOWN(limits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		set_parameter(parameters[i], self->before[i]);
	close(self->account);
}

static void use_up_buffers(void)
{
	int fds[4], i;

	for (i = 0; i < 3; i++)
		CHECK(create(1, 0, &fds[i]) == 0);
	CHECK(create(1, 0, &fds[3]) == -EDQUOT);
	/* The handle isn't spent by that. */
	close(fds[1]);
	CHECK(do_create(fds[3], NULL, 0, PAGE, 0, 0, 0) == 0);
	CHECK(create(1, 0, &fds[1]) == -EDQUOT);
}

TEST_F(limits, buffers)
{
	int i, fd;

	set_parameter("max_user_buffers", 3);
	for (i = 0; i < 3; i++) {
		pid_t pid = spawn_as(USER);

		if (!pid) {
			use_up_buffers();
			pid = spawn();
			if (!pid)
				_exit(create(1, 0, &fd) != -EDQUOT);
			CHECK(reap(pid) == 0);
			/* All comes back with the end of the process. */
			_exit(0);
		}
		EXPECT_EQ(0, reap(pid));
	}
}

TEST_F(limits, of_one_user_are_not_anothers)
{
	int *go = shared_memory(4096), fd;
	pid_t pid, other;

	set_parameter("max_user_buffers", 3);
	pid = spawn_as(USER);
	if (!pid) {
		use_up_buffers();
		__atomic_store_n(go, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(go, __ATOMIC_SEQ_CST));
	other = spawn_as(ANOTHER);
	if (!other) {
		use_up_buffers();
		_exit(0);
	}
	EXPECT_EQ(0, reap(other));
	other = spawn_as(USER);
	if (!other)
		_exit(create(1, 0, &fd) != -EDQUOT);
	EXPECT_EQ(0, reap(other));
	kill_and_reap(pid);
	other = spawn_as(USER);
	if (!other) {
		use_up_buffers();
		_exit(0);
	}
	EXPECT_EQ(0, reap(other));
}

TEST_F(limits, objects)
{
	int a, b, i;
	pid_t pid;

	set_parameter("max_user_objects", 100);
	pid = spawn_as(USER);
	if (!pid) {
		for (i = 0; i < 3; i++) {
			CHECK(create(1, 101, &a) == -EDQUOT);
			CHECK(create(1, 60, &a) == 0);
			CHECK(create(1, 41, &b) == -EDQUOT);
			CHECK(create(1, 40, &b) == 0);
			close(a);
			close(b);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(limits, bytes)
{
	int a, b, i;
	pid_t pid;

	set_parameter("max_user_bytes", 10 * PAGE);
	pid = spawn_as(USER);
	if (!pid) {
		for (i = 0; i < 3; i++) {
			CHECK(create(11, 0, &a) == -EDQUOT);
			CHECK(create(6, 0, &a) == 0);
			CHECK(create(5, 0, &b) == -EDQUOT);
			CHECK(create(4, 0, &b) == 0);
			close(b);
			close(a);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(limits, bytes_of_mappings_without_a_handle)
{
	pid_t pid;
	char *p;
	int fd;

	set_parameter("max_user_bytes", 10 * PAGE);
	pid = spawn_as(USER);
	if (!pid) {
		CHECK(create(10, 0, &fd) == 0);
		p = map_data(fd, 10 * PAGE);
		munmap(p, 9 * PAGE);
		close(fd);
		p[9 * PAGE] = 1;
		CHECK(create(1, 0, &fd) == -EDQUOT);
		munmap(p + 9 * PAGE, PAGE);
		CHECK(create(10, 0, &fd) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(limits, growth)
{
	struct shmbuf_create c = {
		.size = sizeof(c), .data_size = PAGE, .max_size = 100 * PAGE,
	};
	struct shmbuf_query query = {};
	pid_t pid;
	int fd, i;

	set_parameter("max_user_bytes", 10 * PAGE);
	pid = spawn_as(USER);
	if (!pid) {
		for (i = 0; i < 3; i++) {
			int other;

			fd = open_device(O_RDWR);
			CHECK(call(fd, SHMBUF_IOC_CREATE, &c) == 0);
			CHECK(do_grow(fd, 11 * PAGE) == -EDQUOT);
			CHECK(do_query(fd, &query) == 0 && query.data_size == PAGE);
			CHECK(query.generation == 0);
			CHECK(do_grow(fd, 10 * PAGE) == 0);
			CHECK(create(1, 0, &other) == -EDQUOT);
			close(fd);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(limits, of_all_together)
{
	struct shmbuf_create c = {
		.size = sizeof(c), .data_size = PAGE, .max_size = 100 * PAGE,
	};
	int fd = open_device(O_RDWR), other;

	ASSERT_EQ(0, call(fd, SHMBUF_IOC_CREATE, &c));
	set_parameter("max_total_bytes", PAGE);
	EXPECT_EQ(-ENOSPC, create(1, 0, &other));
	EXPECT_EQ(-ENOSPC, do_grow(fd, 2 * PAGE));
	set_parameter("max_total_bytes", self->before[0]);
	EXPECT_EQ(0, create(1, 0, &other));
	EXPECT_EQ(0, do_grow(fd, 2 * PAGE));
}

TEST_F(limits, owners)
{
	pid_t pid, child;
	int i;

	set_parameter("max_user_owners", 3);
	pid = spawn_as(USER);
	if (!pid) {
		int fd = new_buffer(NULL, 1, 0, 0);
		__u64 ids[4];

		for (i = 0; i < 3; i++)
			CHECK(do_register(fd, 0, &ids[i]) == 0);
		CHECK(do_register(fd, 0, &ids[3]) == -EDQUOT);
		CHECK(do_register(fd, SHMBUF_REGISTER_PROCESS, &ids[3]) == -EDQUOT);
		CHECK(do_unregister(fd, ids[1]) == 0);
		UNTIL(do_register(fd, 0, &ids[1]) == 0);
		CHECK(do_register(fd, 0, &ids[3]) == -EDQUOT);
		child = spawn();
		if (!child)
			_exit(do_register(fd, 0, &ids[3]) != -EDQUOT);
		CHECK(reap(child) == 0);
		/* With the handle all ids through it go. */
		close(fd);
		fd = new_buffer(NULL, 1, 0, 0);
		UNTIL(do_register(fd, 0, &ids[0]) == 0);
		UNTIL(do_register(fd, 0, &ids[1]) == 0);
		CHECK(do_unregister(fd, ids[0]) == 0 && do_unregister(fd, ids[1]) == 0);
		/* Those of processes that were killed come back, too. */
		for (i = 0; i < 10; i++) {
			child = spawn();
			if (!child) {
				UNTIL(do_register(fd, 0, &ids[0]) == 0);
				CHECK(do_trylock(fd, ids[0], 0) == (i ? -EOWNERDEAD : 0));
				kill(getpid(), SIGKILL);
			}
			CHECK(reap(child) == 128 + SIGKILL);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(limits, waiters)
{
	pid_t pid, sleepers[2];
	int i;

	set_parameter("max_user_waiters", 2);
	pid = spawn_as(USER);
	if (!pid) {
		int fd = new_buffer(NULL, 2, 1, 0);
		__u64 owner = new_owner(fd), sequence = 0, other = new_owner(fd);

		CHECK(do_lock(fd, owner, 0, 0, NEVER) == 0);
		sleepers[0] = spawn();
		if (!sleepers[0])
			_exit(do_lock(fd, new_owner(fd), 0, 0, NEVER));
		UNTIL(asleep_in(sleepers[0], SHMBUF_IOC_LOCK));
		sleepers[1] = spawn();
		if (!sleepers[1])
			_exit(do_wait(fd, 2, &sequence, NEVER));
		UNTIL(asleep_in(sleepers[1], SHMBUF_IOC_WAIT));
		CHECK(do_wait(fd, 2, &sequence, NEVER) == -EDQUOT);
		CHECK(do_lock(fd, other, 0, SHMBUF_LOCK_NOSPIN | SHMBUF_LOCK_NODETECT,
			      NEVER) == -EDQUOT);
		/* What needn't wait isn't limited. */
		CHECK(do_trylock(fd, other, 0) == -EBUSY);
		CHECK(do_lock(fd, other, 1, 0, NEVER) == 0);
		CHECK(do_wake(fd, 2, 1) == 1);
		CHECK(reap(sleepers[1]) == 0);
		for (i = 0; i < 5; i++) {
			sequence = 1;
			CHECK(do_wait(fd, 2, &sequence, now() + 1000) == -ETIMEDOUT);
			CHECK(do_lock(fd, other, 0, SHMBUF_LOCK_NODETECT,
				      now() + 1000) == -ETIMEDOUT);
		}
		CHECK(kill_and_reap(sleepers[0]) == 128 + SIGKILL);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

/* Who waits pays, and not who opened the handle. */
TEST_F(limits, waiters_on_a_handle_of_somebody_else)
{
	int fd = new_buffer(NULL, 1, 1, 0);
	__u64 sequence = 0;
	pid_t pid;

	set_parameter("max_user_waiters", 1);
	pid = spawn_as(USER);
	if (!pid)
		_exit(-do_wait(fd, 1, &sequence, NEVER));
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_EQ(-ETIMEDOUT, do_wait(fd, 1, &sequence, now() + 1000));
	EXPECT_EQ(1, do_wake(fd, 1, 1));
	EXPECT_EQ(0, reap(pid));
}

/* Errors on the way give back what they had taken. */
TEST_F(limits, failed_calls_cost_nothing)
{
	struct shmbuf_range bad = { .first = 0, .count = 5, .kind = SHMBUF_KIND_LOCK };
	struct shmbuf_create c = {
		.size = sizeof(c), .data_size = 10 * PAGE, .nr_objects = 4,
		.ranges = address(&bad), .nr_ranges = 1,
	};
	int i, fd;
	pid_t pid;

	set_parameter("max_user_bytes", 10 * PAGE);
	set_parameter("max_user_buffers", 1);
	set_parameter("max_user_objects", 4);
	set_parameter("max_user_owners", 1);
	pid = spawn_as(USER);
	if (!pid) {
		fd = open_device(O_RDWR);
		for (i = 0; i < 50; i++) {
			bad.count = 5;
			CHECK(call(fd, SHMBUF_IOC_CREATE, &c) == -EINVAL);
			c.data_size = 11 * PAGE;
			CHECK(call(fd, SHMBUF_IOC_CREATE, &c) == -EDQUOT);
			c.data_size = 10 * PAGE;
			c.nr_objects = 5;
			CHECK(call(fd, SHMBUF_IOC_CREATE, &c) == -EDQUOT);
			c.nr_objects = 4;
			c.ranges = 8;
			CHECK(call(fd, SHMBUF_IOC_CREATE, &c) == -EFAULT);
			c.ranges = address(&bad);
		}
		bad.count = 4;
		CHECK(call(fd, SHMBUF_IOC_CREATE, &c) == 0);
		/* A result that can't be written undoes the call. */
		for (i = 0; i < 50; i++) {
			struct shmbuf_register *reg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
							   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			reg->size = sizeof(*reg);
			CHECK(!mprotect(reg, PAGE, PROT_READ));
			CHECK(call(fd, SHMBUF_IOC_REGISTER, reg) == -EFAULT);
			munmap(reg, PAGE);
		}
		CHECK(do_trylock(fd, new_owner(fd), 0) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_HARNESS_MAIN
