// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "compat.h"
#include "handle.h"
#include "object.h"
#include "queue.h"
#include "sweep.h"
#include "user.h"
#include "waiter.h"
#include "watch.h"

/*
 * A queue that is watched has WAITERS in its word, so that each wake is the kernel's.
 * Who watches stands in the queue's bucket, for the wakers, and in a tree of its
 * handle.  A waker takes references under the bucket's lock and tells them once it is
 * dropped: a watcher, and its handle's memory, can outlast the handle by that.
 *
 * poll() compares the words with what was last seen: all that it is told is to look.
 */

/**
 * struct shmbuf_watcher - a handle's interest in one queue
 * @node: in its bucket's watchers, by @index, then by @serial; under the bucket's
 *	lock, as @told and @suspect
 * @handle_node: in its handle's watchers, by @index, then poll before eventfd; under
 *	the handle's watching, as @seen
 * @ref: one of the handle, short ones of wakers
 * @handle: its memory, a reference; constant, as all below but @seen and @told
 * @user: charged for it, a reference
 * @eventfd: a reference, or NULL for poll()
 * @index: the queue
 * @serial: never used twice
 * @seen: poll: what user space last saw
 * @told: the last sequence that it was told of
 * @suspect: another one that the last sweep saw, maybe of a wake under way
 */
struct shmbuf_watcher {
	struct rb_node node;
	struct rb_node handle_node;
	refcount_t ref;
	struct shmbuf_handle *handle;
	struct shmbuf_user *user;
	struct eventfd_ctx *eventfd;
	u32 index;
	u64 serial;
	u64 seen;
	u64 told;
	u64 suspect;
};

/* Watchers to tell once the bucket's lock is dropped; a reference each. */
struct shmbuf_news {
	unsigned int nr;
	struct shmbuf_watcher *watchers[SHMBUF_WAKE_BATCH];
};

/* Watchers that a sweep looks at before the lock is dropped. */
#define SHMBUF_WATCH_BATCH 64

/* How many queues MOVED looks for before it writes them. */
#define SHMBUF_MOVED_BATCH 16

static atomic64_t shmbuf_last_watcher;

#define node_to_watcher(node_) rb_entry_safe(node_, struct shmbuf_watcher, node)
#define handle_node_to_watcher(node_) rb_entry_safe(node_, struct shmbuf_watcher, handle_node)

static void shmbuf_watcher_put(struct shmbuf_watcher *watcher)
{
	if (!refcount_dec_and_test(&watcher->ref))
		return;
	if (watcher->eventfd)
		eventfd_ctx_put(watcher->eventfd);
	shmbuf_user_uncharge(watcher->user, SHMBUF_QUOTA_CLAIMS, 1);
	shmbuf_user_put(watcher->user);
	shmbuf_handle_put(watcher->handle);
	kfree(watcher);
}

static void shmbuf_handle_wake(struct shmbuf_handle *handle)
{
	wake_up_interruptible_poll(&handle->pollers, EPOLLIN | EPOLLRDNORM);
}

static void shmbuf_news_add(struct shmbuf_news *news, struct shmbuf_watcher *watcher,
			    u64 sequence)
{
	watcher->told = sequence;
	refcount_inc(&watcher->ref);
	news->watchers[news->nr++] = watcher;
}

static void shmbuf_news_flush(struct shmbuf_news *news)
{
	unsigned int i;

	for (i = 0; i < news->nr; i++) {
		if (news->watchers[i]->eventfd)
			shmbuf_eventfd_signal(news->watchers[i]->eventfd);
		else
			shmbuf_handle_wake(news->watchers[i]->handle);
		shmbuf_watcher_put(news->watchers[i]);
	}
	news->nr = 0;
}

/* Those of a bucket */

static bool shmbuf_watcher_less(struct rb_node *a, const struct rb_node *b)
{
	const struct shmbuf_watcher *x = rb_entry(a, struct shmbuf_watcher, node);
	const struct shmbuf_watcher *y = rb_entry(b, struct shmbuf_watcher, node);

	return x->index < y->index || (x->index == y->index && x->serial < y->serial);
}

