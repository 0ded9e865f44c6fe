// SPDX-License-Identifier: GPL-2.0-only
/* OBJECTS: what sync objects are, and their state. */
#include "shmbuf_test.h"

#define LOCKS	200
#define QUEUE	LOCKS
#define SEM	(QUEUE + 1)
#define BARRIER	(QUEUE + 2)
#define FREE	(QUEUE + 3)
#define OBJECTS	(QUEUE + 5)
#define MOST	SHMBUF_OBJECTS_MAX
/* Locks whose index differs by that share what is known of contention. */
#define BUCKETS	32

FIXTURE(inspect)
{
	char name[64];
	int fd;
	int observer;
	struct control c;
	__u64 me;
	struct shmbuf_object o[MOST + 1];
};

FIXTURE_SETUP(inspect)
{
	self->fd = new_buffer(new_name(self->name), LOCKS, 1, OBJECTS - QUEUE - 1);
	new_sem(self->fd, SEM, 3, 7);
	ASSERT_EQ(0, do_init(self->fd, BARRIER, 1, SHMBUF_KIND_BARRIER, 3));
	/* The last one, behind a gap. */
	ASSERT_EQ(0, do_init(self->fd, OBJECTS - 1, 1, SHMBUF_KIND_QUEUE, 99));
	self->observer = open_buffer(self->name, O_RDONLY);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->me = new_owner(self->fd);
}

FIXTURE_TEARDOWN(inspect)
{
	munmap(self->c.base, self->c.size);
	close(self->fd);
	close(self->observer);
}

/* What is told of @index, and of nothing else. */
static struct shmbuf_object look(FIXTURE_DATA(inspect) *self, __u32 index)
{
	struct shmbuf_object *o = self->o;

	memset(o, 0x55, 2 * sizeof(*o));
	if (do_objects(self->observer, o, 1, index) != 1 || o->index != index)
		fatal("object %u isn't told of", index);
	if (o[1].index != 0x55555555)
		fatal("more was told of than asked for");
	return o[0];
}

static bool same(const struct shmbuf_object *o, __u32 state, __u64 owner, __u64 value)
{
	return o->state == state && o->owner == owner && o->value == value;
}

#define EXPECT_OBJECT(index, state_, owner_, value_) do {		\
	struct shmbuf_object o_ = look(self, index);			\
									\
	EXPECT_TRUE(same(&o_, state_, owner_, value_))			\
		TH_LOG("state %#x, owner %#llx, value %llu", o_.state,	\
		       o_.owner, o_.value);				\
} while (0)

TEST_F(inspect, in_order)
{
	struct shmbuf_object *o = self->o;
	int i;

	memset(self->o, 0x55, sizeof(self->o));
	ASSERT_EQ(LOCKS + 4, do_objects(self->observer, o, MOST, 0));
	for (i = 0; i < LOCKS; i++) {
		struct shmbuf_object lock = { .index = i, .kind = SHMBUF_KIND_LOCK };

		EXPECT_EQ(0, memcmp(&lock, &o[i], sizeof(lock)));
	}
	EXPECT_EQ(SHMBUF_KIND_QUEUE, o[QUEUE].kind);
	EXPECT_EQ(SHMBUF_KIND_SEMAPHORE, o[SEM].kind);
	EXPECT_EQ(3, o[SEM].value);
	EXPECT_EQ(7, o[SEM].most);
	EXPECT_EQ(SHMBUF_KIND_BARRIER, o[BARRIER].kind);
	EXPECT_EQ(3, o[BARRIER].value);
	/* What has no kind is left out. */
	EXPECT_EQ(OBJECTS - 1, o[FREE].index);
	EXPECT_EQ(SHMBUF_KIND_QUEUE, o[FREE].kind);
	EXPECT_EQ(99, o[FREE].value);
	EXPECT_EQ(0x55555555, o[FREE + 1].index);
	ASSERT_EQ(1, do_objects(self->observer, o, 1, FREE));
	EXPECT_EQ(OBJECTS - 1, o[0].index);
}

