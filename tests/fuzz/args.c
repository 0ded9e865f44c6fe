// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../selftests/ioctls.h"
#include "args.h"
#include "file.h"
#include "value.h"

#define ARGS_ROOM	512
#define CANARY		0x5a

/* Two pages that may be written, one that may not, and one that may only be read. */
static char *edge;

void args_init(void)
{
	edge = mmap(NULL, 4 * FUZZ_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (edge == MAP_FAILED)
		return;
	mprotect(edge + 2 * FUZZ_PAGE, FUZZ_PAGE, PROT_NONE);
	mprotect(edge + 3 * FUZZ_PAGE, FUZZ_PAGE, PROT_READ);
}

/**
 * struct args - an argument on its way
 * @bytes: as it was made
 * @size: of what goes to the kernel
 * @right: made by the rules, in a good place
 */
struct args {
	char bytes[ARGS_ROOM];
	__u32 size;
	bool right;
};

static void put(struct args *args, __u32 offset, __u32 width, __u64 value)
{
	memcpy(args->bytes + offset, &value, width);
}

static __u64 get(const struct args *args, __u32 offset, __u32 width)
{
	__u64 value = 0;

	memcpy(&value, args->bytes + offset, width);
	return value;
}

static const struct field *field_of(const struct command *command, enum field_type type)
{
	int i;

	for (i = 0; i < FIELDS_MAX && command->fields[i].width; i++)
		if (command->fields[i].type == type)
			return &command->fields[i];
	return NULL;
}

static void fill(struct task *task, const struct command *command, struct args *args,
		 struct pointed *pointed)
{
	__u32 flags = value_flags(task, command->flags);
	const struct field *field;
	int i;

	/* With nobody else there is nothing to wait for without a try or a short deadline. */
	put(args, 0, 4, command->size);
	put(args, 4, 4, flags);
	for (i = 0; i < FIELDS_MAX && command->fields[i].width; i++) {
		field = &command->fields[i];
		if ((field->only && !(flags & field->only)) || (flags & field->unless))
			continue;
		put(args, field->offset, field->width,
		    value_right(task, command, field, pointed));
	}
}

static bool is_pointer(const struct field *field)
{
	return field->type == FIELD_NAME || field->type == FIELD_RANGES ||
	       field->type == FIELD_ITEMS || field->type == FIELD_ARRAY ||
	       field->type == FIELD_ROOM;
}

/* Something about it becomes wrong. */
static void spoil(struct task *task, const struct command *command, struct args *args)
{
	__u64 *seed = &task->seed;
	const struct field *field = &command->fields[draw_below(seed, FIELDS_MAX)];
	__u32 at;

	switch (draw_below(seed, 4)) {
	case 0:
		put(args, 4, 4, value_odd(seed));
		return;
	case 1:
		at = draw_below(seed, command->size / 4) * 4;
		put(args, at, 4, value_odd(seed));
		return;
	default:
		if (field->width)
			put(args, field->offset, field->width,
			    is_pointer(field) ? value_bad_pointer(task) : value_odd(seed));
	}
}

static void garble(struct task *task, const struct command *command, struct args *args)
{
	__u64 *seed = &task->seed;
	__u32 at;

	for (at = 0; at < ARGS_ROOM; at += 8)
		put(args, at, 8, draw_once_in(seed, 2) ? draw(seed) : value_odd(seed));
	if (draw_below(seed, 4))
		put(args, 0, 4, command->size);
	if (draw_below(seed, 4))
		put(args, 4, 4, draw(seed) & command->flags);
}

/* Shorter or longer than it is, with and without something in the tail. */
static void resize(struct task *task, const struct command *command, struct args *args)
{
	__u64 *seed = &task->seed;
	__u32 size = command->size;

	switch (draw_below(seed, 6)) {
	case 0:
		size = draw_below(seed, size);
		break;
	case 1: case 2:
		size += 1 + draw_below(seed, 64);
		memset(args->bytes + command->size, 0, ARGS_ROOM - command->size);
		break;
	case 3:
		size += 1 + draw_below(seed, 64);
		memset(args->bytes + command->size, 0, ARGS_ROOM - command->size);
		args->bytes[draw_below(seed, ARGS_ROOM - command->size) + command->size] = 1;
		break;
	case 4:
		size = FUZZ_PAGE;
		break;
	default:
		size = value_odd(seed);
	}
	put(args, 0, 4, size);
	args->size = size < ARGS_ROOM ? size : ARGS_ROOM;
}

static void draw_args(struct task *task, const struct command *command, struct args *args,
		      struct pointed *pointed)
{
	__u64 *seed = &task->seed;

	memset(args->bytes, 0, ARGS_ROOM);
	args->size = command->size;
	args->right = false;
	fill(task, command, args, pointed);
	switch (draw_below(seed, 32)) {
	case 0: case 1: case 2: case 3:
		spoil(task, command, args);
		break;
	case 4:
		garble(task, command, args);
		break;
	case 5:
		resize(task, command, args);
		break;
	default:
		args->right = true;
	}
}

static void *bad_place(struct task *task, const struct args *args)
{
	__u64 *seed = &task->seed;
	char *at;

	switch (draw_below(seed, 6)) {
	case 0:
		/* Its last byte is the last that may be touched. */
		at = edge + 2 * FUZZ_PAGE - args->size;
		break;
	case 1:
		at = edge + 2 * FUZZ_PAGE - draw_below(seed, args->size + 1);
		break;
	case 2:
		at = edge + FUZZ_PAGE - args->size / 2;
		break;
	case 3:
		/* It may be changed by another thread as the kernel reads it. */
		at = world->fair ? edge : value_arena(seed) + draw_below(seed, FUZZ_PAGE);
		break;
	case 4:
		at = edge + 3 * FUZZ_PAGE;
		break;
	default:
		at = (char *)(uintptr_t)value_bad_pointer(task);
	}
	guarded_copy(at, args->bytes, args->size);
	return at;
}

/* Whether the call can last for ever, with what it was given. */
static bool may_last(const struct command *command, const struct args *args)
{
	const struct field *field = field_of(command, FIELD_DEADLINE);
	__u32 flags = get(args, 4, 4);

	if (!field)
		return false;
	return !args->right || (flags & command->hangs) ||
	       (get(args, field->offset, 8) > now() + NSEC_PER_SEC && !(flags & command->try));
}

static void judge(struct task *task, const struct command *command, long ret)
{
	int i;

	if (ret >= 0 && ret <= command->most)
		return;
	if (ret == -EBADF || ret == -ENOTTY)
		return;
	for (i = 0; ret < 0 && i < ERRORS_MAX && command->errors[i]; i++)
		if (-ret == command->errors[i])
			return;
	world_is_bad("%s returned %ld, by a step of seed %#llx", command->name, ret,
		     task->slot->last[task->slot->nr_last % LAST].seed);
}

/* What later steps can make use of. */
static void remember(struct task *task, const struct command *command, const struct args *args,
		     struct handle *handle, long ret)
{
	const struct field *field;
	__u64 id;

	if (command->nr == SHMBUF_IOC_LOCK && (ret == 0 || ret == -EOWNERDEAD))
		task->held[handle->buffer] = get(args, offsetof(struct shmbuf_lock, index), 4) + 1;
	/* The id is no good any more: there will be another. */
	if (ret == -EPERM && !command->for_holders && field_of(command, FIELD_OWNER))
		task->ids[handle->buffer] = 0;
	if (ret < 0)
		return;
	switch (command->nr) {
	case SHMBUF_IOC_REGISTER:
		id = get(args, offsetof(struct shmbuf_register, owner), 8);
		task->ids[handle->buffer] = id;
		world->ids[draw_below(&task->seed, IDS)] = id;
		break;
	case SHMBUF_IOC_WAIT:
		task->slot->sequence = get(args, offsetof(struct shmbuf_wait, sequence), 8);
		break;
	case SHMBUF_IOC_CREATE:
	case SHMBUF_IOC_OPEN:
		field = field_of(command, FIELD_NAME);
		file_attached(task, handle->fd,
			      (const char *)(uintptr_t)get(args, field->offset, 8));
	}
}

/* Whoever acts as an owner is one, mostly. */
static void have_id(struct task *task, const struct command *command, int fd)
{
	__u64 *id = &task->ids[task->buffer];

	if (*id || !field_of(command, FIELD_OWNER) || draw_once_in(&task->seed, 8))
		return;
	if (counted(task, do_register(fd, draw_once_in(&task->seed, 4), id)) < 0)
		*id = 0;
	else
		world->ids[draw_below(&task->seed, IDS)] = *id;
}

long op_ioctl(struct task *task, const struct op *op)
{
	const struct command *command = op->command;
	struct handle handle = command->attaches ? file_fresh(task) : file_handle(task);
	struct pointed pointed = {};
	struct args args;
	long ret;

	task->buffer = handle.buffer;
	have_id(task, command, handle.fd);
	draw_args(task, command, &args, &pointed);
	if (draw_once_in(&task->seed, 12)) {
		args.right = false;
		if (may_last(command, &args))
			may_hang(task);
		ret = counted(task, ioctl(handle.fd, command->nr, bad_place(task, &args)));
		judge(task, command, ret);
		return ret;
	}
	if (may_last(command, &args))
		may_hang(task);
	memset(args.bytes + args.size, CANARY, args.size < ARGS_ROOM ? 1 : 0);
	ret = counted(task, ioctl(handle.fd, command->nr, args.bytes));
	judge(task, command, ret);
	if (args.size < ARGS_ROOM && args.right && args.bytes[args.size] != CANARY)
		world_is_bad("%s wrote behind its argument", command->name);
	if (args.right)
		remember(task, command, &args, &handle, ret);
	return ret;
}
