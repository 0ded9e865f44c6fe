// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two halves that are the same whenever the lock is free. */
struct pair {
	int left, right;
};

static void add(struct shmbuf *buffer, int fail)
{
	struct pair *pair = shmbuf_data(buffer);
	int err = shmbuf_lock(buffer, 0);

	if (err == -EOWNERDEAD) {
		printf("repairing %d and %d\n", pair->left, pair->right);
		pair->left = pair->right;
		err = shmbuf_consistent(buffer, 0);
	}
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	pair->left++;
	if (fail)
		_exit(1);
	pair->right++;
	shmbuf_unlock(buffer, 0);
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	struct timespec soon;
	struct shmbuf *buffer;
	struct pair *pair;
	int err;

	setlinebuf(stdout);
	err = shmbuf_create(&buffer, NULL, sizeof(*pair), &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	add(buffer, 0);
	if (!fork())
		add(buffer, 1);
	wait(NULL);
	add(buffer, 0);
	pair = shmbuf_data(buffer);
	printf("%d and %d\n", pair->left, pair->right);

	shmbuf_lock(buffer, 0);
	if (!fork()) {
		err = shmbuf_trylock(buffer, 0);
		printf("trylock: %s\n", err == -EBUSY ? "-EBUSY" : "?");
		clock_gettime(CLOCK_MONOTONIC, &soon);
		soon.tv_sec++;
		err = shmbuf_timedlock(buffer, 0, &soon);
		printf("timedlock: %s\n", err == -ETIMEDOUT ? "-ETIMEDOUT" : "?");
		return 0;
	}
	wait(NULL);
	shmbuf_unlock(buffer, 0);
	return 0;
}
