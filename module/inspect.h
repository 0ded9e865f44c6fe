/* SPDX-License-Identifier: GPL-2.0-only */
/* OBJECTS: what the sync objects are, and their state. */
#ifndef SHMBUF_INSPECT_H
#define SHMBUF_INSPECT_H

#include <linux/shmbuf.h>

struct shmbuf_buffer;

/* The ioctl. */
int shmbuf_objects(struct shmbuf_buffer *buffer, const struct shmbuf_objects *args);

#endif /* SHMBUF_INSPECT_H */
