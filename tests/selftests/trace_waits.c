// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints of waits and wakes: each is caused, and found with the right ids. */
#include "trace_events.h"
#include <sys/utsname.h>

static void wait_on_queue(int fd, __u64 owner)
{
	__u64 sequence = 0;

	CHECK(owner && do_wait(fd, QUEUE, &sequence, NEVER) == 0);
}

TEST_F(trace, wait_and_wake)
{
	__u64 owner, sequence = 0;
	char text[128];
	pid_t pid;

	ASSERT_EQ(-ETIMEDOUT, do_wait(self->fd, QUEUE, &sequence, now() + LONG));
	pid = child_of(self->fd, wait_on_queue, &owner);
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	wait_long();
	ASSERT_EQ(1, do_wake(self->fd, QUEUE, 1));
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(0, do_wake(self->fd, QUEUE, 1));
	look(self);
	snprintf(text, sizeof(text), "buffer=%llu index=1 kind=queue owner=0x0 pid=%d ",
		 self->buffer, getpid());
	EXPECT_EQ(-ETIMEDOUT, (int)field(self, "wait", text, "ret"));
	EXPECT_LE(LONG / 2, field(self, "wait", text, "waited"));
	snprintf(text, sizeof(text), "buffer=%llu index=1 kind=queue owner=0x0 pid=%d ",
		 self->buffer, pid);
	EXPECT_EQ(0, (int)field(self, "wait", text, "ret"));
	EXPECT_LE(LONG, field(self, "wait", text, "waited"));
	EXPECT_GT(PATIENCE, field(self, "wait", text, "waited"));
	EXPECT_EQ(1, count(self, "wake", "buffer=%llu index=1 kind=queue woken=1 pid=%d",
			   self->buffer, getpid()));
	EXPECT_EQ(1, count(self, "wake", "buffer=%llu index=1 kind=queue woken=0 pid=%d",
			   self->buffer, getpid()));
}

static void wait_with_lock(int fd, __u64 owner)
{
	CHECK(do_lock(fd, owner, LOCK, 0, NEVER) == 0);
	CHECK(do_wait_locked(fd, owner, LOCK, QUEUE, 0, NEVER) == 0);
	CHECK(do_unlock(fd, owner, LOCK) == 0);
}

/* It gives the lock up, and has it once more. */
TEST_F(trace, condition)
{
	__u64 owner;
	char text[128];
	pid_t pid = child_of(self->fd, wait_with_lock, &owner);

	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(1, do_wake(self->fd, QUEUE, 1));
	wait_long();
	ASSERT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, reap(pid));
	look(self);
	snprintf(text, sizeof(text), "buffer=%llu index=1 kind=queue owner=0x%llx pid=%d ",
		 self->buffer, owner, pid);
	EXPECT_EQ(0, (int)field(self, "wait", text, "ret"));
	EXPECT_EQ(2, count(self, "lock_released", "buffer=%llu index=0 owner=0x%llx pid=%d",
			   self->buffer, owner, pid));
	EXPECT_EQ(2, count(self, "lock_acquired",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=0", self->buffer, owner,
			   pid));
	EXPECT_EQ(1, count(self, "lock_acquired",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=0 waited=0 ret=0",
			   self->buffer, owner, pid));
	EXPECT_EQ(1, count(self, "lock_contended", "buffer=%llu index=0 owner=0x%llx",
			   self->buffer, owner));
}

/* Nobody woke it: it takes the lock by itself, which is free. */
TEST_F(trace, condition_in_vain)
{
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(SHMBUF_WAITED_TIMEDOUT, do_wait_locked(self->fd, self->owner, LOCK, QUEUE, 0,
							 now() + LONG));
	look(self);
	EXPECT_EQ(2, count(self, "lock_acquired",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=0 waited=0 ret=0",
			   self->buffer, self->owner, getpid()));
	EXPECT_EQ(0, count(self, "lock_contended", "buffer=%llu", self->buffer));
}

static void wait_for_unit(int fd, __u64 owner)
{
	CHECK(do_sem_wait(fd, 0, SEM, 0, NEVER) == 0);
	CHECK(do_sem_wait(fd, owner, SEM, 0, NEVER) == 0);
}

TEST_F(trace, semaphore)
{
	__u64 owner;
	char text[128];
	pid_t pid = child_of(self->fd, wait_for_unit, &owner);

	UNTIL(asleep_in(pid, SHMBUF_IOC_SEM_WAIT));
	wait_long();
	ASSERT_EQ(0, do_sem_post(self->fd, 0, SEM));
	ASSERT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, reap(pid));
	look(self);
	snprintf(text, sizeof(text), "buffer=%llu index=2 kind=semaphore owner=0x0 pid=%d ",
		 self->buffer, pid);
	EXPECT_EQ(0, (int)field(self, "wait", text, "ret"));
	EXPECT_LE(LONG, field(self, "wait", text, "waited"));
	snprintf(text, sizeof(text), "buffer=%llu index=2 kind=semaphore owner=0x%llx pid=%d ",
		 self->buffer, owner, pid);
	EXPECT_EQ(0, (int)field(self, "wait", text, "ret"));
	EXPECT_LE(1, count(self, "wake", "buffer=%llu index=2 kind=semaphore woken=1 pid=%d",
			   self->buffer, getpid()));
}

