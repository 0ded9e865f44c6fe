// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "claim.h"
#include "deadlock.h"
#include "owner.h"
#include "reader.h"

/*
 * Who is about to wait for a lock adds an edge, and then walks: from the lock to who
 * holds it, to the lock that he waits for, and so on.  Where that leads back to the
 * walker, all of them would wait for ever.
 *
 * A walk follows only edges that are older than its own.  So of the edges of a cycle
 * the youngest one's walk finds it, and no other: one thread gets EDEADLK, however many
 * come at once.  It can't miss it: an edge is numbered under its slot's lock, so
 * that who has the larger number finds all the smaller ones; and the numbering, which
 * is a full barrier, stands between a thread's taking of locks and its next walk, so that
 * their words are seen.
 *
 * And what it finds was there as a whole.  An edge that is older than the walk and is
 * still found has been there all the time in between, and its thread has slept: what it
 * holds now it held when the walk began.  A thread that has been given its lock, and
 * hasn't run since, holds what it waits for: there the walk leads nowhere else.
 *
 * An id that a whole process shares ends it as well: another thread can unlock.
 *
 * A slot's lock is outside of all other spinlocks: under it an edge, its owner and its
 * buffer stay.
 */

#define SHMBUF_EDGE_BITS 8

/**
 * struct shmbuf_edge_slot - edges of the threads whose hash falls here
 * @lock: protects @edges
 * @edges: struct shmbuf_edge
 */
struct shmbuf_edge_slot {
	spinlock_t lock; /* @edges */
	struct hlist_head edges;
} ____cacheline_aligned_in_smp;

static struct shmbuf_edge_slot shmbuf_edges[1 << SHMBUF_EDGE_BITS];
static atomic64_t shmbuf_last_edge;

/* Threads to go on from that a walk keeps in mind; more are left out. */
#define SHMBUF_WALK_BRANCHES 8

/* Longer chains than this don't get walked to their end. */
#define SHMBUF_WALK_STEPS 65536

/**
 * struct shmbuf_walk - along edges, depth first
 * @order: of the walker's own edge: younger ones don't count
 * @nr: threads to go on from
 * @pids: theirs, a reference each
 */
struct shmbuf_walk {
	u64 order;
	unsigned int nr;
	struct pid *pids[SHMBUF_WALK_BRANCHES];
};

static struct shmbuf_edge_slot *shmbuf_edge_slot(const struct pid *pid)
{
	return &shmbuf_edges[hash_ptr(pid, SHMBUF_EDGE_BITS)];
}

static void shmbuf_walk_push(struct shmbuf_walk *walk, struct pid *pid)
{
	if (walk->nr < SHMBUF_WALK_BRANCHES)
		walk->pids[walk->nr++] = pid;
	else
		put_pid(pid);
}

static void shmbuf_walk_readers(struct shmbuf_walk *walk, struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_claim *claim;
	struct pid *pid;

	spin_lock(&bucket->lock);
	claim = shmbuf_claim_first(bucket, index);
	for (; claim && walk->nr < SHMBUF_WALK_BRANCHES; claim = shmbuf_claim_next(claim)) {
		if (!shmbuf_reader_count(claim))
			continue;
		pid = shmbuf_owner_thread(buffer, claim->holder);
		if (pid)
			shmbuf_walk_push(walk, pid);
	}
	spin_unlock(&bucket->lock);
}

/* Go on from all who hold the lock of @edge. */
static void shmbuf_walk_edge(struct shmbuf_walk *walk, const struct shmbuf_edge *edge)
{
	struct shmbuf_buffer *buffer = edge->owner->buffer;
	u64 word = atomic64_read(shmbuf_word(buffer, edge->index));
	struct pid *pid = shmbuf_owner_thread(buffer, shmbuf_lock_word_owner(word));

	if (pid)
		shmbuf_walk_push(walk, pid);
	if (word & SHMBUF_WORD_READERS)
		shmbuf_walk_readers(walk, buffer, edge->index);
}

/* Go on with what @pid waits for, where it does. */
static void shmbuf_walk_from(struct shmbuf_walk *walk, const struct pid *pid)
{
	struct shmbuf_edge_slot *slot = shmbuf_edge_slot(pid);
	struct shmbuf_edge *edge;

	/* Nobody's here, as mostly: see shmbuf_edge_add(). */
	if (hlist_empty(&slot->edges))
		return;
	spin_lock(&slot->lock);
	hlist_for_each_entry(edge, &slot->edges, node) {
		if (edge->owner->pid != pid)
			continue;
		if (edge->order <= walk->order)
			shmbuf_walk_edge(walk, edge);
		break;
	}
	spin_unlock(&slot->lock);
}

/* Whether @walk, which has begun, leads to @goal. */
static bool shmbuf_walk_leads_to(struct shmbuf_walk *walk, const struct pid *goal)
{
	struct pid *pid, *seen = NULL;
	unsigned int steps = 0;
	bool found = false;

	while (walk->nr && !found) {
		pid = walk->pids[--walk->nr];
		found = pid == goal;
		/* A cycle without the goal: one that is granted, or others' with NODETECT. */
		if (!found && pid != seen && steps < SHMBUF_WALK_STEPS)
			shmbuf_walk_from(walk, pid);
		if (is_power_of_2(++steps)) {
			put_pid(seen);
			seen = pid;
		} else {
			put_pid(pid);
		}
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	while (walk->nr)
		put_pid(walk->pids[--walk->nr]);
	put_pid(seen);
	return found;
}

int shmbuf_edge_add(struct shmbuf_edge *edge, struct shmbuf_owner *owner, u32 index,
		    bool detect)
{
	struct shmbuf_edge_slot *slot = shmbuf_edge_slot(owner->pid);
	struct shmbuf_walk walk = {};

	edge->owner = NULL;
	if (owner->process_bound)
		return 0;
	edge->owner = owner;
	edge->index = index;
	spin_lock(&slot->lock);
	hlist_add_head(&edge->node, &slot->edges);
	/* A full barrier: who gets a larger number sees that there is an edge. */
	edge->order = atomic64_inc_return(&shmbuf_last_edge);
	spin_unlock(&slot->lock);
	if (!detect)
		return 0;

	walk.order = edge->order;
	shmbuf_walk_edge(&walk, edge);
	if (!shmbuf_walk_leads_to(&walk, owner->pid))
		return 0;
	shmbuf_edge_remove(edge);
	return -EDEADLK;
}

void shmbuf_edge_remove(struct shmbuf_edge *edge)
{
	struct shmbuf_edge_slot *slot;

	if (!edge->owner)
		return;
	slot = shmbuf_edge_slot(edge->owner->pid);
	spin_lock(&slot->lock);
	hlist_del(&edge->node);
	spin_unlock(&slot->lock);
	edge->owner = NULL;
}

void shmbuf_deadlock_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(shmbuf_edges); i++) {
		spin_lock_init(&shmbuf_edges[i].lock);
		INIT_HLIST_HEAD(&shmbuf_edges[i].edges);
	}
}
