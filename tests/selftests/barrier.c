// SPDX-License-Identifier: GPL-2.0-only
/* BARRIER_WAIT, BARRIER_LEAVE: all go on together. */
#include "shmbuf_test.h"

#define BARRIER	2

FIXTURE(barrier)
{
	char name[64];
	int fd;
	struct control c;
	__u64 owner;
	int *shared;
};

FIXTURE_SETUP(barrier)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 3);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
	self->shared = shared_memory(4096);
}

FIXTURE_TEARDOWN(barrier)
{
	close(self->fd);
}

static void new_barrier(int fd, __u64 parties)
{
	int ret = do_init(fd, BARRIER, 1, SHMBUF_KIND_BARRIER, parties);

	if (ret)
		fatal("INIT of a barrier: %d", ret);
}

static __u64 arrived(const struct control *c)
{
	return shmbuf_barrier_word_arrived(read_word(c, BARRIER));
}

/* A child that arrives, and whose exit status is -@ret: what it was told. */
static pid_t spawn_party(int fd)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(-do_barrier_wait(fd, new_owner(fd), BARRIER, NEVER) & 0xff);
	UNTIL(asleep_in(pid, SHMBUF_IOC_BARRIER_WAIT));
	return pid;
}

TEST_F(barrier, parties)
{
	static const struct { __u64 value; int ret; } rows[] = {
		{ 0, -EINVAL }, { 1, 0 }, { 2, 0 }, { SHMBUF_BARRIER_MAX, 0 },
		{ SHMBUF_BARRIER_MAX + 1, -EINVAL }, { 1ULL << 32, -EINVAL },
		{ 1ULL << 32 | 1, -EINVAL }, { ~0ULL, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(rows[i].ret, do_init(self->fd, BARRIER, 1, SHMBUF_KIND_BARRIER,
					       rows[i].value))
			TH_LOG("value %#llx", rows[i].value);
		if (rows[i].ret)
			continue;
		EXPECT_EQ(SHMBUF_WORD_BARRIER | rows[i].value, read_word(&self->c, BARRIER));
		EXPECT_EQ(0, do_reset(self->fd, BARRIER, 1));
	}
}

TEST_F(barrier, one_party_waits_for_nobody)
{
	int i;

	new_barrier(self->fd, 1);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, i % 2 ? 0 : NEVER));
	EXPECT_EQ(0, do_barrier_leave(self->fd, self->owner, BARRIER));
	EXPECT_EQ(-ENOENT, do_barrier_leave(self->fd, self->owner, BARRIER));
}

TEST_F(barrier, the_wrong_kind)
{
	__u64 sequence = 0;
	__u32 i;

	new_barrier(self->fd, 2);
	for (i = 0; i < 6; i++) {
		if (i == BARRIER)
			continue;
		EXPECT_EQ(-EINVAL, do_barrier_wait(self->fd, self->owner, i, NEVER));
		EXPECT_EQ(-EINVAL, do_barrier_leave(self->fd, self->owner, i));
	}
	EXPECT_EQ(-EINVAL, do_barrier_wait(self->fd, self->owner, ~0U, NEVER));
	EXPECT_EQ(-EINVAL, do_barrier_leave(self->fd, self->owner, ~0U));
	EXPECT_EQ(-EINVAL, do_trylock(self->fd, self->owner, BARRIER));
	EXPECT_EQ(-EINVAL, do_wait(self->fd, BARRIER, &sequence, NEVER));
	EXPECT_EQ(-EINVAL, do_wake(self->fd, BARRIER, 1));
	EXPECT_EQ(-EINVAL, do_sem_post(self->fd, 0, BARRIER));
	EXPECT_EQ(-EINVAL, do_sem_try(self->fd, 0, BARRIER));
	EXPECT_EQ(false, fast_up(&self->c, BARRIER));
	EXPECT_EQ(false, fast_wake(&self->c, BARRIER));
	EXPECT_EQ(false, fast_lock(&self->c, self->owner, BARRIER));
	EXPECT_EQ(SHMBUF_WORD_BARRIER | 2, read_word(&self->c, BARRIER));
}

