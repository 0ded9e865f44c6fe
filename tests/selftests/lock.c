// SPDX-License-Identifier: GPL-2.0-only
/* LOCK, UNLOCK: who gets it, when, what interrupts it, and that it excludes. */
#include "shmbuf_test.h"
#include <pthread.h>

#define TRY	SHMBUF_LOCK_TRY
#define SPIN	SHMBUF_LOCK_SPIN
#define NOSPIN	SHMBUF_LOCK_NOSPIN
#define INTR	SHMBUF_LOCK_INTERRUPTIBLE

FIXTURE(lock)
{
	int fd;
	__u64 owner;
};

FIXTURE_SETUP(lock)
{
	self->fd = new_buffer(NULL, 4, 0, 0);
	self->owner = new_owner(self->fd);
}

FIXTURE_TEARDOWN(lock)
{
	close(self->fd);
}

static pid_t spawn_locker(int fd, __u32 flags, __u64 deadline, int expected)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = new_owner(fd);

		CHECK(do_lock(fd, owner, 0, flags, deadline) == expected);
		if (!expected)
			CHECK(do_unlock(fd, owner, 0) == 0);
		_exit(0);
	}
	return pid;
}

TEST_F(lock, uncontended)
{
	int i;

	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, SPIN, NEVER));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, NOSPIN | INTR, NEVER));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	}
}

TEST_F(lock, flags)
{
	EXPECT_EQ(-EINVAL, do_lock(self->fd, self->owner, 0, SPIN | NOSPIN, NEVER));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, TRY | INTR, 0));
	EXPECT_EQ(-EOPNOTSUPP, do_lock(self->fd, self->owner, 1, 1U << 6, NEVER));
	EXPECT_EQ(-EOPNOTSUPP, do_lock(self->fd, self->owner, 1, 1U << 31, NEVER));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 1));
}

TEST_F(lock, held_by_oneself)
{
	__u64 second = new_owner(self->fd);

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 0, SPIN, NEVER));
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 0, 0, 0));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
	/* An owner is an id, not a process. */
	EXPECT_NE(self->owner, second);
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, second, 0));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, second, 0));
	EXPECT_EQ(0, do_lock(self->fd, second, 1, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, second, 1));
}

TEST_F(lock, not_held)
{
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(-EPERM, do_consistent(self->fd, self->owner, 0));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 1));
	EXPECT_EQ(-EINVAL, do_consistent(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
}

static void expect_powerless(int fd, __u64 owner)
{
	CHECK(do_lock(fd, owner, 1, 0, NEVER) == -EPERM);
	CHECK(do_trylock(fd, owner, 1) == -EPERM);
	CHECK(do_unlock(fd, owner, 0) == -EPERM);
	CHECK(do_consistent(fd, owner, 0) == -EPERM);
	CHECK(do_unregister(fd, owner) == -EPERM);
}

TEST_F(lock, ids_of_others_and_of_nobody)
{
	__u64 gone = new_owner(self->fd), *theirs = shared_memory(4096);
	pid_t pid;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_unregister(self->fd, gone));
	EXPECT_EQ(-EPERM, do_unregister(self->fd, gone));
	expect_powerless(self->fd, gone);
	expect_powerless(self->fd, 0);
	expect_powerless(self->fd, ~0ULL);
	expect_powerless(self->fd, self->owner + (1ULL << SHMBUF_OWNER_SLOT_BITS));
	expect_powerless(self->fd, self->owner + 1);
	expect_powerless(self->fd, self->owner | SHMBUF_WORD_WAITERS);
	expect_powerless(self->fd, self->owner | SHMBUF_WORD_OWNER_DIED);
	/* A child of fork owns nothing; its parent can't use the child's. */
	pid = spawn();
	if (!pid) {
		expect_powerless(self->fd, self->owner);
		*theirs = new_owner(self->fd);
		CHECK(do_trylock(self->fd, *theirs, 0) == -EBUSY);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(theirs, __ATOMIC_SEQ_CST));
	expect_powerless(self->fd, *theirs);
	kill_and_reap(pid);
	expect_powerless(self->fd, *theirs);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
}

