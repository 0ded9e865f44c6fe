// SPDX-License-Identifier: GPL-2.0-only
/* STATS: what a buffer is, and how it fares. */
#include "shmbuf_test.h"

#define LOCKS	4
#define QUEUE	LOCKS
#define SEM	5
#define BARRIER	6
#define OBJECTS	8
#define PAGE	4096UL

FIXTURE(stats)
{
	char name[64];
	int fd;
	int observer;
	struct control c;
	__u64 before, after;
	struct shmbuf_stats s;
};

FIXTURE_SETUP(stats)
{
	struct shmbuf_range ranges[] = {
		{ .first = 0, .count = LOCKS, .kind = SHMBUF_KIND_LOCK },
		{ .first = QUEUE, .count = 1, .kind = SHMBUF_KIND_QUEUE },
		{ .first = SEM, .count = 1, .kind = SHMBUF_KIND_SEMAPHORE },
		{ .first = BARRIER, .count = 1, .kind = SHMBUF_KIND_BARRIER, .value = 2 },
	};
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = SHMBUF_CREATE_EXCL | SHMBUF_CREATE_PERSIST,
		.name = address(new_name(self->name)), .name_len = strlen(self->name),
		.mode = 0640, .data_size = 2 * PAGE, .max_size = 8 * PAGE,
		.nr_objects = OBJECTS, .ranges = address(ranges),
		.nr_ranges = ARRAY_SIZE(ranges),
	};

	prctl(PR_SET_NAME, "maker");
	self->fd = open_device(O_RDWR);
	self->before = now();
	ASSERT_EQ(0, call(self->fd, SHMBUF_IOC_CREATE, &arg));
	self->after = now();
	self->observer = open_buffer(self->name, O_RDONLY);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
}

FIXTURE_TEARDOWN(stats)
{
	do_unlink(self->fd, self->name);
	munmap(self->c.base, self->c.size);
	close(self->fd);
	close(self->observer);
}

/* Of whatever stood there before nothing is left. */
#define LOOK() do {							\
	memset(&self->s, 0x55, sizeof(self->s));			\
	ASSERT_EQ(0, do_stats(self->observer, &self->s));		\
} while (0)

TEST_F(stats, of_a_new_buffer)
{
	struct shmbuf_query query = {};

	ASSERT_EQ(0, do_query(self->fd, &query));
	LOOK();
	EXPECT_EQ(sizeof(self->s), self->s.size);
	EXPECT_EQ(0, self->s.flags);
	EXPECT_EQ(query.buffer_id, self->s.buffer_id);
	EXPECT_EQ(2 * PAGE, self->s.data_size);
	EXPECT_EQ(8 * PAGE, self->s.max_size);
	EXPECT_EQ(0, self->s.resident);
	EXPECT_LE(self->before, self->s.created);
	EXPECT_GE(self->after, self->s.created);
	EXPECT_EQ(0, self->s.deaths);
	EXPECT_EQ(0, self->s.contentions);
	EXPECT_EQ(0, self->s.waited);
	EXPECT_EQ(OBJECTS, self->s.nr_objects);
	EXPECT_EQ(0, self->s.joined | self->s.owners | self->s.waiters);
	EXPECT_EQ(0, self->s.held | self->s.shared);
	EXPECT_EQ(0, self->s.inconsistent | self->s.notrecoverable);
	EXPECT_EQ(0640, self->s.mode);
	EXPECT_EQ(0, self->s.uid | self->s.gid);
	EXPECT_EQ(0, self->s.seals);
	EXPECT_EQ(SHMBUF_CREATE_PERSIST, self->s.create_flags);
	EXPECT_EQ(getpid(), self->s.creator_pid);
	EXPECT_STREQ("maker", self->s.creator);
}

TEST_F(stats, what_changes_of_it)
{
	char *data;
	int i;

	ASSERT_EQ(0, do_grow(self->fd, 6 * PAGE));
	ASSERT_EQ(0, do_seal(self->fd, SHMBUF_SEAL_EXEC | SHMBUF_SEAL_GROW));
	prctl(PR_SET_NAME, "renamed");
	LOOK();
	EXPECT_EQ(6 * PAGE, self->s.data_size);
	EXPECT_EQ(8 * PAGE, self->s.max_size);
	EXPECT_EQ(SHMBUF_SEAL_EXEC | SHMBUF_SEAL_GROW, self->s.seals);
	EXPECT_STREQ("maker", self->s.creator);
	data = map_data(self->fd, 6 * PAGE);
	for (i = 0; i < 6; i++) {
		LOOK();
		EXPECT_EQ(i * PAGE, self->s.resident);
		data[(i * 5 % 6) * PAGE] = 1;
	}
	LOOK();
	EXPECT_EQ(6 * PAGE, self->s.resident);
}

