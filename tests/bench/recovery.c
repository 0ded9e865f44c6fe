// SPDX-License-Identifier: GPL-2.0-only
/* A holder is killed: how long until the one who waits has what it held, and knows. */
#include "bench.h"
#include "process.h"
#include "pshared.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LARGE_MIB	1024
/* Where instructions are counted each page costs much time. */
#define COUNTED_MIB	64
#define DEATHS_MAX	25

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
	int id;			/* of a SysV set, -1 for none */
	int file;		/* what is flocked, -1 for none */
};

/* What is held.  All return 0 or -errno. */
struct held {
	int (*create)(struct state *s);
	int (*hold)(struct state *s);		/* for ever */
	int (*take)(struct state *s);		/* waits for the holder's end */
	int (*settle)(struct state *s);		/* makes it as it was */
	int told;		/* what take() returns */
};

/* What makes a subject. */
struct recovery {
	const struct held *held;
	bool thread;		/* a thread ends without a word, its process lives */
	int deaths;		/* in a round, of which the median counts */
};

static int create_lock(struct state *s)
{
	struct shmbuf_options options = { .nr_locks = 1 };

	return shmbuf_create(&s->buffer, NULL, 1, &options);
}

static int take_lock(struct state *s)
{
	return shmbuf_lock(s->buffer, 0);
}

static int settle_lock(struct state *s)
{
	int err = shmbuf_consistent(s->buffer, 0);

	return err ? err : shmbuf_unlock(s->buffer, 0);
}

static const struct held lock = { create_lock, take_lock, take_lock, settle_lock, -EOWNERDEAD };

static int hold_read(struct state *s)
{
	return shmbuf_rdlock(s->buffer, 0);
}

static int unlock(struct state *s)
{
	return shmbuf_unlock(s->buffer, 0);
}

static const struct held reader = { create_lock, hold_read, take_lock, unlock, 0 };

static int create_semaphore(struct state *s)
{
	struct shmbuf_options options = { .nr_objects = 1 };
	int err = shmbuf_create(&s->buffer, NULL, 1, &options);

	return err ? err : shmbuf_init(s->buffer, 0, 1, SHMBUF_KIND_SEMAPHORE,
				       SHMBUF_SEM_VALUE(1, 0));
}

static int take_unit(struct state *s)
{
	return shmbuf_sem_wait_flags(s->buffer, 0, SHMBUF_UNDO, NULL);
}

static int give_unit(struct state *s)
{
	return shmbuf_sem_post_flags(s->buffer, 0, SHMBUF_UNDO);
}

static const struct held semaphore = { create_semaphore, take_unit, take_unit, give_unit, 0 };

static int init_barrier(struct state *s)
{
	return shmbuf_init(s->buffer, 0, 1, SHMBUF_KIND_BARRIER, 2);
}

static int create_barrier(struct state *s)
{
	struct shmbuf_options options = { .nr_objects = 1 };
	int err = shmbuf_create(&s->buffer, NULL, 1, &options);

	return err ? err : init_barrier(s);
}

/* Who has come and gone again is a party. */
static int be_party(struct state *s)
{
	struct timespec past = { };
	int err = shmbuf_barrier_wait(s->buffer, 0, &past);

	return err == -ETIMEDOUT ? 0 : -EPROTO;
}

static int meet(struct state *s)
{
	return shmbuf_barrier_wait(s->buffer, 0, NULL);
}

static int reset_barrier(struct state *s)
{
	int err = shmbuf_reset(s->buffer, 0, 1);

	return err ? err : init_barrier(s);
}

static const struct held barrier = { create_barrier, be_party, meet, reset_barrier, -EOWNERDEAD };

static int create_robust(struct state *s)
{
	return pshared_mutex(&s->stage->mutex, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
}

static int take_robust(struct state *s)
{
	return -pthread_mutex_lock(&s->stage->mutex);
}

static int settle_robust(struct state *s)
{
	int err = pthread_mutex_consistent(&s->stage->mutex);

	return -(err ? err : pthread_mutex_unlock(&s->stage->mutex));
}

static const struct held robust = {
	create_robust, take_robust, take_robust, settle_robust, -EOWNERDEAD
};

static int create_sysv(struct state *s)
{
	s->id = semget(IPC_PRIVATE, 1, 0600);
	return s->id < 0 || semctl(s->id, 0, SETVAL, 1) ? -errno : 0;
}

static int change_sysv(struct state *s, int by)
{
	struct sembuf change = { .sem_op = by, .sem_flg = SEM_UNDO };

	return semop(s->id, &change, 1) ? -errno : 0;
}

static int take_sysv(struct state *s)
{
	return change_sysv(s, -1);
}

static int give_sysv(struct state *s)
{
	return change_sysv(s, 1);
}

static const struct held sysv_undo = { create_sysv, take_sysv, take_sysv, give_sysv, 0 };

static int create_file(struct state *s)
{
	s->file = memfd_create("flock", MFD_CLOEXEC);
	return s->file < 0 ? -errno : 0;
}

/* By an opening of the process's own, which ends with it. */
static int take_file(struct state *s)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->file);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 || flock(fd, LOCK_EX) ? -errno : 0;
}

static int leave_file(struct state *s)
{
	(void)s;
	return 0;
}

