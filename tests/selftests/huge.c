// SPDX-License-Identifier: GPL-2.0-only
/* Data of huge pages: where there are some, what they spare, and that nothing else differs. */
#include "others.h"
#include "pages.h"
#include <sys/resource.h>

#define PAGE	4096UL
/* What a program may fault beside, its stack and the harness's. */
#define FAULTS	16

#define THP	"/sys/kernel/mm/transparent_hugepage/"

static long number_in(const char *path)
{
	FILE *f = fopen(path, "r");
	long number = 0;

	if (f && fscanf(f, "%ld", &number) != 1)
		number = 0;
	if (f)
		fclose(f);
	return number;
}

static int create(__u32 flags, __u64 size, __u64 max_size)
{
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = flags, .data_size = size, .max_size = max_size,
	};
	int fd = open_device(O_RDWR), ret = call(fd, SHMBUF_IOC_CREATE, &arg);

	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* KiB of the mapping at @at that huge pages are mapped for. */
static long mapped_huge(const void *at)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool here = false;
	char line[256];
	long kib = 0, more;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (unsigned long)at >= from && (unsigned long)at < to;
		else if (here && sscanf(line, "ShmemPmdMapped: %ld", &more) == 1)
			kib += more;
	}
	if (!f)
		fatal("/proc/self/smaps: %s", strerror(errno));
	fclose(f);
	return kib;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* One byte of each page, which differs from page to page. */
static void fill(char *p, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += PAGE)
		p[i] = 1 + i / PAGE % 127;
}

static size_t wrong(const char *p, size_t size)
{
	size_t i, nr = 0;

	for (i = 0; i < size; i += PAGE)
		nr += p[i] != (char)(1 + i / PAGE % 127);
	return nr;
}

/* @size: of a huge page */
FIXTURE(huge)
{
	size_t size;
	__u64 limit;
};

FIXTURE_SETUP(huge)
{
	struct shmbuf_query query = {};
	int fd = open_device(O_RDWR);

	self->size = number_in(THP "hpage_pmd_size");
	ASSERT_EQ(0, do_query(fd, &query));
	close(fd);
	ASSERT_EQ(!!self->size, !!(query.features & SHMBUF_FEATURE_HUGE));
	/* To return would run the test; 255 is what the harness takes for skipped. */
	if (!self->size)
		SKIP(_exit(255), "this kernel has no huge pages");
	self->limit = get_parameter("max_user_bytes");
	/* Earlier tests leave free memory in small pieces. */
	fd = open("/proc/sys/vm/compact_memory", O_WRONLY);
	if (fd >= 0) {
		EXPECT_EQ(1, write(fd, "1", 1));
		close(fd);
	}
}

FIXTURE_TEARDOWN(huge)
{
	if (self->size)
		set_parameter("max_user_bytes", self->limit);
}

/* The kernel looks for a place that huge pages fit to for programs of 64 bits only. */
static bool is_aligned(void)
{
	return sizeof(void *) == 8;
}

TEST_F(huge, one_fault_for_each)
{
	size_t size = 4 * self->size;
	int fd = create(SHMBUF_CREATE_HUGE, size, 0);
	long before;
	char *p;

	if (!is_aligned())
		SKIP(return, "no aligned mappings for 32 bits");
	ASSERT_LE(0, fd);
	p = map_data(fd, size);
	EXPECT_EQ(0, (unsigned long)p % self->size);
	before = faults();
	fill(p, size);
	EXPECT_GE(4 + FAULTS, faults() - before);
	EXPECT_EQ(size / 1024, mapped_huge(p));
	EXPECT_EQ(0, wrong(p, size));
}

