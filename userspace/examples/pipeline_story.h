/* SPDX-License-Identifier: MIT */
/* What the supervisor tells of the run, on stdout; progress on stderr. */
#ifndef PIPELINE_STORY_H
#define PIPELINE_STORY_H

#include "pipeline_killer.h"

void story_begin(const struct pipeline *p);
void story_killed(const struct kill *k);
void story_told(const struct kill *k, const struct telling *t);
void story_unexpected(const struct telling *t);
void story_replaced(unsigned int old, pid_t old_pid, int sig, unsigned int new, pid_t new_pid);
void story_progress(const struct pipeline *p);
void story_end(const struct pipeline *p, const struct killer *k);

#endif
