// SPDX-License-Identifier: GPL-2.0-only
/*
 * What buffers cost the kernel.
 *
 * Counted is all memory that is neither free nor on one of the LRU lists (page
 * cache, anonymous and shmem pages): vmalloc, page tables, whole pages, and of the
 * slabs the objects that are in use, not the stock of free ones that comes and
 * goes. COUNT buffers are measured after FIRST others, and the median of ROUNDS is
 * taken.
 *
 * What a sync object costs is the slope between a small and a large table: all
 * that doesn't depend on the table's size cancels. A buffer's constant cost is
 * that of a buffer without objects, less its control area's only page (page
 * rounding), less a memfd and an open file of a character device (shmem's inode
 * and two files, which is what a handle and its data area are made of anyway).
 */
#include "shmbuf_test.h"
#include <linux/membarrier.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define FIRST	250
#define COUNT	1000
#define ROUNDS	3
#define PAGE	4096

static const char *const parameters[] = {
	"max_user_buffers", "max_user_objects", "max_user_owners",
};

static long bytes_of(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	if (!p)
		fatal("/proc/meminfo has no %s", key);
	return atol(p + strlen(key)) * 1024;
}

/* Bytes of slab objects that are in use. */
static long slab_objects(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	unsigned long active, size;
	char line[512];
	long sum = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %lu %*u %lu", &active, &size) == 2)
			sum += active * size;
	if (!sum)
		fatal("/proc/slabinfo can't be read");
	fclose(f);
	return sum;
}

/* Free pages that each CPU keeps for itself, which MemFree leaves out. */
static long free_in_stock(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	char line[256];
	long pages, sum = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &pages) == 1)
			sum += pages * PAGE;
	if (!f)
		fatal("/proc/zoneinfo can't be read");
	fclose(f);
	return sum;
}

static long kernel_memory_now(void)
{
	char text[8192];
	int fd, len;

	/* Bring in what CPUs have counted, but not yet told. */
	fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);
	if (fd >= 0) {
		if (write(fd, "1", 1) != 1)
			fatal("stat_refresh: %s", strerror(errno));
		close(fd);
	}
	fd = open("/proc/meminfo", O_RDONLY);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		fatal("/proc/meminfo: %s", strerror(errno));
	close(fd);
	text[len] = 0;
	return bytes_of(text, "MemTotal:") - bytes_of(text, "MemFree:") -
	       bytes_of(text, "\nActive:") - bytes_of(text, "\nInactive:") -
	       bytes_of(text, "Unevictable:") - bytes_of(text, "Slab:") +
	       slab_objects() - free_in_stock();
}

/* Once nothing that was freed is still on its way. */
static long kernel_memory(void)
{
	long last = 0, seen = kernel_memory_now();
	int quiet;

	for (quiet = 0; quiet < 3; quiet = labs(seen - last) < 4 * PAGE ? quiet + 1 : 0) {
		last = seen;
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);	/* an RCU grace period */
		usleep(3000);
		seen = kernel_memory_now();
	}
	return seen;
}

struct subject {
	int (*make)(const struct subject *s, int *second);
	__u32 objects;
	__u32 layout;
	bool join;
};

static int make_peer(const struct subject *s, int *second)
{
	int fd = syscall(SYS_memfd_create, "peer", 0);

	(void)s;
	*second = open("/dev/null", O_RDWR);
	if (fd < 0 || *second < 0 || ftruncate(fd, PAGE))
		fatal("memfd: %s", strerror(errno));
	return fd;
}

static int make_buffer(const struct subject *s, int *second)
{
	struct shmbuf_range range = { .count = s->objects, .kind = SHMBUF_KIND_LOCK };
	struct shmbuf_create c = {
		.size = sizeof(c), .data_size = PAGE, .nr_objects = s->objects,
		.layout = s->layout, .ranges = address(&range), .nr_ranges = !!s->objects,
	};
	int fd = open_device(O_RDWR), ret;

	*second = -1;
	ret = call(fd, SHMBUF_IOC_CREATE, &c);
	if (ret)
		fatal("CREATE: %d", ret);
	if (s->join)
		new_owner(fd);
	return fd;
}

/* Bytes for one more of these. */
static long cost_once(const struct subject *s)
{
	static int fds[FIRST + COUNT][2];
	long before = 0, after;
	int i;

	for (i = 0; i < FIRST + COUNT; i++) {
		if (i == FIRST)
			before = kernel_memory();
		fds[i][0] = s->make(s, &fds[i][1]);
	}
	after = kernel_memory();
	for (i = 0; i < FIRST + COUNT; i++) {
		close(fds[i][0]);
		if (fds[i][1] >= 0)
			close(fds[i][1]);
	}
	return (after - before) / COUNT;
}

