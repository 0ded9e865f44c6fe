// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	struct shmbuf_death death;
	struct shmbuf *buffer;
	eventfd_t count;
	int fd = eventfd(0, EFD_CLOEXEC), err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err >= 0)
		err = shmbuf_watch_eventfd(buffer, SHMBUF_INDEX_DEATHS, fd);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	if (!fork()) {
		shmbuf_lock(buffer, 0);
		raise(SIGTERM);
	}
	eventfd_read(fd, &count);
	if (shmbuf_deaths(buffer, &death, 1, UINT64_MAX) == 1 &&
	    death.how == SHMBUF_DEATH_SIGNAL)
		printf("killed by signal %u\n", death.code);
	wait(NULL);
	return 0;
}