/* The first at (@index, @serial) or behind. */
static struct shmbuf_watcher *shmbuf_watcher_from(struct shmbuf_bucket *bucket, u32 index,
						  u64 serial)
{
	struct rb_node *node = bucket->watchers.rb_node;
	struct shmbuf_watcher *found = NULL;

	lockdep_assert_held(&bucket->lock);
	while (node) {
		struct shmbuf_watcher *watcher = node_to_watcher(node);

		if (watcher->index > index ||
		    (watcher->index == index && watcher->serial >= serial)) {
			found = watcher;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

static struct shmbuf_watcher *shmbuf_watcher_next(struct shmbuf_watcher *watcher)
{
	return node_to_watcher(rb_next(&watcher->node));
}

bool shmbuf_watched(struct shmbuf_bucket *bucket, u32 index)
{
	struct shmbuf_watcher *watcher = shmbuf_watcher_from(bucket, index, 0);

	return watcher && watcher->index == index;
}

void shmbuf_watchers_tell(struct shmbuf_buffer *buffer, u32 index, u64 sequence, bool news)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	/* Who comes later sees for himself. */
	u64 serial = 0, last = atomic64_read(&shmbuf_last_watcher);
	struct shmbuf_news told = {};
	struct shmbuf_watcher *watcher;

	do {
		spin_lock(&bucket->lock);
		watcher = shmbuf_watcher_from(bucket, index, serial);
		while (watcher && watcher->index == index && watcher->serial <= last &&
		       told.nr < SHMBUF_WAKE_BATCH) {
			serial = watcher->serial + 1;
			if (!news || watcher->told != sequence)
				shmbuf_news_add(&told, watcher, sequence);
			watcher = shmbuf_watcher_next(watcher);
		}
		if (watcher && (watcher->index != index || watcher->serial > last))
			watcher = NULL;
		spin_unlock(&bucket->lock);
		shmbuf_news_flush(&told);
		cond_resched();
	} while (watcher);
}

static void shmbuf_watcher_sweep(struct shmbuf_buffer *buffer, struct shmbuf_watcher *watcher,
				 struct shmbuf_news *news)
{
	u64 old, sequence;

	if (shmbuf_word_take(buffer, watcher->index, SHMBUF_KIND_QUEUE, &old))
		return;
	shmbuf_word_put(buffer, watcher->index, shmbuf_queue_word(old, true));
	sequence = old & SHMBUF_SEQUENCE_MASK;
	if (sequence != watcher->told && sequence == watcher->suspect)
		shmbuf_news_add(news, watcher, sequence);
	watcher->suspect = sequence;
}

void shmbuf_watchers_sweep(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket)
{
	struct shmbuf_watcher *watcher;
	struct shmbuf_news news = {};
	u32 index = 0;
	u64 serial = 0;
	int i;

	do {
		spin_lock(&bucket->lock);
		watcher = shmbuf_watcher_from(bucket, index, serial);
		for (i = 0; watcher && i < SHMBUF_WATCH_BATCH && news.nr < SHMBUF_WAKE_BATCH; i++) {
			shmbuf_watcher_sweep(buffer, watcher, &news);
			index = watcher->index;
			serial = watcher->serial + 1;
			watcher = shmbuf_watcher_next(watcher);
		}
		spin_unlock(&bucket->lock);
		shmbuf_news_flush(&news);
		cond_resched();
	} while (watcher);
}

static int shmbuf_watcher_enter(struct shmbuf_buffer *buffer, struct shmbuf_watcher *watcher)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, watcher->index);
	u64 old;
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_word_take(buffer, watcher->index, SHMBUF_KIND_QUEUE, &old);
	if (!ret) {
		watcher->told = old & SHMBUF_SEQUENCE_MASK;
		watcher->suspect = watcher->told;
		rb_add(&watcher->node, &bucket->watchers, shmbuf_watcher_less);
		if (atomic_inc_return(&buffer->nr_waiters) == 1)
			shmbuf_sweep_later(buffer);
		shmbuf_word_put(buffer, watcher->index, shmbuf_queue_word(old, true));
	}
	spin_unlock(&bucket->lock);
	return ret;
}

static void shmbuf_watcher_leave(struct shmbuf_buffer *buffer, struct shmbuf_watcher *watcher)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, watcher->index);

	spin_lock(&bucket->lock);
	rb_erase(&watcher->node, &bucket->watchers);
	atomic_dec(&buffer->nr_waiters);
	shmbuf_queue_look_after(buffer, watcher->index);
	spin_unlock(&bucket->lock);
}

/* Those of a handle */

