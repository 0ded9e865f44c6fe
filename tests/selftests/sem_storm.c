// SPDX-License-Identifier: GPL-2.0-only
/*
 * Semaphores that many use at once, are killed at, and write over: the counts are
 * right. SEED= in the environment repeats a run's choices.
 */
#include "shmbuf_test.h"

#define SEM	2

/* Never more inside than units. */

#define UNITS	3

struct inside {
	int now;
	int most;
	int rounds;
};

FIXTURE(crowd)
{
	int fd;
	struct inside *inside;
};

FIXTURE_VARIANT(crowd)
{
	int workers;
	int rounds;
	int fast;	/* of 4 times: how often by the word */
	bool undo;
};

FIXTURE_VARIANT_ADD(crowd, two_fast) { 2, 20000, 4, false };
FIXTURE_VARIANT_ADD(crowd, four_fast) { 4, 20000, 4, false };
FIXTURE_VARIANT_ADD(crowd, four_mixed) { 4, 5000, 2, false };
FIXTURE_VARIANT_ADD(crowd, sixteen_mixed) { 16, 1000, 2, false };
FIXTURE_VARIANT_ADD(crowd, four_by_ioctl) { 4, 3000, 0, false };
FIXTURE_VARIANT_ADD(crowd, four_undo) { 4, 3000, 0, true };
FIXTURE_VARIANT_ADD(crowd, sixteen_undo) { 16, 500, 0, true };

FIXTURE_SETUP(crowd)
{
	self->fd = new_buffer(NULL, 1, 1, 1);
	self->inside = map_data(self->fd, 4096);
	new_sem(self->fd, SEM, UNITS, UNITS);
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->fd);
}

static void enter_and_leave(struct inside *inside)
{
	int gap, n = __atomic_add_fetch(&inside->now, 1, __ATOMIC_SEQ_CST);
	int most = __atomic_load_n(&inside->most, __ATOMIC_SEQ_CST);

	while (n > most && !__atomic_compare_exchange_n(&inside->most, &most, n, false,
							__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	for (gap = 0; gap < 100; gap++)
		asm volatile("" ::: "memory");
	if (n == UNITS)
		sched_yield();
	__atomic_sub_fetch(&inside->now, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&inside->rounds, 1, __ATOMIC_SEQ_CST);
}

TEST_F(crowd, never_more_inside_than_units)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	pid_t pids[16];
	int i, n;

	for (i = 0; i < variant->workers; i++) {
		pids[i] = spawn();
		if (pids[i])
			continue;
		__u64 owner = variant->undo ? new_owner(self->fd) : 0;

		c = map_control(self->fd, PROT_READ | PROT_WRITE);
		for (n = 0; n < fewer(variant->rounds); n++) {
			if (n % 4 >= variant->fast || !fast_down(&c, SEM))
				CHECK(do_sem_wait(self->fd, owner, SEM, 0, now() + PATIENCE) == 0);
			enter_and_leave(self->inside);
			if ((n + 1) % 4 >= variant->fast || !fast_up(&c, SEM))
				CHECK(do_sem_post(self->fd, owner, SEM) == 0);
		}
		_exit(0);
	}
	for (i = 0; i < variant->workers; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(variant->workers * fewer(variant->rounds), self->inside->rounds);
	EXPECT_GE(UNITS, self->inside->most);
	EXPECT_EQ(shmbuf_sem_word(UNITS, UNITS, 0), read_word(&c, SEM));
}

FIXTURE(storm)
{
	char name[64];
	int fd;
	struct control c;
	__u64 owner;
	__u64 seed;
};

FIXTURE_SETUP(storm)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 3);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
	self->seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : now() | 1;
	TH_LOG("SEED=%#llx", self->seed);
}

FIXTURE_TEARDOWN(storm)
{
	close(self->fd);
}

/* Any sweep, reaping or second death after the first gives nothing more. */
static void provoke(const char *name)
{
	pid_t pid = spawn();

	if (!pid) {
		int fd = open_buffer(name, O_RDWR);

		CHECK(do_lock(fd, new_owner(fd), 0, 0, NEVER) >= -EOWNERDEAD);
		_exit(0);
	}
	reap(pid);
}

static __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define WORKERS	6
#define KILLS	150

