// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS	3
#define JOBS	12

/* Under the lock; what is begun and not done a dead worker has left. */
struct pool {
	int begun, done, killed;
};

static int take_job(struct shmbuf *buffer)
{
	struct pool *pool = shmbuf_data(buffer);
	int err = shmbuf_lock(buffer, 0), job;

	if (err == -EOWNERDEAD) {
		pool->begun = pool->done;
		err = shmbuf_consistent(buffer, 0);
	}
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	job = pool->begun < JOBS ? ++pool->begun : 0;
	if (job == 7 && !pool->killed) {
		pool->killed = 1;
		raise(SIGKILL);
	}
	pool->done = pool->begun;
	shmbuf_unlock(buffer, 0);
	return job;
}

static void start(struct shmbuf *buffer)
{
	if (fork())
		return;
	while (take_job(buffer))
		;
	_exit(0);
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	struct epoll_event event = { .events = EPOLLIN };
	struct shmbuf_death deaths[SHMBUF_DEATHS_MAX];
	int epoll = epoll_create1(EPOLL_CLOEXEC), left = WORKERS;
	struct shmbuf *buffer;
	uint64_t seen = 0;
	int err, i, n;

	err = shmbuf_create(&buffer, NULL, sizeof(struct pool), &options);
	if (err >= 0)
		err = shmbuf_watch(buffer, SHMBUF_INDEX_DEATHS, seen);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	epoll_ctl(epoll, EPOLL_CTL_ADD, shmbuf_fd(buffer), &event);
	for (i = 0; i < WORKERS; i++)
		start(buffer);
	while (left) {
		epoll_wait(epoll, &event, 1, -1);
		n = shmbuf_deaths(buffer, deaths, SHMBUF_DEATHS_MAX, seen);
		for (i = 0; i < n; i++) {
			seen = deaths[i].sequence;
			if (deaths[i].how == SHMBUF_DEATH_SIGNAL) {
				printf("a worker was killed: another one\n");
				fflush(stdout);
				start(buffer);
			} else {
				left--;
			}
		}
		shmbuf_watch(buffer, SHMBUF_INDEX_DEATHS, seen);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	printf("%d jobs are done\n", ((struct pool *)shmbuf_data(buffer))->done);
	return 0;
}
