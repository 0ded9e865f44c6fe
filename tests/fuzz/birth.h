/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes and threads: made, killed, stopped, become others. */
#ifndef BIRTH_H
#define BIRTH_H

#include "ops.h"

extern const struct op birth_ops[];
extern const int nr_birth_ops;

#endif /* BIRTH_H */
