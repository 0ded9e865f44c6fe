/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that may not be there. */
#ifndef GUARD_H
#define GUARD_H

#include "fuzz.h"

/* Signals, for the process. */
void guard_init(void);
/* Whether all of it went well. */
bool guarded_copy(void *to, const void *from, size_t size);
/* Whether the word was @old, and is @value now. */
bool guarded_swap(__u64 *word, __u64 old, __u64 value);

#endif /* GUARD_H */
