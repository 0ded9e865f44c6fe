// SPDX-License-Identifier: GPL-2.0-only
/* What debugfs tells of buffers, and whom. */
#include "kernel_fs.h"
#include "others.h"

#define DEBUGFS		"/sys/kernel/debug"
#define BUFFERS		DEBUGFS "/shmbuf/buffers"
#define LINES		64
#define LOCKS		100
#define QUEUE		LOCKS

static void __attribute__((constructor)) need_debugfs(void)
{
	if (!mounted("debugfs", DEBUGFS, BUFFERS)) {
		ksft_print_header();
		ksft_exit_skip("the kernel has no debugfs\n");
	}
}

FIXTURE(debugfs)
{
	char *text;
	int fd;
	__u64 owner;
};

FIXTURE_SETUP(debugfs)
{
	self->fd = new_buffer(NULL, LOCKS, 1, 0);
	self->owner = new_owner(self->fd);
}

FIXTURE_TEARDOWN(debugfs)
{
	free(self->text);
	close(self->fd);
}

/* Of the buffer @id: its lines, the first without "buffer ID ", and none of the next buffer. */
static const char *look(FIXTURE_DATA(debugfs) *self, __u64 id)
{
	char wanted[64], *at, *end;

	free(self->text);
	self->text = read_text(BUFFERS);
	snprintf(wanted, sizeof(wanted), "buffer %llu ", id);
	at = self->text;
	while (strncmp(at, wanted, strlen(wanted))) {
		at = strstr(at, "\nbuffer ");
		if (!at)
			return "";
		at++;
	}
	at += strlen(wanted);
	end = strstr(at, "\nbuffer ");
	if (end)
		end[1] = '\0';
	return at;
}

static int count(const char *text, const char *what)
{
	int nr = 0;

	for (; (text = strstr(text, what)); text++)
		nr++;
	return nr;
}

