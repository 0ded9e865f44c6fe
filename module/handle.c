// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "buffer.h"
#include "fdinfo.h"
#include "handle.h"
#include "ioctl.h"
#include "mmap.h"
#include "owner.h"
#include "user.h"
#include "watch.h"

static int shmbuf_open(struct inode *inode, struct file *file)
{
	struct shmbuf_handle *handle;

	/* What is written can be mapped, and mappings are readable. */
	if (!(file->f_mode & FMODE_READ))
		return -EINVAL;
	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle)
		return -ENOMEM;
	handle->user = shmbuf_user_get_current();
	if (!handle->user) {
		kfree(handle);
		return -ENOMEM;
	}
	refcount_set(&handle->ref, 1);
	mutex_init(&handle->attach);
	mutex_init(&handle->watching);
	init_waitqueue_head(&handle->pollers);
	INIT_LIST_HEAD(&handle->owners);
	file->private_data = handle;
	return nonseekable_open(inode, file);
}

static int shmbuf_release(struct inode *inode, struct file *file)
{
	struct shmbuf_handle *handle = shmbuf_handle(file);

	if (handle->buffer) {
		shmbuf_watch_release(handle);
		shmbuf_owners_release(handle);
		shmbuf_buffer_put(handle->buffer);
	}
	shmbuf_user_put(handle->user);
	shmbuf_handle_put(handle);
	return 0;
}

static __poll_t shmbuf_poll(struct file *file, poll_table *wait)
{
	struct shmbuf_handle *handle = shmbuf_handle(file);
	int ret;

	poll_wait(file, &handle->pollers, wait);
	/* What nobody can watch yet. */
	if (!shmbuf_handle_buffer(handle))
		return EPOLLERR;
	ret = shmbuf_watch_poll(handle);
	if (ret < 0)
		return EPOLLERR;
	return ret ? EPOLLIN | EPOLLRDNORM : 0;
}

const struct file_operations shmbuf_fops = {
	.owner = THIS_MODULE,
	.open = shmbuf_open,
	.release = shmbuf_release,
	.unlocked_ioctl = shmbuf_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = shmbuf_poll,
	.mmap = shmbuf_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.show_fdinfo = shmbuf_show_fdinfo,
};
