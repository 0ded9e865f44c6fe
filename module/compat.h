/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that the module builds for. */
#ifndef SHMBUF_COMPAT_H
#define SHMBUF_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "shmbuf needs Linux 6.1 or newer"
#endif

#if !defined(CONFIG_IPC_NS) || !defined(CONFIG_SHMEM)
#error "shmbuf needs CONFIG_IPC_NS, for the scope of names, and CONFIG_SHMEM, for data"
#endif

#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/ns_common.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <trace/events/lock.h>

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

#ifdef mk_vma_flags
#define SHMBUF_NORESERVE mk_vma_flags(VMA_NORESERVE_BIT)
#else
#define SHMBUF_NORESERVE VM_NORESERVE
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define shmbuf_mmap_file(file, vma) vfs_mmap(file, vma)
#else
#define shmbuf_mmap_file(file, vma) call_mmap(file, vma)
#endif

static inline void shmbuf_no_mmap(struct file_operations *fops)
{
	fops->mmap = NULL;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	fops->mmap_prepare = NULL;
#endif
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define shmbuf_eventfd_signal(ctx) eventfd_signal(ctx)
#else
#define shmbuf_eventfd_signal(ctx) eventfd_signal(ctx, 1)
#endif

/* Whether nothing but our one reference keeps the namespace. */
static inline bool shmbuf_ns_abandoned(const struct ns_common *ns)
{
#if defined(ns_ref_active_read)
	return !__ns_ref_active_read(ns);
#elif defined(ns_ref_read)
	return __ns_ref_read(ns) == 1;
#else
	return refcount_read(&ns->count) == 1;
#endif
}

/* For modules the kernel's own tracepoints of locks are there since 6.12. */
#if !defined(MODULE) || LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define shmbuf_contention_begin(lock, flags) trace_contention_begin(lock, flags)
#define shmbuf_contention_end(lock, ret) trace_contention_end(lock, ret)
#else
static inline void shmbuf_contention_begin(void *lock, unsigned int flags)
{
}

static inline void shmbuf_contention_end(void *lock, int ret)
{
}
#endif

#ifndef CONFIG_SMP
static inline bool owner_on_cpu(struct task_struct *owner)
{
	return false;
}
#endif

#endif /* SHMBUF_COMPAT_H */
