// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static const struct file_operations shmbuf_fops = {
	.owner = THIS_MODULE,
};

static struct miscdevice shmbuf_miscdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shmbuf",
	.fops = &shmbuf_fops,
	.mode = 0660,
};

module_misc_device(shmbuf_miscdev);

MODULE_DESCRIPTION("Shared-memory buffers with crash-safe synchronization");
MODULE_LICENSE("GPL");
