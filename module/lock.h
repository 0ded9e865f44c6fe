/* SPDX-License-Identifier: GPL-2.0-only */
/* Robust exclusive locks: what the kernel does with their words. */
#ifndef SHMBUF_LOCK_H
#define SHMBUF_LOCK_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_bucket;
struct shmbuf_buffer;
struct shmbuf_waiter;
struct shmbuf_wakeups;

/* The ioctls, with checked arguments but for owner and index. */
int shmbuf_lock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_unlock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_consistent(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);

/* Under the bucket's lock: by its word no live owner holds it, and nobody waits for it. */
bool shmbuf_lock_is_idle(struct shmbuf_buffer *buffer, u32 index, u64 word);

/*
 * Under the bucket's lock: see to it that somebody who waits for the lock tries
 * for it if no live owner holds it, though others tried and aren't back yet.
 */
void shmbuf_lock_look_after(struct shmbuf_buffer *buffer, struct shmbuf_waiter *first,
			    struct shmbuf_wakeups *wakeups);

/* Put the deaths of all dead owners on record in the words. */
void shmbuf_locks_bury(struct shmbuf_buffer *buffer);

#endif /* SHMBUF_LOCK_H */
