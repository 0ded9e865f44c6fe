/* SPDX-License-Identifier: MIT */
/* A lock that this tool takes, and what it does where the last holder died. */
#ifndef CTL_HELD_H
#define CTL_HELD_H

#include "target.h"

/**
 * struct wish - how a lock is to be had
 * @shared: as a reader
 * @try: at once or not at all
 * @deadline: or NULL
 * @consistent: where a holder died, say that the data is in order
 * @repair: where a holder died, a command that repairs the data; or NULL
 */
struct wish {
	bool shared;
	bool try;
	const struct timespec *deadline;
	bool consistent;
	const char *repair;
};

/*
 * 0 with the lock held; -EBUSY or -ETIMEDOUT.  Else what went wrong is said and it is the
 * status to end with: -EOWNERDEAD stands for a dead holder whose data nobody repaired, and
 * the caller, who has the lock then, leaves it to be found dead by the next one.
 */
int lock_take(struct target *target, uint32_t index, const struct wish *wish);

int lock_give(struct target *target, uint32_t index);

#endif
