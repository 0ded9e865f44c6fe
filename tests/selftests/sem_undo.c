// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units with UNDO: however their process ends, they come back, as many as it had
 * and never twice.
 */
#include "ways_to_die.h"

#define SEM	2
#define UNITS	10

FIXTURE(undo)
{
	char name[64];
	int fd;
	struct control c;
	__u64 owner;
	int *shared;
};

FIXTURE_SETUP(undo)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 3);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
	self->shared = shared_memory(4096);
	new_sem(self->fd, SEM, UNITS, UNITS);
}

FIXTURE_TEARDOWN(undo)
{
	close(self->fd);
}

static void drain(int fd)
{
	while (do_sem_try(fd, 0, SEM) == 0)
		;
}

TEST_F(undo, only_what_the_process_has_is_given_back)
{
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM));
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(0, do_sem_wait(self->fd, self->owner, SEM, 0, NEVER));
	EXPECT_EQ(0, do_sem_try(self->fd, self->owner, SEM));
	EXPECT_EQ(UNITS - 3, read_count(&self->c, SEM));
	/* A plain one doesn't touch the record. */
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(0, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(shmbuf_sem_word(UNITS, UNITS, 0), read_word(&self->c, SEM));
}

TEST_F(undo, ids_of_others)
{
	__u64 dead = new_owner(self->fd), process;
	int other = new_buffer(NULL, 1, 0, 0);
	pid_t pid;

	ASSERT_EQ(0, do_unregister(self->fd, dead));
	EXPECT_EQ(-EPERM, do_sem_wait(self->fd, dead, SEM, 0, NEVER));
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, dead, SEM));
	EXPECT_EQ(-EPERM, do_sem_try(self->fd, new_owner(other) + 12345, SEM));
	EXPECT_EQ(-EPERM, do_sem_try(self->fd, ~0ULL, SEM));
	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &process));
	EXPECT_EQ(0, do_sem_try(self->fd, process, SEM));
	pid = spawn();
	if (!pid) {
		CHECK(do_sem_try(self->fd, self->owner, SEM) == -EPERM);
		CHECK(do_sem_post(self->fd, process, SEM) == -EPERM);
		/* A child has none of its parent's units. */
		CHECK(do_sem_post(self->fd, new_owner(self->fd), SEM) == -EPERM);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(UNITS - 1, read_count(&self->c, SEM));
	EXPECT_EQ(0, do_sem_post(self->fd, process, SEM));
}

static void *give_back(void *arg)
{
	int fd = *(int *)arg;

	CHECK(do_sem_post(fd, new_owner(fd), SEM) == 0);
	CHECK(do_sem_try(fd, new_owner(fd), SEM) == 0);
	return NULL;
}

/* The end of a thread is no death while its process has another id. */
TEST_F(undo, units_are_the_processs)
{
	pthread_t thread;
	int i;

	EXPECT_EQ(0, do_sem_try(self->fd, self->owner, SEM));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, give_back, &self->fd));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(UNITS - 1, read_count(&self->c, SEM));
	}
	EXPECT_EQ(0, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, self->owner, SEM));
}

TEST_F(undo, a_full_semaphore_takes_nothing_back)
{
	EXPECT_EQ(0, do_sem_try(self->fd, self->owner, SEM));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(-EOVERFLOW, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM));
	EXPECT_EQ(0, do_sem_post(self->fd, self->owner, SEM));
	EXPECT_EQ(UNITS, read_count(&self->c, SEM));
}

struct holder {
	struct mortal m;	/* first: it is one */
	int *go;
};

/* Ends with three units. */
static void hold(struct mortal *m)
{
	struct holder *h = (struct holder *)m;

	m->owner = new_owner(m->fd);
	CHECK(do_sem_wait(m->fd, m->owner, SEM, 0, NEVER) == 0);
	CHECK(do_sem_try(m->fd, m->owner, SEM) == 0);
	CHECK(do_sem_try(m->fd, m->owner, SEM) == 0);
	CHECK(do_sem_try(m->fd, m->owner, SEM) == 0);
	CHECK(do_sem_post(m->fd, m->owner, SEM) == 0);
	__atomic_store_n(&h->go[0], 1, __ATOMIC_SEQ_CST);
	UNTIL(__atomic_load_n(&h->go[1], __ATOMIC_SEQ_CST));
}

/* The thread that ends has the last id of its process. */
static pid_t spawn_holder(const char *name, const struct way *way, int *go)
{
	pid_t pid;

	go[0] = 0;
	go[1] = 0;
	pid = spawn();
	if (!pid) {
		/* No other handle that its parent left it has anything to do with it. */
		struct holder h = { .m.fd = open_buffer(name, O_RDWR), .go = go };

		h.m.c = map_control(h.m.fd, PROT_READ | PROT_WRITE);
		lead((struct life){ hold, way, &h.m });
	}
	UNTIL(__atomic_load_n(&go[0], __ATOMIC_SEQ_CST));
	return pid;
}

