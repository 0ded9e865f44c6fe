// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is touched for the first time, page by page, and read through once more. */
#include "bench.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <shmbuf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB		1048576UL
#define SIZE_MIB	256L
#define SIZE_MIB_MIN	16L
/* Where instructions are counted each page costs the same, and much time. */
#define COUNTED_MIB	32L
#define PAGE		4096
#define LINE		64

enum pages { SMALL, HUGE, PREALLOC };

struct memory {
	const struct method *method;
	enum pages pages;
	size_t size;
	struct shmbuf *buffer;
	char *at;
	int fd;
};

/* @map makes memory that hasn't been touched, @unmap takes it back.  0 or -errno. */
struct method {
	int (*map)(struct memory *m);
	void (*unmap)(struct memory *m);
	const char *huge;		/* what huge pages of it need */
};

static int map_shmbuf(struct memory *m)
{
	static const unsigned int flags[] = { [HUGE] = SHMBUF_HUGE, [PREALLOC] = SHMBUF_PREALLOC };
	struct shmbuf_options options = { .flags = flags[m->pages] };
	int err = shmbuf_create(&m->buffer, NULL, m->size, &options);

	if (err)
		return err;
	m->at = shmbuf_data(m->buffer);
	/* Says EINVAL where the kernel has no huge pages anyway. */
	if (m->pages != HUGE)
		madvise(m->at, m->size, MADV_NOHUGEPAGE);
	return 0;
}

static void unmap_shmbuf(struct memory *m)
{
	shmbuf_close(m->buffer);
}

static int map_file(struct memory *m)
{
	int err = 0;

	if (m->fd < 0 || ftruncate(m->fd, m->size) ||
	    (m->pages == PREALLOC && fallocate(m->fd, 0, 0, m->size))) {
		err = -errno;
	} else {
		m->at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
		if (m->at == MAP_FAILED)
			err = -errno;
		else
			madvise(m->at, m->size, MADV_NOHUGEPAGE);
	}
	if (m->fd >= 0)
		close(m->fd);
	return err;
}

static int map_memfd(struct memory *m)
{
	m->fd = memfd_create("bench", MFD_CLOEXEC);
	return map_file(m);
}

static int map_shm(struct memory *m)
{
	char name[64];

	snprintf(name, sizeof(name), "shmbuf-bench-memory-%d", getpid());
	m->fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (m->fd >= 0)
		shm_unlink(name);
	return map_file(m);
}

static int map_hugetlb(struct memory *m)
{
	m->at = mmap(NULL, m->size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	return m->at == MAP_FAILED ? -errno : 0;
}

/* Private: shared anonymous memory is a memfd by another name. */
static int map_huge(struct memory *m)
{
	m->at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->at == MAP_FAILED)
		return -errno;
	return madvise(m->at, m->size, MADV_HUGEPAGE) ? -errno : 0;
}

static void unmap(struct memory *m)
{
	munmap(m->at, m->size);
}

static const struct method by_shmbuf = { map_shmbuf, unmap_shmbuf, "buffer with huge pages" };
static const struct method by_memfd = { map_memfd, unmap, NULL };
static const struct method by_shm = { map_shm, unmap, NULL };
static const struct method by_anonymous = { map_huge, unmap, "transparent huge page" };
static const struct method by_hugetlb = { map_hugetlb, unmap, "free page in hugetlb's pool" };

static double touch(const struct memory *m)
{
	uint64_t began = bench_now_ns();

	for (size_t i = 0; i < m->size; i += PAGE)
		__atomic_store_n(m->at + i, 1, __ATOMIC_RELAXED);
	return (double)(bench_now_ns() - began);
}

static double access_all(const struct memory *m)
{
	uint64_t began = bench_now_ns();

	for (size_t i = 0; i < m->size; i += LINE)
		__atomic_load_n((uint64_t *)(m->at + i), __ATOMIC_RELAXED);
	return (double)(bench_now_ns() - began);
}

static int measure(struct bench_subject *s, double *values)
{
	struct memory *m = s->state;
	double share = 1024.0 * MIB / m->size;
	int err = m->method->map(m);

	if (err)
		return err;
	values[0] = touch(m) * share;
	values[1] = access_all(m) * share;
	m->method->unmap(m);
	return 0;
}

