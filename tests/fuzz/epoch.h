/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that share buffers: let loose, watched, killed, and then looked after. */
#ifndef EPOCH_H
#define EPOCH_H

#include "fuzz.h"

/* Until they have made @calls calls, or something is wrong: then that is in the world. */
void epoch_run(__u64 calls);
/* What each slot did last. */
void epoch_report(void);

#endif /* EPOCH_H */
