// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk that looks for deadlocks: threads hold locks by their words, and wait by edges
 * that are added for them.
 */
#include <kunit/test.h>

#include <linux/err.h>
#include <linux/file.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "claim.h"
#include "deadlock.h"
#include "owner.h"
#include "scene.h"
#include "user.h"

#define MAX_THREADS 12

/**
 * struct ring - threads, each of which holds the lock of its own number
 * @test: the test
 * @file: their handle
 * @buffer: its
 * @nr: of threads
 * @threads: they
 * @edges: what each waits for; of those in @waits
 * @waits: set of threads
 */
struct ring {
	struct kunit *test;
	struct file *file;
	struct shmbuf_buffer *buffer;
	int nr;
	struct scene_thread *threads[MAX_THREADS];
	struct shmbuf_edge edges[MAX_THREADS];
	unsigned long waits;
};

static void hold(struct shmbuf_buffer *buffer, u32 index, u64 id)
{
	atomic64_set(shmbuf_word(buffer, index), id);
}

static struct ring *ring(struct kunit *test, int nr)
{
	struct ring *ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, ring);
	ring->test = test;
	ring->file = scene_open(test, O_RDWR);
	ring->buffer = scene_create(test, ring->file, MAX_THREADS);
	ring->nr = nr;
	for (i = 0; i < nr; i++) {
		ring->threads[i] = scene_thread(test, ring->file, 0);
		hold(ring->buffer, i, ring->threads[i]->id);
	}
	return ring;
}

/* From here thread @i waits for @lock, unless that is refused. */
static int wait_for(struct ring *ring, int i, u32 lock, bool detect)
{
	int ret = shmbuf_edge_add(&ring->edges[i], ring->threads[i]->owner, lock, detect);

	if (!ret)
		ring->waits |= BIT(i);
	return ret;
}

static void wait_no_more(struct ring *ring, int i)
{
	if (ring->waits & BIT(i))
		shmbuf_edge_remove(&ring->edges[i]);
	ring->waits &= ~BIT(i);
}

static void all_wait_no_more(struct ring *ring)
{
	int i;

	for (i = 0; i < ring->nr; i++)
		wait_no_more(ring, i);
}

/* Of a ring of any size who closes it is refused, and no other. */
static void rings(struct kunit *test)
{
	struct ring *all = ring(test, MAX_THREADS);
	int size, i;

	/* Who waits for what he holds himself. */
	KUNIT_EXPECT_EQ(test, wait_for(all, 0, 0, true), -EDEADLK);
	for (size = 2; size <= all->nr; size++) {
		for (i = 0; i < size - 1; i++)
			KUNIT_EXPECT_EQ(test, wait_for(all, i, i + 1, true), 0);
		KUNIT_EXPECT_EQ_MSG(test, wait_for(all, i, 0, true), -EDEADLK, "of %d", size);
		/* It waits no more: the next try is the same again. */
		KUNIT_EXPECT_EQ(test, wait_for(all, i, 0, true), -EDEADLK);
		/* With one gone there is none. */
		wait_no_more(all, size / 2 - 1);
		KUNIT_EXPECT_EQ(test, wait_for(all, i, 0, true), 0);
		all_wait_no_more(all);
	}
}

/* In whatever order they come: the last one of the three is told, and it alone. */
static void any_order(struct kunit *test)
{
	static const int orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct ring *three = ring(test, 3);
	int i, j;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (j = 0; j < 3; j++) {
			int who = orders[i][j];

			KUNIT_EXPECT_EQ_MSG(test, wait_for(three, who, (who + 1) % 3, true),
					    j == 2 ? -EDEADLK : 0, "order %d", i);
		}
		all_wait_no_more(three);
	}
}

