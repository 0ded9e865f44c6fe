// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int grow(struct shmbuf *buffer, uint64_t size)
{
	int err = shmbuf_grow(buffer, 2 * size);

	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	((char *)shmbuf_data(buffer))[2 * size - 1] = 'x';
	return 0;
}

int main(void)
{
	struct shmbuf_options options = { .max_size = 1 << 20 };
	struct shmbuf *buffer;
	uint64_t size;
	char *data;
	int err;

	err = shmbuf_create(&buffer, NULL, 1, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	data = shmbuf_data(buffer);
	size = shmbuf_size(buffer);	/* a page: it was rounded up */
	if (!fork())
		return grow(buffer, size);
	wait(NULL);
	/* The address stays; shmbuf_size() maps what has come. */
	printf("%d times as large\n", (int)(shmbuf_size(buffer) / size));
	printf("the last byte: %c\n", data[2 * size - 1]);
	return 0;
}
