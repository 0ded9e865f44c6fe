// SPDX-License-Identifier: MIT
#include <error.h>
#include <poll.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct shmbuf_options options = { .nr_queues = 8 };
	struct shmbuf_moved_queue moved[8];
	struct shmbuf *buffer;
	struct pollfd pollfd;
	uint32_t queue;
	int err, i, n;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	for (queue = 0; err >= 0 && queue < 8; queue++)
		err = shmbuf_watch(buffer, queue, shmbuf_sequence(buffer, queue));
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));

	pollfd = (struct pollfd) { .fd = shmbuf_fd(buffer), .events = POLLIN };
	printf("at first: %d\n", poll(&pollfd, 1, 0));
	fflush(stdout);
	if (!fork())
		return shmbuf_wake(buffer, 5, 1) < 0;
	poll(&pollfd, 1, -1);
	n = shmbuf_moved(buffer, moved, 8);
	for (i = 0; i < n; i++) {
		printf("queue %u has moved\n", moved[i].index);
		shmbuf_watch(buffer, moved[i].index, moved[i].sequence);
	}
	printf("then: %d\n", poll(&pollfd, 1, 0));
	wait(NULL);
	return 0;
}
