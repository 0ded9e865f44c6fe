// SPDX-License-Identifier: GPL-2.0-only
/*
 * WAIT with LOCK: sleeping on a queue for a condition that a lock protects. That no wake
 * is lost, that who comes back has the lock, and who it is that died.
 */
#include "shmbuf_test.h"

#define LOCKS	40
#define QUEUES	40

/*
 * Where queue and lock stand to each other: whose part of the module comes first; and whether
 * sleepers give the lock up themselves, if they can.
 */
FIXTURE(cond)
{
	char name[64];
	int fd;
	struct control c;
	__u64 owner;
	__u32 lock;
	__u32 queue;
	bool released;
	int *shared;	/* [0]: how many came back; then who, in order */
};

FIXTURE_VARIANT(cond)
{
	__u32 lock;
	__u32 queue;
	bool released;
};

/* Objects share a part of the module where their indexes differ by a multiple of 32. */
FIXTURE_VARIANT_ADD(cond, lock_first) { 3, 64 + 5 };
FIXTURE_VARIANT_ADD(cond, queue_first) { 5, 64 + 3 };
FIXTURE_VARIANT_ADD(cond, together) { 5, 64 + 5 };
FIXTURE_VARIANT_ADD(cond, lock_first_released) { 3, 64 + 5, .released = true };
FIXTURE_VARIANT_ADD(cond, queue_first_released) { 5, 64 + 3, .released = true };

FIXTURE_SETUP(cond)
{
	self->fd = new_buffer(new_name(self->name), LOCKS, QUEUES, 0);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
	self->lock = variant->lock;
	self->queue = variant->queue;
	self->released = variant->released;
	self->shared = shared_memory(4096);
}

FIXTURE_TEARDOWN(cond)
{
	close(self->fd);
}

static int back(const FIXTURE_DATA(cond) *self)
{
	return __atomic_load_n(&self->shared[0], __ATOMIC_SEQ_CST);
}

static int lock(const FIXTURE_DATA(cond) *self, __u64 owner)
{
	if (fast_lock(&self->c, owner, self->lock))
		return 0;
	return do_lock(self->fd, owner, self->lock, 0, NEVER);
}

static int unlock(const FIXTURE_DATA(cond) *self, __u64 owner)
{
	if (fast_unlock(&self->c, owner, self->lock))
		return 0;
	return do_unlock(self->fd, owner, self->lock);
}

static int wake(const FIXTURE_DATA(cond) *self, __u32 count)
{
	return do_wake(self->fd, self->queue, count);
}

static int sleep_on(const FIXTURE_DATA(cond) *self, __u64 owner, __u64 deadline)
{
	__u64 sequence = read_sequence(&self->c, self->queue);

	if (self->released && fast_unlock(&self->c, owner, self->lock))
		return do_wait_released(self->fd, owner, self->lock, self->queue, sequence,
					deadline);
	return do_wait_locked(self->fd, owner, self->lock, self->queue, sequence, deadline);
}

/* A mapping of the control area isn't inherited. */
static __u64 in_child(FIXTURE_DATA(cond) *self)
{
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	return new_owner(self->fd);
}

/*
 * A child that sleeps, expects @ret, and leaves @who in the list, which the lock
 * protects. It is the only one that is awake.
 */
static pid_t spawn_sleeper_until(FIXTURE_DATA(cond) *self, int who, __u64 deadline, int ret)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = in_child(self);

		CHECK(lock(self, owner) == 0);
		CHECK(sleep_on(self, owner, deadline) == ret);
		CHECK(shmbuf_lock_word_owner(read_word(&self->c, self->lock)) == owner);
		if (ret & SHMBUF_WAITED_OWNERDEAD)
			CHECK(do_consistent(self->fd, owner, self->lock) == 0);
		self->shared[1 + self->shared[0]] = who;
		__atomic_store_n(&self->shared[0], self->shared[0] + 1, __ATOMIC_SEQ_CST);
		CHECK(unlock(self, owner) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	return pid;
}

