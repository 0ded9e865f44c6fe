// SPDX-License-Identifier: GPL-2.0-only
/* INIT and RESET: what sync objects are, and when that may change. */
#include "shmbuf_test.h"

#define LOCK	SHMBUF_KIND_LOCK
#define QUEUE	SHMBUF_KIND_QUEUE
#define OBJECTS	300

/* What an object is, found out by using it. */
static int kind_of(int fd, __u64 owner, __u32 index)
{
	__u64 sequence = ~0ULL;
	int ret = do_trylock(fd, owner, index);

	if (!ret && do_unlock(fd, owner, index))
		fatal("UNLOCK failed");
	if (!ret || ret == -EBUSY || ret == -EOWNERDEAD || ret == -ENOTRECOVERABLE)
		return LOCK;
	if (!do_wait(fd, index, &sequence, NEVER))
		return QUEUE;
	return SHMBUF_KIND_NONE;
}

/* One letter per object from @first on. */
static const char *kinds(int fd, __u64 owner, __u32 first, __u32 count)
{
	static char text[OBJECTS + 1];
	__u32 i;

	for (i = 0; i < count; i++)
		text[i] = "-LQ"[kind_of(fd, owner, first + i)];
	text[count] = 0;
	return text;
}

FIXTURE(objects)
{
	char name[64];
	int fd;
	__u64 owner;
	struct control c;
};

FIXTURE_VARIANT(objects)
{
	__u32 layout;
};

FIXTURE_VARIANT_ADD(objects, spread) { SHMBUF_LAYOUT_SPREAD };
FIXTURE_VARIANT_ADD(objects, packed) { SHMBUF_LAYOUT_PACKED };

FIXTURE_SETUP(objects)
{
	struct shmbuf_create c = {
		.size = sizeof(c), .name = address(new_name(self->name)),
		.name_len = strlen(self->name), .data_size = 1, .nr_objects = OBJECTS,
		.layout = variant->layout,
	};

	self->fd = open_device(O_RDWR);
	ASSERT_EQ(0, call(self->fd, SHMBUF_IOC_CREATE, &c));
	self->owner = new_owner(self->fd);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
}

FIXTURE_TEARDOWN(objects)
{
	munmap(self->c.base, self->c.size);
	close(self->fd);
}

