// SPDX-License-Identifier: GPL-2.0-only
/*
 * WAIT with LOCK and RELEASED: the caller gave the lock up in user space. What cond.c says of
 * WAIT with LOCK is true of it as well; here is what is different.
 */
#include "shmbuf_test.h"

#include <sched.h>

enum { LOCK, OTHER, QUEUE };

FIXTURE(cond_released)
{
	int fd;
	struct control c;
	__u64 owner;
	int *shared;
};

FIXTURE_SETUP(cond_released)
{
	self->fd = new_buffer(NULL, 2, 1, 0);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
	self->shared = shared_memory(4096);
}

FIXTURE_TEARDOWN(cond_released)
{
	close(self->fd);
}

static __u64 lock_word(const FIXTURE_DATA(cond_released) *self)
{
	return read_word(&self->c, LOCK);
}

static int wait_released(const FIXTURE_DATA(cond_released) *self, __u64 sequence, __u64 deadline)
{
	return do_wait_released(self->fd, self->owner, LOCK, QUEUE, sequence, deadline);
}

/* A child that takes the lock, and by a signal dies with it. */
static pid_t spawn_holder(FIXTURE_DATA(cond_released) *self)
{
	pid_t pid = spawn();

	if (!pid) {
		CHECK(do_lock(self->fd, new_owner(self->fd), LOCK, 0, NEVER) == 0);
		__atomic_store_n(&self->shared[0], 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(&self->shared[0], __ATOMIC_SEQ_CST));
	return pid;
}

/* What was woken for since the sequence was read isn't slept through. */
TEST_F(cond_released, a_stale_sequence_takes_the_lock)
{
	EXPECT_EQ(0, do_wake(self->fd, QUEUE, 1));
	EXPECT_EQ(0, wait_released(self, 0, NEVER));
	EXPECT_EQ(self->owner, lock_word(self));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, wait_released(self, ~0ULL, 0));
	EXPECT_EQ(self->owner, lock_word(self));
	EXPECT_EQ(0, read_word(&self->c, QUEUE) & SHMBUF_WORD_WAITERS);
}

TEST_F(cond_released, the_deadline_takes_the_lock)
{
	EXPECT_EQ(SHMBUF_WAITED_TIMEDOUT, wait_released(self, 0, 0));
	EXPECT_EQ(self->owner, lock_word(self));
	EXPECT_EQ(0, read_word(&self->c, QUEUE) & SHMBUF_WORD_WAITERS);
}

