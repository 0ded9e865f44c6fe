// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>

#include <linux/shmbuf_word.h>

#include "barrier.h"
#include "buffer.h"
#include "claim.h"
#include "contention.h"
#include "death.h"
#include "lock.h"
#include "object.h"
#include "owner.h"
#include "queue.h"
#include "sem.h"

/*
 * A kind changes only while the words of its objects are UNUSED, and UNUSED is
 * set and cleared under the bucket's lock: a word that isn't UNUSED, read under
 * that lock, is of the kind that is looked up under it.  A peer that clears
 * UNUSED gets himself an object of the wrong kind, and nobody else anything.
 *
 * A bucket remembers the run of objects that it found last.  RESET makes it forget once
 * the run is gone from the tree, before the words can be anything but UNUSED; what a run
 * has gained since does no harm.
 */

static const struct shmbuf_kind_ops * const shmbuf_kinds[] = {
	[SHMBUF_KIND_LOCK] = &shmbuf_lock_ops,
	[SHMBUF_KIND_QUEUE] = &shmbuf_queue_ops,
	[SHMBUF_KIND_SEMAPHORE] = &shmbuf_sem_ops,
	[SHMBUF_KIND_BARRIER] = &shmbuf_barrier_ops,
};

const struct shmbuf_kind_ops *shmbuf_kind_ops(u32 kind)
{
	if (kind >= ARRAY_SIZE(shmbuf_kinds))
		return NULL;
	return shmbuf_kinds[array_index_nospec(kind, ARRAY_SIZE(shmbuf_kinds))];
}

/* Look it up where the bucket doesn't remember. */
static u32 shmbuf_object_find_kind(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
				   u32 index)
{
	MA_STATE(mas, &buffer->kinds, index, index);
	void *entry;

	rcu_read_lock();
	entry = mas_walk(&mas);
	rcu_read_unlock();
	if (!entry)
		return SHMBUF_KIND_NONE;
	bucket->run_first = mas.index;
	bucket->run_last = mas.last;
	bucket->run_kind = xa_to_value(entry);
	return bucket->run_kind;
}

u32 shmbuf_object_kind(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	lockdep_assert_held(&bucket->lock);
	if (index == SHMBUF_INDEX_DEATHS)
		return SHMBUF_KIND_QUEUE;
	if (bucket->run_kind != SHMBUF_KIND_NONE && index >= bucket->run_first &&
	    index <= bucket->run_last)
		return bucket->run_kind;
	return shmbuf_object_find_kind(buffer, bucket, index);
}

bool shmbuf_object_is(struct shmbuf_buffer *buffer, u32 index, u32 kind)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	bool is;

	spin_lock(&bucket->lock);
	is = shmbuf_object_kind(buffer, index) == kind;
	spin_unlock(&bucket->lock);
	return is;
}

/* An object of the bucket, @index, has no kind any more. */
static void shmbuf_object_forget(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	spin_lock(&bucket->lock);
	bucket->run_kind = SHMBUF_KIND_NONE;
	shmbuf_contention_forget(buffer, index);
	spin_unlock(&bucket->lock);
}

int shmbuf_word_take(struct shmbuf_buffer *buffer, u32 index, u32 kind, u64 *old)
{
	if (shmbuf_object_kind(buffer, index) != kind)
		return -EINVAL;
	*old = atomic64_fetch_or(SHMBUF_WORD_WAITERS, shmbuf_word(buffer, index));
	if (*old & SHMBUF_WORD_UNUSED) {
		shmbuf_word_put(buffer, index, *old);
		return -EAGAIN;
	}
	return 0;
}

void shmbuf_word_put(struct shmbuf_buffer *buffer, u32 index, u64 new_word)
{
	lockdep_assert_held(&shmbuf_bucket(buffer, index)->lock);
	/* Release: pairs with the acquiring compare-and-swap of user space. */
	atomic64_set_release(shmbuf_word(buffer, index), new_word);
}

int shmbuf_objects_settle(struct shmbuf_buffer *buffer, u32 index)
{
	int ret = 0;

	if (mutex_lock_killable(&buffer->config))
		return -EINTR;
	if (atomic64_read(shmbuf_word(buffer, index)) & SHMBUF_WORD_UNUSED)
		ret = -EINVAL;
	mutex_unlock(&buffer->config);
	return ret;
}

bool shmbuf_objects_next(struct shmbuf_buffer *buffer, u32 kind, u32 *first, u32 *last)
{
	MA_STATE(mas, &buffer->kinds, *first, *first);
	void *entry;

	if (*first >= buffer->nr_objects)
		return false;
	rcu_read_lock();
	do {
		entry = mas_find(&mas, buffer->nr_objects - 1);
	} while (entry && kind != SHMBUF_KIND_NONE && xa_to_value(entry) != kind);
	if (entry) {
		*first = max_t(unsigned long, *first, mas.index);
		*last = mas.last;
	}
	rcu_read_unlock();
	return entry;
}

