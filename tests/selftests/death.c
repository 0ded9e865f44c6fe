// SPDX-License-Identifier: GPL-2.0-only
/* Holders that die in all ways, and what those hear who come after them. */
#include "ways_to_die.h"
#include <spawn.h>

#define MAX_WAITERS 3

struct held {
	int ready;
	pid_t tid;		/* of the thread that holds */
	__u64 owner;
	int go;			/* now die */
};

struct holder {
	struct mortal m;	/* first: it is one */
	bool fast;		/* by the word alone: the kernel never saw it */
	struct held *held;
};

static void hold(struct mortal *m)
{
	struct holder *h = (struct holder *)m;

	m->owner = new_owner(m->fd);
	if (h->fast)
		CHECK(fast_lock(&m->c, m->owner, 0));
	else
		CHECK(do_lock(m->fd, m->owner, 0, 0, NEVER) == 0);
	h->held->owner = m->owner;
	h->held->tid = syscall(SYS_gettid);
	__atomic_store_n(&h->held->ready, 1, __ATOMIC_SEQ_CST);
	UNTIL(__atomic_load_n(&h->held->go, __ATOMIC_SEQ_CST));
}

FIXTURE(death)
{
	char name[64];
	int fd;
	__u64 owner;
	int *results;
	struct held *held;
	pid_t holder;
};

FIXTURE_VARIANT(death)
{
	struct way way;
	bool fast;
};

FIXTURE_VARIANT_ADD(death, exit) { { .end = by_exit }, false };
FIXTURE_VARIANT_ADD(death, sigkill) { { .end = by_sigkill }, false };
FIXTURE_VARIANT_ADD(death, sigsegv) { { .end = by_sigsegv }, false };
FIXTURE_VARIANT_ADD(death, exec) { { .end = by_exec }, false };
FIXTURE_VARIANT_ADD(death, thread_end) { { .end = by_pthread_exit, .thread = true }, false };
FIXTURE_VARIANT_ADD(death, raw_thread_exit) { { .end = by_raw_exit, .thread = true }, false };
FIXTURE_VARIANT_ADD(death, unregister) { { .end = by_unregister }, false };
FIXTURE_VARIANT_ADD(death, release) { { .end = by_release }, false };
FIXTURE_VARIANT_ADD(death, fast_sigkill) { { .end = by_sigkill }, true };
FIXTURE_VARIANT_ADD(death, fast_exec) { { .end = by_exec }, true };
FIXTURE_VARIANT_ADD(death, fast_thread_end) { { .end = by_raw_exit, .thread = true }, true };
FIXTURE_VARIANT_ADD(death, fast_release) { { .end = by_release }, true };

FIXTURE_SETUP(death)
{
	struct holder h = { .fast = variant->fast, .held = shared_memory(4096) };

	self->fd = new_buffer(new_name(self->name), 2, 0, 0);
	self->owner = new_owner(self->fd);
	self->results = shared_memory(4096);
	self->held = h.held;
	self->holder = spawn();
	if (!self->holder) {
		h.m.fd = open_buffer(self->name, O_RDWR);
		if (h.fast)
			h.m.c = map_control(h.m.fd, PROT_READ | PROT_WRITE);
		lead((struct life){ hold, &variant->way, &h.m });
	}
	UNTIL(__atomic_load_n(&self->held->ready, __ATOMIC_SEQ_CST));
}

FIXTURE_TEARDOWN(death)
{
	kill_and_reap(self->holder);
	close(self->fd);
}

static pid_t spawn_waiter(int fd, __u32 index, int *result, bool repair)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = new_owner(fd);

		*result = do_lock(fd, owner, index, 0, NEVER);
		if (*result == -EOWNERDEAD && repair)
			CHECK(do_consistent(fd, owner, index) == 0);
		if (*result == 0 || *result == -EOWNERDEAD)
			CHECK(do_unlock(fd, owner, index) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	return pid;
}

static void let_go(struct held *held)
{
	__atomic_store_n(&held->go, 1, __ATOMIC_SEQ_CST);
}

/* Nobody is asleep then: the next to come finds out. */
TEST_F(death, without_a_waiter)
{
	int ret;

	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
	let_go(self->held);
	UNTIL((ret = do_trylock(self->fd, self->owner, 0)) != -EBUSY);
	ASSERT_EQ(-EOWNERDEAD, ret);
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->held->owner, 0));
	EXPECT_EQ(0, do_consistent(self->fd, self->owner, 0));
	EXPECT_EQ(-EINVAL, do_consistent(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 1));
}

