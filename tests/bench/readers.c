// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lock that is mostly read: processes take it and release it again and again, by the
 * public calls of each system, each process on a CPU of its own as far as there are some.
 */
#include "bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES	4
#define ROUND_NS	50000000ULL
#define BATCH		200
#define LINE		64

enum kind { SHMBUF, PTHREAD, FUTEX };

/* What the processes of a subject share; each counts on a cache line of its own. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): it is what keeps them apart */
struct shared {
	alignas(LINE) uint32_t futex;
	alignas(LINE) uint32_t round;	/* they run while it is odd */
	struct {
		alignas(LINE) uint64_t ops;
		uint32_t round;		/* the last that it is through with */
		uint32_t error;
	} of[PROCESSES];
	pthread_rwlock_t rwlock;
};

struct readers {
	enum kind kind;
	int processes, writers, work;
	struct shmbuf *buffer;
	struct shared *shared;
	pid_t pids[PROCESSES];
};

/* A futex of three states: free, held, held with waiters. It knows no readers. */
static void futex_lock(uint32_t *futex)
{
	uint32_t old = 0;

	if (__atomic_compare_exchange_n(futex, &old, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(futex, 2, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, futex, FUTEX_WAIT, 2, NULL, NULL, 0);
}

static void futex_unlock(uint32_t *futex)
{
	if (__atomic_exchange_n(futex, 0, __ATOMIC_RELEASE) == 2)
		syscall(SYS_futex, futex, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static inline void work(int loops)
{
	while (loops--)
		__asm__ volatile("" ::: "memory");
}

/* Every how many-th is to write: 0 for none. */
static inline bool writes(int writers, unsigned int *n)
{
	return writers && ++*n % (100 / writers) == 0;
}

static int shmbuf_batch(const struct readers *r, unsigned int *n)
{
	int err = 0;

	for (int i = 0; i < BATCH; i++) {
		if (writes(r->writers, n) ? shmbuf_lock(r->buffer, 0) : shmbuf_rdlock(r->buffer, 0))
			return -EIO;
		work(r->work);
		err |= shmbuf_unlock(r->buffer, 0);
		work(r->work);
	}
	return err;
}

static int pthread_batch(const struct readers *r, unsigned int *n)
{
	pthread_rwlock_t *rwlock = &r->shared->rwlock;
	int err = 0;

	for (int i = 0; i < BATCH; i++) {
		if (writes(r->writers, n) ? pthread_rwlock_wrlock(rwlock) :
		    pthread_rwlock_rdlock(rwlock))
			return -EIO;
		work(r->work);
		err |= pthread_rwlock_unlock(rwlock);
		work(r->work);
	}
	return err;
}

static int futex_batch(const struct readers *r)
{
	for (int i = 0; i < BATCH; i++) {
		futex_lock(&r->shared->futex);
		work(r->work);
		futex_unlock(&r->shared->futex);
		work(r->work);
	}
	return 0;
}

static int batch(const struct readers *r, unsigned int *n)
{
	switch (r->kind) {
	case SHMBUF:
		return shmbuf_batch(r, n);
	case PTHREAD:
		return pthread_batch(r, n);
	default:
		return futex_batch(r);
	}
}

static uint32_t round_of(const struct readers *r)
{
	return __atomic_load_n(&r->shared->round, __ATOMIC_ACQUIRE);
}

/* On the n-th CPU, whatever the benchmark before has left the parent on. */
static int pin(int n)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	return sched_setaffinity(0, sizeof(all), &all) ? -errno : bench_pin(n);
}

/* Sleeps from round to round, so that it takes no other subject's time. */
static void child(const struct readers *r, int which)
{
	/* Not in step, or all would write at once. */
	unsigned int n = which * 37, seen = 0;
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pin(which % cpus))
		r->shared->of[which].error = 1;
	for (;;) {
		uint32_t now = round_of(r);
		uint64_t ops = 0;

		if (now == seen || !(now & 1)) {
			syscall(SYS_futex, &r->shared->round, FUTEX_WAIT, now, NULL, NULL, 0);
			continue;
		}
		while (round_of(r) == now) {
			if (batch(r, &n)) {
				r->shared->of[which].error = 1;
				break;
			}
			ops += BATCH;
		}
		seen = now;
		r->shared->of[which].ops = ops;
		__atomic_store_n(&r->shared->of[which].round, now, __ATOMIC_RELEASE);
	}
}

static void turn_round(const struct readers *r)
{
	__atomic_add_fetch(&r->shared->round, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &r->shared->round, FUTEX_WAKE, PROCESSES, NULL, NULL, 0);
}

static int measure(struct bench_subject *s, double *values)
{
	struct readers *r = s->state;
	uint64_t began = bench_now_ns(), took, ops = 0;
	uint32_t now = round_of(r) + 1;
	int i;

	turn_round(r);
	usleep(ROUND_NS / 1000);
	turn_round(r);
	took = bench_now_ns() - began;
	for (i = 0; i < r->processes; i++) {
		while (__atomic_load_n(&r->shared->of[i].round, __ATOMIC_ACQUIRE) != now) {
			if (bench_now_ns() - began > 20 * 1000000000ULL)
				return -ETIMEDOUT;
			usleep(200);
		}
		if (r->shared->of[i].error)
			return -EIO;
		ops += r->shared->of[i].ops;
	}
	values[0] = ops * 1e9 / took;
	return 0;
}

static void teardown(struct bench_subject *s)
{
	struct readers *r = s->state;

	for (int i = 0; i < PROCESSES; i++) {
		if (r->pids[i] <= 0)
			continue;
		kill(r->pids[i], SIGKILL);
		waitpid(r->pids[i], NULL, 0);
	}
	shmbuf_close(r->buffer);
	if (r->shared)
		munmap(r->shared, sizeof(*r->shared));
	free(r);
}

static int create(struct readers *r)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	pthread_rwlockattr_t attr;
	void *p = mmap(NULL, sizeof(*r->shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int err;

	if (p == MAP_FAILED)
		return -ENOMEM;
	r->shared = p;
	if (r->kind == SHMBUF)
		return shmbuf_create(&r->buffer, NULL, 1, &options);
	pthread_rwlockattr_init(&attr);
	err = pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_rwlock_init(&r->shared->rwlock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return -err;
}

static long param(const struct bench_subject *s, int i)
{
	return s->params[i].number;
}

static int setup(struct bench_subject *s)
{
	struct readers *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	s->state = r;
	r->kind = *(const enum kind *)s->arg;
	r->processes = param(s, 0);
	r->writers = param(s, 1);
	r->work = param(s, 2);
	err = create(r);
	for (int i = 0; !err && i < r->processes; i++) {
		r->pids[i] = fork();
		if (r->pids[i] < 0)
			err = -errno;
		if (!r->pids[i])
			child(r, i);
	}
	if (err)
		teardown(s);
	return err;
}

static const enum kind shmbuf_kind = SHMBUF, pthread_kind = PTHREAD, futex_kind = FUTEX;

#define SUBJECT(name, processes_, writers_, work_) {			\
	.system = #name,						\
	.params = { { "processes", NULL, processes_ },			\
		    { "writers", NULL, writers_ }, { "work", NULL, work_ } },	\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = &name##_kind,						\
}

#define SUBJECTS(processes, writers, work)	\
	SUBJECT(shmbuf, processes, writers, work),	\
	SUBJECT(pthread, processes, writers, work),	\
	SUBJECT(futex, processes, writers, work)

static struct bench_subject subjects[] = {
	SUBJECTS(1, 0, 0), SUBJECTS(2, 0, 0), SUBJECTS(4, 0, 0),
	SUBJECTS(2, 1, 0), SUBJECTS(2, 10, 0), SUBJECTS(4, 10, 0),
	SUBJECTS(2, 0, 50), SUBJECTS(2, 1, 50), SUBJECTS(2, 10, 50),
};

const struct bench bench_readers = {
	.name = "readers",
	.title = "lock and unlock of a lock that is mostly read",
	.metrics = { { NULL, "ops/s", "higher" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
