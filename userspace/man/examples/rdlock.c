// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int read_too(struct shmbuf *buffer)
{
	int err = shmbuf_tryrdlock(buffer, 0);

	printf("another reader: %s\n", shmbuf_strerror(err));
	shmbuf_unlock(buffer, 0);
	err = shmbuf_trylock(buffer, 0);
	printf("a writer: %s\n", err == -EBUSY ? "-EBUSY" : "?");
	return 0;
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));

	err = shmbuf_rdlock(buffer, 0);
	if (err == -EOWNERDEAD) {
		/* Held alone, to repair what a writer left; then shared. */
		shmbuf_consistent(buffer, 0);
		err = shmbuf_downgrade(buffer, 0);
	}
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	if (!fork())
		return read_too(buffer);
	wait(NULL);
	shmbuf_unlock(buffer, 0);
	return 0;
}
