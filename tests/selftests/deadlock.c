// SPDX-License-Identifier: GPL-2.0-only
/* Threads that wait for each other: who closes the cycle is told, and nobody else. */
#include "shmbuf_test.h"
#include <pthread.h>

#define NODETECT	SHMBUF_LOCK_NODETECT
#define MAX_ACTORS	100
#define NOT_YET		12345

/*
 * Actor i holds lock i and wants lock i + 1, the last one lock 0.  Each lock is in a
 * buffer of its own, or all are in one.
 */
struct actor {
	pid_t pid, tid;
	int held;
	int go;
	int asks;		/* for the second lock, with so many ticks behind it */
	unsigned long ticks;
	int result;		/* of taking the second lock */
};

struct ring {
	int length;
	bool one_buffer;
	bool own_handles;
	__u32 flags;
	__u64 deadline;
	int rounds;
	pthread_barrier_t barrier;
	int fds[MAX_ACTORS];
	char names[MAX_ACTORS][64];
	struct actor actors[MAX_ACTORS];
	int told;
};

struct handle {
	int fd;
	__u64 owner;
	__u32 index;
};

static struct handle handle_for(struct ring *r, int lock)
{
	struct handle h = { .index = r->one_buffer ? lock : 0 };
	int buffer = r->one_buffer ? 0 : lock;

	h.fd = r->own_handles ? open_buffer(r->names[buffer], O_RDWR) : r->fds[buffer];
	h.owner = new_owner(h.fd);
	return h;
}

static int handle_lock(const struct handle *h, __u32 flags, __u64 deadline)
{
	return do_lock(h->fd, h->owner, h->index, flags, deadline);
}

static int handle_unlock(const struct handle *h)
{
	return do_unlock(h->fd, h->owner, h->index);
}

