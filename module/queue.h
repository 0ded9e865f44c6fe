/* SPDX-License-Identifier: GPL-2.0-only */
/* Wait queues: what the kernel does with their words. */
#ifndef SHMBUF_QUEUE_H
#define SHMBUF_QUEUE_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_buffer;
struct shmbuf_kind_ops;
struct shmbuf_user;
struct shmbuf_waiter;

/* The ioctls.  @opener: who opened the handle; @observer: it's read-only. */
int shmbuf_wait(struct shmbuf_buffer *buffer, struct shmbuf_user *opener, bool observer,
		const struct shmbuf_wait *args, u64 __user *sequence_user);
int shmbuf_wake(struct shmbuf_buffer *buffer, const struct shmbuf_wake *args);

/* Under the bucket's lock: see to it that wakers know of who waits or watches. */
void shmbuf_queue_look_after(struct shmbuf_buffer *buffer, u32 index);

/* The kernel has moved the sequence: wake all who wait for that. */
void shmbuf_queue_moved(struct shmbuf_buffer *buffer, u32 index);

extern const struct shmbuf_kind_ops shmbuf_queue_ops;

/*
 * Under the bucket's lock: @waiter joins who sleeps on its queue.
 *
 * Return: 1; 0 where the sequence isn't as expected; or as shmbuf_word_take().
 */
int shmbuf_queue_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter);
/* Under the bucket's lock: @waiter, who hasn't been chosen, leaves. */
void shmbuf_queue_remove(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter);
/* As WAKE, but for the sequence: a waiter can't use the wake-up that it got by @sequence. */
void shmbuf_queue_pass_on(struct shmbuf_buffer *buffer, u32 index, u64 sequence);

#endif /* SHMBUF_QUEUE_H */
