// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left of a handle, its mappings and ids over exec, and what a set-uid program
 * makes of a handle that it was started with.
 */
#include "others.h"
#include <stdnoreturn.h>
#include <sys/mount.h>

/* Who owns a set-uid program, and nothing else. */
#define PROGRAM	(STRANGER + 1)

/* What the program after exec is told; its answer is its exit status. */
static int after_exec(char **argv)
{
	int fd = atoi(argv[2]), own = open_device(O_RDWR);
	__u64 id = strtoull(argv[3], NULL, 0), mine;
	struct shmbuf_query query = {};

	/* The handle is as it was ... */
	CHECK(do_query(fd, &query) == 0 && (query.handle_flags & SHMBUF_HANDLE_ATTACHED));
	/* ... and the id of who was here before is nobody's. */
	CHECK(do_unlock(fd, id, 0) == -EPERM);
	CHECK(do_unregister(fd, id) == -EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, row_offset(id)) == MAP_FAILED);
	if (!(query.handle_flags & SHMBUF_HANDLE_READONLY)) {
		/* Who wants the lock hears of a death, that of the same process. */
		CHECK(do_register(fd, 0, &mine) == 0 && mine != id);
		CHECK(do_trylock(fd, mine, 0) == -EOWNERDEAD);
		CHECK(do_consistent(fd, mine, 0) == 0 && do_unlock(fd, mine, 0) == 0);
	}
	/* Who asks by name is the effective user. */
	return do_open(own, argv[4]) == 0;
}

/* Before the one that skips where the tests can't be run by who is no root. */
static void __attribute__((constructor(101))) run_as_program(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "--after-exec"))
		_exit(after_exec(argv));
}

static noreturn void exec_with(const char *path, int fd, __u64 id, const char *name)
{
	char number[16], text[32];

	snprintf(number, sizeof(number), "%d", fd);
	snprintf(text, sizeof(text), "%#llx", id);
	CHECK(!fcntl(fd, F_SETFD, 0));
	execl(path, "program", "--after-exec", number, text, name, NULL);
	fatal("exec of %s: %s", path, strerror(errno));
}

FIXTURE(exec)
{
	char name[64];		/* of the owner's buffer */
	int fd;			/* of the stranger's */
	char path[64];
};

FIXTURE_SETUP(exec)
{
	char other[64], command[128];

	/* Somewhere that isn't mounted nosuid. */
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("tmpfs", "/tmp", "tmpfs", 0, "mode=0755"));
	snprintf(self->path, sizeof(self->path), "/tmp/program");
	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", getpid(), self->path);
	ASSERT_EQ(0, system(command));
	new_name(self->name);
	new_buffer_of(OWNER, self->name, 0600, 4096, 0, 0);
	self->fd = new_buffer_of(STRANGER, new_name(other), 0600, 4096, 1, 0);
}

FIXTURE_TEARDOWN(exec)
{
	umount2("/tmp", MNT_DETACH);
}

/* 1 where the program, started by a stranger, could open the owner's buffer. */
static int start(const char *path, int fd, const char *name, bool no_new_privs)
{
	pid_t pid = spawn_as(STRANGER);
	__u64 id;

	if (!pid) {
		CHECK(do_register(fd, 0, &id) == 0);
		CHECK(do_lock(fd, id, 0, 0, NEVER) == 0);
		map_row(fd, id);
		if (no_new_privs)
			CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		exec_with(path, fd, id, name);
	}
	return reap(pid);
}

TEST_F(exec, ids_end_and_the_handle_stays)
{
	EXPECT_EQ(0, chmod(self->path, 0755));
	EXPECT_EQ(0, start(self->path, self->fd, self->name, false));
}

/* How many mappings of ours a process has. */
static int mappings_of(pid_t pid)
{
	char path[64], line[512];
	int nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "r");
	if (!f)
		fatal("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		nr += strstr(line, " " DEVICE) || strstr(line, " /shmbuf");
	fclose(f);
	return nr;
}

TEST_F(exec, mappings_end)
{
	int *step = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		map_data(self->fd, 4096);
		map_control(self->fd, PROT_READ);
		map_row(self->fd, new_owner(self->fd));
		*step = mappings_of(getpid());
		exec_idle();
	}
	UNTIL(state_of(pid) == 'S' && *step);
	EXPECT_LE(3, *step);
	UNTIL(mappings_of(pid) == 0);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
}

/* A set-uid program has its owner's rights by name, and no more of the caller's than the fd. */
TEST_F(exec, set_uid)
{
	/* Of somebody who isn't root: no capability opens anything here. */
	EXPECT_EQ(0, chown(self->path, OWNER, OWNER));
	EXPECT_EQ(0, chmod(self->path, 04755));
	EXPECT_EQ(1, start(self->path, self->fd, self->name, false));
	EXPECT_EQ(0, start(self->path, self->fd, self->name, true));
}

static int create_one(void)
{
	return do_create(open_device(O_RDWR), NULL, 0, 4096, 0, 0, 0);
}

/* As a program of @program's that @caller has started. */
static void be(uid_t caller, uid_t program)
{
	CHECK(!setresuid(-1, 0, -1));
	CHECK(!setresuid(caller, program, 0));
}

/* Both may have one of each; the caller has had a buffer before. */
static void pay(int fd)
{
	struct stat st;
	__u64 id;

	CHECK(!stat(DEVICE, &st) && !setgroups(1, &st.st_gid));
	be(STRANGER, PROGRAM);
	CHECK(do_register(fd, 0, &id) == 0);
	CHECK(do_register(fd, 0, &id) == -EDQUOT);
	CHECK(create_one() == -EDQUOT);
	be(PROGRAM, PROGRAM);
	CHECK(do_register(fd, 0, &id) == 0);
	CHECK(create_one() == 0);
}

/* It is the caller who pays for what a set-uid program registers or makes. */
TEST_F(exec, set_uid_is_charged_to_the_caller)
{
	__u64 owners = get_parameter("max_user_owners");
	__u64 buffers = get_parameter("max_user_buffers");
	pid_t pid;

	set_parameter("max_user_owners", 1);
	set_parameter("max_user_buffers", 1);
	pid = spawn();
	if (!pid) {
		pay(self->fd);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	set_parameter("max_user_owners", owners);
	set_parameter("max_user_buffers", buffers);
}

TEST_HARNESS_MAIN
