// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints of buffers, deaths and locks: each is caused, and found with the right ids. */
#include "trace_events.h"

TEST_F(trace, create_and_destroy)
{
	char name[64];
	int fd = open_device(O_RDWR);
	__u64 id;

	ASSERT_EQ(0, do_create(fd, new_name(name), SHMBUF_CREATE_EXCL, 8192, 3, 0, 0));
	id = id_of(fd);
	look(self);
	EXPECT_EQ(1, count(self, "create",
			   "buffer=%llu size=8192 objects=3 flags=0x%x pid=%d name=%s", id,
			   SHMBUF_CREATE_EXCL, getpid(), name));
	EXPECT_EQ(0, count(self, "destroy", "buffer=%llu", id));
	trace_write(self, "events/shmbuf/enable", "1");
	close(fd);
	look(self);
	EXPECT_EQ(1, count(self, "destroy", "buffer=%llu deaths=0", id));
}

/* Who has no name has an empty one; a name makes no lines and no fields. */
TEST_F(trace, names)
{
	int fd = new_buffer("two\nlines x=\x7f\xc3", 1, 0, 0);
	int anonymous = new_buffer(NULL, 1, 0, 0);

	look(self);
	EXPECT_EQ(1, count(self, "create", "buffer=%llu size=4096 objects=1 flags=0x0 pid=%d name=",
			   id_of(anonymous), getpid()));
	EXPECT_EQ(1, count(self, "create",
			   "buffer=%llu size=4096 objects=1 flags=0x0 pid=%d name=two?lines?x=??",
			   id_of(fd), getpid()));
}

/* What comes to nothing is destroyed as it was created, and what doesn't begin isn't told. */
TEST_F(trace, create_that_fails)
{
	struct shmbuf_range twice[] = {
		{ .first = 0, .count = 1, .kind = SHMBUF_KIND_LOCK },
		{ .first = 0, .count = 1, .kind = SHMBUF_KIND_QUEUE },
	};
	struct shmbuf_create arg = {
		.size = sizeof(arg), .data_size = 4096, .nr_objects = 1,
		.ranges = address(twice), .nr_ranges = 2,
	};
	int fd = open_device(O_RDWR);

	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_CREATE, &arg));
	arg.nr_objects = 1 << 30;
	EXPECT_EQ(-EDQUOT, call(fd, SHMBUF_IOC_CREATE, &arg));
	look(self);
	EXPECT_EQ(1, count(self, "create", "buffer=%llu", self->buffer + 1));
	EXPECT_EQ(1, count(self, "destroy", "buffer=%llu", self->buffer + 1));
	EXPECT_EQ(0, count(self, "create", "buffer=%llu", self->buffer + 2));
	EXPECT_EQ(0, count(self, "destroy", "buffer=%llu", self->buffer + 2));
}

static void register_again_and_leave(int fd, __u64 owner)
{
	__u64 second = new_owner(fd);

	CHECK(!do_unregister(fd, owner) && !do_unregister(fd, second));
}

/* A process joins and leaves once, whatever ids it has. */
TEST_F(trace, join_and_leave)
{
	__u64 owner;
	pid_t pid = child_of(self->fd, register_again_and_leave, &owner);

	EXPECT_EQ(0, reap(pid));
	look(self);
	EXPECT_EQ(1, count(self, "join", "buffer=%llu pid=%d", self->buffer, pid));
	EXPECT_EQ(1, count(self, "leave", "buffer=%llu pid=%d", self->buffer, pid));
	EXPECT_EQ(0, count(self, "leave", "buffer=%llu pid=%d", self->buffer, getpid()));
	EXPECT_EQ(0, count(self, "owner_died", "buffer=%llu", self->buffer));
}

static void exit_with_three(int fd, __u64 owner)
{
	_exit(fd >= 0 && owner ? 3 : 1);
}

static void die_with_two_ids(int fd, __u64 owner)
{
	CHECK(new_owner(fd) != owner);
	raise(SIGKILL);
}

TEST_F(trace, owner_died)
{
	__u64 exits, dies;
	pid_t exiting = child_of(self->fd, exit_with_three, &exits);
	pid_t dying = child_of(self->fd, die_with_two_ids, &dies);

	EXPECT_EQ(3, reap(exiting));
	EXPECT_EQ(128 + SIGKILL, reap(dying));
	look(self);
	EXPECT_EQ(1, count(self, "leave", "buffer=%llu pid=%d", self->buffer, exiting));
	EXPECT_EQ(1, count(self, "leave", "buffer=%llu pid=%d", self->buffer, dying));
	EXPECT_EQ(1, count(self, "owner_died",
			   "buffer=%llu owner=0x%llx pid=%d tid=%d how=exit code=3 last=1",
			   self->buffer, exits, exiting, exiting));
	/* The other id of it may be buried first. */
	EXPECT_EQ(1, count(self, "owner_died",
			   "buffer=%llu owner=0x%llx pid=%d tid=%d how=signal code=9",
			   self->buffer, dies, dying, dying));
	EXPECT_EQ(3, count(self, "owner_died", "buffer=%llu", self->buffer));
}