static int shmbuf_watcher_cmp(u32 index, bool eventfd, const struct shmbuf_watcher *watcher)
{
	if (index != watcher->index)
		return index < watcher->index ? -1 : 1;
	return (int)eventfd - (int)!!watcher->eventfd;
}

static bool shmbuf_watcher_before(struct rb_node *a, const struct rb_node *b)
{
	const struct shmbuf_watcher *watcher = rb_entry(a, struct shmbuf_watcher, handle_node);

	return shmbuf_watcher_cmp(watcher->index, watcher->eventfd,
				  rb_entry(b, struct shmbuf_watcher, handle_node)) < 0;
}

/* The first at (@index, @eventfd) or behind. */
static struct shmbuf_watcher *shmbuf_watch_from(struct shmbuf_handle *handle, u32 index,
						bool eventfd)
{
	struct rb_node *node = handle->watchers.rb_node;
	struct shmbuf_watcher *found = NULL;

	lockdep_assert_held(&handle->watching);
	while (node) {
		struct shmbuf_watcher *watcher = handle_node_to_watcher(node);

		if (shmbuf_watcher_cmp(index, eventfd, watcher) <= 0) {
			found = watcher;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

static struct shmbuf_watcher *shmbuf_watch_find(struct shmbuf_handle *handle, u32 index,
						bool eventfd)
{
	struct shmbuf_watcher *watcher = shmbuf_watch_from(handle, index, eventfd);

	return watcher && !shmbuf_watcher_cmp(index, eventfd, watcher) ? watcher : NULL;
}

static struct shmbuf_watcher *shmbuf_watch_next(struct shmbuf_watcher *watcher)
{
	return handle_node_to_watcher(rb_next(&watcher->handle_node));
}

static bool shmbuf_watcher_moved(const struct shmbuf_watcher *watcher, u64 *sequence)
{
	struct shmbuf_buffer *buffer = watcher->handle->buffer;

	lockdep_assert_held(&watcher->handle->watching);
	*sequence = atomic64_read(shmbuf_word(buffer, watcher->index)) & SHMBUF_SEQUENCE_MASK;
	return !watcher->eventfd && *sequence != watcher->seen;
}

static struct shmbuf_watcher *shmbuf_watcher_alloc(struct shmbuf_handle *handle, u32 index)
{
	struct shmbuf_watcher *watcher = kzalloc(sizeof(*watcher), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!watcher)
		return ERR_PTR(ret);
	watcher->user = shmbuf_user_get_caller(handle->user);
	if (!watcher->user)
		goto err_free;
	ret = shmbuf_user_charge(watcher->user, SHMBUF_QUOTA_CLAIMS, 1);
	if (ret)
		goto err_user;
	refcount_set(&watcher->ref, 1);
	watcher->handle = shmbuf_handle_get(handle);
	watcher->index = index;
	watcher->serial = atomic64_inc_return(&shmbuf_last_watcher);
	return watcher;

err_user:
	shmbuf_user_put(watcher->user);
err_free:
	kfree(watcher);
	return ERR_PTR(ret);
}

/* Takes @eventfd over where it succeeds. */
static int shmbuf_watch_add(struct shmbuf_handle *handle, u32 index, u64 seen,
			    struct eventfd_ctx *eventfd)
{
	struct shmbuf_watcher *watcher = shmbuf_watcher_alloc(handle, index);
	int tries = 8;
	int ret;

	if (IS_ERR(watcher))
		return PTR_ERR(watcher);
	watcher->seen = seen;
	watcher->eventfd = eventfd;
	for (;;) {
		ret = shmbuf_watcher_enter(handle->buffer, watcher);
		if (ret != -EAGAIN)
			break;
		ret = tries-- ? shmbuf_objects_settle(handle->buffer, index) : -EINVAL;
		if (ret)
			break;
	}
	if (ret) {
		watcher->eventfd = NULL;
		shmbuf_watcher_put(watcher);
		return ret;
	}
	rb_add(&watcher->handle_node, &handle->watchers, shmbuf_watcher_before);
	return 0;
}

static void shmbuf_watch_remove(struct shmbuf_watcher *watcher)
{
	struct shmbuf_handle *handle = watcher->handle;

	lockdep_assert_held(&handle->watching);
	shmbuf_watcher_leave(handle->buffer, watcher);
	rb_erase(&watcher->handle_node, &handle->watchers);
	shmbuf_watcher_put(watcher);
}

/* What the caller saw may be past already, for those who poll as well. */
static void shmbuf_watch_look(struct shmbuf_handle *handle, u32 index)
{
	struct shmbuf_watcher *watcher = shmbuf_watch_find(handle, index, false);
	u64 sequence;

	if (watcher && shmbuf_watcher_moved(watcher, &sequence))
		shmbuf_handle_wake(handle);
}

static int shmbuf_watch_change(struct shmbuf_handle *handle, const struct shmbuf_watch *args,
			       struct eventfd_ctx *eventfd)
{
	struct shmbuf_watcher *watcher =
		shmbuf_watch_find(handle, args->index, args->flags & SHMBUF_WATCH_EVENTFD);
	int ret = 0;

	if (args->flags & SHMBUF_WATCH_REMOVE) {
		if (!watcher)
			return -ENOENT;
		shmbuf_watch_remove(watcher);
		return 0;
	}
	if (watcher && eventfd)
		return -EEXIST;
	if (watcher)
		watcher->seen = args->sequence;
	else
		ret = shmbuf_watch_add(handle, args->index, args->sequence, eventfd);
	if (!ret && !eventfd)
		shmbuf_watch_look(handle, args->index);
	return ret;
}

int shmbuf_watch(struct shmbuf_handle *handle, const struct shmbuf_watch *args)
{
	struct eventfd_ctx *eventfd = NULL;
	int ret;

	if (args->flags && args->sequence)
		return -EINVAL;
	if (args->flags != SHMBUF_WATCH_EVENTFD && args->eventfd)
		return -EINVAL;
	if (args->flags == SHMBUF_WATCH_EVENTFD) {
		eventfd = eventfd_ctx_fdget(args->eventfd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
	}
	ret = mutex_lock_killable(&handle->watching);
	if (!ret) {
		ret = shmbuf_watch_change(handle, args, eventfd);
		mutex_unlock(&handle->watching);
	}
	if (ret && eventfd)
		eventfd_ctx_put(eventfd);
	return ret;
}

/* Up to @room of those that have moved, from *@index on, and move that on. */
static u32 shmbuf_moved_batch(struct shmbuf_handle *handle, u64 *index,
			      struct shmbuf_moved_queue *queues, u32 room)
{
	struct shmbuf_watcher *watcher;
	u64 sequence;
	u32 nr = 0;

	for (watcher = shmbuf_watch_from(handle, *index, false); watcher && nr < room;
	     watcher = shmbuf_watch_next(watcher)) {
		*index = (u64)watcher->index + 1;
		if (shmbuf_watcher_moved(watcher, &sequence))
			queues[nr++] = (struct shmbuf_moved_queue){
				.index = watcher->index,
				.sequence = sequence,
			};
	}
	return nr;
}

int shmbuf_moved(struct shmbuf_handle *handle, const struct shmbuf_moved *args)
{
	struct shmbuf_moved_queue __user *queues_user = u64_to_user_ptr(args->queues);
	struct shmbuf_moved_queue queues[SHMBUF_MOVED_BATCH];
	u32 nr, room, written = 0;
	u64 index = 0;

	if (args->reserved)
		return -EINVAL;
	do {
		room = min_t(u32, args->nr_queues - written, SHMBUF_MOVED_BATCH);
		if (mutex_lock_killable(&handle->watching))
			return -EINTR;
		nr = index > U32_MAX ? 0 : shmbuf_moved_batch(handle, &index, queues, room);
		mutex_unlock(&handle->watching);
		if (copy_to_user(queues_user + written, queues, nr * sizeof(*queues)))
			return -EFAULT;
		written += nr;
	} while (nr && written < args->nr_queues && written < INT_MAX - SHMBUF_MOVED_BATCH);
	return written;
}

int shmbuf_watch_poll(struct shmbuf_handle *handle)
{
	struct shmbuf_moved_queue queue;
	u64 index = 0;
	int ret;

	if (mutex_lock_killable(&handle->watching))
		return -EINTR;
	ret = shmbuf_moved_batch(handle, &index, &queue, 1);
	mutex_unlock(&handle->watching);
	return ret;
}

void shmbuf_watch_release(struct shmbuf_handle *handle)
{
	struct shmbuf_watcher *watcher;

	mutex_lock(&handle->watching);
	while ((watcher = handle_node_to_watcher(rb_first(&handle->watchers)))) {
		shmbuf_watch_remove(watcher);
		cond_resched();
	}
	mutex_unlock(&handle->watching);
}
