// SPDX-License-Identifier: GPL-2.0-only
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "buffer.h"
#include "contention.h"
#include "counter.h"

/*
 * A buffer may have a million locks: each bucket has room for two.  Who is contended gains
 * credit, and costs the least of the others some.
 */
#define SHMBUF_CONTENDED 2

struct shmbuf_contentions {
	struct shmbuf_contention of[SHMBUF_NR_BUCKETS][SHMBUF_CONTENDED];
};

/* The caller has the lock: it doesn't wait for memory, and does without where there is none. */
static bool shmbuf_contentions_ready(struct shmbuf_buffer *buffer)
{
	struct shmbuf_contentions *contentions = READ_ONCE(buffer->contentions);

	BUILD_BUG_ON(sizeof(*contentions) > 2048);
	if (contentions)
		return true;
	contentions = kzalloc(sizeof(*contentions), GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN);
	if (!contentions)
		return false;
	if (cmpxchg(&buffer->contentions, NULL, contentions))
		kfree(contentions);
	return true;
}

struct shmbuf_contention *shmbuf_contention_find(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_contentions *contentions = READ_ONCE(buffer->contentions);
	struct shmbuf_contention *contention;
	int i;

	lockdep_assert_held(&shmbuf_bucket(buffer, index)->lock);
	for (i = 0; contentions && i < SHMBUF_CONTENDED; i++) {
		contention = &contentions->of[index % SHMBUF_NR_BUCKETS][i];
		if (contention->index == index && contention->credit)
			return contention;
	}
	return NULL;
}

/* A place for @index, if it is worth more than what stands there. */
static struct shmbuf_contention *shmbuf_contention_add(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_contention *least, *contention;
	int i;

	least = buffer->contentions->of[index % SHMBUF_NR_BUCKETS];
	for (i = 1; i < SHMBUF_CONTENDED; i++) {
		contention = least + i;
		if (contention->credit < least->credit)
			least = contention;
	}
	if (least->credit && --least->credit)
		return NULL;
	*least = (struct shmbuf_contention){ .index = index };
	return least;
}

void shmbuf_contention_note(struct shmbuf_buffer *buffer, u32 index, u64 ns)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_contention *contention;

	shmbuf_count(SHMBUF_COUNT_CONTENTIONS);
	atomic64_inc(&buffer->nr_contentions);
	atomic64_add(ns, &buffer->waited);
	if (!shmbuf_contentions_ready(buffer))
		return;
	spin_lock(&bucket->lock);
	contention = shmbuf_contention_find(buffer, index) ?:
		     shmbuf_contention_add(buffer, index);
	if (contention) {
		if (contention->credit < U32_MAX)
			contention->credit++;
		contention->count++;
		contention->waited += ns;
		contention->longest = max(contention->longest, ns);
	}
	spin_unlock(&bucket->lock);
}

void shmbuf_contention_forget(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_contention *contention = shmbuf_contention_find(buffer, index);

	if (contention)
		contention->credit = 0;
}
