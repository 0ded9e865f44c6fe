// SPDX-License-Identifier: GPL-2.0-only
/* A module that has the device but can't be unloaded: the runner must notice. */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static const struct file_operations stays_fops = {
	.owner = THIS_MODULE,
};

static struct miscdevice stays_miscdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shmbuf",
	.fops = &stays_fops,
};

builtin_misc_device(stays_miscdev);

MODULE_DESCRIPTION("A stand-in for shmbuf that stays");
MODULE_LICENSE("GPL");
