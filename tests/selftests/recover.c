// SPDX-License-Identifier: GPL-2.0-only
/* RECOVER: a lock is taken from who holds it and lives, as if he had died. */
#include "shmbuf_test.h"

#define LOCK	0
#define ANOTHER	1
#define LOCKS	8
#define QUEUE	LOCKS
#define FREE	(QUEUE + 1)

FIXTURE(recover)
{
	char name[64];
	int fd;
	struct control c;
	__u64 holder;	/* of this very thread, as is @me: ids are what counts */
	__u64 me;
};

FIXTURE_SETUP(recover)
{
	self->fd = new_buffer(new_name(self->name), LOCKS, 1, 1);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->holder = new_owner(self->fd);
	self->me = new_owner(self->fd);
}

FIXTURE_TEARDOWN(recover)
{
	munmap(self->c.base, self->c.size);
	close(self->fd);
}

static __u32 state_of_lock(int fd, __u32 index)
{
	struct shmbuf_owner_info info;

	if (do_owner_info(fd, index, &info, NULL, 0))
		fatal("OWNER_INFO failed");
	return info.state;
}

TEST_F(recover, from_who_holds_it)
{
	ASSERT_EQ(0, do_lock(self->fd, self->holder, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_lock(self->fd, self->holder, ANOTHER, 0, NEVER));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->me, LOCK));
	EXPECT_EQ(0, do_recover(self->fd, LOCK, self->holder));
	/* Nobody has died, and nobody is said to have. */
	EXPECT_EQ(SHMBUF_OWNER_INCONSISTENT, state_of_lock(self->fd, LOCK));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->holder));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->holder, LOCK));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, LOCK, 0, NEVER));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->holder, LOCK));
	EXPECT_EQ(-EPERM, do_consistent(self->fd, self->holder, LOCK));
	EXPECT_EQ(-EPERM, do_downgrade(self->fd, self->holder, LOCK));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->holder, LOCK));
	EXPECT_EQ(0, do_consistent(self->fd, self->me, LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, self->me, LOCK));
	/* He gets what anyone gets, and keeps what else he has. */
	EXPECT_EQ(0, do_lock(self->fd, self->holder, LOCK, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->holder, LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, self->holder, ANOTHER));
}

TEST_F(recover, from_who_took_it_in_user_space)
{
	ASSERT_TRUE(fast_lock(&self->c, self->holder, LOCK));
	EXPECT_EQ(0, do_recover(self->fd, LOCK, self->holder));
	EXPECT_FALSE(fast_unlock(&self->c, self->holder, LOCK));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->holder, LOCK));
	EXPECT_FALSE(fast_lock(&self->c, self->me, LOCK));
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->me, LOCK));
	EXPECT_EQ(0, do_consistent(self->fd, self->me, LOCK));
	EXPECT_TRUE(fast_unlock(&self->c, self->me, LOCK));
	EXPECT_TRUE(fast_lock(&self->c, self->holder, LOCK));
	EXPECT_TRUE(fast_unlock(&self->c, self->holder, LOCK));
}

/* The very one it was taken from is the next, and has to repair as anyone would. */
TEST_F(recover, he_comes_again)
{
	ASSERT_EQ(0, do_lock(self->fd, self->holder, LOCK, 0, NEVER));
	EXPECT_EQ(0, do_recover(self->fd, LOCK, self->holder));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->holder, LOCK, 0, NEVER));
	/* Taken from him before he has repaired it: the next one is told again. */
	EXPECT_EQ(0, do_recover(self->fd, LOCK, self->holder));
	EXPECT_EQ(-EPERM, do_consistent(self->fd, self->holder, LOCK));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, LOCK, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->me, LOCK));
	/* Given up for good: nobody holds it. */
	EXPECT_EQ(-ENOTRECOVERABLE, do_trylock(self->fd, self->me, LOCK));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->me));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, 0));
	EXPECT_EQ(-ENOTRECOVERABLE, do_trylock(self->fd, self->me, LOCK));
}

