// SPDX-License-Identifier: GPL-2.0-only
/* WAIT_ANY: one of several objects is won, and nothing changes with the others. */
#include "shmbuf_test.h"

#define LOCKS	80
#define QUEUES	80
#define QUEUE	LOCKS

FIXTURE(any)
{
	char name[64];
	int fd;
	int other;	/* a handle of another buffer */
	struct control c;
	__u64 owner;
	int *shared;
};

FIXTURE_SETUP(any)
{
	self->fd = new_buffer(new_name(self->name), LOCKS, QUEUES, 1);
	self->other = new_buffer(NULL, 1, 1, 0);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
	self->shared = shared_memory(4096);
}

FIXTURE_TEARDOWN(any)
{
	close(self->fd);
	close(self->other);
}

static struct shmbuf_wait_item lock_item(int fd, __u32 index, __u64 owner)
{
	return (struct shmbuf_wait_item) {
		.fd = fd, .index = index, .kind = SHMBUF_KIND_LOCK, .owner = owner,
	};
}

static struct shmbuf_wait_item queue_item(int fd, __u32 index, __u64 sequence)
{
	return (struct shmbuf_wait_item) {
		.fd = fd, .index = index, .kind = SHMBUF_KIND_QUEUE, .sequence = sequence,
	};
}

static int wait_any(int fd, struct shmbuf_wait_item *items, __u32 nr, __u64 deadline)
{
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = nr,
		.deadline = deadline,
	};

	return call(fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

TEST_F(any, what_can_be_had_at_once)
{
	struct shmbuf_wait_item items[] = {
		queue_item(self->fd, QUEUE, 0),
		lock_item(self->fd, 3, self->owner),
		lock_item(self->fd, 4, self->owner),
		queue_item(self->fd, QUEUE + 1, 0),
	};

	/* The first of several; nothing happens to the others. */
	EXPECT_EQ(1, wait_any(self->fd, items, 4, 0));
	EXPECT_EQ(self->owner, read_word(&self->c, 3));
	EXPECT_EQ(0, read_word(&self->c, 4));
	EXPECT_EQ(SHMBUF_WORD_QUEUE, read_word(&self->c, QUEUE));
	EXPECT_EQ(SHMBUF_WORD_QUEUE, read_word(&self->c, QUEUE + 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 3));
	EXPECT_EQ(0, do_wake(self->fd, QUEUE, 1));
	EXPECT_EQ(0, wait_any(self->fd, items, 4, 0));
	EXPECT_EQ(0, read_word(&self->c, 3));
	EXPECT_EQ(0, do_wake(self->fd, QUEUE + 1, 1));
	items[0].sequence = 1;
	items[1].index = 5;
	items[2].index = 6;
	EXPECT_EQ(1, wait_any(self->fd, items, 4, NEVER));
	EXPECT_EQ(-EDEADLK, wait_any(self->fd, items, 4, 0));
}

/* A child that wants to read lock 0, or to hear of a queue that doesn't move. */
static pid_t spawn_reader(FIXTURE_DATA(any) *self, int expected)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 mine = new_owner(self->fd);
		struct shmbuf_wait_item items[] = {
			queue_item(self->fd, QUEUE, 0), lock_item(self->fd, 0, mine),
		};

		items[1].flags = SHMBUF_WAIT_ITEM_SHARED;
		CHECK(wait_any(self->fd, items, 2, NEVER) == expected);
		__atomic_add_fetch(self->shared, 1, __ATOMIC_SEQ_CST);
		/* Both hold it at once, or neither goes on. */
		UNTIL(__atomic_load_n(self->shared, __ATOMIC_SEQ_CST) == 2);
		CHECK(do_unlock(self->fd, mine, 0) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT_ANY));
	return pid;
}

TEST_F(any, readers)
{
	pid_t readers[2];

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	readers[0] = spawn_reader(self, 1);
	readers[1] = spawn_reader(self, 1);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(readers[0]));
	EXPECT_EQ(0, reap(readers[1]));
	/* A writer gets it once they are gone. */
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, 0, now() + PATIENCE));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
}

