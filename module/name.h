/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of buffers, per IPC namespace. */
#ifndef SHMBUF_NAME_H
#define SHMBUF_NAME_H

#include <linux/types.h>

struct shmbuf_buffer;

/* The name at a user's @addr, checked; the caller frees it. */
char *shmbuf_name_copy(u64 addr, u32 len);

/*
 * Give @fresh (a buffer without a name, the caller's reference) the name, which
 * it takes over, and return it; or return the buffer that has the name already,
 * with a reference, unless @excl.
 */
struct shmbuf_buffer *shmbuf_name_add(struct shmbuf_buffer *fresh, char *name,
				      u32 len, bool excl);

/* @fresh has no name, but belongs to the caller's namespace all the same. */
int shmbuf_name_none(struct shmbuf_buffer *fresh);

/* The buffer of that name, with a reference. */
struct shmbuf_buffer *shmbuf_name_find(const char *name, u32 len);

int shmbuf_name_unlink(const char *name, u32 len);

/* Whether the name still leads to the buffer. */
bool shmbuf_name_exists(struct shmbuf_buffer *buffer);

/* Whether the caller may open the buffer to read, and to write. */
int shmbuf_name_permission(const struct shmbuf_buffer *buffer, bool write);

/* Whether the caller may do what the buffer's owner may. */
bool shmbuf_name_is_own(const struct shmbuf_buffer *buffer);

/* Whether the buffer, one of the registry, was made in the caller's namespace. */
bool shmbuf_name_is_near(const struct shmbuf_buffer *buffer);

/* Drop a reference; with the last the name goes.  True where it was the last. */
bool shmbuf_name_put(struct shmbuf_buffer *buffer);

/* The buffer goes, which has neither name nor reference. */
void shmbuf_name_forget(struct shmbuf_buffer *buffer);

void shmbuf_name_exit(void);

#endif /* SHMBUF_NAME_H */
