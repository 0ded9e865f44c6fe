// SPDX-License-Identifier: GPL-2.0-only
#include "histogram.h"

void histogram_merge(struct histogram *h, const struct histogram *more)
{
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->count[i] += more->count[i];
	if (more->longest > h->longest)
		h->longest = more->longest;
}

/* The most that a time in the bucket is. */
static double upper(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < HISTOGRAM_PARTS)
		return bucket;
	shift = bucket / HISTOGRAM_PARTS - 1;
	return (double)(((bucket % HISTOGRAM_PARTS + HISTOGRAM_PARTS + 1ULL) << shift) - 1);
}

double histogram_quantile(const struct histogram *h, double share)
{
	uint64_t all = 0, seen = 0;

	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		all += h->count[i];
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->count[i];
		if (seen >= all * share)
			return upper(i) < h->longest ? upper(i) : h->longest;
	}
	return h->longest;
}
