// SPDX-License-Identifier: GPL-2.0-only
/*
 * share:	counts in a shared buffer, under its lock, until SIGTERM; status 0 if all went well
 * share look:	prints how far those who share it have counted, or why that can't be had
 */
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ended;

static void end(int signal)
{
	__atomic_store_n(&ended, signal, __ATOMIC_RELAXED);
}

int main(int argc, char **argv)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	struct shmbuf *buffer;
	long *count;
	int err;

	signal(SIGTERM, end);
	err = shmbuf_create(&buffer, "share", 2 * sizeof(*count), &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	count = shmbuf_data(buffer);
	if (argc == 2 && !strcmp(argv[1], "look")) {
		printf("%ld\n", count[0]);
		return 0;
	}
	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED)) {
		err = shmbuf_lock(buffer, 0);
		if (err)
			error(1, 0, "lock: %s", shmbuf_strerror(err));
		if (++count[0] != ++count[1])
			error(1, 0, "two were in the lock");
		err = shmbuf_unlock(buffer, 0);
		if (err)
			error(1, 0, "unlock: %s", shmbuf_strerror(err));
		usleep(10000);
	}
	return 0;
}
