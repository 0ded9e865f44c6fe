// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "buffer.h"
#include "claim.h"
#include "object.h"
#include "owner.h"
#include "point.h"
#include "user.h"
#include "waiter.h"

/*
 * A holder's death is set before its claims are buried, and a claim is added only
 * under its bucket's lock while the holder isn't dead: whoever buries takes each
 * bucket's lock after the death, and so finds every claim that there will ever be.  What
 * can't be buried at once stays, and is all that is added later.
 */

#define node_to_claim(node_) rb_entry_safe(node_, struct shmbuf_claim, node)

static int shmbuf_claim_cmp(u32 index, u64 holder, const struct shmbuf_claim *claim)
{
	if (index != claim->index)
		return index < claim->index ? -1 : 1;
	if (holder != claim->holder)
		return holder < claim->holder ? -1 : 1;
	return 0;
}

static bool shmbuf_claim_less(struct rb_node *a, const struct rb_node *b)
{
	const struct shmbuf_claim *claim = rb_entry(a, struct shmbuf_claim, node);

	return shmbuf_claim_cmp(claim->index, claim->holder,
				rb_entry(b, struct shmbuf_claim, node)) < 0;
}

struct shmbuf_claim *shmbuf_claim_alloc(struct shmbuf_user *user, u32 index, u32 kind,
					u64 holder, const bool *dead)
{
	struct shmbuf_claim *claim;
	int ret = shmbuf_user_charge(user, SHMBUF_QUOTA_CLAIMS, 1);

	if (ret)
		return ERR_PTR(ret);
	claim = kzalloc(sizeof(*claim), GFP_KERNEL_ACCOUNT);
	if (!claim) {
		shmbuf_user_uncharge(user, SHMBUF_QUOTA_CLAIMS, 1);
		return ERR_PTR(-ENOMEM);
	}
	claim->index = index;
	claim->kind = kind;
	claim->holder = holder;
	claim->dead = dead;
	claim->user = shmbuf_user_get(user);
	return claim;
}

void shmbuf_claim_free(struct shmbuf_claim *claim)
{
	if (IS_ERR_OR_NULL(claim))
		return;
	shmbuf_user_uncharge(claim->user, SHMBUF_QUOTA_CLAIMS, 1);
	shmbuf_user_put(claim->user);
	kfree(claim);
}

bool shmbuf_claim_add(struct shmbuf_bucket *bucket, struct shmbuf_claim *claim)
{
	lockdep_assert_held(&bucket->lock);
	if (READ_ONCE(*claim->dead))
		return false;
	rb_add(&claim->node, &bucket->claims, shmbuf_claim_less);
	return true;
}

void shmbuf_claim_remove(struct shmbuf_bucket *bucket, struct shmbuf_claim *claim)
{
	lockdep_assert_held(&bucket->lock);
	rb_erase(&claim->node, &bucket->claims);
}

/* The first at (@index, @holder) or behind. */
static struct shmbuf_claim *shmbuf_claim_from(struct shmbuf_bucket *bucket, u32 index,
					      u64 holder)
{
	struct rb_node *node = bucket->claims.rb_node;
	struct shmbuf_claim *found = NULL;

	lockdep_assert_held(&bucket->lock);
	while (node) {
		struct shmbuf_claim *claim = node_to_claim(node);

		if (shmbuf_claim_cmp(index, holder, claim) <= 0) {
			found = claim;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

struct shmbuf_claim *shmbuf_claim_find(struct shmbuf_bucket *bucket, u32 index, u64 holder)
{
	struct shmbuf_claim *claim = shmbuf_claim_from(bucket, index, holder);

	return claim && !shmbuf_claim_cmp(index, holder, claim) ? claim : NULL;
}

struct shmbuf_claim *shmbuf_claim_after(struct shmbuf_bucket *bucket, u32 index, u64 holder)
{
	struct shmbuf_claim *claim = shmbuf_claim_from(bucket, index, holder + 1);

	return claim && claim->index == index ? claim : NULL;
}

struct shmbuf_claim *shmbuf_claim_first(struct shmbuf_bucket *bucket, u32 index)
{
	struct shmbuf_claim *claim = shmbuf_claim_from(bucket, index, 0);

	return claim && claim->index == index ? claim : NULL;
}

struct shmbuf_claim *shmbuf_claim_next(struct shmbuf_claim *claim)
{
	struct shmbuf_claim *next = node_to_claim(rb_next(&claim->node));

	return next && next->index == claim->index ? next : NULL;
}

void shmbuf_claims_drop(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_claim *claim;

	do {
		spin_lock(&bucket->lock);
		claim = shmbuf_claim_first(bucket, index);
		if (claim)
			shmbuf_claim_remove(bucket, claim);
		spin_unlock(&bucket->lock);
		shmbuf_claim_free(claim);
		cond_resched();
	} while (claim);
}

/* Looks at so many claims before the lock is dropped. */
#define SHMBUF_CLAIM_BATCH 64

/*
 * Bury the next of a dead holder from (*@index, *@holder) on, and move on.  False
 * where none is left.
 */
static bool shmbuf_claim_bury_next(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
				   u32 *index, u64 *holder)
{
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	struct shmbuf_claim *claim;
	bool dead = false;
	int i;

	spin_lock(&bucket->lock);
	claim = shmbuf_claim_from(bucket, *index, *holder);
	for (i = 0; claim && !READ_ONCE(*claim->dead) && i < SHMBUF_CLAIM_BATCH; i++)
		claim = node_to_claim(rb_next(&claim->node));
	if (claim) {
		*index = claim->index;
		*holder = claim->holder;
		dead = READ_ONCE(*claim->dead);
		if (dead) {
			shmbuf_claim_remove(bucket, claim);
			shmbuf_point(claim_removed);
			/* Of a semaphore it's the process who has something. */
			if (claim->kind != SHMBUF_KIND_SEMAPHORE)
				shmbuf_owner_leaves(buffer, claim->holder);
			dead = shmbuf_kind_ops(claim->kind)->bury(buffer, claim, &wakeups);
			if (!dead)
				rb_add(&claim->node, &bucket->claims, shmbuf_claim_less);
		}
	}
	spin_unlock(&bucket->lock);
	shmbuf_wakeups_flush(&wakeups);
	if (dead)
		shmbuf_claim_free(claim);
	return claim;
}

void shmbuf_claims_bury(struct shmbuf_buffer *buffer)
{
	int i;

	for (i = 0; i < SHMBUF_NR_BUCKETS; i++) {
		u32 index = 0;
		u64 holder = 0;

		while (shmbuf_claim_bury_next(buffer, &buffer->buckets[i], &index, &holder))
			cond_resched();
	}
}
