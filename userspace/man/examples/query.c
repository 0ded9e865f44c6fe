// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 3, .max_size = 1 << 20 };
	struct shmbuf_info info;
	struct shmbuf *buffer;
	int err;

	/* Of the module alone; the limits differ from system to system. */
	err = shmbuf_query(NULL, &info);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	printf("semaphores: %s\n",
	       info.features & SHMBUF_FEATURE_SEMAPHORE ? "yes" : "no");

	err = shmbuf_create(&buffer, "query-example", 1, &options);
	if (err >= 0)
		err = shmbuf_query(buffer, &info);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	printf("%s: mode %o, %u objects, up to %ju bytes\n", info.name,
	       info.mode, info.nr_objects, (uintmax_t)info.max_size);
	return 0;
}