static pid_t spawn_sleeper(FIXTURE_DATA(cond) *self, int who)
{
	return spawn_sleeper_until(self, who, NEVER, 0);
}

TEST_F(cond, the_lock_is_free_meanwhile)
{
	pid_t pid = spawn_sleeper(self, 7);

	EXPECT_EQ(0, read_word(&self->c, self->lock));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, self->lock));
	EXPECT_EQ(0, unlock(self, self->owner));
	EXPECT_EQ(1, wake(self, 1));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(7, self->shared[1]);
	EXPECT_EQ(0, read_word(&self->c, self->lock));
	EXPECT_EQ(0, wake(self, SHMBUF_WAKE_ALL));
}

TEST_F(cond, a_stale_sequence_keeps_the_lock)
{
	ASSERT_EQ(0, lock(self, self->owner));
	EXPECT_EQ(0, wake(self, 1));
	EXPECT_EQ(0, do_wait_locked(self->fd, self->owner, self->lock, self->queue, 0, NEVER));
	EXPECT_EQ(0, do_wait_locked(self->fd, self->owner, self->lock, self->queue, ~0ULL, 0));
	EXPECT_EQ(self->owner, read_word(&self->c, self->lock));
	EXPECT_EQ(0, unlock(self, self->owner));
	/* Not to him who hasn't got it. */
	EXPECT_EQ(-EPERM, do_wait_locked(self->fd, self->owner, self->lock, self->queue, 0,
					 NEVER));
}

/* Who slept gets the lock, and meanwhile is asleep in the call: nobody is woken for nothing. */
TEST_F(cond, wake_moves_sleepers_to_the_lock)
{
	pid_t pids[8];
	int i;

	for (i = 0; i < 8; i++)
		pids[i] = spawn_sleeper(self, i);
	ASSERT_EQ(0, lock(self, self->owner));
	EXPECT_EQ(8, wake(self, SHMBUF_WAKE_ALL));
	EXPECT_NE(0, read_word(&self->c, self->lock) & SHMBUF_WORD_WAITERS);
	EXPECT_EQ(0, read_word(&self->c, self->queue) & SHMBUF_WORD_WAITERS);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(true, asleep_in(pids[i], SHMBUF_IOC_WAIT));
	EXPECT_EQ(0, wake(self, SHMBUF_WAKE_ALL));
	EXPECT_EQ(0, back(self));
	EXPECT_EQ(0, unlock(self, self->owner));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(8, back(self));
	EXPECT_EQ(0, read_word(&self->c, self->lock));
}

