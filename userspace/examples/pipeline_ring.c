// SPDX-License-Identifier: MIT
#include "pipeline_ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	4096
/* Workers that somebody else kills are replaced, too; more than that is a fault. */
#define SPARE_LIVES	16

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

int ring_create(struct pipeline *p, const struct options *o)
{
	struct shmbuf_options options = { .nr_queues = NR_QUEUES };
	size_t lives, tellings, slots, blocks;
	unsigned char *data;
	int err;

	*p = (struct pipeline){ .options = o, .nr_lives = o->workers + o->kills + SPARE_LIVES };
	lives = round_up(sizeof(struct ring), 64);
	tellings = lives + round_up(p->nr_lives * sizeof(struct life), 64);
	slots = tellings + round_up(p->nr_lives * sizeof(struct telling), 64);
	blocks = round_up(slots + o->slots * sizeof(struct slot), PAGE);
	options.nr_locks = LIFE_LOCK(p->nr_lives);
	err = shmbuf_create(&p->buffer, NULL, blocks + o->slots * o->block_size, &options);
	if (err < 0) {
		fprintf(stderr, "pipeline: a shared buffer of %zu bytes: %s\n",
			(size_t)(blocks + o->slots * o->block_size), shmbuf_strerror(err));
		return err;
	}
	data = shmbuf_data(p->buffer);
	p->ring = (struct ring *)data;
	p->lives = (struct life *)(data + lives);
	p->tellings = (struct telling *)(data + tellings);
	p->slots = (struct slot *)(data + slots);
	p->blocks = data + blocks;
	p->ring->counts[SLOT_FREE] = o->slots;
	ring_seal(p, p->ring->seal);
	return 0;
}

void ring_destroy(struct pipeline *p)
{
	shmbuf_close(p->buffer);
}

void ring_join(struct pipeline *p)
{
	bool supervisor = p->me.role == ROLE_SUPERVISOR;
	int err = shmbuf_lock(p->buffer, supervisor ? SUPERVISOR_LOCK : LIFE_LOCK(p->me.worker));

	if (err)
		actor_fail(p, "taking its life lock", err);
	if (!supervisor)
		store(&p->lives[p->me.worker].pid, p->me.pid);
}

unsigned char *ring_block(struct pipeline *p, const struct slot *s)
{
	return p->blocks + (s - p->slots) * p->options->block_size;
}

void ring_count(struct pipeline *p, unsigned int counts[SLOT_STATES])
{
	memset(counts, 0, SLOT_STATES * sizeof(*counts));
	for (unsigned int i = 0; i < p->options->slots; i++)
		counts[p->slots[i].state]++;
}

void ring_seal(struct pipeline *p, uint8_t *seal)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	for (unsigned int i = 0; i < p->options->slots; i++)
		sha256_update(&ctx, SHA256_DIGEST_SIZE, p->slots[i].digest);
	sha256_digest(&ctx, SHA256_DIGEST_SIZE, seal);
}

/* The state in one store: a repair goes by it.  The count may come too late, then. */
static void set_state(struct pipeline *p, struct slot *s, enum slot_state state)
{
	store(&s->state, state);
	store(&p->ring->counts[state], p->ring->counts[state] + 1);
}

static struct slot *oldest(struct pipeline *p, enum slot_state state)
{
	struct slot *found = NULL;

	for (unsigned int i = 0; i < p->options->slots; i++) {
		struct slot *s = &p->slots[i];

		if (s->state == state && (!found || s->number < found->number))
			found = s;
	}
	return found;
}

static struct slot *claim(struct pipeline *p, enum slot_state state)
{
	if (!p->ring->counts[state])
		return NULL;
	store(&p->ring->counts[state], p->ring->counts[state] - 1);
	return oldest(p, state);
}

static void queue_wait(struct pipeline *p, unsigned int queue, uint64_t sequence)
{
	static const struct timespec past;
	int err = shmbuf_wait_peers(p->buffer, queue, sequence, p->orphan ? &past : NULL,
				    p->deaths);

	if (err == -EOWNERDEAD)
		ring_look_after_deaths(p);
	else if (err == -ETIMEDOUT)
		ring_need_supervisor(p);
	else if (err < 0 && err != -EINTR)
		actor_fail(p, "waiting on a queue", err);
}

