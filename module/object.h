/* SPDX-License-Identifier: GPL-2.0-only */
/* Sync objects: which index is of what kind, and the taking of their words. */
#ifndef SHMBUF_OBJECT_H
#define SHMBUF_OBJECT_H

#include <linux/types.h>

#include <linux/shmbuf.h>

#include "buffer.h"

struct shmbuf_claim;
struct shmbuf_waiter;
struct shmbuf_wakeups;

/**
 * struct shmbuf_kind_ops - what the kinds of sync objects differ in
 * @first_word: the word that objects start with; false for a wrong value
 * @is_idle: under the bucket's lock: @word, which is taken, tells of nobody alive who
 *	has the object, and nobody waits
 * @sweep: under the bucket's lock: @first is the longest waiting; see to it that
 *	who can go on does, whatever a death or a hostile peer has done
 * @bury: under the bucket's lock: undo @claim, whose holder is dead; it has been
 *	removed, and is freed afterwards.  False where some of it is left, until @wakeups
 *	have been made: once more then.  NULL where the kind has no claims.
 */
struct shmbuf_kind_ops {
	bool (*first_word)(u64 value, u64 *word);
	bool (*is_idle)(struct shmbuf_buffer *buffer, u32 index, u64 word);
	void (*sweep)(struct shmbuf_buffer *buffer, struct shmbuf_waiter *first,
		      struct shmbuf_wakeups *wakeups);
	bool (*bury)(struct shmbuf_buffer *buffer, struct shmbuf_claim *claim,
		     struct shmbuf_wakeups *wakeups);
};

/* NULL where there is no such kind. */
const struct shmbuf_kind_ops *shmbuf_kind_ops(u32 kind);

/* Both all or nothing, and atomic against whoever uses the objects. */
int shmbuf_objects_init(struct shmbuf_buffer *buffer, const struct shmbuf_range *range);
int shmbuf_objects_reset(struct shmbuf_buffer *buffer, const struct shmbuf_range *range);

/*
 * The next run of objects of @kind, SHMBUF_KIND_NONE for any, from *first on: *first and
 * *last; false at the end.
 */
bool shmbuf_objects_next(struct shmbuf_buffer *buffer, u32 kind, u32 *first, u32 *last);

/* Under the bucket's lock: SHMBUF_KIND_NONE where there is no such object. */
u32 shmbuf_object_kind(struct shmbuf_buffer *buffer, u32 index);

/* Whether there is such an object, of @kind. */
bool shmbuf_object_is(struct shmbuf_buffer *buffer, u32 index, u32 kind);

/*
 * Under the bucket's lock: make the word the kernel's.  From here on no legal
 * step of user space changes it, until shmbuf_word_put().
 *
 * Return: 0; -EINVAL where the object isn't of @kind; -EAGAIN where INIT or RESET
 * is at work on it: shmbuf_objects_settle(), then look again.
 */
int shmbuf_word_take(struct shmbuf_buffer *buffer, u32 index, u32 kind, u64 *old);
void shmbuf_word_put(struct shmbuf_buffer *buffer, u32 index, u64 new_word);

/* How often a word may turn out to be UNUSED before it is taken to be hostile. */
#define SHMBUF_SETTLE_TRIES 8

/* Wait until INIT or RESET is over.  -EINVAL where the object then has no kind. */
int shmbuf_objects_settle(struct shmbuf_buffer *buffer, u32 index);

#endif /* SHMBUF_OBJECT_H */
