/* SPDX-License-Identifier: MIT */
/*
 * The ring: blocks on their way from the producer over the workers to the
 * collector, in a shared buffer.
 *
 * All of struct ring and of the slots is under the ring's lock, but for what is
 * marked.  Whoever is given the lock after its holder's death finds the slots'
 * states to be the truth, as they change in one store each; the counts and the
 * seal are made anew, and what dead workers had taken is handed out again.
 *
 * Each worker holds a lock of its own, its life, as long as it lives: so
 * whether the worker that took a block is dead is a matter of trying its life.
 * So does the supervisor.
 *
 * All waits are with PEERS.  Whoever waits is told of each death: he hands out again
 * what the dead had taken, and waits on.  Without the supervisor nobody replaces
 * the dead or announces the end, so that then he works off what is there and ends.
 * The supervisor joins before it forks: so -EPIPE says that the others are gone, never
 * that they have yet to come.
 */
#ifndef PIPELINE_RING_H
#define PIPELINE_RING_H

#include "pipeline_options.h"

#include <nettle/sha2.h>
#include <shmbuf.h>
#include <stdnoreturn.h>
#include <sys/types.h>

enum slot_state {
	SLOT_FREE,
	SLOT_FILLING,		/* the producer's */
	SLOT_FILLED,
	SLOT_TAKEN,		/* a worker's */
	SLOT_HASHED,
	SLOT_WRITING,		/* the collector's */
	SLOT_STATES
};

/* An entry of the shared table. */
struct slot {
	enum slot_state state;
	unsigned int worker;
	uint64_t number;	/* the block's, from 0 */
	size_t size;
	uint8_t digest[SHA256_DIGEST_SIZE];
};

enum role { ROLE_SUPERVISOR, ROLE_PRODUCER, ROLE_WORKER, ROLE_COLLECTOR };

struct actor {
	enum role role;
	unsigned int worker;
	pid_t pid;
};

/* What somebody who was told of a holder's death found and did. */
struct telling {
	struct actor who;
	uint64_t told_ns;
	uint64_t repaired_ns;
	uint64_t next_block;	/* that the collector waits for */
	unsigned int counts[SLOT_STATES];
	unsigned int true_counts[SLOT_STATES];
	bool unsealed;		/* the table wasn't what its seal said */
	unsigned int handed_out;
	uint64_t block;		/* the first that was handed out again */
};

struct life {
	pid_t pid;		/* 0: not started.  Written by the worker */
	bool ended;		/* found dead; read without the lock, too */
};

struct ring {
	unsigned int counts[SLOT_STATES];
	uint8_t seal[SHA256_DIGEST_SIZE];	/* of all the table's digests */
	uint64_t produced;	/* blocks */
	uint64_t collected;	/* blocks; read without the lock, too */
	uint64_t bytes;		/* collected; read without the lock, too */
	bool finished;		/* all is read; read without the lock, too */
	bool closed;		/* the workers may go; read without the lock, too */
	uint8_t digest[SHA256_DIGEST_SIZE];	/* the collector's, at its end */
	unsigned int nr_tellings;	/* read without the lock, too */
};

/* Each process's way to the shared buffer.  Made before the fork. */
struct pipeline {
	const struct options *options;
	struct shmbuf *buffer;
	struct actor me;
	struct ring *ring;
	struct slot *slots;
	struct life *lives;
	struct telling *tellings;
	unsigned char *blocks;
	unsigned int nr_lives;
	uint64_t deaths;	/* that this process has looked after */
	bool orphan;		/* one of them was the supervisor's */
};

#define RING_LOCK	0
#define SUPERVISOR_LOCK	1			/* the supervisor's life */
#define LIFE_LOCK(n)	(2 + (n))
#define QUEUE_WORK(p)	(2 + (p)->nr_lives)	/* for workers: blocks are filled */
#define QUEUE_HASHED(p)	(3 + (p)->nr_lives)	/* for the collector */
#define QUEUE_ROOM(p)	(4 + (p)->nr_lives)	/* for the producer: slots are free */
#define NR_QUEUES	3

#define load(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

/* Both print what is wrong and return -errno. */
int ring_create(struct pipeline *p, const struct options *o);
void ring_destroy(struct pipeline *p);

/* These end the process with a message where the buffer fails. */
void ring_lock(struct pipeline *p);
void ring_unlock(struct pipeline *p);
void ring_wake(struct pipeline *p, unsigned int queue, unsigned int count);

/* For the supervisor before it forks, and each worker before anything else. */
void ring_join(struct pipeline *p);

/* If anybody has died since the last time: hands out again what the dead had taken. */
void ring_look_after_deaths(struct pipeline *p);

/* Fails where the supervisor has died. */
void ring_need_supervisor(const struct pipeline *p);

/* The producer's, the workers' and the collector's steps.  They wait. */
struct slot *ring_fill(struct pipeline *p);
void ring_filled(struct pipeline *p, struct slot *s, size_t size);
void ring_finish(struct pipeline *p);
struct slot *ring_take(struct pipeline *p);	/* NULL: closed */
void ring_pass(struct pipeline *p, struct slot *s, const uint8_t *digest);
struct slot *ring_collect(struct pipeline *p);	/* NULL: that was all */
void ring_collected(struct pipeline *p, struct slot *s);
void ring_close(struct pipeline *p);

unsigned char *ring_block(struct pipeline *p, const struct slot *s);
void ring_seal(struct pipeline *p, uint8_t *seal);
void ring_count(struct pipeline *p, unsigned int counts[SLOT_STATES]);

uint64_t now_ns(void);
const char *actor_name(const struct actor *a);
noreturn void actor_fail(const struct pipeline *p, const char *what, int err);

#endif