/* A chain is no ring, however it branches and wherever it ends. */
static void chains(struct kunit *test)
{
	struct ring *five = ring(test, 5);
	int i;

	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, wait_for(five, i, i + 1, true), 0);
	/* The last one for a lock that is free, for one of the dead, for one that was given up. */
	KUNIT_EXPECT_EQ(test, wait_for(five, 4, 7, true), 0);
	wait_no_more(five, 4);
	hold(five->buffer, 2, SHMBUF_WORD_OWNER_DIED);
	KUNIT_EXPECT_EQ(test, wait_for(five, 4, 0, true), 0);
	wait_no_more(five, 4);
	hold(five->buffer, 2, five->threads[2]->id + (1ULL << SHMBUF_OWNER_SLOT_BITS));
	KUNIT_EXPECT_EQ(test, wait_for(five, 4, 0, true), 0);
	wait_no_more(five, 4);
	hold(five->buffer, 2, five->threads[2]->id);
	KUNIT_EXPECT_EQ(test, wait_for(five, 4, 0, true), -EDEADLK);
	/* Words with flags have the same holders. */
	hold(five->buffer, 2, five->threads[2]->id | SHMBUF_WORD_WAITERS | SHMBUF_WORD_OWNER_DIED);
	KUNIT_EXPECT_EQ(test, wait_for(five, 4, 0, true), -EDEADLK);
	all_wait_no_more(five);
}

/* A holder that has gone waits for nothing, though nobody has buried it. */
static void the_dead_end_it(struct kunit *test)
{
	struct ring *three = ring(test, 3);
	struct shmbuf_owner *gone;

	KUNIT_EXPECT_EQ(test, wait_for(three, 0, 1, true), 0);
	KUNIT_EXPECT_EQ(test, wait_for(three, 2, 0, true), 0);
	gone = shmbuf_owner_get(three->buffer, three->threads[0]->id);
	KUNIT_ASSERT_NOT_NULL(test, gone);
	scene_thread_end(three->threads[0]);
	KUNIT_EXPECT_EQ(test, wait_for(three, 1, 2, true), 0);
	all_wait_no_more(three);
	shmbuf_owner_put(gone);
}

/* An id that a process shares can be given back by a thread that doesn't wait. */
static void shared_ids_end_it(struct kunit *test)
{
	struct ring *two = ring(test, 2);
	struct scene_thread *process = scene_thread(test, two->file, SCENE_PROCESS_BOUND);
	struct shmbuf_edge edge;

	hold(two->buffer, 2, process->id);
	KUNIT_EXPECT_EQ(test, wait_for(two, 0, 1, true), 0);
	KUNIT_EXPECT_EQ(test, wait_for(two, 1, 2, true), 0);
	KUNIT_EXPECT_EQ(test, shmbuf_edge_add(&edge, process->owner, 0, true), 0);
	KUNIT_EXPECT_NULL(test, edge.owner);
	shmbuf_edge_remove(&edge);
	all_wait_no_more(two);
}

/* Rings go through several buffers, as threads have an id in each. */
static void through_buffers(struct kunit *test)
{
	struct ring *one = ring(test, 1);
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 4);
	struct scene_thread *peer = scene_thread_in(test, one->file, file, 0);
	u64 here = scene_register(test, one->file, false);
	u64 there = scene_register(test, file, false);
	struct shmbuf_owner *me = shmbuf_owner_get_current(buffer, there);
	struct shmbuf_edge edge, peers_edge;

	KUNIT_ASSERT_FALSE(test, IS_ERR(me));
	hold(one->buffer, 5, here);
	hold(buffer, 3, peer->second_id);
	KUNIT_EXPECT_EQ(test, shmbuf_edge_add(&edge, me, 3, true), 0);
	KUNIT_EXPECT_EQ(test, shmbuf_edge_add(&peers_edge, peer->owner, 5, true), -EDEADLK);
	shmbuf_edge_remove(&edge);
	KUNIT_EXPECT_EQ(test, shmbuf_edge_add(&peers_edge, peer->owner, 5, true), 0);
	KUNIT_EXPECT_EQ(test, shmbuf_edge_add(&edge, me, 3, true), -EDEADLK);
	/* The same index in the other buffer is another lock. */
	KUNIT_EXPECT_EQ(test, shmbuf_edge_add(&edge, me, 2, true), 0);
	shmbuf_edge_remove(&edge);
	shmbuf_edge_remove(&peers_edge);
	shmbuf_owner_put(me);
}

