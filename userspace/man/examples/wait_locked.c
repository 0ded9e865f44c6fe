// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOCK, QUEUE };

static void repair(struct shmbuf *buffer, int err)
{
	if (err == -EOWNERDEAD)
		err = shmbuf_consistent(buffer, LOCK);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
}

static int consume(struct shmbuf *buffer)
{
	int *jobs = shmbuf_data(buffer), why = 0, done;
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 20;
	for (done = 0; done < 3; done++) {
		repair(buffer, shmbuf_lock(buffer, LOCK));
		while (!*jobs && !why)
			repair(buffer, shmbuf_wait_locked(buffer, QUEUE, LOCK,
							  &deadline, NULL, &why));
		if (!*jobs)
			error(1, 0, "%s", shmbuf_strerror(why));
		--*jobs;
		shmbuf_unlock(buffer, LOCK);
	}
	printf("%d jobs are done\n", done);
	return 0;
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1, .nr_queues = 1 };
	struct shmbuf *buffer;
	int err, i;

	err = shmbuf_create(&buffer, NULL, sizeof(int), &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	if (!fork())
		return consume(buffer);
	for (i = 0; i < 3; i++) {
		repair(buffer, shmbuf_lock(buffer, LOCK));
		++*(int *)shmbuf_data(buffer);
		shmbuf_wake(buffer, QUEUE, 1);
		shmbuf_unlock(buffer, LOCK);
	}
	wait(NULL);
	return 0;
}
