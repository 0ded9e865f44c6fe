/* SPDX-License-Identifier: MIT */
/*
 * The killer: kills workers that hold the ring's lock, from outside.  No worker
 * helps it: it looks in /proc/self/fdinfo who holds the lock, stops that worker
 * wherever it is by then, looks again, and lets it go on if it has let go.
 */
#ifndef PIPELINE_KILLER_H
#define PIPELINE_KILLER_H

#include "pipeline_crew.h"

struct kill {
	uint64_t target;	/* try from when that many blocks are collected */
	unsigned int worker;
	pid_t pid;
	uint64_t killed_ns;
	uint64_t next_block;	/* that the collector waited for */
	unsigned int looks;	/* in vain, and the last */
};

struct killer {
	struct kill *kills;
	unsigned int made;
	unsigned int told;	/* how many of them somebody was told of */
};

/* Draws the blocks.  Returns 0, or -1 with a message. */
int killer_start(struct killer *k, const struct pipeline *p);

/*
 * Looks once if it is time to, after a sleep.  Returns 1 if it did, 0 if not, and
 * -1 with a message where fdinfo can't be read.
 */
int killer_try(struct killer *k, const struct crew *c);

/* Whether all kills were made and somebody was told of each. */
bool killer_done(const struct killer *k, const struct pipeline *p);

void killer_end(struct killer *k);

#endif
