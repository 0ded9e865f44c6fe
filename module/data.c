// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/slab.h>

#include <linux/shmbuf.h>

#include "compat.h"
#include "data.h"
#include "user.h"

/**
 * struct shmbuf_charge - what a data area costs whom
 * @user: a reference, dropped with the charge
 * @bytes: changed by whoever grows the area, under its buffer's config mutex
 */
struct shmbuf_charge {
	struct shmbuf_user *user;
	u64 bytes;
};

/*
 * A shmem file with shmem's own operations, for who needs these.  Not __ro_after_init:
 * kmemleak looks for references elsewhere only.
 */
static struct file *shmem_file_itself;
/* Where files of huge pages are, by shmem's own rules; NULL where the kernel has none. */
static struct vfsmount *shmbuf_huge_mount;
static const struct file_operations *shmem_fops __ro_after_init;
/* Made from shmem's by shmbuf_data_init(), not written after. */
static struct file_operations shmbuf_data_fops __ro_after_init;

static int shmbuf_data_release(struct inode *inode, struct file *file)
{
	struct shmbuf_charge *charge = file->private_data;

	shmbuf_user_uncharge(charge->user, SHMBUF_QUOTA_BYTES, charge->bytes);
	shmbuf_user_put(charge->user);
	kfree(charge);
	return shmem_fops->release ? shmem_fops->release(inode, file) : 0;
}

static int shmbuf_data_populate(struct file *data, u64 from, u64 to)
{
	int ret;

	file_start_write(data);
	ret = shmem_fops->fallocate(data, 0, from, to - from);
	file_end_write(data);
	return ret;
}

static struct shmbuf_charge *shmbuf_charge_create(struct shmbuf_user *user, u64 bytes)
{
	struct shmbuf_charge *charge;
	int ret;

	charge = kzalloc(sizeof(*charge), GFP_KERNEL_ACCOUNT);
	if (!charge)
		return ERR_PTR(-ENOMEM);
	ret = shmbuf_user_charge(user, SHMBUF_QUOTA_BYTES, bytes);
	if (ret) {
		kfree(charge);
		return ERR_PTR(ret);
	}
	charge->user = shmbuf_user_get(user);
	charge->bytes = bytes;
	return charge;
}

/*
 * /proc/PID/map_files leads to the file whoever may follow: it's not to be opened but by
 * who may read anything, and not to be written to, cut or run by anybody.
 */
static void shmbuf_data_seclude(struct inode *inode)
{
	inode->i_mode = S_IFREG;
	inode_set_flags(inode, S_IMMUTABLE, S_IMMUTABLE);
}

static struct file *shmbuf_data_file(u64 size, u32 create_flags)
{
	if (shmbuf_huge_mount && (create_flags & SHMBUF_CREATE_HUGE))
		return shmem_file_setup_with_mnt(shmbuf_huge_mount, "shmbuf", size,
						 SHMBUF_NORESERVE);
	return shmem_file_setup("shmbuf", size, SHMBUF_NORESERVE);
}

struct file *shmbuf_data_create(struct shmbuf_user *user, u64 size, u32 create_flags)
{
	struct shmbuf_charge *charge;
	struct file *data;
	int ret;

	charge = shmbuf_charge_create(user, size);
	if (IS_ERR(charge))
		return ERR_CAST(charge);

	data = shmbuf_data_file(size, create_flags);
	if (IS_ERR(data)) {
		shmbuf_user_uncharge(user, SHMBUF_QUOTA_BYTES, size);
		shmbuf_user_put(user);
		kfree(charge);
		return data;
	}
	shmbuf_data_seclude(file_inode(data));
	/* From here fput() uncharges, and lets the module go. */
	__module_get(THIS_MODULE);
	data->private_data = charge;
	data->f_op = &shmbuf_data_fops;

	ret = create_flags & SHMBUF_CREATE_PREALLOC ? shmbuf_data_populate(data, 0, size) : 0;
	if (ret) {
		fput(data);
		return ERR_PTR(ret);
	}
	return data;
}

