// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <shmbuf_guard.h>
#include <stdio.h>

static int count(struct shmbuf *buffer)
{
	int *counter = shmbuf_data(buffer);

	shmbuf_guard(guard, buffer, 0);
	if (guard.result == -EOWNERDEAD)
		shmbuf_consistent(buffer, 0);	/* an int is never half changed */
	else if (guard.result)
		return guard.result;
	return ++*counter;	/* and the lock is released */
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, NULL, sizeof(int), &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	count(buffer);
	printf("%d\n", count(buffer));
	return 0;
}
