// SPDX-License-Identifier: GPL-2.0-only
/* Very many locks: what they cost, and what the death of one who could hold them all does. */
#include "bench.h"
#include "process.h"
#include "pshared.h"

#include <errno.h>
#include <pthread.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a round, of which the median counts. */
#define DEATHS		15

/* So many sets of locks are made to see what one costs, few or many to a set. */
#define SETS_MAX	400
#define SETS_OF_MANY	8
#define MANY		1000

struct set {
	struct shmbuf *buffer;
	pthread_mutex_t *mutexes;
};

struct scan {
	const struct method *method;
	size_t locks;
	struct set set;
	int *held;		/* shared: the one who is to die has his lock */
	struct set sets[SETS_MAX];
};

/* 0 or -errno */
struct method {
	int (*create)(struct set *set, size_t locks);
	void (*destroy)(struct set *set, size_t locks);
	int (*lock)(struct set *set, size_t which);
	int (*recover)(struct set *set, size_t which);
};

static int create_shmbuf(struct set *set, size_t locks)
{
	struct shmbuf_options options = { .nr_locks = locks, .flags = SHMBUF_PACKED };

	return shmbuf_create(&set->buffer, NULL, 1, &options);
}

static void destroy_shmbuf(struct set *set, size_t locks)
{
	(void)locks;
	shmbuf_close(set->buffer);
}

static int lock_shmbuf(struct set *set, size_t which)
{
	return shmbuf_lock(set->buffer, which);
}

static int recover_shmbuf(struct set *set, size_t which)
{
	int err = shmbuf_lock(set->buffer, which);

	if (err == -EOWNERDEAD)
		err = shmbuf_consistent(set->buffer, which);
	else
		err = -EPROTO;
	return err ? err : shmbuf_unlock(set->buffer, which);
}

static const struct method by_shmbuf = {
	create_shmbuf, destroy_shmbuf, lock_shmbuf, recover_shmbuf
};

static int create_robust(struct set *set, size_t locks)
{
	pthread_mutexattr_t attr;
	int err;

	set->mutexes = process_share(locks * sizeof(*set->mutexes));
	if (!set->mutexes)
		return -ENOMEM;
	/* Made once, as a program would: this is timed. */
	err = pshared_mutexattr(&attr, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	for (size_t i = 0; i < locks && !err; i++)
		err = -pthread_mutex_init(&set->mutexes[i], &attr);
	pthread_mutexattr_destroy(&attr);
	return err;
}

static void destroy_robust(struct set *set, size_t locks)
{
	munmap(set->mutexes, locks * sizeof(*set->mutexes));
}

static int lock_robust(struct set *set, size_t which)
{
	return -pthread_mutex_lock(&set->mutexes[which]);
}

static int recover_robust(struct set *set, size_t which)
{
	pthread_mutex_t *m = &set->mutexes[which];

	if (pthread_mutex_lock(m) != EOWNERDEAD)
		return -EPROTO;
	return -(pthread_mutex_consistent(m) ?: pthread_mutex_unlock(m));
}

static const struct method by_robust = {
	create_robust, destroy_robust, lock_robust, recover_robust
};

static int hold(void *arg)
{
	struct scan *s = arg;

	if (process_pin(1) || s->method->lock(&s->set, s->locks / 2))
		return 1;
	process_set(s->held, 1);
	for (;;)
		pause();
}

/* Time on a CPU that it has had, be it dead but for its name; -1 where the kernel doesn't tell. */
static double cpu_ns(pid_t pid)
{
	char path[64];
	double ns = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (fscanf(f, "%lf", &ns) != 1)
		ns = -1;
	fclose(f);
	return ns;
}

static int kill_it(pid_t pid, double *took, double *cpu)
{
	uint64_t began = bench_now_ns();
	double before = cpu_ns(pid);
	siginfo_t info;

	if (kill(pid, SIGKILL) || waitid(P_PID, pid, &info, WEXITED | WNOWAIT))
		return -errno;
	*took = (double)(bench_now_ns() - began);
	*cpu = cpu_ns(pid) - before;
	return before < 0 || *cpu <= 0 ? -EOPNOTSUPP : 0;
}

static int one_death(struct scan *s, double *took, double *cpu)
{
	pid_t pid;
	int err;

	*s->held = 0;
	pid = process_start(hold, s);
	if (pid < 0)
		return pid;
	err = process_await(s->held);
	if (!err)
		err = process_await_sleep(pid);
	if (!err)
		err = kill_it(pid, took, cpu);
	process_kill(pid);
	return err ? err : s->method->recover(&s->set, s->locks / 2);
}

static double free_kib(void)
{
	return process_kib("/proc/meminfo", "MemFree");
}

static int measure_sets(struct scan *s, double *values)
{
	int sets = s->locks < MANY ? SETS_MAX : SETS_OF_MANY, made, err = 0;
	double before = free_kib(), used;
	uint64_t began = bench_now_ns();

	for (made = 0; made < sets && !err; made++)
		err = s->method->create(&s->sets[made], s->locks);
	values[2] = (double)(bench_now_ns() - began) / sets;
	used = (before - free_kib()) * 1024;
	/* The last one is none if it failed. */
	made -= !!err;
	while (made--)
		s->method->destroy(&s->sets[made], s->locks);
	/* Others free memory, too; that locks cost less than nothing isn't said. */
	values[3] = used > 0 ? used / sets / s->locks : 1.0 / s->locks;
	return err;
}

static int measure(struct bench_subject *subject, double *values)
{
	struct scan *s = subject->state;
	double took[DEATHS], cpu[DEATHS];
	int err = measure_sets(s, values);

	for (int i = 0; i < DEATHS && !err; i++)
		err = one_death(s, &took[i], &cpu[i]);
	if (err)
		return err;
	values[0] = median_of(took, DEATHS);
	values[1] = median_of(cpu, DEATHS);
	return 0;
}

static void teardown(struct bench_subject *subject)
{
	struct scan *s = subject->state;

	s->method->destroy(&s->set, s->locks);
	if (s->held)
		munmap(s->held, sizeof(*s->held));
	free(s);
}

static int setup(struct bench_subject *subject)
{
	struct scan *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	subject->state = s;
	s->method = subject->arg;
	s->locks = subject->params[0].number;
	err = process_pin(0);
	if (!err)
		err = s->method->create(&s->set, s->locks);
	if (err) {
		free(s);
		return err == -EDQUOT ? bench_absent(subject, "room for so many locks") : err;
	}
	s->held = process_share(sizeof(*s->held));
	if (s->held)
		return 0;
	teardown(subject);
	return -ENOMEM;
}

#define SUBJECT(name, method, locks_) {					\
	.system = name, .params = { { "locks", NULL, locks_ } },	\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = method,							\
}

static struct bench_subject subjects[] = {
	SUBJECT("shmbuf", &by_shmbuf, 1),
	SUBJECT("pthread-robust", &by_robust, 1),
	SUBJECT("shmbuf", &by_shmbuf, 100000),
	SUBJECT("pthread-robust", &by_robust, 100000),
};

const struct bench bench_scan = {
	.name = "scan",
	.title = "the death of one who holds one of many locks",
	.metrics = {
		{ NULL, "ns", "lower" },
		{ "cpu", "ns", "lower" },
		{ "create", "ns", "lower" },
		{ "memory", "bytes", "lower" },
	},
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
