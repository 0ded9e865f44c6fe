/* SPDX-License-Identifier: GPL-2.0-only */
/* Who holds a lock, since when, and who waits for it. */
#ifndef SHMBUF_INFO_H
#define SHMBUF_INFO_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_buffer;

/**
 * struct shmbuf_held - since when a lock is held
 * @owner: by whom
 * @since: ns on CLOCK_MONOTONIC
 * @index: the lock
 * @bound: or earlier
 *
 * What is known of locks shares a few places: the last to be seen stays.
 */
struct shmbuf_held {
	u64 owner;
	u64 since;
	u32 index;
	bool bound;
};

/* The kernel gave the lock to @id; @id gave it back; it saw that @id has it. */
void shmbuf_held_note(struct shmbuf_buffer *buffer, u32 index, u64 id);
void shmbuf_held_forget(struct shmbuf_buffer *buffer, u32 index, u64 id);
void shmbuf_held_see(struct shmbuf_buffer *buffer, u32 index, u64 id);

/* How many owners read under lock @index; the first @room of their ids. */
u32 shmbuf_info_readers(struct shmbuf_buffer *buffer, u32 index, u64 *ids, u32 room);

/* SHMBUF_OWNER_* of a lock whose word was @word just now; *@readers: how many read. */
u32 shmbuf_info_state(struct shmbuf_buffer *buffer, u32 index, u64 word, u32 *readers);

/* How many wait for an object of @kind; the first @room of them are told of. */
u32 shmbuf_info_waiters(struct shmbuf_buffer *buffer, u32 index, u32 kind,
			struct shmbuf_waiter_info *infos, u32 room);

/* The ioctls. */
int shmbuf_waiters(struct shmbuf_buffer *buffer, const struct shmbuf_waiters *args);
int shmbuf_owner_info(struct shmbuf_buffer *buffer, struct shmbuf_owner_info *args,
		      void __user *args_user);

#endif /* SHMBUF_INFO_H */
