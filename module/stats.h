/* SPDX-License-Identifier: GPL-2.0-only */
/* STATS and LIST: which buffers there are, and how they fare. */
#ifndef SHMBUF_STATS_H
#define SHMBUF_STATS_H

#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_buffer;

/* As the caller sees it, but for @stats' size.  -EINTR. */
int shmbuf_stats_fill(struct shmbuf_buffer *buffer, struct shmbuf_stats *stats);

/* The ioctls. */
int shmbuf_stats(struct shmbuf_buffer *buffer, const struct shmbuf_stats *args,
		 void __user *args_user);
int shmbuf_list(const struct shmbuf_list *args);

#endif /* SHMBUF_STATS_H */
