// SPDX-License-Identifier: GPL-2.0-only
#include "crew.h"
#include "bench.h"
#include "peer_futex.h"
#include "process.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct seat {
	struct crew *crew;
	int which;
};

static void work(struct crew *crew, int which)
{
	struct crew_place *place = &crew->of[which];
	uint64_t began = bench_now_ns();
	long ops = crew->run(crew, which, crew->arg);

	place->ns = bench_now_ns() - began;
	place->ops = ops < 0 ? 0 : ops;
	place->err = ops < 0 ? ops : 0;
	if (__atomic_add_fetch(&crew->done, 1, __ATOMIC_ACQ_REL) == (uint32_t)crew->processes)
		futex_wake(&crew->done, 1);
}

static int sit(void *arg)
{
	const struct seat *seat = arg;
	struct crew *crew = seat->crew;
	uint32_t seen = 0;

	if (process_pin(seat->which))
		return 1;
	for (;;) {
		uint32_t now = __atomic_load_n(&crew->round, __ATOMIC_ACQUIRE);

		if (now == seen) {
			futex_wait(&crew->round, now);
			continue;
		}
		work(crew, seat->which);
		seen = now;
	}
}

struct crew *crew_start(int processes, crew_run run, void *arg, int *err)
{
	struct crew *crew = process_share(sizeof(*crew));

	*err = -ENOMEM;
	if (!crew)
		return NULL;
	crew->processes = processes;
	crew->run = run;
	crew->arg = arg;
	for (int i = 0; i < processes; i++) {
		struct seat seat = { .crew = crew, .which = i };

		crew->pids[i] = process_start(sit, &seat);
		if (crew->pids[i] < 0) {
			*err = crew->pids[i];
			crew_end(crew);
			return NULL;
		}
	}
	*err = 0;
	return crew;
}

/* Somebody who is gone would be waited for in vain. */
static bool all_there(struct crew *crew)
{
	for (int i = 0; i < crew->processes; i++) {
		if (waitpid(crew->pids[i], NULL, WNOHANG)) {
			crew->pids[i] = 0;
			return false;
		}
	}
	return true;
}

static int await_all(struct crew *crew)
{
	uint64_t end = bench_now_ns() + PATIENCE_NS;
	uint32_t done;

	while ((done = __atomic_load_n(&crew->done, __ATOMIC_ACQUIRE)) <
	       (uint32_t)crew->processes) {
		if (!all_there(crew))
			return -ESRCH;
		if (bench_now_ns() > end)
			return -ETIMEDOUT;
		futex_wait_second(&crew->done, done);
	}
	return 0;
}

int crew_round(struct crew *crew, uint64_t ns)
{
	int err;

	crew->done = 0;
	__atomic_store_n(&crew->goes_on, 1, __ATOMIC_RELEASE);
	__atomic_add_fetch(&crew->round, 1, __ATOMIC_RELEASE);
	futex_wake(&crew->round, INT_MAX);
	if (ns) {
		usleep(ns / 1000);
		__atomic_store_n(&crew->goes_on, 0, __ATOMIC_RELEASE);
	}
	err = await_all(crew);
	for (int i = 0; i < crew->processes && !err; i++)
		err = crew->of[i].err;
	return err;
}

double crew_rate(const struct crew *crew)
{
	double rate = 0;

	for (int i = 0; i < crew->processes; i++) {
		if (crew->of[i].ns)
			rate += crew->of[i].ops * 1e9 / crew->of[i].ns;
	}
	return rate;
}

double crew_unfairness(const struct crew *crew)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (int i = 0; i < crew->processes; i++) {
		uint64_t ops = crew->of[i].ops;

		least = ops < least ? ops : least;
		most = ops > most ? ops : most;
	}
	/* Who did nothing at all counts as if it had done one. */
	return most ? (double)most / (least ? least : 1) : 1;
}

void crew_end(struct crew *crew)
{
	if (!crew)
		return;
	for (int i = 0; i < crew->processes; i++)
		process_kill(crew->pids[i]);
	munmap(crew, sizeof(*crew));
}
