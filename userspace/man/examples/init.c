// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	/* Object 0 is a lock, 1 to 3 are nothing yet. */
	struct shmbuf_options options = { .nr_locks = 1, .nr_objects = 4 };
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));

	/* A semaphore with 3 units, of 10 at most; a barrier for 2. */
	err = shmbuf_init(buffer, 1, 1, SHMBUF_KIND_SEMAPHORE,
			  SHMBUF_SEM_VALUE(3, 10));
	if (!err)
		err = shmbuf_init(buffer, 2, 1, SHMBUF_KIND_BARRIER, 2);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	printf("%d units\n", shmbuf_sem_value(buffer, 1));

	/* What is idle can become something else. */
	err = shmbuf_reset(buffer, 1, 2);
	if (!err)
		err = shmbuf_init(buffer, 1, 3, SHMBUF_KIND_QUEUE, 0);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	printf("sequence %ju\n", (uintmax_t)shmbuf_sequence(buffer, 3));
	return 0;
}
