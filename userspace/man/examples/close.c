// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	struct shmbuf *one, *other = NULL;
	int err;

	err = shmbuf_create(&one, "close-example", 4096, &options);
	if (err >= 0)
		err = shmbuf_open(&other, "close-example", 0);
	if (!err)
		err = shmbuf_lock(one, 0);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));

	/* To close a handle is a death for what is locked through it. */
	shmbuf_close(one);
	err = shmbuf_lock(other, 0);
	printf("%s\n", err == -EOWNERDEAD ? "its holder died" : "?");
	shmbuf_consistent(other, 0);
	shmbuf_unlock(other, 0);
	shmbuf_close(other);

	err = shmbuf_open(&other, "close-example", 0);
	printf("%s\n", err == -ENOENT ? "the name is gone" : "?");
	return 0;
}