TEST_F(barrier, ids_of_others)
{
	__u64 dead = new_owner(self->fd);
	pid_t pid;

	new_barrier(self->fd, 1);
	ASSERT_EQ(0, do_unregister(self->fd, dead));
	EXPECT_EQ(-EPERM, do_barrier_wait(self->fd, dead, BARRIER, NEVER));
	EXPECT_EQ(-EPERM, do_barrier_leave(self->fd, dead, BARRIER));
	EXPECT_EQ(-EPERM, do_barrier_wait(self->fd, 0, BARRIER, NEVER));
	EXPECT_EQ(-EPERM, do_barrier_wait(self->fd, ~0ULL, BARRIER, NEVER));
	EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
	pid = spawn();
	if (!pid) {
		CHECK(do_barrier_wait(self->fd, self->owner, BARRIER, NEVER) == -EPERM);
		CHECK(do_barrier_leave(self->fd, self->owner, BARRIER) == -EPERM);
		CHECK(do_barrier_leave(self->fd, new_owner(self->fd), BARRIER) == -ENOENT);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, do_barrier_leave(self->fd, self->owner, BARRIER));
}

TEST_F(barrier, fields_that_must_be_zero)
{
	new_barrier(self->fd, 1);
	EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, 5));
	EXPECT_EQ(-EINVAL, do_barrier(self->fd, SHMBUF_IOC_BARRIER_LEAVE, self->owner,
				      BARRIER, 5));
	EXPECT_EQ(0, do_barrier_leave(self->fd, self->owner, BARRIER));
}

TEST_F(barrier, deadlines_take_the_arrival_back)
{
	__u64 end = now() + 30 * NSEC_PER_MSEC;
	pid_t pid;

	new_barrier(self->fd, 2);
	EXPECT_EQ(-ETIMEDOUT, do_barrier_wait(self->fd, self->owner, BARRIER, end));
	EXPECT_LE(end, now());
	EXPECT_EQ(-ETIMEDOUT, do_barrier_wait(self->fd, self->owner, BARRIER, 0));
	EXPECT_EQ(-ETIMEDOUT, do_barrier_wait(self->fd, self->owner, BARRIER, now()));
	EXPECT_EQ(SHMBUF_WORD_BARRIER | 2, read_word(&self->c, BARRIER));
	pid = spawn_party(self->fd);
	EXPECT_EQ(1, arrived(&self->c));
	EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, 0));
	EXPECT_EQ(0, reap(pid));
}

static void do_nothing(int sig)
{
	(void)sig;
}

TEST_F(barrier, handlers_take_the_arrival_back)
{
	pid_t pid;
	int flags;

	new_barrier(self->fd, 2);
	for (flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		pid = spawn();
		if (!pid) {
			struct sigaction action = { .sa_handler = do_nothing, .sa_flags = flags };
			__u64 owner = new_owner(self->fd);

			CHECK(!sigaction(SIGUSR1, &action, NULL));
			CHECK(do_barrier_wait(self->fd, owner, BARRIER, NEVER) == -EINTR);
			CHECK(do_barrier_leave(self->fd, owner, BARRIER) == 0);
			_exit(0);
		}
		UNTIL(asleep_in(pid, SHMBUF_IOC_BARRIER_WAIT));
		EXPECT_EQ(1, arrived(&self->c));
		kill(pid, SIGUSR1);
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(SHMBUF_WORD_BARRIER | 2, read_word(&self->c, BARRIER));
	}
	/* A stop doesn't end it. */
	pid = spawn_party(self->fd);
	kill(pid, SIGSTOP);
	ASSERT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	kill(pid, SIGCONT);
	UNTIL(asleep_in(pid, SHMBUF_IOC_BARRIER_WAIT));
	EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
	EXPECT_EQ(0, reap(pid));
}

/* What was decided outranks the signal that came after it. */
TEST_F(barrier, the_end_of_a_phase_outranks_a_signal)
{
	struct sched_param fifo = { .sched_priority = 50 };
	cpu_set_t set;
	pid_t pid;

	new_barrier(self->fd, 2);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	signal(SIGUSR1, do_nothing);	/* the child has it from here */
	pid = spawn_party(self->fd);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
	EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, reap(pid));
}

TEST_F(barrier, reset)
{
	pid_t pid;

	new_barrier(self->fd, 2);
	pid = spawn_party(self->fd);
	EXPECT_EQ(-EBUSY, do_reset(self->fd, BARRIER, 1));
	EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, do_reset(self->fd, BARRIER, 1));
	EXPECT_EQ(-EINVAL, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
	EXPECT_EQ(-EINVAL, do_barrier_leave(self->fd, self->owner, BARRIER));
	new_barrier(self->fd, 1);
	EXPECT_EQ(-ENOENT, do_barrier_leave(self->fd, self->owner, BARRIER));
}