/* Set the kind of a range, joined with what is of the same kind beside it. */
static int shmbuf_kinds_store(struct shmbuf_buffer *buffer, u32 first, u32 last, u32 kind)
{
	MA_STATE(mas, &buffer->kinds, first, first);
	void *entry = xa_mk_value(kind);
	unsigned long from = first, to = last;

	lockdep_assert_held(&buffer->config);
	rcu_read_lock();
	if (first) {
		mas_set(&mas, first - 1);
		if (mas_walk(&mas) == entry)
			from = mas.index;
	}
	if (last < buffer->nr_objects - 1) {
		mas_set(&mas, last + 1);
		if (mas_walk(&mas) == entry)
			to = mas.last;
	}
	rcu_read_unlock();
	return mtree_store_range(&buffer->kinds, from, to, entry, GFP_KERNEL_ACCOUNT);
}

static bool shmbuf_range_fits(const struct shmbuf_buffer *buffer,
			      const struct shmbuf_range *range)
{
	return !range->reserved && range->count && range->first < buffer->nr_objects &&
	       range->count <= buffer->nr_objects - range->first;
}

static void shmbuf_word_set(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	spin_lock(&bucket->lock);
	shmbuf_word_put(buffer, index, word);
	spin_unlock(&bucket->lock);
}

int shmbuf_objects_init(struct shmbuf_buffer *buffer, const struct shmbuf_range *range)
{
	u32 i, last = range->first + range->count - 1;
	const struct shmbuf_kind_ops *ops = shmbuf_kind_ops(range->kind);
	unsigned long taken = range->first;
	u64 word;
	int ret;

	if (!shmbuf_range_fits(buffer, range) || !ops || !ops->first_word(range->value, &word))
		return -EINVAL;
	if (mutex_lock_killable(&buffer->config))
		return -EINTR;
	ret = -EEXIST;
	if (mt_find(&buffer->kinds, &taken, last))
		goto unlock;
	ret = shmbuf_kinds_store(buffer, range->first, last, range->kind);
	if (ret)
		goto unlock;
	for (i = range->first; i <= last; i++) {
		shmbuf_word_set(buffer, i, word);
		cond_resched();
	}
unlock:
	mutex_unlock(&buffer->config);
	return ret;
}

/* Make an idle object's word UNUSED; the rest of it stays, for undoing. */
static int shmbuf_object_retire(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	bool idle;
	u32 kind;
	u64 old;

	lockdep_assert_held(&buffer->config);
	spin_lock(&bucket->lock);
	kind = shmbuf_object_kind(buffer, index);
	if (kind == SHMBUF_KIND_NONE) {
		spin_unlock(&bucket->lock);
		return -EINVAL;
	}
	/* A word that is UNUSED already is a hostile peer's doing. */
	if (shmbuf_word_take(buffer, index, kind, &old))
		old = atomic64_read(shmbuf_word(buffer, index));
	idle = shmbuf_kind_ops(kind)->is_idle(buffer, index, old);
	shmbuf_word_put(buffer, index, idle ? (old & ~SHMBUF_WORD_WAITERS) | SHMBUF_WORD_UNUSED :
					      old);
	spin_unlock(&bucket->lock);
	return idle ? 0 : -EBUSY;
}

static void shmbuf_object_reinstate(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	lockdep_assert_held(&buffer->config);
	spin_lock(&bucket->lock);
	atomic64_andnot(SHMBUF_WORD_UNUSED, shmbuf_word(buffer, index));
	spin_unlock(&bucket->lock);
}

int shmbuf_objects_reset(struct shmbuf_buffer *buffer, const struct shmbuf_range *range)
{
	u32 i, last = range->first + range->count - 1;
	int ret = 0;

	if (!shmbuf_range_fits(buffer, range) || range->kind || range->value)
		return -EINVAL;
	/* Idle is also what only those have who went without a word. */
	shmbuf_owners_look(buffer);
	if (mutex_lock_killable(&buffer->config))
		return -EINTR;
	for (i = range->first; i <= last; i++) {
		ret = shmbuf_object_retire(buffer, i);
		if (ret)
			break;
		cond_resched();
	}
	if (!ret)
		ret = mtree_store_range(&buffer->kinds, range->first, last, NULL,
					GFP_KERNEL_ACCOUNT);
	while (ret && i-- > range->first)
		shmbuf_object_reinstate(buffer, i);
	/* What is left of an idle object's claims is nothing, or a dead holder's. */
	for (i = range->first; !ret && i <= last; i++) {
		shmbuf_object_forget(buffer, i);
		shmbuf_claims_drop(buffer, i);
	}
	if (!ret)
		shmbuf_deaths_forget(buffer, range->first, last);
	mutex_unlock(&buffer->config);
	return ret;
}
