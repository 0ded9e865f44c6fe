// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names among people who don't trust each other: what can be had by guessing, by being there
 * first, and by taking away. The rules are those of a directory that all may write and
 * that is sticky.
 */
#include "others.h"

FIXTURE(names)
{
	char name[64];
	int fd;
};

FIXTURE_SETUP(names)
{
	self->fd = new_buffer_of(OWNER, new_name(self->name), 0600, 4096, 1, 1);
}

FIXTURE_TEARDOWN(names)
{
	do_unlink(self->fd, self->name);
	close(self->fd);
}

/* Each call that takes a name, by who isn't meant to have it. */
static void guess(const char *name)
{
	int rw = open_device(O_RDWR), ro = open_device(O_RDONLY);

	CHECK(do_open(rw, name) == -EACCES);
	CHECK(do_open(ro, name) == -EACCES);
	CHECK(do_create(rw, name, 0, 4096, 0, 0, 0) == -EACCES);
	CHECK(do_create(rw, name, SHMBUF_CREATE_EXCL, 4096, 0, 0, 0) == -EEXIST);
	CHECK(do_create(rw, name, SHMBUF_CREATE_PERSIST, 4096, 0, 0, 0) == -EACCES);
	CHECK(do_unlink(rw, name) == -EPERM);
	/* Nothing has come of it: the handles are as they were. */
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, rw, 0) == MAP_FAILED && errno == ENOTCONN);
	CHECK(do_create(rw, NULL, 0, 4096, 0, 0, 0) == 0);
}

TEST_F(names, guessed_by_a_stranger)
{
	pid_t pid = spawn_as(STRANGER);

	if (!pid) {
		guess(self->name);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, do_open(open_device(O_RDWR), self->name));
}

/* /proc tells nobody of others' handles. */
TEST_F(names, not_told_by_proc)
{
	int *ready = shared_memory(4096);
	pid_t owner = spawn_as(OWNER), stranger;

	if (!owner) {
		__atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(ready, __ATOMIC_SEQ_CST));
	stranger = spawn_as(STRANGER);
	if (!stranger) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", owner, self->fd);
		CHECK(open(path, O_RDWR) < 0 && errno == EACCES);
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", owner, self->fd);
		CHECK(open(path, O_RDONLY) < 0 && errno == EACCES);
		snprintf(path, sizeof(path), "/proc/%d/map_files", owner);
		CHECK(open(path, O_RDONLY | O_DIRECTORY) < 0);
		CHECK(syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, owner, 0), self->fd, 0) < 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(stranger));
	kill_and_reap(owner);
}

