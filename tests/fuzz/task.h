/* SPDX-License-Identifier: GPL-2.0-only */
/* Whoever makes steps: a thread, in a process of a slot. */
#ifndef TASK_H
#define TASK_H

#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"
#include "world.h"

/* Where all mappings go, at a place that no library would take. */
#define ARENA		((char *)0x200000000UL)
#define ARENA_PAGES	512

/**
 * struct task
 * @slot: its slot
 * @ids: its owner id by buffer; 0 for none
 * @held: by buffer, 1 more than the index of a lock that it got last; 0 for none
 * @seed: of what its present step does
 * @focus: of its program
 * @child: in a thread, or a process that a life's has forked: it makes no others
 * @forked: in a process that a life's has forked
 * @buffer: of the handle that the present step took
 */
struct task {
	struct slot *slot;
	__u64 ids[BUFFERS + 2];
	__u32 held[BUFFERS + 2];
	__u64 seed;
	__u64 focus;
	bool child;
	bool forked;
	int buffer;
};

/* A call to be counted, as what it returned. */
static inline long counted(struct task *task, long ret)
{
	ret = result_of(ret);
	__atomic_add_fetch(&task->slot->calls, 1, __ATOMIC_RELAXED);
	return ret;
}

/* The step may last for ever, until the process is killed. */
static inline void may_hang(struct task *task)
{
	if (!task->child)
		__atomic_store_n(&task->slot->unbounded, true, __ATOMIC_RELAXED);
}

/* Make the steps of a program; @nr of them at most. */
void task_run(struct task *task, const struct program *program, __u64 nr);

#endif /* TASK_H */