TEST_F(debugfs, for_root_alone)
{
	struct stat st;
	pid_t pid;

	ASSERT_EQ(0, stat(BUFFERS, &st));
	EXPECT_EQ(0400, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
	pid = spawn();
	if (!pid) {
		become(STRANGER);
		CHECK(open(BUFFERS, O_RDONLY) < 0 && errno == EACCES);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(debugfs, buffer)
{
	char name[64], wanted[256];
	int fd = new_buffer_of(OWNER, new_name(name), 0640, 8192, 3, 2);
	const char *text = look(self, id_of(fd));

	snprintf(wanted, sizeof(wanted),
		 "name=%s uid=%u gid=%u mode=0640 flags=0x0 seals=0x0 size=8192 max=8192 objects=5 ",
		 name, OWNER, OWNER);
	EXPECT_EQ(0, strncmp(text, wanted, strlen(wanted)))
		TH_LOG("%s", text);
	EXPECT_EQ(1, count(text, " owners=0 unburied=0 waiters=0 deaths=0 contentions=0\n"));
	EXPECT_EQ(0, count(text, "\n  "));
	close(fd);
	EXPECT_STREQ("", look(self, id_of(self->fd) + 1));
}

TEST_F(debugfs, strange_name)
{
	int fd = new_buffer("two\nbuffer 0 x", 1, 0, 0);

	EXPECT_EQ(0, strncmp(look(self, id_of(fd)), "name=two\\012buffer\\0400\\040x uid=", 32));
}

TEST_F(debugfs, holders_and_waiters)
{
	char wanted[256];
	const char *text;
	pid_t pid;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 7, 0, NEVER));
	ASSERT_EQ(0, do_read(self->fd, self->owner, 8, 0, NEVER));
	pid = spawn();
	if (!pid) {
		do_lock(self->fd, new_owner(self->fd), 7, 0, NEVER);
		_exit(1);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	wait_long();
	text = look(self, id_of(self->fd));
	EXPECT_EQ(1, count(text, " owners=2 unburied=0 waiters=1 deaths=0 "));
	snprintf(wanted, sizeof(wanted), "\n  process pid=%d owners=1 comm=debugfs\n", getpid());
	EXPECT_EQ(1, count(text, wanted))
		TH_LOG("%s", text);
	snprintf(wanted, sizeof(wanted), "\n  process pid=%d owners=1 comm=", pid);
	EXPECT_EQ(1, count(text, wanted));
	EXPECT_EQ(1, count(text, "\n  lock 7 word=0x"));
	snprintf(wanted, sizeof(wanted), " owner=0x%llx pid=%d readers=0\n", self->owner,
		 getpid());
	EXPECT_EQ(1, count(text, wanted));
	EXPECT_EQ(1, count(text, "\n  lock 8 word=0x"));
	EXPECT_EQ(1, count(text, " owner=0x0 pid=0 readers=1\n"));
	EXPECT_EQ(2, count(text, "\n  lock "));
	EXPECT_EQ(1, count(text, "\n  waiter index=7 kind=lock owner=0x"));
	snprintf(wanted, sizeof(wanted), " pid=%d tid=%d waited_us=", pid, pid);
	EXPECT_EQ(1, count(text, wanted));
	text = strstr(text, wanted);
	ASSERT_NE(NULL, text);
	EXPECT_LE(20000, strtoul(text + strlen(wanted), NULL, 10));
	EXPECT_EQ(1, count(text, " comm=debugfs\n"));
	kill_and_reap(pid);
	UNTIL(count(look(self, id_of(self->fd)), " owners=1 unburied=0 waiters=0 deaths=1 "));
}

TEST_F(debugfs, waiters_of_other_kinds)
{
	__u64 sequence = 0;
	const char *text;
	pid_t pid = spawn();

	if (!pid) {
		do_wait(self->fd, QUEUE, &sequence, NEVER);
		_exit(1);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	text = look(self, id_of(self->fd));
	EXPECT_EQ(1, count(text, "\n  waiter index=100 kind=queue owner=0x0 pid="));
	kill_and_reap(pid);
}

/* What is left out is said. */
TEST_F(debugfs, lists_are_bounded)
{
	const char *text;
	pid_t pids[LINES + 1];
	__u32 i;

	for (i = 0; i < LINES; i++)
		ASSERT_EQ(0, do_lock(self->fd, self->owner, i, 0, NEVER));
	for (i = 0; i < LINES + 1; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			do_lock(self->fd, new_owner(self->fd), i % LINES, 0, NEVER);
			_exit(1);
		}
		if (i < LINES - 1)
			UNTIL(asleep_in(pids[i], SHMBUF_IOC_LOCK));
	}
	UNTIL(asleep_in(pids[LINES - 1], SHMBUF_IOC_LOCK));
	UNTIL(asleep_in(pids[LINES], SHMBUF_IOC_LOCK));
	text = look(self, id_of(self->fd));
	EXPECT_EQ(LINES, count(text, "\n  lock "));
	EXPECT_EQ(0, count(text, "\n  lock ..."));
	EXPECT_EQ(LINES + 1, count(text, "\n  process "));
	EXPECT_EQ(1, count(text, "\n  process ...\n"));
	EXPECT_EQ(LINES + 1, count(text, "\n  waiter "));
	EXPECT_EQ(1, count(text, "\n  waiter ...\n"));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LINES, 0, NEVER));
	text = look(self, id_of(self->fd));
	EXPECT_EQ(1, count(text, "\n  lock ...\n"));
	EXPECT_EQ(LINES + 1, count(text, "\n  lock "));
	for (i = 0; i < LINES + 1; i++)
		kill_and_reap(pids[i]);
}

/* More than one read of a file brings. */
TEST_F(debugfs, each_buffer_once)
{
	int i, fds[300];

	for (i = 0; i < 300; i++)
		fds[i] = new_buffer(NULL, 1, 0, 0);
	for (i = 0; i < 300; i++) {
		char wanted[64];

		free(self->text);
		self->text = read_text(BUFFERS);
		snprintf(wanted, sizeof(wanted), "buffer %llu name= ", id_of(fds[i]));
		ASSERT_EQ(1, count(self->text, wanted));
	}
	for (i = 0; i < 300; i++)
		close(fds[i]);
	free(self->text);
	self->text = read_text(BUFFERS);
	EXPECT_GE(300, count(self->text, "buffer "));
}

TEST_HARNESS_MAIN