/* What a reader won that is killed, or what it leaves, blocks no writer. */
TEST_F(any, readers_that_go)
{
	struct shmbuf_wait_item items[] = {
		lock_item(self->fd, 0, self->owner), queue_item(self->fd, QUEUE, 0),
	};
	pid_t pid;
	int i;

	items[0].flags = SHMBUF_WAIT_ITEM_SHARED;
	for (i = 0; i < 30; i++) {
		__u64 owner = new_owner(self->fd);

		ASSERT_EQ(0, do_lock(self->fd, owner, 0, 0, NEVER));
		__atomic_store_n(self->shared, 0, __ATOMIC_SEQ_CST);
		pid = spawn_reader(self, 1);
		EXPECT_EQ(0, do_unlock(self->fd, owner, 0));
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
		ASSERT_EQ(0, do_lock(self->fd, owner, 0, 0, now() + PATIENCE));
		/* Held: the other item wins, and the lock is left alone. */
		items[1].sequence = read_sequence(&self->c, QUEUE) - 1;
		EXPECT_EQ(1, wait_any(self->fd, items, 2, NEVER));
		EXPECT_EQ(0, do_unlock(self->fd, owner, 0));
		EXPECT_EQ(0, do_unregister(self->fd, owner));
	}
	EXPECT_EQ(0, wait_any(self->fd, items, 2, 0));
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
}

TEST_F(any, the_deadline_passes)
{
	struct shmbuf_wait_item items[] = {
		queue_item(self->fd, QUEUE, 0), queue_item(self->fd, QUEUE + 1, 0),
	};
	__u64 end = now() + 30 * NSEC_PER_MSEC;

	EXPECT_EQ(-ETIMEDOUT, wait_any(self->fd, items, 2, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_any(self->fd, items, 2, end));
	EXPECT_LE(end, now());
	EXPECT_EQ(true, fast_wake(&self->c, QUEUE));
	EXPECT_EQ(true, fast_wake(&self->c, QUEUE + 1));
}

/* A child that waits for lock 0, a queue and the other buffer's lock; all are held. */
static pid_t spawn_waiter(FIXTURE_DATA(any) *self, int expected)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 mine = new_owner(self->fd), others = new_owner(self->other);
		struct shmbuf_wait_item items[] = {
			lock_item(self->fd, 0, mine), queue_item(self->fd, QUEUE, 0),
			lock_item(self->other, 0, others), queue_item(self->other, 1, 0),
		};
		int won = wait_any(self->fd, items, 4, NEVER);

		CHECK(won == expected);
		if (won == SHMBUF_WAIT_ANY_OWNERDEAD)
			CHECK(do_consistent(self->fd, mine, 0) == 0);
		if (won >= 0 && (won & 0xff) == 0)
			CHECK(do_unlock(self->fd, mine, 0) == 0);
		if (won >= 0 && (won & 0xff) == 2)
			CHECK(do_unlock(self->other, others, 0) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT_ANY));
	return pid;
}

TEST_F(any, each_can_win)
{
	__u64 others = new_owner(self->other);
	pid_t pid;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
		ASSERT_EQ(0, do_lock(self->other, others, 0, 0, NEVER));
		pid = spawn_waiter(self, i == 3 ? 1 : i == 1 ? 3 : i);
		if (i == 0)
			EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		if (i == 1)
			EXPECT_EQ(1, do_wake(self->other, 1, 1));
		if (i == 2)
			EXPECT_EQ(0, do_unlock(self->other, others, 0));
		if (i == 3)
			EXPECT_EQ(1, do_wake(self->fd, QUEUE, 1));
		EXPECT_EQ(0, reap(pid));
		if (i)
			EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		if (i != 2)
			EXPECT_EQ(0, do_unlock(self->other, others, 0));
		EXPECT_EQ(0, read_word(&self->c, 0));
		EXPECT_EQ(0, read_word(&self->c, QUEUE) & SHMBUF_WORD_WAITERS);
		if (i == 1) {
			close(self->other);
			self->other = new_buffer(NULL, 1, 1, 0);
			others = new_owner(self->other);
		}
	}
}

TEST_F(any, a_locks_holder_dies)
{
	__u64 others = new_owner(self->other);
	pid_t holder = spawn(), pid;

	if (!holder) {
		CHECK(do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER) == 0);
		self->shared[0] = 1;
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(self->shared, __ATOMIC_SEQ_CST));
	ASSERT_EQ(0, do_lock(self->other, others, 0, 0, NEVER));
	pid = spawn_waiter(self, SHMBUF_WAIT_ANY_OWNERDEAD);
	kill_and_reap(holder);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, read_word(&self->c, 0));
}

TEST_F(any, a_lock_is_given_up_for_good)
{
	__u64 others = new_owner(self->other);
	pid_t holder = spawn(), pid;

	if (!holder)
		_exit(do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER));
	EXPECT_EQ(0, reap(holder));
	ASSERT_EQ(-EOWNERDEAD, do_lock(self->fd, self->owner, 0, 0, NEVER));
	ASSERT_EQ(0, do_lock(self->other, others, 0, 0, NEVER));
	pid = spawn_waiter(self, -ENOTRECOVERABLE);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, do_unlock(self->other, others, 0));
	EXPECT_EQ(0, do_wake(self->fd, QUEUE, 1));
}

