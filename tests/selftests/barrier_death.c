// SPDX-License-Identifier: GPL-2.0-only
/* Parties of a barrier that end in all ways, and what the others hear; hostile words. */
#include "shmbuf_test.h"

#define BARRIER	2

FIXTURE(barrier_death)
{
	char name[64];
	int fd;
	struct control c;
	__u64 owner;
	int *shared;
};

FIXTURE_SETUP(barrier_death)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 3);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
	self->shared = shared_memory(4096);
}

FIXTURE_TEARDOWN(barrier_death)
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

struct party {
	int fd;
	__u64 owner;
	struct control c;
	int *go;
	bool waiting;	/* it dies while it waits, or it has waited before */
};

/* A party that isn't waiting. */
static void enrol(struct party *p)
{
	p->owner = new_owner(p->fd);
	CHECK(do_barrier_wait(p->fd, p->owner, BARRIER, 0) == -ETIMEDOUT);
	__atomic_store_n(&p->go[0], 1, __ATOMIC_SEQ_CST);
	UNTIL(__atomic_load_n(&p->go[1], __ATOMIC_SEQ_CST));
}

static void stay(void)
{
	for (;;)
		pause();
}

static void by_exit(struct party *p)
{
	enrol(p);
	_exit(0);
}

static void by_sigkill(struct party *p)
{
	enrol(p);
	kill(getpid(), SIGKILL);
}

static void by_sigsegv(struct party *p)
{
	enrol(p);
	signal(SIGSEGV, SIG_DFL);
	kill(getpid(), SIGSEGV);
	stay();
}

static void by_exec(struct party *p)
{
	CHECK(!fcntl(p->fd, F_SETFD, 0));
	enrol(p);
	exec_idle();
}

static void by_release(struct party *p)
{
	enrol(p);
	munmap(p->c.base, p->c.size);
	close(p->fd);
	stay();
}

static void by_unregister(struct party *p)
{
	enrol(p);
	CHECK(do_unregister(p->fd, p->owner) == 0);
	stay();
}

static void *enrol_and_return(void *arg)
{
	enrol(arg);
	syscall(SYS_exit, 0);
	return NULL;
}

static void by_raw_thread_exit(struct party *p)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, enrol_and_return, p));
	stay();
}

/* Killed from outside, while it waits. */
static void while_waiting(struct party *p)
{
	p->owner = new_owner(p->fd);
	__atomic_store_n(&p->go[0], 1, __ATOMIC_SEQ_CST);
	do_barrier_wait(p->fd, p->owner, BARRIER, NEVER);
	_exit(1);
}

static const struct way {
	const char *name;
	void (*die)(struct party *p);
	bool silent;	/* found by looking only, which is done while somebody waits */
	bool waiting;
} ways[] = {
	{ "exit", by_exit },
	{ "SIGKILL", by_sigkill },
	{ "SIGSEGV", by_sigsegv },
	{ "exec", by_exec },
	{ "release", by_release },
	{ "UNREGISTER", by_unregister },
	{ "raw thread exit", by_raw_thread_exit, true },
	{ "SIGKILL while it waits", while_waiting, false, true },
};

static pid_t spawn_way(const char *name, const struct way *way, int *go)
{
	pid_t pid;

	go[0] = 0;
	go[1] = 0;
	pid = spawn();
	if (!pid) {
		struct party p = { .fd = open_buffer(name, O_RDWR), .go = go };

		p.c = map_control(p.fd, PROT_READ | PROT_WRITE);
		way->die(&p);
		_exit(1);
	}
	UNTIL(__atomic_load_n(&go[0], __ATOMIC_SEQ_CST));
	UNTIL(!way->waiting || asleep_in(pid, SHMBUF_IOC_BARRIER_WAIT));
	return pid;
}

static void end_way(pid_t pid, const struct way *way, int *go)
{
	__atomic_store_n(&go[1], 1, __ATOMIC_SEQ_CST);
	if (way->waiting)
		kill(pid, SIGKILL);
}