static void set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static int get(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void act(struct ring *r, int i)
{
	struct actor *a = &r->actors[i];
	struct handle mine = handle_for(r, i), next = handle_for(r, (i + 1) % r->length);
	int ret;

	/* In one buffer a thread needs no second id. */
	if (r->one_buffer && !r->own_handles) {
		do_unregister(next.fd, next.owner);
		next.owner = mine.owner;
	}
	CHECK(handle_lock(&mine, 0, NEVER) == 0);
	a->tid = syscall(SYS_gettid);
	set(&a->held, 1);
	UNTIL(get(&a->go));
	a->ticks = kernel_ticks(a->tid);
	set(&a->asks, 1);
	ret = handle_lock(&next, r->flags, r->deadline);
	set(&a->result, ret);
	/* Who was told gives up when it is told to. */
	UNTIL(ret == 0 || get(&a->go) == 2);
	if (!ret)
		CHECK(handle_unlock(&next) == 0);
	CHECK(handle_unlock(&mine) == 0);
}

static void act_in_rounds(struct ring *r, int i)
{
	struct handle mine = handle_for(r, i), next = handle_for(r, (i + 1) % r->length);
	int ret, round;

	for (round = 0; round < r->rounds; round++) {
		CHECK(handle_lock(&mine, 0, NEVER) == 0);
		pthread_barrier_wait(&r->barrier);
		ret = handle_lock(&next, r->flags, NEVER);
		CHECK(ret == 0 || ret == -EDEADLK);
		if (ret)
			__atomic_add_fetch(&r->told, 1, __ATOMIC_SEQ_CST);
		else
			CHECK(handle_unlock(&next) == 0);
		CHECK(handle_unlock(&mine) == 0);
		pthread_barrier_wait(&r->barrier);
		CHECK(get(&r->told) == round + 1);
		pthread_barrier_wait(&r->barrier);
	}
}

struct start {
	struct ring *ring;
	int actor;
	pthread_t thread;
};

static void *act_in_thread(void *arg)
{
	struct start *s = arg;

	if (s->ring->rounds)
		act_in_rounds(s->ring, s->actor);
	else
		act(s->ring, s->actor);
	return NULL;
}

/* Actors as processes, or as threads of one. */
static void spawn_actors(struct ring *r, bool threads)
{
	struct start starts[MAX_ACTORS];
	int i, processes = threads ? 1 : r->length;
	pid_t pid = 0;

	for (i = 0; i < processes; i++) {
		pid = spawn();
		if (!pid)
			break;
		r->actors[i].pid = pid;
	}
	if (pid)
		return;
	starts[i] = (struct start){ .ring = r, .actor = i };
	if (!threads)
		act_in_thread(&starts[i]);
	for (i = 0; threads && i < r->length; i++) {
		starts[i] = (struct start){ .ring = r, .actor = i };
		CHECK(!pthread_create(&starts[i].thread, NULL, act_in_thread, &starts[i]));
	}
	for (i = 0; threads && i < r->length; i++)
		pthread_join(starts[i].thread, NULL);
	_exit(0);
}

static bool waits(const struct ring *r, int i)
{
	const struct actor *a = &r->actors[i];

	if (r->flags & SHMBUF_LOCK_SPIN)
		return get(&a->asks) && kernel_ticks(a->tid) >= a->ticks + 3;
	return asleep_in(a->tid, SHMBUF_IOC_LOCK);
}

FIXTURE(ring)
{
	struct ring *ring;
};

FIXTURE_VARIANT(ring)
{
	int length;
	bool threads;
	bool one_buffer;
	bool own_handles;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(ring, two) { 2, false, false, false, 0 };
FIXTURE_VARIANT_ADD(ring, two_in_one_buffer) { 2, false, true, false, 0 };
FIXTURE_VARIANT_ADD(ring, two_that_sleep_at_once) { 2, false, false, false, SHMBUF_LOCK_NOSPIN };
FIXTURE_VARIANT_ADD(ring, two_that_spin) { 2, false, false, false, SHMBUF_LOCK_SPIN };
FIXTURE_VARIANT_ADD(ring, two_threads) { 2, true, false, false, 0 };
FIXTURE_VARIANT_ADD(ring, three_through_own_handles) { 3, false, false, true, 0 };
FIXTURE_VARIANT_ADD(ring, three_threads_in_one_buffer) { 3, true, true, false, 0 };
FIXTURE_VARIANT_ADD(ring, eight) { 8, false, false, false, 0 };
FIXTURE_VARIANT_ADD(ring, eight_in_one_buffer_through_own_handles) { 8, false, true, true, 0 };
FIXTURE_VARIANT_ADD(ring, eight_threads) { 8, true, false, true, 0 };
FIXTURE_VARIANT_ADD(ring, hundred_threads) { 100, true, false, false, 0 };

FIXTURE_SETUP(ring)
{
	struct ring *r = shared_memory(sizeof(*r));
	pthread_barrierattr_t attr;
	int i;

	r->length = variant->length;
	r->one_buffer = variant->one_buffer;
	r->own_handles = variant->own_handles;
	r->flags = variant->flags;
	r->deadline = NEVER;
	for (i = 0; i < (r->one_buffer ? 1 : r->length); i++)
		r->fds[i] = new_buffer(new_name(r->names[i]), r->length, 0, 0);
	for (i = 0; i < r->length; i++)
		r->actors[i].result = NOT_YET;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&r->barrier, &attr, r->length);
	self->ring = r;
}

FIXTURE_TEARDOWN(ring)
{
	int i;

	for (i = 0; i < (variant->one_buffer ? 1 : variant->length); i++)
		close(self->ring->fds[i]);
}

TEST_F(ring, who_closes_it_is_told)
{
	struct ring *r = self->ring;
	int i, last = r->length - 1;

	spawn_actors(r, variant->threads);
	for (i = 0; i <= last; i++)
		UNTIL(get(&r->actors[i].held));
	for (i = 0; i < last; i++) {
		set(&r->actors[i].go, 1);
		UNTIL(waits(r, i));
	}
	set(&r->actors[last].go, 1);
	UNTIL(get(&r->actors[last].result) != NOT_YET);
	EXPECT_EQ(-EDEADLK, r->actors[last].result);
	for (i = 0; i < last; i++)
		EXPECT_EQ(NOT_YET, r->actors[i].result);
	/* It gives up what it holds, and the others go on, one after the other. */
	set(&r->actors[last].go, 2);
	for (i = 0; i < (variant->threads ? 1 : r->length); i++)
		EXPECT_EQ(0, reap(r->actors[i].pid));
	for (i = 0; i < last; i++)
		EXPECT_EQ(0, r->actors[i].result);
}

/* However they come, there is exactly one of them. */
TEST_F(ring, all_at_once)
{
	struct ring *r = self->ring;
	int i;

	r->rounds = r->flags & SHMBUF_LOCK_SPIN ? fewer(50) : fewer(2000) / r->length;
	spawn_actors(r, variant->threads);
	for (i = 0; i < (variant->threads ? 1 : r->length); i++)
		EXPECT_EQ(0, reap(r->actors[i].pid));
	EXPECT_EQ(r->rounds, r->told);
}

/* Two locks; the test itself is one of the actors, and holds the first. */
FIXTURE(pair)
{
	int fd;
	__u64 owner;
	struct control c;
	struct actor *other;
};

FIXTURE_SETUP(pair)
{
	self->fd = new_buffer(NULL, 4, 0, 0);
	self->owner = new_owner(self->fd);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->other = shared_memory(4096);
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
}

FIXTURE_TEARDOWN(pair)
{
	close(self->fd);
}

/* One that holds lock @has, and waits for @wants. */
static pid_t spawn_waiter(int fd, struct actor *a, __u32 id_flags, __u32 has, __u32 wants,
			  __u32 flags, __u64 deadline)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner;
		int ret;

		CHECK(do_register(fd, id_flags, &owner) == 0);
		CHECK(do_trylock(fd, owner, has) == 0);
		set(&a->held, 1);
		ret = do_lock(fd, owner, wants, flags, deadline);
		set(&a->result, ret);
		if (ret == -EOWNERDEAD)
			CHECK(do_consistent(fd, owner, wants) == 0);
		if (ret == 0 || ret == -EOWNERDEAD)
			CHECK(do_unlock(fd, owner, wants) == 0);
		else
			UNTIL(get(&a->go));
		CHECK(do_unlock(fd, owner, has) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	return pid;
}

TEST_F(pair, leaves_nothing_behind)
{
	pid_t pid = spawn_waiter(self->fd, self->other, 0, 1, 0, 0, NEVER);
	__u64 limit = get_parameter("max_user_waiters"), word = read_word(&self->c, 1);
	int i;

	set_parameter("max_user_waiters", 2);
	for (i = 0; i < 20; i++)
		EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 1, 0, NEVER));
	set_parameter("max_user_waiters", limit);
	/* Nobody has said that he waits. */
	EXPECT_EQ(word, read_word(&self->c, 1));
	EXPECT_EQ(0, word & SHMBUF_WORD_WAITERS);
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, self->other->result);
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 1, 0, NEVER));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
}

