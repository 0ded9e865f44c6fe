/* SPDX-License-Identifier: GPL-2.0-only */
/* Mapping the areas of a buffer. */
#ifndef SHMBUF_MMAP_H
#define SHMBUF_MMAP_H

struct file;
struct vm_area_struct;

int shmbuf_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* SHMBUF_MMAP_H */
