/* SPDX-License-Identifier: GPL-2.0-only */
/* What a step can be. */
#ifndef OPS_H
#define OPS_H

#include "task.h"

struct command;

/**
 * struct op
 * @name: as programs are written
 * @weight: how often it is drawn
 * @func: does it: returns what the system call returned, or -errno
 * @command: for ioctls
 */
struct op {
	const char *name;
	int weight;
	long (*func)(struct task *task, const struct op *op);
	const struct command *command;
};

extern struct op ops[OPS_MAX];
extern int nr_ops;

void ops_init(void);
int ops_draw(__u64 *seed);
/* Its number, or -1. */
int ops_find(const char *name);

#endif /* OPS_H */
