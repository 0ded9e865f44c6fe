/* SPDX-License-Identifier: GPL-2.0-only */
/* Deaths of owners: how they came, who hears of them, the log of the last ones. */
#ifndef SHMBUF_DEATH_H
#define SHMBUF_DEATH_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_buffer;
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
