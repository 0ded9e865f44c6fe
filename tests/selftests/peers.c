// SPDX-License-Identifier: GPL-2.0-only
/* WAIT with PEERS: who waits for others hears of their end. */
#include "shmbuf_test.h"

#define LOCK	0
#define QUEUE	1
#define FROM_NOW (~0ULL)

FIXTURE(peers)
{
	char name[64];
	int fd;
	int *shared;
};

FIXTURE_SETUP(peers)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 0);
	self->shared = shared_memory(4096);
}

FIXTURE_TEARDOWN(peers)
{
	close(self->fd);
}

static int wait_peers(int fd, __u64 deaths, __u64 deadline)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_PEERS, .index = QUEUE,
		.sequence = ~0ULL, .deadline = deadline, .deaths = deaths,
	};

	CHECK(do_wait(fd, QUEUE, (__u64 *)&arg.sequence, NEVER) == 0);
	return call(fd, SHMBUF_IOC_WAIT, &arg);
}

/* On the queue as it was before it was ever woken. */
static int wait_locked_flags(int fd, __u64 owner, __u64 deaths, __u32 flags)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_PEERS | SHMBUF_WAIT_LOCK | flags,
		.index = QUEUE, .lock = LOCK, .deadline = NEVER, .owner = owner,
		.deaths = deaths,
	};

	return call(fd, SHMBUF_IOC_WAIT, &arg);
}

static int wait_locked_peers(int fd, __u64 owner, __u64 deaths)
{
	return wait_locked_flags(fd, owner, deaths, 0);
}

/* A child that waits, with a handle of its own, and expects @ret. */
static pid_t spawn_waiter(FIXTURE_DATA(peers) *self, bool joined, int ret)
{
	pid_t pid = spawn();

	if (!pid) {
		int fd = open_buffer(self->name, joined ? O_RDWR : O_RDONLY);

		if (joined)
			new_owner(fd);
		CHECK(wait_peers(fd, FROM_NOW, NEVER) == ret);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	return pid;
}

static void *raw_exit(void *fd)
{
	new_owner(*(int *)fd);
	((int *)fd)[1] = 1;
	syscall(SYS_exit, 0);
	return NULL;
}

enum end {
	END_EXIT, END_KILL, END_EXEC, END_HANDLE, END_THREAD,
	/* In good order: no death. */
	END_UNREGISTER, END_IDLE_HANDLE,
};

/* A child that is joined, and ends its part when @shared[0] says so. */
static pid_t spawn_peer(FIXTURE_DATA(peers) *self, enum end how)
{
	pid_t pid = spawn();

	if (!pid) {
		int fds[2] = { open_buffer(self->name, O_RDWR) };
		__u64 owner = new_owner(fds[0]);
		pthread_t thread;

		__atomic_add_fetch(&self->shared[1], 1, __ATOMIC_SEQ_CST);
		UNTIL(__atomic_load_n(&self->shared[0], __ATOMIC_SEQ_CST));
		switch (how) {
		case END_EXIT:
			_exit(0);
		case END_EXEC:
			exec_idle();
			break;
		case END_HANDLE:
			CHECK(do_lock(fds[0], owner, LOCK, 0, NEVER) == 0);
			close(fds[0]);
			break;
		case END_IDLE_HANDLE:
			close(fds[0]);
			break;
		case END_THREAD:
			pthread_create(&thread, NULL, raw_exit, fds);
			break;
		case END_UNREGISTER:
			CHECK(do_unregister(fds[0], owner) == 0);
			break;
		default:
			kill(getpid(), SIGKILL);
		}
		__atomic_add_fetch(&self->shared[1], 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	return pid;
}

TEST_F(peers, nobody_else_is_joined)
{
	__u64 owner;

	EXPECT_EQ(-EPIPE, wait_peers(self->fd, FROM_NOW, NEVER));
	EXPECT_EQ(-EPIPE, wait_peers(self->fd, 0, NEVER));
	owner = new_owner(self->fd);
	EXPECT_EQ(-EPIPE, wait_peers(self->fd, FROM_NOW, NEVER));
	EXPECT_EQ(0, do_unregister(self->fd, owner));
	EXPECT_EQ(-EOWNERDEAD, wait_peers(self->fd, 1, NEVER));
}

TEST_F(peers, ends)
{
	int how;
	pid_t pid, peer, watcher;

	for (how = END_EXIT; how <= END_THREAD; how++) {
		self->shared[0] = 0;
		self->shared[1] = 0;
		/* A third, so that nobody is alone. */
		new_owner(self->fd);
		peer = spawn_peer(self, how);
		UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST) == 1);
		pid = spawn_waiter(self, true, -EOWNERDEAD);
		watcher = spawn_waiter(self, false, -EOWNERDEAD);
		EXPECT_EQ(true, asleep_in(pid, SHMBUF_IOC_WAIT));
		EXPECT_EQ(true, asleep_in(watcher, SHMBUF_IOC_WAIT));
		self->shared[0] = 1;
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(0, reap(watcher));
		kill_and_reap(peer);
	}
}

/* What happened before the wait, but after the caller looked, ends it at once. */
TEST_F(peers, a_death_between)
{
	pid_t peer = spawn_peer(self, END_KILL), other = spawn_peer(self, END_THREAD);

	UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST) == 2);
	EXPECT_EQ(-ETIMEDOUT, wait_peers(self->fd, 0, 0));
	kill_and_reap(peer);
	UNTIL(wait_peers(self->fd, 0, 0) == -EOWNERDEAD);
	EXPECT_EQ(-ETIMEDOUT, wait_peers(self->fd, 1, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_peers(self->fd, FROM_NOW, 0));
	kill_and_reap(other);
	UNTIL(wait_peers(self->fd, 1, 0) == -EOWNERDEAD);
	EXPECT_EQ(-EPIPE, wait_peers(self->fd, 2, NEVER));
}

