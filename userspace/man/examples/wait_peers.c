// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUEUE };

int main(void)
{
	struct shmbuf_options options = { .nr_queues = 1 };
	struct shmbuf *buffer;
	uint64_t sequence, deaths;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	sequence = shmbuf_sequence(buffer, QUEUE);
	deaths = shmbuf_sequence(buffer, SHMBUF_INDEX_DEATHS);

	/* It is joined, and never wakes anybody. */
	if (!fork())
		return -shmbuf_join(buffer);
	wait(NULL);

	/* It died since the deaths were counted. */
	err = shmbuf_wait_peers(buffer, QUEUE, sequence, NULL, deaths);
	printf("%s\n", err == -EOWNERDEAD ? "somebody died" : "?");

	/* That is known, and there is nobody else. */
	err = shmbuf_wait_peers(buffer, QUEUE, sequence, NULL, UINT64_MAX);
	printf("%s\n", err == -EPIPE ? "nobody is left" : "?");
	return 0;
}