/* Takes and gives back, one or two at a time. */
static pid_t spawn_worker(int fd, __u64 seed)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = new_owner(fd);

		for (;;) {
			int i, n = draw(&seed) % 2 + 1, got = 0;

			for (i = 0; i < n; i++) {
				__u64 end = now() + draw(&seed) % (2 * NSEC_PER_MSEC);
				int ret = do_sem_wait(fd, owner, SEM, 0, end);

				CHECK(ret == 0 || ret == -ETIMEDOUT);
				got += !ret;
			}
			for (i = 0; i < got; i++)
				CHECK(do_sem_post(fd, owner, SEM) == 0);
		}
	}
	return pid;
}

static void storm_over(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self, int units)
{
	__u64 seed = self->seed;
	pid_t workers[WORKERS];
	int i, kills;

	new_sem(self->fd, SEM, units, 0);
	for (i = 0; i < WORKERS; i++)
		workers[i] = spawn_worker(self->fd, draw(&seed));
	for (kills = 0; kills < fewer(KILLS); kills++) {
		i = draw(&seed) % WORKERS;
		usleep(draw(&seed) % 3000);
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
		EXPECT_GE(units, read_count(&self->c, SEM));
		workers[i] = spawn_worker(self->fd, draw(&seed));
	}
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
	UNTIL(read_word(&self->c, SEM) == shmbuf_sem_word(SHMBUF_SEM_MAX, units, 0));
	provoke(self->name);
	EXPECT_EQ(shmbuf_sem_word(SHMBUF_SEM_MAX, units, 0), read_word(&self->c, SEM));
	EXPECT_EQ(0, do_reset(self->fd, SEM, 1));
}

/* The most is far away: a unit too many would show. */
TEST_F(storm, storm_of_kills)
{
	storm_over(_metadata, self, 4);
}

TEST_F(storm, storm_for_one_unit)
{
	storm_over(_metadata, self, 1);
}

/* Posts by the word beside, and a peer that writes what it likes. */
TEST_F(storm, vandal_among_workers)
{
	__u64 seed = self->seed;
	int quiet = new_buffer(NULL, 1, 1, 1), i, kills;
	pid_t vandal, workers[WORKERS];

	new_sem(self->fd, SEM, UNITS, UNITS);
	new_sem(quiet, SEM, 1, 1);
	vandal = spawn();
	if (!vandal)
		self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	for (; !vandal;) {
		write_word(&self->c, SEM, draw(&seed) % 2 ? draw(&seed) :
			   shmbuf_sem_word(draw(&seed) % 4, draw(&seed) % 8, draw(&seed) % 2));
		usleep(draw(&seed) % 200);
	}
	for (i = 0; i < WORKERS; i++) {
		workers[i] = spawn();
		if (workers[i])
			continue;
		__u64 owner = new_owner(self->fd), s = seed + i;

		self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
		for (;;) {
			__u64 end = now() + draw(&s) % NSEC_PER_MSEC;

			do_sem_wait(self->fd, draw(&s) % 2 ? owner : 0, SEM, 0,
				    draw(&s) % 50 ? end : NEVER);
			do_sem_post(self->fd, draw(&s) % 2 ? owner : 0, SEM);
			if (draw(&s) % 16 == 0)
				do_reset(self->fd, SEM, 1);
			if (draw(&s) % 16 == 0)
				do_init(self->fd, SEM, 1, SHMBUF_KIND_SEMAPHORE, 3);
			fast_up(&self->c, SEM);
		}
	}
	for (kills = 0; kills < fewer(60); kills++) {
		usleep(draw(&seed) % 5000);
		i = draw(&seed) % WORKERS;
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
		workers[i] = spawn();
		if (!workers[i]) {
			__u64 owner = new_owner(self->fd);

			for (;;) {
				do_sem_wait(self->fd, owner, SEM, 0, now() + NSEC_PER_MSEC);
				do_sem_post(self->fd, owner, SEM);
			}
		}
		EXPECT_EQ(0, do_sem_wait(quiet, 0, SEM, 0, NEVER));
		EXPECT_EQ(0, do_sem_post(quiet, 0, SEM));
	}
	kill_and_reap(vandal);
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
	/* It can be made whole again. */
	write_word(&self->c, SEM, SHMBUF_WORD_UNUSED);
	do_reset(self->fd, SEM, 1);
	new_sem(self->fd, SEM, 2, 2);
	EXPECT_EQ(0, do_sem_try(self->fd, self->owner, SEM));
	EXPECT_EQ(0, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(2, read_count(&self->c, SEM));
}

TEST_HARNESS_MAIN