TEST_F(recover, from_nobody)
{
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, 0));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->me));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, ~0ULL));
	EXPECT_EQ(0, read_word(&self->c, LOCK));
	ASSERT_EQ(0, do_lock(self->fd, self->holder, LOCK, 0, NEVER));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, 0));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->me));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->holder | 1ULL << 56));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->holder | SHMBUF_WORD_WAITERS));
	EXPECT_EQ(self->holder, read_word(&self->c, LOCK));
	EXPECT_TRUE(fast_unlock(&self->c, self->holder, LOCK));
}

/* Readers can't be in the midst of a change. */
TEST_F(recover, from_readers)
{
	ASSERT_EQ(0, do_read(self->fd, self->holder, LOCK, 0, NEVER));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->holder));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, 0));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->me, LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, self->holder, LOCK));
	EXPECT_EQ(0, do_lock(self->fd, self->me, LOCK, 0, NEVER));
	/* One whom readers wait for, who had read claims of their own before. */
	EXPECT_EQ(0, do_recover(self->fd, LOCK, self->me));
	EXPECT_EQ(-EOWNERDEAD, do_read(self->fd, self->holder, LOCK, 0, NEVER));
	EXPECT_EQ(0, do_consistent(self->fd, self->holder, LOCK));
	EXPECT_EQ(0, do_downgrade(self->fd, self->holder, LOCK));
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->holder));
	EXPECT_EQ(0, do_unlock(self->fd, self->holder, LOCK));
}

TEST_F(recover, no_lock)
{
	EXPECT_EQ(-EINVAL, do_recover(self->fd, QUEUE, self->me));
	EXPECT_EQ(-EINVAL, do_recover(self->fd, FREE, self->me));
	EXPECT_EQ(-EINVAL, do_recover(self->fd, FREE + 1, self->me));
	EXPECT_EQ(-EINVAL, do_recover(self->fd, ~0U, self->me));
	/* A peer's nonsense: the word of a lock that has none. */
	write_word(&self->c, LOCK, SHMBUF_WORD_UNUSED);
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, self->me));
	EXPECT_EQ(SHMBUF_WORD_UNUSED, read_word(&self->c, LOCK));
	write_word(&self->c, LOCK, 0);
}

static pid_t spawn_holder(int fd, __u64 *id)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 mine = new_owner(fd);

		CHECK(do_lock(fd, mine, LOCK, 0, NEVER) == 0);
		__atomic_store_n(id, mine, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(id, __ATOMIC_SEQ_CST));
	return pid;
}

/* Whoever died with it is told of, be the word found by RECOVER or by who buries him. */
TEST_F(recover, from_the_dead)
{
	__u64 *id = shared_memory(4096);
	struct shmbuf_owner_info info;
	pid_t pid = spawn_holder(self->fd, id);

	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	write_word(&self->c, LOCK, *id);
	EXPECT_EQ(0, do_recover(self->fd, LOCK, *id));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_owner_info(self->fd, LOCK, &info, NULL, 0));
	EXPECT_EQ(SHMBUF_OWNER_HELD | SHMBUF_OWNER_INCONSISTENT | SHMBUF_OWNER_DEAD, info.state);
	EXPECT_EQ(*id, info.death.owner);
	EXPECT_EQ(pid, info.death.pid);
	EXPECT_EQ(-ESRCH, do_recover(self->fd, LOCK, *id));
}

/* A thread that went without a word is found to be dead by RECOVER itself. */
static void *vanish(void *arg)
{
	int fd = *(int *)arg;

	CHECK(do_lock(fd, new_owner(fd), LOCK, 0, NEVER) == 0);
	syscall(SYS_exit, 0);
	return NULL;
}