static void nothing(int sig)
{
	(void)sig;
}

TEST_F(any, a_signal_comes)
{
	__u64 others = new_owner(self->other);
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	pid_t pid;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	ASSERT_EQ(0, do_lock(self->other, others, 0, 0, NEVER));
	pid = spawn_waiter(self, -EINTR);
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, reap(pid));
	/* A stop doesn't end it. */
	pid = spawn_waiter(self, 1);
	kill(pid, SIGSTOP);
	ASSERT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	kill(pid, SIGCONT);
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT_ANY));
	EXPECT_EQ(1, do_wake(self->fd, QUEUE, 1));
	EXPECT_EQ(0, reap(pid));
}

/* Who is killed leaves all of them, and what he had been given to the next. */
TEST_F(any, killed_waiters)
{
	struct sched_param fifo = { .sched_priority = 50 }, normal = {};
	__u64 others = new_owner(self->other);
	cpu_set_t set;
	pid_t first, second;
	int i;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
		ASSERT_EQ(0, do_lock(self->other, others, 0, 0, NEVER));
		first = spawn_waiter(self, i % 2);
		second = spawn_waiter(self, i % 2);
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));
		if (i == 8)
			kill_and_reap(first);
		EXPECT_EQ(i % 2, i % 2 ? do_wake(self->fd, QUEUE, 1) :
					 do_unlock(self->fd, self->owner, 0));
		if (i != 8)
			EXPECT_EQ(128 + SIGKILL, kill_and_reap(first));
		EXPECT_EQ(0, reap(second));
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &normal));
		if (i % 2)
			EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		EXPECT_EQ(0, do_unlock(self->other, others, 0));
		EXPECT_EQ(0, read_word(&self->c, 0));
		EXPECT_EQ(0, do_reset(self->fd, QUEUE, 1));
		EXPECT_EQ(0, do_init(self->fd, QUEUE, 1, SHMBUF_KIND_QUEUE, 0));
	}
}

/* Two who grant at the same time: one of them is heard, and the other's lock stays free. */
TEST_F(any, two_granters_race)
{
	const int rounds = fewer(600);
	int *s = self->shared;
	pid_t pid, granter;
	int i;

	pid = spawn();
	if (!pid) {
		__u64 mine = new_owner(self->fd);
		struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);

		for (i = 1; i <= rounds; i++) {
			struct shmbuf_wait_item items[] = {
				lock_item(self->fd, 0, mine), lock_item(self->fd, 1, mine),
				queue_item(self->fd, QUEUE, read_sequence(&c, QUEUE)),
			};
			int won;

			__atomic_store_n(&s[0], i, __ATOMIC_SEQ_CST);
			won = wait_any(self->fd, items, 3, now() + PATIENCE);
			CHECK(won == 0 || won == 1 || won == 2);
			s[4 + won]++;
			CHECK(do_unlock(self->fd, mine, won == 1) == (won == 2 ? -EPERM : 0));
			CHECK(do_unlock(self->fd, mine, won != 1) == -EPERM);
			__atomic_store_n(&s[1], i, __ATOMIC_SEQ_CST);
			UNTIL(__atomic_load_n(&s[2], __ATOMIC_SEQ_CST) == i);
			UNTIL(__atomic_load_n(&s[3], __ATOMIC_SEQ_CST) == i);
		}
		_exit(0);
	}
	granter = spawn();
	for (i = 1; i <= rounds; i++) {
		__u32 index = granter ? 0 : 1;
		__u64 mine = i == 1 && !granter ? new_owner(self->fd) : self->owner;

		if (!granter && i == 1)
			self->owner = mine;
		/* Held before the waiter starts, most of the time. */
		CHECK(do_lock(self->fd, self->owner, index, 0, now() + PATIENCE) == 0);
		while (__atomic_load_n(&s[0], __ATOMIC_SEQ_CST) != i)
			;
		if (i % 2)
			UNTIL(state_of(pid) == 'S');
		if (i % 7 == 3)
			CHECK(do_wake(self->fd, QUEUE, 1) >= 0);
		CHECK(do_unlock(self->fd, self->owner, index) == 0);
		UNTIL(__atomic_load_n(&s[1], __ATOMIC_SEQ_CST) == i);
		__atomic_store_n(&s[granter ? 2 : 3], i, __ATOMIC_SEQ_CST);
	}
	if (!granter)
		_exit(0);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, reap(granter));
	EXPECT_EQ(rounds, s[4] + s[5] + s[6]);
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 1));
}

