// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is who where numbers, memory or handles are the same: nobody passes for another, and
 * of two who are near to each other only one dies.
 */
#include "others.h"
#include "ways_to_die.h"

#define SEM	2

/**
 * struct actor - one of two processes that hold a lock each
 * @pid: as the test knows it
 * @m: its handle and id
 * @lock: the one that it holds
 * @holds: and that it does
 * @step: how far it may go
 * @done: how far it has come
 */
struct actor {
	pid_t pid;
	struct mortal m;
	__u32 lock;
	int holds, step, done;
};

FIXTURE(identity)
{
	char name[64];
	int fd;
	__u64 owner;
	struct actor *a, *b;
};

FIXTURE_SETUP(identity)
{
	self->fd = new_buffer(new_name(self->name), 2, 0, 1);
	self->owner = new_owner(self->fd);
	self->a = shared_memory(4096);
	self->b = self->a + 1;
	self->b->lock = 1;
}

FIXTURE_TEARDOWN(identity)
{
	close(self->fd);
}

static void set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static int get(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

/* In memory that is shared: the child mustn't write. */
static bool is_child(struct actor *actor, pid_t pid)
{
	if (pid)
		actor->pid = pid;
	return !pid;
}

static void hold(struct actor *actor)
{
	actor->m.owner = new_owner(actor->m.fd);
	CHECK(do_lock(actor->m.fd, actor->m.owner, actor->lock, 0, NEVER) == 0);
	set(&actor->holds, 1);
}

static void await_step(struct actor *actor, int step)
{
	set(&actor->done, step - 1);
	UNTIL(get(&actor->step) >= step);
}

static void let_step(struct actor *actor, int step)
{
	set(&actor->step, step);
	UNTIL(get(&actor->done) >= step);
}

/* What the last step leads to: the lock goes back. */
static void let_go(struct actor *actor)
{
	CHECK(do_unlock(actor->m.fd, actor->m.owner, actor->lock) == 0);
	_exit(0);
}

/* @dead's lock is told of to who waits, and @alive holds its own. */
static void one_died(struct __test_metadata *_metadata,
		     FIXTURE_DATA(identity) *self, struct actor *dead, struct actor *alive)
{
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, dead->lock, 0, now() + PATIENCE));
	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, alive->lock, 0,
				      now() + 300 * NSEC_PER_MSEC));
	EXPECT_EQ(0, do_consistent(self->fd, self->owner, dead->lock));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, dead->lock));
}

static void goes_on(struct __test_metadata *_metadata,
		    FIXTURE_DATA(identity) *self, struct actor *alive, int last_step)
{
	set(&alive->step, last_step);
	EXPECT_EQ(0, do_lock(self->fd, self->owner, alive->lock, 0, now() + PATIENCE));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, alive->lock));
}

/* Two PID namespaces: each child is process 1, and thread 1. */

static pid_t spawn_in_new_pid_namespace(void)
{
	int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (own < 0 || unshare(CLONE_NEWPID))
		fatal("no new PID namespace: %s", strerror(errno));
	pid = spawn();
	if (!pid)
		CHECK(getpid() == 1 && syscall(SYS_gettid) == 1);
	else if (setns(own, CLONE_NEWPID))
		fatal("setns: %s", strerror(errno));
	close(own);
	return pid;
}

static int pid_of_holder(int fd, __u32 lock)
{
	struct shmbuf_owner_info info;

	CHECK(do_owner_info(fd, lock, &info, NULL, 0) == 0);
	CHECK(info.state & SHMBUF_OWNER_HELD);
	CHECK(info.pid == info.tid);
	return info.pid;
}

