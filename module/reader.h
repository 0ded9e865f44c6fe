/* SPDX-License-Identifier: GPL-2.0-only */
/* Readers of locks: who reads how often, and how a writer stops them. */
#ifndef SHMBUF_READER_H
#define SHMBUF_READER_H

#include <linux/types.h>

struct shmbuf_bucket;
struct shmbuf_buffer;
struct shmbuf_claim;
struct shmbuf_owner;
struct shmbuf_wakeups;

/* All under the bucket's lock. */

/* How often the claim's holder reads. */
u64 shmbuf_reader_count(const struct shmbuf_claim *claim);

/* Whether @id reads. */
bool shmbuf_reader_reads(struct shmbuf_bucket *bucket, u32 index, u64 id);

/*
 * @owner reads once more.  *@spare, where it isn't NULL, is for one that didn't yet,
 * and is NULL if it was needed.  @revoked: its next step is to be the kernel's.
 *
 * Return: 0; -ENODATA where *@spare is needed and NULL; -EPERM (@owner is dead);
 * -EOVERFLOW.
 */
int shmbuf_reader_grant(struct shmbuf_bucket *bucket, u32 index, struct shmbuf_owner *owner,
			struct shmbuf_claim **spare, bool revoked,
			struct shmbuf_wakeups *wakeups);

/* @id reads once less; -EPERM where it doesn't read. */
int shmbuf_reader_release(struct shmbuf_bucket *bucket, u32 index, u64 id, bool revoked,
			  struct shmbuf_wakeups *wakeups);

/* Whether anybody alive reads, as far as can be told without stopping them. */
bool shmbuf_readers_any(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket, u32 index);

/*
 * From here each reader's next step is the kernel's.  Whether anybody alive still
 * reads, exactly.
 */
bool shmbuf_readers_stop(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket, u32 index);

/* Nobody is in the way of the readers. */
void shmbuf_readers_open(struct shmbuf_bucket *bucket, u32 index);

/*
 * A writer is done: who hasn't read for some of them is a reader no more.  @open: nobody
 * is in the way of the others.
 */
void shmbuf_readers_go_on(struct shmbuf_bucket *bucket, u32 index, bool open,
			  struct shmbuf_wakeups *wakeups);

#endif /* SHMBUF_READER_H */
