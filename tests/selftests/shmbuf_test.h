/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the selftests share: raw ioctls that return -errno, buffers, children,
 * and waiting for conditions. Helpers that aren't what a test is about abort
 * it when they fail.
 */
#ifndef SHMBUF_TEST_H
#define SHMBUF_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/shmbuf.h>
#include <linux/shmbuf_word.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ioctls.h"
#include "patience.h"

#define DEVICE		"/dev/shmbuf"
#define PARAMETERS	"/sys/module/shmbuf/parameters/"
#define NEVER		SHMBUF_DEADLINE_NEVER
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL
#define PATIENCE	(PATIENCE_S * NSEC_PER_SEC)

#define fatal(fmt, ...) do {						\
	fprintf(stderr, "# %s:%d: " fmt "\n", __FILE__, __LINE__,	\
		##__VA_ARGS__);						\
	abort();							\
} while (0)

/* For children, which the harness's macros don't reach. */
#define CHECK(cond) do {						\
	if (!(cond))							\
		fatal("in a child: not so: %s (errno %d)", #cond, errno); \
} while (0)

#define UNTIL(cond) do {						\
	__u64 __start = now();						\
	while (!(cond)) {						\
		if (now() - __start > PATIENCE)				\
			fatal("waited in vain for: %s", #cond);		\
		look_again_later(__start);				\
	}								\
} while (0)

static inline __u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The less often the longer it takes: a hundred who look keep others from what they wait for. */
static inline void look_again_later(__u64 start)
{
	__u64 us = (now() - start) / 8000;

	usleep(us < 300 ? 300 : us > 30000 ? 30000 : us);
}

/* Buffers */

static inline int open_device(int flags)
{
	int fd = open(DEVICE, flags);

	if (fd < 0)
		fatal("open " DEVICE ": %s", strerror(errno));
	return fd;
}

static inline const char *new_name(char name[64])
{
	static unsigned int count;

	snprintf(name, 64, "selftest-%d-%u", getpid(), count++);
	return name;
}

/* Locks first, then queues, then @free objects without a kind. */
static inline int do_create(int fd, const char *name, __u32 flags, __u64 size,
			    __u32 locks, __u32 queues, __u32 free)
{
	struct shmbuf_range ranges[] = {
		{ .first = 0, .count = locks, .kind = SHMBUF_KIND_LOCK },
		{ .first = locks, .count = queues, .kind = SHMBUF_KIND_QUEUE },
	};
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = flags, .name = address(name),
		.name_len = name ? strlen(name) : 0, .data_size = size,
		.nr_objects = locks + queues + free,
		.ranges = address(locks ? ranges : ranges + 1),
		.nr_ranges = !!locks + !!queues,
	};

	if (!arg.nr_ranges)
		arg.ranges = 0;
	return call(fd, SHMBUF_IOC_CREATE, &arg);
}

static inline int new_buffer(const char *name, __u32 locks, __u32 queues, __u32 free)
{
	int fd = open_device(O_RDWR);
	int ret = do_create(fd, name, 0, 4096, locks, queues, free);

	if (ret)
		fatal("CREATE: %d", ret);
	return fd;
}

static inline int open_buffer(const char *name, int flags)
{
	int fd = open_device(flags);
	int ret = do_open(fd, name);

	if (ret)
		fatal("OPEN %s: %d", name, ret);
	return fd;
}

static inline __u64 new_owner(int fd)
{
	__u64 owner;
	int ret = do_register(fd, 0, &owner);

	if (ret)
		fatal("REGISTER: %d", ret);
	return owner;
}

static inline void *map_data(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		fatal("mmap of the data: %s", strerror(errno));
	return p;
}

struct control {
	char *base;
	size_t size;
	__u32 offset;
	__u32 stride;
	__u32 nr_objects;
};