struct slot *ring_fill(struct pipeline *p)
{
	for (;;) {
		uint64_t sequence = shmbuf_sequence(p->buffer, QUEUE_ROOM(p));
		struct slot *s;

		ring_lock(p);
		s = claim(p, SLOT_FREE);
		if (s) {
			s->number = p->ring->produced;
			set_state(p, s, SLOT_FILLING);
		}
		ring_unlock(p);
		if (s)
			return s;
		queue_wait(p, QUEUE_ROOM(p), sequence);
	}
}

void ring_filled(struct pipeline *p, struct slot *s, size_t size)
{
	ring_lock(p);
	s->size = size;
	p->ring->counts[SLOT_FILLING]--;
	p->ring->produced++;
	set_state(p, s, SLOT_FILLED);
	ring_unlock(p);
	ring_wake(p, QUEUE_WORK(p), 1);
}

void ring_finish(struct pipeline *p)
{
	ring_lock(p);
	store(&p->ring->finished, true);
	ring_unlock(p);
	ring_wake(p, QUEUE_HASHED(p), SHMBUF_WAKE_ALL);
}

static void check_seal(struct pipeline *p)
{
	uint8_t seal[SHA256_DIGEST_SIZE];

	ring_seal(p, seal);
	if (memcmp(seal, p->ring->seal, sizeof(seal)))
		actor_fail(p, "the table isn't what its seal says", 0);
}

struct slot *ring_take(struct pipeline *p)
{
	for (;;) {
		uint64_t sequence = shmbuf_sequence(p->buffer, QUEUE_WORK(p));
		struct slot *s;
		bool closed;

		ring_lock(p);
		closed = p->ring->closed;
		s = claim(p, SLOT_FILLED);
		if (s) {
			s->worker = p->me.worker;
			set_state(p, s, SLOT_TAKEN);
		} else {
			check_seal(p);
		}
		ring_unlock(p);
		if (s || closed)
			return s;
		queue_wait(p, QUEUE_WORK(p), sequence);
	}
}

void ring_pass(struct pipeline *p, struct slot *s, const uint8_t *digest)
{
	ring_lock(p);
	store(&p->ring->counts[SLOT_TAKEN], p->ring->counts[SLOT_TAKEN] - 1);
	check_seal(p);
	memcpy(s->digest, digest, sizeof(s->digest));
	ring_seal(p, p->ring->seal);
	set_state(p, s, SLOT_HASHED);
	ring_unlock(p);
	ring_wake(p, QUEUE_HASHED(p), 1);
}

struct slot *ring_collect(struct pipeline *p)
{
	for (;;) {
		uint64_t sequence = shmbuf_sequence(p->buffer, QUEUE_HASHED(p));
		struct slot *s;
		bool all;

		ring_lock(p);
		all = p->ring->finished && p->ring->collected == p->ring->produced;
		s = oldest(p, SLOT_HASHED);
		if (s && s->number != p->ring->collected)
			s = NULL;
		if (s) {
			p->ring->counts[SLOT_HASHED]--;
			set_state(p, s, SLOT_WRITING);
		}
		ring_unlock(p);
		if (s || all)
			return s;
		queue_wait(p, QUEUE_HASHED(p), sequence);
	}
}

void ring_collected(struct pipeline *p, struct slot *s)
{
	ring_lock(p);
	store(&p->ring->bytes, p->ring->bytes + s->size);
	store(&p->ring->collected, p->ring->collected + 1);
	p->ring->counts[SLOT_WRITING]--;
	set_state(p, s, SLOT_FREE);
	ring_unlock(p);
	ring_wake(p, QUEUE_ROOM(p), 1);
}

void ring_close(struct pipeline *p)
{
	ring_lock(p);
	store(&p->ring->closed, true);
	ring_unlock(p);
	ring_wake(p, QUEUE_WORK(p), SHMBUF_WAKE_ALL);
}
