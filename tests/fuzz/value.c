// SPDX-License-Identifier: GPL-2.0-only
#include <linux/shmbuf_word.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "value.h"

#define NR_NAMES	6

/* For the most that LIST and OBJECTS write, whatever they are told. */
static char room[SHMBUF_LIST_MAX * FUZZ_PAGE];

__u64 value_odd(__u64 *seed)
{
	static const __u64 values[] = {
		0, 1, 2, 7, 8, 63, 64, 65, 255, 256, 4095, 4096, 4097, 65535, 65536,
		(1ULL << 24) - 1, 1ULL << 24, (1ULL << 28) - 1, 1ULL << 28, 1ULL << 31,
		(1ULL << 31) - 1, (1ULL << 32) - 1, 1ULL << 32, 1ULL << 43, 1ULL << 56,
		1ULL << 62, 1ULL << 63, (1ULL << 63) - 1, ~0ULL, ~1ULL,
	};

	switch (draw_below(seed, 4)) {
	case 0:
		return draw(seed);
	case 1:
		return 1ULL << draw_below(seed, 64);
	default:
		return values[draw_below(seed, ARRAY_SIZE(values))];
	}
}

__u64 value_bad_pointer(struct task *task)
{
	switch (draw_below(&task->seed, 4)) {
	case 0:
		return 0;
	case 1:
		/* Of the kernel, or of nobody. */
		return 0xffff800000000000ULL + value_odd(&task->seed);
	case 2:
		return value_odd(&task->seed);
	default:
		/* In a fair epoch nothing is written where the words may be. */
		if (world->fair)
			return 4096;
		return (__u64)(uintptr_t)value_arena(&task->seed) +
		       (draw(&task->seed) & 0xff8);
	}
}

__u32 value_index(struct task *task, __u32 kind)
{
	__u64 *seed = &task->seed;
	__u32 first, count;

	if (draw_once_in(seed, 64))
		return value_odd(seed);
	if (kind == SHMBUF_KIND_QUEUE && draw_once_in(seed, 8))
		return SHMBUF_INDEX_DEATHS;
	objects_of(draw_once_in(seed, 32) ? SHMBUF_KIND_NONE : kind, &first, &count);
	if (draw_below(seed, 4))
		return first + (task->focus >> 8) % count;
	/* The first of them are where many meet. */
	return first + draw_below(seed, 1 + draw_below(seed, count));
}

__u64 value_owner(struct task *task)
{
	__u64 *seed = &task->seed;

	if (draw_below(seed, 16))
		return task->ids[task->buffer];
	if (draw_below(seed, 4))
		return world->ids[draw_below(seed, IDS)];
	return value_odd(seed);
}

__u32 value_flags(struct task *task, __u32 known)
{
	__u64 *seed = &task->seed;

	if (draw_once_in(seed, 2))
		return 0;
	return draw(seed) & draw(seed) & known;
}

static __u64 deadline(struct task *task)
{
	__u64 *seed = &task->seed, in;

	if (draw_once_in(seed, 1024))
		return SHMBUF_DEADLINE_NEVER;
	if (draw_once_in(seed, 8))
		return draw_below(seed, 2);
	in = draw_below(seed, 16) ? 100 * NSEC_PER_USEC : 3 * NSEC_PER_MSEC;
	return now() + draw_below(seed, in);
}

/* Names of buffers that all share, mostly; others so few that somebody else means them, too. */
static __u64 name(struct task *task, struct pointed *pointed)
{
	__u64 nr = task->focus % (BUFFERS + 1);

	if (draw_once_in(&task->seed, 16)) {
		memset(pointed->name, (int)draw(&task->seed), NAME_ROOM);
		return (__u64)(uintptr_t)pointed->name;
	}
	if (nr < BUFFERS)
		memcpy(pointed->name, world->buffers[nr].name, NAME_LEN);
	else
		snprintf(pointed->name, NAME_ROOM, "other-%llu", draw_below(&task->seed, NR_NAMES));
	return (__u64)(uintptr_t)pointed->name;
}

static __u64 object_value(struct task *task, __u32 kind)
{
	__u64 *seed = &task->seed;

	switch (kind) {
	case SHMBUF_KIND_SEMAPHORE:
		return (draw_below(seed, 2) ? draw_below(seed, 4) << 32 : 0) | draw_below(seed, 3);
	case SHMBUF_KIND_BARRIER:
		return 1 + draw_below(seed, 2);
	case SHMBUF_KIND_QUEUE:
		return draw_below(seed, 2) ? 0 : SHMBUF_SEQUENCE_MASK - draw_below(seed, 3);
	}
	return 0;
}

/* The kind that object @index has by right. */
static __u32 kind_of(__u32 index)
{
	__u32 kind, first, count;

	for (kind = SHMBUF_KIND_LOCK; kind <= SHMBUF_KIND_BARRIER; kind++) {
		objects_of(kind, &first, &count);
		if (index >= first && index - first < count)
			return kind;
	}
	return SHMBUF_KIND_LOCK;
}

static __u64 ranges(struct task *task, struct pointed *pointed)
{
	struct shmbuf_range *range = (void *)pointed->array;
	__u32 kind, nr = 0;

	for (kind = SHMBUF_KIND_LOCK; kind <= SHMBUF_KIND_BARRIER; kind++) {
		objects_of(kind, &range[nr].first, &range[nr].count);
		range[nr].kind = kind;
		range[nr].value = object_value(task, kind);
		nr++;
	}
	if (draw_once_in(&task->seed, 8))
		range[draw_below(&task->seed, nr)].first = value_odd(&task->seed);
	pointed->nr = nr;
	return (__u64)(uintptr_t)range;
}

