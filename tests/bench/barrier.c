// SPDX-License-Identifier: GPL-2.0-only
/* Processes that meet at a barrier, again and again. */
#include "crew.h"
#include "process.h"

#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <shmbuf.h>
#include <stdlib.h>
#include <sys/mman.h>

/* How often they meet in a round. */
#define MEETINGS	200

struct barrier {
	struct shmbuf *buffer;
	pthread_barrier_t *barrier;
	struct crew *crew;
};

static long run(const struct crew *crew, int which, void *arg)
{
	const struct barrier *b = arg;
	int ret;

	(void)crew;
	(void)which;
	for (int i = 0; i < MEETINGS; i++) {
		if (b->buffer) {
			ret = shmbuf_barrier_wait(b->buffer, 0, NULL);
			if (ret < 0)
				return ret;
		} else {
			ret = pthread_barrier_wait(b->barrier);
			if (ret && ret != PTHREAD_BARRIER_SERIAL_THREAD)
				return -ret;
		}
	}
	return MEETINGS;
}

static int measure(struct bench_subject *s, double *values)
{
	struct barrier *b = s->state;
	int err = crew_round(b->crew, 0);
	uint64_t last = 0;

	/* Some begin late, and the others wait for them: the shortest time has the least of it. */
	for (int i = 0; i < b->crew->processes; i++) {
		if (!last || b->crew->of[i].ns < last)
			last = b->crew->of[i].ns;
	}
	values[0] = (double)last / MEETINGS;
	return err;
}

static void teardown(struct bench_subject *s)
{
	struct barrier *b = s->state;

	crew_end(b->crew);
	shmbuf_close(b->buffer);
	if (b->barrier)
		munmap(b->barrier, sizeof(*b->barrier));
	free(b);
}

static int create_shmbuf(struct barrier *b, int parties)
{
	struct shmbuf_options options = { .nr_objects = 1 };
	int err = shmbuf_create(&b->buffer, NULL, 1, &options);

	return err ? err : shmbuf_init(b->buffer, 0, 1, SHMBUF_KIND_BARRIER, parties);
}

static int create_pthread(struct barrier *b, int parties)
{
	pthread_barrierattr_t attr;
	int err;

	b->barrier = process_share(sizeof(*b->barrier));
	if (!b->barrier)
		return -ENOMEM;
	pthread_barrierattr_init(&attr);
	err = pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_barrier_init(b->barrier, &attr, parties);
	pthread_barrierattr_destroy(&attr);
	return -err;
}

static int setup(struct bench_subject *s)
{
	int (*create)(struct barrier *b, int parties) = s->arg ? create_pthread : create_shmbuf;
	struct barrier *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	s->state = b;
	err = create(b, s->params[0].number);
	if (!err)
		b->crew = crew_start(s->params[0].number, run, b, &err);
	if (err)
		teardown(s);
	return err;
}

#define SUBJECT(name, peer, processes_) {				\
	.system = name, .cpus = 2,					\
	.params = { { "processes", NULL, processes_ } },		\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = peer,							\
}

#define SUBJECTS(processes)						\
	SUBJECT("shmbuf", NULL, processes),				\
	SUBJECT("pthread", &bench_barrier, processes)

static struct bench_subject subjects[] = {
	SUBJECTS(2), SUBJECTS(4), SUBJECTS(8), SUBJECTS(16),
};

const struct bench bench_barrier = {
	.name = "barrier",
	.title = "processes meet at a barrier",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
