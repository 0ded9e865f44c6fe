// SPDX-License-Identifier: MIT
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	struct shmbuf *buffer, *other;
	int err;

	err = shmbuf_create(&buffer, "seal-example", 4096, NULL);
	if (err >= 0)
		err = shmbuf_seal(buffer, SHMBUF_SEAL_WRITERS | SHMBUF_SEAL_GROW);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));

	err = shmbuf_open(&other, "seal-example", 0);
	printf("for writing: %s\n", err == -EPERM ? "-EPERM" : "?");
	err = shmbuf_open(&other, "seal-example", SHMBUF_RDONLY);
	printf("for reading: %s\n", shmbuf_strerror(err));
	err = shmbuf_grow(buffer, 4096);
	printf("to grow: %s\n", err == -EPERM ? "-EPERM" : "?");
	return 0;
}