/* truncate() would do, but for RLIMIT_FSIZE: this is memory, and limited by charge. */
static void shmbuf_data_extend(struct inode *inode, u64 size)
{
	inode_lock(inode);
	i_size_write(inode, size);
	inode_unlock(inode);
}

/* Back, with all that has been put there meanwhile.  truncate() asks who may. */
static void shmbuf_data_cut(struct inode *inode, u64 size)
{
	inode_lock(inode);
	i_size_write(inode, size);
	unmap_mapping_range(inode->i_mapping, size, 0, 1);
	shmem_truncate_range(inode, size, -1);
	unmap_mapping_range(inode->i_mapping, size, 0, 1);
	inode_unlock(inode);
}

int shmbuf_data_grow(struct file *data, u64 old, u64 size, bool prealloc)
{
	struct shmbuf_charge *charge = data->private_data;
	int ret;

	ret = shmbuf_user_charge(charge->user, SHMBUF_QUOTA_BYTES, size - old);
	if (ret)
		return ret;
	shmbuf_data_extend(file_inode(data), size);
	ret = prealloc ? shmbuf_data_populate(data, old, size) : 0;
	if (ret) {
		shmbuf_data_cut(file_inode(data), old);
		shmbuf_user_uncharge(charge->user, SHMBUF_QUOTA_BYTES, size - old);
		return ret;
	}
	charge->bytes += size - old;
	return 0;
}

int shmbuf_data_mmap(struct file *data, struct vm_area_struct *vma)
{
	int ret = shmbuf_mmap_file(shmem_file_itself, vma);

	/* The caller drops vm_file on errors. */
	if (!ret)
		vma_set_file(vma, data);
	return ret;
}

bool shmbuf_data_has_huge_pages(void)
{
	return shmbuf_huge_mount;
}

/* Huge pages where a file has room for a whole one: it never has more than it was charged. */
static struct vfsmount * __init shmbuf_huge_mount_create(void)
{
	static char within_size[] __initdata = "within_size";
	struct fs_parameter huge = {
		.key = "huge",
		.type = fs_value_is_string,
		.string = within_size,
		.size = sizeof(within_size) - 1,
	};
	struct file_system_type *tmpfs = get_fs_type("tmpfs");
	struct vfsmount *mount;
	struct fs_context *fc;
	int ret;

	if (!tmpfs)
		return ERR_PTR(-ENODEV);
	/* The kernel's own mount: no part of the memory is its limit. */
	fc = fs_context_for_mount(tmpfs, SB_KERNMOUNT);
	module_put(tmpfs->owner);
	if (IS_ERR(fc))
		return ERR_CAST(fc);
	ret = vfs_parse_fs_param(fc, &huge);
	mount = ret ? ERR_PTR(ret) : fc_mount(fc);
	put_fs_context(fc);
	return mount;
}

/*
 * shmem's own operations, but for what keeps this module and the charge as long
 * as a mapping lives, for what would let a peer punch holes, and for what would let
 * remap_file_pages() map it anew without asking who may.
 */
int __init shmbuf_data_init(void)
{
	shmem_file_itself = shmem_file_setup("shmbuf", PAGE_SIZE, SHMBUF_NORESERVE);
	if (IS_ERR(shmem_file_itself))
		return PTR_ERR(shmem_file_itself);
	shmem_fops = shmem_file_itself->f_op;
	shmbuf_data_fops = *shmem_fops;
	shmbuf_data_fops.owner = THIS_MODULE;
	shmbuf_data_fops.release = shmbuf_data_release;
	shmbuf_data_fops.fallocate = NULL;
	shmbuf_no_mmap(&shmbuf_data_fops);
	/* shmem's insists on its own f_op; mremap() asks the mapped file. */
	shmbuf_data_fops.get_unmapped_area = thp_get_unmapped_area;
	/* As the kernel is built and booted: it may have none. */
	shmbuf_huge_mount = shmbuf_huge_mount_create();
	if (IS_ERR(shmbuf_huge_mount))
		shmbuf_huge_mount = NULL;
	return 0;
}

void shmbuf_data_exit(void)
{
	if (shmbuf_huge_mount)
		kern_unmount(shmbuf_huge_mount);
	fput(shmem_file_itself);
}
