// SPDX-License-Identifier: GPL-2.0-only
/* A lock that nobody else wants: lock and unlock, by the public calls of each system. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <shmbuf.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * A round is the best of many batches, long enough to make the clock small, and short
 * enough that some aren't interrupted even on a busy machine.
 */
#define BATCH_NS	2000000ULL
#define BATCHES		50

/*
 * Where the emulated TLB has one place for two pages, each access takes twice as
 * long.  So peers get mutexes in several pages, of which the best counts.
 */
#define PAGES		16
#define PAGE		4096

struct uncontended {
	struct shmbuf *buffer;
	char *mutexes;		/* one at the start of each page */
	uint64_t loops;
};

/*
 * One loop for each system, as a program would have it, so that none pays for an
 * indirect call.
 */
static int shmbuf_loop(struct shmbuf *buffer, uint64_t loops)
{
	int err = 0;

	while (loops--) {
		if (shmbuf_lock(buffer, 0))
			return -EIO;
		err |= shmbuf_unlock(buffer, 0);
	}
	return err ? -EIO : 0;
}

static int pthread_loop(pthread_mutex_t *mutex, uint64_t loops)
{
	int err = 0;

	while (loops--) {
		if (pthread_mutex_lock(mutex))
			return -EIO;
		err |= pthread_mutex_unlock(mutex);
	}
	return err ? -EIO : 0;
}

static pthread_mutex_t *mutex(const struct uncontended *u, int page)
{
	return (pthread_mutex_t *)(u->mutexes + page % PAGES * PAGE);
}

static int loop(const struct uncontended *u, int page, uint64_t loops, uint64_t *took_ns)
{
	uint64_t began = bench_now_ns();
	int err = u->buffer ? shmbuf_loop(u->buffer, loops) : pthread_loop(mutex(u, page), loops);

	*took_ns = bench_now_ns() - began;
	return err;
}

/* Finds out how many loops a batch has. */
static int calibrate(struct uncontended *u)
{
	uint64_t took;
	int err;

	u->loops = 1000;
	for (;;) {
		err = loop(u, 0, u->loops, &took);
		if (err || took >= BATCH_NS / 2)
			return err;
		u->loops *= 2;
	}
}

static int create_buffer(struct uncontended *u)
{
	struct shmbuf_options options = { .nr_locks = 1 };

	return shmbuf_create(&u->buffer, NULL, 1, &options);
}

static int create_mutexes(struct uncontended *u, int robust)
{
	char *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	pthread_mutexattr_t attr;
	int err;

	if (pages == MAP_FAILED)
		return -errno;
	u->mutexes = pages;
	pthread_mutexattr_init(&attr);
	err = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_mutexattr_setrobust(&attr, robust);
	for (int i = 0; i < PAGES && !err; i++)
		err = pthread_mutex_init(mutex(u, i), &attr);
	pthread_mutexattr_destroy(&attr);
	return -err;
}

static void teardown(struct bench_subject *s)
{
	struct uncontended *u = s->state;

	shmbuf_close(u->buffer);
	if (u->mutexes)
		munmap(u->mutexes, PAGES * PAGE);
	free(u);
}

static int setup(struct bench_subject *s)
{
	const int *robust = s->arg;
	struct uncontended *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	s->state = u;
	err = bench_pin(0);
	if (!err)
		err = robust ? create_mutexes(u, *robust) : create_buffer(u);
	if (!err)
		err = calibrate(u);
	if (err)
		teardown(s);
	return err;
}

static int measure(struct bench_subject *s, double *values)
{
	struct uncontended *u = s->state;
	uint64_t took, best = UINT64_MAX;

	for (int i = 0; i < BATCHES; i++) {
		int err = loop(u, i, u->loops, &took);

		if (err)
			return err;
		if (took < best)
			best = took;
	}
	values[0] = (double)best / u->loops;
	return 0;
}

static const int stalled = PTHREAD_MUTEX_STALLED, robust = PTHREAD_MUTEX_ROBUST;

#define SUBJECT(name, which) {					\
	.system = name, .params = { { "processes", NULL, 1 } },	\
	.setup = setup, .round = measure, .teardown = teardown,	\
	.arg = which,						\
}

static struct bench_subject subjects[] = {
	SUBJECT("shmbuf", NULL),
	SUBJECT("pthread", &stalled),
	SUBJECT("pthread-robust", &robust),
};

const struct bench bench_uncontended = {
	.name = "uncontended",
	.title = "lock and unlock of a lock that nobody else wants",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