TEST_F(objects, have_no_kind_at_first)
{
	__u64 sequence = 0;
	__u32 i;

	for (i = 0; i < OBJECTS; i++)
		EXPECT_NE(0, read_word(&self->c, i) & SHMBUF_WORD_UNUSED);
	EXPECT_EQ(-EINVAL, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(-EINVAL, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(-EINVAL, do_consistent(self->fd, self->owner, 0));
	EXPECT_EQ(-EINVAL, do_wait(self->fd, 0, &sequence, NEVER));
	EXPECT_EQ(-EINVAL, do_wake(self->fd, 0, 1));
	EXPECT_EQ(-EINVAL, do_wake(self->fd, OBJECTS - 1, 1));
}

TEST_F(objects, init_and_reset)
{
	__u64 sequence = ~0ULL;

	EXPECT_EQ(0, do_init(self->fd, 1, 3, LOCK, 0));
	EXPECT_EQ(0, do_init(self->fd, 4, 2, QUEUE, 1000));
	EXPECT_STREQ("-LLLQQ--", kinds(self->fd, self->owner, 0, 8));
	EXPECT_EQ(0, read_word(&self->c, 1));
	EXPECT_EQ(1000, read_sequence(&self->c, 4));
	EXPECT_EQ(0, do_wait(self->fd, 5, &sequence, NEVER));
	EXPECT_EQ(1000, sequence);
	EXPECT_EQ(0, do_reset(self->fd, 2, 3));
	EXPECT_STREQ("-L---Q--", kinds(self->fd, self->owner, 0, 8));
	EXPECT_NE(0, read_word(&self->c, 2) & SHMBUF_WORD_UNUSED);
	EXPECT_EQ(0, do_init(self->fd, 2, 2, QUEUE, 0));
	EXPECT_EQ(0, do_init(self->fd, 4, 1, LOCK, 0));
	EXPECT_STREQ("-LQQLQ--", kinds(self->fd, self->owner, 0, 8));
	/* What has no kind can't lose it; the others keep theirs then. */
	EXPECT_EQ(-EINVAL, do_reset(self->fd, 1, 6));
	EXPECT_EQ(-EINVAL, do_reset(self->fd, 0, 1));
	EXPECT_STREQ("-LQQLQ--", kinds(self->fd, self->owner, 0, 8));
	EXPECT_EQ(0, do_reset(self->fd, 1, 5));
	EXPECT_STREQ("--------", kinds(self->fd, self->owner, 0, 8));
}

TEST_F(objects, values)
{
	__u64 sequence = ~0ULL;

	EXPECT_EQ(-EINVAL, do_init(self->fd, 0, 1, LOCK, 1));
	EXPECT_EQ(-EINVAL, do_init(self->fd, 0, 1, QUEUE, SHMBUF_SEQUENCE_MASK + 1));
	EXPECT_EQ(-EINVAL, do_init(self->fd, 0, 1, QUEUE, ~0ULL));
	EXPECT_EQ(0, do_init(self->fd, 0, 1, QUEUE, SHMBUF_SEQUENCE_MASK));
	EXPECT_EQ(0, do_wait(self->fd, 0, &sequence, NEVER));
	EXPECT_EQ(SHMBUF_SEQUENCE_MASK, sequence);
	EXPECT_EQ(0, do_wake(self->fd, 0, 1));
	EXPECT_EQ(0, read_sequence(&self->c, 0));	/* it wraps */
}

TEST_F(objects, out_of_range)
{
	static const struct {
		__u32 first, count;
	} bad[] = {
		{ OBJECTS, 1 }, { OBJECTS - 1, 2 }, { 0, OBJECTS + 1 }, { 0, 0 }, { 5, 0 },
		{ ~0U, 1 }, { 1, ~0U }, { ~0U, 2 }, { OBJECTS / 2, ~0U - OBJECTS / 4 },
	};
	/* The last that there can be stands for deaths, and is a queue: see deaths.c. */
	static const __u32 index[] = { OBJECTS, OBJECTS + 1, 1U << 31, ~0U - 1, ~0U - 63 };
	__u64 sequence = ~0ULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, do_init(self->fd, bad[i].first, bad[i].count, LOCK, 0))
			TH_LOG("range %zu", i);
		EXPECT_EQ(-EINVAL, do_reset(self->fd, bad[i].first, bad[i].count))
			TH_LOG("range %zu", i);
	}
	for (i = 0; i < ARRAY_SIZE(index); i++) {
		EXPECT_EQ(-EINVAL, do_lock(self->fd, self->owner, index[i], 0, NEVER));
		EXPECT_EQ(-EINVAL, do_trylock(self->fd, self->owner, index[i]));
		EXPECT_EQ(-EINVAL, do_unlock(self->fd, self->owner, index[i]));
		EXPECT_EQ(-EINVAL, do_consistent(self->fd, self->owner, index[i]));
		EXPECT_EQ(-EINVAL, do_wait(self->fd, index[i], &sequence, NEVER));
		EXPECT_EQ(-EINVAL, do_wake(self->fd, index[i], 1));
	}
	EXPECT_EQ(-EINVAL, do_init(self->fd, 0, 1, SHMBUF_KIND_NONE, 0));
	EXPECT_EQ(-EINVAL, do_init(self->fd, 0, 1, 5, 0));
	EXPECT_EQ(-EINVAL, do_init(self->fd, 0, 1, ~0U, 0));
	EXPECT_EQ(0, do_init(self->fd, OBJECTS - 1, 1, LOCK, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, OBJECTS - 1));
}

TEST_F(objects, all_or_nothing)
{
	EXPECT_EQ(0, do_init(self->fd, 5, 1, LOCK, 0));
	EXPECT_EQ(-EEXIST, do_init(self->fd, 0, 10, LOCK, 0));
	EXPECT_EQ(-EEXIST, do_init(self->fd, 5, 1, QUEUE, 0));
	EXPECT_EQ(-EEXIST, do_init(self->fd, 3, 3, QUEUE, 0));
	EXPECT_STREQ("-----L----", kinds(self->fd, self->owner, 0, 10));
	EXPECT_EQ(0, do_init(self->fd, 0, 5, LOCK, 0));
	EXPECT_EQ(0, do_init(self->fd, 6, 4, LOCK, 0));
	EXPECT_EQ(0, do_lock(self->fd, self->owner, 9, 0, NEVER));
	EXPECT_EQ(-EBUSY, do_reset(self->fd, 0, 10));
	EXPECT_EQ(-EBUSY, do_reset(self->fd, 9, 1));
	EXPECT_STREQ("LLLLLLLLLL", kinds(self->fd, self->owner, 0, 10));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 9));
	EXPECT_EQ(0, do_reset(self->fd, 0, 10));
}