/* Being moved doesn't wake. */
TEST_F(cond, moved_sleepers_sleep_on)
{
	char path[64], line[128];
	long switches = 0;
	pid_t pid = spawn_sleeper(self, 1);
	FILE *f;
	int i;

	for (i = 0; i < 2; i++) {
		long seen = -1;

		if (i) {
			ASSERT_EQ(0, lock(self, self->owner));
			EXPECT_EQ(1, wake(self, 1));
			usleep(20000);
		}
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		f = fopen(path, "r");
		ASSERT_NE(NULL, f);
		while (fgets(line, sizeof(line), f))
			sscanf(line, "voluntary_ctxt_switches: %ld", &seen);
		fclose(f);
		EXPECT_NE(-1, seen);
		if (i)
			EXPECT_EQ(switches, seen);
		switches = seen;
	}
	EXPECT_EQ(0, unlock(self, self->owner));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(cond, broadcast_while_the_lock_is_free)
{
	pid_t pids[20];
	int i;

	for (i = 0; i < 20; i++)
		pids[i] = spawn_sleeper(self, i);
	EXPECT_EQ(20, wake(self, SHMBUF_WAKE_ALL));
	for (i = 0; i < 20; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(20, back(self));
}

TEST_F(cond, first_come_first_woken)
{
	pid_t pids[4];
	int i;

	for (i = 0; i < 4; i++)
		pids[i] = spawn_sleeper(self, i);
	EXPECT_EQ(2, wake(self, 2));
	UNTIL(back(self) == 2);
	EXPECT_EQ(0, reap(pids[0]));
	EXPECT_EQ(0, reap(pids[1]));
	EXPECT_EQ(true, asleep_in(pids[2], SHMBUF_IOC_WAIT));
	EXPECT_EQ(true, asleep_in(pids[3], SHMBUF_IOC_WAIT));
	EXPECT_EQ(2, wake(self, 3));
	EXPECT_EQ(0, reap(pids[2]));
	EXPECT_EQ(0, reap(pids[3]));
}

/* Sleepers with and without a lock, and with another lock, on one queue. */
TEST_F(cond, all_sorts_of_sleepers)
{
	FIXTURE_DATA(cond) other = *self;
	pid_t pids[3];
	int i;

	other.lock = self->lock + 1;
	pids[0] = spawn_sleeper(self, 1);
	pids[1] = spawn();
	if (!pids[1]) {
		__u64 sequence = 0;

		CHECK(do_wait(self->fd, self->queue, &sequence, NEVER) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pids[1], SHMBUF_IOC_WAIT));
	pids[2] = spawn_sleeper(&other, 2);
	EXPECT_EQ(3, wake(self, 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(2, back(self));
}

TEST_F(cond, the_deadline_passes)
{
	__u64 end = now() + 30 * NSEC_PER_MSEC;

	ASSERT_EQ(0, lock(self, self->owner));
	EXPECT_EQ(SHMBUF_WAITED_TIMEDOUT, sleep_on(self, self->owner, end));
	EXPECT_LE(end, now());
	EXPECT_EQ(self->owner, read_word(&self->c, self->lock));
	EXPECT_EQ(SHMBUF_WAITED_TIMEDOUT, sleep_on(self, self->owner, 0));
	EXPECT_EQ(self->owner, read_word(&self->c, self->lock));
	EXPECT_EQ(0, wake(self, 1));
	EXPECT_EQ(0, unlock(self, self->owner));
}

/* It comes back only with the lock. */
TEST_F(cond, the_deadline_passes_while_another_has_the_lock)
{
	__u64 end = now() + 600 * NSEC_PER_MSEC;
	pid_t pid = spawn_sleeper_until(self, 1, end, SHMBUF_WAITED_TIMEDOUT);

	ASSERT_EQ(0, lock(self, self->owner));
	UNTIL(now() > end && read_word(&self->c, self->lock) & SHMBUF_WORD_WAITERS);
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_EQ(0, wake(self, 1));
	EXPECT_EQ(0, back(self));
	EXPECT_EQ(0, unlock(self, self->owner));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, back(self));
}

/* A wake that came in time isn't turned into a timeout by a lock that is held for long. */
TEST_F(cond, a_wake_outranks_the_deadline)
{
	__u64 end = now() + 600 * NSEC_PER_MSEC;
	pid_t pid = spawn_sleeper_until(self, 1, end, 0);

	ASSERT_EQ(0, lock(self, self->owner));
	EXPECT_EQ(1, wake(self, 1));
	ASSERT_LT(now(), end);
	UNTIL(now() > end);
	usleep(20000);
	EXPECT_EQ(true, asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_EQ(0, unlock(self, self->owner));
	EXPECT_EQ(0, reap(pid));
}

static int *signals_seen;

static void count_signal(int sig)
{
	(void)sig;
	__atomic_add_fetch(signals_seen, 1, __ATOMIC_SEQ_CST);
}

TEST_F(cond, a_signal_comes)
{
	struct sigaction action = { .sa_handler = count_signal };
	pid_t pid;
	int flags;

	signals_seen = shared_memory(4096);
	for (flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		*signals_seen = 0;
		action.sa_flags = flags;
		ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
		pid = spawn_sleeper_until(self, 1, NEVER, SHMBUF_WAITED_INTERRUPTED);
		kill(pid, SIGUSR1);
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(1, *signals_seen);
	}
	EXPECT_EQ(2, back(self));
	EXPECT_EQ(0, wake(self, 1));
}

static bool sleeps(pid_t pid)
{
	/* With a signal pending it sleeps in a state that signals don't end. */
	return state_of(pid) == 'S' || state_of(pid) == 'I';
}

/* The handler runs when the lock is held again, which may take its time. */
TEST_F(cond, a_signal_comes_while_another_has_the_lock)
{
	int moved;
	pid_t pid;

	signals_seen = shared_memory(4096);
	signal(SIGUSR1, count_signal);
	for (moved = 0; moved < 2; moved++) {
		*signals_seen = 0;
		pid = spawn_sleeper_until(self, 1, NEVER, moved ? 0 : SHMBUF_WAITED_INTERRUPTED);
		ASSERT_EQ(0, lock(self, self->owner));
		if (moved)
			EXPECT_EQ(1, wake(self, 1));
		kill(pid, SIGUSR1);
		UNTIL(read_word(&self->c, self->lock) & SHMBUF_WORD_WAITERS);
		UNTIL(sleeps(pid));
		usleep(20000);
		EXPECT_EQ(true, sleeps(pid));
		EXPECT_EQ(0, *signals_seen);
		EXPECT_EQ(0, unlock(self, self->owner));
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(1, *signals_seen);
	}
}

/*
 * However it waits for the lock, a signal that kills does so. (Behind a signal that is
 * pending already only SIGKILL does, as in any sleep that signals don't end.)
 */
TEST_F(cond, killed_while_another_has_the_lock)
{
	int how;
	pid_t pid;

	signals_seen = shared_memory(4096);
	signal(SIGUSR1, count_signal);
	for (how = 0; how < 3; how++) {
		pid = spawn_sleeper(self, 1);
		ASSERT_EQ(0, lock(self, self->owner));
		if (how > 0)
			EXPECT_EQ(1, wake(self, 1));
		if (how > 1) {
			kill(pid, SIGUSR1);
			UNTIL(state_of(pid) == 'I');
		}
		kill(pid, how > 1 ? SIGKILL : SIGTERM);
		EXPECT_EQ(128 + (how > 1 ? SIGKILL : SIGTERM), reap(pid));
		EXPECT_EQ(0, unlock(self, self->owner));
		EXPECT_EQ(0, wake(self, 1));
		EXPECT_EQ(0, read_word(&self->c, self->lock));
	}
}

TEST_F(cond, the_locks_holder_dies)
{
	struct timespec third = { .tv_nsec = 300 * NSEC_PER_MSEC };
	int late;

	for (late = 0; late < 2; late++) {
		__u64 end = now() + third.tv_nsec;
		pid_t pid = spawn_sleeper_until(self, 1, late ? end : NEVER,
						SHMBUF_WAITED_OWNERDEAD |
						(late ? SHMBUF_WAITED_TIMEDOUT : 0));
		pid_t holder = spawn();

		if (!holder) {
			__u64 owner = in_child(self);

			CHECK(lock(self, owner) == 0);
			if (!late)
				CHECK(wake(self, 1) == 1);
			self->shared[100] = 1;
			for (;;)
				pause();
		}
		UNTIL(self->shared[100]);
		self->shared[100] = 0;
		if (late)
			UNTIL(now() > end);
		usleep(20000);
		EXPECT_EQ(late, back(self));
		kill_and_reap(holder);
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(late + 1, back(self));
		EXPECT_EQ(0, read_word(&self->c, self->lock));
	}
}

/* The lock's holder dies before the wake: the sleeper finds it so. */
TEST_F(cond, woken_to_a_dead_holders_lock)
{
	pid_t pid = spawn_sleeper_until(self, 1, NEVER, SHMBUF_WAITED_OWNERDEAD);
	pid_t holder = spawn();

	if (!holder) {
		CHECK(lock(self, in_child(self)) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(holder));
	EXPECT_EQ(1, wake(self, 1));
	EXPECT_EQ(0, reap(pid));
}

/* All that sleep are told: none of them waits for one who got an error. */
TEST_F(cond, the_lock_is_given_up_for_good)
{
	pid_t pids[3], holder;
	int i;

	for (i = 0; i < 3; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			__u64 owner = in_child(self);

			CHECK(lock(self, owner) == 0);
			CHECK(sleep_on(self, owner, NEVER) == -ENOTRECOVERABLE);
			_exit(0);
		}
		UNTIL(asleep_in(pids[i], SHMBUF_IOC_WAIT));
	}
	holder = spawn();
	if (!holder) {
		CHECK(lock(self, in_child(self)) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(holder));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, self->lock, 0, NEVER));
	/* With a death that isn't repaired nobody may wait. */
	EXPECT_EQ(-EPERM, sleep_on(self, self->owner, NEVER));
	EXPECT_EQ(0, unlock(self, self->owner));
	EXPECT_EQ(SHMBUF_WORD_NOTRECOVERABLE, read_word(&self->c, self->lock));
	EXPECT_EQ(1, wake(self, 1));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(-EPERM, sleep_on(self, self->owner, NEVER));
}

/* What is idle may be reset, and the lock of those who sleep is. */
TEST_F(cond, the_lock_is_reset)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = in_child(self);

		CHECK(lock(self, owner) == 0);
		CHECK(sleep_on(self, owner, NEVER) == -ENOTRECOVERABLE);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_EQ(-EBUSY, do_reset(self->fd, self->queue, 1));
	EXPECT_EQ(0, do_reset(self->fd, self->lock, 1));
	EXPECT_EQ(0, do_init(self->fd, self->lock, 1, SHMBUF_KIND_QUEUE, 0));
	EXPECT_EQ(1, wake(self, 1));
	EXPECT_EQ(0, reap(pid));
}

/* A RESET that fails, and was at work when the sleeper came, does him no harm. */
TEST_F(cond, the_lock_is_nearly_reset)
{
	pid_t pid, resetter = spawn();
	int i;

	if (!resetter) {
		/* The lock, which is idle, then one that is held. */
		CHECK(do_lock(self->fd, in_child(self), self->lock + 1, 0, NEVER) == 0);
		self->shared[100] = 1;
		for (;;)
			CHECK(do_reset(self->fd, self->lock, 2) == -EBUSY);
	}
	UNTIL(self->shared[100]);
	for (i = 0; i < fewer(80); i++) {
		pid = spawn_sleeper(self, i % 100);
		self->shared[0] = 0;
		EXPECT_EQ(1, wake(self, 1));
		EXPECT_EQ(0, reap(pid));
	}
	kill_and_reap(resetter);
}

TEST_F(cond, wrong_arguments)
{
	__u64 owner = self->owner, foreign;
	int ro = open_buffer(self->name, O_RDONLY);
	int other = open_buffer(self->name, O_RDWR);
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_LOCK, .index = self->queue,
		.lock = self->lock, .deadline = NEVER, .owner = owner,
	};
	int fd = self->fd;
	pid_t pid;

	/* Not held, by anybody or by this one. */
	EXPECT_EQ(-EPERM, call(fd, SHMBUF_IOC_WAIT, &arg));
	pid = spawn();
	if (!pid) {
		CHECK(do_lock(fd, new_owner(fd), self->lock, 0, NEVER) == 0);
		self->shared[100] = 1;
		for (;;)
			pause();
	}
	UNTIL(self->shared[100]);
	EXPECT_EQ(-EPERM, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.owner = shmbuf_lock_word_owner(read_word(&self->c, self->lock));
	EXPECT_EQ(-EPERM, call(fd, SHMBUF_IOC_WAIT, &arg));
	kill_and_reap(pid);
	UNTIL(read_word(&self->c, self->lock) == SHMBUF_WORD_OWNER_DIED);
	arg.owner = owner;
	EXPECT_EQ(-EPERM, call(fd, SHMBUF_IOC_WAIT, &arg));
	EXPECT_EQ(-EOWNERDEAD, do_trylock(fd, owner, self->lock));
	EXPECT_EQ(-EPERM, call(fd, SHMBUF_IOC_WAIT, &arg));
	EXPECT_EQ(0, do_consistent(fd, owner, self->lock));

	/* Held, and all else wrong in turn. */
	arg.owner = 0;
	EXPECT_EQ(-EPERM, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.owner = owner + 1;
	EXPECT_EQ(-EPERM, call(fd, SHMBUF_IOC_WAIT, &arg));
	foreign = new_owner(other);
	arg.owner = foreign;
	EXPECT_EQ(-EPERM, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.owner = owner;
	arg.flags |= 1U << 3;
	EXPECT_EQ(-EOPNOTSUPP, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.flags = 0;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.lock = 0;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.flags = SHMBUF_WAIT_LOCK;
	arg.lock = self->lock;
	arg.deaths = 1;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.deaths = 0;
	EXPECT_EQ(-EBADF, call(ro, SHMBUF_IOC_WAIT, &arg));
	arg.lock = self->queue;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.lock = self->queue + 1;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.lock = LOCKS + QUEUES;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.lock = ~0U;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.lock = self->lock;
	arg.index = self->lock;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.index = self->lock + 1;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));
	arg.index = LOCKS + QUEUES;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_WAIT, &arg));

	EXPECT_EQ(owner, read_word(&self->c, self->lock));
	EXPECT_EQ(0, unlock(self, owner));
	EXPECT_EQ(0, wake(self, 1));
}

TEST_F(cond, too_many_waiters)
{
	__u64 most = get_parameter("max_user_waiters");
	int ret;

	ASSERT_EQ(0, lock(self, self->owner));
	set_parameter("max_user_waiters", 0);
	ret = sleep_on(self, self->owner, NEVER);
	set_parameter("max_user_waiters", most);
	EXPECT_EQ(-EDQUOT, ret);
	EXPECT_EQ(self->released ? 0 : self->owner, read_word(&self->c, self->lock));
}

/* A peer writes over the lock's word while others sleep: they come back, whatever it says. */
TEST_F(cond, the_locks_word_is_scribbled_over)
{
	static const __u64 values[] = {
		~0ULL, 0, 12345, SHMBUF_WORD_WAITERS, SHMBUF_WORD_UNUSED,
		SHMBUF_WORD_OWNER_DIED, SHMBUF_WORD_NOTRECOVERABLE, SHMBUF_WORD_QUEUE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		pid_t pids[2];
		int j;

		for (j = 0; j < 2; j++) {
			pids[j] = spawn();
			if (!pids[j]) {
				__u64 owner = in_child(self);
				int ret;

				CHECK(do_lock(self->fd, owner, self->lock, 0, NEVER) == 0);
				ret = sleep_on(self, owner, NEVER);
				CHECK(ret == 0 || ret == SHMBUF_WAITED_OWNERDEAD ||
				      ret == -ENOTRECOVERABLE);
				if (ret == SHMBUF_WAITED_OWNERDEAD)
					CHECK(do_consistent(self->fd, owner, self->lock) == 0);
				if (ret >= 0)
					CHECK(unlock(self, owner) == 0);
				_exit(0);
			}
			UNTIL(asleep_in(pids[j], SHMBUF_IOC_WAIT));
		}
		write_word(&self->c, self->lock, values[i]);
		EXPECT_LE(1, wake(self, 2));
		for (j = 0; j < 2; j++)
			EXPECT_EQ(0, reap(pids[j]));
		write_word(&self->c, self->lock, 0);
	}
}

/* And over the queue's: the sweep finds those whom no waker sees. */
TEST_F(cond, the_queues_word_is_scribbled_over)
{
	pid_t pid = spawn_sleeper(self, 1);

	write_word(&self->c, self->queue, shmbuf_queue_word(0, 0));
	UNTIL(read_word(&self->c, self->queue) & SHMBUF_WORD_WAITERS);
	EXPECT_EQ(true, asleep_in(pid, SHMBUF_IOC_WAIT));
	/* Set back: there was no wake, but neither is there a way to tell. */
	write_word(&self->c, self->queue, shmbuf_queue_word(-5, 0));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(cond, killed_sleepers_are_not_woken)
{
	pid_t pids[3];
	int i;

	for (i = 0; i < 3; i++)
		pids[i] = spawn_sleeper(self, i);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[0]));
	EXPECT_EQ(1, wake(self, 1));
	EXPECT_EQ(0, reap(pids[1]));
	EXPECT_EQ(1, wake(self, 5));
	EXPECT_EQ(0, reap(pids[2]));
	EXPECT_EQ(0, read_word(&self->c, self->lock));
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fatal("sched_setaffinity: %s", strerror(errno));
}