/* Others have one fault for each as well, and see what was written. */
TEST_F(huge, shared)
{
	size_t size = 4 * self->size;
	int fd = create(SHMBUF_CREATE_HUGE, size, 0);
	pid_t pid;
	char *p;

	if (!is_aligned())
		SKIP(return, "no aligned mappings for 32 bits");
	ASSERT_LE(0, fd);
	p = map_data(fd, size);
	fill(p, size);
	pid = spawn();
	if (!pid) {
		char *own = map_data(fd, size);
		long before = faults();

		CHECK(wrong(own, size) == 0);
		CHECK(faults() - before <= 4 + FAULTS);
		own[size - 1] = 77;
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(77, p[size - 1]);
}

TEST_F(huge, preallocated)
{
	size_t size = 4 * self->size;
	long used = system_kib("Shmem"), before;
	int fd = create(SHMBUF_CREATE_HUGE | SHMBUF_CREATE_PREALLOC, size, 0);
	char *p;

	if (!is_aligned())
		SKIP(return, "no aligned mappings for 32 bits");
	ASSERT_LE(0, fd);
	EXPECT_LE(used + (long)(size / 1024) - 512, system_kib("Shmem"));
	p = map_data(fd, size);
	before = faults();
	fill(p, size);
	EXPECT_GE(4 + FAULTS, faults() - before);
	EXPECT_EQ(size / 1024, mapped_huge(p));
}

/* What a huge page doesn't fit into is of small ones: no more is used than there is. */
TEST_F(huge, no_more_than_asked_for)
{
	size_t size = 2 * self->size + 3 * PAGE;
	__u32 prealloc;

	if (!is_aligned())
		SKIP(return, "no aligned mappings for 32 bits");
	for (prealloc = 0; prealloc <= 1; prealloc++) {
		long used = system_kib("Shmem");
		int fd = create(SHMBUF_CREATE_HUGE | (prealloc ? SHMBUF_CREATE_PREALLOC : 0),
				size, 0);
		char *p;

		ASSERT_LE(0, fd);
		p = map_data(fd, size);
		fill(p, size);
		EXPECT_EQ(2 * self->size / 1024, mapped_huge(p));
		EXPECT_GT(used + (long)((size + self->size / 2) / 1024), system_kib("Shmem"));
		EXPECT_EQ(0, wrong(p, size));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, size + PAGE, PROT_READ, MAP_SHARED, fd, 0));
		munmap(p, size);
		close(fd);
	}
}

/* Smaller than one: just a buffer. */
TEST_F(huge, small)
{
	int fd = create(SHMBUF_CREATE_HUGE, PAGE, 0);
	struct shmbuf_query query = {};
	char *p;

	ASSERT_LE(0, fd);
	p = map_data(fd, PAGE);
	EXPECT_EQ(0, p[0]);
	p[PAGE - 1] = 1;
	EXPECT_EQ(0, mapped_huge(p));
	ASSERT_EQ(0, do_query(fd, &query));
	EXPECT_EQ(SHMBUF_CREATE_HUGE, query.create_flags);
	EXPECT_EQ(PAGE, query.data_size);
}

TEST_F(huge, grown)
{
	size_t size = self->size / 2, large = 4 * self->size;
	int fd = create(SHMBUF_CREATE_HUGE, size, large);
	char *p;

	if (!is_aligned())
		SKIP(return, "no aligned mappings for 32 bits");
	ASSERT_LE(0, fd);
	p = map_data(fd, size);
	fill(p, size);
	EXPECT_EQ(0, mapped_huge(p));
	munmap(p, size);
	ASSERT_EQ(0, do_grow(fd, large));
	p = map_data(fd, large);
	EXPECT_EQ(0, wrong(p, size));
	EXPECT_EQ(0, p[size]);
	fill(p, large);
	/* The first is partly there in small ones. */
	EXPECT_LE(3 * self->size / 1024, mapped_huge(p));
	EXPECT_EQ(0, wrong(p, large));
}

