// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOCK, STOP };

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1, .nr_queues = 1 };
	struct shmbuf *buffer;
	int ret;

	setlinebuf(stdout);
	ret = shmbuf_create(&buffer, NULL, 4096, &options);
	if (ret < 0)
		error(1, 0, "%s", shmbuf_strerror(ret));
	struct shmbuf_any items[] = {
		{
			.b = buffer,
			.index = STOP,
			.kind = SHMBUF_KIND_QUEUE,
			.sequence = shmbuf_sequence(buffer, STOP),
		}, {
			.b = buffer,
			.index = LOCK,
			.kind = SHMBUF_KIND_LOCK,
		},
	};

	/* The lock, unless one is told to stop. */
	ret = shmbuf_wait_any(items, 2, NULL, NULL);
	if (ret == (1 | SHMBUF_WAIT_ANY_OWNERDEAD)) {
		shmbuf_consistent(buffer, LOCK);
		ret = 1;
	}
	printf("%s\n", ret == 1 ? "locked" : "?");

	/* Somebody else can't have it, and gives up when told to. */
	if (!fork()) {
		ret = shmbuf_wait_any(items, 2, NULL, NULL);
		printf("%s\n", ret == 0 ? "told to stop" : "?");
		return 0;
	}
	shmbuf_wake(buffer, STOP, SHMBUF_WAKE_ALL);
	wait(NULL);
	shmbuf_unlock(buffer, LOCK);
	return 0;
}
