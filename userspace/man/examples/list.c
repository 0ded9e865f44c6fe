// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>

int main(void)
{
	struct shmbuf_listing listings[SHMBUF_LIST_MAX];
	struct shmbuf *one, *other;
	uint64_t after = 0;
	int i, n;

	n = shmbuf_create(&one, "list-example", 4096, NULL);
	if (n >= 0)
		n = shmbuf_create(&other, NULL, 8192, NULL);
	if (n < 0)
		error(1, 0, "%s", shmbuf_strerror(n));

	while ((n = shmbuf_list(listings, SHMBUF_LIST_MAX, after)) > 0) {
		for (i = 0; i < n; i++)
			printf("%-12s %6ju bytes\n",
			       *listings[i].name ? listings[i].name : "-",
			       (uintmax_t)listings[i].stats.data_size);
		after = listings[n - 1].stats.buffer_id;
	}
	if (n < 0)
		error(1, 0, "%s", shmbuf_strerror(n));
	return 0;
}