TEST_F(recover, from_a_vanished_thread)
{
	struct shmbuf_owner_info info;
	pthread_t thread;
	__u64 id;

	ASSERT_EQ(0, pthread_create(&thread, NULL, vanish, &self->fd));
	UNTIL(read_word(&self->c, LOCK));
	id = read_word(&self->c, LOCK) & SHMBUF_OWNER_MASK;
	usleep(10000);
	EXPECT_EQ(0, do_recover(self->fd, LOCK, id));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_owner_info(self->fd, LOCK, &info, NULL, 0));
	EXPECT_EQ(SHMBUF_OWNER_HELD | SHMBUF_OWNER_INCONSISTENT | SHMBUF_OWNER_DEAD, info.state);
	EXPECT_EQ(id, info.death.owner);
}

/* Ids that a peer made up, also in a buffer where nobody ever had one. */
TEST_F(recover, from_nobody_ever)
{
	int fd = new_buffer(NULL, 1, 0, 0);
	struct control c = map_control(fd, PROT_READ | PROT_WRITE);

	write_word(&c, LOCK, 5);
	EXPECT_EQ(0, do_recover(fd, LOCK, 5));
	EXPECT_EQ(SHMBUF_OWNER_INCONSISTENT, state_of_lock(fd, LOCK));
	EXPECT_EQ(-EOWNERDEAD, do_lock(fd, new_owner(fd), LOCK, 0, NEVER));
	write_word(&self->c, LOCK, SHMBUF_OWNER_MASK);
	EXPECT_EQ(0, do_recover(self->fd, LOCK, SHMBUF_OWNER_MASK));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, LOCK, 0, NEVER));
	EXPECT_EQ(0, do_consistent(self->fd, self->me, LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, self->me, LOCK));
	close(fd);
}

static pid_t spawn_sleeper(int fd, __u32 flags, int expected, __u64 *woken)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 id = new_owner(fd);

		CHECK(do_lock(fd, id, LOCK, flags, NEVER) == expected);
		__atomic_store_n(woken, now(), __ATOMIC_SEQ_CST);
		if (expected)
			CHECK(do_consistent(fd, id, LOCK) == 0);
		CHECK(do_unlock(fd, id, LOCK) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	return pid;
}

/* The first to wait is told, the others go on after it. */
TEST_F(recover, wakes_who_waits)
{
	static const __u32 flags[] = { 0, SHMBUF_LOCK_SHARED };
	__u64 *woken = shared_memory(4096);
	size_t i;
	int j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		pid_t pids[4];

		ASSERT_EQ(0, do_lock(self->fd, self->holder, LOCK, 0, NEVER));
		for (j = 0; j < 4; j++)
			pids[j] = spawn_sleeper(self->fd, j ? 0 : flags[i], j ? 0 : -EOWNERDEAD,
						woken);
		ASSERT_EQ(0, do_recover(self->fd, LOCK, self->holder));
		for (j = 0; j < 4; j++)
			EXPECT_EQ(0, reap(pids[j]));
		EXPECT_EQ(-EPERM, do_unlock(self->fd, self->holder, LOCK));
	}
}

/* At once, that is not by the look that is taken every 100 ms. */
TEST_F(recover, wakes_at_once)
{
	__u64 *woken = shared_memory(4096), start;
	int i, soon = 0;
	pid_t pid;

	if (slowness() > 1)
		SKIP(return, "the machine is slow");
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, do_lock(self->fd, self->holder, LOCK, 0, NEVER));
		pid = spawn_sleeper(self->fd, 0, -EOWNERDEAD, woken);
		start = now();
		ASSERT_EQ(0, do_recover(self->fd, LOCK, self->holder));
		EXPECT_EQ(0, reap(pid));
		soon += *woken - start < 10 * NSEC_PER_MSEC;
	}
	EXPECT_LE(10, soon);
}

/* A condition's sleeper who takes the lock back, and WAIT_ANY, hear of it as of a death. */
TEST_F(recover, wakes_who_takes_it_back)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 id = new_owner(self->fd);

		CHECK(do_lock(self->fd, id, LOCK, 0, NEVER) == 0);
		_exit(do_wait_locked(self->fd, id, LOCK, QUEUE, 0, NEVER) !=
		      SHMBUF_WAITED_OWNERDEAD);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	ASSERT_EQ(0, do_lock(self->fd, self->holder, LOCK, 0, NEVER));
	ASSERT_EQ(1, do_wake(self->fd, QUEUE, 1));
	ASSERT_EQ(0, do_recover(self->fd, LOCK, self->holder));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EPERM, do_wait_locked(self->fd, self->holder, LOCK, QUEUE, 1, NEVER));
}

