// SPDX-License-Identifier: GPL-2.0-only
/*
 * One process wakes all that sleep: how long until the last of them is through.  Those who
 * sleep on a condition want its lock, one after the other.
 */
#include "bench.h"
#include "channel.h"
#include "peer_futex.h"
#include "process.h"
#include "pshared.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <shmbuf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SLEEPERS_MAX	64
/* In a round, of which the median counts. */
#define WAKES		15

/* Objects of the buffer. */
#define LOCK	0
#define QUEUE	1

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	uint32_t lock;
	uint32_t sequence;
	int generation;		/* the condition: that it has moved; under the lock */
	int ready;		/* sleepers that are about to sleep for the first time */
	int passed;		/* those through since the last wake */
	uint32_t all;		/* all of them are */
	uint64_t last_ns;	/* when the last one was */
};

struct wake {
	const struct method *method;
	int sleepers;
	struct shmbuf *buffer;
	struct shared *shared;
	struct channel channel;
	pid_t pids[SLEEPERS_MAX];
};

/* @sleep returns on an error only, @wake once all are woken: 0 or -errno. */
struct method {
	int (*create)(struct wake *w, struct bench_subject *s);
	int (*sleep)(struct wake *w);
	int (*wake)(struct wake *w);
	enum channel_kind channel;
};

static void pass(struct wake *w)
{
	struct shared *s = w->shared;

	if (__atomic_add_fetch(&s->passed, 1, __ATOMIC_ACQ_REL) < w->sleepers)
		return;
	s->last_ns = bench_now_ns();
	__atomic_store_n(&s->all, 1, __ATOMIC_RELEASE);
	futex_wake(&s->all, 1);
}

static void be_ready(struct wake *w)
{
	__atomic_add_fetch(&w->shared->ready, 1, __ATOMIC_ACQ_REL);
}

static int our_condition_sleep(struct wake *w)
{
	struct shared *s = w->shared;
	int err = shmbuf_lock(w->buffer, LOCK);

	for (be_ready(w); !err; pass(w)) {
		int seen = s->generation;

		while (s->generation == seen && !err)
			err = shmbuf_wait_locked(w->buffer, QUEUE, LOCK, NULL, NULL, NULL);
	}
	return err;
}

static int our_condition_wake(struct wake *w)
{
	int err = shmbuf_lock(w->buffer, LOCK);

	w->shared->generation++;
	err |= shmbuf_unlock(w->buffer, LOCK);
	return err ? -EIO : shmbuf_wake(w->buffer, QUEUE, SHMBUF_WAKE_ALL) < 0 ? -EIO : 0;
}

static int pthread_condition_sleep(struct wake *w)
{
	struct shared *s = w->shared;
	int err = pthread_mutex_lock(&s->mutex);

	for (be_ready(w); !err; pass(w)) {
		int seen = s->generation;

		while (s->generation == seen && !err)
			err = pthread_cond_wait(&s->cond, &s->mutex);
	}
	return -err;
}

static int pthread_condition_wake(struct wake *w)
{
	struct shared *s = w->shared;
	int err = pthread_mutex_lock(&s->mutex);

	s->generation++;
	err |= pthread_mutex_unlock(&s->mutex);
	err |= pthread_cond_broadcast(&s->cond);
	return err ? -EIO : 0;
}

static int futex_condition_sleep(struct wake *w)
{
	struct shared *s = w->shared;

	futex_lock(&s->lock);
	for (be_ready(w);; pass(w)) {
		int seen = s->generation;

		while (s->generation == seen) {
			uint32_t sequence = __atomic_load_n(&s->sequence, __ATOMIC_RELAXED);

			futex_unlock(&s->lock);
			futex_wait(&s->sequence, sequence);
			futex_lock(&s->lock);
		}
	}
	return 0;
}

static int futex_condition_wake(struct wake *w)
{
	struct shared *s = w->shared;

	futex_lock(&s->lock);
	s->generation++;
	futex_unlock(&s->lock);
	__atomic_add_fetch(&s->sequence, 1, __ATOMIC_RELEASE);
	futex_wake(&s->sequence, INT_MAX);
	return 0;
}

static int our_queue_sleep(struct wake *w)
{
	uint64_t seen = shmbuf_sequence(w->buffer, QUEUE);
	int err = 0;

	for (be_ready(w); !err; pass(w), seen++) {
		while (shmbuf_sequence(w->buffer, QUEUE) == seen && !err)
			err = shmbuf_wait(w->buffer, QUEUE, seen, NULL);
	}
	return err;
}

static int our_queue_wake(struct wake *w)
{
	return shmbuf_wake(w->buffer, QUEUE, SHMBUF_WAKE_ALL) < 0 ? -EIO : 0;
}

static int futex_queue_sleep(struct wake *w)
{
	uint32_t *word = &w->shared->sequence, seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);

	for (be_ready(w);; pass(w), seen++) {
		while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == seen)
			futex_wait(word, seen);
	}
	return 0;
}

static int futex_queue_wake(struct wake *w)
{
	__atomic_add_fetch(&w->shared->sequence, 1, __ATOMIC_RELEASE);
	futex_wake(&w->shared->sequence, INT_MAX);
	return 0;
}

static int channel_sleep(struct wake *w)
{
	int err = 0;

	for (be_ready(w); !err; pass(w))
		err = channel_receive(&w->channel);
	return err;
}

static int channel_wake(struct wake *w)
{
	int err = 0;

	for (int i = 0; i < w->sleepers && !err; i++)
		err = channel_send(&w->channel);
	return err;
}