TEST_F(stats, preallocated)
{
	int fd = open_device(O_RDWR);

	ASSERT_EQ(0, do_create(fd, NULL, SHMBUF_CREATE_PREALLOC, 5 * PAGE, 0, 0, 0));
	ASSERT_EQ(0, do_stats(fd, &self->s));
	EXPECT_EQ(5 * PAGE, self->s.resident);
	EXPECT_EQ(SHMBUF_CREATE_PREALLOC, self->s.create_flags);
	EXPECT_EQ(0600, self->s.mode);
	EXPECT_EQ(0, self->s.nr_objects);
	close(fd);
}

/* Who made it is told of when he has gone, too. */
TEST_F(stats, made_by_another)
{
	int fd = open_device(O_RDWR);
	pid_t pid = spawn();

	if (!pid) {
		prctl(PR_SET_NAME, "another");
		_exit(do_create(fd, NULL, 0, 1, 0, 0, 0));
	}
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(0, do_stats(fd, &self->s));
	EXPECT_EQ(pid, self->s.creator_pid);
	EXPECT_STREQ("another", self->s.creator);
	close(fd);
}

#define EXPECT_JOINED(joined_, owners_) do {				\
	LOOK();								\
	EXPECT_EQ(joined_, self->s.joined);				\
	EXPECT_EQ(owners_, self->s.owners);				\
} while (0)

TEST_F(stats, joined)
{
	__u64 first = new_owner(self->fd), second, *other = shared_memory(sizeof(*other));
	pid_t pid;

	EXPECT_JOINED(1, 1);
	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &second));
	EXPECT_JOINED(1, 2);
	pid = spawn();
	if (!pid) {
		new_owner(self->fd);
		__atomic_store_n(other, new_owner(self->fd), __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(other, __ATOMIC_SEQ_CST));
	EXPECT_JOINED(2, 4);
	EXPECT_EQ(0, self->s.deaths);
	ASSERT_EQ(0, do_unregister(self->fd, first));
	EXPECT_JOINED(2, 3);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	EXPECT_JOINED(1, 1);
	EXPECT_EQ(2, self->s.deaths);
	ASSERT_EQ(0, do_unregister(self->fd, second));
	EXPECT_JOINED(0, 0);
	EXPECT_EQ(2, self->s.deaths);
	/* A failed REGISTER leaves nothing behind. */
	EXPECT_EQ(-EFAULT, call(self->fd, SHMBUF_IOC_REGISTER, NULL));
	EXPECT_JOINED(0, 0);
}

static int wait_for_lock(int fd)
{
	return do_lock(fd, new_owner(fd), 0, 0, NEVER);
}

static int wait_to_read(int fd)
{
	return do_read(fd, new_owner(fd), 0, 0, NEVER);
}

static int wait_on_queue(int fd)
{
	__u64 sequence = 0;

	return do_wait(fd, QUEUE, &sequence, NEVER);
}

static int wait_for_death(int fd)
{
	__u64 sequence = 0;

	return do_wait(fd, SHMBUF_INDEX_DEATHS, &sequence, NEVER);
}

static int wait_for_condition(int fd)
{
	__u64 id = new_owner(fd);

	CHECK(do_lock(fd, id, 1, 0, NEVER) == 0);
	return do_wait_locked(fd, id, 1, QUEUE, 0, NEVER);
}

static int wait_for_unit(int fd)
{
	return do_sem_wait(fd, 0, SEM, 0, NEVER);
}

static int wait_at_barrier(int fd)
{
	return do_barrier_wait(fd, new_owner(fd), BARRIER, NEVER);
}