/* The last other one leaves in good order. */
TEST_F(peers, left_alone)
{
	enum end how;

	for (how = END_UNREGISTER; how <= END_IDLE_HANDLE; how++) {
		pid_t peer, pid;

		self->shared[0] = 0;
		self->shared[1] = 0;
		peer = spawn_peer(self, how);
		UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST) == 1);
		pid = spawn_waiter(self, false, -EPIPE);
		self->shared[0] = 1;
		EXPECT_EQ(0, reap(pid));
		kill_and_reap(peer);
	}
}

/* Others are left, who hear nothing of it. */
TEST_F(peers, one_leaves)
{
	enum end how;

	new_owner(self->fd);
	for (how = END_UNREGISTER; how <= END_IDLE_HANDLE; how++) {
		pid_t peer, pid;

		self->shared[0] = 0;
		self->shared[1] = 0;
		peer = spawn_peer(self, how);
		UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST) == 1);
		pid = spawn_waiter(self, false, 0);
		self->shared[0] = 1;
		UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST) == 2);
		EXPECT_EQ(true, asleep_in(pid, SHMBUF_IOC_WAIT));
		EXPECT_EQ(1, do_wake(self->fd, QUEUE, 1));
		EXPECT_EQ(0, reap(pid));
		kill_and_reap(peer);
	}
}

TEST_F(peers, wakes_come_as_ever)
{
	pid_t pid;
	int i;

	new_owner(self->fd);
	for (i = 0; i < 20; i++) {
		pid = spawn_waiter(self, i % 2, 0);
		EXPECT_EQ(1, do_wake(self->fd, QUEUE, 1));
		EXPECT_EQ(0, reap(pid));
	}
}

TEST_F(peers, many_waiters_are_told)
{
	pid_t peer = spawn_peer(self, END_KILL), pids[40];
	int i;

	UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST) == 1);
	for (i = 0; i < 40; i++)
		pids[i] = spawn_waiter(self, false, -EOWNERDEAD);
	self->shared[0] = 1;
	for (i = 0; i < 40; i++)
		EXPECT_EQ(0, reap(pids[i]));
	kill_and_reap(peer);
}