struct in_thread {
	int fd, ret;
	__u64 owner;
};

static void *lock_in_thread(void *arg)
{
	struct in_thread *t = arg;

	t->ret = do_lock(t->fd, t->owner, 0, 0, NEVER) ?: do_unlock(t->fd, t->owner, 0);
	return NULL;
}

static int by_another_thread(int fd, __u64 owner)
{
	struct in_thread t = { .fd = fd, .owner = owner };
	pthread_t thread;

	if (pthread_create(&thread, NULL, lock_in_thread, &t) || pthread_join(thread, NULL))
		fatal("no thread");
	return t.ret;
}

TEST_F(lock, thread_bound_and_process_bound)
{
	__u64 owner;

	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &owner));
	EXPECT_EQ(-EPERM, by_another_thread(self->fd, self->owner));
	EXPECT_EQ(0, by_another_thread(self->fd, owner));
	EXPECT_EQ(0, do_lock(self->fd, owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, owner, 0));
	EXPECT_EQ(0, do_unregister(self->fd, owner));
	EXPECT_EQ(-EPERM, by_another_thread(self->fd, owner));
}

TEST_F(lock, deadlines)
{
	pid_t pid;
	__u64 end;

	/* Free: the deadline isn't looked at. */
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, 0, 0));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 1, 0, 1));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 2, SPIN, now() - 1));
	pid = spawn();
	if (!pid) {
		__u64 owner = new_owner(self->fd);

		CHECK(do_lock(self->fd, owner, 0, 0, 0) == -ETIMEDOUT);
		CHECK(do_lock(self->fd, owner, 0, 0, now()) == -ETIMEDOUT);
		CHECK(do_lock(self->fd, owner, 0, SPIN, 1) == -ETIMEDOUT);
		CHECK(do_lock(self->fd, owner, 0, TRY, 1) == -EBUSY);
		end = now() + 30 * NSEC_PER_MSEC;
		CHECK(do_lock(self->fd, owner, 0, 0, end) == -ETIMEDOUT && now() >= end);
		end = now() + 30 * NSEC_PER_MSEC;
		CHECK(do_lock(self->fd, owner, 0, NOSPIN, end) == -ETIMEDOUT && now() >= end);
		end = now() + 30 * NSEC_PER_MSEC;
		CHECK(do_lock(self->fd, owner, 0, SPIN, end) == -ETIMEDOUT && now() >= end);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	/* Nobody is left in the queue. */
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
	/* Far away is not overflowed into the past. */
	pid = spawn_locker(self->fd, NOSPIN, NEVER - 1, 0);
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(lock, waits_until_it_is_released)
{
	static const __u32 flags[] = { 0, NOSPIN, INTR, NOSPIN | INTR };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		pid_t pid;

		ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
		pid = spawn_locker(self->fd, flags[i], NEVER, 0);
		UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
		EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		EXPECT_EQ(0, reap(pid));
	}
}

/* A release that doesn't see the sleeper would leave it asleep. */
TEST_F(lock, word_with_a_sleeper_is_the_kernels)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	pid_t pid;

	ASSERT_EQ(true, fast_lock(&c, self->owner, 0));
	EXPECT_EQ(self->owner, read_word(&c, 0));
	pid = spawn_locker(self->fd, 0, NEVER, 0);
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	EXPECT_EQ(self->owner | SHMBUF_WORD_WAITERS, read_word(&c, 0));
	EXPECT_EQ(false, fast_unlock(&c, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, read_word(&c, 0));
	ASSERT_EQ(true, fast_lock(&c, self->owner, 0));
	EXPECT_EQ(true, fast_unlock(&c, self->owner, 0));
}

TEST_F(lock, spin_only_never_sleeps)
{
	int seen_asleep = 0;
	pid_t pid;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	pid = spawn_locker(self->fd, SPIN, NEVER, 0);
	UNTIL((seen_asleep += asleep_in(pid, SHMBUF_IOC_LOCK), kernel_ticks(pid) >= 5));
	EXPECT_EQ(0, seen_asleep);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	pid = spawn_locker(self->fd, SPIN, NEVER, 0);
	UNTIL(kernel_ticks(pid) >= 2);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
}

