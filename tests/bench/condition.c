// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processes that take turns.  By a condition: each waits under a lock for its turn,
 * passes it on and wakes the other, before or after it unlocks.  By queues: each wakes the
 * other and waits for nothing but that.
 */
#include "bench.h"
#include "channel.h"
#include "peer_futex.h"
#include "process.h"
#include "pshared.h"

#include <errno.h>
#include <pthread.h>
#include <shmbuf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Round trips of a round, and those before that aren't counted. */
#define TRIPS	300
#define WARM_UP	30

/* Objects of the buffer. */
#define LOCK	0
#define QUEUE	1	/* and the next one: a side's each */

/* What the processes of one subject share. */
struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	uint32_t lock;
	uint32_t sequence[2];
	/* What the lock protects: whose turn it is, 0 or 1. */
	int turn;
	/* What each measured. */
	double ns[2];
};

struct condition {
	struct shmbuf *buffer;	/* of shmbuf's subjects, with @shared within */
	struct shared *shared;
	struct channel to[2];	/* a side each */
	uint64_t seen[2];	/* of each side's queue, when it begins */
};

/* Where a subject's things are. */
enum place { OURS, MEMORY, CHANNEL };

struct variant {
	int (*play)(struct condition *c, int side, bool under, int trips);
	bool under;		/* the wake is made under the lock */
	bool same_cpu;
	enum place place;
	enum channel_kind channel;
};

