// SPDX-License-Identifier: GPL-2.0-only
/* SEM_WAIT, SEM_POST: as many units as there are, in order, and none lost or made. */
#include "shmbuf_test.h"

#define SEM	2

FIXTURE(sem)
{
	char name[64];
	int fd;
	struct control c;
	int *shared;	/* [0]: how many came back; then who, in order */
};

FIXTURE_SETUP(sem)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 3);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->shared = shared_memory(4096);
}

FIXTURE_TEARDOWN(sem)
{
	close(self->fd);
}

/* A child that waits for a unit, and leaves @who in the list when it has it. */
static pid_t spawn_sleeper(int fd, int *shared, int who, bool undo)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = undo ? new_owner(fd) : 0;

		CHECK(do_sem_wait(fd, owner, SEM, 0, NEVER) == 0);
		shared[__atomic_add_fetch(&shared[0], 1, __ATOMIC_SEQ_CST)] = who;
		CHECK(!undo || do_sem_post(fd, owner, SEM) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_SEM_WAIT));
	return pid;
}

/* Likewise by WAIT_ANY. */
static pid_t spawn_any_sleeper(int fd, int *shared, int who)
{
	struct shmbuf_wait_item item = {
		.fd = fd, .index = SEM, .kind = SHMBUF_KIND_SEMAPHORE,
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(&item), .nr_items = 1, .deadline = NEVER,
	};
	pid_t pid = spawn();

	if (!pid) {
		CHECK(call(fd, SHMBUF_IOC_WAIT_ANY, &arg) == 0);
		shared[__atomic_add_fetch(&shared[0], 1, __ATOMIC_SEQ_CST)] = who;
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT_ANY));
	return pid;
}

static int back(const int *shared)
{
	return __atomic_load_n(&shared[0], __ATOMIC_SEQ_CST);
}

static bool waited_for(const struct control *c)
{
	return read_word(c, SEM) & SHMBUF_WORD_WAITERS;
}

TEST_F(sem, first_values)
{
	static const struct {
		__u64 value;
		int ret;
		__u64 count, most;
	} rows[] = {
		{ 0, 0, 0, SHMBUF_SEM_MAX },
		{ 3, 0, 3, SHMBUF_SEM_MAX },
		{ SHMBUF_SEM_MAX, 0, SHMBUF_SEM_MAX, SHMBUF_SEM_MAX },
		{ SHMBUF_SEM_MAX + 1ULL, -EINVAL },
		{ ~0U, -EINVAL },
		{ 1ULL << 32, 0, 0, 1 },
		{ 1ULL << 32 | 1, 0, 1, 1 },
		{ 1ULL << 32 | 2, -EINVAL },
		{ (__u64)SHMBUF_SEM_MAX << 32 | 7, 0, 7, SHMBUF_SEM_MAX },
		{ (SHMBUF_SEM_MAX + 1ULL) << 32, -EINVAL },
		{ ~0ULL << 32, -EINVAL },
		{ ~0ULL, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(rows[i].ret, do_init(self->fd, SEM, 1, SHMBUF_KIND_SEMAPHORE,
					       rows[i].value))
			TH_LOG("value %#llx", rows[i].value);
		if (rows[i].ret)
			continue;
		EXPECT_EQ(shmbuf_sem_word(rows[i].most, rows[i].count, 0),
			  read_word(&self->c, SEM));
		EXPECT_EQ(0, do_reset(self->fd, SEM, 1));
	}
}

TEST_F(sem, counts)
{
	new_sem(self->fd, SEM, 2, 4);
	EXPECT_EQ(0, do_sem_wait(self->fd, 0, SEM, 0, NEVER));
	EXPECT_EQ(1, read_count(&self->c, SEM));
	EXPECT_EQ(true, fast_down(&self->c, SEM));
	EXPECT_EQ(-EBUSY, do_sem_try(self->fd, 0, SEM));
	EXPECT_EQ(false, fast_down(&self->c, SEM));
	EXPECT_EQ(true, fast_up(&self->c, SEM));
	EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM));
	EXPECT_EQ(0, read_count(&self->c, SEM));
	EXPECT_EQ(false, waited_for(&self->c));
}