TEST_F(pair, comes_before_the_deadline)
{
	static const __u32 flags[] = { 0, SHMBUF_LOCK_SPIN, SHMBUF_LOCK_NOSPIN,
				       SHMBUF_LOCK_INTERRUPTIBLE };
	pid_t pid = spawn_waiter(self->fd, self->other, 0, 1, 0, 0, now() + PATIENCE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 1, flags[i], now() + PATIENCE));
		EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 1, flags[i], 0));
	}
	EXPECT_EQ(-EBUSY, do_lock(self->fd, self->owner, 1, SHMBUF_LOCK_TRY, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(pair, not_with_nodetect)
{
	static const __u32 flags[] = { 0, SHMBUF_LOCK_SPIN, SHMBUF_LOCK_NOSPIN };
	pid_t pid = spawn_waiter(self->fd, self->other, 0, 1, 0, 0, NEVER);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		__u64 end = now() + 50 * NSEC_PER_MSEC;

		EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 1, flags[i] | NODETECT, end));
		EXPECT_LE(end, now());
	}
	EXPECT_EQ(false, get(&self->other->result));
	/* What one holds oneself is no question. */
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 0, NODETECT, NEVER));
	EXPECT_EQ(-EBUSY, do_lock(self->fd, self->owner, 1, NODETECT | SHMBUF_LOCK_TRY, NEVER));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 2, NODETECT, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
}

/* Who waits with NODETECT waits, and others see that. */
TEST_F(pair, others_are_told_of_who_waits_with_nodetect)
{
	pid_t pid = spawn_waiter(self->fd, self->other, 0, 1, 0, NODETECT, NEVER);

	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 1, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
}

