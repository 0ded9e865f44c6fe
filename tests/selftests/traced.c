// SPDX-License-Identifier: GPL-2.0-only
/* A tracer that stops who holds or waits, and what those hear who wait for it. */
#include "shmbuf_test.h"
#include <sys/ptrace.h>

#define LOCK	0

FIXTURE(traced)
{
	char name[64];
	int fd;
	__u64 owner;
	int *s;		/* [0]: the holder holds; [1]: it may unlock; [2]: the tracer has it */
	int *results;
	pid_t holder;
};

static void set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static int get(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

FIXTURE_SETUP(traced)
{
	self->fd = new_buffer(new_name(self->name), 1, 0, 0);
	self->owner = new_owner(self->fd);
	self->s = shared_memory(4096);
	self->results = self->s + 8;
	self->holder = spawn();
	if (!self->holder) {
		int fd = open_buffer(self->name, O_RDWR);
		__u64 owner = new_owner(fd);

		CHECK(do_lock(fd, owner, LOCK, 0, NEVER) == 0);
		set(&self->s[0], 1);
		UNTIL(get(&self->s[1]));
		if (get(&self->s[1]) == 2)
			_exit(0);
		CHECK(do_unlock(fd, owner, LOCK) == 0);
		_exit(0);
	}
	UNTIL(get(&self->s[0]));
}

FIXTURE_TEARDOWN(traced)
{
	close(self->fd);
}

/* Stopped, wherever it is. */
static void stop(pid_t pid, long options)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, options) || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL))
		fatal("ptrace: %s", strerror(errno));
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		fatal("not stopped, but status %#x", status);
}

static void go_on(pid_t pid)
{
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL))
		fatal("PTRACE_DETACH: %s", strerror(errno));
}

/* A child that waits for the lock, and leaves what it heard in @result. */
static pid_t spawn_waiter(FIXTURE_DATA(traced) *self, int *result, __u64 deadline)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = new_owner(self->fd);
		int ret = do_lock(self->fd, owner, LOCK, SHMBUF_LOCK_NOSPIN, deadline);

		if (ret == -EOWNERDEAD)
			CHECK(do_consistent(self->fd, owner, LOCK) == 0);
		if (ret == 0 || ret == -EOWNERDEAD)
			CHECK(do_unlock(self->fd, owner, LOCK) == 0);
		*result = ret;
		_exit(0);
	}
	if (deadline == NEVER)
		UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	return pid;
}

/* Who can't wait for ever times out, the other one goes on waiting. */
static void expect_held(struct __test_metadata *_metadata,
			FIXTURE_DATA(traced) *self, pid_t waiter)
{
	pid_t timed = spawn_waiter(self, &self->results[1], now() + 50 * NSEC_PER_MSEC);

	EXPECT_EQ(0, reap(timed));
	EXPECT_EQ(-ETIMEDOUT, self->results[1]);
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, LOCK));
	EXPECT_EQ(true, asleep_in(waiter, SHMBUF_IOC_LOCK));
}

static void expect_heard(struct __test_metadata *_metadata,
			 FIXTURE_DATA(traced) *self, pid_t waiter, int expected)
{
	EXPECT_EQ(0, reap(waiter));
	EXPECT_EQ(expected, self->results[0]);
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, LOCK));
}

TEST_F(traced, a_stop_is_no_death)
{
	pid_t waiter = spawn_waiter(self, &self->results[0], NEVER);

	stop(self->holder, 0);
	expect_held(_metadata, self, waiter);
	go_on(self->holder);
	set(&self->s[1], 1);
	EXPECT_EQ(0, reap(self->holder));
	expect_heard(_metadata, self, waiter, 0);
}

TEST_F(traced, killed_while_stopped)
{
	pid_t waiter = spawn_waiter(self, &self->results[0], NEVER);

	stop(self->holder, 0);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(self->holder));
	expect_heard(_metadata, self, waiter, -EOWNERDEAD);
}

/* Another process than the test, that can die. */
static pid_t spawn_tracer(FIXTURE_DATA(traced) *self, long options)
{
	pid_t pid = spawn();

	if (!pid) {
		stop(self->holder, options);
		set(&self->s[2], 1);
		for (;;)
			pause();
	}
	UNTIL(get(&self->s[2]));
	return pid;
}

TEST_F(traced, the_tracer_dies)
{
	pid_t waiter = spawn_waiter(self, &self->results[0], NEVER);
	pid_t tracer = spawn_tracer(self, 0);

	expect_held(_metadata, self, waiter);
	kill_and_reap(tracer);
	expect_held(_metadata, self, waiter);
	set(&self->s[1], 1);
	EXPECT_EQ(0, reap(self->holder));
	expect_heard(_metadata, self, waiter, 0);
}

TEST_F(traced, the_tracer_dies_and_takes_the_holder_along)
{
	pid_t waiter = spawn_waiter(self, &self->results[0], NEVER);
	pid_t tracer = spawn_tracer(self, PTRACE_O_EXITKILL);

	expect_held(_metadata, self, waiter);
	kill_and_reap(tracer);
	EXPECT_EQ(128 + SIGKILL, reap(self->holder));
	expect_heard(_metadata, self, waiter, -EOWNERDEAD);
}

/* On its way out it may still be looked into, and what it holds be repaired by hand. */
TEST_F(traced, stopped_at_its_exit)
{
	pid_t waiter = spawn_waiter(self, &self->results[0], NEVER);
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->holder, NULL, PTRACE_O_TRACEEXIT));
	set(&self->s[1], 2);
	ASSERT_EQ(self->holder, waitpid(self->holder, &status, 0));
	ASSERT_EQ(SIGTRAP | PTRACE_EVENT_EXIT << 8, status >> 8);
	expect_held(_metadata, self, waiter);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->holder, NULL, NULL));
	EXPECT_EQ(0, reap(self->holder));
	expect_heard(_metadata, self, waiter, -EOWNERDEAD);
}

/* A waiter that is stopped waits again when it goes on, and till then is in nobody's way. */
TEST_F(traced, a_stopped_waiter)
{
	pid_t first = spawn_waiter(self, &self->results[1], NEVER);
	pid_t second = spawn_waiter(self, &self->results[0], NEVER);

	stop(first, 0);
	set(&self->s[1], 1);
	EXPECT_EQ(0, reap(self->holder));
	expect_heard(_metadata, self, second, 0);
	go_on(first);
	UNTIL(asleep_in(first, SHMBUF_IOC_LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, reap(first));
	EXPECT_EQ(0, self->results[1]);
}

static void await_syscall_stop(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status >> 8 != (SIGTRAP | 0x80))
		fatal("no stop at a system call, but status %#x", status);
}

/* It has the lock and doesn't know yet: it holds it, and dies with it. */
TEST_F(traced, stopped_on_its_return)
{
	pid_t first = spawn_waiter(self, &self->results[1], NEVER), second;

	stop(first, PTRACE_O_TRACESYSGOOD);
	/* It makes the call again. */
	ASSERT_EQ(0, ptrace(PTRACE_SYSCALL, first, NULL, NULL));
	await_syscall_stop(first);
	ASSERT_EQ(0, ptrace(PTRACE_SYSCALL, first, NULL, NULL));
	UNTIL(asleep_in(first, SHMBUF_IOC_LOCK));
	set(&self->s[1], 1);
	await_syscall_stop(first);
	EXPECT_EQ(0, reap(self->holder));
	second = spawn_waiter(self, &self->results[0], NEVER);
	expect_held(_metadata, self, second);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(first));
	expect_heard(_metadata, self, second, -EOWNERDEAD);
}

TEST_HARNESS_MAIN
