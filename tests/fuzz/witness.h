/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two processes with a buffer of their own, who wait for each other without deadlines: they
 * get on, whatever the others do to theirs.
 */
#ifndef WITNESS_H
#define WITNESS_H

#include <sys/types.h>

/* Of their own, so that the others' limits are not theirs. */
#define WITNESS_USER	61650

void witness_start(pid_t pids[2]);

#endif /* WITNESS_H */