/*
 * Killed between being woken and returning, with the lock free, held, or handed over, as it is
 * to who tried in vain: the sleeper shares a CPU with one who has precedence, so it can't
 * return before.
 */
TEST_F(cond, a_killed_woken_sleeper_passes_the_wake_on)
{
	struct sched_param fifo = { .sched_priority = 50 }, normal = {};
	pid_t first, second;
	int i;

	pin(0);
	for (i = 0; i < 30; i++) {
		self->shared[0] = 0;
		first = spawn_sleeper(self, 1);
		second = spawn_sleeper(self, 2);
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
		if (i % 3)
			ASSERT_EQ(0, lock(self, self->owner));
		EXPECT_EQ(1, wake(self, 1));
		if (i % 3 == 2) {
			EXPECT_EQ(0, unlock(self, self->owner));
			ASSERT_EQ(0, lock(self, self->owner));
			UNTIL(read_word(&self->c, self->lock) & SHMBUF_WORD_WAITERS);
			wait_long();
		}
		if (i % 3)
			EXPECT_EQ(0, unlock(self, self->owner));
		if (i % 3 == 2)
			EXPECT_NE(0, shmbuf_lock_word_owner(read_word(&self->c, self->lock)));
		kill(first, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, reap(first));
		EXPECT_EQ(0, reap(second));
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &normal));
		EXPECT_EQ(1, back(self));
		EXPECT_EQ(2, self->shared[1]);
		EXPECT_EQ(0, read_word(&self->c, self->lock));
	}
}

