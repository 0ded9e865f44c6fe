// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiters are told at once. The kernel also looks after them now and then, which
 * in time would make good for a wake-up that was forgotten, so here the time
 * counts: never as such, but against that of something like it, by the median.
 */
#include "shmbuf_test.h"

#define ROUNDS	15
/* The kernel's look comes some hundred times later than a wake-up. */
#define RATIO	20
/* The end of a process takes longer. */
#define ENDS	3

#define LOCK	0
#define SEM	2
#define BARRIER	3

FIXTURE(prompt)
{
	char name[64];
	int fd;
	__u64 owner;
	__u64 *at;	/* when the child came back */
	__u64 took[ROUNDS];
};

FIXTURE_SETUP(prompt)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 2);
	new_sem(self->fd, SEM, 1, 1);
	self->owner = new_owner(self->fd);
	self->at = shared_memory(4096);
}

FIXTURE_TEARDOWN(prompt)
{
	close(self->fd);
}

static int compare(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static __u64 median(__u64 *took)
{
	qsort(took, ROUNDS, sizeof(*took), compare);
	return took[ROUNDS / 2];
}

/* What the clock can tell apart: a machine may have nothing better than ticks. */
static __u64 resolution(void)
{
	struct timespec ts;

	CHECK(!clock_getres(CLOCK_MONOTONIC, &ts));
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void expect_prompt(struct __test_metadata *_metadata, __u64 *took, __u64 most)
{
	__u64 typical = median(took);

	most += 2 * resolution();
	TH_LOG("%llu us, at most %llu", typical / 1000, most / 1000);
	EXPECT_GT(most, typical);
}

/* A child that sleeps in LOCK, or in WAIT, and says when it is back. */
static pid_t spawn_sleeper(int fd, unsigned long cmd, __u64 *at)
{
	pid_t pid = spawn();
	__u64 owner, sequence = ~0ULL;
	int ret;

	if (!pid) {
		owner = new_owner(fd);
		CHECK(do_wait(fd, 1, &sequence, NEVER) == 0);
		ret = cmd == SHMBUF_IOC_WAIT ? do_wait(fd, 1, &sequence, NEVER) :
					       do_lock(fd, owner, 0, SHMBUF_LOCK_NOSPIN, NEVER);
		*at = now();
		if (ret == -EOWNERDEAD)
			ret = do_consistent(fd, owner, 0);
		CHECK(!ret);
		if (cmd == SHMBUF_IOC_LOCK)
			CHECK(do_unlock(fd, owner, 0) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, cmd));
	return pid;
}

/* From WAKE to the return of WAIT. */
static __u64 time_of_a_wake(int fd, __u64 *at)
{
	__u64 took[ROUNDS], start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pid_t pid = spawn_sleeper(fd, SHMBUF_IOC_WAIT, at);

		start = now();
		if (do_wake(fd, 1, 1) != 1 || reap(pid))
			fatal("WAKE woke nobody");
		took[i] = *at - start;
	}
	return median(took);
}

TEST_F(prompt, unlock)
{
	__u64 wake = time_of_a_wake(self->fd, self->at), start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pid_t pid;

		ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
		pid = spawn_sleeper(self->fd, SHMBUF_IOC_LOCK, self->at);
		start = now();
		ASSERT_EQ(0, do_unlock(self->fd, self->owner, 0));
		EXPECT_EQ(0, reap(pid));
		self->took[i] = *self->at - start;
	}
	expect_prompt(_metadata, self->took, wake * RATIO);
}

/* So early that it isn't handed over: the sleeper has to come and take it. */
TEST_F(prompt, unlock_right_after_it_fell_asleep)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	__u64 wake = time_of_a_wake(self->fd, self->at), start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pid_t pid;

		ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
		pid = spawn();
		if (!pid) {
			__u64 owner = new_owner(self->fd);

			CHECK(do_lock(self->fd, owner, 0, SHMBUF_LOCK_NOSPIN, NEVER) == 0);
			*self->at = now();
			_exit(do_unlock(self->fd, owner, 0));
		}
		while (!(read_word(&c, 0) & SHMBUF_WORD_WAITERS))
			sched_yield();
		start = now();
		ASSERT_EQ(0, do_unlock(self->fd, self->owner, 0));
		EXPECT_EQ(0, reap(pid));
		self->took[i] = *self->at - start;
	}
	expect_prompt(_metadata, self->took, wake * RATIO);
}

