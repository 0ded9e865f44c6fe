/* SPDX-License-Identifier: MIT */
/* What the producer, the workers and the collector do, each in its process. */
#ifndef PIPELINE_STAGES_H
#define PIPELINE_STAGES_H

#include "pipeline_ring.h"

/* Each returns the exit status of its process. */
int producer_run(struct pipeline *p, int input);
int worker_run(struct pipeline *p, int unused);
int collector_run(struct pipeline *p, int output);	/* -1: nowhere */

void digest_print(const uint8_t *digest, char *text);	/* 2 * SHA256_DIGEST_SIZE + 1 */

#endif
