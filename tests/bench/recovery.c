// SPDX-License-Identifier: GPL-2.0-only
/* A holder is killed: how long until the one who waits has the lock, and knows. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_NS	60000000000ULL
#define LARGE_MIB	1024
#define DEATHS_MAX	25

/* What makes a subject. */
struct recovery {
	bool robust;		/* a peer's mutex, not a lock of ours */
	bool thread;		/* a thread ends without a word, its process lives */
	bool large;		/* the holder has touched much memory */
	int deaths;		/* in a round, of which the median counts */
};

/* Holder, waiter and killer see it. */
struct stage {
	pthread_mutex_t mutex;
	int held;
	int go;			/* the thread shall end */
	int waiting;
	int result;
	uint64_t died_ns;
	uint64_t recovered_ns;
};

struct state {
	const struct recovery *what;
	struct shmbuf *buffer;
	struct stage *stage;
	size_t memory;
};

static void set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

/* 0, or -ETIMEDOUT where it never comes. */
static int await(const int *p)
{
	uint64_t end = bench_now_ns() + PATIENCE_NS;

	while (!__atomic_load_n(p, __ATOMIC_SEQ_CST)) {
		if (bench_now_ns() > end)
			return -ETIMEDOUT;
		usleep(200);
	}
	return 0;
}

static int lock(struct state *s)
{
	return s->buffer ? shmbuf_lock(s->buffer, 0) : -pthread_mutex_lock(&s->stage->mutex);
}

static int repair_and_unlock(struct state *s)
{
	int err;

	if (s->buffer) {
		err = shmbuf_consistent(s->buffer, 0);
		return err ? err : shmbuf_unlock(s->buffer, 0);
	}
	err = pthread_mutex_consistent(&s->stage->mutex);
	return -(err ? err : pthread_mutex_unlock(&s->stage->mutex));
}

static int touch(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	/* Page by page: so it is with memory that came piece by piece. */
	madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	return 0;
}

static void *hold_and_end(void *arg)
{
	struct state *s = arg;

	if (lock(s))
		return NULL;
	set(&s->stage->held, 1);
	await(&s->stage->go);
	s->stage->died_ns = bench_now_ns();
	syscall(SYS_exit, 0);
	return NULL;
}

static void hold(struct state *s)
{
	pthread_t thread;

	if (s->memory && touch(s->memory))
		_exit(1);
	if (s->what->thread) {
		if (pthread_create(&thread, NULL, hold_and_end, s))
			_exit(1);
	} else {
		if (lock(s))
			_exit(1);
		set(&s->stage->held, 1);
	}
	for (;;)
		pause();
}

static void wait_for_lock(struct state *s)
{
	int ret;

	set(&s->stage->waiting, 1);
	ret = lock(s);
	s->stage->recovered_ns = bench_now_ns();
	s->stage->result = ret;
	_exit(repair_and_unlock(s) ? 1 : 0);
}

/*
 * Each on a CPU of its own, where there are two, so that no placement is luck.  The holder
 * is on the first, as the kernel's own work for dying address spaces is.
 */
static pid_t start(struct state *s, void (*run)(struct state *s), unsigned int cpu)
{
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (bench_pin(cpu))
		bench_pin(0);
	run(s);
	_exit(1);
}

static bool asleep(pid_t pid)
{
	char path[64], line[512], *state = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f))
		state = strrchr(line, ')');
	fclose(f);
	return state && state[2] == 'S';
}

static int await_sleep(const struct state *s, pid_t pid)
{
	uint64_t end = bench_now_ns() + PATIENCE_NS;
	int err = await(&s->stage->waiting);

	while (!err && !asleep(pid)) {
		if (bench_now_ns() > end)
			return -ETIMEDOUT;
		usleep(200);
	}
	/* Both CPUs are to be idle. */
	usleep(2000);
	return err;
}

static int end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPROTO;
}

static int kill_and_wait(struct state *s, pid_t holder, pid_t waiter)
{
	int err = await_sleep(s, waiter);

	if (err)
		return err;
	if (s->what->thread) {
		set(&s->stage->go, 1);
	} else {
		s->stage->died_ns = bench_now_ns();
		kill(holder, SIGKILL);
	}
	err = end(waiter);
	if (!err && s->stage->result != -EOWNERDEAD)
		err = -EPROTO;
	return err;
}

