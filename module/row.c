// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "compat.h"
#include "handle.h"
#include "owner.h"
#include "row.h"
#include "user.h"

/**
 * struct shmbuf_row - an owner's counts
 * @ref: the owner's, and one of each mapping
 * @page: struct shmbuf_word.h's entries, which the owner's process may write; constant
 * @mm: of the owner; compared, and never looked into
 * @user: charged for it, a reference; NULL as long as that is the owner's
 */
struct shmbuf_row {
	refcount_t ref;
	struct page *page;
	const struct mm_struct *mm;
	struct shmbuf_user *user;
};

static void shmbuf_row_put(struct shmbuf_row *row)
{
	if (!refcount_dec_and_test(&row->ref))
		return;
	if (row->user) {
		shmbuf_user_uncharge(row->user, SHMBUF_QUOTA_OWNERS, 1);
		shmbuf_user_put(row->user);
	}
	put_page(row->page);
	kfree(row);
}

void shmbuf_row_leave(struct shmbuf_row *row, struct shmbuf_user *user)
{
	row->user = user;
	shmbuf_row_put(row);
}

static struct shmbuf_row *shmbuf_row_alloc(const struct mm_struct *mm)
{
	struct shmbuf_row *row = kzalloc(sizeof(*row), GFP_KERNEL_ACCOUNT);

	if (!row)
		return NULL;
	row->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!row->page) {
		kfree(row);
		return NULL;
	}
	refcount_set(&row->ref, 1);
	row->mm = mm;
	return row;
}

/* The owner's, made where it has none, with a reference. */
static struct shmbuf_row *shmbuf_row_get(struct shmbuf_owner *owner)
{
	struct shmbuf_row *row = READ_ONCE(owner->row), *fresh;

	if (!row) {
		fresh = shmbuf_row_alloc(owner->mm);
		if (!fresh)
			return ERR_PTR(-ENOMEM);
		/* Orders its content; pairs with shmbuf_row_entry_of(). */
		row = cmpxchg(&owner->row, NULL, fresh);
		if (row)
			shmbuf_row_put(fresh);
		else
			row = fresh;
	}
	refcount_inc(&row->ref);
	return row;
}

atomic64_t *shmbuf_row_entry_of(struct shmbuf_owner *owner, u32 index)
{
	/* Pairs with the cmpxchg() of shmbuf_row_get(). */
	struct shmbuf_row *row = smp_load_acquire(&owner->row);

	BUILD_BUG_ON(SHMBUF_ROW_ENTRIES * sizeof(atomic64_t) > PAGE_SIZE);
	if (!row)
		return NULL;
	return (atomic64_t *)page_address(row->page) + index % SHMBUF_ROW_ENTRIES;
}

static vm_fault_t shmbuf_row_fault(struct vm_fault *vmf)
{
	struct shmbuf_row *row = vmf->vma->vm_private_data;

	/* A child has no business with its parent's counts. */
	if (vmf->pgoff != vmf->vma->vm_pgoff || row->mm != vmf->vma->vm_mm)
		return VM_FAULT_SIGBUS;
	get_page(row->page);
	vmf->page = row->page;
	return 0;
}

static void shmbuf_row_open(struct vm_area_struct *vma)
{
	struct shmbuf_row *row = vma->vm_private_data;

	refcount_inc(&row->ref);
}

static void shmbuf_row_close(struct vm_area_struct *vma)
{
	shmbuf_row_put(vma->vm_private_data);
}

static int shmbuf_row_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct shmbuf_row_vm_ops = {
	.open = shmbuf_row_open,
	.close = shmbuf_row_close,
	.fault = shmbuf_row_fault,
	.mremap = shmbuf_row_mremap,
};

int shmbuf_row_mmap(struct shmbuf_buffer *buffer, struct vm_area_struct *vma, u32 slot)
{
	struct shmbuf_owner *owner;
	struct shmbuf_row *row;

	if (vma_pages(vma) != 1 || !(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (!shmbuf_file_writable(vma->vm_file))
		return -EACCES;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	owner = shmbuf_owner_get_slot(buffer, slot);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	row = shmbuf_row_get(owner);
	shmbuf_owner_put(owner);
	if (IS_ERR(row))
		return PTR_ERR(row);
	vm_flags_clear(vma, VM_MAYEXEC);
	vm_flags_set(vma, VM_IO | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = row;
	vma->vm_ops = &shmbuf_row_vm_ops;
	return 0;
}