/* A cycle that one isn't part of: one only waits, and the walk ends. */
TEST_F(pair, cycle_of_others)
{
	struct actor *others = self->other;
	pid_t first, second;

	second = spawn();
	if (!second) {
		__u64 owner = new_owner(self->fd);

		CHECK(do_trylock(self->fd, owner, 2) == 0);
		set(&others[1].held, 1);
		UNTIL(get(&others[1].go));
		_exit(do_lock(self->fd, owner, 1, NODETECT, NEVER) != -EOWNERDEAD);
	}
	UNTIL(get(&others[1].held));
	first = spawn_waiter(self->fd, &others[0], 0, 1, 2, NODETECT, NEVER);
	set(&others[1].go, 1);
	UNTIL(asleep_in(second, SHMBUF_IOC_LOCK));
	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 1, 0, now() + 20 * NSEC_PER_MSEC));
	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 2, 0, now() + 20 * NSEC_PER_MSEC));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(first));
	EXPECT_EQ(0, reap(second));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, 2, 0, NEVER));
}

TEST_F(pair, ended_waits_count_no_more)
{
	pid_t pid;

	pid = spawn_waiter(self->fd, self->other, 0, 1, 0, 0, now() + 500 * NSEC_PER_MSEC);
	UNTIL(get(&self->other->result));
	EXPECT_EQ(-ETIMEDOUT, self->other->result);
	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 1, 0, now() + 20 * NSEC_PER_MSEC));
	set(&self->other->go, 1);
	EXPECT_EQ(0, reap(pid));
}

static void ignore(int sig)
{
	(void)sig;
}

TEST_F(pair, interrupted_waits_count_no_more)
{
	struct sigaction action = { .sa_handler = ignore };
	pid_t pid;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	pid = spawn_waiter(self->fd, self->other, 0, 1, 0, SHMBUF_LOCK_INTERRUPTIBLE, NEVER);
	kill(pid, SIGUSR1);
	UNTIL(get(&self->other->result));
	EXPECT_EQ(-EINTR, self->other->result);
	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 1, 0, now() + 20 * NSEC_PER_MSEC));
	set(&self->other->go, 1);
	EXPECT_EQ(0, reap(pid));
}

/* A wait that a signal interrupts and that goes on is in the cycle again. */
TEST_F(pair, resumed_waits_count)
{
	struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	pid_t pid;
	int i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	pid = spawn_waiter(self->fd, self->other, 0, 1, 0, 0, NEVER);
	for (i = 0; i < 5; i++) {
		kill(pid, SIGUSR1);
		UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	}
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 1, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
}

/* The second id of a thread is no second thread. */
TEST_F(pair, with_oneself)
{
	__u64 second = new_owner(self->fd), process;

	EXPECT_EQ(-EDEADLK, do_lock(self->fd, second, 0, 0, NEVER));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, second, 0));
	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, second, 0, NODETECT, now() + NSEC_PER_MSEC));
	/* Of that which is the whole process's nobody knows. */
	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &process));
	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, process, 0, 0, now() + NSEC_PER_MSEC));
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, second, 0, 0, NEVER));
}

TEST_F(pair, ids_of_processes_end_it)
{
	pid_t pid = spawn_waiter(self->fd, self->other, SHMBUF_REGISTER_PROCESS, 1, 0, 0, NEVER);

	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 1, 0, now() + 20 * NSEC_PER_MSEC));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
}

/* 0 -> 2 -> 1 -> 0, of which the middle one is gone. */
TEST_F(pair, broken_by_a_death)
{
	struct actor *others = self->other;
	pid_t middle, last;

	middle = spawn_waiter(self->fd, &others[0], 0, 1, 0, 0, NEVER);
	last = spawn_waiter(self->fd, &others[1], 0, 2, 1, 0, NEVER);
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 2, 0, NEVER));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(middle));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 2, 0, NEVER));
	EXPECT_EQ(0, reap(last));
	EXPECT_EQ(-EOWNERDEAD, others[1].result);
}

#define ORDERED	8