static int compare(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static long cost(const struct subject *s)
{
	long costs[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		costs[i] = cost_once(s);
	qsort(costs, ROUNDS, sizeof(long), compare);
	return costs[ROUNDS / 2];
}

FIXTURE(memory)
{
	__u64 before[ARRAY_SIZE(parameters)];
	const char *lacks;	/* why nothing can be measured, or NULL */
};

/* Why the kernel can't tell what it costs, or costs more than it would by itself; or NULL. */
static const char *no_measure(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	const char *why = access("/proc/slabinfo", F_OK) ? "no /proc/slabinfo" : NULL;
	char line[512];

	while (f && !why && fgets(line, sizeof(line), f))
		if (strstr(line, " kasan_report\n"))
			why = "KASAN adds to each object";
	if (f)
		fclose(f);
	return why;
}

FIXTURE_SETUP(memory)
{
	struct rlimit files = { 5 * COUNT, 5 * COUNT };
	size_t i;

	self->lacks = no_measure();
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		self->before[i] = get_parameter(parameters[i]);
		set_parameter(parameters[i], 1 << 30);
	}
}

FIXTURE_TEARDOWN(memory)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		set_parameter(parameters[i], self->before[i]);
}

/* As many objects as fill @pages pages of the control area. */
static __u32 objects_in(__u32 pages, __u32 layout)
{
	const struct subject s = { make_buffer, 1, layout, false };
	struct shmbuf_query query = {};
	int fd, second;

	fd = make_buffer(&s, &second);
	if (do_query(fd, &query))
		fatal("QUERY failed");
	close(fd);
	return (pages * PAGE - query.object_offset) / query.object_stride;
}

static double cost_of_an_object(__u32 layout)
{
	const struct subject small = { make_buffer, objects_in(1, layout), layout, false };
	const struct subject large = { make_buffer, objects_in(17, layout), layout, false };

	return (double)(cost(&large) - cost(&small)) / (large.objects - small.objects);
}

/* What else happens on the machine meanwhile: one per cent. */
#define NOISE 1.01

TEST_F(memory, object_of_the_default_layout)
{
	double bytes;

	if (self->lacks)
		SKIP(return, "%s", self->lacks);
	bytes = cost_of_an_object(SHMBUF_LAYOUT_SPREAD);
	TH_LOG("%.2f bytes for a sync object", bytes);
	EXPECT_LE((int)(bytes * 100), (int)(64 * NOISE * 100));
	EXPECT_LT(60 * 100, (int)(bytes * 100));	/* else nothing was measured */
}

TEST_F(memory, object_of_the_packed_layout)
{
	double bytes;

	if (self->lacks)
		SKIP(return, "%s", self->lacks);
	bytes = cost_of_an_object(SHMBUF_LAYOUT_PACKED);
	TH_LOG("%.2f bytes for a sync object", bytes);
	EXPECT_LE((int)(bytes * 100), (int)(8 * NOISE * 100));
	EXPECT_LT(7 * 100, (int)(bytes * 100));
}

/* Not every kernel with PREEMPT_RT has /sys/kernel/realtime. */
static bool is_realtime(void)
{
	struct utsname name;

	return !uname(&name) && strstr(name.version, "PREEMPT_RT");
}

TEST_F(memory, buffer)
{
	const struct subject peer = { make_peer, 0, 0, false };
	const struct subject empty = { make_buffer, 0, SHMBUF_LAYOUT_SPREAD, false };
	long base, bytes;
	/* With PREEMPT_RT each spinlock is a mutex with its waiters. */
	long limit = is_realtime() ? 5120 : 4096;

	if (self->lacks)
		SKIP(return, "%s", self->lacks);
	base = cost(&peer);
	bytes = cost(&empty);
	TH_LOG("a buffer %ld bytes, a memfd and a file %ld: constant cost %ld of %ld", bytes, base,
	       bytes - base - PAGE, limit);
	EXPECT_LT(bytes - base - PAGE, limit);
	EXPECT_LT(0, base);
	EXPECT_LT(PAGE, bytes);
}

TEST_F(memory, joined_process)
{
	const struct subject empty = { make_buffer, 0, SHMBUF_LAYOUT_SPREAD, false };
	const struct subject joined = { make_buffer, 0, SHMBUF_LAYOUT_SPREAD, true };
	long bytes;

	if (self->lacks)
		SKIP(return, "%s", self->lacks);
	bytes = cost(&joined) - cost(&empty);
	TH_LOG("%ld bytes for a joined process", bytes);
	EXPECT_LE(bytes, PAGE);
	EXPECT_LT(0, bytes);
}

TEST_HARNESS_MAIN