/* Any sweep, reaping or second death after the first gives nothing more. */
static void provoke(const char *name)
{
	pid_t pid = spawn();

	if (!pid) {
		int fd = open_buffer(name, O_RDWR);

		CHECK(do_lock(fd, new_owner(fd), 0, 0, NEVER) >= -EOWNERDEAD);
		_exit(0);
	}
	reap(pid);
}

TEST_F(undo, units_come_back_exactly)
{
	size_t i;
	pid_t pid;

	drain(self->fd);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	for (i = 0; i < ARRAY_SIZE(ways_to_die); i++) {
		TH_LOG("%s", ways_to_die[i].name);
		pid = spawn_holder(self->name, &ways_to_die[i], self->shared);
		EXPECT_EQ(1, read_count(&self->c, SEM));
		EXPECT_EQ(-EBUSY, do_reset(self->fd, SEM, 1));
		__atomic_store_n(&self->shared[1], 1, __ATOMIC_SEQ_CST);
		if (ways_to_die[i].thread) {
			EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM));
			EXPECT_EQ(0, do_sem_wait(self->fd, 0, SEM, 0, now() + PATIENCE));
			EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
			EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
		}
		UNTIL(read_count(&self->c, SEM) == 4);
		kill_and_reap(pid);
		provoke(self->name);
		EXPECT_EQ(shmbuf_sem_word(UNITS, 4, 0), read_word(&self->c, SEM));
	}
}

/* Those who wait get them, with UNDO or without; what is left is counted. */
TEST_F(undo, units_of_the_dead_go_to_who_waits)
{
	size_t i;
	pid_t pid, plain, undo;

	drain(self->fd);
	for (i = 0; i < ARRAY_SIZE(ways_to_die); i++) {
		TH_LOG("%s", ways_to_die[i].name);
		EXPECT_EQ(-EBUSY, do_sem_try(self->fd, 0, SEM));
		new_sem(self->fd, SEM + 1, 0, 1);
		for (int n = 0; n < 4; n++)
			EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
		pid = spawn_holder(self->name, &ways_to_die[i], self->shared);
		EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM));
		plain = spawn();
		if (!plain)
			_exit(do_sem_wait(self->fd, 0, SEM, 0, NEVER));
		UNTIL(asleep_in(plain, SHMBUF_IOC_SEM_WAIT));
		undo = spawn();
		if (!undo) {
			CHECK(do_sem_wait(self->fd, new_owner(self->fd), SEM, 0, NEVER) == 0);
			/* Goes with it, and comes back again. */
			_exit(0);
		}
		UNTIL(asleep_in(undo, SHMBUF_IOC_SEM_WAIT));
		__atomic_store_n(&self->shared[1], 1, __ATOMIC_SEQ_CST);
		EXPECT_EQ(0, reap(plain));
		EXPECT_EQ(0, reap(undo));
		UNTIL(read_word(&self->c, SEM) == shmbuf_sem_word(UNITS, 2, 0));
		kill_and_reap(pid);
		provoke(self->name);
		EXPECT_EQ(shmbuf_sem_word(UNITS, 2, 0), read_word(&self->c, SEM));
		drain(self->fd);
		EXPECT_EQ(0, do_reset(self->fd, SEM + 1, 1));
	}
}

/* Not a death: neither the mapping nor a handle that others have as well. */
TEST_F(undo, what_is_no_death)
{
	int dup_fd = dup(self->fd);
	pid_t pid;

	EXPECT_EQ(0, do_sem_try(self->fd, self->owner, SEM));
	munmap(self->c.base, self->c.size);
	close(dup_fd);
	pid = spawn();
	if (!pid)
		_exit(0);
	EXPECT_EQ(0, reap(pid));
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	EXPECT_EQ(UNITS - 1, read_count(&self->c, SEM));
	EXPECT_EQ(0, do_sem_post(self->fd, self->owner, SEM));
}

/* The last id ends while another thread waits: nobody could have the unit. */
static void *wait_undo(void *arg)
{
	struct holder *h = arg;

	h->go[0] = syscall(SYS_gettid);
	h->go[2] = do_sem_wait(h->m.fd, h->m.owner, SEM, 0, NEVER);
	return NULL;
}

TEST_F(undo, a_waiter_without_a_process)
{
	struct holder h = { .m.fd = self->fd, .go = self->shared };
	pthread_t thread;

	drain(self->fd);
	ASSERT_EQ(0, do_unregister(self->fd, self->owner));
	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &h.m.owner));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_undo, &h));
	UNTIL(h.go[0] && asleep_in(h.go[0], SHMBUF_IOC_SEM_WAIT));
	EXPECT_EQ(0, do_unregister(self->fd, h.m.owner));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-EPERM, h.go[2]);
	EXPECT_EQ(shmbuf_sem_word(UNITS, 0, 0), read_word(&self->c, SEM));
}