TEST_F(cond_released, a_stale_sequence_waits_for_the_lock)
{
	pid_t holder = spawn_holder(self), pid;

	EXPECT_EQ(0, do_wake(self->fd, QUEUE, 1));
	pid = spawn();
	if (!pid) {
		CHECK(do_wait_released(self->fd, new_owner(self->fd), LOCK, QUEUE, 0, 0) ==
		      SHMBUF_WAITED_OWNERDEAD);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	kill_and_reap(holder);
	EXPECT_EQ(0, reap(pid));
}

TEST_F(cond_released, a_death_is_told)
{
	kill_and_reap(spawn_holder(self));
	EXPECT_EQ(SHMBUF_WAITED_TIMEDOUT | SHMBUF_WAITED_OWNERDEAD, wait_released(self, 0, 0));
	EXPECT_EQ(self->owner | SHMBUF_WORD_OWNER_DIED, lock_word(self));
	EXPECT_EQ(0, do_consistent(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
}

TEST_F(cond_released, a_lock_that_is_lost)
{
	kill_and_reap(spawn_holder(self));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	EXPECT_EQ(-ENOTRECOVERABLE, wait_released(self, 0, 0));
}

TEST_F(cond_released, peers_have_died_or_gone)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .index = QUEUE, .lock = LOCK, .deadline = NEVER,
		.flags = SHMBUF_WAIT_LOCK | SHMBUF_WAIT_RELEASED | SHMBUF_WAIT_PEERS,
		.owner = self->owner, .deaths = 7,
	};

	EXPECT_EQ(SHMBUF_WAITED_PEERDEAD, call(self->fd, SHMBUF_IOC_WAIT, &arg));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	arg.deaths = ~0ULL;
	EXPECT_EQ(SHMBUF_WAITED_ALONE, call(self->fd, SHMBUF_IOC_WAIT, &arg));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	kill_and_reap(spawn_holder(self));
	EXPECT_EQ(SHMBUF_WAITED_ALONE | SHMBUF_WAITED_OWNERDEAD,
		  call(self->fd, SHMBUF_IOC_WAIT, &arg));
}

/* Who has the lock in spite of what it says can't get it. */
TEST_F(cond_released, still_held)
{
	ASSERT_EQ(0, do_lock(self->fd, self->owner, LOCK, 0, NEVER));
	EXPECT_EQ(-ENOTRECOVERABLE, wait_released(self, 0, 0));
	EXPECT_EQ(self->owner, lock_word(self));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	ASSERT_EQ(0, do_read(self->fd, self->owner, LOCK, 0, NEVER));
	EXPECT_EQ(-ENOTRECOVERABLE, wait_released(self, 0, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, lock_word(self));
}

/* After an error the lock isn't held. */
TEST_F(cond_released, wrong_arguments)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .index = QUEUE, .flags = SHMBUF_WAIT_RELEASED,
		.deadline = NEVER, .sequence = ~0ULL,
	};
	int fd = self->fd;

	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.flags |= SHMBUF_WAIT_PEERS;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	EXPECT_EQ(-EPERM, do_wait_released(fd, 0, LOCK, QUEUE, 0, NEVER));
	EXPECT_EQ(-EPERM, do_wait_released(fd, self->owner + 1, LOCK, QUEUE, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_wait_released(fd, self->owner, QUEUE, QUEUE, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_wait_released(fd, self->owner, QUEUE + 1, QUEUE, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_wait_released(fd, self->owner, ~0U, QUEUE, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_wait_released(fd, self->owner, LOCK, OTHER, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_wait_released(fd, self->owner, LOCK, QUEUE + 1, 0, NEVER));
	EXPECT_EQ(0, lock_word(self));
	EXPECT_EQ(0, read_word(&self->c, QUEUE) & SHMBUF_WORD_WAITERS);
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/*
 * All are woken at once and want the lock, which they give up in user space: each gets it, on
 * whatever CPU it is.
 */
TEST_F(cond_released, a_crowd_goes_through)
{
	enum { CROWD = 40, TIMES = 20 };
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), i, n;
	pid_t pids[CROWD];

	for (i = 0; i < CROWD; i++) {
		pids[i] = spawn();
		if (pids[i])
			continue;
		pin_to(i < CROWD / 2 ? 0 : cpus - 1);
		self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
		self->owner = new_owner(self->fd);
		CHECK(do_lock(self->fd, self->owner, LOCK, 0, NEVER) == 0);
		for (n = 0; n < TIMES; n++) {
			__u64 sequence = read_sequence(&self->c, QUEUE);

			self->shared[1]++;
			if (fast_unlock(&self->c, self->owner, LOCK))
				CHECK(wait_released(self, sequence, NEVER) == 0);
			else
				CHECK(do_wait_locked(self->fd, self->owner, LOCK, QUEUE,
						     sequence, NEVER) == 0);
			CHECK(shmbuf_lock_word_owner(lock_word(self)) == self->owner);
		}
		CHECK(do_unlock(self->fd, self->owner, LOCK) == 0);
		_exit(0);
	}
	for (n = 1; n <= TIMES; n++) {
		UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST) == n * CROWD);
		for (i = 0; i < CROWD; i++)
			UNTIL(asleep_in(pids[i], SHMBUF_IOC_WAIT));
		EXPECT_EQ(CROWD, do_wake(self->fd, QUEUE, SHMBUF_WAKE_ALL));
	}
	for (i = 0; i < CROWD; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(0, lock_word(self));
}

TEST_HARNESS_MAIN
