/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments of ioctls: right ones, nearly right ones and garbage, in good places and bad. */
#ifndef ARGS_H
#define ARGS_H

#include "ops.h"

void args_init(void);
long op_ioctl(struct task *task, const struct op *op);

#endif /* ARGS_H */