static void teardown(struct bench_subject *s)
{
	free(s->state);
}

/* KiB of huge pages that are mapped at @at. */
static long huge_kib(const char *at)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool here = false;
	char line[256];
	long kib = 0, more;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (unsigned long)at >= from && (unsigned long)at < to;
		else if (here && (sscanf(line, "AnonHugePages: %ld", &more) == 1 ||
				  sscanf(line, "ShmemPmdMapped: %ld", &more) == 1 ||
				  sscanf(line, "FilePmdMapped: %ld", &more) == 1 ||
				  sscanf(line, "Shared_Hugetlb: %ld", &more) == 1 ||
				  sscanf(line, "Private_Hugetlb: %ld", &more) == 1))
			kib += more;
	}
	fclose(f);
	return kib;
}

/* What is called huge must be so, for the most part. */
static int try(struct memory *m, struct bench_subject *s)
{
	int err = m->method->map(m);

	if (m->pages == HUGE && (err == -ENOMEM || err == -EINVAL))
		return bench_absent(s, m->method->huge);
	if (err == -EDQUOT || err == -ENOSPC || err == -ENOMEM)
		return bench_absent(s, "room for that much memory");
	if (err)
		return err;
	if (m->pages == HUGE) {
		touch(m);
		if (huge_kib(m->at) < (long)(m->size / 1024 / 2))
			err = bench_absent(s, m->method->huge);
	}
	m->method->unmap(m);
	return err;
}

/*
 * An emulated machine gets its memory from the host when it is used for the first time,
 * which costs more than all that is measured here.
 */
static void use_all(void)
{
	static bool used;
	size_t size = available_mib() * 3 / 4 * MIB;
	char *all;

	if (used || bench_counts())
		return;
	used = true;
	all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return;
	madvise(all, size, MADV_HUGEPAGE);
	for (size_t i = 0; i < size; i += PAGE)
		__atomic_store_n(all + i, 1, __ATOMIC_RELAXED);
	munmap(all, size);
}

static int setup(struct bench_subject *s)
{
	long mib = s->params[1].number;
	struct memory *m;
	int err;

	if (mib < SIZE_MIB_MIN)
		return bench_absent(s, "memory for this");
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	s->state = m;
	m->method = s->arg;
	m->pages = *s->params[0].text == 'h' ? HUGE : *s->params[0].text == 'p' ? PREALLOC : SMALL;
	m->size = mib * MIB;
	use_all();
	err = process_pin(0);
	if (!err)
		err = try(m, s);
	if (err)
		free(m);
	return err;
}

#define SUBJECT(name, method, pages_) {					\
	.system = name,							\
	.params = { { "pages", pages_, 0 }, { "mib", NULL, SIZE_MIB } },	\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = method,							\
}

static struct bench_subject subjects[] = {
	SUBJECT("shmbuf", &by_shmbuf, "4k"),
	SUBJECT("memfd", &by_memfd, "4k"),
	SUBJECT("shm_open", &by_shm, "4k"),
	SUBJECT("shmbuf", &by_shmbuf, "huge"),
	SUBJECT("anon-huge", &by_anonymous, "huge"),
	SUBJECT("hugetlb", &by_hugetlb, "huge"),
	SUBJECT("shmbuf", &by_shmbuf, "prealloc"),
	SUBJECT("memfd", &by_memfd, "prealloc"),
	SUBJECT("shm_open", &by_shm, "prealloc"),
};

#define NR_SUBJECTS	(sizeof(subjects) / sizeof(*subjects))

/* One of them is there at a time; huge pages are in one piece, if there is room. */
static void __attribute__((constructor)) fit_into_memory(void)
{
	long mib = available_mib() / 4 & ~1L;

	if (bench_counts() && mib > COUNTED_MIB)
		mib = COUNTED_MIB;
	for (size_t i = 0; i < NR_SUBJECTS; i++) {
		if (mib < SIZE_MIB)
			subjects[i].params[1].number = mib;
	}
}

const struct bench bench_memory = {
	.name = "memory",
	.title = "memory is touched for the first time, and read through; per GiB",
	.metrics = { { NULL, "ns", "lower" }, { "access", "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = NR_SUBJECTS,
};
