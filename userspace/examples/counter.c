// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	struct { long begun, done; } *count;
	struct shmbuf *buffer;
	int err = shmbuf_create(&buffer, NULL, sizeof(*count), &options);

	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	count = shmbuf_data(buffer);
	for (int i = 1; i <= 5; i++, wait(NULL)) {
		if (fork())
			continue;
		if (shmbuf_lock(buffer, 0) == -EOWNERDEAD) {
			printf("%d: repairing %ld to %ld\n", i, count->begun, count->done);
			count->begun = count->done;
			shmbuf_consistent(buffer, 0);
		}
		count->begun++;
		if (i == 3)
			raise(SIGKILL);	/* half way, and holding the lock */
		count->done++;
		return -shmbuf_unlock(buffer, 0);
	}
	printf("%ld of 5 counted\n", count->done);
	return 0;
}