/* Who was first has the name, and who comes after can know whose it is. */
TEST_F(names, taken_by_a_stranger_before)
{
	char name[64];
	int fd = new_buffer_of(STRANGER, new_name(name), 0666, 4096, 0, 0);
	pid_t pid = spawn_as(OWNER);

	if (!pid) {
		struct shmbuf_query query = {};
		int mine = open_device(O_RDWR);

		CHECK(do_create(mine, name, SHMBUF_CREATE_EXCL, 4096, 0, 0, 0) == -EEXIST);
		CHECK(do_create(mine, name, 0, 4096, 0, 0, 0) == 1);
		CHECK(do_query(mine, &query) == 0 && query.uid == STRANGER);
		/* Sticky: that all may write it gives nobody the name. */
		CHECK(do_unlink(mine, name) == -EPERM);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	close(fd);
}

/* A name is of the buffer that has it now, not of who had it once. */
TEST_F(names, taken_over_after_unlink)
{
	pid_t pid = spawn_as(OWNER);
	int fd;

	if (!pid)
		_exit(do_unlink(self->fd, self->name) != 0);
	ASSERT_EQ(0, reap(pid));
	fd = new_buffer_of(STRANGER, self->name, 0600, 8192, 0, 0);
	pid = spawn_as(OWNER);
	if (!pid) {
		struct shmbuf_query query = {};

		CHECK(do_unlink(self->fd, self->name) == -EPERM);
		CHECK(do_open(open_device(O_RDWR), self->name) == -EACCES);
		/* The old buffer is still there, and has no name any more. */
		CHECK(do_query(self->fd, &query) == 0);
		CHECK(query.uid == OWNER && query.data_size == 4096 && query.name_size == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	close(fd);
	EXPECT_EQ(-ENOENT, do_open(open_device(O_RDWR), self->name));
}

/* Members of the group get by the mode what it says, and never the right to unlink. */
TEST_F(names, of_a_group)
{
	int fd = open_device(O_RDWR), other = open_device(O_RDWR);
	char name[64];
	pid_t pid;

	new_name(name);
	pid = spawn();
	if (!pid) {
		CHECK(!setresgid(GROUP, GROUP, GROUP) && !setresuid(OWNER, OWNER, OWNER));
		_exit(create_mode(fd, name, 0660, 4096, 0, 0) != 0);
	}
	ASSERT_EQ(0, reap(pid));
	/* The set-group-id way: an effective group counts, a saved one doesn't. */
	pid = spawn();
	if (!pid) {
		CHECK(!setgroups(0, NULL));
		CHECK(!setresgid(STRANGER, STRANGER, GROUP));
		CHECK(!setresuid(STRANGER, STRANGER, STRANGER));
		CHECK(do_open(other, name) == -EACCES);
		CHECK(!setresgid(-1, GROUP, -1));
		CHECK(do_open(other, name) == 0);
		CHECK(do_unlink(other, name) == -EPERM);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	close(fd);
}

/* As files: it is the effective (file system's) user who asks and who owns. */
TEST_F(names, effective_user_counts)
{
	pid_t pid = spawn();

	if (!pid) {
		struct shmbuf_query query = {};
		int fd = open_device(O_RDWR), other = open_device(O_RDWR);
		char name[64];

		CHECK(!setresuid(STRANGER, OWNER, OWNER));
		CHECK(do_open(fd, self->name) == 0);
		CHECK(do_create(other, new_name(name), 0, 4096, 0, 0, 0) == 0);
		CHECK(do_query(other, &query) == 0 && query.uid == OWNER);
		CHECK(!setresuid(-1, STRANGER, OWNER));
		CHECK(do_unlink(fd, self->name) == -EPERM);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

#define RIVALS 8
#define ROUNDS 100

/* Of many who want a name for themselves one gets it, each time. */
TEST_F(names, one_of_many_gets_it)
{
	int *won = shared_memory(4096), i, round;
	pthread_barrier_t *together = shared_memory(sizeof(*together));
	pthread_barrierattr_t attr;
	pid_t pids[RIVALS];

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(together, &attr, RIVALS);
	for (i = 0; i < RIVALS; i++) {
		pids[i] = spawn_as(STRANGER + i);
		if (pids[i])
			continue;
		for (round = 0; round < ROUNDS; round++) {
			int fd = open_device(O_RDWR), ret;
			char name[80];

			snprintf(name, sizeof(name), "%s-%d", self->name, round);
			pthread_barrier_wait(together);
			ret = do_create(fd, name, SHMBUF_CREATE_EXCL, 4096, 0, 0, 0);
			CHECK(ret == 0 || ret == -EEXIST);
			if (ret == 0)
				__atomic_add_fetch(&won[round], 1, __ATOMIC_SEQ_CST);
			pthread_barrier_wait(together);
			close(fd);
		}
		_exit(0);
	}
	for (i = 0; i < RIVALS; i++)
		EXPECT_EQ(0, reap(pids[i]));
	for (round = 0; round < ROUNDS; round++)
		EXPECT_EQ(1, won[round]);
}

#define MANY	900
#define NAMESPACES 12

static const char *nth_name(int i, char name[64])
{
	snprintf(name, 64, "one-of-many-%d", i);
	return name;
}

/* Thousands of look-ups: some meet a name of the other namespace, however names are hashed. */
TEST_F(names, none_of_another_ipc_namespace)
{
	char name[64];
	int i, ns;
	pid_t pid;

	for (i = 0; i < MANY; i++)
		new_buffer(nth_name(i, name), 0, 0, 0);
	pid = spawn();
	if (!pid) {
		int fd = open_device(O_RDWR);

		for (ns = 0; ns < NAMESPACES; ns++) {
			CHECK(!unshare(CLONE_NEWIPC));
			for (i = 0; i < MANY; i++)
				CHECK(do_open(fd, nth_name(i, name)) == -ENOENT);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

/* Another IPC namespace can't be entered without rights over it. */
TEST_F(names, of_another_ipc_namespace)
{
	pid_t pid = spawn_as(OWNER);
	int status;

	if (!pid) {
		/* The very user, with a namespace of his own: nothing of his is there. */
		char path[64];
		int host;

		snprintf(path, sizeof(path), "/proc/%d/ns/ipc", getppid());
		host = open("/proc/self/ns/ipc", O_RDONLY);
		CHECK(host >= 0);
		CHECK(open(path, O_RDONLY) < 0);
		if (unshare(CLONE_NEWUSER | CLONE_NEWIPC))
			_exit(4);
		CHECK(do_open(open_device(O_RDWR), self->name) == -ENOENT);
		CHECK(do_unlink(open_device(O_RDWR), self->name) == -ENOENT);
		CHECK(setns(host, CLONE_NEWIPC) && errno == EPERM);
		_exit(0);
	}
	status = reap(pid);
	if (status == 4)
		SKIP(return, "no user namespaces here");
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
