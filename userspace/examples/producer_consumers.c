// SPDX-License-Identifier: MIT
/*
 * A producer and three consumers share a ring, guarded by a lock and two conditions.  One
 * consumer is killed in the midst of taking an item, and the others take it in its place.
 */
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONSUMERS	3
#define ITEMS		1000L
#define KILLED_AT	100
#define SLOTS		8

/* The sync objects: two locks, then two queues, then a barrier. */
enum { RING, PRODUCER, FILLED, ROOM, START, OBJECTS };

/* The state that counts is states[now].  The next one is made in the other. */
static struct ring {
	struct state {
		long put, taken, sum;
	} states[2];
	long items[SLOTS];
	int now, killed;
} *ring;

static struct shmbuf *buffer;

static struct state *present(void)
{
	return &ring->states[ring->now];
}

static struct state *next_begin(void)
{
	ring->states[!ring->now] = *present();
	return &ring->states[!ring->now];
}

/* One store makes the change: whoever is killed before it has changed nothing. */
static void next_commit(void)
{
	__atomic_store_n(&ring->now, !ring->now, __ATOMIC_RELEASE);
}

/* What a call said that takes the ring's lock. */
static void locked(int err)
{
	struct shmbuf_owner_info info;

	if (err == -EOWNERDEAD) {
		err = shmbuf_owner_info(buffer, RING, &info, NULL, 0);
		if (!err)
			printf("pid %u died with the lock, by signal %u; %ld items were taken\n",
			       info.death.pid, info.death.code, present()->taken);
		if (!err)
			err = shmbuf_consistent(buffer, RING);
	}
	if (err)
		error(1, 0, "the ring's lock: %s", shmbuf_strerror(err));
}

/*
 * Ends at a death as well: the dead may have had a wake, and others to pass it on to.  The
 * producer holds its lock all its life, so nobody else can have it before.
 */
static void wait_for(unsigned int queue)
{
	uint64_t deaths = shmbuf_sequence(buffer, SHMBUF_INDEX_DEATHS);
	int why;

	if (shmbuf_trylock(buffer, PRODUCER) != -EBUSY)
		error(1, 0, "the producer has died");
	locked(shmbuf_wait_locked(buffer, queue, RING, NULL, &deaths, &why));
	if (why && why != -EOWNERDEAD)
		error(1, 0, "waiting: %s", shmbuf_strerror(why));
}

/* Returns the item, or 0 after the last one. */
static long take(void)
{
	struct state *next;
	long item;

	locked(shmbuf_lock(buffer, RING));
	while (present()->taken == present()->put && present()->put < ITEMS)
		wait_for(FILLED);
	next = next_begin();
	item = next->taken < ITEMS ? ring->items[next->taken % SLOTS] : 0;
	if (item) {
		next->sum += item;
		if (item == KILLED_AT && !ring->killed++)
			raise(SIGKILL);	/* half way, and holding the lock */
		next->taken++;
		next_commit();
	}
	shmbuf_unlock(buffer, RING);
	shmbuf_wake(buffer, ROOM, 1);
	return item;
}

static void put(long item)
{
	struct state *next;

	locked(shmbuf_lock(buffer, RING));
	while (present()->put - present()->taken == SLOTS)
		wait_for(ROOM);
	next = next_begin();
	ring->items[next->put++ % SLOTS] = item;
	next_commit();
	shmbuf_unlock(buffer, RING);
	shmbuf_wake(buffer, FILLED, item == ITEMS ? SHMBUF_WAKE_ALL : 1);
}

/* Who has come here is joined to the buffer, so that the others hear of its death. */
static void meet(void)
{
	struct timespec deadline;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 10;
	err = shmbuf_barrier_wait(buffer, START, &deadline);
	if (err < 0)
		error(1, 0, "starting: %s", shmbuf_strerror(err));
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 2, .nr_queues = 2, .nr_objects = OBJECTS };
	int err = shmbuf_create(&buffer, NULL, sizeof(*ring), &options);
	int status, well = 0;

	if (!err)
		err = shmbuf_init(buffer, START, 1, SHMBUF_KIND_BARRIER, CONSUMERS + 1);
	if (!err)
		err = shmbuf_lock(buffer, PRODUCER);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	setlinebuf(stdout);
	ring = shmbuf_data(buffer);
	for (int i = 0; i < CONSUMERS; i++) {
		if (!fork()) {
			meet();
			while (take())
				;
			return 0;
		}
	}
	meet();
	for (long i = 1; i <= ITEMS; i++)
		put(i);
	while (wait(&status) > 0)
		well += status == 0;
	printf("%d of %d consumers ended well; %ld items were taken, of sum %ld\n",
	       well, CONSUMERS, present()->taken, present()->sum);
	return well != CONSUMERS - 1 || present()->taken != ITEMS ||
	       present()->sum != ITEMS * (ITEMS + 1) / 2;
}
