// SPDX-License-Identifier: GPL-2.0-only
/* WAIT, WAKE: who sleeps, who is woken in which order, and that no wake is lost. */
#include "shmbuf_test.h"

FIXTURE(queue)
{
	char name[64];
	int fd;
	struct control c;
	int *shared;	/* [0]: how many came back; then who, in order */
};

FIXTURE_SETUP(queue)
{
	self->fd = new_buffer(new_name(self->name), 1, 2, 0);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->shared = shared_memory(4096);
}

FIXTURE_TEARDOWN(queue)
{
	close(self->fd);
}

/* Queue 1's sequence. */
static __u64 sequence_of(int fd)
{
	__u64 sequence = ~0ULL;
	int ret = do_wait(fd, 1, &sequence, NEVER);

	if (ret)
		fatal("WAIT: %d", ret);
	return sequence;
}

/* A child that sleeps on queue 1, and leaves @who in the list when it returns. */
static pid_t spawn_sleeper(int fd, int *shared, int who)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 sequence = sequence_of(fd);

		CHECK(do_wait(fd, 1, &sequence, NEVER) == 0);
		shared[__atomic_add_fetch(&shared[0], 1, __ATOMIC_SEQ_CST)] = who;
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	return pid;
}

static int back(const int *shared)
{
	return __atomic_load_n(&shared[0], __ATOMIC_SEQ_CST);
}

TEST_F(queue, stale_sequence_returns_at_once)
{
	__u64 sequence = 5;

	EXPECT_EQ(0, do_wait(self->fd, 1, &sequence, NEVER));
	EXPECT_EQ(0, sequence);
	EXPECT_EQ(0, do_wake(self->fd, 1, 1));
	EXPECT_EQ(0, do_wait(self->fd, 1, &sequence, NEVER));
	EXPECT_EQ(1, sequence);
	sequence = SHMBUF_SEQUENCE_MASK + 2;	/* whose low bits are right */
	EXPECT_EQ(0, do_wait(self->fd, 1, &sequence, NEVER));
	EXPECT_EQ(1, sequence);
	EXPECT_EQ(1, sequence_of(self->fd));
	/* Stale comes before late. */
	sequence = 0;
	EXPECT_EQ(0, do_wait(self->fd, 1, &sequence, 0));
}

TEST_F(queue, wake_moves_the_sequence)
{
	int i;

	for (i = 1; i < 10; i++) {
		EXPECT_EQ(0, do_wake(self->fd, 1, i % 2 ? 1 : SHMBUF_WAKE_ALL));
		EXPECT_EQ(i, read_sequence(&self->c, 1));
		EXPECT_EQ(i, sequence_of(self->fd));
	}
	EXPECT_EQ(true, fast_wake(&self->c, 1));
	EXPECT_EQ(10, sequence_of(self->fd));
	EXPECT_EQ(0, read_sequence(&self->c, 2));
	EXPECT_EQ(-EINVAL, do_wake(self->fd, 1, 0));
	EXPECT_EQ(10, sequence_of(self->fd));
}

TEST_F(queue, sleeps_until_woken)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 sequence = 0;

		CHECK(do_wait(self->fd, 1, &sequence, NEVER) == 0);
		CHECK(sequence == 1);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	/* While somebody waits the word is the kernel's. */
	EXPECT_NE(0, read_word(&self->c, 1) & SHMBUF_WORD_WAITERS);
	EXPECT_EQ(false, fast_wake(&self->c, 1));
	EXPECT_EQ(0, do_wake(self->fd, 2, 1));
	EXPECT_EQ(true, asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_EQ(1, do_wake(self->fd, 1, 1));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(true, fast_wake(&self->c, 1));
}

TEST_F(queue, first_come_first_woken)
{
	pid_t pids[6];
	int i;

	for (i = 0; i < 6; i++)
		pids[i] = spawn_sleeper(self->fd, self->shared, i);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1, do_wake(self->fd, 1, 1));
		UNTIL(back(self->shared) == i + 1 && self->shared[i + 1] == i);
	}
	EXPECT_EQ(3, do_wake(self->fd, 1, 3));
	UNTIL(back(self->shared) == 5);
	EXPECT_EQ(0, reap(pids[4]));
	EXPECT_EQ(true, asleep_in(pids[5], SHMBUF_IOC_WAIT));
	EXPECT_EQ(1, do_wake(self->fd, 1, 7));
	for (i = 0; i < 6; i++)
		if (i != 4)
			EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(5, self->shared[6]);
	EXPECT_EQ(0, do_wake(self->fd, 1, 1));
}

TEST_F(queue, wake_all)
{
	pid_t pids[10];
	int i;

	for (i = 0; i < 10; i++)
		pids[i] = spawn_sleeper(self->fd, self->shared, i);
	EXPECT_EQ(10, do_wake(self->fd, 1, SHMBUF_WAKE_ALL));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(1, sequence_of(self->fd));
}

