// SPDX-License-Identifier: MIT
/*
 * A supervisor and its workers: two are killed, one with the lock held and one at work.  The
 * supervisor hears of it by epoll, gives their jobs out again, and starts others in their place.
 */
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS		3
#define JOBS		30
#define KILLED_TAKING	5
#define KILLED_WORKING	15

/* The sync objects: two locks, then a queue. */
enum { TABLE, SUPERVISOR, RETURNED };

/* Each step is one store, so that a death with the lock held leaves nothing to repair. */
static struct job {
	pid_t worker;	/* 0: nobody has it */
	int begun, done;
	long result;
} *jobs;

static struct shmbuf *buffer;

static void check(int err, const char *what)
{
	if (err < 0)
		error(1, 0, "%s: %s", what, shmbuf_strerror(err));
}

/* What a call said that takes the table's lock. */
static void locked(int err)
{
	check(err == -EOWNERDEAD ? shmbuf_consistent(buffer, TABLE) : err, "the table's lock");
}

static struct job *free_job(bool *all_done)
{
	*all_done = true;
	for (int i = 0; i < JOBS; i++) {
		*all_done &= jobs[i].done;
		if (!jobs[i].worker)
			return &jobs[i];
	}
	return NULL;
}

/*
 * The supervisor holds its lock all its life, so nobody else can have it before.  Deaths are
 * counted first: one that comes after the look ends the wait.
 */
static void wait_for_return(void)
{
	uint64_t deaths = shmbuf_sequence(buffer, SHMBUF_INDEX_DEATHS);
	int why;

	if (shmbuf_trylock(buffer, SUPERVISOR) != -EBUSY)
		error(1, 0, "the supervisor has died");
	locked(shmbuf_wait_locked(buffer, RETURNED, TABLE, NULL, &deaths, &why));
}

/* Returns NULL when all are done: until then a job may come back from one who died. */
static struct job *take(void)
{
	struct job *job;
	bool all_done;

	locked(shmbuf_lock(buffer, TABLE));
	while (!(job = free_job(&all_done)) && !all_done)
		wait_for_return();
	if (job) {
		job->worker = getpid();
		if (!job->begun++ && job - jobs == KILLED_TAKING)
			raise(SIGKILL);
	}
	shmbuf_unlock(buffer, TABLE);
	return job;
}

static int work(void)
{
	struct job *job;
	long result;

	while ((job = take())) {
		if (job->begun == 1 && job - jobs == KILLED_WORKING)
			raise(SIGKILL);
		result = (job - jobs) * (job - jobs);
		locked(shmbuf_lock(buffer, TABLE));
		job->result = result;
		__atomic_store_n(&job->done, job->done + 1, __ATOMIC_RELEASE);
		shmbuf_unlock(buffer, TABLE);
		shmbuf_wake(buffer, RETURNED, SHMBUF_WAKE_ALL);
	}
	return 0;
}

static void start_worker(void)
{
	pid_t pid = fork();

	if (pid < 0)
		error(1, errno, "fork");
	if (!pid)
		exit(work());
}

/* Before waitpid() the pid is nobody else's. */
static void give_out_again(const struct shmbuf_death *death)
{
	locked(shmbuf_lock(buffer, TABLE));
	for (int i = 0; i < JOBS; i++) {
		if (jobs[i].worker != (pid_t)death->pid || jobs[i].done)
			continue;
		printf("pid %u was killed by signal %u: job %d is given out again\n",
		       death->pid, death->code, i);
		jobs[i].worker = 0;
	}
	shmbuf_unlock(buffer, TABLE);
	shmbuf_wake(buffer, RETURNED, SHMBUF_WAKE_ALL);
}

/* Until all workers have ended in good order. */
static void supervise(int epoll, uint64_t seen)
{
	struct shmbuf_death deaths[SHMBUF_DEATHS_MAX];
	struct epoll_event event;

	for (int workers = WORKERS; workers;) {
		int n;

		check(shmbuf_watch(buffer, SHMBUF_INDEX_DEATHS, seen), "watching");
		if (epoll_wait(epoll, &event, 1, -1) < 0)
			error(1, errno, "epoll_wait");
		n = shmbuf_deaths(buffer, deaths, SHMBUF_DEATHS_MAX, seen);
		check(n, "reading deaths");
		for (int i = 0; i < n; i++) {
			seen = deaths[i].sequence;
			if (deaths[i].how == SHMBUF_DEATH_SIGNAL) {
				give_out_again(&deaths[i]);
				start_worker();
			} else {
				workers--;
			}
			waitpid(deaths[i].pid, NULL, 0);
		}
	}
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 2, .nr_queues = 1 };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC), right = 0, twice = 0;
	uint64_t seen;

	setlinebuf(stdout);
	check(shmbuf_create(&buffer, NULL, JOBS * sizeof(*jobs), &options), "creating");
	check(shmbuf_lock(buffer, SUPERVISOR), "the supervisor's lock");
	jobs = shmbuf_data(buffer);
	seen = shmbuf_sequence(buffer, SHMBUF_INDEX_DEATHS);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, shmbuf_fd(buffer), &event) < 0)
		error(1, errno, "epoll");
	for (int i = 0; i < WORKERS; i++)
		start_worker();
	supervise(epoll, seen);
	for (int i = 0; i < JOBS; i++) {
		right += jobs[i].done == 1 && jobs[i].result == (long)i * i;
		twice += jobs[i].begun == 2;
	}
	printf("%d of %d jobs are done once; %d of them were begun twice\n", right, JOBS, twice);
	return right != JOBS || twice != 2;
}
