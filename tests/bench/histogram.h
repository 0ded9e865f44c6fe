/* SPDX-License-Identifier: GPL-2.0-only */
/* Times, counted by size: each power of two in 32 parts, so that none is off by more than 3 %. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <string.h>

#define HISTOGRAM_PARTS		32
#define HISTOGRAM_BUCKETS	(40 * HISTOGRAM_PARTS)

struct histogram {
	uint64_t longest;
	uint32_t count[HISTOGRAM_BUCKETS];
};

static inline unsigned int histogram_bucket(uint64_t ns)
{
	unsigned int shift, bucket;

	if (ns < HISTOGRAM_PARTS)
		return ns;
	shift = 63 - __builtin_clzll(ns) - 5;
	bucket = (shift + 1) * HISTOGRAM_PARTS + (ns >> shift) - HISTOGRAM_PARTS;
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
	h->count[histogram_bucket(ns)]++;
	if (ns > h->longest)
		h->longest = ns;
}

static inline void histogram_clear(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
}

/* Adds @more to @h. */
void histogram_merge(struct histogram *h, const struct histogram *more);

/* What @share of all, from 0 to 1, are at most. */
double histogram_quantile(const struct histogram *h, double share);

#endif
