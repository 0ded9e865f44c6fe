// SPDX-License-Identifier: GPL-2.0-only
/* A semaphore of one unit: processes take it and give it back, again and again. */
#include "crew.h"
#include "process.h"

#include "bench.h"

#include <errno.h>
#include <semaphore.h>
#include <shmbuf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sem.h>

#define ROUND_NS	50000000ULL
#define BATCH		20

enum kind { SHMBUF, SEM, SYSV };

struct semaphore {
	enum kind kind;
	int undo;
	struct shmbuf *buffer;
	sem_t *sem;
	int id;			/* of the SysV set; -1 for none */
	struct crew *crew;
};

static int shmbuf_batch(struct shmbuf *b)
{
	int err = 0;

	for (int i = 0; i < BATCH; i++)
		err |= shmbuf_sem_wait(b, 0) | shmbuf_sem_post(b, 0);
	return err;
}

static int undo_batch(struct shmbuf *b)
{
	int err = 0;

	for (int i = 0; i < BATCH; i++)
		err |= shmbuf_sem_wait_flags(b, 0, SHMBUF_UNDO, NULL) |
		       shmbuf_sem_post_flags(b, 0, SHMBUF_UNDO);
	return err;
}

static int sem_batch(sem_t *sem)
{
	int err = 0;

	for (int i = 0; i < BATCH; i++)
		err |= sem_wait(sem) | sem_post(sem);
	return err;
}

static int sysv_batch(int id, int undo)
{
	struct sembuf take = { .sem_op = -1, .sem_flg = undo ? SEM_UNDO : 0 };
	struct sembuf give = { .sem_op = 1, .sem_flg = undo ? SEM_UNDO : 0 };
	int err = 0;

	for (int i = 0; i < BATCH; i++)
		err |= semop(id, &take, 1) | semop(id, &give, 1);
	return err;
}

static int batch(const struct semaphore *m)
{
	switch (m->kind) {
	case SHMBUF:
		return m->undo ? undo_batch(m->buffer) : shmbuf_batch(m->buffer);
	case SEM:
		return sem_batch(m->sem);
	default:
		return sysv_batch(m->id, m->undo);
	}
}

static long run(const struct crew *crew, int which, void *arg)
{
	const struct semaphore *m = arg;
	long ops = 0;

	(void)which;
	do {
		if (batch(m))
			return -EIO;
		ops += BATCH;
	} while (crew_goes_on(crew));
	return ops;
}

static int measure(struct bench_subject *s, double *values)
{
	struct semaphore *m = s->state;
	int err = crew_round(m->crew, ROUND_NS);

	values[0] = 1e9 / crew_rate(m->crew);
	return err;
}

static void teardown(struct bench_subject *s)
{
	struct semaphore *m = s->state;

	crew_end(m->crew);
	shmbuf_close(m->buffer);
	if (m->id >= 0)
		semctl(m->id, 0, IPC_RMID);
	if (m->sem)
		munmap(m->sem, sizeof(*m->sem));
	free(m);
}

static int create_shmbuf(struct semaphore *m)
{
	struct shmbuf_options options = { .nr_objects = 1 };
	int err = shmbuf_create(&m->buffer, NULL, 1, &options);

	return err ? err : shmbuf_init(m->buffer, 0, 1, SHMBUF_KIND_SEMAPHORE,
				       SHMBUF_SEM_VALUE(1, 0));
}

static int create_sem(struct semaphore *m)
{
	m->sem = process_share(sizeof(*m->sem));
	if (!m->sem)
		return -ENOMEM;
	return sem_init(m->sem, 1, 1) ? -errno : 0;
}

static int create_sysv(struct semaphore *m, struct bench_subject *s)
{
	m->id = semget(IPC_PRIVATE, 1, 0600);
	if (m->id < 0)
		return bench_absent(s, "System V semaphores");
	return semctl(m->id, 0, SETVAL, 1) ? -errno : 0;
}

static int create(struct semaphore *m, struct bench_subject *s)
{
	switch (m->kind) {
	case SHMBUF:
		return create_shmbuf(m);
	case SEM:
		return create_sem(m);
	default:
		return create_sysv(m, s);
	}
}

static int setup(struct bench_subject *s)
{
	struct semaphore *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	s->state = m;
	m->id = -1;
	m->kind = *(const enum kind *)s->arg;
	m->undo = s->params[1].number;
	err = create(m, s);
	if (!err)
		m->crew = crew_start(s->params[0].number, run, m, &err);
	if (err)
		teardown(s);
	return err;
}

static const enum kind shmbuf_kind = SHMBUF, sem_kind = SEM, sysv_kind = SYSV;

/* What is alone and has its units in memory doesn't enter the kernel. */
#define SUBJECT(name, kind, processes_, undo_, memory) {		\
	.system = name,							\
	.params = { { "processes", NULL, processes_ },			\
		    { "undo", NULL, undo_ } },				\
	.cpus = (processes_) > 1 ? 2 : 1,				\
	.native = (memory) && (processes_) == 1,			\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = kind,							\
}

#define SUBJECTS(processes)						\
	SUBJECT("shmbuf", &shmbuf_kind, processes, 0, true),			\
	SUBJECT("sem", &sem_kind, processes, 0, true),			\
	SUBJECT("sysv", &sysv_kind, processes, 0, false),			\
	SUBJECT("shmbuf", &shmbuf_kind, processes, 1, false),			\
	SUBJECT("sysv-undo", &sysv_kind, processes, 1, false)

static struct bench_subject subjects[] = {
	SUBJECTS(1), SUBJECTS(2), SUBJECTS(4),
};

const struct bench bench_semaphore = {
	.name = "semaphore",
	.title = "a unit of a semaphore, taken and given back",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