static inline size_t control_size(int fd, struct shmbuf_query *query)
{
	struct shmbuf_area areas[8];
	__u32 i;
	int ret;

	*query = (struct shmbuf_query){ .areas = address(areas), .nr_areas = ARRAY_SIZE(areas) };
	ret = do_query(fd, query);
	for (i = 0; !ret && i < query->nr_areas; i++)
		if (areas[i].type == SHMBUF_AREA_CONTROL)
			return areas[i].size;
	fatal("QUERY: %d, no control area", ret);
}

static inline struct control map_control(int fd, int prot)
{
	struct shmbuf_query query;
	struct control c;

	c.size = control_size(fd, &query);
	c.offset = query.object_offset;
	c.stride = query.object_stride;
	c.nr_objects = query.nr_objects;
	c.base = mmap(NULL, c.size, prot, MAP_SHARED, fd, SHMBUF_CONTROL_OFFSET);
	if (c.base == MAP_FAILED)
		fatal("mmap of the control area: %s", strerror(errno));
	return c;
}

static inline __u64 *word_of(const struct control *c, __u32 index)
{
	return (__u64 *)(c->base + c->offset + (size_t)index * c->stride);
}

static inline __u64 read_word(const struct control *c, __u32 index)
{
	return __atomic_load_n(word_of(c, index), __ATOMIC_ACQUIRE);
}

static inline __u64 read_sequence(const struct control *c, __u32 index)
{
	return read_word(c, index) & SHMBUF_SEQUENCE_MASK;
}

static inline void write_word(const struct control *c, __u32 index, __u64 value)
{
	__atomic_store_n(word_of(c, index), value, __ATOMIC_SEQ_CST);
}

static inline bool swap_word(const struct control *c, __u32 index, __u64 old, __u64 value)
{
	return __atomic_compare_exchange_n(word_of(c, index), &old, value, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* The fast paths that a library has. */

static inline bool fast_lock(const struct control *c, __u64 owner, __u32 index)
{
	__u64 value;

	return shmbuf_lock_user_acquire(0, owner, &value) && swap_word(c, index, 0, value);
}

static inline bool fast_unlock(const struct control *c, __u64 owner, __u32 index)
{
	__u64 value;

	return shmbuf_lock_user_release(owner, owner, &value) && swap_word(c, index, owner, value);
}

static inline __u64 row_offset(__u64 owner)
{
	return SHMBUF_ROW_OFFSET + (owner & SHMBUF_OWNER_SLOT_MASK) * sysconf(_SC_PAGESIZE);
}

static inline __u64 *map_row(int fd, __u64 owner)
{
	void *p = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       row_offset(owner));

	if (p == MAP_FAILED)
		fatal("mmap of a row: %s", strerror(errno));
	return p;
}

static inline __u64 *entry_of(__u64 *row, __u32 index)
{
	return &row[index % SHMBUF_ROW_ENTRIES];
}

static inline bool fast_read(__u64 *row, __u32 index)
{
	__u64 old = __atomic_load_n(entry_of(row, index), __ATOMIC_RELAXED), value;

	return shmbuf_row_user_acquire(old, index, &value) &&
	       __atomic_compare_exchange_n(entry_of(row, index), &old, value, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool fast_unread(__u64 *row, __u32 index)
{
	__u64 old = __atomic_load_n(entry_of(row, index), __ATOMIC_RELAXED), value;

	return shmbuf_row_user_release(old, index, &value) &&
	       __atomic_compare_exchange_n(entry_of(row, index), &old, value, false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static inline bool fast_wake(const struct control *c, __u32 index)
{
	__u64 old = read_word(c, index), value;

	while (shmbuf_queue_user_wake(old, &value)) {
		if (swap_word(c, index, old, value))
			return true;
		old = read_word(c, index);
	}
	return false;
}

static inline bool fast_down(const struct control *c, __u32 index)
{
	__u64 old = read_word(c, index), value;

	while (shmbuf_sem_user_down(old, &value)) {
		if (swap_word(c, index, old, value))
			return true;
		old = read_word(c, index);
	}
	return false;
}

static inline bool fast_up(const struct control *c, __u32 index)
{
	__u64 old = read_word(c, index), value;

	while (shmbuf_sem_user_up(old, &value)) {
		if (swap_word(c, index, old, value))
			return true;
		old = read_word(c, index);
	}
	return false;
}

static inline __u64 read_count(const struct control *c, __u32 index)
{
	return shmbuf_sem_word_count(read_word(c, index));
}

/* A semaphore of which @count units are there, and not more than @most can be. */
static inline void new_sem(int fd, __u32 index, __u64 count, __u64 most)
{
	int ret = do_init(fd, index, 1, SHMBUF_KIND_SEMAPHORE, most << 32 | count);

	if (ret)
		fatal("INIT of a semaphore: %d", ret);
}

/* Processes */

static inline void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fatal("mmap: %s", strerror(errno));
	return p;
}

static inline pid_t spawn(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fatal("fork: %s", strerror(errno));
	return pid;
}

/* The exit status, or 128 + the signal. */
static inline int reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fatal("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	return reap(pid);
}

/* The letter of thread @tid's state, X where there is none. */
static inline char state_of(pid_t tid)
{
	char path[64], line[512], *state = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return 'X';
	if (fgets(line, sizeof(line), f))
		state = strrchr(line, ')');
	fclose(f);
	return state ? state[2] : 'X';
}

/*
 * Thread @tid sleeps within ioctl @cmd. The state, too: whoever is being woken
 * from a stop doesn't run, and is within a call that he will make again.
 */
static inline bool asleep_in(pid_t tid, unsigned long cmd)
{
	unsigned long fd, seen;
	char path[64], line[256];
	bool asleep = false;
	FILE *f;
	long nr;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f) && sscanf(line, "%ld %lx %lx", &nr, &fd, &seen) == 3)
		asleep = nr == __NR_ioctl && seen == cmd && state_of(tid) == 'S';
	fclose(f);
	return asleep;
}

/* Longer than who waits is passed by who runs: 2 ms. It's the time that is waited for. */
static inline void wait_long(void)
{
	__u64 start = now();

	while (now() - start < 20 * NSEC_PER_MSEC)
		usleep(1000);
}

/* Clock ticks that a thread has spent in the kernel. */
static inline unsigned long kernel_ticks(pid_t tid)
{
	unsigned long ticks = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tid, tid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %lu",
			&ticks) != 1)
		fatal("%s can't be read", path);
	if (f)
		fclose(f);
	return ticks;
}

