// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct shmbuf_options options = { .nr_objects = 1 };
	struct shmbuf *buffer;
	struct timespec soon;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err >= 0)
		err = shmbuf_init(buffer, 0, 1, SHMBUF_KIND_SEMAPHORE,
				  SHMBUF_SEM_VALUE(1, 1));
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));

	err = shmbuf_sem_wait(buffer, 0);
	printf("the first unit: %s\n", shmbuf_strerror(err));
	err = shmbuf_sem_trywait(buffer, 0);
	printf("a second one: %s\n", err == -EBUSY ? "-EBUSY" : "?");
	fflush(stdout);

	/* Whoever likes may post. */
	if (!fork())
		return -shmbuf_sem_post(buffer, 0);
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_sec += 20;
	err = shmbuf_sem_timedwait(buffer, 0, &soon);
	printf("the child's: %s\n", shmbuf_strerror(err));
	wait(NULL);

	shmbuf_sem_post(buffer, 0);
	err = shmbuf_sem_post(buffer, 0);
	printf("more than the most: %s\n", err == -EOVERFLOW ? "-EOVERFLOW" : "?");
	printf("units: %d\n", shmbuf_sem_value(buffer, 0));
	return 0;
}
