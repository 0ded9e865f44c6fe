// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lock that is mostly read: processes take it and release it again and again, by the
 * public calls of each system, each process on a CPU of its own as far as there are some.
 */
#include "crew.h"
#include "peer_futex.h"
#include "process.h"

#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <shmbuf.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ROUND_NS	50000000ULL
#define BATCH		20

enum kind { SHMBUF, PTHREAD, FUTEX };

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): it is what keeps them apart */
struct shared {
	alignas(CREW_LINE) uint32_t futex;
	alignas(CREW_LINE) pthread_rwlock_t rwlock;
};

struct readers {
	enum kind kind;
	int writers, work;
	struct shmbuf *buffer;
	struct shared *shared;
	struct crew *crew;
	/* Each process's own, how many it has done. */
	unsigned int n;
};

/* Every how many-th is to write: 0 for none. */
static inline bool writes(int writers, unsigned int *n)
{
	return writers && ++*n % (100 / writers) == 0;
}

static int shmbuf_batch(struct readers *r)
{
	unsigned int *n = &r->n;
	int err = 0;

	for (int i = 0; i < BATCH; i++) {
		if (writes(r->writers, n) ? shmbuf_lock(r->buffer, 0) : shmbuf_rdlock(r->buffer, 0))
			return -EIO;
		crew_work(r->work);
		err |= shmbuf_unlock(r->buffer, 0);
		crew_work(r->work);
	}
	return err;
}

static int pthread_batch(struct readers *r)
{
	pthread_rwlock_t *rwlock = &r->shared->rwlock;
	int err = 0;

	for (int i = 0; i < BATCH; i++) {
		if (writes(r->writers, &r->n) ? pthread_rwlock_wrlock(rwlock) :
		    pthread_rwlock_rdlock(rwlock))
			return -EIO;
		crew_work(r->work);
		err |= pthread_rwlock_unlock(rwlock);
		crew_work(r->work);
	}
	return err;
}

static int futex_batch(const struct readers *r)
{
	for (int i = 0; i < BATCH; i++) {
		futex_lock(&r->shared->futex);
		crew_work(r->work);
		futex_unlock(&r->shared->futex);
		crew_work(r->work);
	}
	return 0;
}

static int batch(struct readers *r)
{
	switch (r->kind) {
	case SHMBUF:
		return shmbuf_batch(r);
	case PTHREAD:
		return pthread_batch(r);
	default:
		return futex_batch(r);
	}
}

static long run(const struct crew *crew, int which, void *arg)
{
	struct readers *r = arg;
	long ops = 0;

	/* Not in step, or all would write at once. */
	if (!r->n)
		r->n = which * 37;
	while (crew_goes_on(crew)) {
		if (batch(r))
			return -EIO;
		ops += BATCH;
	}
	return ops;
}

static int measure(struct bench_subject *s, double *values)
{
	struct readers *r = s->state;
	int err = crew_round(r->crew, ROUND_NS);

	values[0] = crew_rate(r->crew);
	return err;
}

static void teardown(struct bench_subject *s)
{
	struct readers *r = s->state;

	crew_end(r->crew);
	shmbuf_close(r->buffer);
	if (r->shared)
		munmap(r->shared, sizeof(*r->shared));
	free(r);
}

static int create(struct readers *r)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	pthread_rwlockattr_t attr;
	int err;

	r->shared = process_share(sizeof(*r->shared));
	if (!r->shared)
		return -ENOMEM;
	if (r->kind == SHMBUF)
		return shmbuf_create(&r->buffer, NULL, 1, &options);
	pthread_rwlockattr_init(&attr);
	err = pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_rwlock_init(&r->shared->rwlock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return -err;
}

static int setup(struct bench_subject *s)
{
	struct readers *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	s->state = r;
	r->kind = *(const enum kind *)s->arg;
	r->writers = s->params[1].number;
	r->work = s->params[2].number;
	err = create(r);
	if (!err)
		r->crew = crew_start(s->params[0].number, run, r, &err);
	if (err)
		teardown(s);
	return err;
}

static const enum kind shmbuf_kind = SHMBUF, pthread_kind = PTHREAD, futex_kind = FUTEX;

#define SUBJECT(name, processes_, writers_, work_) {			\
	.system = #name,						\
	.params = { { "processes", NULL, processes_ },			\
		    { "writers", NULL, writers_ }, { "work", NULL, work_ } },	\
	.cpus = (processes_) > 1 ? 2 : 1, .native = !(writers_),	\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = &name##_kind,						\
}

#define SUBJECTS(processes, writers, work)	\
	SUBJECT(shmbuf, processes, writers, work),	\
	SUBJECT(pthread, processes, writers, work),	\
	SUBJECT(futex, processes, writers, work)

#define SUBJECTS_OF(writers, work)	\
	SUBJECTS(1, writers, work), SUBJECTS(2, writers, work), SUBJECTS(4, writers, work), \
	SUBJECTS(8, writers, work), SUBJECTS(16, writers, work)

static struct bench_subject subjects[] = {
	SUBJECTS_OF(0, 0), SUBJECTS_OF(1, 0), SUBJECTS_OF(10, 0),
	SUBJECTS_OF(0, 50), SUBJECTS_OF(1, 50), SUBJECTS_OF(10, 50),
};

const struct bench bench_readers = {
	.name = "readers",
	.title = "lock and unlock of a lock that is mostly read",
	.metrics = { { NULL, "ops/s", "higher" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