static void be_twin(FIXTURE_DATA(identity) *self, struct actor *twin, struct actor *other)
{
	int fd = open_buffer(self->name, O_RDWR);

	twin->m.fd = fd;
	hold(twin);
	await_step(twin, 1);
	/* Known to this one, and not to this one, by the same number. */
	CHECK(pid_of_holder(fd, twin->lock) == 1);
	CHECK(pid_of_holder(fd, other->lock) == 0);
	CHECK(do_unlock(fd, other->m.owner, other->lock) == -EPERM);
	CHECK(do_unregister(fd, other->m.owner) == -EPERM);
	await_step(twin, 2);
	/* No deadlock with oneself, and one with the other. */
	if (!twin->lock) {
		CHECK(do_lock(fd, twin->m.owner, other->lock, 0, NEVER) == -EOWNERDEAD);
		CHECK(do_consistent(fd, twin->m.owner, other->lock) == 0);
		CHECK(do_unlock(fd, twin->m.owner, other->lock) == 0);
	} else {
		CHECK(do_lock(fd, twin->m.owner, other->lock, 0, NEVER) == -EDEADLK);
	}
	await_step(twin, 3);
	let_go(twin);
}

TEST_F(identity, equal_tids_in_two_pid_namespaces)
{
	struct actor *a = self->a, *b = self->b, *twin;
	struct shmbuf_death death;

	for (twin = a; twin <= b; twin++) {
		if (is_child(twin, spawn_in_new_pid_namespace()))
			be_twin(self, twin, twin == a ? b : a);
		UNTIL(get(&twin->holds));
		EXPECT_EQ(twin->pid, pid_of_holder(self->fd, twin->lock));
	}
	let_step(a, 1);
	let_step(b, 1);
	set(&a->step, 2);
	UNTIL(asleep_in(a->pid, SHMBUF_IOC_LOCK));
	let_step(b, 2);
	EXPECT_EQ(true, asleep_in(a->pid, SHMBUF_IOC_LOCK));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(b->pid));
	UNTIL(get(&a->done) == 2);
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, a->lock));
	EXPECT_EQ(a->pid, pid_of_holder(self->fd, a->lock));
	ASSERT_EQ(1, do_deaths(self->fd, &death, 1, ~0ULL));
	EXPECT_EQ(b->m.owner, death.owner);
	goes_on(_metadata, self, a, 3);
	EXPECT_EQ(0, reap(a->pid));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, b->lock));
}

/* A handle that came over a socket: two processes, one file. */

/* a sends its handle and closes it before b takes it out of the socket. */
static void spawn_sender_and_receiver(FIXTURE_DATA(identity) *self, bool mapped)
{
	struct actor *a = self->a, *b = self->b;
	int socks[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	if (is_child(a, spawn())) {
		a->m.fd = open_buffer(self->name, O_RDWR);
		if (mapped)
			a->m.c = map_control(a->m.fd, PROT_READ | PROT_WRITE);
		hold(a);
		send_fd(socks[0], a->m.fd);
		close(a->m.fd);
		await_step(a, 2);
		/* The id works through any handle of its process. */
		a->m.fd = open_buffer(self->name, O_RDWR);
		let_go(a);
	}
	UNTIL(get(&a->done) == 1);
	if (is_child(b, spawn())) {
		b->m.fd = receive_fd(socks[1]);
		b->m.c = map_control(b->m.fd, PROT_READ | PROT_WRITE);
		hold(b);
		CHECK(do_unlock(b->m.fd, a->m.owner, a->lock) == -EPERM);
		await_step(b, 2);
		let_go(b);
	}
	UNTIL(get(&b->done) == 1);
	close(socks[0]);
	close(socks[1]);
}

TEST_F(identity, the_sender_of_a_handle_dies)
{
	spawn_sender_and_receiver(self, true);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(self->a->pid));
	one_died(_metadata, self, self->a, self->b);
	goes_on(_metadata, self, self->b, 2);
	EXPECT_EQ(0, reap(self->b->pid));
}

TEST_F(identity, the_receiver_of_a_handle_dies)
{
	spawn_sender_and_receiver(self, true);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(self->b->pid));
	one_died(_metadata, self, self->b, self->a);
	goes_on(_metadata, self, self->a, 2);
	EXPECT_EQ(0, reap(self->a->pid));
}

/* Who registered through a handle, and has neither file nor mapping left, goes with it. */
TEST_F(identity, the_receiver_has_the_last_of_a_handle)
{
	spawn_sender_and_receiver(self, false);
	EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 0, 0, now() + 100 * NSEC_PER_MSEC));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(self->b->pid));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, 0, 0, now() + PATIENCE));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, 1, 0, now() + PATIENCE));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(self->a->pid));
}