/* Those who wait when it dies. */
static void death_before(struct __test_metadata *_metadata, FIXTURE_DATA(barrier_death) * self,
			 int waiters)
{
	pid_t pid, pids[40];
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		TH_LOG("%s, %d waiters", ways[i].name, waiters);
		new_barrier(self->fd, waiters + 2);
		for (n = 0; n < waiters; n++)
			pids[n] = spawn_party(self->fd);
		pid = spawn_way(self->name, &ways[i], self->shared);
		EXPECT_EQ(waiters + ways[i].waiting, arrived(&self->c));
		end_way(pid, &ways[i], self->shared);
		for (n = 0; n < waiters; n++)
			EXPECT_EQ(EOWNERDEAD, reap(pids[n]));
		/* Those who come later. */
		EXPECT_EQ(-ENOTRECOVERABLE, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
		EXPECT_EQ(-ENOTRECOVERABLE, do_barrier_wait(self->fd, self->owner, BARRIER, 0));
		kill_and_reap(pid);
		/* And all anew. */
		EXPECT_EQ(0, do_reset(self->fd, BARRIER, 1));
		new_barrier(self->fd, 1);
		EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
		EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
		EXPECT_EQ(0, do_barrier_leave(self->fd, self->owner, BARRIER));
		EXPECT_EQ(0, do_reset(self->fd, BARRIER, 1));
	}
}

TEST_F(barrier_death, death_of_a_party_with_one_waiter)
{
	death_before(_metadata, self, 1);
}

TEST_F(barrier_death, death_of_a_party_with_several_waiters)
{
	death_before(_metadata, self, 3);
}

TEST_F(barrier_death, death_of_a_party_with_more_waiters_than_a_batch)
{
	death_before(_metadata, self, 36);
}

/* With nobody waiting: who comes later is told all the same. */
TEST_F(barrier_death, death_of_a_party_with_no_waiter)
{
	pid_t pid;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		TH_LOG("%s", ways[i].name);
		new_barrier(self->fd, 2);
		pid = spawn_way(self->name, &ways[i], self->shared);
		end_way(pid, &ways[i], self->shared);
		if (ways[i].silent) {
			ret = do_barrier_wait(self->fd, self->owner, BARRIER, now() + PATIENCE);
			EXPECT_EQ(-EOWNERDEAD, ret);
		}
		UNTIL(read_word(&self->c, BARRIER) & SHMBUF_WORD_NOTRECOVERABLE);
		ret = do_barrier_wait(self->fd, self->owner, BARRIER, NEVER);
		EXPECT_EQ(-ENOTRECOVERABLE, ret);
		kill_and_reap(pid);
		EXPECT_EQ(0, do_reset(self->fd, BARRIER, 1));
	}
}

/* It isn't a party that leaves, or that never arrived, or of what was before RESET. */
TEST_F(barrier_death, deaths_that_break_nothing)
{
	pid_t pid;

	new_barrier(self->fd, 2);
	pid = spawn();
	if (!pid) {
		__u64 owner = new_owner(self->fd);

		CHECK(do_barrier_wait(self->fd, owner, BARRIER, 0) == -ETIMEDOUT);
		CHECK(do_barrier_leave(self->fd, owner, BARRIER) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	pid = spawn();
	if (!pid) {
		new_owner(self->fd);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	pid = spawn_way(self->name, &ways[0], self->shared);
	EXPECT_EQ(0, do_reset(self->fd, BARRIER, 1));
	new_barrier(self->fd, 2);
	end_way(pid, &ways[0], self->shared);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-ETIMEDOUT, do_barrier_wait(self->fd, self->owner, BARRIER,
					      now() + 300 * NSEC_PER_MSEC));
	EXPECT_EQ(SHMBUF_WORD_BARRIER | 2, read_word(&self->c, BARRIER));
	EXPECT_EQ(0, do_barrier_leave(self->fd, self->owner, BARRIER));
}

static void *wait_for_all(void *arg)
{
	struct party *p = arg;

	p->go[2] = syscall(SYS_gettid);
	p->go[3] = do_barrier_wait(p->fd, p->owner, BARRIER, NEVER);
	return NULL;
}

/* Threads of one process-bound id: an arrival each, one party. */
TEST_F(barrier_death, threads_that_share_an_id)
{
	struct party p = { .fd = self->fd, .go = self->shared };
	pthread_t thread;

	new_barrier(self->fd, 2);
	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &p.owner));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_all, &p));
	UNTIL(p.go[2] && asleep_in(p.go[2], SHMBUF_IOC_BARRIER_WAIT));
	/* Leaving doesn't end the other's wait, and arriving enrols anew. */
	EXPECT_EQ(0, do_barrier_leave(self->fd, p.owner, BARRIER));
	EXPECT_EQ(-ENOENT, do_barrier_leave(self->fd, p.owner, BARRIER));
	EXPECT_EQ(true, asleep_in(p.go[2], SHMBUF_IOC_BARRIER_WAIT));
	EXPECT_EQ(1, do_barrier_wait(self->fd, p.owner, BARRIER, NEVER));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, p.go[3]);
	EXPECT_EQ(0, do_barrier_leave(self->fd, p.owner, BARRIER));
	/* An id that ends while another thread waits by it breaks the barrier. */
	p.go[2] = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_all, &p));
	UNTIL(p.go[2] && asleep_in(p.go[2], SHMBUF_IOC_BARRIER_WAIT));
	EXPECT_EQ(0, do_unregister(self->fd, p.owner));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-EOWNERDEAD, p.go[3]);
}