static int wait_for_two(int fd)
{
	struct shmbuf_wait_item items[] = {
		{ .fd = fd, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE },
		{ .fd = fd, .index = SEM, .kind = SHMBUF_KIND_SEMAPHORE },
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = ARRAY_SIZE(items),
		.deadline = NEVER,
	};

	return call(fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

static const struct {
	int (*wait)(int fd);
	unsigned long cmd;
	__u32 objects;
} waits[] = {
	{ wait_for_lock, SHMBUF_IOC_LOCK, 1 },
	{ wait_to_read, SHMBUF_IOC_LOCK, 1 },
	{ wait_on_queue, SHMBUF_IOC_WAIT, 1 },
	{ wait_for_death, SHMBUF_IOC_WAIT, 1 },
	{ wait_for_condition, SHMBUF_IOC_WAIT, 1 },
	{ wait_for_unit, SHMBUF_IOC_SEM_WAIT, 1 },
	{ wait_at_barrier, SHMBUF_IOC_BARRIER_WAIT, 1 },
	{ wait_for_two, SHMBUF_IOC_WAIT_ANY, 2 },
};

TEST_F(stats, waiters)
{
	pid_t pids[ARRAY_SIZE(waits)];
	__u32 objects = 0;
	size_t i;

	ASSERT_EQ(0, do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER));
	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		pids[i] = spawn();
		if (!pids[i])
			_exit(waits[i].wait(self->fd) != 0);
		UNTIL(asleep_in(pids[i], waits[i].cmd));
		objects += waits[i].objects;
		LOOK();
		EXPECT_EQ(objects, self->s.waiters)
			TH_LOG("wait %zu", i);
	}
	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		/* One death ends the wait for one. */
		int expected = waits[i].wait == wait_for_death ? 0 : 128 + SIGKILL;

		EXPECT_EQ(expected, expected ? kill_and_reap(pids[i]) : reap(pids[i]));
	}
	LOOK();
	EXPECT_EQ(0, self->s.waiters);
}

#define EXPECT_LOCKS(held_, shared_, inconsistent_, notrecoverable_) do {	\
	LOOK();									\
	EXPECT_EQ(held_, self->s.held);						\
	EXPECT_EQ(shared_, self->s.shared);					\
	EXPECT_EQ(inconsistent_, self->s.inconsistent);				\
	EXPECT_EQ(notrecoverable_, self->s.notrecoverable);			\
} while (0)

TEST_F(stats, locks)
{
	__u64 me = new_owner(self->fd);
	pid_t pid;

	ASSERT_EQ(0, do_lock(self->fd, me, 0, 0, NEVER));
	EXPECT_LOCKS(1, 0, 0, 0);
	ASSERT_TRUE(fast_lock(&self->c, me, 1));
	EXPECT_LOCKS(2, 0, 0, 0);
	ASSERT_EQ(0, do_read(self->fd, me, 2, 0, NEVER));
	EXPECT_LOCKS(2, 1, 0, 0);
	ASSERT_EQ(0, do_read(self->fd, me, 2, 0, NEVER));
	EXPECT_LOCKS(2, 1, 0, 0);
	ASSERT_EQ(0, do_downgrade(self->fd, me, 0));
	EXPECT_LOCKS(1, 2, 0, 0);
	pid = spawn();
	if (!pid)
		_exit(do_lock(self->fd, new_owner(self->fd), 3, 0, NEVER) ||
		      do_read(self->fd, new_owner(self->fd), 2, 0, NEVER));
	EXPECT_EQ(0, reap(pid));
	EXPECT_LOCKS(1, 2, 1, 0);
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, me, 3));
	EXPECT_LOCKS(2, 2, 1, 0);
	ASSERT_EQ(0, do_consistent(self->fd, me, 3));
	EXPECT_LOCKS(2, 2, 0, 0);
	pid = spawn();
	if (!pid)
		_exit(wait_for_condition(self->fd) != 0);
	ASSERT_EQ(0, do_unlock(self->fd, me, 1));
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_LOCKS(1, 2, 0, 0);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	ASSERT_EQ(0, do_unlock(self->fd, me, 2));
	EXPECT_LOCKS(1, 2, 0, 0);
	ASSERT_EQ(0, do_unlock(self->fd, me, 2));
	ASSERT_EQ(0, do_unlock(self->fd, me, 0));
	ASSERT_EQ(0, do_unlock(self->fd, me, 3));
	EXPECT_LOCKS(0, 0, 0, 0);
}

TEST_F(stats, given_up_for_good)
{
	__u64 me = new_owner(self->fd);
	pid_t pid = spawn();

	if (!pid)
		_exit(do_lock(self->fd, new_owner(self->fd), 3, 0, NEVER));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, me, 3));
	ASSERT_EQ(0, do_unlock(self->fd, me, 3));
	EXPECT_LOCKS(0, 0, 0, 1);
	ASSERT_EQ(0, do_reset(self->fd, 3, 1));
	EXPECT_LOCKS(0, 0, 0, 0);
}