/* Processes with the same memory (CLONE_VM without CLONE_THREAD). */

struct pair {
	FIXTURE_DATA(identity) *self;
	bool execs;		/* b does, rather than exit */
};

static int be_sharer(void *arg)
{
	struct pair *pair = arg;
	struct actor *b = pair->self->b;

	hold(b);
	CHECK(do_sem_try(b->m.fd, b->m.owner, SEM) == 0);
	await_step(b, 2);
	if (get(&b->step) == 3)
		CHECK(do_unlock(b->m.fd, b->m.owner, b->lock) == 0);
	else if (pair->execs)
		exec_idle();
	return 0;
}

/* a, whose memory b has as well. */
static void spawn_pair(FIXTURE_DATA(identity) *self, bool execs)
{
	struct actor *a = self->a, *b = self->b;

	new_sem(self->fd, SEM, 2, 2);
	if (is_child(a, spawn())) {
		struct pair pair = { .self = self, .execs = execs };

		a->m.fd = open_buffer(self->name, O_RDWR);
		CHECK(!fcntl(a->m.fd, F_SETFD, 0));
		b->m.fd = a->m.fd;
		hold(a);
		CHECK(do_sem_try(a->m.fd, a->m.owner, SEM) == 0);
		b->pid = spawn_sharer(be_sharer, &pair);
		await_step(a, 2);
		CHECK(do_sem_post(a->m.fd, a->m.owner, SEM) == 0);
		let_go(a);
	}
	UNTIL(get(&a->done) == 1 && get(&b->done) == 1);
}

static __u64 units(FIXTURE_DATA(identity) *self)
{
	struct control c = map_control(self->fd, PROT_READ);
	__u64 n = read_count(&c, SEM);

	munmap(c.base, c.size);
	return n;
}

static void end_of_sharer(struct __test_metadata *_metadata,
			  FIXTURE_DATA(identity) *self, bool execs)
{
	spawn_pair(self, execs);
	EXPECT_EQ(0, units(self));
	set(&self->b->step, 2);
	one_died(_metadata, self, self->b, self->a);
	UNTIL(units(self) == 1);
	goes_on(_metadata, self, self->a, 2);
	EXPECT_EQ(0, reap(self->a->pid));
	EXPECT_EQ(2, units(self));
	if (execs)
		kill(self->b->pid, SIGKILL);
}

TEST_F(identity, the_sharer_of_memory_exits)
{
	end_of_sharer(_metadata, self, false);
}

TEST_F(identity, the_sharer_of_memory_execs)
{
	end_of_sharer(_metadata, self, true);
}

/* Its memory lives on in the other one, and so does the handle. */
TEST_F(identity, the_sharer_of_memory_is_left_behind)
{
	spawn_pair(self, false);
	EXPECT_EQ(0, units(self));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(self->a->pid));
	one_died(_metadata, self, self->a, self->b);
	UNTIL(units(self) == 1);
	goes_on(_metadata, self, self->b, 3);
	UNTIL(units(self) == 2);
}

/* A child of vfork that joins by itself, and ends so that its parent goes on. */
static pid_t vfork_holder(struct actor *actor, bool execs)
{
	pid_t pid = vfork();

	if (!pid) {
		hold(actor);
		if (execs)
			exec_idle();
		_exit(0);
	}
	return pid;
}

TEST_F(identity, a_vforked_child_joins)
{
	int execs;

	self->b->m.fd = self->fd;
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	for (execs = 0; execs < 2; execs++) {
		pid_t pid = vfork_holder(self->b, execs);

		EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, 1, 0, now() + PATIENCE));
		EXPECT_EQ(0, do_consistent(self->fd, self->owner, 1));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 1));
		EXPECT_EQ(execs ? 128 + SIGKILL : 0, execs ? kill_and_reap(pid) : reap(pid));
	}
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
}

TEST_HARNESS_MAIN