/* The same at any moment: where the lock's death isn't told, the wake isn't lost either. */
TEST_F(cond, sleepers_killed_at_random)
{
	unsigned int seed = 1;
	pid_t first, second;
	int i, ret;

	for (i = 0; i < fewer(80); i++) {
		self->shared[0] = 0;
		first = spawn_sleeper(self, 1);
		second = spawn_sleeper(self, 2);
		EXPECT_EQ(1, wake(self, 1));
		for (ret = rand_r(&seed) % 3000; ret; ret--)
			__asm__ volatile("" ::: "memory");
		kill_and_reap(first);
		ret = lock(self, self->owner);
		if (ret == -EOWNERDEAD) {
			/* It had come back, and died with the lock. */
			EXPECT_EQ(0, do_consistent(self->fd, self->owner, self->lock));
			EXPECT_LE(0, wake(self, 1));
		} else {
			EXPECT_EQ(0, ret);
			/* The first told of itself before it died, or leaves it to the second. */
			if (self->shared[0] && self->shared[1] == 1)
				EXPECT_EQ(1, wake(self, 1));
		}
		EXPECT_EQ(0, unlock(self, self->owner));
		EXPECT_EQ(0, reap(second));
		EXPECT_EQ(0, read_word(&self->c, self->lock));
	}
}

