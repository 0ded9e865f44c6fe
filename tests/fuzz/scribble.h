/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared words, changed as the rules have it and as they don't. */
#ifndef SCRIBBLE_H
#define SCRIBBLE_H

#include "ops.h"

extern const struct op scribble_ops[];
extern const int nr_scribble_ops;

#endif /* SCRIBBLE_H */