TEST_F(sem, overflow)
{
	new_sem(self->fd, SEM, 1, 3);
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(true, fast_up(&self->c, SEM));
	EXPECT_EQ(-EOVERFLOW, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(false, fast_up(&self->c, SEM));
	EXPECT_EQ(shmbuf_sem_word(3, 3, 0), read_word(&self->c, SEM));
	new_sem(self->fd, SEM + 1, SHMBUF_SEM_MAX - 1, 0);
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM + 1));
	EXPECT_EQ(-EOVERFLOW, do_sem_post(self->fd, 0, SEM + 1));
	EXPECT_EQ(false, fast_up(&self->c, SEM + 1));
	EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM + 1));
}

TEST_F(sem, the_wrong_kind)
{
	__u64 owner = new_owner(self->fd), sequence = 0;
	__u32 i;

	new_sem(self->fd, SEM, 1, 1);
	for (i = 0; i < 6; i++) {
		if (i == SEM)
			continue;
		EXPECT_EQ(-EINVAL, do_sem_wait(self->fd, 0, i, 0, NEVER));
		EXPECT_EQ(-EINVAL, do_sem_try(self->fd, owner, i));
		EXPECT_EQ(-EINVAL, do_sem_post(self->fd, 0, i));
		EXPECT_EQ(-EINVAL, do_sem_post(self->fd, owner, i));
		EXPECT_EQ(true, i >= 5 || (!fast_down(&self->c, i) && !fast_up(&self->c, i)));
	}
	EXPECT_EQ(-EINVAL, do_sem_wait(self->fd, 0, ~0U, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_sem_post(self->fd, 0, ~0U));
	EXPECT_EQ(-EINVAL, do_trylock(self->fd, owner, SEM));
	EXPECT_EQ(-EINVAL, do_unlock(self->fd, owner, SEM));
	EXPECT_EQ(-EINVAL, do_wait(self->fd, SEM, &sequence, NEVER));
	EXPECT_EQ(-EINVAL, do_wake(self->fd, SEM, 1));
	EXPECT_EQ(false, fast_lock(&self->c, owner, SEM));
	EXPECT_EQ(false, fast_wake(&self->c, SEM));
	EXPECT_EQ(shmbuf_sem_word(1, 1, 0), read_word(&self->c, SEM));
}

TEST_F(sem, fields_that_must_be_zero)
{
	struct shmbuf_sem right = {
		.size = sizeof(right), .index = SEM, .owner = new_owner(self->fd),
		.flags = SHMBUF_SEM_UNDO,
	}, wrong;

	new_sem(self->fd, SEM, 1, 1);
	wrong = right;
	wrong.flags = 0;	/* an owner, and no UNDO */
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_SEM_WAIT, &wrong));
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_SEM_POST, &wrong));
	wrong = right;
	wrong.deaths = 1;	/* and no PEERS */
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_SEM_WAIT, &wrong));
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_SEM_POST, &wrong));
	EXPECT_EQ(0, call(self->fd, SHMBUF_IOC_SEM_WAIT, &right));
	wrong = right;
	wrong.deadline = 1;
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_SEM_POST, &wrong));
	wrong = right;
	wrong.flags = SHMBUF_SEM_TRY;
	EXPECT_EQ(-EOPNOTSUPP, call(self->fd, SHMBUF_IOC_SEM_POST, &wrong));
	EXPECT_EQ(0, call(self->fd, SHMBUF_IOC_SEM_POST, &right));
}

TEST_F(sem, sleeps_until_posted)
{
	pid_t pid;

	new_sem(self->fd, SEM, 0, 1);
	pid = spawn_sleeper(self->fd, self->shared, 1, false);
	/* While somebody waits the word is the kernel's. */
	EXPECT_EQ(true, waited_for(&self->c));
	EXPECT_EQ(false, fast_up(&self->c, SEM));
	EXPECT_EQ(-EBUSY, do_sem_try(self->fd, 0, SEM));
	EXPECT_EQ(true, waited_for(&self->c));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(shmbuf_sem_word(1, 0, 0), read_word(&self->c, SEM));
	EXPECT_EQ(true, fast_up(&self->c, SEM));
}

TEST_F(sem, first_come_first_served)
{
	pid_t pids[20];
	int i;

	new_sem(self->fd, SEM, 0, 1);
	for (i = 0; i < 20; i++)
		pids[i] = spawn_sleeper(self->fd, self->shared, i, false);
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(i < 20, waited_for(&self->c));
		EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
		EXPECT_EQ(0, reap(pids[i]));
		EXPECT_EQ(i + 1, back(self->shared));
		EXPECT_EQ(i, self->shared[i + 1]);
		/* It goes to who waits, and to nobody beside. */
		EXPECT_EQ(-EBUSY, do_sem_try(self->fd, 0, SEM));
		EXPECT_EQ(true, i == 19 || asleep_in(pids[i + 1], SHMBUF_IOC_SEM_WAIT));
	}
	EXPECT_EQ(false, waited_for(&self->c));
}

