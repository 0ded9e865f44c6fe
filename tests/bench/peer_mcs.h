/* SPDX-License-Identifier: GPL-2.0-only */
/* The queue lock of Mellor-Crummey and Scott: each waiter spins on a line of its own. */
#ifndef PEER_MCS_H
#define PEER_MCS_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#define MCS_NODES	16

struct mcs_node {
	alignas(64) struct mcs_node *next;
	uint32_t waits;
};

struct mcs_lock {
	alignas(64) struct mcs_node *tail;
	struct mcs_node nodes[MCS_NODES];	/* a process's each */
};

/* A process's view of the lock, which all have mapped at the same address. */
struct mcs_handle {
	struct mcs_lock *lock;
	struct mcs_node *node;
};

static inline void mcs_pause(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#else
	__asm__ volatile("" ::: "memory");
#endif
}

static inline int mcs_lock(void *handle)
{
	const struct mcs_handle *h = handle;
	struct mcs_node *before;

	h->node->next = NULL;
	h->node->waits = 1;
	before = __atomic_exchange_n(&h->lock->tail, h->node, __ATOMIC_ACQ_REL);
	if (!before)
		return 0;
	__atomic_store_n(&before->next, h->node, __ATOMIC_RELEASE);
	while (__atomic_load_n(&h->node->waits, __ATOMIC_ACQUIRE))
		mcs_pause();
	return 0;
}

static inline int mcs_unlock(void *handle)
{
	const struct mcs_handle *h = handle;
	struct mcs_node *last = h->node, *next = __atomic_load_n(&last->next, __ATOMIC_ACQUIRE);

	if (!next) {
		if (__atomic_compare_exchange_n(&h->lock->tail, &last, NULL, 0, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return 0;
		/* Somebody has queued up, and is about to say so. */
		while (!(next = __atomic_load_n(&h->node->next, __ATOMIC_ACQUIRE)))
			mcs_pause();
	}
	__atomic_store_n(&next->waits, 0, __ATOMIC_RELEASE);
	return 0;
}

#endif
