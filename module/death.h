/* SPDX-License-Identifier: GPL-2.0-only */
/* Deaths of owners: how they came, who hears of them, the log of the last ones. */
#ifndef SHMBUF_DEATH_H
#define SHMBUF_DEATH_H

#include <linux/types.h>

#include <linux/shmbuf.h>

#include "info.h"

struct pid;
struct shmbuf_buffer;
struct shmbuf_member;
struct shmbuf_owner;

/**
 * struct shmbuf_cause - how an owner ended
 * @how: enum shmbuf_death_how
 * @code: exit status or signal
 */
struct shmbuf_cause {
	u8 how;
	u8 code;
};

/* Locks, in runs, of which it is remembered who died with them; and who holds them. */
#define SHMBUF_DEATH_NOTES	16
#define SHMBUF_NR_HELD		20

/**
 * struct shmbuf_death_entry - one death
 * @owner: the id
 * @time: ns on CLOCK_MONOTONIC of the initial time namespace
 * @member: the process, a reference; NULL where the entry is unused
 * @tid: of a thread-bound owner, a reference, else NULL
 * @cause: how
 * @flags: SHMBUF_DEATH_*
 */
struct shmbuf_death_entry {
	u64 owner;
	u64 time;
	struct shmbuf_member *member;
	struct pid *tid;
	struct shmbuf_cause cause;
	u8 flags;
};

/**
 * struct shmbuf_death_note - who died with a run of locks
 * @owner: the id, 0 where the note is unused
 * @first: index
 * @last: index
 */
struct shmbuf_death_note {
	u64 owner;
	u32 first;
	u32 last;
};

/**
 * struct shmbuf_death_log - the last that is known of a buffer's owners; all under its
 *	deaths_lock
 * @entries: by sequence
 * @notes: a ring
 * @held: by index
 *
 * 2 KiB, as large as kmalloc() would make it anyway.
 */
struct shmbuf_death_log {
	struct shmbuf_death_entry entries[SHMBUF_DEATHS_MAX];
	struct shmbuf_death_note notes[SHMBUF_DEATH_NOTES];
	struct shmbuf_held held[SHMBUF_NR_HELD];
};

/* A buffer's log, before its first owner.  May sleep; -ENOMEM. */
int shmbuf_deaths_prepare(struct shmbuf_buffer *buffer);
void shmbuf_deaths_free(struct shmbuf_buffer *buffer);

/* What became of @owner, who lives no more.  Under RCU. */
struct shmbuf_cause shmbuf_cause_find(const struct shmbuf_owner *owner);

/* Under owners_lock: @owner's death moves the buffer's sequence of deaths, and is logged. */
void shmbuf_death_record(struct shmbuf_owner *owner);

/* After that, with no lock held: have those woken who wait for deaths. */
void shmbuf_deaths_tell(struct shmbuf_buffer *buffer);

/* Under the bucket's lock: a lock was found to be held by @id, which is dead. */
void shmbuf_death_note(struct shmbuf_buffer *buffer, u32 index, u64 id);

/* The objects from @first to @last have lost their kind. */
void shmbuf_deaths_forget(struct shmbuf_buffer *buffer, u32 first, u32 last);

/* The last dead holder of a lock that was noted, or 0. */
u64 shmbuf_death_holder(struct shmbuf_buffer *buffer, u32 index);

/* The death of @id as the caller sees it; false where the log has none. */
bool shmbuf_death_find(struct shmbuf_buffer *buffer, u64 id, struct shmbuf_death *death);

/* The ioctl, with checked arguments. */
int shmbuf_deaths(struct shmbuf_buffer *buffer, const struct shmbuf_deaths *args);

#endif /* SHMBUF_DEATH_H */