TEST_F(inspect, from_anywhere)
{
	struct shmbuf_object *o = self->o;
	static const __u32 beyond[] = { OBJECTS, OBJECTS + 1, 1U << 31, ~0U };
	size_t i;

	EXPECT_EQ(1, do_objects(self->observer, o, MOST, OBJECTS - 1));
	for (i = 0; i < ARRAY_SIZE(beyond); i++)
		EXPECT_EQ(0, do_objects(self->observer, o, MOST, beyond[i]));
	EXPECT_EQ(-EINVAL, do_objects(self->observer, o, 0, 0));
	EXPECT_EQ(-EINVAL, do_objects(self->observer, o, 0, OBJECTS));
	EXPECT_EQ(-EFAULT, do_objects(self->observer, NULL, 1, 0));
	EXPECT_EQ(-EFAULT, do_objects(self->observer, (void *)LONG_MIN, 1, 0));
	EXPECT_EQ(0, do_objects(self->observer, NULL, 1, OBJECTS));
	ASSERT_EQ(0, do_reset(self->fd, 0, 100));
	ASSERT_EQ(1, do_objects(self->observer, o, 1, 0));
	EXPECT_EQ(100, o[0].index);
}

TEST_F(inspect, queue)
{
	pid_t pid;

	EXPECT_OBJECT(QUEUE, 0, 0, 0);
	ASSERT_EQ(0, do_wake(self->fd, QUEUE, 1));
	ASSERT_TRUE(fast_wake(&self->c, QUEUE));
	EXPECT_OBJECT(QUEUE, 0, 0, 2);
	pid = spawn();
	if (!pid) {
		__u64 sequence = 2;

		_exit(do_wait(self->observer, QUEUE, &sequence, NEVER));
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_OBJECT(QUEUE, 0, 0, 2);
	EXPECT_EQ(1, self->o[0].nr_waiters);
	EXPECT_EQ(0, self->o[0].most);
	ASSERT_EQ(1, do_wake(self->fd, QUEUE, 1));
	EXPECT_EQ(0, reap(pid));
	EXPECT_OBJECT(QUEUE, 0, 0, 3);
	EXPECT_EQ(0, self->o[0].nr_waiters);
}

TEST_F(inspect, semaphore)
{
	pid_t pid;
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, do_sem_try(self->fd, i == 1 ? self->me : 0, SEM));
	EXPECT_OBJECT(SEM, 0, 0, 0);
	pid = spawn();
	if (!pid)
		_exit(do_sem_wait(self->fd, 0, SEM, 0, NEVER));
	UNTIL(asleep_in(pid, SHMBUF_IOC_SEM_WAIT));
	EXPECT_OBJECT(SEM, 0, 0, 0);
	EXPECT_EQ(1, self->o[0].nr_waiters);
	EXPECT_EQ(7, self->o[0].most);
	ASSERT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, reap(pid));
	ASSERT_TRUE(fast_up(&self->c, SEM));
	EXPECT_OBJECT(SEM, 0, 0, 1);
}

TEST_F(inspect, barrier)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(do_barrier_wait(self->fd, new_owner(self->fd), BARRIER, NEVER) != 0);
	UNTIL(asleep_in(pid, SHMBUF_IOC_BARRIER_WAIT));
	EXPECT_OBJECT(BARRIER, 0, 0, 3);
	EXPECT_EQ(1, self->o[0].most);
	EXPECT_EQ(1, self->o[0].nr_waiters);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	EXPECT_OBJECT(BARRIER, SHMBUF_OWNER_NOTRECOVERABLE, 0, 3);
	EXPECT_EQ(0, self->o[0].nr_waiters);
}

static void die_holding(int fd, __u32 index)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(do_lock(fd, new_owner(fd), index, 0, NEVER));
	CHECK(reap(pid) == 0);
}

TEST_F(inspect, lock)
{
	EXPECT_OBJECT(5, 0, 0, 0);
	ASSERT_EQ(0, do_lock(self->fd, self->me, 5, 0, NEVER));
	EXPECT_OBJECT(5, SHMBUF_OWNER_HELD, self->me, 0);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 5));
	ASSERT_TRUE(fast_lock(&self->c, self->me, 5));
	EXPECT_OBJECT(5, SHMBUF_OWNER_HELD, self->me, 0);
	EXPECT_OBJECT(6, 0, 0, 0);
	ASSERT_TRUE(fast_unlock(&self->c, self->me, 5));
	EXPECT_OBJECT(5, 0, 0, 0);
	die_holding(self->fd, 5);
	EXPECT_OBJECT(5, SHMBUF_OWNER_INCONSISTENT, 0, 0);
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, 5, 0, NEVER));
	EXPECT_OBJECT(5, SHMBUF_OWNER_INCONSISTENT | SHMBUF_OWNER_HELD, self->me, 0);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 5));
	EXPECT_OBJECT(5, SHMBUF_OWNER_NOTRECOVERABLE, 0, 0);
	ASSERT_EQ(0, do_reset(self->fd, 5, 1));
	ASSERT_EQ(0, do_init(self->fd, 5, 1, SHMBUF_KIND_LOCK, 0));
	EXPECT_OBJECT(5, 0, 0, 0);
}