TEST_F(objects, the_wrong_kind)
{
	__u64 sequence = ~0ULL;

	ASSERT_EQ(0, do_init(self->fd, 0, 1, LOCK, 0));
	ASSERT_EQ(0, do_init(self->fd, 1, 1, QUEUE, 0));
	EXPECT_EQ(-EINVAL, do_wait(self->fd, 0, &sequence, NEVER));
	EXPECT_EQ(-EINVAL, do_wake(self->fd, 0, 1));
	EXPECT_EQ(-EINVAL, do_lock(self->fd, self->owner, 1, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_trylock(self->fd, self->owner, 1));
	EXPECT_EQ(-EINVAL, do_unlock(self->fd, self->owner, 1));
	EXPECT_EQ(-EINVAL, do_consistent(self->fd, self->owner, 1));
	EXPECT_EQ(0, read_word(&self->c, 0));
	EXPECT_EQ(0, read_sequence(&self->c, 1));
}

/* Nor does the fast path take one for the other. */
TEST_F(objects, the_wrong_kind_in_user_space)
{
	ASSERT_EQ(0, do_init(self->fd, 0, 1, LOCK, 0));
	ASSERT_EQ(0, do_init(self->fd, 1, 1, QUEUE, 0));
	EXPECT_FALSE(fast_wake(&self->c, 0));
	EXPECT_FALSE(fast_lock(&self->c, self->owner, 1));
	EXPECT_FALSE(fast_unlock(&self->c, self->owner, 1));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_FALSE(fast_wake(&self->c, 0));
	EXPECT_STREQ("LQ", kinds(self->fd, self->owner, 0, 2));
}

TEST_F(objects, held_by_the_fast_path_is_busy)
{
	ASSERT_EQ(0, do_init(self->fd, 0, 1, LOCK, 0));
	ASSERT_EQ(true, fast_lock(&self->c, self->owner, 0));
	EXPECT_EQ(-EBUSY, do_reset(self->fd, 0, 1));
	ASSERT_EQ(true, fast_unlock(&self->c, self->owner, 0));
	EXPECT_EQ(0, do_reset(self->fd, 0, 1));
}

TEST_F(objects, waited_for_is_busy)
{
	pid_t waiter, sleeper;
	__u64 sequence = 0;

	ASSERT_EQ(0, do_init(self->fd, 0, 1, LOCK, 0));
	ASSERT_EQ(0, do_init(self->fd, 1, 1, QUEUE, 0));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	waiter = spawn();
	if (!waiter)
		_exit(do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER));
	sleeper = spawn();
	if (!sleeper)
		_exit(do_wait(self->fd, 1, &sequence, NEVER));
	UNTIL(asleep_in(waiter, SHMBUF_IOC_LOCK) && asleep_in(sleeper, SHMBUF_IOC_WAIT));
	/* A vandal's word doesn't hide the waiter. */
	write_word(&self->c, 0, 0);
	EXPECT_EQ(-EBUSY, do_reset(self->fd, 0, 1));
	EXPECT_EQ(-EBUSY, do_reset(self->fd, 1, 1));
	EXPECT_EQ(1, do_wake(self->fd, 1, SHMBUF_WAKE_ALL));
	EXPECT_EQ(0, reap(sleeper));
	kill_and_reap(waiter);
	EXPECT_EQ(0, do_reset(self->fd, 1, 1));
}

static void leave_dead(int fd, __u32 index)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(do_trylock(fd, new_owner(fd), index));
	if (reap(pid))
		fatal("the child couldn't lock");
}

TEST_F(objects, reset_of_what_the_dead_held)
{
	ASSERT_EQ(0, do_init(self->fd, 0, 2, LOCK, 0));
	leave_dead(self->fd, 0);
	EXPECT_EQ(0, do_reset(self->fd, 0, 1));
	EXPECT_EQ(0, do_init(self->fd, 0, 1, LOCK, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
	leave_dead(self->fd, 1);
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->owner, 1));
	EXPECT_EQ(-EBUSY, do_reset(self->fd, 1, 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 1));
	EXPECT_EQ(-ENOTRECOVERABLE, do_trylock(self->fd, self->owner, 1));
	EXPECT_EQ(0, do_reset(self->fd, 1, 1));
	EXPECT_EQ(-EINVAL, do_trylock(self->fd, self->owner, 1));
	EXPECT_EQ(0, do_init(self->fd, 1, 1, LOCK, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 1));
}

TEST_F(objects, many_fragments)
{
	char expected[OBJECTS + 1] = "";
	__u32 i;

	for (i = 0; i < OBJECTS; i++) {
		__u32 kind = i % 3;

		expected[i] = "-LQ"[kind];
		if (kind)
			EXPECT_EQ(0, do_init(self->fd, i, 1, kind, 0));
	}
	EXPECT_STREQ(expected, kinds(self->fd, self->owner, 0, OBJECTS));
	for (i = 0; i < OBJECTS; i++) {
		if (i % 3 != 1)
			continue;
		expected[i] = '-';
		EXPECT_EQ(0, do_reset(self->fd, i, 1));
	}
	EXPECT_STREQ(expected, kinds(self->fd, self->owner, 0, OBJECTS));
	for (i = 2; i < OBJECTS; i += 3)
		EXPECT_EQ(0, do_reset(self->fd, i, 1));
	EXPECT_EQ(0, do_init(self->fd, 0, OBJECTS, LOCK, 0));
	EXPECT_EQ(LOCK, kind_of(self->fd, self->owner, OBJECTS - 1));
}

