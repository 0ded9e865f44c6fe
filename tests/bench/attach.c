// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach make NAME: makes a buffer with a lock that stays.
 * attach use NAME: opens it, locks, unlocks, closes, between two calls of getpgid()
 *	that tell a tracer where that begins and ends.
 * attach remove NAME
 */
#include <shmbuf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int make(const char *name)
{
	struct shmbuf_options options = { .nr_locks = 1, .flags = SHMBUF_EXCL | SHMBUF_PERSIST };
	struct shmbuf *b;
	int err = shmbuf_create(&b, name, 1, &options);

	if (!err)
		shmbuf_close(b);
	return err;
}

static int use(const char *name)
{
	struct shmbuf *b;
	int err;

	getpgid(0);
	err = shmbuf_open(&b, name, 0);
	if (!err) {
		err = shmbuf_lock(b, 0);
		*(char *)shmbuf_data(b) = 1;
		if (!err)
			err = shmbuf_unlock(b, 0);
		shmbuf_close(b);
	}
	getpgid(0);
	return err;
}

int main(int argc, char **argv)
{
	int err;

	if (argc == 3 && !strcmp(argv[1], "make")) {
		err = make(argv[2]);
	} else if (argc == 3 && !strcmp(argv[1], "use")) {
		err = use(argv[2]);
	} else if (argc == 3 && !strcmp(argv[1], "remove")) {
		err = shmbuf_unlink(argv[2]);
	} else {
		fputs("Usage: attach make|use|remove NAME\n", stderr);
		return 2;
	}
	if (err)
		fprintf(stderr, "attach: %s: %s\n", argv[1], shmbuf_strerror(err));
	return err ? 1 : 0;
}