/* The one who was woken is killed, on this CPU before it can run. */
TEST_F(prompt, the_next_after_one_who_is_killed)
{
	struct sched_param fifo = { .sched_priority = 50 }, normal = {};
	__u64 died[ROUNDS], start;
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	for (i = 0; i < ROUNDS; i++) {
		__u64 dying = new_owner(self->fd);
		pid_t first, second;

		ASSERT_EQ(0, do_lock(self->fd, dying, 0, 0, NEVER));
		first = spawn_sleeper(self->fd, SHMBUF_IOC_LOCK, &self->at[1]);
		second = spawn_sleeper(self->fd, SHMBUF_IOC_LOCK, self->at);
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
		start = now();
		EXPECT_EQ(0, do_unregister(self->fd, dying));
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(first));
		died[i] = now() - start;
		EXPECT_EQ(0, reap(second));
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &normal));
		self->took[i] = *self->at > start ? *self->at - start : 0;
	}
	expect_prompt(_metadata, self->took, median(died) * ENDS);
}

TEST_F(prompt, unregister_and_release)
{
	__u64 wake = time_of_a_wake(self->fd, self->at), start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		int other = open_buffer(self->name, O_RDWR);
		__u64 dying = new_owner(other);
		pid_t pid;

		ASSERT_EQ(0, do_lock(self->fd, dying, 0, 0, NEVER));
		pid = spawn();
		if (!pid) {
			/* Not to hold the handle open. */
			close(other);
			pid = spawn_sleeper(self->fd, SHMBUF_IOC_LOCK, self->at);
			__atomic_store_n(&self->at[1], 1, __ATOMIC_SEQ_CST);
			_exit(reap(pid));
		}
		UNTIL(__atomic_load_n(&self->at[1], __ATOMIC_SEQ_CST));
		self->at[1] = 0;
		start = now();
		if (i % 2)
			EXPECT_EQ(0, do_unregister(other, dying));
		close(other);
		EXPECT_EQ(0, reap(pid));
		self->took[i] = *self->at - start;
	}
	expect_prompt(_metadata, self->took, wake * RATIO);
}

/* Against the time from the signal to the end of the process. */
TEST_F(prompt, death)
{
	__u64 took[ROUNDS], start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pid_t holder = spawn(), pid;

		if (!holder) {
			CHECK(do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER) == 0);
			__atomic_store_n(&self->at[1], 1, __ATOMIC_SEQ_CST);
			for (;;)
				pause();
		}
		UNTIL(__atomic_load_n(&self->at[1], __ATOMIC_SEQ_CST));
		self->at[1] = 0;
		pid = spawn_sleeper(self->fd, SHMBUF_IOC_LOCK, self->at);
		start = now();
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(holder));
		took[i] = now() - start;
		EXPECT_EQ(0, reap(pid));
		self->took[i] = *self->at > start ? *self->at - start : 0;
	}
	expect_prompt(_metadata, self->took, median(took) * ENDS);
}

/* Likewise: units with UNDO. */
TEST_F(prompt, units_of_the_dead)
{
	__u64 took[ROUNDS], start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pid_t holder = spawn(), pid;

		if (!holder) {
			CHECK(do_sem_wait(self->fd, new_owner(self->fd), SEM, 0, NEVER) == 0);
			__atomic_store_n(&self->at[1], 1, __ATOMIC_SEQ_CST);
			for (;;)
				pause();
		}
		UNTIL(__atomic_load_n(&self->at[1], __ATOMIC_SEQ_CST));
		self->at[1] = 0;
		pid = spawn();
		if (!pid) {
			CHECK(do_sem_wait(self->fd, 0, SEM, 0, NEVER) == 0);
			*self->at = now();
			_exit(do_sem_post(self->fd, 0, SEM));
		}
		UNTIL(asleep_in(pid, SHMBUF_IOC_SEM_WAIT));
		start = now();
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(holder));
		took[i] = now() - start;
		EXPECT_EQ(0, reap(pid));
		self->took[i] = *self->at > start ? *self->at - start : 0;
	}
	expect_prompt(_metadata, self->took, median(took) * ENDS);
}

