/* SPDX-License-Identifier: GPL-2.0-only */
/* Semaphores: what the kernel does with their words, and whose the units are. */
#ifndef SHMBUF_SEM_H
#define SHMBUF_SEM_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_buffer;
struct shmbuf_bucket;
struct shmbuf_kind_ops;
struct shmbuf_owner;
struct shmbuf_user;
struct shmbuf_waiter;
struct shmbuf_wakeups;

/* The ioctls, with checked arguments but for owner and index.  @opener: of the handle. */
int shmbuf_sem_wait(struct shmbuf_buffer *buffer, struct shmbuf_user *opener,
		    const struct shmbuf_sem *args);
int shmbuf_sem_post(struct shmbuf_buffer *buffer, const struct shmbuf_sem *args);

/*
 * Under the bucket's lock: take a unit for @waiter, who is in no tree yet.
 * @stay: it waits on -EBUSY.
 */
int shmbuf_sem_try(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool stay,
		   struct shmbuf_wakeups *wakeups);

/* Under the bucket's lock: @waiter, who isn't done, waits no more. */
void shmbuf_sem_leave(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
		      struct shmbuf_wakeups *wakeups);

/* A unit that was taken as @owner has it, and that nobody got to see, goes to the next. */
void shmbuf_sem_pass_on(struct shmbuf_buffer *buffer, u32 index, struct shmbuf_owner *owner);

extern const struct shmbuf_kind_ops shmbuf_sem_ops;

#endif /* SHMBUF_SEM_H */