TEST_F(sem, deadline)
{
	__u64 owner = new_owner(self->fd), end = now() + 30 * NSEC_PER_MSEC;

	new_sem(self->fd, SEM, 0, 1);
	EXPECT_EQ(-ETIMEDOUT, do_sem_wait(self->fd, 0, SEM, 0, end));
	EXPECT_LE(end, now());
	EXPECT_EQ(-ETIMEDOUT, do_sem_wait(self->fd, owner, SEM, 0, now()));
	EXPECT_EQ(-ETIMEDOUT, do_sem_wait(self->fd, 0, SEM, 0, 0));
	EXPECT_EQ(false, waited_for(&self->c));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	/* What is there is taken, late as it may be. */
	EXPECT_EQ(0, do_sem_wait(self->fd, 0, SEM, 0, 0));
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, owner, SEM));
}

static int *signals_seen;

static void count_signal(int sig)
{
	(void)sig;
	__atomic_add_fetch(signals_seen, 1, __ATOMIC_SEQ_CST);
}

/* The unit isn't taken where the call says EINTR. */
TEST_F(sem, handlers_end_a_wait)
{
	pid_t pid;
	int flags;

	new_sem(self->fd, SEM, 0, 1);
	signals_seen = self->shared;
	for (flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		*signals_seen = 0;
		pid = spawn();
		if (!pid) {
			struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

			CHECK(!sigaction(SIGUSR1, &action, NULL));
			CHECK(do_sem_wait(self->fd, 0, SEM, 0, NEVER) == -EINTR);
			_exit(0);
		}
		UNTIL(asleep_in(pid, SHMBUF_IOC_SEM_WAIT));
		kill(pid, SIGUSR1);
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(1, *signals_seen);
	}
	EXPECT_EQ(shmbuf_sem_word(1, 0, 0), read_word(&self->c, SEM));
}

TEST_F(sem, stopping_does_not_end_a_wait)
{
	pid_t pid;

	new_sem(self->fd, SEM, 0, 1);
	pid = spawn_sleeper(self->fd, self->shared, 1, true);
	kill(pid, SIGSTOP);
	ASSERT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	kill(pid, SIGCONT);
	UNTIL(asleep_in(pid, SHMBUF_IOC_SEM_WAIT));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, read_count(&self->c, SEM));
}

TEST_F(sem, killed_sleepers_get_nothing)
{
	pid_t first, second;

	new_sem(self->fd, SEM, 0, 5);
	first = spawn_sleeper(self->fd, self->shared, 1, false);
	second = spawn_sleeper(self->fd, self->shared, 2, false);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(first));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, reap(second));
	EXPECT_EQ(shmbuf_sem_word(5, 0, 0), read_word(&self->c, SEM));
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
 * Killed between being given the unit and returning with it: the sleeper shares a
 * CPU with one who has precedence, so it can't return before it is killed.
 */
static void pass_on(struct __test_metadata *_metadata, FIXTURE_DATA(sem) *self, bool undo)
{
	struct sched_param fifo = { .sched_priority = 50 }, normal = {};
	pid_t first, second = 0;
	int i;

	new_sem(self->fd, SEM, 0, 1);
	pin(0);
	for (i = 0; i < 40; i++) {
		self->shared[0] = 0;
		first = spawn_sleeper(self->fd, self->shared, 1, undo);
		if (i % 2)
			second = spawn_sleeper(self->fd, self->shared, 2, false);
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
		EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
		kill(first, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, reap(first));
		if (i % 2)
			EXPECT_EQ(0, reap(second));
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &normal));
		EXPECT_EQ(i % 2, back(self->shared));
		/* With nobody else it is there for who comes. */
		UNTIL(read_count(&self->c, SEM) == !(i % 2));
		EXPECT_EQ(i % 2 ? -EBUSY : 0, do_sem_try(self->fd, 0, SEM));
	}
}

TEST_F(sem, a_killed_waiter_passes_its_unit_on)
{
	pass_on(_metadata, self, false);
}

TEST_F(sem, a_killed_waiter_passes_its_undo_unit_on)
{
	pass_on(_metadata, self, true);
}

