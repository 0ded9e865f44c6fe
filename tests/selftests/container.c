// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container sees: PID, IPC and mount namespaces of its own, with or without users of
 * its own. A handle may have come in from outside.
 */
#include "others.h"
#include <sys/mount.h>

FIXTURE(container)
{
	char name[64];
	int fd;
	__u64 owner;
};

FIXTURE_SETUP(container)
{
	self->fd = new_buffer_of(OWNER, new_name(self->name), 0666, 4096, 2, 1);
	self->owner = new_owner(self->fd);
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
}

FIXTURE_TEARDOWN(container)
{
	close(self->fd);
}

static void run_inside(FIXTURE_DATA(container) *self, int flags,
		       void (*inside)(FIXTURE_DATA(container) *self))
{
	pid_t pid;

	CHECK(!unshare(flags | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS));
	pid = spawn();
	if (pid)
		_exit(reap(pid));
	/* Below its init, which abort() can't end. */
	pid = spawn();
	if (pid)
		_exit(reap(pid));
	CHECK(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK(!mount("proc", "/proc", "proc", 0, NULL));
	inside(self);
	_exit(0);
}

static void in_a_container(struct __test_metadata *_metadata, FIXTURE_DATA(container) *self, int flags,
			   uid_t uid, void (*inside)(FIXTURE_DATA(container) *self))
{
	pid_t pid = spawn();

	if (!pid) {
		if (uid)
			become(uid);
		run_inside(self, flags, inside);
	}
	EXPECT_EQ(0, reap(pid));
}

static void see_no_names(FIXTURE_DATA(container) *self)
{
	int fd = open_device(O_RDWR);

	CHECK(do_open(fd, self->name) == -ENOENT);
	CHECK(do_unlink(fd, self->name) == -ENOENT);
	CHECK(do_create(fd, self->name, SHMBUF_CREATE_EXCL, 4096, 0, 0, 0) == 0);
	CHECK(do_unlink(fd, self->name) == 0);
}

/* Not even those without a name. */
static void see_no_buffers(FIXTURE_DATA(container) *self)
{
	int fd = open_device(O_RDWR);
	struct shmbuf_listing listings[4];
	struct shmbuf_stats stats;

	CHECK(do_list(self->fd, listings, 4, 0) == 0);
	CHECK(do_list(fd, listings, 4, 0) == 0);
	CHECK(do_create(fd, NULL, 0, 4096, 0, 0, 0) == 0);
	CHECK(do_stats(fd, &stats) == 0);
	CHECK(do_list(self->fd, listings, 4, 0) == 1);
	CHECK(listings[0].stats.buffer_id == stats.buffer_id && !listings[0].name[0]);
	CHECK(listings[0].stats.creator_pid == getpid());
	/* What came in as a handle is told of by that. */
	CHECK(do_stats(self->fd, &stats) == 0);
	CHECK(stats.held == 1 && stats.creator_pid == 0);
}

TEST_F(container, buffers_are_its_own)
{
	int anonymous = new_buffer(NULL, 0, 0, 0);

	in_a_container(_metadata, self, 0, 0, see_no_buffers);
	close(anonymous);
}

/* One who is inside by its IPC namespace alone sees what was made there, and no pids. */
static void see_buffers_of_outside(FIXTURE_DATA(container) *self)
{
	struct shmbuf_listing listing;
	struct shmbuf_stats stats;

	CHECK(do_stats(self->fd, &stats) == 0);
	CHECK(do_list(self->fd, &listing, 1, stats.buffer_id - 1) == 1);
	CHECK(!strcmp(listing.name, self->name) && listing.stats.creator_pid == 0);
	_exit(0);
}

TEST_F(container, creators_outside_have_no_pids)
{
	struct shmbuf_stats stats;
	pid_t pid = spawn(), inside;

	if (!pid) {
		CHECK(!unshare(CLONE_NEWPID));
		inside = spawn();
		if (!inside)
			see_buffers_of_outside(self);
		_exit(reap(inside));
	}
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(0, do_stats(self->fd, &stats));
	EXPECT_NE(0, stats.creator_pid);
}

TEST_F(container, names_are_its_own)
{
	in_a_container(_metadata, self, 0, 0, see_no_names);
	EXPECT_EQ(0, do_open(open_device(O_RDWR), self->name));
}

/* The pid of each line that tells of a lock's holder. */
static int holders_in_fdinfo(int fd, int pids[4])
{
	char path[64], line[512];
	unsigned int index;
	int nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		fatal("%s: %s", path, strerror(errno));
	while (nr < 4 && fgets(line, sizeof(line), f))
		if (sscanf(line, "shmbuf-lock:\t%u %d\n", &index, &pids[nr]) == 2)
			nr++;
	fclose(f);
	return nr;
}

/* Those outside have no number here, be it that they hold, wait or died. */
static void see_no_pids(FIXTURE_DATA(container) *self)
{
	struct shmbuf_owner_info info;
	struct shmbuf_death death;
	int pids[4];

	CHECK(do_owner_info(self->fd, 0, &info, NULL, 0) == 0);
	CHECK((info.state & SHMBUF_OWNER_HELD) && info.owner == self->owner);
	CHECK(info.pid == 0 && info.tid == 0);
	CHECK(do_deaths(self->fd, &death, 1, ~0ULL) == 1);
	CHECK(death.pid == 0 && death.tid == 0);
	CHECK(do_trylock(self->fd, new_owner(self->fd), 1) == 0);
	CHECK(do_owner_info(self->fd, 1, &info, NULL, 0) == 0);
	CHECK(info.pid == getpid() && info.tid == getpid());
	CHECK(holders_in_fdinfo(self->fd, pids) == 2);
	CHECK(pids[0] == 0 && pids[1] == getpid());
	/* And what it isn't told it can't do: ids are of processes. */
	CHECK(do_unlock(self->fd, self->owner, 0) == -EPERM);
}

TEST_F(container, pids_are_its_own)
{
	struct shmbuf_death death;
	pid_t pid = spawn();

	if (!pid) {
		CHECK(do_trylock(self->fd, new_owner(self->fd), 1) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(1, do_deaths(self->fd, &death, 1, ~0ULL));
	EXPECT_EQ(pid, death.pid);
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->owner, 1));
	EXPECT_EQ(0, do_consistent(self->fd, self->owner, 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 1));
	in_a_container(_metadata, self, 0, 0, see_no_pids);
}

/* Who waits, told to who looks from inside. */
static void see_no_waiters_pid(FIXTURE_DATA(container) *self)
{
	struct shmbuf_waiter_info waiter;
	struct shmbuf_owner_info info;

	CHECK(do_owner_info(self->fd, 0, &info, &waiter, 1) == 0);
	CHECK(info.nr_waiters == 1 && waiter.pid == 0 && waiter.tid == 0);
	memset(&waiter, 1, sizeof(waiter));
	CHECK(do_waiters(self->fd, 0, &waiter, 1) == 1);
	CHECK(waiter.pid == 0 && waiter.tid == 0);
}

TEST_F(container, waiters_outside_have_no_pids)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER));
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	in_a_container(_metadata, self, 0, 0, see_no_waiters_pid);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
}

