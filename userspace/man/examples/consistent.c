// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void die_with(struct shmbuf *buffer, uint32_t index)
{
	if (!fork()) {
		shmbuf_lock(buffer, index);
		raise(SIGKILL);
	}
	wait(NULL);
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 2 };
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));

	die_with(buffer, 0);
	if (shmbuf_lock(buffer, 0) == -EOWNERDEAD) {
		/* Here the data are put in order. */
		shmbuf_consistent(buffer, 0);
	}
	shmbuf_unlock(buffer, 0);
	printf("repaired: %s\n", shmbuf_strerror(shmbuf_lock(buffer, 0)));

	die_with(buffer, 1);
	shmbuf_lock(buffer, 1);
	shmbuf_unlock(buffer, 1);	/* and nobody has repaired anything */
	err = shmbuf_lock(buffer, 1);
	printf("given up: %s\n", err == -ENOTRECOVERABLE ? "-ENOTRECOVERABLE" : "?");

	/* Once the data are good again, by whatever means: */
	err = shmbuf_reset(buffer, 1, 1);
	if (!err)
		err = shmbuf_init(buffer, 1, 1, SHMBUF_KIND_LOCK, 0);
	if (!err)
		err = shmbuf_lock(buffer, 1);
	printf("anew: %s\n", shmbuf_strerror(err));
	return 0;
}
