/* SPDX-License-Identifier: GPL-2.0-only */
/* What of the kernel the calling thread comes to, where the kernel tells. */
#ifndef KCOV_H
#define KCOV_H

#include "fuzz.h"

/* Whether it can be had at all. */
bool kcov_there(void);
/* From here on for this thread. */
void kcov_start(void);
/* How many places were reached since, that nobody had come to before. */
int kcov_take(void);

#endif /* KCOV_H */