static int play_shmbuf(struct condition *c, int side, bool under, int trips)
{
	int err = 0;

	while (trips-- && !err) {
		err |= shmbuf_lock(c->buffer, LOCK);
		while (c->shared->turn != side && !err)
			err |= shmbuf_wait_locked(c->buffer, QUEUE, LOCK, NULL, NULL, NULL);
		c->shared->turn = !side;
		if (under)
			err |= shmbuf_wake(c->buffer, QUEUE, 1) < 0;
		err |= shmbuf_unlock(c->buffer, LOCK);
		if (!under)
			err |= shmbuf_wake(c->buffer, QUEUE, 1) < 0;
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
	uint32_t seen = __atomic_load_n(&s->sequence[0], __ATOMIC_RELAXED);

	futex_unlock(&s->lock);
	futex_wait(&s->sequence[0], seen);
	futex_lock(&s->lock);
}

static void futex_signal(struct shared *s)
{
	__atomic_add_fetch(&s->sequence[0], 1, __ATOMIC_RELAXED);
	futex_wake(&s->sequence[0], 1);
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

/* Each wake moves the other's queue on by one. */
static int play_queue(struct condition *c, int side, bool under, int trips)
{
	uint64_t *seen = &c->seen[side];
	int err = 0;

	(void)under;
	while (trips-- && !err) {
		if (!side)
			err |= shmbuf_wake(c->buffer, QUEUE + 1, 1) < 0;
		while (shmbuf_sequence(c->buffer, QUEUE + side) == *seen && !err)
			err |= shmbuf_wait(c->buffer, QUEUE + side, *seen, NULL);
		++*seen;
		if (side)
			err |= shmbuf_wake(c->buffer, QUEUE, 1) < 0;
	}
	return err ? -EIO : 0;
}

static void futex_post(uint32_t *word)
{
	__atomic_add_fetch(word, 1, __ATOMIC_RELEASE);
	futex_wake(word, 1);
}

static int play_futex_queue(struct condition *c, int side, bool under, int trips)
{
	uint32_t *words = c->shared->sequence, *seen = (uint32_t *)&c->seen[side];

	(void)under;
	while (trips--) {
		if (!side)
			futex_post(&words[1]);
		while (__atomic_load_n(&words[side], __ATOMIC_ACQUIRE) == *seen)
			futex_wait(&words[side], *seen);
		++*seen;
		if (side)
			futex_post(&words[0]);
	}
	return 0;
}

static int play_channel(struct condition *c, int side, bool under, int trips)
{
	int err = 0;

	(void)under;
	while (trips-- && !err) {
		if (!side)
			err = channel_send(&c->to[1]);
		if (!err)
			err = channel_receive(&c->to[side]);
		if (side && !err)
			err = channel_send(&c->to[0]);
	}
	return err;
}

static int create_pthread(struct shared *s)
{
	return pshared_condition(&s->cond, &s->mutex);
}

static int create_shmbuf(struct condition *c)
{
	struct shmbuf_options options = { .nr_locks = 1, .nr_queues = 2 };
	int err = shmbuf_create(&c->buffer, NULL, sizeof(*c->shared), &options);

	if (!err)
		c->shared = shmbuf_data(c->buffer);
	return err;
}

static int create(struct condition *c, const struct variant *v, struct bench_subject *s)
{
	int err = 0;

	if (v->place == OURS)
		return create_shmbuf(c);
	c->shared = process_share(sizeof(*c->shared));
	if (!c->shared)
		return -ENOMEM;
	if (v->place == MEMORY)
		return create_pthread(c->shared);
	for (int side = 0; side < 2 && !err; side++)
		err = channel_open(&c->to[side], v->channel, s);
	return err;
}

static void teardown(struct bench_subject *s)
{
	struct condition *c = s->state;

	channel_close(&c->to[0]);
	channel_close(&c->to[1]);
	if (c->buffer)
		shmbuf_close(c->buffer);
	else if (c->shared)
		munmap(c->shared, sizeof(*c->shared));
	free(c);
}

static int setup(struct bench_subject *s)
{
	struct condition *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	s->state = c;
	err = create(c, s->arg, s);
	if (err)
		teardown(s);
	return err;
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

struct side {
	struct condition *condition;
	const struct variant *variant;
	int side;
};

static int run(void *arg)
{
	const struct side *s = arg;
	struct condition *c = s->condition;

	return play_side(c, s->variant, s->side, &c->shared->ns[s->side]);
}

/* Where one of them fails, the other would wait for ever. */
static int await_both(pid_t pids[2])
{
	pid_t ended;
	int status;

	while ((ended = wait(&status)) > 0) {
		pids[ended == pids[1]] = 0;
		if (status)
			return -EIO;
	}
	return 0;
}

static int measure(struct bench_subject *s, double *values)
{
	struct condition *c = s->state;
	pid_t pids[2] = { };
	int err = 0;

	for (int side = 0; side < 2; side++)
		c->seen[side] = c->buffer ? shmbuf_sequence(c->buffer, QUEUE + side) :
				c->shared->sequence[side];
	for (int side = 0; side < 2 && !err; side++) {
		struct side arg = { .condition = c, .variant = s->arg, .side = side };

		pids[side] = process_start(run, &arg);
		if (pids[side] < 0)
			err = pids[side];
	}
	if (!err)
		err = await_both(pids);
	process_kill(pids[0]);
	process_kill(pids[1]);
	values[0] = c->shared->ns[0];
	return err;
}

#define SUBJECT(name, play_, place_, channel_, where, same, when, under_)	\
	{									\
		.system = name,							\
		.params = {							\
			{ "processes", NULL, 2 }, { "placement", where, 0 },	\
			{ "op", when, 0 },					\
		},								\
		.cpus = (same) ? 1 : 2,						\
		.setup = setup, .round = measure, .teardown = teardown,		\
		.arg = &(const struct variant){					\
			.play = play_, .under = (under_),			\
			.same_cpu = (same), .place = place_,			\
			.channel = channel_,					\
		},								\
	}

#define SUBJECTS(where, same, when, under)					\
	SUBJECT("shmbuf", play_shmbuf, OURS, 0, where, same, when, under),	\
	SUBJECT("pthread", play_pthread, MEMORY, 0, where, same, when, under),	\
	SUBJECT("futex", play_futex, MEMORY, 0, where, same, when, under)

#define SUBJECT_CHANNEL(name, kind, where, same)				\
	SUBJECT(name, play_channel, CHANNEL, kind, where, same, "queue", false)

#define SUBJECTS_QUEUE(where, same)						\
	SUBJECT("shmbuf", play_queue, OURS, 0, where, same, "queue", false),	\
	SUBJECT("futex", play_futex_queue, MEMORY, 0, where, same, "queue", false), \
	SUBJECT_CHANNEL("eventfd", CHANNEL_EVENTFD, where, same),		\
	SUBJECT_CHANNEL("pipe", CHANNEL_PIPE, where, same),			\
	SUBJECT_CHANNEL("unix", CHANNEL_UNIX, where, same),			\
	SUBJECT_CHANNEL("mq", CHANNEL_MQ, where, same)

static struct bench_subject subjects[] = {
	SUBJECTS("two", false, "unlock-wake", false),
	SUBJECTS("two", false, "wake-unlock", true),
	SUBJECTS_QUEUE("two", false),
	SUBJECTS("same", true, "unlock-wake", false),
	SUBJECTS("same", true, "wake-unlock", true),
	SUBJECTS_QUEUE("same", true),
};

const struct bench bench_condition = {
	.name = "condition",
	.title = "two processes that take turns: a round trip",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