TEST_F(trace, lock_that_is_free)
{
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	ASSERT_EQ(-EPERM, do_unlock(self->fd, self->owner, LOCK));
	ASSERT_EQ(0, do_read(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	look(self);
	EXPECT_EQ(1, count(self, "lock_acquired",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=0 waited=0 ret=0",
			   self->buffer, self->owner, getpid()));
	EXPECT_EQ(1, count(self, "lock_acquired",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=1 waited=0 ret=0",
			   self->buffer, self->owner, getpid()));
	EXPECT_EQ(2, count(self, "lock_released", "buffer=%llu index=0 owner=0x%llx pid=%d",
			   self->buffer, self->owner, getpid()));
	EXPECT_EQ(0, count(self, "lock_contended", "buffer=%llu", self->buffer));
}

static void lock_and_unlock(int fd, __u64 owner)
{
	CHECK(do_lock(fd, owner, LOCK, 0, NEVER) == 0);
	CHECK(do_unlock(fd, owner, LOCK) == 0);
}

static void read_and_unlock(int fd, __u64 owner)
{
	CHECK(do_read(fd, owner, LOCK, 0, NEVER) == 0);
	CHECK(do_unlock(fd, owner, LOCK) == 0);
}

static void expect_contended(struct __test_metadata *_metadata, FIXTURE_DATA(trace) *self,
			     void (*act)(int fd, __u64 owner), int shared)
{
	__u64 owner, waited;
	char text[128];
	pid_t pid;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	pid = child_of(self->fd, act, &owner);
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	wait_long();
	ASSERT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, reap(pid));
	look(self);
	EXPECT_EQ(1, count(self, "lock_contended",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=%d holder=0x%llx",
			   self->buffer, owner, pid, shared, self->owner));
	snprintf(text, sizeof(text), "buffer=%llu index=0 owner=0x%llx pid=%d shared=%d ",
		 self->buffer, owner, pid, shared);
	EXPECT_EQ(0, (int)field(self, "lock_acquired", text, "ret"));
	waited = field(self, "lock_acquired", text, "waited");
	EXPECT_LE(LONG, waited);
	EXPECT_GT(PATIENCE, waited);
	EXPECT_EQ(1, count(self, "lock_released", "buffer=%llu index=0 owner=0x%llx pid=%d",
			   self->buffer, owner, pid));
}

TEST_F(trace, lock_that_is_held)
{
	expect_contended(_metadata, self, lock_and_unlock, 0);
}

TEST_F(trace, lock_that_readers_wait_for)
{
	expect_contended(_metadata, self, read_and_unlock, 1);
}

TEST_F(trace, lock_in_vain)
{
	__u64 other = new_owner(self->fd);
	char text[128];

	ASSERT_EQ(0, do_lock(self->fd, other, LOCK, 0, NEVER));
	ASSERT_EQ(-EBUSY, do_trylock(self->fd, self->owner, LOCK));
	ASSERT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, LOCK, SHMBUF_LOCK_NODETECT,
				      now() + LONG));
	look(self);
	EXPECT_EQ(1, count(self, "lock_contended", "buffer=%llu", self->buffer));
	snprintf(text, sizeof(text), "buffer=%llu index=0 owner=0x%llx ", self->buffer,
		 self->owner);
	EXPECT_EQ(-ETIMEDOUT, (int)field(self, "lock_acquired", text, "ret"));
	EXPECT_EQ(0, count(self, "lock_released", "buffer=%llu", self->buffer));
}

static void lock_and_die(int fd, __u64 owner)
{
	CHECK(do_lock(fd, owner, LOCK, 0, NEVER) == 0);
	raise(SIGKILL);
}

TEST_F(trace, lock_of_the_dead)
{
	__u64 owner;
	pid_t pid = child_of(self->fd, lock_and_die, &owner);

	EXPECT_EQ(128 + SIGKILL, reap(pid));
	ASSERT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	look(self);
	EXPECT_EQ(1, count(self, "lock_acquired",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=0 waited=0 ret=%d",
			   self->buffer, self->owner, getpid(), -EOWNERDEAD));
}

TEST_F(trace, lock_that_is_recovered)
{
	struct shmbuf_recover arg = {
		.size = sizeof(arg), .index = LOCK, .owner = self->owner,
	};

	EXPECT_EQ(-ESRCH, call(self->fd, SHMBUF_IOC_RECOVER, &arg));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(0, call(self->fd, SHMBUF_IOC_RECOVER, &arg));
	look(self);
	EXPECT_EQ(1, count(self, "lock_recovered", "buffer=%llu index=0 owner=0x%llx pid=%d",
			   self->buffer, self->owner, getpid()));
}

TEST_F(trace, deadlock)
{
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(-EBUSY, do_trylock(self->fd, self->owner, LOCK));
	ASSERT_EQ(-EDEADLK, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(-EDEADLK, do_read(self->fd, self->owner, LOCK, 0, NEVER));
	look(self);
	EXPECT_EQ(1, count(self, "deadlock",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=0 holder=0x%llx",
			   self->buffer, self->owner, getpid(), self->owner));
	EXPECT_EQ(1, count(self, "deadlock",
			   "buffer=%llu index=0 owner=0x%llx pid=%d shared=1 holder=0x%llx",
			   self->buffer, self->owner, getpid(), self->owner));
}

TEST_HARNESS_MAIN
