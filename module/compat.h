/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that the module builds for. */
#ifndef SHMBUF_COMPAT_H
#define SHMBUF_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "shmbuf needs Linux 6.1 or newer"
#endif

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/ns_common.h>
#include <linux/shmem_fs.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#ifndef vm_flags_set
static inline void shmbuf_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void shmbuf_vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}

#define vm_flags_set shmbuf_vm_flags_set
#define vm_flags_clear shmbuf_vm_flags_clear
#endif
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define SHMBUF_NORESERVE mk_vma_flags(VMA_NORESERVE_BIT)
#define shmbuf_mmap_file(file, vma) vfs_mmap(file, vma)

/* Whether nothing but kernel references keeps the namespace. */
static inline bool shmbuf_ns_abandoned(const struct ns_common *ns, int ours)
{
	return !__ns_ref_active_read(ns);
}
#else
#define SHMBUF_NORESERVE VM_NORESERVE
#define shmbuf_mmap_file(file, vma) call_mmap(file, vma)

static inline bool shmbuf_ns_abandoned(const struct ns_common *ns, int ours)
{
	return refcount_read(&ns->count) == ours;
}
#endif

#endif /* SHMBUF_COMPAT_H */
