// SPDX-License-Identifier: MIT
/* The ring's lock, and what is done when its holder died, or anybody. */
#include "pipeline_ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

const char *actor_name(const struct actor *a)
{
	static char worker[32];

	switch (a->role) {
	case ROLE_SUPERVISOR:
		return "the supervisor";
	case ROLE_PRODUCER:
		return "the producer";
	case ROLE_COLLECTOR:
		return "the collector";
	case ROLE_WORKER:
		break;
	}
	snprintf(worker, sizeof(worker), "worker %u", a->worker);
	return worker;
}

void actor_fail(const struct pipeline *p, const char *what, int err)
{
	fprintf(stderr, "pipeline: %s: %s%s%s\n", actor_name(&p->me), what,
		err ? ": " : "", err ? shmbuf_strerror(err) : "");
	exit(1);
}

/*
 * Nobody lets go of his life: who gets it finds him dead, be it as the first or not.
 * With the ring's lock held, so that of those who try nobody meets another.
 */
static bool has_ended(struct pipeline *p, unsigned int life_lock)
{
	int err = shmbuf_trylock(p->buffer, life_lock);

	if (err == -EBUSY)
		return false;
	if (err == -EOWNERDEAD)
		err = shmbuf_consistent(p->buffer, life_lock);
	if (!err)
		err = shmbuf_unlock(p->buffer, life_lock);
	if (err)
		actor_fail(p, "trying a life", err);
	return true;
}

/* A worker says its pid when it holds its life. */
static bool is_dead(struct pipeline *p, unsigned int worker)
{
	struct life *life = &p->lives[worker];

	if (!life->ended && load(&life->pid) && has_ended(p, LIFE_LOCK(worker)))
		store(&life->ended, true);
	return life->ended;
}

static void hand_out_again(struct pipeline *p, unsigned int worker, struct telling *t)
{
	for (unsigned int i = 0; i < p->options->slots; i++) {
		struct slot *s = &p->slots[i];

		if (s->state != SLOT_TAKEN || s->worker != worker)
			continue;
		if (!t->handed_out++)
			t->block = s->number;
		store(&s->state, SLOT_FILLED);
	}
}

/* Hands out again what dead workers had taken.  With the lock held. */
static void repair(struct pipeline *p, struct telling *t)
{
	uint8_t seal[SHA256_DIGEST_SIZE];

	t->who = p->me;
	t->next_block = p->ring->collected;
	memcpy(t->counts, p->ring->counts, sizeof(t->counts));
	ring_count(p, t->true_counts);
	for (unsigned int i = 0; i < p->nr_lives; i++) {
		if (is_dead(p, i))
			hand_out_again(p, i, t);
	}
	ring_count(p, p->ring->counts);
	ring_seal(p, seal);
	t->unsealed = memcmp(seal, p->ring->seal, sizeof(seal));
	memcpy(p->ring->seal, seal, sizeof(seal));
	t->repaired_ns = now_ns();
}

static void wake_everybody(struct pipeline *p)
{
	ring_wake(p, QUEUE_WORK(p), SHMBUF_WAKE_ALL);
	ring_wake(p, QUEUE_HASHED(p), SHMBUF_WAKE_ALL);
	ring_wake(p, QUEUE_ROOM(p), SHMBUF_WAKE_ALL);
}

static void owner_died(struct pipeline *p)
{
	struct telling t = { .told_ns = now_ns() };
	unsigned int n = p->ring->nr_tellings;
	int err;

	repair(p, &t);
	/* The dead may have been woken for a block that they never took. */
	wake_everybody(p);
	err = shmbuf_consistent(p->buffer, RING_LOCK);
	if (err)
		actor_fail(p, "saying that the ring is consistent", err);
	if (n < p->nr_lives) {
		p->tellings[n] = t;
		store(&p->ring->nr_tellings, n + 1);
	}
}

/* Nobody may find the ring other than whole. */
static void audit(struct pipeline *p)
{
	unsigned int counts[SLOT_STATES];

	ring_count(p, counts);
	if (memcmp(counts, p->ring->counts, sizeof(counts)))
		actor_fail(p, "the ring's counts are wrong, and nobody was told of a death", 0);
}

void ring_lock(struct pipeline *p)
{
	int err = shmbuf_lock(p->buffer, RING_LOCK);

	if (err == -EOWNERDEAD)
		owner_died(p);
	else if (err)
		actor_fail(p, "locking the ring", err);
	audit(p);
}

void ring_unlock(struct pipeline *p)
{
	int err = shmbuf_unlock(p->buffer, RING_LOCK);

	if (err)
		actor_fail(p, "unlocking the ring", err);
}

void ring_wake(struct pipeline *p, unsigned int queue, unsigned int count)
{
	int err = shmbuf_wake(p->buffer, queue, count);

	if (err < 0)
		actor_fail(p, "waking a queue", err);
}

void ring_look_after_deaths(struct pipeline *p)
{
	uint64_t deaths = shmbuf_sequence(p->buffer, SHMBUF_INDEX_DEATHS);
	struct telling t = { };

	if (deaths == p->deaths)
		return;
	/* Who dies from here on is told of next time. */
	p->deaths = deaths;
	ring_lock(p);
	repair(p, &t);
	p->orphan = has_ended(p, SUPERVISOR_LOCK);
	ring_unlock(p);
	if (t.handed_out)
		ring_wake(p, QUEUE_WORK(p), SHMBUF_WAKE_ALL);
}

void ring_need_supervisor(const struct pipeline *p)
{
	if (p->orphan)
		actor_fail(p, "the supervisor has died", 0);
}