/* A huge page of which a part is unmapped, or mapped otherwise, is still what it was. */
TEST_F(huge, mapped_in_parts)
{
	size_t size = 2 * self->size;
	int fd = create(SHMBUF_CREATE_HUGE, size, 0);
	char *p, *again;

	ASSERT_LE(0, fd);
	p = map_data(fd, size);
	fill(p, size);
	ASSERT_EQ(0, munmap(p + PAGE, 7 * PAGE));
	ASSERT_EQ(0, mprotect(p + 9 * PAGE, self->size, PROT_READ));
	EXPECT_EQ(0, wrong(p, PAGE));
	p[8 * PAGE + 1] = 5;
	again = map_data(fd, size);
	EXPECT_EQ(0, wrong(again, size));
	EXPECT_EQ(5, again[8 * PAGE + 1]);
	EXPECT_EQ(-1, madvise(again, self->size, MADV_REMOVE));
	EXPECT_EQ(0, madvise(again, size, MADV_DONTNEED));
	EXPECT_EQ(0, wrong(again, size));
}

TEST_F(huge, none_unless_asked_for)
{
	size_t size = 2 * self->size;
	int fd = create(0, size, 0);
	struct shmbuf_query query = {};
	char *p;

	ASSERT_LE(0, fd);
	p = map_data(fd, size);
	fill(p, size);
	EXPECT_EQ(0, mapped_huge(p));
	ASSERT_EQ(0, do_query(fd, &query));
	EXPECT_EQ(0, query.create_flags);
}

/* Whatever was in the memory before. */
TEST_F(huge, zeros)
{
	size_t size = 4 * self->size, i, nr = 0;
	int round, fd;
	long *p;

	for (round = 0; round < 3; round++) {
		fd = create(SHMBUF_CREATE_HUGE, size, 0);
		ASSERT_LE(0, fd);
		p = map_data(fd, size);
		for (i = 0; i < size / sizeof(*p); i++)
			nr += !!p[i];
		EXPECT_EQ(0, nr);
		memset(p, 0xa5, size);
		munmap(p, size);
		close(fd);
	}
}

/* Whose last user is killed gives all back. */
TEST_F(huge, given_back_by_the_killed)
{
	size_t size = 8 * self->size;
	long used = system_kib("Shmem");
	char *state = shared_memory(PAGE);
	pid_t pid = spawn();

	if (!pid) {
		int fd = create(SHMBUF_CREATE_HUGE, size, 0);

		CHECK(fd >= 0);
		fill(map_data(fd, size), size);
		*state = 1;
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(state, __ATOMIC_SEQ_CST));
	EXPECT_LT(used + (long)(size / 1024) / 2, system_kib("Shmem"));
	kill_and_reap(pid);
	UNTIL(system_kib("Shmem") < used + (long)(size / 1024) / 2);
}

static void charged(size_t size)
{
	int fd;

	CHECK(create(SHMBUF_CREATE_HUGE, 4 * size + PAGE, 0) == -EDQUOT);
	fd = create(SHMBUF_CREATE_HUGE | SHMBUF_CREATE_PREALLOC, 4 * size, 0);
	CHECK(fd >= 0);
	CHECK(create(SHMBUF_CREATE_HUGE, PAGE, 0) == -EDQUOT);
	close(fd);
	fd = create(SHMBUF_CREATE_HUGE, 3 * size, 5 * size);
	CHECK(fd >= 0);
	CHECK(do_grow(fd, 5 * size) == -EDQUOT);
	CHECK(do_grow(fd, 4 * size) == 0);
}

TEST_F(huge, charged_as_others)
{
	pid_t pid;

	set_parameter("max_user_bytes", 4 * self->size);
	pid = spawn_as(STRANGER);
	if (!pid) {
		charged(self->size);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

/* The file is as much nobody's as that of any buffer; data_file.c has more of that. */
TEST_F(huge, nobodys_to_open)
{
	int fd = create(SHMBUF_CREATE_HUGE, self->size, 0);
	char path[128], *p;

	if (access("/proc/self/map_files", F_OK))
		SKIP(return, "no /proc/PID/map_files");
	ASSERT_LE(0, fd);
	p = map_data(fd, self->size);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)p,
		 (long)(p + self->size));
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, truncate(path, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, chmod(path, 0777));
	EXPECT_EQ(EPERM, errno);
}

TEST_HARNESS_MAIN
