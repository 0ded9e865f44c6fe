/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that run in rounds and sleep between them, so that they take no other
 * subject's time.  Each is on a CPU of its own as far as there are some, and counts on a
 * cache line of its own.
 */
#ifndef CREW_H
#define CREW_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CREW_MAX	16
#define CREW_LINE	64

/* What one of them did in the last round. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): it is what keeps them apart */
struct crew_place {
	alignas(CREW_LINE) uint64_t ops;
	uint64_t ns;
	int err;
};

struct crew;

/*
 * What they do in a round, while crew_goes_on(), which may be over by the time that the
 * last of them runs.  Returns how many operations, or -errno.
 */
typedef long (*crew_run)(const struct crew *crew, int which, void *arg);

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct crew {
	int processes;
	crew_run run;
	void *arg;
	pid_t pids[CREW_MAX];

	alignas(CREW_LINE) uint32_t round;	/* the last that has begun */
	uint32_t goes_on;			/* it isn't over yet */

	alignas(CREW_LINE) uint32_t done;	/* how many are through with it */
	struct crew_place of[CREW_MAX];
};

/* NULL where it can't be, with -errno in @err. */
struct crew *crew_start(int processes, crew_run run, void *arg, int *err);

/* One round of @ns, or with 0 until they are through by themselves.  0 or -errno. */
int crew_round(struct crew *crew, uint64_t ns);

/* Operations a second in the last round, all together. */
double crew_rate(const struct crew *crew);

/* The most done by one of them, for each that the one with the fewest did. */
double crew_unfairness(const struct crew *crew);

/* NULL is none. */
void crew_end(struct crew *crew);

static inline bool crew_goes_on(const struct crew *crew)
{
	return __atomic_load_n(&crew->goes_on, __ATOMIC_ACQUIRE);
}

/* What is done under a lock, or between. */
static inline void crew_work(int loops)
{
	while (loops--)
		__asm__ volatile("" ::: "memory");
}

#endif
