// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUESTS, ANSWERS, QUEUES };

/* It uses queues alone: if it didn't join, nobody would hear of its death. */
static int work(struct shmbuf *buffer)
{
	int err = shmbuf_join(buffer);

	if (err)
		return 1;
	shmbuf_wake(buffer, ANSWERS, 1);
	shmbuf_wait(buffer, REQUESTS, 0, NULL);
	raise(SIGKILL);
	return 1;
}

int main(void)
{
	struct shmbuf_options options = { .nr_queues = QUEUES };
	struct shmbuf_death death;
	struct shmbuf *buffer;
	uint64_t deaths;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	deaths = shmbuf_sequence(buffer, SHMBUF_INDEX_DEATHS);
	if (!fork())
		return work(buffer);
	shmbuf_wait(buffer, ANSWERS, 0, NULL);
	printf("the worker is there\n");

	shmbuf_wake(buffer, REQUESTS, 1);
	err = shmbuf_wait_peers(buffer, ANSWERS, 1, NULL, deaths);
	if (err == -EOWNERDEAD && shmbuf_deaths(buffer, &death, 1, deaths) == 1)
		printf("it was killed by signal %u before it answered\n", death.code);
	wait(NULL);
	return 0;
}