/* A waiter, until he has it or @deadline has passed. */
static pid_t contend(int fd, __u32 flags, __u64 deadline)
{
	pid_t pid = spawn();

	if (!pid) {
		int ret = do_lock(fd, new_owner(fd), 0, flags, deadline);

		_exit(deadline == NEVER ? ret != 0 : ret != -ETIMEDOUT);
	}
	return pid;
}

TEST_F(stats, contentions)
{
	__u64 me = new_owner(self->fd), start, end, waited;
	pid_t pid;
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, do_lock(self->fd, me, 0, 0, NEVER));
		ASSERT_EQ(0, do_unlock(self->fd, me, 0));
	}
	ASSERT_EQ(0, do_lock(self->fd, me, 0, 0, NEVER));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, me, 0));
	LOOK();
	EXPECT_EQ(0, self->s.contentions);
	EXPECT_EQ(0, self->s.waited);
	start = now();
	pid = contend(self->fd, SHMBUF_LOCK_NOSPIN, NEVER);
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	end = now();
	usleep(30000);
	LOOK();
	EXPECT_EQ(0, self->s.contentions);
	waited = now() - end;
	ASSERT_EQ(0, do_unlock(self->fd, me, 0));
	EXPECT_EQ(0, reap(pid));
	LOOK();
	EXPECT_EQ(1, self->s.contentions);
	EXPECT_LE(waited, self->s.waited);
	EXPECT_GE(now() - start, self->s.waited);
	/* In vain counts as well. */
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, me, 0, 0, NEVER));
	waited = self->s.waited;
	EXPECT_EQ(0, reap(contend(self->fd, SHMBUF_LOCK_NOSPIN, now() + 10 * NSEC_PER_MSEC)));
	LOOK();
	EXPECT_EQ(2, self->s.contentions);
	EXPECT_LT(waited, self->s.waited);
}

/* Words that say anything: each lock is counted once at most, and what isn't there never. */
TEST_F(stats, hostile_words)
{
	static const __u64 flags[] = {
		0, SHMBUF_WORD_WAITERS, SHMBUF_WORD_OWNER_DIED, SHMBUF_WORD_NOTRECOVERABLE,
		SHMBUF_WORD_READERS, SHMBUF_WORD_OWNER_DIED | SHMBUF_WORD_NOTRECOVERABLE,
	};
	__u64 me = new_owner(self->fd), ids[] = { 0, me, me + (1ULL << 40), SHMBUF_OWNER_MASK };
	size_t i, j;
	__u32 k;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (j = 0; j < ARRAY_SIZE(ids); j++) {
			bool given_up = flags[i] & SHMBUF_WORD_NOTRECOVERABLE;
			bool dead = (flags[i] & SHMBUF_WORD_OWNER_DIED) || j > 1;

			for (k = 0; k < OBJECTS; k++)
				write_word(&self->c, k, flags[i] | ids[j]);
			EXPECT_LOCKS(j == 1 ? LOCKS : 0, 0, given_up || !dead ? 0 : LOCKS,
				     given_up ? LOCKS : 0);
		}
	}
	for (k = 0; k < OBJECTS; k++)
		write_word(&self->c, k, ~0ULL);
	EXPECT_LOCKS(0, 0, 0, 0);
}

/* A large table is looked at for a while: who is killed meanwhile ends. */
TEST(killed_while_it_looks)
{
	struct shmbuf_range range = { .count = 500000, .kind = SHMBUF_KIND_LOCK };
	struct shmbuf_create arg = {
		.size = sizeof(arg), .data_size = 1, .nr_objects = range.count,
		.layout = SHMBUF_LAYOUT_PACKED, .ranges = address(&range), .nr_ranges = 1,
	};
	int fd = open_device(O_RDWR), i;
	struct shmbuf_stats stats;
	struct control c;
	__u64 id;

	ASSERT_EQ(0, call(fd, SHMBUF_IOC_CREATE, &arg));
	c = map_control(fd, PROT_READ | PROT_WRITE);
	id = new_owner(fd);
	for (i = 0; i < (int)range.count; i++)
		ASSERT_EQ(true, fast_lock(&c, id, i));
	ASSERT_EQ(0, do_stats(fd, &stats));
	EXPECT_EQ(range.count, stats.held);
	for (i = 0; i < fewer(50); i++) {
		pid_t pid = spawn();

		if (!pid)
			for (;;)
				CHECK(do_stats(fd, &stats) == 0);
		usleep(1000 + i * 200);
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	}
}

TEST_HARNESS_MAIN
