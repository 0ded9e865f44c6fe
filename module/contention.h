/* SPDX-License-Identifier: GPL-2.0-only */
/* How often a LOCK had to sleep, and for how long. */
#ifndef SHMBUF_CONTENTION_H
#define SHMBUF_CONTENTION_H

#include <linux/types.h>

struct shmbuf_buffer;

/**
 * struct shmbuf_contention - of one lock; all under its bucket's lock
 * @index: the lock
 * @credit: how much longer it stays, if others of the bucket are contended: 0 for free
 * @count: calls that slept
 * @waited: ns that they slept
 * @longest: ns that the longest did
 */
struct shmbuf_contention {
	u32 index;
	u32 credit;
	u64 count;
	u64 waited;
	u64 longest;
};

/* A LOCK of @index by an owner has slept for @ns. */
void shmbuf_contention_note(struct shmbuf_buffer *buffer, u32 index, u64 ns);

/* Both under the bucket's lock.  NULL where nothing is known of @index. */
struct shmbuf_contention *shmbuf_contention_find(struct shmbuf_buffer *buffer, u32 index);
void shmbuf_contention_forget(struct shmbuf_buffer *buffer, u32 index);

#endif /* SHMBUF_CONTENTION_H */