static int *signals_seen;

static void count_signal(int sig)
{
	(void)sig;
	__atomic_add_fetch(signals_seen, 1, __ATOMIC_SEQ_CST);
}

static void handle_signals(int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

	CHECK(!sigaction(SIGUSR1, &action, NULL));
}

FIXTURE(signals)
{
	int fd;
	__u64 owner;
};

FIXTURE_VARIANT(signals)
{
	int sa_flags;
	__u32 lock_flags;
};

FIXTURE_VARIANT_ADD(signals, plain) { 0, 0 };
FIXTURE_VARIANT_ADD(signals, restart) { SA_RESTART, 0 };
FIXTURE_VARIANT_ADD(signals, nospin) { 0, NOSPIN };
FIXTURE_VARIANT_ADD(signals, spin) { 0, SPIN };
FIXTURE_VARIANT_ADD(signals, interruptible) { 0, INTR };
FIXTURE_VARIANT_ADD(signals, interruptible_restart) { SA_RESTART, INTR };
FIXTURE_VARIANT_ADD(signals, interruptible_spin) { 0, INTR | SPIN };

FIXTURE_SETUP(signals)
{
	self->fd = new_buffer(NULL, 1, 0, 0);
	self->owner = new_owner(self->fd);
	signals_seen = shared_memory(4096);
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
}

FIXTURE_TEARDOWN(signals)
{
	close(self->fd);
}

TEST_F(signals, during_lock)
{
	bool eintr = variant->lock_flags & INTR, spins = variant->lock_flags & SPIN;
	int *asks = signals_seen + 1, i;
	unsigned long ticks;
	pid_t pid;

	pid = spawn();
	if (!pid) {
		__u64 owner = new_owner(self->fd);

		handle_signals(variant->sa_flags);
		__atomic_store_n(asks, 1, __ATOMIC_SEQ_CST);
		CHECK(do_lock(self->fd, owner, 0, variant->lock_flags, NEVER) ==
		      (eintr ? -EINTR : 0));
		_exit(eintr ? 0 : do_unlock(self->fd, owner, 0));
	}
	UNTIL(__atomic_load_n(asks, __ATOMIC_SEQ_CST));
	for (i = 1; i <= (eintr ? 1 : 5); i++) {
		ticks = kernel_ticks(pid);
		UNTIL(spins ? kernel_ticks(pid) >= ticks + 2 :
		      asleep_in(pid, SHMBUF_IOC_LOCK));
		kill(pid, SIGUSR1);
		/* The handler runs while the lock is still ours. */
		UNTIL(__atomic_load_n(signals_seen, __ATOMIC_SEQ_CST) == i);
	}
	if (eintr)
		EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	if (!eintr)
		EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

/* A deadline is absolute: signals don't put it off. */
TEST_F(signals, do_not_move_the_deadline)
{
	int *ready = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = new_owner(self->fd), end = now() + 200 * NSEC_PER_MSEC;
		int ret;

		handle_signals(variant->sa_flags);
		__atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
		do
			ret = do_lock(self->fd, owner, 0, variant->lock_flags, end);
		while (ret == -EINTR);
		CHECK(ret == -ETIMEDOUT && now() >= end);
		_exit(0);
	}
	UNTIL(__atomic_load_n(ready, __ATOMIC_SEQ_CST));
	UNTIL((kill(pid, SIGUSR1), ended(pid)));
	EXPECT_EQ(0, reap(pid));
	EXPECT_LT(0, *signals_seen);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

TEST_F(lock, killed_waiters_leave_nothing)
{
	pid_t pids[4];
	int i;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	for (i = 0; i < 4; i++) {
		pids[i] = spawn_locker(self->fd, NOSPIN, NEVER, 0);
		UNTIL(asleep_in(pids[i], SHMBUF_IOC_LOCK));
	}
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[0]));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[2]));
	EXPECT_EQ(0, waitpid(pids[1], NULL, WNOHANG));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pids[1]));
	EXPECT_EQ(0, reap(pids[3]));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

