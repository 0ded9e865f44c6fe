// SPDX-License-Identifier: MIT
#include <errno.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	printf("%s\n", shmbuf_strerror(0));
	printf("%s\n", shmbuf_strerror(-ETIMEDOUT));
	return 0;
}
