/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A robust mutex that is unlocked by the vDSO, as kernels have it since 7.3: the kernel
 * sees to it that the list of what a thread holds is right whenever the thread can die.
 */
#ifndef PEER_ROBUST_H
#define PEER_ROBUST_H

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel knows @node and the distance from there to @futex. */
struct robust_lock {
	struct robust_list node;
	struct robust_lock *before;
	uint32_t futex;
};

/* Of the process, which has one thread. */
struct robust_self {
	struct robust_list_head head;
	uint32_t tid;
	uint32_t (*unlock)(uint32_t *futex, uint32_t tid, uint64_t *pending);
};

extern struct robust_self robust_self;

/* -EOPNOTSUPP where the vDSO has no such function. */
int robust_enter(void);
/* The list is the C library's again. */
void robust_leave(void);

int robust_wait(struct robust_lock *lock);
int robust_unlock_contended(struct robust_lock *lock);

static inline void robust_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

static inline struct robust_lock *robust_lock_of(struct robust_list *node)
{
	return (struct robust_lock *)node;
}

static inline void robust_enqueue(struct robust_lock *lock)
{
	struct robust_list *first = robust_self.head.list.next;

	lock->node.next = first;
	lock->before = NULL;
	if (first != &robust_self.head.list)
		robust_lock_of(first)->before = lock;
	robust_barrier();
	robust_self.head.list.next = &lock->node;
}

static inline void robust_dequeue(struct robust_lock *lock)
{
	struct robust_list *next = lock->node.next;

	if (lock->before)
		lock->before->node.next = next;
	else
		robust_self.head.list.next = next;
	if (next != &robust_self.head.list)
		robust_lock_of(next)->before = lock->before;
}

static inline int robust_lock(void *handle)
{
	struct robust_lock *lock = handle;
	uint32_t old = 0;
	int err = 0;

	robust_self.head.list_op_pending = &lock->node;
	robust_barrier();
	if (!__atomic_compare_exchange_n(&lock->futex, &old, robust_self.tid, 0,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		err = robust_wait(lock);
	robust_enqueue(lock);
	robust_barrier();
	robust_self.head.list_op_pending = NULL;
	return err;
}

static inline int robust_unlock(void *handle)
{
	struct robust_lock *lock = handle;

	robust_self.head.list_op_pending = &lock->node;
	robust_barrier();
	robust_dequeue(lock);
	if (robust_self.unlock(&lock->futex, robust_self.tid,
			       (uint64_t *)&robust_self.head.list_op_pending) == robust_self.tid)
		return 0;
	return robust_unlock_contended(lock);
}

#endif
