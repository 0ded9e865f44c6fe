/* SPDX-License-Identifier: GPL-2.0-only */
/* What an owner or a process has of a sync object that its word doesn't tell. */
#ifndef SHMBUF_CLAIM_H
#define SHMBUF_CLAIM_H

#include <linux/atomic.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct shmbuf_bucket;
struct shmbuf_buffer;
struct shmbuf_user;

/**
 * struct shmbuf_claim - one holder's part of one object
 * @node: in its bucket's claims, by @index, then by @holder; under the bucket's
 *	lock, as @count
 * @index: the object; constant, as all without another word
 * @kind: of the object
 * @holder: an owner's or a member's id, as the kind has it
 * @dead: the holder's; a claim goes before its holder is freed
 * @user: charged for it, a reference
 * @count: how much the holder has
 * @entry: lock: where in the holder's row more of it is counted, or NULL; under the
 *	bucket's lock, as @idle
 * @idle: lock: writers that came and went since it was last counted in
 * @next: to be freed after it
 */
struct shmbuf_claim {
	struct rb_node node;
	u32 index;
	u32 kind;
	u64 holder;
	const bool *dead;
	struct shmbuf_user *user;
	u64 count;
	atomic64_t *entry;
	u32 idle;
	struct shmbuf_claim *next;
};

/* Not in any bucket yet.  May sleep; -ENOMEM, -EDQUOT. */
struct shmbuf_claim *shmbuf_claim_alloc(struct shmbuf_user *user, u32 index, u32 kind,
					u64 holder, const bool *dead);
/* One that is in no bucket, or NULL or an error. */
void shmbuf_claim_free(struct shmbuf_claim *claim);

/*
 * Under the bucket's lock.  A dead holder gets no claim any more: false, and the
 * claim is still the caller's.
 */
bool shmbuf_claim_add(struct shmbuf_bucket *bucket, struct shmbuf_claim *claim);
void shmbuf_claim_remove(struct shmbuf_bucket *bucket, struct shmbuf_claim *claim);
struct shmbuf_claim *shmbuf_claim_find(struct shmbuf_bucket *bucket, u32 index, u64 holder);

/* All of an object; NULL at the end. */
struct shmbuf_claim *shmbuf_claim_first(struct shmbuf_bucket *bucket, u32 index);
struct shmbuf_claim *shmbuf_claim_next(struct shmbuf_claim *claim);

/* The first of a holder above @holder. */
struct shmbuf_claim *shmbuf_claim_after(struct shmbuf_bucket *bucket, u32 index, u64 holder);

/* The object has lost its kind: nobody has anything of it. */
void shmbuf_claims_drop(struct shmbuf_buffer *buffer, u32 index);

/* Undo what the dead had. */
void shmbuf_claims_bury(struct shmbuf_buffer *buffer);

#endif /* SHMBUF_CLAIM_H */