/* Producers and consumers of a small store. */
struct store {
	int filled;
	int made;
	int taken;
	int waits;
};

#define ROOM 3

struct job {
	FIXTURE_DATA(cond) *self;
	struct store *store;
	int total;
	bool under_lock;	/* wakes are made before unlocking */
};

static void change(const struct job *j, __u64 owner, int *counter, int by)
{
	FIXTURE_DATA(cond) *self = j->self;
	__u32 queue = self->queue + (by < 0 ? 1 : 0);

	(*counter)++;
	j->store->filled += by;
	CHECK(j->store->filled >= 0 && j->store->filled <= ROOM);
	if (j->under_lock) {
		CHECK(do_wake(self->fd, queue, 1) >= 0);
		CHECK(unlock(self, owner) == 0);
	} else {
		CHECK(unlock(self, owner) == 0);
		if (!fast_wake(&self->c, queue))
			CHECK(do_wake(self->fd, queue, 1) >= 0);
	}
}

/* @queue + 0: something is there; + 1: there is room. */
static void work(const struct job *j, bool producer)
{
	FIXTURE_DATA(cond) *self = j->self;
	struct store *s = j->store;
	__u64 owner = in_child(self);
	__u32 queue = self->queue + producer;

	for (;;) {
		CHECK(lock(self, owner) == 0);
		while ((producer ? s->made : s->taken) < j->total &&
		       s->filled == (producer ? ROOM : 0)) {
			s->waits++;
			CHECK(do_wait_locked(self->fd, owner, self->lock, queue,
					     read_sequence(&self->c, queue),
					     now() + PATIENCE) == 0);
		}
		if ((producer ? s->made : s->taken) == j->total)
			break;
		if (producer)
			change(j, owner, &s->made, 1);
		else
			change(j, owner, &s->taken, -1);
	}
	CHECK(unlock(self, owner) == 0);
	/* The others of this sort may wait for what will never come. */
	CHECK(do_wake(self->fd, queue, SHMBUF_WAKE_ALL) >= 0);
}

