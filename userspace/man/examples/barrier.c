// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARTIES	3

/* Each party fills its part; after the barrier all parts are there. */
static int work(struct shmbuf *buffer, int party)
{
	int *part = shmbuf_data(buffer), sum = 0, ret, i;

	part[party] = party + 1;
	ret = shmbuf_barrier_wait(buffer, 0, NULL);
	if (ret < 0)
		error(1, 0, "%s", shmbuf_strerror(ret));
	for (i = 0; i < PARTIES; i++)
		sum += part[i];
	if (ret)
		printf("the last one sees %d\n", sum);
	return shmbuf_barrier_leave(buffer, 0) || sum != 6;
}

int main(void)
{
	struct shmbuf_options options = { .nr_objects = 1 };
	struct shmbuf *buffer;
	int err, i;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err >= 0)
		err = shmbuf_init(buffer, 0, 1, SHMBUF_KIND_BARRIER, PARTIES);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	for (i = 0; i < PARTIES; i++)
		if (!fork())
			return work(buffer, i);
	while (wait(NULL) > 0)
		;

	/* One arrives and ends, and didn't leave: the others are told. */
	if (!fork()) {
		alarm(1);
		shmbuf_barrier_wait(buffer, 0, NULL);
	}
	err = shmbuf_barrier_wait(buffer, 0, NULL);
	/* Who comes when it is broken already is told so. */
	printf("%s\n", err == -EOWNERDEAD || err == -ENOTRECOVERABLE ?
	       "broken" : "?");
	return 0;
}