TEST_F(death, found_by_a_blocking_lock)
{
	let_go(self->held);
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, 0, 0, now() + PATIENCE));
	EXPECT_EQ(0, do_consistent(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
}

TEST_F(death, with_one_waiter)
{
	pid_t pid = spawn_waiter(self->fd, 0, &self->results[0], true);

	let_go(self->held);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EOWNERDEAD, self->results[0]);
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

TEST_F(death, with_several_waiters)
{
	pid_t pids[MAX_WAITERS];
	int i, told = 0;

	for (i = 0; i < MAX_WAITERS; i++)
		pids[i] = spawn_waiter(self->fd, 0, &self->results[i], true);
	let_go(self->held);
	for (i = 0; i < MAX_WAITERS; i++) {
		EXPECT_EQ(0, reap(pids[i]));
		told += self->results[i] == -EOWNERDEAD;
		EXPECT_EQ(true, self->results[i] == -EOWNERDEAD || self->results[i] == 0);
	}
	EXPECT_EQ(1, told);
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

TEST_F(death, unrepaired_is_for_good)
{
	pid_t pids[MAX_WAITERS];
	int i, told = 0, given_up = 0;

	for (i = 0; i < MAX_WAITERS; i++)
		pids[i] = spawn_waiter(self->fd, 0, &self->results[i], false);
	let_go(self->held);
	for (i = 0; i < MAX_WAITERS; i++) {
		EXPECT_EQ(0, reap(pids[i]));
		told += self->results[i] == -EOWNERDEAD;
		given_up += self->results[i] == -ENOTRECOVERABLE;
	}
	EXPECT_EQ(1, told);
	EXPECT_EQ(MAX_WAITERS - 1, given_up);
	EXPECT_EQ(-ENOTRECOVERABLE, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(-ENOTRECOVERABLE, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-ENOTRECOVERABLE, do_lock(self->fd, self->owner, 0, SHMBUF_LOCK_SPIN, NEVER));
	EXPECT_EQ(0, do_reset(self->fd, 0, 1));
	EXPECT_EQ(0, do_init(self->fd, 0, 1, SHMBUF_KIND_LOCK, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

/* The one who was told dies, too; and the next one of those. */
TEST_F(death, chain)
{
	int i, *told = self->results;
	pid_t pid;

	let_go(self->held);
	for (i = 0; i < 3; i++) {
		*told = 0;
		pid = spawn();
		if (!pid) {
			__atomic_store_n(told, do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER),
					 __ATOMIC_SEQ_CST);
			stay();
		}
		UNTIL(__atomic_load_n(told, __ATOMIC_SEQ_CST));
		EXPECT_EQ(-EOWNERDEAD, *told);
		EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	}
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_consistent(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
}

/* A process that was reaped is dead in every respect, at once. */
TEST_F(death, is_known_when_the_process_is_gone)
{
	kill(self->holder, SIGKILL);
	ASSERT_EQ(self->holder, waitpid(self->holder, NULL, 0));
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 1));
	self->holder = spawn();		/* for the teardown */
	if (!self->holder)
		stay();
}

FIXTURE(life)
{
	char name[64];
	int fd;
	int mine;		/* the handle of the holder, which is this process */
	__u64 owner;
	__u64 other;
	struct control c;
};

FIXTURE_SETUP(life)
{
	self->fd = new_buffer(new_name(self->name), 2, 0, 0);
	self->other = new_owner(self->fd);
	self->mine = open_buffer(self->name, O_RDWR);
	self->owner = new_owner(self->mine);
	self->c = map_control(self->mine, PROT_READ | PROT_WRITE);
	ASSERT_EQ(0, do_lock(self->mine, self->owner, 0, 0, NEVER));
}

FIXTURE_TEARDOWN(life)
{
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	EXPECT_EQ(0, do_unlock(self->mine, self->owner, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->other, 0));
	close(self->mine);
	close(self->fd);
}

TEST_F(life, munmap_is_no_death)
{
	void *data = map_data(self->mine, 4096);

	EXPECT_EQ(0, munmap(data, 4096));
	EXPECT_EQ(0, munmap(self->c.base, self->c.size));
}

TEST_F(life, closing_one_fd_of_several_is_no_death)
{
	int copy = dup(self->mine);

	close(self->mine);
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	self->mine = dup(copy);
	close(copy);
}

TEST_F(life, the_id_works_through_any_handle_of_its_process)
{
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
}

TEST_F(life, childs_end_is_no_death_of_its_parent)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(0);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	pid = spawn();
	if (!pid)
		stay();
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	pid = spawn();
	if (!pid)
		exec_idle();
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	/* A child that was joined itself. */
	pid = spawn();
	if (!pid) {
		__u64 own = new_owner(self->mine);

		CHECK(do_trylock(self->mine, own, 1) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->other, 1));
}

TEST_F(life, vforked_childs_end_is_no_death_of_its_parent)
{
	static char *const argv[] = { "idle", "--idle", NULL };
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	ASSERT_EQ(0, posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, NULL));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
}

struct sharer {
	int fd;
	__u64 owner;
	int unlock, lock;
};

static int share(void *arg)
{
	struct sharer *s = arg;

	s->unlock = do_unlock(s->fd, s->owner, 0);
	s->lock = do_lock(s->fd, s->owner, 1, 0, NEVER);
	return 0;
}

/* It shares the memory, yet isn't the thread, nor of the process. */
TEST_F(life, a_process_that_shares_the_memory_owns_nothing)
{
	struct sharer s = { .fd = self->mine, .owner = self->owner };

	EXPECT_EQ(0, reap(spawn_sharer(share, &s)));
	EXPECT_EQ(-EPERM, s.unlock);
	EXPECT_EQ(-EPERM, s.lock);
	EXPECT_EQ(0, do_register(self->mine, SHMBUF_REGISTER_PROCESS, &s.owner));
	s.unlock = 0;
	s.lock = 0;
	EXPECT_EQ(0, reap(spawn_sharer(share, &s)));
	EXPECT_EQ(-EPERM, s.unlock);
	EXPECT_EQ(-EPERM, s.lock);
}

static void *idle_thread(void *arg)
{
	(void)arg;
	return NULL;
}

TEST_F(life, other_threads_end_is_no_death)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, idle_thread, NULL));
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

