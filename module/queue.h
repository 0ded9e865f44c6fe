/* SPDX-License-Identifier: GPL-2.0-only */
/* Wait queues: what the kernel does with their words. */
#ifndef SHMBUF_QUEUE_H
#define SHMBUF_QUEUE_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_buffer;
struct shmbuf_user;
struct shmbuf_waiter;

/* The ioctls; the waiter is charged to @user. */
int shmbuf_wait(struct shmbuf_buffer *buffer, struct shmbuf_user *user,
		const struct shmbuf_wait *args, u64 __user *sequence_user);
int shmbuf_wake(struct shmbuf_buffer *buffer, const struct shmbuf_wake *args);

/* Under the bucket's lock: nobody waits. */
bool shmbuf_queue_is_idle(struct shmbuf_buffer *buffer, u32 index);

/* Under the bucket's lock: see to it that wakers know of the waiters. */
void shmbuf_queue_look_after(struct shmbuf_buffer *buffer, u32 index);

#endif /* SHMBUF_QUEUE_H */
