// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	struct shmbuf_options options = { .flags = SHMBUF_PERSIST };
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, "unlink-example", 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	*(int *)shmbuf_data(buffer) = 42;
	shmbuf_close(buffer);

	/* Nobody had it meanwhile, and it is still there. */
	err = shmbuf_open(&buffer, "unlink-example", 0);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	err = shmbuf_unlink("unlink-example");
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	printf("%d\n", *(int *)shmbuf_data(buffer));
	shmbuf_close(buffer);	/* and now it goes */
	return 0;
}