static int create_shmbuf(struct wake *w, struct bench_subject *s)
{
	struct shmbuf_options options = { .nr_locks = 1, .nr_queues = 1 };

	(void)s;
	return shmbuf_create(&w->buffer, NULL, 1, &options);
}

static int create_memory(struct wake *w, struct bench_subject *s)
{
	(void)s;
	return pshared_condition(&w->shared->cond, &w->shared->mutex);
}

static int create_channel(struct wake *w, struct bench_subject *s)
{
	return channel_open(&w->channel, w->method->channel, s);
}

struct sleeper {
	struct wake *wake;
	int which;
};

/* The first is on the second CPU, where there is one: who wakes is on the first. */
static int sleep_on(void *arg)
{
	const struct sleeper *s = arg;

	return process_pin(s->which + 1) || s->wake->method->sleep(s->wake);
}

static int await_asleep(struct wake *w)
{
	uint64_t end = bench_now_ns() + PATIENCE_NS;
	int err = 0;

	while (__atomic_load_n(&w->shared->ready, __ATOMIC_ACQUIRE) < w->sleepers) {
		if (waitpid(-1, NULL, WNOHANG) > 0 || bench_now_ns() > end)
			return -EIO;
	}
	for (int i = 0; i < w->sleepers && !err; i++)
		err = process_await_sleep(w->pids[i]);
	return err;
}

static int await_all(struct shared *s)
{
	uint64_t end = bench_now_ns() + PATIENCE_NS;

	while (!__atomic_load_n(&s->all, __ATOMIC_ACQUIRE)) {
		futex_wait_second(&s->all, 0);
		if (bench_now_ns() > end)
			return -ETIMEDOUT;
	}
	return 0;
}

static int one_wake(struct wake *w, double *took)
{
	struct shared *s = w->shared;
	int err = await_asleep(w);
	uint64_t began;

	s->passed = 0;
	s->all = 0;
	began = bench_now_ns();
	if (!err)
		err = w->method->wake(w);
	if (!err)
		err = await_all(s);
	*took = (double)(s->last_ns - began);
	return err;
}

static int measure(struct bench_subject *s, double *values)
{
	double took[WAKES];
	int err = process_pin(0);

	for (int i = 0; i < WAKES && !err; i++)
		err = one_wake(s->state, &took[i]);
	if (!err)
		values[0] = median_of(took, WAKES);
	return err;
}

static void teardown(struct bench_subject *s)
{
	struct wake *w = s->state;

	for (int i = 0; i < w->sleepers; i++)
		process_kill(w->pids[i]);
	channel_close(&w->channel);
	shmbuf_close(w->buffer);
	if (w->shared)
		munmap(w->shared, sizeof(*w->shared));
	free(w);
}

static int start(struct wake *w)
{
	for (int i = 0; i < w->sleepers; i++) {
		struct sleeper sleeper = { .wake = w, .which = i };

		w->pids[i] = process_start(sleep_on, &sleeper);
		if (w->pids[i] < 0)
			return w->pids[i];
	}
	return 0;
}

static int setup(struct bench_subject *s)
{
	struct wake *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return -ENOMEM;
	s->state = w;
	w->method = s->arg;
	w->sleepers = s->params[0].number;
	w->shared = process_share(sizeof(*w->shared));
	if (w->shared)
		err = w->method->create(w, s);
	if (!err)
		err = start(w);
	if (err)
		teardown(s);
	return err;
}

static const struct method our_condition = {
	create_shmbuf, our_condition_sleep, our_condition_wake, 0
};

static const struct method pthread_condition = {
	create_memory, pthread_condition_sleep, pthread_condition_wake, 0
};

static const struct method futex_condition = {
	create_memory, futex_condition_sleep, futex_condition_wake, 0
};

static const struct method our_queue = {
	create_shmbuf, our_queue_sleep, our_queue_wake, 0
};

static const struct method futex_queue = {
	create_memory, futex_queue_sleep, futex_queue_wake, 0
};

static const struct method by_eventfd = {
	create_channel, channel_sleep, channel_wake, CHANNEL_EVENTFD
};

static const struct method by_pipe = {
	create_channel, channel_sleep, channel_wake, CHANNEL_PIPE
};

static const struct method by_unix = {
	create_channel, channel_sleep, channel_wake, CHANNEL_UNIX
};

static const struct method by_mq = {
	create_channel, channel_sleep, channel_wake, CHANNEL_MQ
};

#define SUBJECT(name, method, sleepers_, op_) {				\
	.system = name,							\
	.params = { { "sleepers", NULL, sleepers_ }, { "op", op_, 0 } },	\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = method,							\
}

#define SUBJECTS(sleepers)						\
	SUBJECT("shmbuf", &our_condition, sleepers, "condition"),	\
	SUBJECT("pthread", &pthread_condition, sleepers, "condition"),	\
	SUBJECT("futex", &futex_condition, sleepers, "condition"),	\
	SUBJECT("shmbuf", &our_queue, sleepers, "queue"),		\
	SUBJECT("futex", &futex_queue, sleepers, "queue"),		\
	SUBJECT("eventfd", &by_eventfd, sleepers, "queue"),		\
	SUBJECT("pipe", &by_pipe, sleepers, "queue"),			\
	SUBJECT("unix", &by_unix, sleepers, "queue"),			\
	SUBJECT("mq", &by_mq, sleepers, "queue")

static struct bench_subject subjects[] = { SUBJECTS(1), SUBJECTS(SLEEPERS_MAX) };

const struct bench bench_wake = {
	.name = "wake",
	.title = "all that sleep are woken: until the last of them is through",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