TEST_F(queue, deadline)
{
	__u64 sequence = 0, end = now() + 30 * NSEC_PER_MSEC;

	EXPECT_EQ(-ETIMEDOUT, do_wait(self->fd, 1, &sequence, end));
	EXPECT_LE(end, now());
	EXPECT_EQ(0, sequence);
	EXPECT_EQ(-ETIMEDOUT, do_wait(self->fd, 1, &sequence, 0));
	EXPECT_EQ(-ETIMEDOUT, do_wait(self->fd, 1, &sequence, now()));
	EXPECT_EQ(0, do_wake(self->fd, 1, 1));
	EXPECT_EQ(true, fast_wake(&self->c, 1));
}

static int *signals_seen;

static void count_signal(int sig)
{
	(void)sig;
	__atomic_add_fetch(signals_seen, 1, __ATOMIC_SEQ_CST);
}

/* A child that sleeps with a handler for SIGUSR1, and expects @ret of WAIT. */
static pid_t spawn_signalled(int fd, int flags, int ret)
{
	pid_t pid = spawn();

	if (!pid) {
		struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };
		__u64 sequence;

		CHECK(!sigaction(SIGUSR1, &action, NULL));
		sequence = sequence_of(fd);
		CHECK(do_wait(fd, 1, &sequence, NEVER) == ret);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	return pid;
}

TEST_F(queue, handlers_end_a_wait)
{
	pid_t pid;
	int flags;

	signals_seen = self->shared;
	for (flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		*signals_seen = 0;
		pid = spawn_signalled(self->fd, flags, -EINTR);
		kill(pid, SIGUSR1);
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(1, *signals_seen);
	}
	EXPECT_EQ(0, do_wake(self->fd, 1, 1));
}

TEST_F(queue, stopping_does_not_end_a_wait)
{
	pid_t pid = spawn_sleeper(self->fd, self->shared, 1);

	kill(pid, SIGSTOP);
	ASSERT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	kill(pid, SIGCONT);
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_EQ(1, do_wake(self->fd, 1, 1));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(queue, read_only_handle_waits)
{
	int ro = open_buffer(self->name, O_RDONLY);
	pid_t pid = spawn_sleeper(ro, self->shared, 1);

	EXPECT_EQ(-EBADF, do_wake(ro, 1, 1));
	EXPECT_EQ(1, do_wake(self->fd, 1, 1));
	EXPECT_EQ(0, reap(pid));
	/* Without ever having registered. */
	EXPECT_EQ(1, sequence_of(ro));
}

/* What an observer takes of a wake-up is nobody's but his. */
TEST_F(queue, observers_take_nobodys_turn)
{
	int ro = open_buffer(self->name, O_RDONLY);
	pid_t observer = spawn_sleeper(ro, self->shared, 1);
	pid_t first = spawn_sleeper(self->fd, self->shared, 2);
	pid_t second = spawn_sleeper(self->fd, self->shared, 3);

	EXPECT_EQ(2, do_wake(self->fd, 1, 1));
	EXPECT_EQ(0, reap(observer));
	EXPECT_EQ(0, reap(first));
	EXPECT_EQ(true, asleep_in(second, SHMBUF_IOC_WAIT));
	EXPECT_EQ(1, do_wake(self->fd, 1, 1));
	EXPECT_EQ(0, reap(second));
}

TEST_F(queue, killed_sleepers_are_not_woken)
{
	pid_t pids[3];
	int i;

	for (i = 0; i < 3; i++)
		pids[i] = spawn_sleeper(self->fd, self->shared, i);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[0]));
	EXPECT_EQ(1, do_wake(self->fd, 1, 1));
	EXPECT_EQ(0, reap(pids[1]));
	EXPECT_EQ(1, do_wake(self->fd, 1, 5));
	EXPECT_EQ(0, reap(pids[2]));
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
 * Killed between being woken and returning: the sleeper shares a CPU with one who
 * has precedence, so it can't return before it is killed.
 */
TEST_F(queue, a_killed_woken_sleeper_passes_the_wake_on)
{
	struct sched_param fifo = { .sched_priority = 50 }, normal = {};
	pid_t first, second;
	int i;

	pin(0);
	for (i = 0; i < 20; i++) {
		self->shared[0] = 0;
		first = spawn_sleeper(self->fd, self->shared, 1);
		second = spawn_sleeper(self->fd, self->shared, 2);
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
		EXPECT_EQ(1, do_wake(self->fd, 1, 1));
		kill(first, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, reap(first));
		EXPECT_EQ(0, reap(second));
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &normal));
		EXPECT_EQ(1, back(self->shared));
	}
}

