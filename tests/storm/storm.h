/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The storm: processes that use sync objects of all kinds at once, and are killed at
 * random moments.  A kind is a row of storm_kinds[] in kinds.h.
 */
#ifndef STORM_H
#define STORM_H

#include "../selftests/shmbuf_test.h"

/* What a kind keeps in the buffer's data has room for this. */
#define STORM_DATA	4096

/**
 * struct worker - one thread of a process that will be killed
 * @fd: its handle
 * @c: the control area, mapped
 * @owner: its id, thread-bound
 * @row: its row, mapped
 * @seed: of its choices
 */
struct worker {
	int fd;
	struct control c;
	__u64 owner;
	__u64 *row;
	__u64 seed;
};

#define STORM_PARTS	3

/**
 * struct storm_part - some objects of one kind
 * @kind: SHMBUF_KIND_*
 * @count: how many
 * @value: that they start with
 */
struct storm_part {
	__u32 kind;
	__u32 count;
	__u64 value;
};

/**
 * struct storm_kind - what is done with some objects, and what holds afterwards
 * @name: what it is about
 * @parts: its objects, one part after the other
 * @step: one random step with the objects from @first on; @data is all 0 at first.
 *	May sleep, as long as others' steps, or @nudge, can wake it.
 * @nudge: at the end: get those going who sleep; NULL where that isn't needed
 * @check: once nobody is left, of whom @killed threads were killed: NULL, or what is wrong
 */
struct storm_kind {
	const char *name;
	struct storm_part parts[STORM_PARTS];
	void (*step)(struct worker *w, __u32 first, void *data);
	void (*nudge)(struct worker *w, __u32 first, void *data);
	const char *(*check)(struct worker *w, __u32 first, void *data, unsigned long killed);
};

static inline __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif /* STORM_H */
