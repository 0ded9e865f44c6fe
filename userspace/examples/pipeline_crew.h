/* SPDX-License-Identifier: MIT */
/* The processes of the pipeline, as the supervisor sees them. */
#ifndef PIPELINE_CREW_H
#define PIPELINE_CREW_H

#include "pipeline_ring.h"

struct crew {
	struct pipeline *p;
	int input, output;
	pid_t producer, collector;	/* 0: ended well */
	pid_t *workers;			/* nr_lives; 0: not started, or reaped */
	unsigned int started;		/* workers; the rest of the lives is free */
	unsigned int running;
};

/* Return 0, or -1 with a message. */
int crew_start(struct crew *c, struct pipeline *p, int input, int output);

/* Reaps who has ended and replaces dead workers.  -1 where the work can't go on. */
int crew_reap(struct crew *c);

/* Kills and reaps all that is left. */
void crew_end(struct crew *c);

#endif