/* With LOCK it is told beside the lock, which is held again. */
TEST_F(peers, with_a_lock)
{
	__u64 owner = new_owner(self->fd);
	pid_t peer;

	ASSERT_EQ(0, do_lock(self->fd, owner, LOCK, 0, NEVER));
	EXPECT_EQ(SHMBUF_WAITED_ALONE, wait_locked_peers(self->fd, owner, FROM_NOW));
	EXPECT_EQ(-EPERM, do_trylock(self->fd, owner + 1, LOCK));
	EXPECT_EQ(SHMBUF_WAITED_PEERDEAD, wait_locked_peers(self->fd, owner, 7));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, owner, LOCK));

	peer = spawn();
	if (!peer) {
		__u64 mine = new_owner(self->fd);

		self->shared[1] = 1;
		CHECK(do_lock(self->fd, mine, LOCK, 0, NEVER) == 0);
		kill(getpid(), SIGKILL);
	}
	UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST));
	EXPECT_EQ(SHMBUF_WAITED_PEERDEAD | SHMBUF_WAITED_OWNERDEAD,
		  wait_locked_peers(self->fd, owner, FROM_NOW));
	reap(peer);
	EXPECT_EQ(0, do_consistent(self->fd, owner, LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, owner, LOCK));
	EXPECT_EQ(-EPERM, wait_locked_peers(self->fd, owner, FROM_NOW));
}

/* What came already, though there is a death that wasn't counted, or nobody else is joined. */
TEST_F(peers, a_wake_comes_first)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_PEERS, .index = QUEUE,
		.deadline = NEVER,
	};
	__u64 deaths[] = { 7, FROM_NOW };
	int i;

	EXPECT_EQ(0, do_wake(self->fd, QUEUE, 1));
	for (i = 0; i < 2; i++) {
		arg.sequence = 0;
		arg.deaths = deaths[i];
		EXPECT_EQ(0, call(self->fd, SHMBUF_IOC_WAIT, &arg));
		EXPECT_EQ(1, arg.sequence);
		EXPECT_EQ(i ? -EPIPE : -EOWNERDEAD, call(self->fd, SHMBUF_IOC_WAIT, &arg));
		/* The same for who observes. */
		arg.sequence = 0;
		EXPECT_EQ(0, call(open_buffer(self->name, O_RDONLY), SHMBUF_IOC_WAIT, &arg));
	}
}

TEST_F(peers, a_wake_comes_first_with_a_lock)
{
	__u64 owner = new_owner(self->fd);
	__u64 deaths[] = { 7, FROM_NOW };
	int i, flags[] = { 0, SHMBUF_WAIT_RELEASED };

	/* Neither has come yet ... */
	ASSERT_EQ(0, do_lock(self->fd, owner, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_unlock(self->fd, owner, LOCK));
	EXPECT_EQ(SHMBUF_WAITED_PEERDEAD,
		  wait_locked_flags(self->fd, owner, 7, SHMBUF_WAIT_RELEASED));
	EXPECT_EQ(0, do_unlock(self->fd, owner, LOCK));
	/* ... and both. */
	EXPECT_EQ(0, do_wake(self->fd, QUEUE, 1));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, do_lock(self->fd, owner, LOCK, 0, NEVER));
		if (flags[i % 2])
			ASSERT_EQ(0, do_unlock(self->fd, owner, LOCK));
		EXPECT_EQ(0, wait_locked_flags(self->fd, owner, deaths[i / 2], flags[i % 2]));
		EXPECT_EQ(0, do_unlock(self->fd, owner, LOCK));
		EXPECT_EQ(-EPERM, wait_locked_flags(self->fd, owner, deaths[i / 2], 0));
	}
}

