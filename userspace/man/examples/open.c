// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int observe(void)
{
	struct shmbuf *buffer;
	int err = shmbuf_open(&buffer, "open-example", SHMBUF_RDONLY);

	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	printf("it says: %s\n", (char *)shmbuf_data(buffer));
	err = shmbuf_lock(buffer, 0);
	printf("to lock it is %s\n", err == -EBADF ? "-EBADF" : "possible");
	return 0;
}

int main(void)
{
	struct shmbuf_options options = { .mode = 0644, .nr_locks = 1 };
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, "open-example", 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	snprintf(shmbuf_data(buffer), shmbuf_size(buffer), "hello");
	if (!fork())
		return observe();
	wait(NULL);
	return 0;
}