TEST_F(inspect, readers)
{
	__u64 *row = map_row(self->fd, self->me), other;
	pid_t pid;

	ASSERT_EQ(0, do_register(self->fd, 0, &other));
	ASSERT_EQ(0, do_read(self->fd, self->me, 5, 0, NEVER));
	EXPECT_OBJECT(5, SHMBUF_OWNER_SHARED, 0, 1);
	ASSERT_TRUE(fast_read(row, 5));
	EXPECT_OBJECT(5, SHMBUF_OWNER_SHARED, 0, 1);
	ASSERT_EQ(0, do_read(self->fd, other, 5, 0, NEVER));
	EXPECT_OBJECT(5, SHMBUF_OWNER_SHARED, 0, 2);
	pid = spawn();
	if (!pid)
		_exit(do_lock(self->fd, new_owner(self->fd), 5, 0, NEVER));
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	EXPECT_OBJECT(5, SHMBUF_OWNER_SHARED, 0, 2);
	EXPECT_EQ(1, self->o[0].nr_waiters);
	ASSERT_EQ(0, do_unlock(self->fd, other, 5));
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 5));
	EXPECT_OBJECT(5, SHMBUF_OWNER_SHARED, 0, 1);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 5));
	EXPECT_EQ(0, reap(pid));
	EXPECT_OBJECT(5, SHMBUF_OWNER_INCONSISTENT, 0, 0);
}

/* @times in a row somebody waits for the lock, in vain. */
static void contend(int fd, __u32 index, int times)
{
	pid_t pid = spawn();
	int i;

	if (!pid) {
		__u64 id = new_owner(fd);

		for (i = 0; i < times; i++)
			CHECK(do_lock(fd, id, index, SHMBUF_LOCK_NOSPIN,
				      now() + NSEC_PER_MSEC) == -ETIMEDOUT);
		_exit(0);
	}
	CHECK(reap(pid) == 0);
}

TEST_F(inspect, contention)
{
	struct shmbuf_object o;
	__u64 start, longest;
	pid_t pid;

	ASSERT_EQ(0, do_lock(self->fd, self->me, 5, 0, NEVER));
	o = look(self, 5);
	EXPECT_EQ(0, o.contentions | o.waited | o.longest);
	start = now();
	contend(self->fd, 5, 3);
	o = look(self, 5);
	EXPECT_EQ(3, o.contentions);
	EXPECT_LE(3 * NSEC_PER_MSEC, o.waited);
	EXPECT_GE(now() - start, o.waited);
	EXPECT_LE(NSEC_PER_MSEC, o.longest);
	EXPECT_GT(o.waited, o.longest);
	longest = o.longest;
	pid = spawn();
	if (!pid)
		_exit(do_lock(self->fd, new_owner(self->fd), 5, SHMBUF_LOCK_NOSPIN, NEVER));
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	start = now();
	UNTIL(now() - start > longest);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 5));
	EXPECT_EQ(0, reap(pid));
	o = look(self, 5);
	EXPECT_EQ(4, o.contentions);
	EXPECT_LT(longest, o.longest);
	/* Nobody else's, and not of what is no lock any more. */
	o = look(self, 5 + BUCKETS);
	EXPECT_EQ(0, o.contentions | o.waited | o.longest);
	ASSERT_EQ(0, do_reset(self->fd, 5, 1));
	ASSERT_EQ(0, do_init(self->fd, 5, 1, SHMBUF_KIND_LOCK, 0));
	o = look(self, 5);
	EXPECT_EQ(0, o.contentions | o.waited | o.longest);
	ASSERT_EQ(0, do_lock(self->fd, self->me, 5, 0, NEVER));
	contend(self->fd, 5, 1);
	EXPECT_EQ(1, look(self, 5).contentions);
}