static void run_workers(struct job *j, int workers)
{
	pid_t pids[8];
	int i;

	*j->store = (struct store){};
	for (i = 0; i < workers; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			work(j, i % 2);
			_exit(0);
		}
	}
	for (i = 0; i < workers; i++)
		if (reap(pids[i]))
			fatal("a worker failed");
}

TEST_F(cond, no_wake_is_lost)
{
	struct job j = {
		.self = self, .store = shared_memory(sizeof(*j.store)), .total = fewer(1500),
	};
	int workers;

	for (workers = 2; workers <= 8; workers += 2) {
		j.under_lock = workers % 4 == 0;
		run_workers(&j, workers);
		EXPECT_EQ(j.total, j.store->made);
		EXPECT_EQ(j.total, j.store->taken);
		EXPECT_EQ(0, j.store->filled);
		EXPECT_LT(0, j.store->waits);
		EXPECT_EQ(0, read_word(&self->c, self->lock));
	}
}

/* Two who take turns: each round is a wake that mustn't be lost. */
static void take_turns(FIXTURE_DATA(cond) *self, struct store *s, int side, int rounds)
{
	__u64 owner = in_child(self);
	int i;

	for (i = 0; i < rounds; i++) {
		CHECK(lock(self, owner) == 0);
		while (s->made % 2 != side)
			CHECK(sleep_on(self, owner, now() + PATIENCE) == 0);
		s->made++;
		if (i % 3)
			CHECK(wake(self, 1) >= 0);
		CHECK(unlock(self, owner) == 0);
		if (i % 3 == 0 && !fast_wake(&self->c, self->queue))
			CHECK(wake(self, 1) >= 0);
	}
}

