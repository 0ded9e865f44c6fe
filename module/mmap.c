// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "compat.h"
#include "data.h"
#include "handle.h"
#include "mmap.h"
#include "row.h"

#define SHMBUF_CONTROL_PGOFF (SHMBUF_CONTROL_OFFSET >> PAGE_SHIFT)
#define SHMBUF_ROW_PGOFF (SHMBUF_ROW_OFFSET >> PAGE_SHIFT)

static struct shmbuf_buffer *shmbuf_vma_buffer(const struct vm_area_struct *vma)
{
	return shmbuf_handle(vma->vm_file)->buffer;
}

static vm_fault_t shmbuf_control_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct shmbuf_buffer *buffer = shmbuf_vma_buffer(vma);
	unsigned long offset = (vmf->address & PAGE_MASK) - vma->vm_start;

	/* A child has no business with its parent's owner ids. */
	if (offset >= buffer->control_size || vma->vm_private_data != vma->vm_mm)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vma, vmf->address, shmbuf_control_pfn(buffer, offset));
}

static int shmbuf_control_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int shmbuf_control_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

/* For debuggers. */
static int shmbuf_control_access(struct vm_area_struct *vma, unsigned long addr,
				 void *buf, int len, int write)
{
	struct shmbuf_buffer *buffer = shmbuf_vma_buffer(vma);
	unsigned long offset = addr - vma->vm_start;
	void *at = buffer->control + offset;

	if (offset >= buffer->control_size || (write && !(vma->vm_flags & VM_WRITE)))
		return -EACCES;
	len = min_t(unsigned long, len, buffer->control_size - offset);
	if (write)
		memcpy(at, buf, len);
	else
		memcpy(buf, at, len);
	return len;
}

static const struct vm_operations_struct shmbuf_control_vm_ops = {
	.fault = shmbuf_control_fault,
	.may_split = shmbuf_control_may_split,
	.mremap = shmbuf_control_mremap,
	.access = shmbuf_control_access,
};

static int shmbuf_mmap_control(struct shmbuf_buffer *buffer, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start != buffer->control_size ||
	    !(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vm_flags_clear(vma, VM_MAYEXEC);
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = vma->vm_mm;
	vma->vm_ops = &shmbuf_control_vm_ops;
	return 0;
}

static int shmbuf_mmap_data(struct shmbuf_buffer *buffer, struct vm_area_struct *vma)
{
	/* Pairs with shmbuf_buffer_grow(). */
	u64 pages = smp_load_acquire(&buffer->data_size) >> PAGE_SHIFT;

	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	if (READ_ONCE(buffer->seals) & SHMBUF_SEAL_EXEC) {
		if (vma->vm_flags & VM_EXEC)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYEXEC);
	}
	return shmbuf_data_mmap(buffer->data, vma);
}

int shmbuf_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct shmbuf_buffer *buffer = shmbuf_handle_buffer(shmbuf_handle(file));

	if (!buffer)
		return -ENOTCONN;
	if (vma->vm_pgoff == SHMBUF_CONTROL_PGOFF)
		return shmbuf_mmap_control(buffer, vma);
	if (vma->vm_pgoff >= SHMBUF_ROW_PGOFF &&
	    vma->vm_pgoff - SHMBUF_ROW_PGOFF <= SHMBUF_OWNER_SLOT_MASK)
		return shmbuf_row_mmap(buffer, vma, vma->vm_pgoff - SHMBUF_ROW_PGOFF);
	return shmbuf_mmap_data(buffer, vma);
}
