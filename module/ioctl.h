/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctls of a handle. */
#ifndef SHMBUF_IOCTL_H
#define SHMBUF_IOCTL_H

struct file;

long shmbuf_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* SHMBUF_IOCTL_H */
