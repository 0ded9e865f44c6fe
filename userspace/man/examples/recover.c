// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOCK, READY, GO };

/* It holds the lock and is stuck. */
static int hang(struct shmbuf *buffer)
{
	int err = shmbuf_lock(buffer, LOCK);

	if (err)
		return 1;
	shmbuf_wake(buffer, READY, 1);
	shmbuf_wait(buffer, GO, 0, NULL);
	err = shmbuf_unlock(buffer, LOCK);
	printf("unlock: %s\n", err == -EPERM ? "-EPERM" : "?");
	return 0;
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1, .nr_queues = 2 };
	struct shmbuf_owner_info info;
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	if (!fork())
		return hang(buffer);
	shmbuf_wait(buffer, READY, 0, NULL);

	/* Only from the one who was found there. */
	err = shmbuf_owner_info(buffer, LOCK, &info, NULL, 0);
	if (!err)
		err = shmbuf_recover(buffer, LOCK, info.owner);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	err = shmbuf_lock(buffer, LOCK);
	printf("lock: %s\n", err == -EOWNERDEAD ? "-EOWNERDEAD" : "?");
	fflush(stdout);
	shmbuf_consistent(buffer, LOCK);
	shmbuf_unlock(buffer, LOCK);

	shmbuf_wake(buffer, GO, 1);
	wait(NULL);
	return 0;
}
