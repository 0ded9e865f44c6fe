/* SPDX-License-Identifier: GPL-2.0-only */
/* QUERY: what the module offers and what a handle is. */
#ifndef SHMBUF_QUERY_H
#define SHMBUF_QUERY_H

#include <linux/shmbuf.h>

struct file;

int shmbuf_query(struct file *file, struct shmbuf_query *args,
		 struct shmbuf_query __user *args_user);

#endif /* SHMBUF_QUERY_H */