/* Each wake of one goes to one waiter, though all wait for several queues. */
TEST_F(any, wakes_are_not_swallowed)
{
	pid_t pids[6];
	int i, round;

	for (round = 0; round < 20; round++) {
		self->shared[0] = 0;
		for (i = 0; i < 6; i++) {
			pids[i] = spawn();
			if (!pids[i]) {
				struct shmbuf_wait_item items[] = {
					queue_item(self->fd, QUEUE + i % 2, round * 3),
					queue_item(self->fd, QUEUE + !(i % 2), round * 3),
				};

				CHECK(wait_any(self->fd, items, 2, NEVER) >= 0);
				_exit(0);
			}
			UNTIL(asleep_in(pids[i], SHMBUF_IOC_WAIT_ANY));
		}
		for (i = 0; i < 6; i++)
			EXPECT_EQ(1, do_wake(self->fd, QUEUE + i % 2, 1));
		for (i = 0; i < 6; i++)
			EXPECT_EQ(0, reap(pids[i]));
		EXPECT_EQ(0, do_wake(self->fd, QUEUE + 2, 1));
	}
}

TEST_F(any, sixty_four)
{
	struct shmbuf_wait_item items[65];
	int i;

	for (i = 0; i < 65; i++)
		items[i] = queue_item(self->fd, QUEUE + i, 0);
	EXPECT_EQ(-EINVAL, wait_any(self->fd, items, 65, 0));
	EXPECT_EQ(-EINVAL, wait_any(self->fd, items, 0, 0));
	EXPECT_EQ(-EINVAL, wait_any(self->fd, items, ~0U, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_any(self->fd, items, 64, 0));
	EXPECT_EQ(0, do_wake(self->fd, QUEUE + 63, 1));
	EXPECT_EQ(63, wait_any(self->fd, items, 64, NEVER));
}

TEST_F(any, peers)
{
	struct shmbuf_wait_item item = queue_item(self->fd, QUEUE, 0);
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_PEERS, .items = address(&item),
		.nr_items = 1, .deadline = NEVER, .deaths = ~0ULL,
	};
	pid_t peer;

	EXPECT_EQ(-EPIPE, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	peer = spawn();
	if (!peer) {
		new_owner(self->fd);
		self->shared[0] = 1;
		UNTIL(asleep_in(getppid(), SHMBUF_IOC_WAIT_ANY));
		_exit(0);
	}
	UNTIL(__atomic_load_n(self->shared, __ATOMIC_SEQ_CST));
	EXPECT_EQ(-EOWNERDEAD, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	EXPECT_EQ(0, reap(peer));
	arg.flags = 0;
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
}

TEST_F(any, wrong_items)
{
	int ro = open_buffer(self->name, O_RDONLY), fd = self->fd;
	int null = open("/dev/null", O_RDWR), bare = open_device(O_RDWR);
	struct shmbuf_wait_item good[] = {
		queue_item(fd, QUEUE, 0), lock_item(fd, 0, self->owner),
	}, items[2];
	int twin = open_buffer(self->name, O_RDWR);

#define WRONG(error, change) do {					\
	memcpy(items, good, sizeof(items));				\
	change;								\
	EXPECT_EQ(error, wait_any(fd, items, 2, 0));			\
} while (0)

	WRONG(-EBADF, items[1].fd = -1);
	WRONG(-EBADF, items[1].fd = 1000);
	WRONG(-EBADF, items[1].fd = ro);
	WRONG(-ENOTTY, items[1].fd = null);
	WRONG(-ENOTCONN, items[1].fd = bare);
	WRONG(-EINVAL, items[1].kind = SHMBUF_KIND_NONE);
	WRONG(-EINVAL, items[1].kind = SHMBUF_KIND_BARRIER);
	WRONG(-EINVAL, items[1].kind = 77);
	WRONG(-EINVAL, items[1].index = QUEUE + 1);
	WRONG(-EINVAL, items[1].index = LOCKS + QUEUES);
	WRONG(-EINVAL, items[1].index = LOCKS + QUEUES + 1);
	WRONG(-EINVAL, items[1].index = ~0U - 1);
	WRONG(-EINVAL, items[1].sequence = 1);
	WRONG(-EPERM, items[1].owner = 0);
	WRONG(-EPERM, items[1].owner++);
	WRONG(-EPERM, items[1].fd = self->other);
	WRONG(-EOPNOTSUPP, items[1].flags = 1U << 31);
	WRONG(-EOPNOTSUPP, items[0].flags = SHMBUF_WAIT_ITEM_SHARED);
	WRONG(-EOPNOTSUPP, items[1].flags = SHMBUF_WAIT_ITEM_UNDO);
	WRONG(-EINVAL, items[0].owner = self->owner);
	WRONG(-EINVAL, items[0].index = 0);
	/* The same object, by whatever handle. */
	WRONG(-EINVAL, items[1] = items[0]);
	WRONG(-EINVAL, items[1] = queue_item(twin, QUEUE, 0));
	WRONG(-EINVAL, items[1] = queue_item(ro, QUEUE, 0));
	EXPECT_EQ(-EFAULT, wait_any(fd, NULL, 1, 0));
	EXPECT_EQ(-EFAULT, wait_any(fd, (void *)-4096L, 1, 0));
	EXPECT_EQ(-ENOTCONN, wait_any(bare, good, 2, 0));
	EXPECT_EQ(-ENOTTY, wait_any(null, good, 2, 0));
	/* Nothing has happened to anything; and who observes may wait for queues. */
	EXPECT_EQ(0, read_word(&self->c, 0));
	EXPECT_EQ(1, wait_any(ro, good, 2, 0));
	EXPECT_EQ(0, do_unlock(fd, self->owner, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_any(ro, good, 1, 0));
}

TEST_F(any, too_many_waiters)
{
	__u64 most = get_parameter("max_user_waiters");
	struct shmbuf_wait_item items[] = {
		queue_item(self->fd, QUEUE, 0), queue_item(self->fd, QUEUE + 1, 0),
	};
	int ret;

	set_parameter("max_user_waiters", 1);
	ret = wait_any(self->fd, items, 2, 0);
	set_parameter("max_user_waiters", most);
	EXPECT_EQ(-EDQUOT, ret);
	EXPECT_EQ(-ETIMEDOUT, wait_any(self->fd, items, 2, 0));
}

static void *close_later(void *arg)
{
	int *fds = arg;

	UNTIL(asleep_in(fds[1], SHMBUF_IOC_WAIT_ANY));
	close(fds[0]);
	fds[2] = 1;
	return NULL;
}

/* The handle that an item names is closed while it is waited for: nothing goes before. */
TEST_F(any, a_handle_is_closed_meanwhile)
{
	int *s = self->shared;
	pid_t pid = spawn();

	if (!pid) {
		struct shmbuf_wait_item item = queue_item(open_device(O_RDWR), 0, 0);
		pthread_t thread;

		CHECK(do_create(item.fd, NULL, 0, 4096, 0, 1, 0) == 0);
		s[0] = item.fd;
		s[1] = getpid();
		CHECK(!pthread_create(&thread, NULL, close_later, s));
		CHECK(wait_any(self->fd, &item, 1, now() + NSEC_PER_SEC) == -ETIMEDOUT);
		CHECK(s[2]);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(any, words_are_scribbled_over)
{
	static const __u64 values[] = {
		~0ULL, 0, 12345, SHMBUF_WORD_WAITERS, SHMBUF_WORD_UNUSED,
		SHMBUF_WORD_OWNER_DIED, SHMBUF_WORD_NOTRECOVERABLE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		pid_t pid;

		write_word(&self->c, 0, self->owner);
		pid = spawn();
		if (!pid) {
			__u64 mine = new_owner(self->fd);
			struct shmbuf_wait_item items[] = {
				lock_item(self->fd, 0, mine), queue_item(self->fd, QUEUE, 0),
			};

			wait_any(self->fd, items, 2, NEVER);
			_exit(0);
		}
		UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT_ANY));
		write_word(&self->c, 0, values[i]);
		EXPECT_EQ(0, reap(pid));
	}
	write_word(&self->c, 0, 0);
}

/* Said by a peer, or by who left in the midst of INIT. */
TEST_F(any, a_word_says_unused)
{
	struct shmbuf_wait_item items[] = {
		queue_item(self->fd, QUEUE, 0), lock_item(self->fd, 0, self->owner),
	};

	write_word(&self->c, 0, SHMBUF_WORD_UNUSED);
	EXPECT_EQ(-EINVAL, wait_any(self->fd, items, 2, NEVER));
	EXPECT_EQ(SHMBUF_WORD_UNUSED, read_word(&self->c, 0));
	write_word(&self->c, 0, 0);
	EXPECT_EQ(1, wait_any(self->fd, items, 2, NEVER));
	EXPECT_EQ(self->owner, read_word(&self->c, 0) & SHMBUF_OWNER_MASK);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
}

TEST_HARNESS_MAIN