/* Two locks of a bucket are known of: a third takes a place when it has cost the lesser all. */
TEST_F(inspect, contention_of_many)
{
	const __u32 a = 7, b = 7 + BUCKETS, third = 7 + 2 * BUCKETS, fourth = 7 + 3 * BUCKETS;
	struct shmbuf_stats stats;

	ASSERT_EQ(0, do_lock(self->fd, self->me, a, 0, NEVER));
	ASSERT_EQ(0, do_lock(self->fd, self->me, b, 0, NEVER));
	ASSERT_EQ(0, do_lock(self->fd, self->me, third, 0, NEVER));
	ASSERT_EQ(0, do_lock(self->fd, self->me, fourth, 0, NEVER));
	contend(self->fd, a, 8);
	contend(self->fd, b, 3);
	contend(self->fd, third, 1);
	EXPECT_EQ(8, look(self, a).contentions);
	EXPECT_EQ(3, look(self, b).contentions);
	EXPECT_EQ(0, look(self, third).contentions);
	contend(self->fd, third, 3);
	EXPECT_EQ(8, look(self, a).contentions);
	EXPECT_EQ(0, look(self, b).contentions);
	EXPECT_EQ(2, look(self, third).contentions);
	/* RESET makes room. */
	ASSERT_EQ(0, do_unlock(self->fd, self->me, third));
	ASSERT_EQ(0, do_reset(self->fd, third, 1));
	contend(self->fd, fourth, 1);
	EXPECT_EQ(1, look(self, fourth).contentions);
	EXPECT_EQ(8, look(self, a).contentions);
	/* All are counted all the same. */
	ASSERT_EQ(0, do_stats(self->fd, &stats));
	EXPECT_EQ(16, stats.contentions);
}

/* Every second of a large table, in steps. */
TEST(large_table)
{
	enum { TABLE = 100000 };
	struct shmbuf_create arg = {
		.size = sizeof(arg), .data_size = 1, .nr_objects = TABLE,
		.layout = SHMBUF_LAYOUT_PACKED,
	};
	struct shmbuf_object *o = calloc(MOST, sizeof(*o));
	int fd = open_device(O_RDWR), nr, i;
	__u32 first = 0, count = 0;

	ASSERT_EQ(0, call(fd, SHMBUF_IOC_CREATE, &arg));
	for (i = 0; i < 2000; i += 2)
		ASSERT_EQ(0, do_init(fd, i, 1, 1 + i / 2 % 2, 0));
	ASSERT_EQ(0, do_init(fd, 2000, TABLE - 2001, SHMBUF_KIND_LOCK, 0));
	while ((nr = do_objects(fd, o, MOST, first)) > 0) {
		for (i = 0; i < nr; i++, count++) {
			__u32 index = count < 1000 ? 2 * count : count + 1000;

			ASSERT_EQ(index, o[i].index);
			ASSERT_EQ(index < 2000 && index / 2 % 2 ? SHMBUF_KIND_QUEUE :
								  SHMBUF_KIND_LOCK, o[i].kind);
		}
		first = o[nr - 1].index + 1;
	}
	EXPECT_EQ(0, nr);
	EXPECT_EQ(1000 + TABLE - 2001, count);
	free(o);
}

/* Whatever the words say: nothing is counted that isn't, no owner made up. */
TEST_F(inspect, hostile_words)
{
	__u64 noise = 88172645463325252ULL;
	int round, nr, i;

	for (round = 0; round < 2000; round++) {
		for (i = 0; i < OBJECTS; i++) {
			noise ^= noise << 13;
			noise ^= noise >> 7;
			noise ^= noise << 17;
			write_word(&self->c, i, noise & ~(round % 2 ? SHMBUF_WORD_UNUSED : 0));
		}
		nr = do_objects(self->observer, self->o, MOST, 0);
		ASSERT_LE(0, nr);
		ASSERT_GE(LOCKS + 4, nr);
		for (i = 0; i < nr; i++) {
			ASSERT_NE(0, self->o[i].kind);
			ASSERT_EQ(0, self->o[i].nr_waiters);
			ASSERT_TRUE(!self->o[i].owner || self->o[i].owner == self->me);
		}
	}
	for (i = 0; i < OBJECTS; i++)
		write_word(&self->c, i, SHMBUF_WORD_UNUSED);
	EXPECT_EQ(0, do_objects(self->observer, self->o, MOST, 0));
	for (i = 0; i < LOCKS; i++)
		write_word(&self->c, i, 0);
}

TEST_HARNESS_MAIN