TEST_F(barrier, limits)
{
	__u64 claims = get_parameter("max_user_claims");
	__u64 waiters = get_parameter("max_user_waiters");
	int no_claim, no_waiter, leave;

	new_barrier(self->fd, 2);
	EXPECT_EQ(-ETIMEDOUT, do_barrier_wait(self->fd, self->owner, BARRIER, 0));
	set_parameter("max_user_claims", 1);
	no_claim = do_barrier_wait(self->fd, new_owner(self->fd), BARRIER, 0);
	leave = do_barrier_leave(self->fd, self->owner, BARRIER);
	set_parameter("max_user_claims", claims);
	set_parameter("max_user_waiters", 0);
	no_waiter = do_barrier_wait(self->fd, self->owner, BARRIER, 0);
	set_parameter("max_user_waiters", waiters);
	EXPECT_EQ(-EDQUOT, no_claim);
	EXPECT_EQ(0, leave);
	EXPECT_EQ(-EDQUOT, no_waiter);
	EXPECT_EQ(-ENOENT, do_barrier_leave(self->fd, self->owner, BARRIER));
}

/* Many rounds: nobody is ahead of anybody by a round. */

#define ROUNDS	1000

struct round {
	int arrived;
	int last;	/* how often it was said to be the last */
};

FIXTURE(rounds)
{
	int fd;
	struct round *rounds;
};

FIXTURE_VARIANT(rounds)
{
	int parties;
	int rounds;
	bool restless;	/* now and then a party's deadline passes */
};

FIXTURE_VARIANT_ADD(rounds, two) { 2, ROUNDS, false };
FIXTURE_VARIANT_ADD(rounds, three) { 3, ROUNDS, false };
FIXTURE_VARIANT_ADD(rounds, sixteen) { 16, 200, false };
FIXTURE_VARIANT_ADD(rounds, forty) { 40, 50, false };
FIXTURE_VARIANT_ADD(rounds, three_restless) { 3, ROUNDS, true };
FIXTURE_VARIANT_ADD(rounds, sixteen_restless) { 16, 100, true };

FIXTURE_SETUP(rounds)
{
	self->fd = new_buffer(NULL, 1, 1, 1);
	self->rounds = shared_memory(ROUNDS * sizeof(*self->rounds));
	new_barrier(self->fd, variant->parties);
}

FIXTURE_TEARDOWN(rounds)
{
	close(self->fd);
}

static void run_rounds(int fd, struct round *rounds, int parties, int n, bool restless, int who)
{
	__u64 owner = new_owner(fd);
	unsigned int seed = who + 1;
	int i, ret;

	for (i = 0; i < n; i++) {
		__atomic_add_fetch(&rounds[i].arrived, 1, __ATOMIC_SEQ_CST);
		do {
			__u64 end = now() + PATIENCE;

			seed = seed * 1103515245 + 12345;
			if (restless && (seed >> 16) % 4 == 0)
				end = now() + (seed >> 16) % 500 * 1000;
			ret = do_barrier_wait(fd, owner, BARRIER, end);
		} while (restless && ret == -ETIMEDOUT);
		CHECK(ret == 0 || ret == 1);
		if (ret)
			__atomic_add_fetch(&rounds[i].last, 1, __ATOMIC_SEQ_CST);
		CHECK(__atomic_load_n(&rounds[i].arrived, __ATOMIC_SEQ_CST) == parties);
	}
	CHECK(do_barrier_leave(fd, owner, BARRIER) == 0);
	_exit(0);
}

TEST_F(rounds, nobody_is_ahead)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	int i, rounds = fewer(variant->rounds);
	pid_t pids[64];

	for (i = 0; i < variant->parties; i++) {
		pids[i] = spawn();
		if (!pids[i])
			run_rounds(self->fd, self->rounds, variant->parties, rounds,
				   variant->restless, i);
	}
	for (i = 0; i < variant->parties; i++)
		EXPECT_EQ(0, reap(pids[i]));
	for (i = 0; i < rounds; i++)
		EXPECT_EQ(1, self->rounds[i].last);
	EXPECT_EQ(shmbuf_barrier_word(rounds, 0, variant->parties, 0),
		  read_word(&c, BARRIER));
}

TEST_HARNESS_MAIN