/* Others' ring, which they chose not to be told of, holds nobody up who isn't in it. */
static void others_ring(struct kunit *test)
{
	struct ring *four = ring(test, 4);

	KUNIT_EXPECT_EQ(test, wait_for(four, 0, 1, false), 0);
	KUNIT_EXPECT_EQ(test, wait_for(four, 1, 0, false), 0);
	KUNIT_EXPECT_EQ(test, wait_for(four, 2, 0, true), 0);
	KUNIT_EXPECT_EQ(test, wait_for(four, 3, 2, true), 0);
	wait_no_more(four, 2);
	KUNIT_EXPECT_EQ(test, wait_for(four, 2, 3, true), -EDEADLK);
	all_wait_no_more(four);
}

/* A younger edge isn't followed: its own walk is still to come. */
static void only_older(struct kunit *test)
{
	struct ring *two = ring(test, 2);

	KUNIT_EXPECT_EQ(test, wait_for(two, 0, 1, true), 0);
	/* As one that came while the other's walk is under way. */
	two->edges[0].order += 1000;
	KUNIT_EXPECT_EQ(test, wait_for(two, 1, 0, true), 0);
	all_wait_no_more(two);
}

static struct shmbuf_claim *reads(struct ring *ring, u32 lock, int i)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(ring->buffer, lock);
	struct shmbuf_owner *owner = ring->threads[i]->owner;
	struct shmbuf_claim *claim = shmbuf_claim_alloc(owner->user, lock, SHMBUF_KIND_LOCK,
							owner->id, &owner->dead);

	KUNIT_ASSERT_FALSE(ring->test, IS_ERR(claim));
	claim->count = 1;
	spin_lock(&bucket->lock);
	KUNIT_EXPECT_TRUE(ring->test, shmbuf_claim_add(bucket, claim));
	spin_unlock(&bucket->lock);
	hold(ring->buffer, lock, SHMBUF_WORD_READERS);
	return claim;
}

static void reads_no_more(struct ring *ring, struct shmbuf_claim *claim)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(ring->buffer, claim->index);

	spin_lock(&bucket->lock);
	shmbuf_claim_remove(bucket, claim);
	spin_unlock(&bucket->lock);
	shmbuf_claim_free(claim);
}

/* Who waits for readers waits for each of them, as long as it reads. */
static void readers(struct kunit *test)
{
	struct ring *four = ring(test, 4);
	struct shmbuf_claim *claims[3];
	int i;

	for (i = 0; i < 3; i++)
		claims[i] = reads(four, 9, i);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, wait_for(four, i, 3, true), 0);
		KUNIT_EXPECT_EQ_MSG(test, wait_for(four, 3, 9, true), -EDEADLK, "reader %d", i);
		claims[i]->count = 0;
		KUNIT_EXPECT_EQ_MSG(test, wait_for(four, 3, 9, true), 0, "reader %d", i);
		wait_no_more(four, 3);
		claims[i]->count = 1;
		wait_no_more(four, i);
	}
	for (i = 0; i < 3; i++)
		reads_no_more(four, claims[i]);
}

static struct kunit_case deadlock_cases[] = {
	KUNIT_CASE(rings),
	KUNIT_CASE(any_order),
	KUNIT_CASE(chains),
	KUNIT_CASE(the_dead_end_it),
	KUNIT_CASE(shared_ids_end_it),
	KUNIT_CASE(through_buffers),
	KUNIT_CASE(others_ring),
	KUNIT_CASE(only_older),
	KUNIT_CASE(readers),
	{}
};

static struct kunit_suite deadlock_suite = {
	.name = "shmbuf_deadlock",
	.init = scene_init,
	.test_cases = deadlock_cases,
};

kunit_test_suite(deadlock_suite);
