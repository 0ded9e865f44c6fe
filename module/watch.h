/* SPDX-License-Identifier: GPL-2.0-only */
/* Queues that are watched by poll() or an eventfd. */
#ifndef SHMBUF_WATCH_H
#define SHMBUF_WATCH_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_bucket;
struct shmbuf_buffer;
struct shmbuf_handle;

/* The ioctls. */
int shmbuf_watch(struct shmbuf_handle *handle, const struct shmbuf_watch *args);
int shmbuf_moved(struct shmbuf_handle *handle, const struct shmbuf_moved *args);

/* Whether any queue that the handle polls for has moved.  May sleep; -EINTR. */
int shmbuf_watch_poll(struct shmbuf_handle *handle);

/* The handle is being released: it watches nothing any more. */
void shmbuf_watch_release(struct shmbuf_handle *handle);

/* Under the bucket's lock: whether anybody watches the queue. */
bool shmbuf_watched(struct shmbuf_bucket *bucket, u32 index);

/*
 * The queue has moved to @sequence: tell who watches it, and with @news hasn't been
 * told of that.  May sleep.
 */
void shmbuf_watchers_tell(struct shmbuf_buffer *buffer, u32 index, u64 sequence, bool news);

/* Find what a hostile peer has hidden from who watches the bucket's queues. */
void shmbuf_watchers_sweep(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket);

#endif /* SHMBUF_WATCH_H */
