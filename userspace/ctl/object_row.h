/* SPDX-License-Identifier: MIT */
/* What is told of a sync object. */
#ifndef CTL_OBJECT_ROW_H
#define CTL_OBJECT_ROW_H

#include <shmbuf.h>
#include <stdbool.h>

#include "column.h"

/**
 * struct object_row - a sync object, who has it and who wants it
 * @info: of a lock that somebody holds or held as he died; else NULL
 * @waiters: @nr_waiters of them
 */
struct object_row {
	struct shmbuf_object object;
	struct shmbuf_owner_info *info;
	struct shmbuf_waiter_info *waiters;
	uint32_t nr_waiters;
};

/**
 * struct object_rows - those of a buffer
 */
struct object_rows {
	struct object_row *rows;
	size_t nr;
};

extern const struct column object_columns[];

/* Of rows that are a struct shmbuf_waiter_info. */
extern const struct column waiter_columns[];

/* With @busy only those that are held, waited for or not in order.  0 or an error. */
int object_rows_get(struct object_rows *out, struct shmbuf *b, bool busy);
void object_rows_free(struct object_rows *rows);

#endif