#define OVERFLOW_ID 65534

/* Users of its own, none of them mapped: all others are nobody. */
static void see_nobody(FIXTURE_DATA(container) *self)
{
	struct shmbuf_query query = {};
	struct shmbuf_stats stats;

	CHECK(do_query(self->fd, &query) == 0);
	CHECK(query.uid == OVERFLOW_ID && query.gid == OVERFLOW_ID);
	CHECK(do_stats(self->fd, &stats) == 0);
	CHECK(stats.uid == OVERFLOW_ID && stats.gid == OVERFLOW_ID);
	see_no_names(self);
}

static bool user_namespaces(void)
{
	pid_t pid = spawn_as(STRANGER);

	if (!pid)
		_exit(unshare(CLONE_NEWUSER) != 0);
	return reap(pid) == 0;
}

TEST_F(container, unmapped_users_are_nobody)
{
	if (!user_namespaces())
		SKIP(return, "no user namespaces here");
	in_a_container(_metadata, self, CLONE_NEWUSER, STRANGER, see_nobody);
}

/* All capabilities over its own namespaces are none over others' buffers, or limits. */
static void gain_nothing(FIXTURE_DATA(container) *self)
{
	__u64 id;

	CHECK(do_unlink(self->fd, self->name) == -EPERM);
	CHECK(do_recover(self->fd, 0, self->owner) == -EPERM);
	CHECK(do_register(self->fd, 0, &id) == -EDQUOT);
	CHECK(open(PARAMETERS "max_user_owners", O_WRONLY) < 0);
	_exit(0);
}

TEST_F(container, root_inside_is_a_stranger_outside)
{
	__u64 before = get_parameter("max_user_owners");
	pid_t pid;

	if (!user_namespaces())
		SKIP(return, "no user namespaces here");
	set_parameter("max_user_owners", 0);
	pid = spawn_as(STRANGER);
	if (!pid) {
		/* The IPC namespace stays that of the host. */
		CHECK(!unshare(CLONE_NEWUSER));
		gain_nothing(self);
	}
	EXPECT_EQ(0, reap(pid));
	set_parameter("max_user_owners", before);
}

/* And who has rights over an IPC namespace has them over the names in it, whosever they are. */
TEST_F(container, root_inside_rules_its_names)
{
	int socks[2], *made = shared_memory(4096);
	pid_t pid;

	if (!user_namespaces())
		SKIP(return, "no user namespaces here");
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = spawn_as(STRANGER);
	if (!pid) {
		int fd = open_device(O_RDWR);

		CHECK(!unshare(CLONE_NEWUSER | CLONE_NEWIPC));
		CHECK(!prctl(PR_SET_DUMPABLE, 1));
		__atomic_store_n(made, 1, __ATOMIC_SEQ_CST);
		UNTIL(__atomic_load_n(made, __ATOMIC_SEQ_CST) == 2);
		CHECK(do_open(fd, "host's") == 0);
		CHECK(do_unlink(fd, "host's") == 0);
		_exit(0);
	}
	UNTIL(__atomic_load_n(made, __ATOMIC_SEQ_CST));
	if (!spawn()) {
		char path[64];
		int ns;

		snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
		ns = open(path, O_RDONLY);
		CHECK(ns >= 0 && !setns(ns, CLONE_NEWIPC));
		CHECK(do_create(open_device(O_RDWR), "host's", 0, 4096, 0, 0, 0) == 0);
		__atomic_store_n(made, 2, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_HARNESS_MAIN
