// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file behind a data area. Mappings have it, and no descriptor: nobody gets at it but by
 * a handle, nor cuts or stretches it.
 */
#include "observer.h"

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

/* True where a process was killed in the middle of it, and not before or after. */
static bool kill_a_grower(int fd, int delay)
{
	struct shmbuf_query query = {};
	int *begun = shared_memory(PAGE);
	pid_t pid = spawn();

	if (!pid) {
		__atomic_store_n(begun, 1, __ATOMIC_SEQ_CST);
		do_grow(fd, LARGE);
		__atomic_store_n(begun, 2, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(begun, __ATOMIC_SEQ_CST));
	usleep(delay);
	CHECK(kill_and_reap(pid) == 128 + SIGKILL);
	CHECK(do_query(fd, &query) == 0);
	return __atomic_load_n(begun, __ATOMIC_SEQ_CST) == 1 && query.data_size == PAGE;
}

/* A GROW of a PREALLOC buffer that is given up: its pages go back, and so does the charge. */
static void grow_and_be_killed(void)
{
	int other = open_device(O_RDWR), delay, fd;
	pid_t pid;
	char *p;

	for (delay = 8000; ; delay = delay * 5 / 8 ?: 8000) {
		fd = new_growing();
		if (kill_a_grower(fd, delay))
			break;
		close(fd);
	}
	/* The limit is LARGE. */
	CHECK(do_create(other, NULL, 0, LARGE - PAGE, 0, 0, 0) == 0);
	close(other);
	p = mremap(map_data(fd, PAGE), PAGE, LARGE, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED);
	CHECK(do_grow(fd, 2 * PAGE) == 0);
	CHECK(p[PAGE] == 0);
	pid = spawn();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		_exit(p[2 * PAGE]);
	}
	CHECK(reap(pid) == 128 + SIGBUS);
}

/* Kilobytes of shmem pages in the system. */
static long shmem_used(void)
{
	char line[128];
	long used = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "Shmem: %ld", &used) != 1)
		;
	if (!f || used < 0)
		fatal("/proc/meminfo can't be read");
	fclose(f);
	return used;
}

TEST_F(observer, growth_given_up_by_any_user)
{
	__u64 before = get_parameter("max_user_bytes");
	long used = shmem_used();
	pid_t pid;

	set_parameter("max_user_bytes", LARGE);
	pid = spawn_as(STRANGER);
	if (!pid) {
		grow_and_be_killed();
		CHECK(shmem_used() < used + 4096);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	set_parameter("max_user_bytes", before);
}

TEST_HARNESS_MAIN
