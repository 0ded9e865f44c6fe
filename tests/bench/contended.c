// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lock that all want: processes take it, work, release it and work again.  In a round
 * first as fast as they can, then with each acquisition timed, which takes time itself.
 */
#include "crew.h"
#include "histogram.h"
#include "peer.h"
#include "process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Each process is to have several turns on its CPU. */
#define ROUND_NS	100000000ULL
#define PROCESS_NS	25000000ULL
#define TIMED_NS	50000000ULL

struct shared {
	union peer_memory memory;
	struct histogram of[CREW_MAX];
	uint64_t counted;	/* under the lock, while they are timed */
	int timed;
};

struct contended {
	struct peer lock;
	struct shared *shared;
	struct crew *crew;
	struct histogram all;
	int work;
	int entered;		/* in each process: it may call */
};

static __always_inline long repeat(const struct crew *crew, struct contended *c, peer_step lock,
				   peer_step unlock)
{
	void *handle = c->lock.handle;
	int work = c->work, err = 0;
	long ops = 0;

	do {
		if (lock(handle))
			return -EIO;
		crew_work(work);
		err |= unlock(handle);
		crew_work(work);
		ops++;
	} while (crew_goes_on(crew));
	return err ? -EIO : ops;
}

static __always_inline long time_each(const struct crew *crew, struct contended *c, int which,
				      peer_step lock, peer_step unlock)
{
	struct histogram *times = &c->shared->of[which];
	uint64_t *counter = &c->shared->counted, counted;
	void *handle = c->lock.handle;
	int err = 0;
	long ops = 0;

	histogram_clear(times);
	do {
		uint64_t began = bench_now_ns();

		if (lock(handle))
			return -EIO;
		histogram_add(times, bench_now_ns() - began);
		/* Who is in here at the same time spoils it. */
		counted = *counter;
		crew_work(c->work + 10);
		*counter = counted + 1;
		err |= unlock(handle);
		crew_work(c->work);
		ops++;
	} while (crew_goes_on(crew));
	return err ? -EIO : ops;
}

static __always_inline long either(const struct crew *crew, struct contended *c, int which,
				   peer_step lock, peer_step unlock)
{
	return c->shared->timed ? time_each(crew, c, which, lock, unlock) :
	       repeat(crew, c, lock, unlock);
}

static long run(const struct crew *crew, int which, void *arg)
{
	struct contended *c = arg;

	if (!c->entered && peer_enter(&c->lock, which))
		return -EIO;
	c->entered = 1;
	switch (c->lock.kind->calls) {
	case PEER_SHMBUF:
		return either(crew, c, which, ours_lock, ours_unlock);
	case PEER_MUTEX:
		return either(crew, c, which, mutex_lock, mutex_unlock);
	case PEER_SPIN:
		return either(crew, c, which, spin_lock, spin_unlock);
	case PEER_FUTEX:
		return either(crew, c, which, futex_lock, futex_unlock);
	case PEER_MCS:
		return either(crew, c, which, mcs_lock, mcs_unlock);
	case PEER_SEM:
		return either(crew, c, which, unit_lock, unit_unlock);
	case PEER_SYSV:
		return either(crew, c, which, sysv_lock, sysv_unlock);
	case PEER_NTSYNC:
		return either(crew, c, which, ntsync_lock, ntsync_unlock);
	case PEER_ROBUST:
		return either(crew, c, which, robust_lock, robust_unlock);
	}
	return -EINVAL;
}

/* A lock that lets two in at once would be a fast one. */
static int all_counted(const struct contended *c)
{
	uint64_t ops = 0;

	for (int i = 0; i < c->crew->processes; i++)
		ops += c->crew->of[i].ops;
	if (ops == c->shared->counted)
		return 0;
	fprintf(stderr, "bench: %s: of %llu who had the lock %llu had it to themselves\n",
		c->lock.kind->system, (unsigned long long)ops,
		(unsigned long long)c->shared->counted);
	return -EPROTO;
}

static int measure_times(struct contended *c, double *values)
{
	int err;

	c->shared->counted = 0;
	c->shared->timed = 1;
	err = crew_round(c->crew, TIMED_NS);
	c->shared->timed = 0;
	if (!err)
		err = all_counted(c);
	histogram_clear(&c->all);
	for (int i = 0; i < c->crew->processes; i++)
		histogram_merge(&c->all, &c->shared->of[i]);
	values[1] = histogram_quantile(&c->all, 0.999);
	values[2] = c->all.longest;
	return err;
}

static int measure(struct bench_subject *s, double *values)
{
	struct contended *c = s->state;
	uint64_t turns = c->crew->processes * PROCESS_NS;
	int err = crew_round(c->crew, turns > ROUND_NS ? turns : ROUND_NS);

	values[0] = crew_rate(c->crew);
	values[3] = crew_unfairness(c->crew);
	return err ? err : measure_times(c, values);
}

static void teardown(struct bench_subject *s)
{
	struct contended *c = s->state;

	crew_end(c->crew);
	peer_destroy(&c->lock);
	if (c->shared)
		munmap(c->shared, sizeof(*c->shared));
	free(c);
}

static int setup(struct bench_subject *s)
{
	struct contended *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	if (!c)
		return -ENOMEM;
	s->state = c;
	c->work = s->params[1].number;
	c->shared = process_share(sizeof(*c->shared));
	if (c->shared)
		err = peer_create(&c->lock, s->arg, &c->shared->memory, s);
	if (!err)
		c->crew = crew_start(s->params[0].number, run, c, &err);
	if (err)
		teardown(s);
	return err;
}

#define SUBJECT(name, kind, processes_, work_) {			\
	.system = name, .cpus = 2,					\
	.params = { { "processes", NULL, processes_ },			\
		    { "work", NULL, work_ } },				\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = kind,							\
}

#define SUBJECTS(processes, work)					\
	SUBJECT("shmbuf", &peer_shmbuf, processes, work),		\
	SUBJECT("pthread", &peer_pthread, processes, work),		\
	SUBJECT("pthread-robust", &peer_pthread_robust, processes, work), \
	SUBJECT("pthread-pi", &peer_pthread_pi, processes, work),	\
	SUBJECT("pthread-spin", &peer_pthread_spin, processes, work),	\
	SUBJECT("futex", &peer_futex, processes, work),			\
	SUBJECT("mcs", &peer_mcs, processes, work),			\
	SUBJECT("sem", &peer_sem, processes, work),			\
	SUBJECT("sysv-undo", &peer_sysv_undo, processes, work),		\
	SUBJECT("ntsync", &peer_ntsync, processes, work),		\
	SUBJECT("robust-vdso", &peer_robust_vdso, processes, work)

#define SUBJECTS_OF(work)						\
	SUBJECTS(2, work), SUBJECTS(4, work), SUBJECTS(8, work), SUBJECTS(16, work)

static struct bench_subject subjects[] = {
	SUBJECTS_OF(0), SUBJECTS_OF(50), SUBJECTS_OF(500),
};

const struct bench bench_contended = {
	.name = "contended",
	.title = "lock and unlock of a lock that all want",
	.metrics = {
		{ NULL, "ops/s", "higher" },
		{ "p99.9", "ns", "lower" },
		{ "longest", "ns", "lower" },
		{ "fairness", "max/min", "lower" },
	},
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