static void wait_at_barrier(int fd, __u64 owner)
{
	CHECK(do_barrier_wait(fd, owner, BARRIER, NEVER) == 0);
}

TEST_F(trace, barrier)
{
	__u64 owner;
	char text[128];
	pid_t pid = child_of(self->fd, wait_at_barrier, &owner);

	UNTIL(asleep_in(pid, SHMBUF_IOC_BARRIER_WAIT));
	wait_long();
	ASSERT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
	EXPECT_EQ(0, reap(pid));
	look(self);
	snprintf(text, sizeof(text), "buffer=%llu index=3 kind=barrier owner=0x%llx pid=%d ",
		 self->buffer, owner, pid);
	EXPECT_EQ(0, (int)field(self, "wait", text, "ret"));
	EXPECT_LE(LONG, field(self, "wait", text, "waited"));
	snprintf(text, sizeof(text), "buffer=%llu index=3 kind=barrier owner=0x%llx pid=%d ",
		 self->buffer, self->owner, getpid());
	EXPECT_EQ(1, (int)field(self, "wait", text, "ret"));
	EXPECT_EQ(1, count(self, "wake", "buffer=%llu index=3 kind=barrier woken=1 pid=%d",
			   self->buffer, getpid()));
}

TEST_F(trace, wait_any)
{
	struct shmbuf_wait_item items[] = {
		{ .fd = self->fd, .kind = SHMBUF_KIND_QUEUE, .index = QUEUE },
		{ .fd = self->fd, .kind = SHMBUF_KIND_LOCK, .index = LOCK, .owner = self->owner },
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = 2, .deadline = NEVER,
	};
	char text[128];

	ASSERT_EQ(1, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	look(self);
	snprintf(text, sizeof(text), "buffer=%llu index=2 kind=any owner=0x0 pid=%d ",
		 self->buffer, getpid());
	EXPECT_EQ(1, (int)field(self, "wait", text, "ret"));
	snprintf(text, sizeof(text), "buffer=%llu index=0 owner=0x%llx pid=%d shared=0 ",
		 self->buffer, self->owner, getpid());
	EXPECT_EQ(0, (int)field(self, "lock_acquired", text, "ret"));
}

/* What isn't enabled tells nothing, and how long a wait has been isn't known then. */
TEST_F(trace, one_event_alone)
{
	trace_write(self, "events/shmbuf/enable", "0");
	trace_write(self, "events/shmbuf/shmbuf_lock_released/enable", "1");
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	look(self);
	EXPECT_EQ(1, count(self, "lock_released", "buffer=%llu", self->buffer));
	EXPECT_EQ(0, count(self, "lock_acquired", "buffer=%llu", self->buffer));
}

/* For modules the kernel has these since 6.12. */
static bool has_contention(void)
{
	struct utsname uts;
	int major, minor;

	return !access(TRACEFS "/events/lock/contention_begin", F_OK) && !uname(&uts) &&
	       sscanf(uts.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 12));
}

static int lines_with(const char *text, const char *a, const char *b)
{
	const char *end;
	int nr = 0;

	for (; (text = strstr(text, a)); text = end) {
		end = strchrnul(text, '\n');
		nr += !!memmem(text, end - text, b, strlen(b));
	}
	return nr;
}

/* The kernel's own events, by which "perf lock contention" knows of locks. */
TEST_F(trace, contention)
{
	__u64 other = new_owner(self->fd);
	char filter[64];

	if (!has_contention())
		SKIP(return, "this kernel has no contention_begin for modules");
	snprintf(filter, sizeof(filter), "common_pid == %d", getpid());
	trace_write(self, "events/lock/contention_begin/filter", filter);
	trace_write(self, "events/lock/contention_end/filter", filter);
	ASSERT_EQ(0, do_lock(self->fd, other, LOCK, 0, NEVER));
	trace_write(self, "events/lock/contention_begin/enable", "1");
	trace_write(self, "events/lock/contention_end/enable", "1");
	ASSERT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, LOCK,
				      SHMBUF_LOCK_NODETECT | SHMBUF_LOCK_NOSPIN, now() + LONG));
	ASSERT_EQ(-ETIMEDOUT, do_read(self->fd, self->owner, LOCK, SHMBUF_LOCK_NODETECT,
				      now() + LONG));
	ASSERT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, LOCK,
				      SHMBUF_LOCK_NODETECT | SHMBUF_LOCK_SPIN, now() + LONG));
	ASSERT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, LOCK, SHMBUF_LOCK_NODETECT,
				      now() + LONG));
	look(self);
	EXPECT_EQ(4, lines_with(self->text, " contention_end: ", "(ret=-110)"));
	EXPECT_LE(1, lines_with(self->text, " contention_begin: ", "(flags=MUTEX)"));
	EXPECT_LE(1, lines_with(self->text, " contention_begin: ", "(flags=READ)"));
	EXPECT_LE(1, lines_with(self->text, " contention_begin: ", "(flags=SPIN)"));
	EXPECT_LE(1, lines_with(self->text, " contention_begin: ", "(flags=SPIN|MUTEX)"));
}

TEST_HARNESS_MAIN
