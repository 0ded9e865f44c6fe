/* SPDX-License-Identifier: GPL-2.0-only */
/* Cycles of threads that wait for each other's locks. */
#ifndef SHMBUF_DEADLOCK_H
#define SHMBUF_DEADLOCK_H

#include <linux/list.h>
#include <linux/types.h>

struct shmbuf_owner;

/**
 * struct shmbuf_edge - a thread that waits for a lock, on its stack
 * @node: in the hash of threads; under its slot's lock, as @order
 * @owner: who waits, thread-bound; a reference of the waiting call, as its buffer.
 *	NULL for an edge that isn't in the hash.
 * @index: the lock, of the owner's buffer
 * @order: edges are numbered as they come
 */
struct shmbuf_edge {
	struct hlist_node node;
	struct shmbuf_owner *owner;
	u32 index;
	u64 order;
};

/*
 * From here the caller waits for @index, until shmbuf_edge_remove().  With @detect:
 * -EDEADLK where whoever holds it waits, directly or through others, for the caller's
 * thread; nothing is to be removed then.  May sleep.
 */
int shmbuf_edge_add(struct shmbuf_edge *edge, struct shmbuf_owner *owner, u32 index,
		    bool detect);
void shmbuf_edge_remove(struct shmbuf_edge *edge);

void shmbuf_deadlock_init(void);

#endif /* SHMBUF_DEADLOCK_H */
