// SPDX-License-Identifier: GPL-2.0-only
#include <linux/shmbuf_word.h>

#include "memory.h"
#include "scribble.h"
#include "value.h"

static int shared_buffer(struct task *task)
{
	return (task->focus >> 4) % BUFFERS;
}

/* Word of object @index, wherever that is; it may not be mapped. */
static __u64 *word_of(int buffer, __u32 index)
{
	const struct buffer *b = &world->buffers[buffer];

	return (__u64 *)(memory_control(buffer) + b->object_offset +
			 (size_t)(index % OBJECTS) * b->object_stride);
}

static bool load(const __u64 *word, __u64 *value)
{
	return guarded_copy(value, word, sizeof(*value));
}

/* A word that looks right, of some id and some flags. */
static __u64 right_looking(struct task *task)
{
	__u64 *seed = &task->seed;

	switch (draw_below(seed, 3)) {
	case 0:
		return world->ids[draw_below(seed, IDS)] |
		       (draw(seed) & draw(seed) & (0xffULL << 56));
	case 1:
		return draw(seed) & (0xffULL << 56);
	default:
		return 1ULL << (56 + draw_below(seed, 8)) | draw_below(seed, 1 << 20);
	}
}

/* Any word of the objects, of the head, or of the own row becomes anything. */
static long op_scribble(struct task *task, const struct op *op)
{
	__u64 *seed = &task->seed, value, *word;
	int buffer = shared_buffer(task);

	if (world->fair)
		return 0;
	value = draw_once_in(seed, 4) ? draw(seed) : right_looking(task);
	switch (draw_below(seed, 8)) {
	case 0:
		word = (__u64 *)memory_control(buffer) + draw_below(seed, 16);
		break;
	case 1: case 2:
		word = (__u64 *)memory_row(buffer) + draw_below(seed, SHMBUF_ROW_ENTRIES);
		break;
	default:
		word = word_of(buffer, value_index(task, 1 + draw_below(seed, 4)));
	}
	return guarded_copy(word, &value, sizeof(value)) ? 0 : -EFAULT;
}

typedef int (*user_step)(__u64 old, __u64 *new_word);

static long step_of(__u64 *word, user_step step)
{
	__u64 old, value;

	if (!load(word, &old))
		return -EFAULT;
	if (!step(old, &value))
		return -EBUSY;
	return guarded_swap(word, old, value) ? 0 : -EAGAIN;
}

static long lock_step(struct task *task, __u64 *word, bool take)
{
	__u64 id = task->ids[shared_buffer(task)], old, value;

	if (!id || !load(word, &old))
		return -EFAULT;
	if (take ? !shmbuf_lock_user_acquire(old, id, &value) :
		   !shmbuf_lock_user_release(old, id, &value))
		return -EBUSY;
	return guarded_swap(word, old, value) ? 0 : -EAGAIN;
}

static long row_step(struct task *task, __u32 index, bool take)
{
	__u64 *entry = (__u64 *)memory_row(shared_buffer(task)) + index % SHMBUF_ROW_ENTRIES;
	__u64 old, value;

	if (!load(entry, &old))
		return -EFAULT;
	if (take ? !shmbuf_row_user_acquire(old, index, &value) :
		   !shmbuf_row_user_release(old, index, &value))
		return -EBUSY;
	return guarded_swap(entry, old, value) ? 0 : -EAGAIN;
}

/* As the library does it while nobody waits. */
static long op_fast(struct task *task, const struct op *op)
{
	__u64 *seed = &task->seed;
	int buffer = shared_buffer(task);
	__u32 lock = value_index(task, SHMBUF_KIND_LOCK);

	switch (draw_below(seed, 8)) {
	case 0: case 1:
		return lock_step(task, word_of(buffer, lock), true);
	case 2:
		return lock_step(task, word_of(buffer, lock), false);
	case 3:
		return row_step(task, lock % OBJECTS, true);
	case 4:
		return row_step(task, lock % OBJECTS, false);
	case 5:
		return step_of(word_of(buffer, value_index(task, SHMBUF_KIND_QUEUE)),
			       shmbuf_queue_user_wake);
	case 6:
		return step_of(word_of(buffer, value_index(task, SHMBUF_KIND_SEMAPHORE)),
			       shmbuf_sem_user_up);
	default:
		return step_of(word_of(buffer, value_index(task, SHMBUF_KIND_SEMAPHORE)),
			       shmbuf_sem_user_down);
	}
}

const struct op scribble_ops[] = {
	{ "scribble", 4, op_scribble },
	{ "fast", 10, op_fast },
};

const int nr_scribble_ops = ARRAY_SIZE(scribble_ops);
