// SPDX-License-Identifier: GPL-2.0-only
/* Parties of a barrier that end in all ways, and what the others hear; hostile words. */
#include "ways_to_die.h"

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
	struct mortal m;	/* first: it is one */
	int *go;
};

static void enrol(struct mortal *m)
{
	struct party *p = (struct party *)m;

	m->owner = new_owner(m->fd);
	CHECK(do_barrier_wait(m->fd, m->owner, BARRIER, 0) == -ETIMEDOUT);
	__atomic_store_n(&p->go[0], 1, __ATOMIC_SEQ_CST);
	UNTIL(__atomic_load_n(&p->go[1], __ATOMIC_SEQ_CST));
}

/* A party that isn't waiting and ends in @way; or with NULL, one that is killed while it waits. */
static pid_t spawn_mortal(const char *name, const struct way *way, int *go)
{
	pid_t pid;

	go[0] = 0;
	go[1] = 0;
	pid = spawn();
	if (!pid) {
		struct party p = { .m.fd = open_buffer(name, O_RDWR), .go = go };

		if (!way)
			_exit(do_barrier_wait(p.m.fd, new_owner(p.m.fd), BARRIER, NEVER) != 0);
		p.m.c = map_control(p.m.fd, PROT_READ | PROT_WRITE);
		lead((struct life){ enrol, way, &p.m });
	}
	if (way)
		UNTIL(__atomic_load_n(&go[0], __ATOMIC_SEQ_CST));
	else
		UNTIL(asleep_in(pid, SHMBUF_IOC_BARRIER_WAIT));
	return pid;
}

static void end_mortal(pid_t pid, const struct way *way, int *go)
{
	if (way)
		__atomic_store_n(&go[1], 1, __ATOMIC_SEQ_CST);
	else
		kill(pid, SIGKILL);
}

/* Those who wait when it dies. */
static void death_before(struct __test_metadata *_metadata, FIXTURE_DATA(barrier_death) *self,
			 const struct way *way, int waiters)
{
	pid_t pid, pids[40];
	int n;

	TH_LOG("%s, %d waiters", way ? way->name : "killed while it waits", waiters);
	new_barrier(self->fd, waiters + 2);
	for (n = 0; n < waiters; n++)
		pids[n] = spawn_party(self->fd);
	pid = spawn_mortal(self->name, way, self->shared);
	EXPECT_EQ(waiters + !way, arrived(&self->c));
	end_mortal(pid, way, self->shared);
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

static void each_death_before(struct __test_metadata *_metadata,
			      FIXTURE_DATA(barrier_death) *self, int waiters)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways_to_die); i++)
		death_before(_metadata, self, &ways_to_die[i], waiters);
	death_before(_metadata, self, NULL, waiters);
}

TEST_F(barrier_death, death_of_a_party_with_one_waiter)
{
	each_death_before(_metadata, self, 1);
}

TEST_F(barrier_death, death_of_a_party_with_several_waiters)
{
	each_death_before(_metadata, self, 3);
}

TEST_F(barrier_death, death_of_a_party_with_more_waiters_than_a_batch)
{
	each_death_before(_metadata, self, 36);
}

/* With nobody waiting: who comes later is told all the same. */
static void death_alone(struct __test_metadata *_metadata, FIXTURE_DATA(barrier_death) *self,
			const struct way *way)
{
	pid_t pid;
	int ret;

	TH_LOG("%s", way ? way->name : "killed while it waits");
	new_barrier(self->fd, 2);
	pid = spawn_mortal(self->name, way, self->shared);
	end_mortal(pid, way, self->shared);
	if (way && way->thread) {
		ret = do_barrier_wait(self->fd, self->owner, BARRIER, now() + PATIENCE);
		EXPECT_EQ(-EOWNERDEAD, ret);
	}
	UNTIL(read_word(&self->c, BARRIER) & SHMBUF_WORD_NOTRECOVERABLE);
	EXPECT_EQ(-ENOTRECOVERABLE, do_barrier_wait(self->fd, self->owner, BARRIER, NEVER));
	kill_and_reap(pid);
	EXPECT_EQ(0, do_reset(self->fd, BARRIER, 1));
}

TEST_F(barrier_death, death_of_a_party_with_no_waiter)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways_to_die); i++)
		death_alone(_metadata, self, &ways_to_die[i]);
	death_alone(_metadata, self, NULL);
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
	pid = spawn_mortal(self->name, &ways_to_die[0], self->shared);
	EXPECT_EQ(0, do_reset(self->fd, BARRIER, 1));
	new_barrier(self->fd, 2);
	end_mortal(pid, &ways_to_die[0], self->shared);
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
	p->go[3] = do_barrier_wait(p->m.fd, p->m.owner, BARRIER, NEVER);
	return NULL;
}

/* Threads of one process-bound id: an arrival each, one party. */
TEST_F(barrier_death, threads_that_share_an_id)
{
	struct party p = { .m.fd = self->fd, .go = self->shared };
	pthread_t thread;

	new_barrier(self->fd, 2);
	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &p.m.owner));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_all, &p));
	UNTIL(p.go[2] && asleep_in(p.go[2], SHMBUF_IOC_BARRIER_WAIT));
	/* Leaving doesn't end the other's wait, and arriving enrols anew. */
	EXPECT_EQ(0, do_barrier_leave(self->fd, p.m.owner, BARRIER));
	EXPECT_EQ(-ENOENT, do_barrier_leave(self->fd, p.m.owner, BARRIER));
	EXPECT_EQ(true, asleep_in(p.go[2], SHMBUF_IOC_BARRIER_WAIT));
	EXPECT_EQ(1, do_barrier_wait(self->fd, p.m.owner, BARRIER, NEVER));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, p.go[3]);
	EXPECT_EQ(0, do_barrier_leave(self->fd, p.m.owner, BARRIER));
	/* An id that ends while another thread waits by it breaks the barrier. */
	p.go[2] = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_all, &p));
	UNTIL(p.go[2] && asleep_in(p.go[2], SHMBUF_IOC_BARRIER_WAIT));
	EXPECT_EQ(0, do_unregister(self->fd, p.m.owner));
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
		if (kills >= fewer(100) && __atomic_load_n(told, __ATOMIC_SEQ_CST))
			break;
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
	for (kills = 0; kills < fewer(100); kills++) {
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
