/* SPDX-License-Identifier: GPL-2.0-only */
/* The data area: a shmem file that its mappings keep alive, and the charge for it. */
#ifndef SHMBUF_DATA_H
#define SHMBUF_DATA_H

#include <linux/types.h>

struct file;
struct shmbuf_user;
struct vm_area_struct;

/*
 * A shmem file of @size bytes (whole pages), charged to @user until its last
 * reference goes, be it a mapping's.  Of @create_flags PREALLOC and HUGE count.  The
 * caller drops its own with fput().
 */
struct file *shmbuf_data_create(struct shmbuf_user *user, u64 size, u32 create_flags);

/* From @old to @size bytes, both whole pages. */
int shmbuf_data_grow(struct file *data, u64 old, u64 size, bool prealloc);

/* @vma, of another file's mmap(), becomes one of @data. */
int shmbuf_data_mmap(struct file *data, struct vm_area_struct *vma);

/* Whether HUGE has huge pages. */
bool shmbuf_data_has_huge_pages(void);

int shmbuf_data_init(void);
void shmbuf_data_exit(void);

#endif /* SHMBUF_DATA_H */
