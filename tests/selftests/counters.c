// SPDX-License-Identifier: GPL-2.0-only
/* The counters in sysfs go up, and down, by what is done. */
#include "kernel_fs.h"
#include "others.h"

#define COUNTERS	"/sys/class/misc/shmbuf/"
#define LOCK		0
#define QUEUE		1

static const char *const names[] = {
	"buffers", "bytes", "objects", "owners", "waiters", "deaths", "contentions", "recoveries",
	"deadlocks",
};

static __u64 counter(const char *name)
{
	char path[128], *text, *end;
	__u64 value;

	snprintf(path, sizeof(path), COUNTERS "%s", name);
	text = read_text(path);
	value = strtoull(text, &end, 10);
	if (end == text || strcmp(end, "\n"))
		fatal("%s isn't a number and the end of a line: %s", path, text);
	free(text);
	return value;
}

TEST(all_may_read_and_nobody_may_write)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char path[128];
		struct stat st;

		snprintf(path, sizeof(path), COUNTERS "%s", names[i]);
		ASSERT_EQ(0, stat(path, &st));
		EXPECT_EQ(0444, st.st_mode & 07777);
		EXPECT_EQ(0, st.st_uid);
		counter(names[i]);
	}
}

TEST(buffers)
{
	__u64 buffers = counter("buffers"), bytes = counter("bytes"), objects = counter("objects");
	int fd = open_device(O_RDWR);

	ASSERT_EQ(0, do_create(fd, NULL, 0, 8192, 3, 2, 1));
	EXPECT_EQ(buffers + 1, counter("buffers"));
	EXPECT_EQ(bytes + 8192, counter("bytes"));
	EXPECT_EQ(objects + 6, counter("objects"));
	close(fd);
	EXPECT_EQ(buffers, counter("buffers"));
	UNTIL(counter("bytes") == bytes);
	EXPECT_EQ(objects, counter("objects"));
}

/* What another user has counts as well. */
TEST(of_all_users)
{
	__u64 buffers = counter("buffers");
	char name[64];
	int fd = new_buffer_of(OWNER, new_name(name), 0600, 4096, 1, 1);

	EXPECT_EQ(buffers + 1, counter("buffers"));
	close(fd);
	EXPECT_EQ(buffers, counter("buffers"));
}

FIXTURE(counters)
{
	int fd;
	__u64 owner;
	__u64 before[ARRAY_SIZE(names)];
};

FIXTURE_SETUP(counters)
{
	size_t i;

	self->fd = new_buffer(NULL, 1, 1, 0);
	self->owner = new_owner(self->fd);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		self->before[i] = counter(names[i]);
}

FIXTURE_TEARDOWN(counters)
{
	close(self->fd);
}

/* So many more than before. */
static __u64 more(FIXTURE_DATA(counters) *self, const char *name)
{
	size_t i;

	for (i = 0; strcmp(names[i], name);)
		i++;
	return counter(name) - self->before[i];
}

TEST_F(counters, owners_and_deaths)
{
	__u64 second = new_owner(self->fd);
	pid_t pid;

	EXPECT_EQ(1, more(self, "owners"));
	ASSERT_EQ(0, do_unregister(self->fd, second));
	UNTIL(more(self, "owners") == 0);
	EXPECT_EQ(0, more(self, "deaths"));
	pid = spawn();
	if (!pid) {
		new_owner(self->fd);
		new_owner(self->fd);
		raise(SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_EQ(2, more(self, "deaths"));
	UNTIL(more(self, "owners") == 0);
	EXPECT_EQ(0, more(self, "recoveries"));
}

TEST_F(counters, waiters_and_contentions)
{
	pid_t pid;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	EXPECT_EQ(0, more(self, "contentions"));
	pid = spawn();
	if (!pid) {
		__u64 sequence = 0, owner = new_owner(self->fd);

		CHECK(do_lock(self->fd, owner, LOCK, 0, NEVER) == 0);
		CHECK(do_unlock(self->fd, owner, LOCK) == 0);
		CHECK(do_wait(self->fd, QUEUE, &sequence, NEVER) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	EXPECT_EQ(1, more(self, "waiters"));
	ASSERT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_EQ(1, more(self, "contentions"));
	EXPECT_EQ(1, more(self, "waiters"));
	ASSERT_EQ(1, do_wake(self->fd, QUEUE, 1));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, more(self, "waiters"));
	EXPECT_EQ(1, more(self, "contentions"));
}

TEST_F(counters, recoveries)
{
	pid_t pid = spawn();

	if (!pid) {
		CHECK(do_lock(self->fd, new_owner(self->fd), LOCK, 0, NEVER) == 0);
		raise(SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_EQ(0, more(self, "recoveries"));
	ASSERT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	EXPECT_EQ(1, more(self, "recoveries"));
	ASSERT_EQ(0, do_consistent(self->fd, self->owner, LOCK));
	ASSERT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	EXPECT_EQ(1, more(self, "recoveries"));
}

TEST_F(counters, deadlocks)
{
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	ASSERT_EQ(-EBUSY, do_trylock(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, more(self, "deadlocks"));
	ASSERT_EQ(-EDEADLK, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	EXPECT_EQ(1, more(self, "deadlocks"));
}

TEST_HARNESS_MAIN
