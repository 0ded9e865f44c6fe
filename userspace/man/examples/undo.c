// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void take_and_die(struct shmbuf *buffer, unsigned int flags)
{
	if (!fork()) {
		shmbuf_sem_wait_flags(buffer, 0, flags, NULL);
		raise(SIGKILL);
	}
	wait(NULL);
}

int main(void)
{
	struct shmbuf_options options = { .nr_objects = 1 };
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err >= 0)
		err = shmbuf_init(buffer, 0, 1, SHMBUF_KIND_SEMAPHORE,
				  SHMBUF_SEM_VALUE(2, 2));
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));

	take_and_die(buffer, SHMBUF_UNDO);
	printf("it came back: %d units\n", shmbuf_sem_value(buffer, 0));
	take_and_die(buffer, 0);
	printf("it is gone: %d unit\n", shmbuf_sem_value(buffer, 0));

	shmbuf_sem_wait(buffer, 0);
	/* There is nobody else who could post. */
	err = shmbuf_sem_wait_peers(buffer, 0, 0, NULL, UINT64_MAX);
	printf("%s\n", err == -EPIPE ? "nobody will post" : "?");
	return 0;
}