static const struct held file = { create_file, take_file, take_file, leave_file, 0 };

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

	if (s->what->held->hold(s))
		return NULL;
	process_set(&s->stage->held, 1);
	process_await(&s->stage->go);
	s->stage->died_ns = bench_now_ns();
	syscall(SYS_exit, 0);
	return NULL;
}

/*
 * Each on a CPU of its own, where there are two, so that no placement is luck.  The holder
 * is on the first, as the kernel's own work for dying address spaces is.
 */
static int hold(void *arg)
{
	struct state *s = arg;
	pthread_t thread;

	if (process_pin(0) || (s->memory && touch(s->memory)))
		return 1;
	if (s->what->thread) {
		if (pthread_create(&thread, NULL, hold_and_end, s))
			return 1;
	} else {
		if (s->what->held->hold(s))
			return 1;
		process_set(&s->stage->held, 1);
	}
	for (;;)
		pause();
}

static int wait_for_it(void *arg)
{
	struct state *s = arg;

	if (process_pin(1))
		return 1;
	process_set(&s->stage->waiting, 1);
	s->stage->result = s->what->held->take(s);
	s->stage->recovered_ns = bench_now_ns();
	return !!s->what->held->settle(s);
}

static int kill_and_wait(struct state *s, pid_t holder, pid_t waiter)
{
	int err = process_await(&s->stage->waiting);

	if (!err)
		err = process_await_sleep(waiter);
	if (err)
		return err;
	/* Both CPUs are to be idle. */
	usleep(2000);
	if (s->what->thread) {
		process_set(&s->stage->go, 1);
	} else {
		s->stage->died_ns = bench_now_ns();
		kill(holder, SIGKILL);
	}
	err = process_end(waiter);
	return !err && s->stage->result != s->what->held->told ? -EPROTO : err;
}

static int one_death(struct state *s, double *took_ns)
{
	pid_t holder, waiter;
	int err;

	s->stage->held = 0;
	s->stage->go = 0;
	s->stage->waiting = 0;
	holder = process_start(hold, s);
	if (holder < 0)
		return holder;
	err = process_await(&s->stage->held);
	if (!err) {
		waiter = process_start(wait_for_it, s);
		err = waiter < 0 ? waiter : kill_and_wait(s, holder, waiter);
		if (err)
			process_kill(waiter);
	}
	process_kill(holder);
	*took_ns = (double)(s->stage->recovered_ns - s->stage->died_ns);
	return err;
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
	values[0] = median_of(took, s->what->deaths);
	return 0;
}

static void teardown(struct bench_subject *subject)
{
	struct state *s = subject->state;

	shmbuf_close(s->buffer);
	if (s->id >= 0)
		semctl(s->id, 0, IPC_RMID);
	if (s->file >= 0)
		close(s->file);
	if (s->stage)
		munmap(s->stage, sizeof(*s->stage));
	free(s);
}

static int setup(struct bench_subject *subject)
{
	struct state *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!s)
		return -ENOMEM;
	subject->state = s;
	s->what = subject->arg;
	s->memory = (size_t)subject->params[0].number << 20;
	s->id = -1;
	s->file = -1;
	s->stage = process_share(sizeof(*s->stage));
	if (s->stage)
		err = s->what->held->create(s);
	if (err == -ENOSYS)
		err = bench_absent(subject, "System V semaphores");
	if (err)
		teardown(subject);
	return err;
}

#define SUBJECT(name, what, op_, thread_, memory_, deaths_) {		\
	.system = name,							\
	.params = { { "memory", NULL, memory_ }, { "op", op_, 0 } },	\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = &(const struct recovery){				\
		.held = what, .thread = thread_, .deaths = deaths_,	\
	},								\
}

#define SUBJECTS(memory, deaths)					\
	SUBJECT("shmbuf", &lock, "lock", false, memory, deaths),	\
	SUBJECT("pthread-robust", &robust, "lock", false, memory, deaths), \
	SUBJECT("flock", &file, "lock", false, memory, deaths),		\
	SUBJECT("shmbuf", &semaphore, "semaphore", false, memory, deaths), \
	SUBJECT("sysv-undo", &sysv_undo, "semaphore", false, memory, deaths), \
	SUBJECT("shmbuf", &reader, "reader", false, memory, deaths),	\
	SUBJECT("shmbuf", &barrier, "barrier", false, memory, deaths)

static struct bench_subject subjects[] = {
	SUBJECTS(0, DEATHS_MAX),
	SUBJECTS(LARGE_MIB, 1),
	SUBJECT("shmbuf", &lock, "thread", true, 0, 3),
	SUBJECT("pthread-robust", &robust, "thread", true, 0, 3),
};

#define NR_SUBJECTS	(sizeof(subjects) / sizeof(*subjects))

/* Where there is too little memory for the large holder, it is as large as it can be. */
static void __attribute__((constructor)) fit_into_memory(void)
{
	long mib = available_mib() / 2;

	if (bench_counts() && mib > COUNTED_MIB)
		mib = COUNTED_MIB;
	for (size_t i = 0; i < NR_SUBJECTS; i++) {
		if (subjects[i].params[0].number > mib)
			subjects[i].params[0].number = mib;
	}
}

const struct bench bench_recovery = {
	.name = "recovery",
	.title = "a holder is killed: until the waiter has what it held and knows",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = NR_SUBJECTS,
};