static int wait_any_peers(int fd, const struct shmbuf_wait_item *items, __u32 nr, __u64 deaths)
{
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_PEERS, .items = address(items),
		.nr_items = nr, .deadline = NEVER, .deaths = deaths,
	};

	return call(fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

/* Of several objects, one can be had. */
TEST_F(peers, what_can_be_had_comes_first)
{
	__u64 owner = new_owner(self->fd);
	struct shmbuf_wait_item items[] = {
		{ .fd = self->fd, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE },
		{ .fd = self->fd, .index = LOCK, .kind = SHMBUF_KIND_LOCK, .owner = owner },
	};
	struct shmbuf_wait_item deaths_first[] = {
		{ .fd = self->fd, .index = SHMBUF_INDEX_DEATHS, .kind = SHMBUF_KIND_QUEUE },
		items[1],
	};
	pid_t peer;

	EXPECT_EQ(1, wait_any_peers(self->fd, items, 2, FROM_NOW));
	EXPECT_EQ(-EPIPE, wait_any_peers(self->fd, items, 1, FROM_NOW));
	EXPECT_EQ(0, do_unlock(self->fd, owner, LOCK));
	peer = spawn();
	if (!peer)
		_exit(do_lock(self->fd, new_owner(self->fd), LOCK, 0, NEVER));
	EXPECT_EQ(0, reap(peer));
	EXPECT_EQ(1 | SHMBUF_WAIT_ANY_OWNERDEAD, wait_any_peers(self->fd, items, 2, 0));
	EXPECT_EQ(0, do_consistent(self->fd, owner, LOCK));
	/* Nothing is lost by that: the death is told when there is nothing to be had. */
	EXPECT_EQ(-EOWNERDEAD, wait_any_peers(self->fd, items, 1, 0));
	EXPECT_EQ(0, do_unlock(self->fd, owner, LOCK));
	EXPECT_EQ(1, wait_any_peers(self->fd, items, 2, 0));
	EXPECT_EQ(0, do_unlock(self->fd, owner, LOCK));
	EXPECT_EQ(0, do_wake(self->fd, QUEUE, 1));
	EXPECT_EQ(0, wait_any_peers(self->fd, items, 1, 0));
	/* For those who want to hear of deaths before all. */
	EXPECT_EQ(0, wait_any_peers(self->fd, deaths_first, 2, 0));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, owner, LOCK));
}

TEST_F(peers, with_a_lock_of_nothing)
{
	__u64 owner = new_owner(self->fd);
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_PEERS | SHMBUF_WAIT_LOCK,
		.index = QUEUE + 1, .lock = LOCK, .deadline = NEVER, .owner = owner,
		.deaths = 7,
	};

	ASSERT_EQ(0, do_lock(self->fd, owner, LOCK, 0, NEVER));
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT, &arg));
	arg.index = LOCK;
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT, &arg));
	arg.index = QUEUE;
	arg.lock = QUEUE;
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT, &arg));
	arg.flags |= SHMBUF_WAIT_RELEASED;
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT, &arg));
	EXPECT_EQ(0, do_unlock(self->fd, owner, LOCK));
}

TEST_F(peers, left_alone_with_a_lock)
{
	__u64 owner = new_owner(self->fd);
	pid_t peer = spawn();

	if (!peer) {
		__u64 mine = new_owner(self->fd);

		self->shared[1] = 1;
		CHECK(do_lock(self->fd, mine, LOCK, 0, NEVER) == 0);
		CHECK(do_unlock(self->fd, mine, LOCK) == 0);
		CHECK(do_unregister(self->fd, mine) == 0);
		_exit(0);
	}
	ASSERT_EQ(0, do_lock(self->fd, owner, LOCK, 0, NEVER));
	UNTIL(__atomic_load_n(&self->shared[1], __ATOMIC_SEQ_CST));
	EXPECT_EQ(SHMBUF_WAITED_ALONE, wait_locked_peers(self->fd, owner, FROM_NOW));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, owner, LOCK));
	EXPECT_EQ(0, reap(peer));
}

TEST_F(peers, killed_waiters_leave_nothing)
{
	pid_t pid;
	int i;

	new_owner(self->fd);
	for (i = 0; i < 20; i++) {
		pid = spawn_waiter(self, i % 2, 0);
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	}
	EXPECT_EQ(0, do_wake(self->fd, QUEUE, 1));
}

TEST_F(peers, wrong_arguments)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .index = QUEUE, .sequence = ~0ULL, .deaths = FROM_NOW,
	};

	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT, &arg));
	arg.flags = 1U << 3;
	EXPECT_EQ(-EOPNOTSUPP, call(self->fd, SHMBUF_IOC_WAIT, &arg));
}

TEST_HARNESS_MAIN