/* What was decided outranks the signal that came after it. */
TEST_F(sem, a_unit_outranks_a_signal)
{
	struct sched_param fifo = { .sched_priority = 50 };
	pid_t pid;

	new_sem(self->fd, SEM, 0, 1);
	pin(0);
	signals_seen = shared_memory(4096);
	signal(SIGUSR1, count_signal);	/* the child has it from here */
	pid = spawn_sleeper(self->fd, self->shared, 1, false);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, back(self->shared));
}

/* A peer that hides the waiters, or makes them units, holds nobody up for long. */
TEST_F(sem, a_hidden_waiter_is_found)
{
	pid_t pid;

	new_sem(self->fd, SEM, 0, 3);
	pid = spawn_sleeper(self->fd, self->shared, 1, false);
	write_word(&self->c, SEM, shmbuf_sem_word(3, 0, 0));
	EXPECT_EQ(true, fast_up(&self->c, SEM));
	EXPECT_EQ(0, reap(pid));
	pid = spawn_sleeper(self->fd, self->shared, 1, false);
	write_word(&self->c, SEM, shmbuf_sem_word(3, 0, 0));
	UNTIL(waited_for(&self->c));
	/* Nothing at all: it is a semaphore nevertheless. */
	write_word(&self->c, SEM, 0);
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, reap(pid));
	/* More than the most is the most. */
	write_word(&self->c, SEM, shmbuf_sem_word(3, 9, 0));
	EXPECT_EQ(-EOVERFLOW, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(3, read_count(&self->c, SEM));
	/* Who waits for what isn't there any more is told. */
	write_word(&self->c, SEM, shmbuf_sem_word(3, 0, 0));
	pid = spawn();
	if (!pid)
		_exit(do_sem_wait(self->fd, 0, SEM, 0, NEVER) != -EINVAL);
	UNTIL(asleep_in(pid, SHMBUF_IOC_SEM_WAIT));
	write_word(&self->c, SEM, ~0ULL);
	EXPECT_EQ(0, reap(pid));
}

/* Who takes each unit again that he posts passes who waits for a while only. */
TEST_F(sem, who_waits_long_gets_the_unit)
{
	__u64 end = now() + 60 * NSEC_PER_SEC;
	pid_t pid;
	int ret = 0;

	new_sem(self->fd, SEM, 0, 1);
	pid = spawn_sleeper(self->fd, self->shared, 1, false);
	while (!ret && now() < end) {
		ASSERT_EQ(0, do_sem_post(self->fd, 0, SEM));
		ret = do_sem_try(self->fd, 0, SEM);
	}
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_EQ(0, reap(pid));
}

/*
 * Whether a unit goes to the second, by SEM_WAIT or by WAIT_ANY, while the first, who is told of
 * it, isn't allowed to run.
 */
static bool unit_passes(int fd, int *shared, bool any)
{
	/* With PREEMPT_RT timers have a thread of priority 1, which is to have its turns. */
	struct sched_param first = { .sched_priority = 1 }, normal = {};
	__u64 end = now() + 60 * NSEC_PER_SEC;
	pid_t barred, other;
	bool passed;

	shared[0] = 0;
	shared[1] = 0;
	pin(0);
	barred = spawn_sleeper(fd, shared, 1, false);
	pin(1);
	other = any ? spawn_any_sleeper(fd, shared, 2) : spawn_sleeper(fd, shared, 2, false);
	pin(0);
	CHECK(!sched_setscheduler(0, SCHED_RR, &first));
	CHECK(do_sem_post(fd, 0, SEM) == 0);
	while (!__atomic_load_n(&shared[1], __ATOMIC_SEQ_CST) && now() < end)
		;
	CHECK(!sched_setscheduler(0, SCHED_OTHER, &normal));
	passed = shared[1] == 2;
	CHECK(reap(passed ? other : barred) == 0);
	CHECK(do_sem_post(fd, 0, SEM) == 0);
	CHECK(reap(passed ? barred : other) == 0);
	return passed;
}

/*
 * A kernel keeps a part of each second for who isn't SCHED_RR: a machine that has no time for
 * anybody else until then has to be asked again.
 */
TEST_F(sem, a_waiter_without_a_cpu)
{
	bool passed;
	int any, i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one CPU");
	new_sem(self->fd, SEM, 0, 1);
	for (any = 0; any < 2; any++) {
		passed = false;
		for (i = 0; i < 5 && !passed; i++)
			passed = unit_passes(self->fd, self->shared, any);
		EXPECT_EQ(true, passed);
	}
}

