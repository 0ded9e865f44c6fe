/* SPDX-License-Identifier: GPL-2.0-only */
/* Values for the fields of arguments. */
#ifndef VALUE_H
#define VALUE_H

#include "command.h"
#include "task.h"

/* All deaths that are kept, whatever the kernel is told of room. */
#define ARRAY_BYTES	(SHMBUF_DEATHS_MAX * sizeof(struct shmbuf_death))
#define NAME_ROOM	256

/* What the pointers of an argument point at. */
struct pointed {
	__u64 array[ARRAY_BYTES / 8];
	char name[NAME_ROOM];
	__u32 nr;		/* elements of @array that were filled in, or the first object */
};

/* As it should be. */
__u64 value_right(struct task *task, const struct command *command, const struct field *field,
		  struct pointed *pointed);
/* As it might go wrong. */
__u64 value_odd(__u64 *seed);
/* A pointer that leads nowhere good; 0 where there is none to be had. */
__u64 value_bad_pointer(struct task *task);
__u32 value_index(struct task *task, __u32 kind);
__u64 value_owner(struct task *task);
__u32 value_flags(struct task *task, __u32 known);

/* Not the process's own memory, but what maps objects and data, or nothing. */
static inline char *value_arena(__u64 *seed)
{
	return ARENA + draw_below(seed, ARENA_PAGES) * FUZZ_PAGE;
}

#endif /* VALUE_H */