static void pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(pid, sizeof(set), &set))
		fatal("sched_setaffinity: %s", strerror(errno));
}

/*
 * Killed between being given the lock and returning with it: the waiter shares
 * a CPU with one who has precedence, so it can't return before it is killed.
 */
TEST_F(lock, killed_after_it_was_granted)
{
	struct sched_param fifo = { .sched_priority = 50 };
	pid_t first, second;
	int i;

	pin(0, 0);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
		first = spawn_locker(self->fd, NOSPIN, NEVER, 0);
		UNTIL(asleep_in(first, SHMBUF_IOC_LOCK));
		second = spawn_locker(self->fd, NOSPIN, NEVER, 0);
		UNTIL(asleep_in(second, SHMBUF_IOC_LOCK));
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		kill(first, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, reap(first));
		/* It never held it: nobody hears of a death. */
		EXPECT_EQ(0, reap(second));
		fifo.sched_priority = 0;
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &fifo));
		fifo.sched_priority = 50;
		EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	}
}

FIXTURE(counter)
{
	int fd;
	unsigned long *data;
};

FIXTURE_VARIANT(counter)
{
	int processes;
	__u32 flags;
	bool fast;
};

FIXTURE_VARIANT_ADD(counter, ioctl_2) { 2, 0, false };
FIXTURE_VARIANT_ADD(counter, ioctl_4) { 4, 0, false };
FIXTURE_VARIANT_ADD(counter, ioctl_8) { 8, 0, false };
FIXTURE_VARIANT_ADD(counter, ioctl_16) { 16, 0, false };
FIXTURE_VARIANT_ADD(counter, nospin_4) { 4, NOSPIN, false };
FIXTURE_VARIANT_ADD(counter, spin_2) { 2, SPIN, false };
FIXTURE_VARIANT_ADD(counter, fast_2) { 2, 0, true };
FIXTURE_VARIANT_ADD(counter, fast_4) { 4, 0, true };
FIXTURE_VARIANT_ADD(counter, fast_8) { 8, NOSPIN, true };
FIXTURE_VARIANT_ADD(counter, fast_16) { 16, 0, true };

FIXTURE_SETUP(counter)
{
	self->fd = new_buffer(NULL, 1, 0, 0);
	self->data = map_data(self->fd, 4096);
}

FIXTURE_TEARDOWN(counter)
{
	close(self->fd);
}

static void enter(int fd, __u64 owner, const struct control *c, __u32 flags)
{
	if (!c->base || !fast_lock(c, owner, 0))
		CHECK(do_lock(fd, owner, 0, flags, NEVER) == 0);
}

static void leave(int fd, __u64 owner, const struct control *c)
{
	if (!c->base || !fast_unlock(c, owner, 0))
		CHECK(do_unlock(fd, owner, 0) == 0);
}

static void count(int fd, unsigned long *data, long rounds, __u32 flags, bool fast)
{
	__u64 owner = new_owner(fd);
	struct control c = {};
	int gap;

	if (fast)
		c = map_control(fd, PROT_READ | PROT_WRITE);
	while (rounds--) {
		unsigned long old;

		enter(fd, owner, &c, flags);
		/* No atomic addition: only the lock can make this right. */
		old = __atomic_load_n(data, __ATOMIC_RELAXED);
		for (gap = 0; gap < 20; gap++)
			asm volatile("" ::: "memory");
		__atomic_store_n(data, old + 1, __ATOMIC_RELAXED);
		leave(fd, owner, &c);
	}
}

TEST_F(counter, comes_out_right)
{
	long rounds = fewer(variant->fast ? 64000 : 16000) / variant->processes;
	pid_t pids[16];
	int i;

	for (i = 0; i < variant->processes; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			count(self->fd, self->data, rounds, variant->flags, variant->fast);
			_exit(0);
		}
	}
	for (i = 0; i < variant->processes; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(rounds * variant->processes, self->data[0]);
}

TEST_HARNESS_MAIN
