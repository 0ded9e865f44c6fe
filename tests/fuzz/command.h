/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctls, as the uapi header has them: what their arguments are, and what they may say. */
#ifndef COMMAND_H
#define COMMAND_H

#include "fuzz.h"

enum field_type {
	FIELD_ZERO,
	FIELD_FLAGS,
	FIELD_INDEX,		/* of the command's kind of object */
	FIELD_LOCK,		/* an index of a lock */
	FIELD_OWNER,
	FIELD_ANY_OWNER,	/* somebody else's, as likely as one's own */
	FIELD_DEADLINE,
	FIELD_SEQUENCE,
	FIELD_DEATHS,		/* a sequence of the queue of deaths */
	FIELD_NAME,		/* address of a name */
	FIELD_NAME_LEN,
	FIELD_MODE,
	FIELD_BYTES,
	FIELD_MAX_BYTES,
	FIELD_NR_OBJECTS,
	FIELD_LAYOUT,
	FIELD_RANGES,		/* address of an array */
	FIELD_NR_RANGES,
	FIELD_ITEMS,		/* likewise */
	FIELD_NR_ITEMS,
	FIELD_ARRAY,		/* likewise, for what comes out */
	FIELD_NR_ARRAY,
	FIELD_ROOM,		/* likewise, for all that there is */
	FIELD_AFTER,		/* a buffer's id */
	FIELD_LISTING,		/* bytes for one of them */
	FIELD_FIRST,
	FIELD_COUNT,		/* of a few objects */
	FIELD_KIND,
	FIELD_VALUE,
	FIELD_SEALS,
	FIELD_WAKES,		/* how many to wake */
	FIELD_EVENTFD,
};

/**
 * struct field
 * @offset: in the struct
 * @width: 4 or 8 bytes
 * @type: enum field_type
 * @only: 0 unless one of these flags is given, if there are any
 * @unless: 0 if one of these is given
 */
struct field {
	__u8 offset;
	__u8 width;
	__u8 type;
	__u8 only;
	__u8 unless;
};

#define FIELDS_MAX	14
#define ERRORS_MAX	20

/**
 * struct command
 * @name: without SHMBUF_IOC_
 * @nr: for ioctl()
 * @weight: how often it is drawn
 * @size: of its struct
 * @flags: that it knows
 * @try: the flag with which it doesn't wait
 * @hangs: the flag with which it waits longer than its deadline
 * @kind: of the objects it is for
 * @for_holders: of a lock
 * @attaches: it is for handles that aren't attached
 * @most: the largest value that it returns
 * @fields: but the size, and flags
 * @errors: all that it may say beside EBADF and ENOTTY, which come of descriptors
 */
struct command {
	const char *name;
	unsigned long nr;
	int weight;
	__u32 size;
	__u32 flags;
	__u32 try;
	__u32 hangs;
	__u32 kind;
	bool for_holders;
	bool attaches;
	int most;
	struct field fields[FIELDS_MAX];
	__u8 errors[ERRORS_MAX];
};

extern const struct command commands[];
extern const int nr_commands;

#endif /* COMMAND_H */
