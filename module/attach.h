/* SPDX-License-Identifier: GPL-2.0-only */
/* CREATE and OPEN: attaching a handle to a buffer. */
#ifndef SHMBUF_ATTACH_H
#define SHMBUF_ATTACH_H

#include <linux/shmbuf.h>

struct shmbuf_handle;

/* 0 where the buffer was made, 1 where it existed. */
int shmbuf_attach_create(struct shmbuf_handle *handle, const struct shmbuf_create *args);
int shmbuf_attach_open(struct shmbuf_handle *handle, const struct shmbuf_name *args,
		       bool write);

#endif /* SHMBUF_ATTACH_H */