static __u64 items(struct task *task, struct pointed *pointed)
{
	struct shmbuf_wait_item *item = (void *)pointed->array;
	__u64 *seed = &task->seed;
	int own = task->buffer;
	__u32 i;

	pointed->nr = 1 + draw_below(seed, draw_once_in(seed, 16) ? 63 : 4);
	for (i = 0; i < pointed->nr; i++, item++) {
		struct handle handle = file_handle(task);

		*item = (struct shmbuf_wait_item){
			.fd = handle.fd,
			.kind = draw_once_in(seed, 64) ? value_odd(seed) : 1 + draw_below(seed, 3),
		};
		item->index = value_index(task, item->kind);
		task->buffer = handle.buffer;
		if (item->kind == SHMBUF_KIND_LOCK)
			item->flags = value_flags(task, SHMBUF_WAIT_ITEM_SHARED);
		else if (item->kind == SHMBUF_KIND_SEMAPHORE)
			item->flags = value_flags(task, SHMBUF_WAIT_ITEM_UNDO);
		if (item->kind == SHMBUF_KIND_LOCK || item->flags)
			item->owner = value_owner(task);
		if (item->kind == SHMBUF_KIND_QUEUE)
			item->sequence = draw_below(seed, 8);
	}
	task->buffer = own;
	return (__u64)(uintptr_t)pointed->array;
}

/* The queue's present sequence can't be known; what it was last will do. */
static __u64 sequence(struct task *task)
{
	switch (draw_below(&task->seed, 4)) {
	case 0:
		return ~0ULL;
	case 1:
		return draw_below(&task->seed, 64);
	default:
		return task->slot->sequence;
	}
}

static __u64 any_owner(struct task *task)
{
	if (draw_below(&task->seed, 2))
		return value_owner(task);
	return world->ids[draw_below(&task->seed, IDS)];
}

static __u32 lock_held(struct task *task)
{
	if (task->held[task->buffer] && draw_below(&task->seed, 4))
		return task->held[task->buffer] - 1;
	return value_index(task, SHMBUF_KIND_LOCK);
}

__u64 value_right(struct task *task, const struct command *command, const struct field *field,
		  struct pointed *pointed)
{
	__u64 *seed = &task->seed;

	switch (field->type) {
	case FIELD_FLAGS:
		return value_flags(task, command->flags);
	case FIELD_INDEX:
		return command->for_holders ? lock_held(task) : value_index(task, command->kind);
	case FIELD_LOCK:
		return lock_held(task);
	case FIELD_OWNER:
		return value_owner(task);
	case FIELD_ANY_OWNER:
		return any_owner(task);
	case FIELD_DEADLINE:
		return deadline(task);
	case FIELD_SEQUENCE:
		return sequence(task);
	case FIELD_DEATHS:
		return draw_below(seed, 4) ? ~0ULL : draw_below(seed, 1024);
	case FIELD_NAME:
		return draw_once_in(seed, 16) ? 0 : name(task, pointed);
	case FIELD_NAME_LEN:
		return draw_once_in(seed, 16) ? draw_below(seed, 300) :
						strnlen(pointed->name, NAME_ROOM);
	case FIELD_MODE:
		return draw_below(seed, 4) ? 0666 : draw_below(seed, 01000);
	case FIELD_BYTES:
		return draw_below(seed, 8) ? draw_below(seed, 8) * FUZZ_PAGE :
					     draw_below(seed, 1 << 22);
	case FIELD_MAX_BYTES:
		return draw_below(seed, 2) ? 0 : draw_below(seed, 32) * FUZZ_PAGE;
	case FIELD_NR_OBJECTS:
		return draw_below(seed, 8) ? OBJECTS : draw_below(seed, 70000);
	case FIELD_LAYOUT:
		return draw_below(seed, 2);
	case FIELD_RANGES:
		return ranges(task, pointed);
	case FIELD_ITEMS:
		return items(task, pointed);
	case FIELD_NR_RANGES:
	case FIELD_NR_ITEMS:
		return pointed->nr;
	case FIELD_ARRAY:
		return draw_once_in(seed, 8) ? 0 : (__u64)(uintptr_t)pointed->array;
	case FIELD_NR_ARRAY:
		return draw_below(seed, 16);
	case FIELD_ROOM:
		return draw_once_in(seed, 8) ? 0 : (__u64)(uintptr_t)room;
	case FIELD_AFTER:
		return draw_below(seed, 2) ? 0 : draw_below(seed, 4096);
	case FIELD_LISTING:
		return sizeof(struct shmbuf_listing) + (draw_below(seed, 4) ? 0 :
							draw_below(seed, FUZZ_PAGE));
	case FIELD_FIRST:
		pointed->nr = value_index(task, SHMBUF_KIND_LOCK + draw_below(seed, 4));
		return pointed->nr;
	case FIELD_COUNT:
		return draw_below(seed, 4) ? 1 : 1 + draw_below(seed, 6);
	case FIELD_KIND:
		return draw_below(seed, 8) ? kind_of(pointed->nr) : draw_below(seed, 6);
	case FIELD_VALUE:
		return object_value(task, kind_of(pointed->nr));
	case FIELD_SEALS:
		return draw(seed) & draw(seed) & draw(seed) &
		       (SHMBUF_SEAL_GROW | SHMBUF_SEAL_EXEC);
	case FIELD_WAKES:
		return draw_once_in(seed, 4) ? SHMBUF_WAKE_ALL : 1 + draw_below(seed, 3);
	case FIELD_EVENTFD:
		return file_eventfd(task);
	}
	return 0;
}