static void *register_and_hold(void *arg)
{
	struct mortal *m = arg;

	if (do_register(m->fd, SHMBUF_REGISTER_PROCESS, &m->owner) ||
	    do_lock(m->fd, m->owner, 1, 0, NEVER))
		m->owner = 0;
	return NULL;
}

/* A process-bound id lives as long as any thread of its process. */
TEST_F(life, process_bound_ids_outlive_their_thread)
{
	struct mortal m = { .fd = self->mine };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, register_and_hold, &m));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_NE(0, m.owner);
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 1));
	EXPECT_EQ(0, do_unlock(self->mine, m.owner, 1));
}

/* One that holds a lock, and sleeps for another. */
TEST_F(life, holder_that_waits_elsewhere)
{
	int *result = shared_memory(4096);
	pid_t holder = spawn(), waiter;

	if (!holder) {
		__u64 owner = new_owner(self->fd);

		CHECK(do_trylock(self->fd, owner, 1) == 0);
		_exit(do_lock(self->fd, owner, 0, 0, NEVER));
	}
	UNTIL(asleep_in(holder, SHMBUF_IOC_LOCK));
	waiter = spawn();
	if (!waiter) {
		*result = do_lock(self->fd, new_owner(self->fd), 1, 0, NEVER);
		_exit(0);
	}
	UNTIL(asleep_in(waiter, SHMBUF_IOC_LOCK));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(holder));
	EXPECT_EQ(0, reap(waiter));
	EXPECT_EQ(-EOWNERDEAD, *result);
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->other, 1));
}

/* The repairer is killed before it has heard that it holds the lock. */
TEST_F(life, the_told_one_dies_in_the_call)
{
	struct sched_param fifo = { .sched_priority = 50 }, normal = {};
	int *result = shared_memory(4096), i;
	pid_t first, second;
	cpu_set_t set;
	__u64 dying;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	for (i = 0; i < 20; i++) {
		dying = new_owner(self->fd);
		ASSERT_EQ(0, do_trylock(self->fd, dying, 1));
		first = spawn();
		if (!first)
			_exit(do_lock(self->fd, new_owner(self->fd), 1, 0, NEVER) != 0);
		UNTIL(asleep_in(first, SHMBUF_IOC_LOCK));
		second = spawn_waiter(self->fd, 1, result, true);
		/* On this CPU the first can't run before it is killed. */
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
		EXPECT_EQ(0, do_unregister(self->fd, dying));
		kill(first, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, reap(first));
		EXPECT_EQ(0, reap(second));
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &normal));
		EXPECT_EQ(-EOWNERDEAD, *result);
	}
}

TEST_HARNESS_MAIN
