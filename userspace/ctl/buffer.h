/* SPDX-License-Identifier: MIT */
/* What is told of a buffer as a whole. */
#ifndef CTL_BUFFER_H
#define CTL_BUFFER_H

#include <shmbuf.h>

#include "column.h"

/* Of rows that are a struct shmbuf_listing. */
extern const struct column buffer_columns[];

/* All buffers, by rising id.  Returns how many, or an error; the caller frees *@out. */
int all_buffers(struct shmbuf_listing **out);

/* The buffer of that id: 0, -ENOENT, or another error. */
int buffer_by_id(uint64_t id, struct shmbuf_listing *out);

/* What a handle's buffer is: 0 or an error. */
int buffer_of(struct shmbuf *b, struct shmbuf_listing *out);

#endif
