/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows: an owner's page of counts of the locks that it reads under. */
#ifndef SHMBUF_ROW_H
#define SHMBUF_ROW_H

#include <linux/atomic.h>
#include <linux/types.h>

struct shmbuf_buffer;
struct shmbuf_owner;
struct shmbuf_row;
struct shmbuf_user;
struct vm_area_struct;

/* Map the row of the owner in @slot; it is made by the first who does. */
int shmbuf_row_mmap(struct shmbuf_buffer *buffer, struct vm_area_struct *vma, u32 slot);

/* The entry of lock @index, hostile content; NULL where the owner has no row. */
atomic64_t *shmbuf_row_entry_of(struct shmbuf_owner *owner, u32 index);

/*
 * The owner is gone, and with it its reference.  What it was charged, and its reference to
 * @user, are the row's from here: a row that is mapped stays one of so many.
 */
void shmbuf_row_leave(struct shmbuf_row *row, struct shmbuf_user *user);

#endif /* SHMBUF_ROW_H */
