// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that change shared data under a lock and are killed wherever they
 * are: half-changed data never goes unnoticed, and nobody is left behind.
 * SEED= in the environment repeats a run's choices.
 */
#include "shmbuf_test.h"

#define WORKERS	4
#define KILLS	60
#define REPAIRS	10

struct shared {
	/* Equal whenever nobody holds the lock. */
	unsigned long first;
	unsigned long second;
	unsigned long repairs;
	unsigned long unnoticed;
};

FIXTURE(storm)
{
	int fd;
	struct shared *shared;
	__u64 seed;
};

FIXTURE_VARIANT(storm)
{
	__u32 flags;
	bool fast;
};

FIXTURE_VARIANT_ADD(storm, ioctl) { 0, false };
FIXTURE_VARIANT_ADD(storm, ioctl_spin) { SHMBUF_LOCK_SPIN, false };
FIXTURE_VARIANT_ADD(storm, fast) { 0, true };
FIXTURE_VARIANT_ADD(storm, fast_nospin) { SHMBUF_LOCK_NOSPIN, true };

FIXTURE_SETUP(storm)
{
	self->fd = new_buffer(NULL, 1, 0, 0);
	self->shared = map_data(self->fd, 4096);
	self->seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : now() | 1;
	TH_LOG("SEED=%#llx", self->seed);
}

FIXTURE_TEARDOWN(storm)
{
	close(self->fd);
}

static unsigned long get(const unsigned long *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void increment(unsigned long *p)
{
	int gap;

	__atomic_store_n(p, get(p) + 1, __ATOMIC_RELAXED);
	for (gap = 0; gap < 1000; gap++)
		asm volatile("" ::: "memory");
}

static void change(int fd, struct shared *s, const struct control *c, __u64 owner, __u32 flags)
{
	int ret = 0;

	if (!c->base || !fast_lock(c, owner, 0))
		ret = do_lock(fd, owner, 0, flags, NEVER);
	CHECK(ret == 0 || ret == -EOWNERDEAD);
	if (!ret && get(&s->first) != get(&s->second))
		increment(&s->unnoticed);
	if (ret) {
		increment(&s->repairs);
		__atomic_store_n(&s->second, get(&s->first), __ATOMIC_RELAXED);
		CHECK(do_consistent(fd, owner, 0) == 0);
	}
	increment(&s->first);
	increment(&s->second);
	if (!c->base || !fast_unlock(c, owner, 0))
		CHECK(do_unlock(fd, owner, 0) == 0);
}

static pid_t spawn_worker(int fd, struct shared *s, __u32 flags, bool fast)
{
	struct control c = {};
	pid_t pid = spawn();
	__u64 owner;

	if (pid)
		return pid;
	owner = new_owner(fd);
	if (fast)
		c = map_control(fd, PROT_READ | PROT_WRITE);
	for (;;)
		change(fd, s, &c, owner, flags);
}

static __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

TEST_F(storm, no_half_change_goes_unnoticed)
{
	struct shared *s = self->shared;
	struct control none = {};
	pid_t workers[WORKERS];
	unsigned long seen;
	int i, kills;

	for (i = 0; i < WORKERS; i++)
		workers[i] = spawn_worker(self->fd, s, variant->flags, variant->fast);
	for (kills = 0; kills < fewer(KILLS) || get(&s->repairs) < REPAIRS; kills++) {
		i = draw(&self->seed) % WORKERS;
		usleep(draw(&self->seed) % 3000);
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
		workers[i] = spawn_worker(self->fd, s, variant->flags, variant->fast);
	}
	/* Those who were left go on. */
	seen = get(&s->second);
	UNTIL(get(&s->second) > seen + 100);
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
	EXPECT_EQ(0, s->unnoticed);
	change(self->fd, s, &none, new_owner(self->fd), 0);
	EXPECT_EQ(s->first, s->second);
	EXPECT_LE(REPAIRS, s->repairs);
}

TEST_HARNESS_MAIN