/* Locks taken in one order make no cycle, however they change hands meanwhile. */
static void lock_in_order(int fd, int rounds, unsigned int seed)
{
	__u64 owner = new_owner(fd);
	int taken[ORDERED];
	int i, flags;

	while (rounds--) {
		for (i = 0; i < ORDERED; i++) {
			taken[i] = rand_r(&seed) % 3 == 0;
			flags = rand_r(&seed) % 2 ? SHMBUF_LOCK_NOSPIN : 0;
			if (taken[i])
				CHECK(do_lock(fd, owner, i, flags, NEVER) == 0);
		}
		for (i = 0; i < ORDERED; i++)
			CHECK(!taken[i] || do_unlock(fd, owner, i) == 0);
	}
}

TEST(locks_in_one_order)
{
	int i, fd = new_buffer(NULL, ORDERED, 0, 0);
	pid_t pids[ORDERED];

	for (i = 0; i < ORDERED; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			lock_in_order(fd, fewer(1500), i);
			_exit(0);
		}
	}
	for (i = 0; i < ORDERED; i++)
		EXPECT_EQ(0, reap(pids[i]));
}

/* In any order, with a retreat when told: everybody comes through. */
static void lock_in_disorder(int fd, int rounds, unsigned int seed, int *told)
{
	__u64 owner = new_owner(fd);
	int first, second, ret;

	while (rounds) {
		first = rand_r(&seed) % ORDERED;
		second = (first + 1 + rand_r(&seed) % (ORDERED - 1)) % ORDERED;
		CHECK(do_lock(fd, owner, first, 0, NEVER) == 0);
		ret = do_lock(fd, owner, second, 0, NEVER);
		CHECK(ret == 0 || ret == -EDEADLK);
		if (ret)
			__atomic_add_fetch(told, 1, __ATOMIC_SEQ_CST);
		else
			CHECK(do_unlock(fd, owner, second) == 0);
		CHECK(do_unlock(fd, owner, first) == 0);
		rounds -= !ret;
	}
}

TEST(locks_in_any_order)
{
	int i, fd = new_buffer(NULL, ORDERED, 0, 0), *told = shared_memory(4096);
	pid_t pids[ORDERED];

	for (i = 0; i < ORDERED; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			lock_in_disorder(fd, fewer(2000), i, told);
			_exit(0);
		}
	}
	for (i = 0; i < ORDERED; i++)
		EXPECT_EQ(0, reap(pids[i]));
	TH_LOG("%d cycles", *told);
	EXPECT_LT(0, *told);
}

/* Words full of others' ids lead walks anywhere; each comes to its end. */
static void lock_among_vandals(int fd, unsigned int seed)
{
	__u64 owner = new_owner(fd), other = new_owner(fd);

	for (;;) {
		int ret = do_lock(fd, seed % 2 ? owner : other, rand_r(&seed) % ORDERED, 0,
				  now() + NSEC_PER_MSEC);

		CHECK(ret == 0 || ret == -EDEADLK || ret == -ETIMEDOUT || ret == -EOWNERDEAD ||
		      ret == -ENOTRECOVERABLE || ret == -EINVAL);
		do_unlock(fd, owner, rand_r(&seed) % ORDERED);
		do_unlock(fd, other, rand_r(&seed) % ORDERED);
	}
}

TEST(hostile_words)
{
	int i, fd = new_buffer(NULL, ORDERED, 0, 0);
	struct control c = map_control(fd, PROT_READ | PROT_WRITE);
	__u64 last = new_owner(fd), end = now() + 3 * NSEC_PER_SEC;
	pid_t pids[ORDERED];
	unsigned int seed = 1;

	for (i = 0; i < ORDERED; i++) {
		pids[i] = spawn();
		if (!pids[i])
			lock_among_vandals(fd, i);
	}
	while (now() < end) {
		/* The ids that came after ours, and flags now and then. */
		__u64 id = last + (rand_r(&seed) % (2 * ORDERED)) * ((1ULL << 24) + 1);

		write_word(&c, rand_r(&seed) % ORDERED,
			   id | (rand_r(&seed) % 4 ? 0 : SHMBUF_WORD_WAITERS));
	}
	for (i = 0; i < ORDERED; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[i]));
}

TEST_HARNESS_MAIN
