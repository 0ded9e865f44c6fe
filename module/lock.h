/* SPDX-License-Identifier: GPL-2.0-only */
/* Robust locks, exclusive or shared: what the kernel does with their words. */
#ifndef SHMBUF_LOCK_H
#define SHMBUF_LOCK_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_buffer;
struct shmbuf_kind_ops;

/* The ioctls, with checked arguments but for owner and index. */
int shmbuf_lock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_unlock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_consistent(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_downgrade(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);

extern const struct shmbuf_kind_ops shmbuf_lock_ops;

/* Put the deaths of all dead owners on record in the words. */
void shmbuf_locks_bury(struct shmbuf_buffer *buffer);

#endif /* SHMBUF_LOCK_H */
