// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOCK, QUEUE };

static int wait_for_value(struct shmbuf *buffer)
{
	int *value = shmbuf_data(buffer);
	uint64_t sequence;

	for (;;) {
		if (shmbuf_lock(buffer, LOCK))
			return 1;
		if (*value)
			break;
		/* Before the unlock: a wake after it isn't missed. */
		sequence = shmbuf_sequence(buffer, QUEUE);
		shmbuf_unlock(buffer, LOCK);
		shmbuf_wait(buffer, QUEUE, sequence, NULL);
	}
	printf("the value is %d\n", *value);
	shmbuf_unlock(buffer, LOCK);
	return 0;
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1, .nr_queues = 1 };
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, NULL, sizeof(int), &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	if (!fork())
		return wait_for_value(buffer);
	shmbuf_lock(buffer, LOCK);
	*(int *)shmbuf_data(buffer) = 42;
	shmbuf_unlock(buffer, LOCK);
	shmbuf_wake(buffer, QUEUE, SHMBUF_WAKE_ALL);
	wait(NULL);
	return 0;
}
