// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "birth.h"
#include "command.h"
#include "file.h"
#include "memory.h"
#include "ops.h"
#include "scribble.h"

struct op ops[OPS_MAX];
int nr_ops;

static int weights;

static void add(const struct op *op, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (nr_ops == OPS_MAX)
			abort();
		ops[nr_ops++] = op[i];
		weights += op[i].weight;
	}
}

void ops_init(void)
{
	int i;

	for (i = 0; i < nr_commands; i++) {
		struct op op = {
			.name = commands[i].name, .weight = commands[i].weight,
			.func = op_ioctl, .command = &commands[i],
		};

		add(&op, 1);
	}
	add(file_ops, nr_file_ops);
	add(memory_ops, nr_memory_ops);
	add(scribble_ops, nr_scribble_ops);
	add(birth_ops, nr_birth_ops);
}

int ops_draw(__u64 *seed)
{
	int at = draw_below(seed, weights), i;

	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return i;
}

int ops_find(const char *name)
{
	int i;

	for (i = 0; i < nr_ops; i++)
		if (!strcmp(ops[i].name, name))
			return i;
	return -1;
}
