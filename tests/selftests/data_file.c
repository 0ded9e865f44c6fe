// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file behind a data area. Mappings have it, and no descriptor: nobody gets at it but by
 * a handle, nor cuts or stretches it.
 */
#include "observer.h"
#include "pages.h"
#include <setjmp.h>

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

#define BIT(n) (1ULL << (n))

static void map_files_path(char path[128], const char *at)
{
	snprintf(path, 128, "/proc/self/map_files/%lx-%lx", (long)at, (long)at + DATA);
}

static void must_not_open(const char *path)
{
	static const int flags[] = { O_RDWR, O_WRONLY, O_RDONLY, O_RDWR | O_TRUNC };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		CHECK(open(path, flags[i]) < 0 && (errno == EPERM || errno == EACCES));
	CHECK(truncate(path, 0));
	CHECK(chmod(path, 0777));
	CHECK(execl(path, "it", NULL));
}

static void opened_through_map_files(struct view *v)
{
	char path[128];

	if (access("/proc/self/map_files", F_OK))
		lacks(v, "/proc/PID/map_files");
	map_files_path(path, v->data);
	must_not_open(path);
}

TEST_OBSERVER(opened_through_map_files)

/* Who may follow the link finds a file that is nobody's to open. */
TEST_F(observer, opened_by_who_may_checkpoint)
{
	static const int caps[] = { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(caps); i++)
		observe(_metadata, self, opened_through_map_files, BIT(caps[i]));
	if (*self->lacks)
		SKIP(return, "%s", self->lacks);
}

/* Not even by who made the buffer, and might write to it. */
TEST_F(observer, opened_by_the_owner)
{
	pid_t pid = spawn();

	if (access("/proc/self/map_files", F_OK))
		SKIP(return, "no /proc/PID/map_files");
	if (!pid) {
		char path[128];

		become_with(OWNER, BIT(CAP_CHECKPOINT_RESTORE));
		map_files_path(path, map_data(self->fd, DATA));
		must_not_open(path);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	expect_untouched(_metadata, self);
}

/* Root may read all memory, and doesn't take it away from under others by accident. */
TEST_F(observer, not_cut_by_root)
{
	char path[128];

	if (access("/proc/self/map_files", F_OK))
		SKIP(return, "no /proc/PID/map_files");
	map_files_path(path, self->data);
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, truncate(path, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, truncate(path, 1000 * DATA));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, chmod(path, 0777));
	EXPECT_EQ(EPERM, errno);
	expect_untouched(_metadata, self);
}

/* Holes can't be punched by who may write, either. */
TEST_F(observer, no_holes)
{
	int advice;
	pid_t pid;

	EXPECT_EQ(-1, madvise(self->data, DATA, MADV_REMOVE));
	EXPECT_EQ(-1, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, DATA));
	pid = spawn_as(STRANGER);
	if (!pid) {
		struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);

		for (advice = 0; advice < 128; advice++) {
			madvise(self->data, DATA, advice);
			madvise(c.base, c.size, advice);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	expect_untouched(_metadata, self);
}

/* Who maps by a handle is asked about seals; nobody maps the file without one. */
TEST_F(observer, mapped_without_a_handle)
{
	char *p;

	ASSERT_EQ(0, do_seal(self->fd, SHMBUF_SEAL_EXEC));
	p = map_data(self->fd, DATA);
	EXPECT_EQ(-1, mprotect(p, DATA, PROT_READ | PROT_EXEC));
	syscall(SYS_remap_file_pages, p, DATA, 0, 0, 0);
	EXPECT_EQ(-1, mprotect(p, DATA, PROT_READ | PROT_EXEC));
	expect_untouched(_metadata, self);
}

#define LARGE (256UL << 20)

static int new_growing(void)
{
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = SHMBUF_CREATE_PREALLOC, .data_size = PAGE,
		.max_size = LARGE,
	};
	int fd = open_device(O_RDWR);

	CHECK(call(fd, SHMBUF_IOC_CREATE, &arg) == 0);
	return fd;
}

/* What has become of a writer to the last byte that there may ever be. */
enum { IN_VAIN, SCRIBBLED, CUT_OFF };

static sigjmp_buf no_memory;

static void on_sigbus(int sig)
{
	siglongjmp(no_memory, sig);
}

static void scribble(char *last, int *state)
{
	signal(SIGBUS, on_sigbus);
	if (sigsetjmp(no_memory, 1) && *state == SCRIBBLED) {
		__atomic_store_n(state, CUT_OFF, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	for (;;) {
		*last = 1;
		__atomic_store_n(state, SCRIBBLED, __ATOMIC_SEQ_CST);
	}
}

static char *map_largest(int fd)
{
	char *p = mremap(map_data(fd, PAGE), PAGE, LARGE, MREMAP_MAYMOVE);

	CHECK(p != MAP_FAILED);
	return p;
}

static pid_t spawn_scribbler(int fd, int *state)
{
	pid_t pid;

	*state = IN_VAIN;
	pid = spawn();
	if (!pid)
		scribble(map_largest(fd) + LARGE - 1, state);
	return pid;
}

/* True where a process was killed in the middle of a GROW, and not behind it. */
static bool kill_a_grower(int fd, const int *state)
{
	struct shmbuf_query query = {};
	pid_t pid = spawn();

	if (!pid) {
		do_grow(fd, LARGE);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(state, __ATOMIC_SEQ_CST) == SCRIBBLED);
	CHECK(kill_and_reap(pid) == 128 + SIGKILL);
	CHECK(do_query(fd, &query) == 0);
	return query.data_size == PAGE;
}

static int new_given_up(int *state, pid_t *scribbler)
{
	for (;;) {
		int fd = new_growing();

		*scribbler = spawn_scribbler(fd, state);
		if (kill_a_grower(fd, state))
			return fd;
		kill_and_reap(*scribbler);
		close(fd);
	}
}

static bool is_there(const char *p)
{
	pid_t pid = spawn();

	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		_exit(__atomic_load_n(p, __ATOMIC_RELAXED));
	}
	return reap(pid) != 128 + SIGBUS;
}

/*
 * A GROW of a PREALLOC buffer that is given up: its pages go back, with what others have put
 * there meanwhile, and so does the charge.
 */
static void grow_and_be_killed(void)
{
	int *state = shared_memory(PAGE), other = open_device(O_RDWR), fd;
	long used = system_kib("Shmem");
	pid_t scribbler;
	char *p;

	fd = new_given_up(state, &scribbler);
	UNTIL(__atomic_load_n(state, __ATOMIC_SEQ_CST) == CUT_OFF);
	kill_and_reap(scribbler);
	CHECK(system_kib("Shmem") < used + 4096);
	/* The limit is LARGE. */
	CHECK(do_create(other, NULL, 0, LARGE - PAGE, 0, 0, 0) == 0);
	close(other);
	p = map_largest(fd);
	CHECK(!is_there(p + PAGE));
	CHECK(do_grow(fd, 2 * PAGE) == 0);
	CHECK(p[PAGE] == 0);
	CHECK(!is_there(p + 2 * PAGE));
	CHECK(do_grow(fd, LARGE) == 0);
	CHECK(p[LARGE - 1] == 0);
}

TEST_F(observer, growth_given_up_by_any_user)
{
	__u64 before = get_parameter("max_user_bytes");
	pid_t pid;

	set_parameter("max_user_bytes", LARGE);
	pid = spawn_as(STRANGER);
	if (!pid) {
		grow_and_be_killed();
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	set_parameter("max_user_bytes", before);
}

TEST_HARNESS_MAIN
