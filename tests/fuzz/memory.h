/* SPDX-License-Identifier: GPL-2.0-only */
/* Mappings, all within the arena: made, moved, cut, protected, advised on, touched. */
#ifndef MEMORY_H
#define MEMORY_H

#include "ops.h"

/* Reserve the arena. */
void memory_init(void);
/* Where a life maps what of the shared @buffer. */
char *memory_control(int buffer);
char *memory_row(int buffer);
/* A life's first mappings of a handle. */
void memory_map_shared(struct task *task, struct handle handle);

extern const struct op memory_ops[];
extern const int nr_memory_ops;

#endif /* MEMORY_H */
