/* SPDX-License-Identifier: GPL-2.0-only */
/* What all of the fuzzer shares: random numbers, time, system calls. */
#ifndef FUZZ_H
#define FUZZ_H

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DEVICE		"/dev/shmbuf"
#define NSEC_PER_USEC	1000ULL
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL
#define FUZZ_PAGE	4096UL

static inline __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* 0 to @n - 1. */
static inline __u64 draw_below(__u64 *state, __u64 n)
{
	return (draw(state) >> 16) % n;
}

/* Once in @n times. */
static inline bool draw_once_in(__u64 *state, __u64 n)
{
	return !draw_below(state, n);
}

/* A seed of @seed's for the @nr-th of something; never 0, which xorshift would stay at. */
static inline __u64 seed_of(__u64 seed, __u64 nr)
{
	__u64 z = seed + (nr + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	z ^= z >> 31;
	return z ? z : 1;
}

static inline __u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* What a system call returned, or -errno. */
static inline long result_of(long ret)
{
	return ret == -1 ? -errno : ret;
}

#endif /* FUZZ_H */
