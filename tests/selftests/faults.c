// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of each call the first, second, ... allocation or copy from or to user memory fails, until it
 * passes without a fault. A call that failed has left everything as it was, and can be made again.
 * For kernels with fault injection; leaks are looked for by the runner.
 */
#include "fault_ops.h"
#include <sys/rseq.h>

#define DEBUGFS		"/sys/kernel/debug/"
#define MOST_FAULTS	3000

/* Exit statuses of who runs a call once. */
enum { FAILED = 10, TOLERATED, PASSED };

/* What can be seen of a scene, in memory that is there before a fault is waited for. */
struct seen {
	struct shmbuf_query query;
	char fdinfo[2048];
	__u64 words[NR_OBJECTS];
	int fds, mappings;
};

static const struct {
	const char *name;
	__u64 value;
} limits[] = {
	/* What the scene has and a call wants, and a little: what leaks is missed soon. */
	{ "max_user_buffers", 3 }, { "max_user_bytes", 3 * (SIZE + 4096) },
	{ "max_user_objects", 3 * NR_OBJECTS }, { "max_user_owners", 4 },
	{ "max_user_waiters", 4 }, { "max_user_claims", 4 },
};

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fatal("%s: %s", path, strerror(errno));
	close(fd);
}

static size_t read_all(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	CHECK(fd >= 0);
	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += n;
	CHECK(n == 0);
	text[len] = '\0';
	close(fd);
	return len;
}

static int count_fds(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int count_mappings(void)
{
	static char text[65536];
	const char *p = text;
	int count = 0;

	read_all("/proc/self/maps", text, sizeof(text));
	while ((p = strstr(p, DEVICE))) {
		count++;
		p++;
	}
	return count;
}

static void look(const struct scene *s, struct seen *seen)
{
	char path[64];
	int i;

	memset(seen, 0, sizeof(*seen));
	CHECK(do_query(s->fd, &seen->query) == 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s->fd);
	read_all(path, seen->fdinfo, sizeof(seen->fdinfo));
	for (i = 0; i < NR_OBJECTS; i++)
		seen->words[i] = read_word(&s->control, i);
	seen->fds = count_fds();
	seen->mappings = count_mappings();
}

static void compare(const struct op *op, int nr, const struct seen *before,
		    const struct seen *after)
{
	const char *what = NULL;

	if (memcmp(&before->query, &after->query, sizeof(before->query)))
		what = "QUERY";
	else if (strcmp(before->fdinfo, after->fdinfo))
		what = "fdinfo";
	else if (memcmp(before->words, after->words, sizeof(before->words)))
		what = "a word";
	else if (before->fds != after->fds)
		what = "the number of descriptors";
	else if (before->mappings != after->mappings)
		what = "the number of mappings";
	if (what)
		fatal("%s with fault %d failed and changed %s", op->name, nr, what);
}

static void enter(struct scene *s)
{
	/* What the one before had may still be on its way back. */
	s->fd = open_device(O_RDWR);
	UNTIL(make(s->fd, new_name(s->name), 0) == 0);
	s->control = map_control(s->fd, PROT_READ | PROT_WRITE);
	s->data = map_data(s->fd, SIZE);
	s->fresh = open_device(O_RDWR);
	s->eventfd = eventfd(0, 0);
	CHECK(s->eventfd >= 0);
}

/*
 * Whoever was preempted has the kernel write to his rseq area; where fork() has made that page
 * one to be copied, and the fault hits the copy, this is SIGSEGV.
 */
static void leave_rseq(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		CHECK(!syscall(__NR_rseq, area, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
}

static void arm(int fd, int nr)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nr);

	CHECK(pwrite(fd, text, len, 0) == len);
}

/* Whether the fault has happened by now. These calls, too, can be what it hits. */
static bool disarm(int fd)
{
	char text[16] = "";
	bool happened = pread(fd, text, sizeof(text), 0) > 0 && atoi(text) == 0;

	while (pwrite(fd, "0", 1, 0) != 1)
		happened = false;
	return happened;
}

/* In a process of its own. */
static int run_once(const struct op *op, int nr)
{
	int fail_nth = open("/proc/thread-self/fail-nth", O_RDWR), ret;
	static struct seen before, after;
	struct scene s = { };
	bool happened;

	CHECK(fail_nth >= 0);
	leave_rseq();
	enter(&s);
	if (op->joins)
		s.owner = new_owner(s.fd);
	if (op->prepare)
		op->prepare(&s);
	look(&s, &before);
	arm(fail_nth, nr);
	ret = op->run(&s);
	happened = disarm(fail_nth);
	if (ret != op->want && !(happened && (ret == -ENOMEM || ret == -EFAULT || ret == -ENOSPC)))
		fatal("%s with fault %d: %d", op->name, nr, ret);
	if (ret != op->want) {
		look(&s, &after);
		compare(op, nr, &before, &after);
		ret = op->run(&s);
		if (ret != op->want)
			fatal("%s again after fault %d: %d", op->name, nr, ret);
		return FAILED;
	}
	return happened ? TOLERATED : PASSED;
}

FIXTURE(faults)
{
	int handle;	/* keeps what is known of the user; 0 where there are no faults */
	__u64 before[ARRAY_SIZE(limits)];
};

FIXTURE_VARIANT(faults)
{
	size_t first, step;
};

/* In parts, for the harness's time limit. */
FIXTURE_VARIANT_ADD(faults, a) { .first = 0, .step = 4 };
FIXTURE_VARIANT_ADD(faults, b) { .first = 1, .step = 4 };
FIXTURE_VARIANT_ADD(faults, c) { .first = 2, .step = 4 };
FIXTURE_VARIANT_ADD(faults, d) { .first = 3, .step = 4 };

FIXTURE_SETUP(faults)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[128];
	size_t i;

	/* The tests skip themselves: after a SKIP here they would run nevertheless. */
	if (access("/proc/self/fail-nth", F_OK) || access(DEBUGFS "failslab", F_OK))
		return;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/verbose", kinds[i]);
		write_file(path, "0");
	}
	write_file(DEBUGFS "failslab/ignore-gfp-wait", "N");
	write_file(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	write_file(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_file(DEBUGFS "fail_page_alloc/min-order", "0");
	self->handle = open_device(O_RDWR);
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		self->before[i] = get_parameter(limits[i].name);
		set_parameter(limits[i].name, limits[i].value);
	}
}

FIXTURE_TEARDOWN(faults)
{
	size_t i;

	if (!self->handle)
		return;
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		set_parameter(limits[i].name, self->before[i]);
	close(self->handle);
}

TEST_F(faults, one_after_the_other)
{
	int nr, how, failed, tolerated;
	size_t i;

	if (!self->handle)
		SKIP(return, "this kernel injects no faults");
	for (i = variant->first; i < ARRAY_SIZE(ops); i += variant->step) {
		failed = 0;
		tolerated = 0;
		for (nr = 1; nr < MOST_FAULTS; nr++) {
			pid_t pid = spawn();

			if (!pid)
				_exit(run_once(&ops[i], nr));
			how = reap(pid);
			failed += how == FAILED;
			tolerated += how == TOLERATED;
			if (how != FAILED && how != TOLERATED)
				break;
		}
		TH_LOG("%s: %d faults failed, %d were tolerated", ops[i].name, failed, tolerated);
		EXPECT_EQ(PASSED, how);
		EXPECT_LT(0, failed + tolerated);
	}
}

TEST_HARNESS_MAIN