/* Likewise: a party of a barrier. */
TEST_F(prompt, death_of_a_party)
{
	__u64 took[ROUNDS], start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pid_t party, pid;

		ASSERT_EQ(0, do_init(self->fd, BARRIER, 1, SHMBUF_KIND_BARRIER, 3));
		party = spawn();
		if (!party)
			_exit(do_barrier_wait(self->fd, new_owner(self->fd), BARRIER, NEVER));
		UNTIL(asleep_in(party, SHMBUF_IOC_BARRIER_WAIT));
		pid = spawn();
		if (!pid) {
			__u64 owner = new_owner(self->fd);

			CHECK(do_barrier_wait(self->fd, owner, BARRIER, NEVER) == -EOWNERDEAD);
			*self->at = now();
			_exit(0);
		}
		UNTIL(asleep_in(pid, SHMBUF_IOC_BARRIER_WAIT));
		start = now();
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(party));
		took[i] = now() - start;
		EXPECT_EQ(0, reap(pid));
		self->took[i] = *self->at > start ? *self->at - start : 0;
		ASSERT_EQ(0, do_reset(self->fd, BARRIER, 1));
	}
	expect_prompt(_metadata, self->took, median(took) * ENDS);
}

/*
 * More than the kernel wakes in one go: it doesn't wait for its next look to wake the
 * rest. Against a WAKE of as many right before, the best of the rounds of each.
 */
#define CROWD		40
#define CROWD_ROUNDS	9
#define CROWD_RATIO	4
/* Where they take turns at a lock: a look every 100 ms for each takes a thousand times as long. */
#define TURNS_RATIO	16

/* Through the lock, which each gives up by itself, as the library does. */
static int pass_lock(int fd, __u64 sequence)
{
	struct control c = map_control(fd, PROT_READ | PROT_WRITE);
	__u64 owner = new_owner(fd);
	int ret = do_wait_released(fd, owner, LOCK, 1, sequence, NEVER);

	if (!ret && !fast_unlock(&c, owner, LOCK))
		ret = do_unlock(fd, owner, LOCK);
	return ret;
}

static int sleep_in_crowd(int fd, unsigned long cmd, bool locked)
{
	__u64 sequence = ~0ULL;

	if (cmd == SHMBUF_IOC_SEM_WAIT)
		return do_sem_wait(fd, 0, SEM, 0, NEVER);
	if (cmd == SHMBUF_IOC_BARRIER_WAIT)
		return do_barrier_wait(fd, new_owner(fd), BARRIER, NEVER);
	CHECK(do_wait(fd, 1, &sequence, NEVER) == 0);
	return locked ? pass_lock(fd, sequence) : do_wait(fd, 1, &sequence, NEVER);
}