/* A wake that was decided outranks the signal that came after it. */
TEST_F(queue, a_decided_wake_outranks_a_signal)
{
	struct sched_param fifo = { .sched_priority = 50 };
	pid_t pid;

	pin(0);
	signals_seen = shared_memory(4096);
	signal(SIGUSR1, count_signal);	/* the child has it from here */
	pid = spawn_sleeper(self->fd, self->shared, 1);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
	EXPECT_EQ(1, do_wake(self->fd, 1, 1));
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, back(self->shared));
}

struct game {
	int fd;
	struct control c;
	unsigned int *turn;
	int rounds;
	bool fast;
};

/* Queue 1 + @side says that it is @side's turn. */
static void play(const struct game *g, unsigned int side)
{
	unsigned int seed = side + 1, spins;
	int i;

	for (i = 0; i < g->rounds; i++) {
		/* Now and then it looks for a while, so that all interleavings come up. */
		seed = seed * 1103515245 + 12345;
		for (spins = (seed >> 16) % 256; spins; spins--)
			if (__atomic_load_n(g->turn, __ATOMIC_SEQ_CST) == side)
				break;
		while (__atomic_load_n(g->turn, __ATOMIC_SEQ_CST) != side) {
			__u64 sequence = read_sequence(&g->c, 1 + side);

			if (__atomic_load_n(g->turn, __ATOMIC_SEQ_CST) == side)
				break;
			CHECK(do_wait(g->fd, 1 + side, &sequence, now() + PATIENCE) == 0);
		}
		__atomic_store_n(g->turn, !side, __ATOMIC_SEQ_CST);
		if (!g->fast || !fast_wake(&g->c, 1 + !side))
			CHECK(do_wake(g->fd, 1 + !side, 1) >= 0);
	}
}

static int play_both(struct game *g)
{
	pid_t pid = spawn();

	if (!pid) {
		g->c = map_control(g->fd, PROT_READ | PROT_WRITE);
		play(g, 1);
		_exit(0);
	}
	play(g, 0);
	return reap(pid);
}

/* Each round is two switches of an emulated processor. */
TEST_F_TIMEOUT(queue, ping_pong_without_a_lost_wakeup, 4 * TEST_TIMEOUT_DEFAULT)
{
	struct game g = {
		.fd = self->fd, .c = self->c, .turn = map_data(self->fd, 4096),
		.rounds = fewer(100000), .fast = true,
	};

	EXPECT_EQ(0, play_both(&g));
	EXPECT_EQ(0, *g.turn);
	EXPECT_EQ(g.rounds, read_sequence(&self->c, 1));
	EXPECT_EQ(g.rounds, read_sequence(&self->c, 2));
}

TEST_F(queue, ping_pong_by_ioctl_only)
{
	struct game g = {
		.fd = self->fd, .c = self->c, .turn = map_data(self->fd, 4096),
		.rounds = fewer(5000), .fast = false,
	};

	EXPECT_EQ(0, play_both(&g));
	EXPECT_EQ(g.rounds, read_sequence(&self->c, 1));
	EXPECT_EQ(g.rounds, read_sequence(&self->c, 2));
}

/* Tokens: as many are taken as were put, by six takers. */
TEST_F(queue, tokens_with_many_sleepers)
{
	int *tokens = map_data(self->fd, 4096), i, put, all = fewer(3000);
	pid_t pids[6];

	for (i = 0; i < 6; i++) {
		pids[i] = spawn();
		if (pids[i])
			continue;
		self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
		for (;;) {
			__u64 sequence = read_sequence(&self->c, 1);
			int seen = __atomic_load_n(&tokens[0], __ATOMIC_SEQ_CST);

			if (seen && __sync_bool_compare_and_swap(&tokens[0], seen, seen - 1)) {
				__atomic_add_fetch(&tokens[1], 1, __ATOMIC_SEQ_CST);
				if (tokens[2])
					_exit(0);
			} else if (!seen) {
				CHECK(do_wait(self->fd, 1, &sequence, now() + PATIENCE) == 0);
			}
		}
	}
	for (put = 1; put <= all; put++) {
		__atomic_add_fetch(&tokens[0], 1, __ATOMIC_SEQ_CST);
		if (!fast_wake(&self->c, 1))
			EXPECT_LE(0, do_wake(self->fd, 1, 1));
		if (put % 100 == 0)
			UNTIL(__atomic_load_n(&tokens[0], __ATOMIC_SEQ_CST) == 0);
	}
	/* Six more, with which each of them goes home. */
	UNTIL(__atomic_load_n(&tokens[1], __ATOMIC_SEQ_CST) == all);
	tokens[2] = 1;
	for (i = 0; i < 6; i++) {
		__atomic_add_fetch(&tokens[0], 1, __ATOMIC_SEQ_CST);
		EXPECT_LE(0, do_wake(self->fd, 1, 1));
	}
	for (i = 0; i < 6; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(all + 6, tokens[1]);
}

TEST_HARNESS_MAIN