/* More than one batch of wake-ups can use: all come home, and at once. */
TEST_F(undo, units_for_a_crowd)
{
	pid_t pids[50], pid;
	int i;

	EXPECT_EQ(0, do_reset(self->fd, SEM, 1));
	new_sem(self->fd, SEM, 60, 60);
	pid = spawn();
	if (!pid) {
		__u64 owner = new_owner(self->fd);

		for (i = 0; i < 60; i++)
			CHECK(do_sem_try(self->fd, owner, SEM) == 0);
		self->shared[0] = 1;
		stay();
	}
	UNTIL(__atomic_load_n(&self->shared[0], __ATOMIC_SEQ_CST));
	for (i = 0; i < 50; i++) {
		pids[i] = spawn();
		if (!pids[i])
			_exit(do_sem_wait(self->fd, 0, SEM, 0, NEVER));
	}
	for (i = 0; i < 50; i++)
		UNTIL(asleep_in(pids[i], SHMBUF_IOC_SEM_WAIT));
	kill_and_reap(pid);
	for (i = 0; i < 50; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(shmbuf_sem_word(60, 10, 0), read_word(&self->c, SEM));
}

/*
 * Told to try, but not on their way yet, when more comes back than fits: all that wait make
 * room, and not only as many as are woken at once.  They share a CPU with who has precedence.
 */
TEST_F(undo, units_come_back_past_those_who_are_told)
{
	struct sched_param fifo = { .sched_priority = 50 }, normal = {};
	pid_t victim, pids[40];
	cpu_set_t set;
	int i;

	ASSERT_EQ(0, do_reset(self->fd, SEM, 1));
	new_sem(self->fd, SEM, ARRAY_SIZE(pids), ARRAY_SIZE(pids));
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	victim = spawn();
	if (!victim) {
		__u64 owner = new_owner(self->fd);

		for (i = 0; i < (int)ARRAY_SIZE(pids); i++)
			CHECK(do_sem_try(self->fd, owner, SEM) == 0);
		__atomic_store_n(self->shared, 1, __ATOMIC_SEQ_CST);
		pause();
	}
	UNTIL(__atomic_load_n(self->shared, __ATOMIC_SEQ_CST));
	for (i = 0; i < (int)ARRAY_SIZE(pids); i++) {
		pids[i] = spawn();
		if (!pids[i])
			_exit(do_sem_wait(self->fd, 0, SEM, 0, NEVER));
		UNTIL(asleep_in(pids[i], SHMBUF_IOC_SEM_WAIT));
	}
	ASSERT_EQ(0, sched_setscheduler(victim, SCHED_FIFO, &fifo));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
	for (i = 0; i < (int)ARRAY_SIZE(pids); i++)
		EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(ARRAY_SIZE(pids), read_count(&self->c, SEM));
	kill_and_reap(victim);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &normal));
	for (i = 0; i < (int)ARRAY_SIZE(pids); i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(ARRAY_SIZE(pids), read_count(&self->c, SEM));
}

TEST_F(undo, reset)
{
	pid_t pid;

	pid = spawn_holder(self->name, &ways_to_die[0], self->shared);
	EXPECT_EQ(-EBUSY, do_reset(self->fd, SEM, 1));
	__atomic_store_n(&self->shared[1], 1, __ATOMIC_SEQ_CST);
	EXPECT_EQ(0, reap(pid));
	/* At once: the dead aren't waited for. */
	UNTIL(do_reset(self->fd, SEM, 1) == 0);
	new_sem(self->fd, SEM, 0, UNITS);
	provoke(self->name);
	EXPECT_EQ(shmbuf_sem_word(UNITS, 0, 0), read_word(&self->c, SEM));
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, self->owner, SEM));
}

/* Nobody waits, and so nobody looks for a thread that went without a word. */
TEST_F(undo, reset_after_a_silent_end)
{
	const struct way *way = &ways_to_die[ARRAY_SIZE(ways_to_die) - 1];
	pid_t pid = spawn_holder(self->name, way, self->shared);

	ASSERT_EQ(true, way->thread);
	EXPECT_EQ(-EBUSY, do_reset(self->fd, SEM, 1));
	__atomic_store_n(&self->shared[1], 1, __ATOMIC_SEQ_CST);
	UNTIL(do_reset(self->fd, SEM, 1) == 0);
	kill_and_reap(pid);
}

TEST_F(undo, claims_have_a_limit)
{
	__u64 old = get_parameter("max_user_claims");
	int with, without, post;

	new_sem(self->fd, SEM + 1, 1, 1);
	EXPECT_EQ(0, do_sem_try(self->fd, self->owner, SEM));
	set_parameter("max_user_claims", 1);
	with = do_sem_try(self->fd, self->owner, SEM + 1);
	without = do_sem_try(self->fd, 0, SEM + 1);
	post = do_sem_post(self->fd, self->owner, SEM);
	EXPECT_EQ(0, do_sem_try(self->fd, self->owner, SEM));
	set_parameter("max_user_claims", old);
	EXPECT_EQ(-EDQUOT, with);
	EXPECT_EQ(0, without);
	EXPECT_EQ(0, post);
	EXPECT_EQ(UNITS - 1, read_count(&self->c, SEM));
}

TEST_HARNESS_MAIN