static int wait_peers(int fd, __u64 owner, __u64 deadline, __u64 deaths)
{
	struct shmbuf_sem arg = {
		.size = sizeof(arg), .owner = owner, .index = SEM, .deadline = deadline,
		.flags = SHMBUF_SEM_PEERS | (owner ? SHMBUF_SEM_UNDO : 0), .deaths = deaths,
	};

	return call(fd, SHMBUF_IOC_SEM_WAIT, &arg);
}

/* With UNDO or without, a death ends the wait, and a unit that is there comes first. */
TEST_F(sem, peers)
{
	int undo, i;

	new_sem(self->fd, SEM, 0, 1);
	EXPECT_EQ(-EPIPE, wait_peers(self->fd, 0, NEVER, ~0ULL));
	EXPECT_EQ(-EPIPE, wait_peers(self->fd, new_owner(self->fd), NEVER, ~0ULL));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, wait_peers(self->fd, 0, NEVER, ~0ULL));
	for (undo = 0; undo < 2; undo++) {
		pid_t peer = spawn(), third = 0, pid;

		if (!peer) {
			new_owner(self->fd);
			__atomic_store_n(&self->shared[0], 1, __ATOMIC_SEQ_CST);
			for (;;)
				pause();
		}
		UNTIL(__atomic_load_n(&self->shared[0], __ATOMIC_SEQ_CST));
		self->shared[0] = 0;
		EXPECT_EQ(-ETIMEDOUT, wait_peers(self->fd, 0, now(), ~0ULL));
		for (i = 0; i < 2; i++) {
			pid = spawn();
			if (!pid) {
				__u64 owner = undo ? new_owner(self->fd) : 0;

				_exit(-wait_peers(self->fd, owner, NEVER, ~0ULL));
			}
			UNTIL(asleep_in(pid, SHMBUF_IOC_SEM_WAIT));
			/* The first gets a unit, the second hears of a death. */
			if (!i) {
				EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
				EXPECT_EQ(0, reap(pid));
				UNTIL(!undo || do_sem_try(self->fd, 0, SEM) == 0);
			} else {
				third = pid;
			}
		}
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(peer));
		EXPECT_EQ(EOWNERDEAD, reap(third));
		EXPECT_EQ(-EOWNERDEAD, wait_peers(self->fd, 0, NEVER, 0));
		EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
		EXPECT_EQ(0, wait_peers(self->fd, 0, NEVER, 0));
	}
	EXPECT_EQ(shmbuf_sem_word(1, 0, 0), read_word(&self->c, SEM));
}

TEST_F(sem, reset)
{
	pid_t pid;

	new_sem(self->fd, SEM, 2, 2);
	EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM));
	EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM));
	pid = spawn_sleeper(self->fd, self->shared, 1, false);
	EXPECT_EQ(-EBUSY, do_reset(self->fd, SEM, 1));
	EXPECT_EQ(-EBUSY, do_reset(self->fd, SEM - 1, 2));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, reap(pid));
	/* Units that nobody knows of don't count. */
	EXPECT_EQ(0, do_reset(self->fd, SEM, 1));
	EXPECT_EQ(-EINVAL, do_sem_try(self->fd, 0, SEM));
	EXPECT_EQ(-EINVAL, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(false, fast_up(&self->c, SEM));
	new_sem(self->fd, SEM, 1, 1);
	EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM));
}

TEST_F(sem, waiters_have_a_limit)
{
	__u64 old = get_parameter("max_user_waiters");
	int ret;

	new_sem(self->fd, SEM, 1, 1);
	set_parameter("max_user_waiters", 0);
	ret = do_sem_wait(self->fd, 0, SEM, 0, NEVER);	/* doesn't wait */
	EXPECT_EQ(0, ret);
	ret = do_sem_wait(self->fd, 0, SEM, 0, now() + NSEC_PER_SEC);
	EXPECT_EQ(-EDQUOT, ret);
	EXPECT_EQ(-EBUSY, do_sem_try(self->fd, 0, SEM));
	set_parameter("max_user_waiters", old);
	EXPECT_EQ(-ETIMEDOUT, do_sem_wait(self->fd, 0, SEM, 0, now()));
	EXPECT_EQ(false, waited_for(&self->c));
}

TEST_HARNESS_MAIN
