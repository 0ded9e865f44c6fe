// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processes that take turns: each waits under a lock for its turn, passes it on and
 * wakes the other, before or after it unlocks.
 */
#include "bench.h"
#include "peer_futex.h"
#include "process.h"

#include <errno.h>
#include <pthread.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Round trips of a round, and those before that aren't counted. */
#define TRIPS	2000
#define WARM_UP	50

/* What the processes of one subject share. */
struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	uint32_t lock;
	uint32_t sequence;
	/* What the lock protects: whose turn it is, 0 or 1. */
	int turn;
	/* What each measured. */
	double ns[2];
};

struct condition {
	struct shmbuf *buffer;	/* of shmbuf's subjects, with @shared within */
	struct shared *shared;
};

struct variant {
	int (*play)(struct condition *c, int side, bool under, int trips);
	bool under;		/* the wake is made under the lock */
	bool same_cpu;
	bool is_shmbuf;
};

static int play_shmbuf(struct condition *c, int side, bool under, int trips)
{
	int err = 0;

	while (trips-- && !err) {
		err |= shmbuf_lock(c->buffer, 0);
		while (c->shared->turn != side && !err)
			err |= shmbuf_wait_locked(c->buffer, 1, 0, NULL, NULL, NULL);
		c->shared->turn = !side;
		if (under)
			err |= shmbuf_wake(c->buffer, 1, 1) < 0;
		err |= shmbuf_unlock(c->buffer, 0);
		if (!under)
			err |= shmbuf_wake(c->buffer, 1, 1) < 0;
	}
	return err ? -EIO : 0;
}

static int play_pthread(struct condition *c, int side, bool under, int trips)
{
	struct shared *s = c->shared;
	int err = 0;

	while (trips-- && !err) {
		err |= pthread_mutex_lock(&s->mutex);
		while (s->turn != side && !err)
			err |= pthread_cond_wait(&s->cond, &s->mutex);
		s->turn = !side;
		if (under)
			err |= pthread_cond_signal(&s->cond);
		err |= pthread_mutex_unlock(&s->mutex);
		if (!under)
			err |= pthread_cond_signal(&s->cond);
	}
	return err ? -EIO : 0;
}

/* The least that does it by futex: a mutex of three states, and a sequence. */

static void futex_wait_locked(struct shared *s)
{
	uint32_t seen = __atomic_load_n(&s->sequence, __ATOMIC_RELAXED);

	futex_unlock(&s->lock);
	futex_wait(&s->sequence, seen);
	futex_lock(&s->lock);
}

static void futex_signal(struct shared *s)
{
	__atomic_add_fetch(&s->sequence, 1, __ATOMIC_RELAXED);
	futex_wake(&s->sequence, 1);
}

static int play_futex(struct condition *c, int side, bool under, int trips)
{
	struct shared *s = c->shared;

	while (trips--) {
		futex_lock(&s->lock);
		while (s->turn != side)
			futex_wait_locked(s);
		s->turn = !side;
		if (under)
			futex_signal(s);
		futex_unlock(&s->lock);
		if (!under)
			futex_signal(s);
	}
	return 0;
}

static int create_pthread(struct shared *s)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;
	int err;

	pthread_mutexattr_init(&mutex);
	pthread_condattr_init(&cond);
	err = pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_mutex_init(&s->mutex, &mutex);
	if (!err)
		err = pthread_cond_init(&s->cond, &cond);
	pthread_mutexattr_destroy(&mutex);
	pthread_condattr_destroy(&cond);
	return -err;
}

static int create(struct condition *c, bool is_shmbuf)
{
	struct shmbuf_options options = { .nr_locks = 1, .nr_queues = 1 };
	int err;

	if (is_shmbuf) {
		err = shmbuf_create(&c->buffer, NULL, sizeof(*c->shared), &options);
		if (!err)
			c->shared = shmbuf_data(c->buffer);
		return err;
	}
	c->shared = mmap(NULL, sizeof(*c->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return c->shared == MAP_FAILED ? -errno : create_pthread(c->shared);
}

static int setup(struct bench_subject *s)
{
	const struct variant *v = s->arg;
	struct condition *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	s->state = c;
	err = create(c, v->is_shmbuf);
	if (err)
		free(c);
	return err;
}

static void teardown(struct bench_subject *s)
{
	struct condition *c = s->state;

	if (c->buffer)
		shmbuf_close(c->buffer);
	else
		munmap(c->shared, sizeof(*c->shared));
	free(c);
}

static int play_side(struct condition *c, const struct variant *v, int side, double *ns)
{
	int err = process_pin(v->same_cpu ? 0 : side);
	uint64_t began;

	if (!err)
		err = v->play(c, side, v->under, WARM_UP);
	began = bench_now_ns();
	if (!err)
		err = v->play(c, side, v->under, TRIPS);
	*ns = (double)(bench_now_ns() - began) / TRIPS;
	return err;
}

static pid_t start(struct condition *c, const struct variant *v, int side, double *ns)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(getppid() != parent || play_side(c, v, side, ns));
}

static int measure(struct bench_subject *s, double *values)
{
	struct condition *c = s->state;
	pid_t pids[2], ended;
	int status, err = 0;

	for (int side = 0; side < 2; side++) {
		pids[side] = start(c, s->arg, side, &c->shared->ns[side]);
		if (pids[side] < 0)
			err = -errno;
	}
	/* Where one fails, the other would wait for ever. */
	while (!err && (ended = wait(&status)) > 0) {
		if (status)
			err = -EIO;
		pids[ended == pids[1]] = 0;
	}
	for (int side = 0; side < 2; side++) {
		if (pids[side] > 0) {
			kill(pids[side], SIGKILL);
			waitpid(pids[side], NULL, 0);
		}
	}
	values[0] = c->shared->ns[0];
	return err;
}

#define SUBJECT(name, ours, where, same, when, under_)				\
	{									\
		.system = #name,						\
		.params = {							\
			{ "processes", NULL, 2 }, { "placement", where, 0 },	\
			{ "op", when, 0 },					\
		},								\
		.cpus = (same) ? 1 : 2,						\
		.setup = setup, .round = measure, .teardown = teardown,		\
		.arg = &(const struct variant){					\
			.play = play_##name, .under = (under_),			\
			.same_cpu = (same), .is_shmbuf = (ours),		\
		},								\
	}

#define SUBJECTS(where, same, when, under)					\
	SUBJECT(shmbuf, true, where, same, when, under),			\
	SUBJECT(pthread, false, where, same, when, under),			\
	SUBJECT(futex, false, where, same, when, under)

static struct bench_subject subjects[] = {
	SUBJECTS("two", false, "unlock-wake", false),
	SUBJECTS("two", false, "wake-unlock", true),
	SUBJECTS("same", true, "unlock-wake", false),
	SUBJECTS("same", true, "wake-unlock", true),
};

const struct bench bench_condition = {
	.name = "condition",
	.title = "two processes that take turns by a condition: a round trip",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
