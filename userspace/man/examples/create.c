// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 4, .nr_queues = 2 };
	struct shmbuf *first, *second;
	int ret;

	ret = shmbuf_create(&first, "create-example", 4096, &options);
	if (ret < 0)
		error(1, 0, "%s", shmbuf_strerror(ret));
	printf("%s\n", ret ? "it existed" : "it is made");

	/* Nobody minds who comes first. */
	ret = shmbuf_create(&second, "create-example", 4096, &options);
	if (ret < 0)
		error(1, 0, "%s", shmbuf_strerror(ret));
	printf("%s\n", ret ? "it existed" : "it is made");
	shmbuf_close(second);

	options.flags = SHMBUF_EXCL;
	ret = shmbuf_create(&second, "create-example", 4096, &options);
	printf("with SHMBUF_EXCL: %s\n", ret == -EEXIST ? "-EEXIST" : "?");
	shmbuf_close(first);
	return 0;
}