static int one_death(struct state *s, double *took_ns)
{
	pid_t holder, waiter;
	int err;

	s->stage->held = 0;
	s->stage->go = 0;
	s->stage->waiting = 0;
	holder = start(s, hold, 0);
	if (holder < 0)
		return holder;
	err = await(&s->stage->held);
	if (!err) {
		waiter = start(s, wait_for_lock, 1);
		err = waiter < 0 ? waiter : kill_and_wait(s, holder, waiter);
		if (err && waiter > 0) {
			kill(waiter, SIGKILL);
			end(waiter);
		}
	}
	kill(holder, SIGKILL);
	end(holder);
	*took_ns = (double)(s->stage->recovered_ns - s->stage->died_ns);
	return err;
}

static int by_value(const void *a, const void *b)
{
	double l = *(const double *)a, r = *(const double *)b;

	return l < r ? -1 : l > r;
}

static int measure(struct bench_subject *subject, double *values)
{
	struct state *s = subject->state;
	double took[DEATHS_MAX];

	for (int i = 0; i < s->what->deaths; i++) {
		int err = one_death(s, &took[i]);

		if (err)
			return err;
	}
	qsort(took, s->what->deaths, sizeof(*took), by_value);
	values[0] = took[s->what->deaths / 2];
	return 0;
}

static void teardown(struct bench_subject *subject)
{
	struct state *s = subject->state;

	shmbuf_close(s->buffer);
	if (s->stage)
		munmap(s->stage, sizeof(*s->stage));
	free(s);
}

static int create_lock(struct state *s)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	pthread_mutexattr_t attr;
	int err;

	if (!s->what->robust)
		return shmbuf_create(&s->buffer, NULL, 1, &options);
	pthread_mutexattr_init(&attr);
	err = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (!err)
		err = pthread_mutex_init(&s->stage->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return -err;
}

static int setup(struct bench_subject *subject)
{
	struct state *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	subject->state = s;
	s->what = subject->arg;
	if (s->what->large)
		s->memory = (size_t)subject->params[0].number << 20;
	s->stage = mmap(NULL, sizeof(*s->stage), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->stage == MAP_FAILED) {
		s->stage = NULL;
		err = -errno;
	} else {
		err = create_lock(s);
	}
	if (err)
		teardown(subject);
	return err;
}

static const struct recovery small = { .deaths = DEATHS_MAX };
static const struct recovery small_robust = { .robust = true, .deaths = DEATHS_MAX };
static const struct recovery large = { .large = true, .deaths = 1 };
static const struct recovery thread = { .thread = true, .deaths = 3 };
static const struct recovery thread_robust = { .robust = true, .thread = true, .deaths = 3 };

#define SUBJECT(name, which, key, text, number) {			\
	.system = name, .params = { { key, text, number } },		\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = which,							\
}

static struct bench_subject subjects[] = {
	SUBJECT("shmbuf", &small, "memory", NULL, 0),
	SUBJECT("pthread-robust", &small_robust, "memory", NULL, 0),
	SUBJECT("shmbuf", &large, "memory", NULL, LARGE_MIB),
	SUBJECT("shmbuf", &thread, "op", "thread", 0),
	SUBJECT("pthread-robust", &thread_robust, "op", "thread", 0),
};

#define NR_SUBJECTS	(sizeof(subjects) / sizeof(*subjects))

static long available_mib(void)
{
	long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f) && sscanf(line, "MemAvailable: %ld", &kib) != 1)
		;
	fclose(f);
	return kib / 1024;
}

/* Where there is too little memory for the large holder, it is as large as it can be. */
static void __attribute__((constructor)) fit_into_memory(void)
{
	long mib = available_mib() / 2;

	for (size_t i = 0; i < NR_SUBJECTS; i++) {
		if (((const struct recovery *)subjects[i].arg)->large && mib < LARGE_MIB)
			subjects[i].params[0].number = mib;
	}
}

const struct bench bench_recovery = {
	.name = "recovery",
	.title = "a holder is killed: until the waiter has the lock and knows",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = NR_SUBJECTS,
};
