/* SPDX-License-Identifier: GPL-2.0-only */
/* Barriers: who has arrived, and who is a party. */
#ifndef SHMBUF_BARRIER_H
#define SHMBUF_BARRIER_H

#include <linux/shmbuf.h>

struct shmbuf_buffer;
struct shmbuf_kind_ops;
struct shmbuf_user;

/* The ioctls, with checked arguments but for owner and index.  @opener: of the handle. */
int shmbuf_barrier_wait(struct shmbuf_buffer *buffer, struct shmbuf_user *opener,
			const struct shmbuf_barrier *args);
int shmbuf_barrier_leave(struct shmbuf_buffer *buffer, const struct shmbuf_barrier *args);

extern const struct shmbuf_kind_ops shmbuf_barrier_ops;

#endif /* SHMBUF_BARRIER_H */
