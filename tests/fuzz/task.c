// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>

#include "corpus.h"
#include "kcov.h"
#include "ops.h"

/* What is being done can be seen from outside, should it be the last. */
static void begin(struct task *task, const struct step *step)
{
	struct slot *slot = task->slot;

	task->seed = step->seed | 1;
	if (task->child)
		return;
	slot->last[slot->nr_last % LAST] = (struct done){
		.op = step->op, .ret = INT_MIN, .buffer = NO_BUFFER, .seed = step->seed,
	};
	__atomic_store_n(&slot->unbounded, false, __ATOMIC_RELAXED);
	__atomic_add_fetch(&slot->nr_steps, 1, __ATOMIC_RELAXED);
}

static void end(struct task *task, int op, long ret)
{
	struct slot *slot = task->slot;

	__atomic_add_fetch(&world->done[op][ret < 0], 1, __ATOMIC_RELAXED);
	if (task->child)
		return;
	slot->last[slot->nr_last % LAST].ret = ret;
	slot->last[slot->nr_last % LAST].buffer = task->buffer;
	slot->nr_last++;
}

void task_run(struct task *task, const struct program *program, __u64 nr)
{
	const struct step *step;
	int fresh = 0, i;
	long ret;

	task->focus = program->focus;
	for (i = 0; i < program->nr && nr--; i++) {
		step = &program->steps[i];
		if (!task->child)
			task->slot->left--;
		if (!world->ops_on[step->op])
			continue;
		begin(task, step);
		ret = ops[step->op].func(task, &ops[step->op]);
		end(task, step->op, ret);
		if (world->kcov && !task->child)
			fresh += kcov_take();
	}
	if (fresh)
		corpus_add(program);
}
