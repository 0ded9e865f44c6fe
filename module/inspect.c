// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "contention.h"
#include "info.h"
#include "inspect.h"
#include "object.h"

static void shmbuf_inspect_lock(struct shmbuf_buffer *buffer, u64 word,
				struct shmbuf_object *object)
{
	u32 readers;

	object->state = shmbuf_info_state(buffer, object->index, word, &readers);
	object->value = readers;
	if (object->state & SHMBUF_OWNER_HELD)
		object->owner = shmbuf_lock_word_owner(word);
}

static void shmbuf_inspect_word(struct shmbuf_buffer *buffer, u64 word,
				struct shmbuf_object *object)
{
	switch (object->kind) {
	case SHMBUF_KIND_LOCK:
		shmbuf_inspect_lock(buffer, word, object);
		break;
	case SHMBUF_KIND_QUEUE:
		object->value = word & SHMBUF_SEQUENCE_MASK;
		break;
	case SHMBUF_KIND_SEMAPHORE:
		object->value = shmbuf_sem_word_count(word);
		object->most = shmbuf_sem_word_most(word);
		break;
	case SHMBUF_KIND_BARRIER:
		object->value = shmbuf_barrier_word_parties(word);
		object->most = shmbuf_barrier_word_arrived(word);
		if (word & SHMBUF_WORD_NOTRECOVERABLE)
			object->state |= SHMBUF_OWNER_NOTRECOVERABLE;
		break;
	}
}

/* False where it has no kind, or just gets or loses one. */
static bool shmbuf_inspect(struct shmbuf_buffer *buffer, u32 index,
			   struct shmbuf_object *object)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_contention *contention;
	u64 word;

	*object = (struct shmbuf_object){ .index = index };
	spin_lock(&bucket->lock);
	object->kind = shmbuf_object_kind(buffer, index);
	word = atomic64_read(shmbuf_word(buffer, index));
	contention = shmbuf_contention_find(buffer, index);
	if (contention) {
		object->contentions = contention->count;
		object->waited = contention->waited;
		object->longest = contention->longest;
	}
	spin_unlock(&bucket->lock);
	if (object->kind == SHMBUF_KIND_NONE || (word & SHMBUF_WORD_UNUSED))
		return false;
	shmbuf_inspect_word(buffer, word, object);
	object->nr_waiters = shmbuf_info_waiters(buffer, index, object->kind, NULL, 0);
	return true;
}

static int shmbuf_inspect_all(struct shmbuf_buffer *buffer, u32 first,
			      struct shmbuf_object *objects, u32 room)
{
	u32 last, i, nr = 0;

	for (; shmbuf_objects_next(buffer, SHMBUF_KIND_NONE, &first, &last); first = last + 1) {
		for (i = first; i <= last; i++) {
			if (nr == room)
				return nr;
			if (shmbuf_inspect(buffer, i, &objects[nr]))
				nr++;
			cond_resched();
			if (fatal_signal_pending(current))
				return -EINTR;
		}
	}
	return nr;
}

int shmbuf_objects(struct shmbuf_buffer *buffer, const struct shmbuf_objects *args)
{
	u32 room = min_t(u32, args->nr_objects, SHMBUF_OBJECTS_MAX);
	struct shmbuf_object *objects;
	int ret;

	if (!room)
		return -EINVAL;
	objects = kvcalloc(room, sizeof(*objects), GFP_KERNEL_ACCOUNT);
	if (!objects)
		return -ENOMEM;
	ret = shmbuf_inspect_all(buffer, args->first, objects, room);
	if (ret > 0 &&
	    copy_to_user(u64_to_user_ptr(args->objects), objects, ret * sizeof(*objects)))
		ret = -EFAULT;
	kvfree(objects);
	return ret;
}