/* Thread @tid has ended, or is a zombie. */
static inline bool ended(pid_t tid)
{
	char state = state_of(tid);

	return state == 'Z' || state == 'X';
}

/* Module parameters; a test that sets one puts the old value back. */

static inline __u64 get_parameter(const char *name)
{
	unsigned long long value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &value) != 1)
		fatal("%s can't be read: %s", path, strerror(errno));
	fclose(f);
	return value;
}

static inline void set_parameter(const char *name, __u64 value)
{
	char path[128], text[32];
	int fd, len;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	len = snprintf(text, sizeof(text), "%llu", value);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, len) != len)
		fatal("%s can't be set: %s", path, strerror(errno));
	close(fd);
}

/* Each child goes when its parent goes, however that was ended. */
static void go_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/*
 * Before main(): the tests of a file need the device, and root; and a test
 * whose child execs this very program gets one that only waits to be killed.
 */
static void __attribute__((constructor)) __prepare(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--idle")) {
		prctl(PR_SET_NAME, "idle");
		for (;;)
			pause();
	}
	if (access(DEVICE, F_OK)) {
		ksft_print_header();
		ksft_exit_skip("there is no " DEVICE ": load the module\n");
	}
	if (geteuid()) {
		ksft_print_header();
		ksft_exit_skip("needs root\n");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	pthread_atfork(NULL, NULL, go_with_parent);
}

static inline void exec_idle(void)
{
	execl("/proc/self/exe", "idle", "--idle", NULL);
	_exit(1);
}

#endif /* SHMBUF_TEST_H */