/* Asleep; each says at @at when it is back, and stays. */
static void spawn_crowd(int fd, unsigned long cmd, bool locked, int ret, __u64 *at, pid_t *pids)
{
	int i;

	for (i = 0; i < CROWD; i++) {
		at[i] = 0;
		pids[i] = spawn();
		if (pids[i])
			continue;
		CHECK(sleep_in_crowd(fd, cmd, locked) == ret);
		__atomic_store_n(&at[i], now(), __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	for (i = 0; i < CROWD; i++)
		UNTIL(asleep_in(pids[i], cmd));
}

/* When the last of them came back. */
static __u64 end_crowd(const __u64 *at, const pid_t *pids)
{
	__u64 last = 0;
	int i;

	for (i = 0; i < CROWD; i++) {
		UNTIL(__atomic_load_n(&at[i], __ATOMIC_SEQ_CST));
		if (at[i] > last)
			last = at[i];
	}
	for (i = 0; i < CROWD; i++)
		kill_and_reap(pids[i]);
	return last;
}

/* One who has all units, or is a party, and stays. */
static pid_t spawn_victim(int fd, unsigned long cmd, __u64 *ready)
{
	pid_t pid = spawn();
	int i;

	if (!pid) {
		__u64 owner = new_owner(fd);

		if (cmd == SHMBUF_IOC_BARRIER_WAIT)
			CHECK(do_barrier_wait(fd, owner, BARRIER, 0) == -ETIMEDOUT);
		for (i = 0; cmd == SHMBUF_IOC_SEM_WAIT && i < CROWD; i++)
			CHECK(do_sem_try(fd, owner, SEM) == 0);
		__atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(ready, __ATOMIC_SEQ_CST));
	*ready = 0;
	return pid;
}

FIXTURE(crowd)
{
	int fd;
	__u64 *at;
	pid_t pids[CROWD];
};

FIXTURE_VARIANT(crowd)
{
	unsigned long cmd;
	int ret;
	bool death;
	bool locked;
};

FIXTURE_VARIANT_ADD(crowd, units_of_the_dead) { SHMBUF_IOC_SEM_WAIT, 0, true };
FIXTURE_VARIANT_ADD(crowd, end_of_a_phase) { SHMBUF_IOC_BARRIER_WAIT, 0, false };
FIXTURE_VARIANT_ADD(crowd, death_of_a_party) { SHMBUF_IOC_BARRIER_WAIT, -EOWNERDEAD, true };
FIXTURE_VARIANT_ADD(crowd, through_a_lock) { SHMBUF_IOC_WAIT, .locked = true };

FIXTURE_SETUP(crowd)
{
	self->fd = new_buffer(NULL, 1, 1, 2);
	self->at = shared_memory(4096);
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->fd);
}

static __u64 time_of_waking_all(FIXTURE_DATA(crowd) *self)
{
	__u64 start;

	spawn_crowd(self->fd, SHMBUF_IOC_WAIT, false, 0, self->at, self->pids);
	start = now();
	if (do_wake(self->fd, 1, SHMBUF_WAKE_ALL) != CROWD)
		fatal("WAKE didn't wake all");
	return end_crowd(self->at, self->pids) - start;
}

static __u64 time_of_a_crowd(FIXTURE_DATA(crowd) *self, const FIXTURE_VARIANT(crowd) *variant,
			     __u64 owner)
{
	pid_t victim = 0;
	__u64 start;

	if (variant->death)
		victim = spawn_victim(self->fd, variant->cmd, &self->at[CROWD]);
	spawn_crowd(self->fd, variant->cmd, variant->locked, variant->ret, self->at, self->pids);
	start = now();
	if (variant->death)
		kill_and_reap(victim);
	else if (variant->locked)
		do_wake(self->fd, 1, SHMBUF_WAKE_ALL);
	else if (do_barrier_wait(self->fd, owner, BARRIER, NEVER) != 1)
		fatal("the barrier has other parties");
	return end_crowd(self->at, self->pids) - start;
}

/* What the clock can't tell apart. */
static __u64 tick(void)
{
	struct timespec ts;

	if (clock_getres(CLOCK_MONOTONIC, &ts))
		fatal("clock_getres: %s", strerror(errno));
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

TEST_F(crowd, all_at_once)
{
	__u64 wake, took, owner = new_owner(self->fd);
	__u64 least_wake = ~0ULL, least = ~0ULL;
	int i, rounds = fewer(CROWD_ROUNDS) | 1;

	for (i = 0; i < rounds; i++) {
		new_sem(self->fd, SEM, CROWD, CROWD);
		ASSERT_EQ(0, do_init(self->fd, BARRIER, 1, SHMBUF_KIND_BARRIER,
				     CROWD + 1 + variant->death));
		wake = time_of_waking_all(self);
		took = time_of_a_crowd(self, variant, owner);
		TH_LOG("%llu us, a WAKE %llu us", took / 1000, wake / 1000);
		least_wake = wake < least_wake ? wake : least_wake;
		least = took < least ? took : least;
		UNTIL(do_reset(self->fd, SEM, 2) == 0);
	}
	EXPECT_GE((least_wake + tick()) * (variant->locked ? TURNS_RATIO : CROWD_RATIO), least);
}

TEST_HARNESS_MAIN
