// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	struct shmbuf_options options = {
		.flags = SHMBUF_PREALLOC,
		.nr_locks = 3,
	};
	struct shmbuf_stats fares;
	struct shmbuf *buffer;
	int err;

	err = shmbuf_create(&buffer, NULL, 65536, &options);
	if (err >= 0)
		err = shmbuf_lock(buffer, 1);
	if (!err)
		err = shmbuf_rdlock(buffer, 2);
	if (!err)
		err = shmbuf_stats(buffer, &fares);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	printf("made by %s\n", fares.creator);
	printf("%ju of %ju bytes in memory\n", (uintmax_t)fares.resident,
	       (uintmax_t)fares.data_size);
	printf("%u process, %u lock held, %u read under\n", fares.joined,
	       fares.held, fares.shared);
	return 0;
}