/* A peer that writes what it likes: wrong results for those who meet there, no more. */

static __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define WORKERS	6

static pid_t spawn_worker(int fd, __u64 seed)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = new_owner(fd);

		for (;;) {
			__u64 end = now() + draw(&seed) % NSEC_PER_MSEC;

			do_barrier_wait(fd, owner, BARRIER, draw(&seed) % 50 ? end : NEVER);
			if (draw(&seed) % 4 == 0)
				do_barrier_leave(fd, owner, BARRIER);
			if (draw(&seed) % 8 == 0)
				do_reset(fd, BARRIER, 1);
			if (draw(&seed) % 8 == 0)
				do_init(fd, BARRIER, 1, SHMBUF_KIND_BARRIER, 3);
			if (draw(&seed) % 16 == 0) {
				do_unregister(fd, owner);
				owner = new_owner(fd);
			}
		}
	}
	return pid;
}

/* Meets the others; what a death has broken, somebody makes anew. */
static void meet(int fd, int *rounds, int *told)
{
	__u64 owner = new_owner(fd);
	int ret;

	for (;;) {
		ret = do_barrier_wait(fd, owner, BARRIER, NEVER);
		switch (ret) {
		case 1:
			__atomic_add_fetch(rounds, 1, __ATOMIC_SEQ_CST);
			break;
		case -EOWNERDEAD:
			__atomic_add_fetch(told, 1, __ATOMIC_SEQ_CST);
			__attribute__((fallthrough));
		case -ENOTRECOVERABLE:
			ret = do_reset(fd, BARRIER, 1);
			CHECK(ret == 0 || ret == -EBUSY || ret == -EINVAL);
			ret = do_init(fd, BARRIER, 1, SHMBUF_KIND_BARRIER, WORKERS / 2);
			CHECK(ret == 0 || ret == -EEXIST);
			break;
		default:
			CHECK(ret == 0 || ret == -EINVAL);
		}
	}
}

TEST_F(barrier_death, storm_of_kills)
{
	__u64 seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : now() | 1;
	int i, kills, *rounds = &self->shared[0], *told = &self->shared[1], seen;
	pid_t workers[WORKERS];

	TH_LOG("SEED=%#llx", seed);
	new_barrier(self->fd, WORKERS / 2);
	for (i = 0; i < WORKERS; i++) {
		workers[i] = spawn();
		if (!workers[i])
			meet(self->fd, rounds, told);
	}
	for (kills = 0; kills < 100; kills++) {
		usleep(draw(&seed) % 4000);
		i = draw(&seed) % WORKERS;
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
		workers[i] = spawn();
		if (!workers[i])
			meet(self->fd, rounds, told);
	}
	seen = __atomic_load_n(rounds, __ATOMIC_SEQ_CST);
	UNTIL(__atomic_load_n(rounds, __ATOMIC_SEQ_CST) > seen + 100);
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
	EXPECT_LT(0, *told);
	UNTIL(do_reset(self->fd, BARRIER, 1) == 0);
}

TEST_F(barrier_death, vandal_among_workers)
{
	__u64 seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : now() | 1;
	pid_t vandal, workers[WORKERS];
	int i, kills;

	TH_LOG("SEED=%#llx", seed);
	new_barrier(self->fd, 3);
	vandal = spawn();
	if (!vandal)
		self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	for (; !vandal;) {
		write_word(&self->c, BARRIER, draw(&seed) % 2 ? draw(&seed) :
			   shmbuf_barrier_word(draw(&seed) % 4, draw(&seed) % 8, draw(&seed) % 4,
					       draw(&seed) & SHMBUF_WORD_NOTRECOVERABLE));
		usleep(draw(&seed) % 200);
	}
	for (i = 0; i < WORKERS; i++)
		workers[i] = spawn_worker(self->fd, draw(&seed));
	for (kills = 0; kills < 100; kills++) {
		usleep(draw(&seed) % 5000);
		i = draw(&seed) % WORKERS;
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
		workers[i] = spawn_worker(self->fd, draw(&seed));
	}
	kill_and_reap(vandal);
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
	do_reset(self->fd, BARRIER, 1);
	new_barrier(self->fd, 1);
	EXPECT_EQ(1, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
}

TEST_HARNESS_MAIN