TEST_F(cond, ping_pong_without_a_lost_wakeup)
{
	struct store *s = shared_memory(sizeof(*s));
	const int rounds = fewer(5000);
	pid_t pid = spawn();

	if (!pid) {
		take_turns(self, s, 1, rounds);
		_exit(0);
	}
	take_turns(self, s, 0, rounds);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(2 * rounds, s->made);
}

/* Said by a peer, or by who left in the midst of INIT: the lock stays with who had it. */
TEST_F(cond, a_queues_word_says_unused)
{
	ASSERT_EQ(0, lock(self, self->owner));
	write_word(&self->c, self->queue, SHMBUF_WORD_UNUSED);
	EXPECT_EQ(-EINVAL, sleep_on(self, self->owner, NEVER));
	EXPECT_EQ(self->released ? 0 : self->owner,
		  read_word(&self->c, self->lock) & SHMBUF_OWNER_MASK);
	if (self->released)
		ASSERT_EQ(0, lock(self, self->owner));
	EXPECT_EQ(SHMBUF_WORD_UNUSED, read_word(&self->c, self->queue));
	write_word(&self->c, self->queue, 0);
	EXPECT_EQ(SHMBUF_WAITED_TIMEDOUT, sleep_on(self, self->owner, now()));
	EXPECT_EQ(0, unlock(self, self->owner));
}

TEST_HARNESS_MAIN