/* Nonsense in the word all the while: each call has one of its results, and the kernel goes on. */
TEST_F(recover, beside_a_scribbler)
{
	__u64 end = now() + PATIENCE;
	pid_t pid = spawn();
	int i, ret, taken = 0;

	if (!pid) {
		struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
		__u64 noise = 88172645463325252ULL;

		for (;;) {
			noise ^= noise << 13;
			noise ^= noise >> 7;
			noise ^= noise << 17;
			write_word(&c, LOCK, noise % 4 ? self->holder | (noise & (0x3fULL << 58)) :
							 noise);
		}
	}
	for (i = 0; i < fewer(100000) || (!taken && now() < end); i++) {
		ret = do_recover(self->fd, LOCK, self->holder);
		ASSERT_TRUE(!ret || ret == -ESRCH);
		taken += !ret;
	}
	EXPECT_LT(0, taken);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	write_word(&self->c, LOCK, self->holder);
	EXPECT_EQ(0, do_recover(self->fd, LOCK, self->holder));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, LOCK, 0, NEVER));
}

#define WORKERS	4
#define ROUNDS	5000

/* Each time that the lock was taken away has one who lost it, and one who heard of it. */
struct tally {
	unsigned int recovered, lost, told, stop;
};

static void count(unsigned int *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_SEQ_CST);
}

static void work(int fd, struct tally *t)
{
	struct control c = map_control(fd, PROT_READ | PROT_WRITE);
	__u64 id = new_owner(fd);
	int i, ret;

	for (i = 0; i < fewer(ROUNDS); i++) {
		ret = i % 2 && fast_lock(&c, id, LOCK) ? 0 : do_lock(fd, id, LOCK, 0, NEVER);
		CHECK(ret == 0 || ret == -EOWNERDEAD);
		if (ret) {
			count(&t->told);
			ret = do_consistent(fd, id, LOCK);
			CHECK(ret == 0 || ret == -EPERM);
		}
		if (i % 8 == 0)
			sched_yield();
		ret = i % 4 && fast_unlock(&c, id, LOCK) ? 0 : do_unlock(fd, id, LOCK);
		CHECK(ret == 0 || ret == -EPERM);
		if (ret)
			count(&t->lost);
	}
	_exit(0);
}

static void take_away(int fd, struct tally *t)
{
	struct control c = map_control(fd, PROT_READ);

	while (!__atomic_load_n(&t->stop, __ATOMIC_SEQ_CST)) {
		__u64 id = read_word(&c, LOCK) & SHMBUF_OWNER_MASK;
		int ret = do_recover(fd, LOCK, id);

		CHECK(ret == 0 || ret == -ESRCH);
		if (!ret)
			count(&t->recovered);
		usleep(20);
	}
	_exit(0);
}

/* Never two at once, and never lost: the numbers agree, and all come to their end. */
TEST_F(recover, races_with_everything)
{
	struct tally *t = shared_memory(4096);
	pid_t workers[WORKERS], taker;
	int i;

	for (i = 0; i < WORKERS; i++) {
		workers[i] = spawn();
		if (!workers[i])
			work(self->fd, t);
	}
	taker = spawn();
	if (!taker)
		take_away(self->fd, t);
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(0, reap(workers[i]));
	count(&t->stop);
	EXPECT_EQ(0, reap(taker));
	t->told += do_lock(self->fd, self->me, LOCK, 0, NEVER) == -EOWNERDEAD;
	TH_LOG("%u times taken away", t->recovered);
	EXPECT_LT(0, t->recovered);
	EXPECT_EQ(t->recovered, t->lost);
	EXPECT_EQ(t->recovered, t->told);
}

TEST_HARNESS_MAIN