/* INIT, RESET and use of the same objects by several at once: no step is half done. */
TEST_F(objects, atomic_against_users)
{
	pid_t users[3];
	int i, n;

	ASSERT_EQ(0, do_init(self->fd, 0, 64, LOCK, 0));
	for (n = 0; n < 3; n++) {
		users[n] = spawn();
		if (users[n])
			continue;
		self->owner = new_owner(self->fd);
		for (i = 0; i < 3000; i++) {
			int ret = do_lock(self->fd, self->owner, i % 64, 0, NEVER);

			CHECK(ret == 0 || ret == -EINVAL);
			if (!ret)
				CHECK(do_unlock(self->fd, self->owner, i % 64) == 0);
		}
		_exit(0);
	}
	for (i = 0; i < 1000; i++) {
		n = do_reset(self->fd, 0, 64);
		EXPECT_EQ(true, n == 0 || n == -EBUSY);
		if (!n)
			EXPECT_EQ(0, do_init(self->fd, 0, 64, LOCK, 0));
	}
	for (n = 0; n < 3; n++)
		EXPECT_EQ(0, reap(users[n]));
}

static int create_ranges(int fd, const struct shmbuf_range *ranges, __u32 count, __u32 objects)
{
	struct shmbuf_create c = {
		.size = sizeof(c), .data_size = 1, .nr_objects = objects,
		.ranges = address(ranges), .nr_ranges = count,
	};

	return call(fd, SHMBUF_IOC_CREATE, &c);
}

TEST(ranges_of_create)
{
	struct shmbuf_range ranges[SHMBUF_CREATE_RANGES_MAX + 1] = {
		{ .first = 2, .count = 2, .kind = LOCK },
		{ .first = 5, .count = 3, .kind = QUEUE, .value = 9 },
		{ .first = 0, .count = 2, .kind = QUEUE },
	};
	int fd = open_device(O_RDWR), i;

	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, 3, 7));
	EXPECT_EQ(-EFAULT, create_ranges(fd, (void *)8, 3, 8));
	EXPECT_GT(0, create_ranges(fd, NULL, 3, 8));
	ranges[2].count = 3;
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, 3, 8));	/* overlap */
	ranges[2].count = 0;
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, 3, 8));
	ranges[2].count = 2;
	ranges[2].kind = 0;
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, 3, 8));
	ranges[2].kind = 7;
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, 3, 8));
	ranges[2].kind = LOCK;
	ranges[2].value = 1;
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, 3, 8));
	ranges[2] = ranges[1];
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, 3, 8));
	ranges[2] = (struct shmbuf_range){ .first = ~0U, .count = 2, .kind = LOCK };
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, 3, 8));
	ranges[2] = (struct shmbuf_range){ .first = 0, .count = 2, .kind = QUEUE };
	EXPECT_EQ(0, create_ranges(fd, ranges, 3, 8));
	EXPECT_STREQ("QQLL-QQQ", kinds(fd, new_owner(fd), 0, 8));
	for (i = 0; i <= SHMBUF_CREATE_RANGES_MAX; i++)
		ranges[i] = (struct shmbuf_range){ .first = 2 * i, .count = 1, .kind = 1 + i % 2 };
	fd = open_device(O_RDWR);
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, SHMBUF_CREATE_RANGES_MAX + 1, 200));
	EXPECT_EQ(-EINVAL, create_ranges(fd, ranges, ~0U, 200));
	EXPECT_EQ(0, create_ranges(fd, ranges, SHMBUF_CREATE_RANGES_MAX, 200));
	EXPECT_STREQ("L-Q-L-Q-", kinds(fd, new_owner(fd), 0, 8));
	EXPECT_STREQ("L-Q-----", kinds(fd, new_owner(fd), 124, 8));
}

TEST(nothing_is_left_of_a_create_that_failed)
{
	struct shmbuf_range bad = { .first = 0, .count = 2, .kind = LOCK };
	struct shmbuf_create c = {
		.size = sizeof(c), .flags = SHMBUF_CREATE_PERSIST, .data_size = 1,
		.nr_objects = 1, .ranges = address(&bad), .nr_ranges = 1,
	};
	int fd = open_device(O_RDWR);
	char name[64];

	c.name = address(new_name(name));
	c.name_len = strlen(name);
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_CREATE, &c));
	EXPECT_EQ(-ENOENT, do_open(fd, name));
	EXPECT_EQ(0, do_create(fd, name, SHMBUF_CREATE_EXCL, 1, 1, 0, 0));
}

TEST_HARNESS_MAIN
