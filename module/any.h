/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for several objects at once. */
#ifndef SHMBUF_ANY_H
#define SHMBUF_ANY_H

#include <linux/shmbuf.h>

struct shmbuf_buffer;
struct shmbuf_user;

/* WAIT_ANY on a handle of @buffer that @opener opened. */
int shmbuf_wait_any(struct shmbuf_buffer *buffer, struct shmbuf_user *opener,
		    const struct shmbuf_wait_any *args);

#endif /* SHMBUF_ANY_H */
