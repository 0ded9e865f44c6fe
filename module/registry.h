/* SPDX-License-Identifier: GPL-2.0-only */
/* All buffers that there are, by id. */
#ifndef SHMBUF_REGISTRY_H
#define SHMBUF_REGISTRY_H

#include <linux/types.h>

struct shmbuf_buffer;

/* Room for @buffer, given back by shmbuf_registry_remove().  -ENOMEM. */
int shmbuf_registry_reserve(const struct shmbuf_buffer *buffer);
/* From here it is found.  Its room has been reserved. */
void shmbuf_registry_add(struct shmbuf_buffer *buffer);
void shmbuf_registry_remove(const struct shmbuf_buffer *buffer);

/*
 * The first with a larger id than @after, of any namespace; NULL where there are no more.
 * Pinned: the caller drops that by shmbuf_buffer_unpin().
 */
struct shmbuf_buffer *shmbuf_registry_next(u64 after);

#endif /* SHMBUF_REGISTRY_H */
