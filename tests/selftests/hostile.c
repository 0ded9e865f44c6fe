// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer that writes whatever it likes over the control area. Those who share it
 * get errors, or wait until they are killed; the kernel stays whole, and so does
 * whoever doesn't share it. Seeds are printed; SEED= in the environment sets one.
 */
#include "shmbuf_test.h"
#include <pthread.h>

#define LOCKS	40
#define QUEUES	20
#define OBJECTS	64
#define WORKERS	6

static __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct stage {
	int fd;
	char name[64];
	__u64 ids[64];		/* of live and of dead owners */
	unsigned long done[WORKERS];
	int bad;		/* the last impossible result */
};

static __u64 some_id(struct stage *stage, __u64 *seed)
{
	return __atomic_load_n(&stage->ids[draw(seed) % 64], __ATOMIC_RELAXED);
}

/* Half of it noise, half of it words that look right. */
static void vandalize(struct stage *stage, __u64 seed)
{
	struct control c = map_control(stage->fd, PROT_READ | PROT_WRITE);
	__u64 *words = (__u64 *)c.base, n = c.size / 8;

	for (;;) {
		__u64 value = draw(&seed);

		switch (draw(&seed) % 4) {
		case 0:
			__atomic_store_n(&words[draw(&seed) % n], value, __ATOMIC_RELAXED);
			break;
		case 1:
			write_word(&c, value % OBJECTS, draw(&seed));
			break;
		case 2:
			write_word(&c, value % OBJECTS,
				   some_id(stage, &seed) | (draw(&seed) & (0x1fULL << 59)));
			break;
		default:
			write_word(&c, value % OBJECTS, draw(&seed) & (0x1fULL << 59));
		}
	}
}

static bool possible(int ret)
{
	switch (ret) {
	case -EBUSY: case -EDEADLK: case -EDQUOT: case -EEXIST: case -EINTR: case -EINVAL:
	case -ENOMEM: case -ENOTRECOVERABLE: case -EOWNERDEAD: case -EPERM: case -ETIMEDOUT:
		return true;
	}
	return ret >= 0;
}

static int one_step(struct stage *stage, int fd, __u64 *owner, __u64 *seed)
{
	static const __u32 flags[] = {
		0, SHMBUF_LOCK_TRY, SHMBUF_LOCK_SPIN, SHMBUF_LOCK_NOSPIN,
		SHMBUF_LOCK_INTERRUPTIBLE, SHMBUF_LOCK_NODETECT,
	};
	__u32 index = draw(seed) % OBJECTS, n = draw(seed) % 4 + 1;
	__u64 value = draw(seed) % 1000;
	/* Now and then for ever: then it can only be killed. */
	__u64 deadline = draw(seed) % 100 ? now() + draw(seed) % NSEC_PER_MSEC : NEVER;

	switch (draw(seed) % 12) {
	case 0: case 1: case 2:
		return do_lock(fd, *owner, index, flags[draw(seed) % 5], deadline);
	case 3: case 4:
		return do_unlock(fd, *owner, index);
	case 5:
		return do_consistent(fd, *owner, index);
	case 6:
		return do_wait(fd, index, &value, deadline);
	case 7:
		return do_wake(fd, index, n == 4 ? SHMBUF_WAKE_ALL : n);
	case 8:
		return do_reset(fd, index, n);
	case 9:
		return do_init(fd, index, n, draw(seed) % 2 + 1, 0);
	case 10:
		return do_unlock(fd, some_id(stage, seed), index);
	default:
		do_unregister(fd, *owner);
		if (do_register(fd, draw(seed) % 2, owner))
			*owner = 0;
		stage->ids[draw(seed) % 64] = *owner;
		return 0;
	}
}

static void work(struct stage *stage, int slot, __u64 seed)
{
	int fd = open_buffer(stage->name, O_RDWR), ret;
	__u64 owner = new_owner(fd);
	char path[64], text[4096];

	stage->ids[slot] = owner;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	for (;;) {
		ret = one_step(stage, fd, &owner, &seed);
		if (!possible(ret))
			__atomic_store_n(&stage->bad, ret, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&stage->done[slot], 1, __ATOMIC_RELAXED);
		if (draw(&seed) % 64 == 0) {
			int info = open(path, O_RDONLY);

			while (read(info, text, sizeof(text)) > 0)
				;
			close(info);
		}
	}
}

/* What it does all the time, on a buffer of its own beside the other. */
static void expect_working(struct __test_metadata *_metadata, int fd)
{
	__u64 owner = new_owner(fd), sequence = ~0ULL;

	EXPECT_EQ(0, do_lock(fd, owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_unlock(fd, owner, 0));
	EXPECT_LE(0, do_wake(fd, 1, 1));
	EXPECT_EQ(0, do_wait(fd, 1, &sequence, NEVER));
	EXPECT_EQ(0, do_unregister(fd, owner));
}

FIXTURE(hostile)
{
	struct stage *stage;
	int fd;
	__u64 seed;
};

FIXTURE_VARIANT(hostile)
{
	__u32 layout;
};

FIXTURE_VARIANT_ADD(hostile, spread) { SHMBUF_LAYOUT_SPREAD };
FIXTURE_VARIANT_ADD(hostile, packed) { SHMBUF_LAYOUT_PACKED };

FIXTURE_SETUP(hostile)
{
	struct shmbuf_range ranges[] = {
		{ .first = 0, .count = LOCKS, .kind = SHMBUF_KIND_LOCK },
		{ .first = LOCKS, .count = QUEUES, .kind = SHMBUF_KIND_QUEUE },
	};
	struct shmbuf_create c = {
		.size = sizeof(c), .data_size = 1, .nr_objects = OBJECTS,
		.layout = variant->layout, .ranges = address(ranges), .nr_ranges = 2,
	};

	self->seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : now() | 1;
	TH_LOG("SEED=%#llx", self->seed);
	self->stage = shared_memory(sizeof(*self->stage));
	c.name = address(new_name(self->stage->name));
	c.name_len = strlen(self->stage->name);
	self->fd = open_device(O_RDWR);
	self->stage->fd = self->fd;
	ASSERT_EQ(0, call(self->fd, SHMBUF_IOC_CREATE, &c));
}

FIXTURE_TEARDOWN(hostile)
{
	close(self->fd);
}

TEST_F(hostile, vandal_among_workers)
{
	pid_t vandal, workers[WORKERS];
	int quiet = new_buffer(NULL, 1, 1, 0), i, kills;
	unsigned long total = 0;

	vandal = spawn();
	if (!vandal)
		vandalize(self->stage, self->seed);
	for (i = 0; i < WORKERS; i++) {
		workers[i] = spawn();
		if (!workers[i])
			work(self->stage, i, self->seed + i + 1);
	}
	for (kills = 0; kills < fewer(100); kills++) {
		i = draw(&self->seed) % WORKERS;
		usleep(draw(&self->seed) % 8000);
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
		workers[i] = spawn();
		if (!workers[i])
			work(self->stage, i, draw(&self->seed) | 1);
		if (kills % 10 == 0)
			expect_working(_metadata, quiet);
	}
	/* All can be killed, at once and in any state. */
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(vandal));
	for (i = 0; i < WORKERS; i++)
		kill(workers[i], SIGKILL);
	for (i = 0; i < WORKERS; i++) {
		EXPECT_EQ(128 + SIGKILL, reap(workers[i]));
		total += self->stage->done[i];
	}
	EXPECT_EQ(0, self->stage->bad);
	EXPECT_LT(1000, total)
		TH_LOG("next to nothing was tried");
	/* Where nobody lives, all can be reset, and is as new. */
	for (i = 0; i < OBJECTS; i++) {
		int ret = do_reset(self->fd, i, 1);

		EXPECT_EQ(true, ret == 0 || ret == -EINVAL)
			TH_LOG("RESET %d: %d", i, ret);
		EXPECT_EQ(0, do_init(self->fd, i, 1, i % 2 + 1, 0));
	}
	expect_working(_metadata, self->fd);
	expect_working(_metadata, quiet);
	expect_working(_metadata, new_buffer(NULL, 1, 1, 0));
}

/* One call on a word that is forged to @word before; steps 0 to 5 are a lock's. */
static int call_on_forged(int fd, const struct control *c, __u64 own, __u64 word, int step)
{
	__u64 sequence = word & SHMBUF_SEQUENCE_MASK;
	__u32 kind = step < 6 ? SHMBUF_KIND_LOCK : SHMBUF_KIND_QUEUE;
	__u32 index = step < 6 ? 0 : LOCKS;
	int ret;

	write_word(c, index, word);
	switch (step) {
	case 0:
		return do_trylock(fd, own, index);
	case 1:
		return do_lock(fd, own, index, 0, now() + 10000);
	case 2:
		return do_lock(fd, own, index, SHMBUF_LOCK_SPIN, now() + 10000);
	case 3:
		return do_unlock(fd, own, index);
	case 4:
		return do_consistent(fd, own, index);
	case 6:
		return do_wait(fd, index, &sequence, now() + 10000);
	case 7:
		return do_wake(fd, index, 1);
	default:
		ret = do_reset(fd, index, 1);
		return ret ?: do_init(fd, index, 1, kind, 0);
	}
}

#define STEPS	9

/* With sound words all works again. */
static int use_both(int fd, const struct control *c, __u64 own)
{
	write_word(c, 0, 0);
	write_word(c, LOCKS, SHMBUF_WORD_QUEUE);
	return do_lock(fd, own, 0, 0, NEVER) ?: do_unlock(fd, own, 0) ?: do_wake(fd, LOCKS, 1);
}

/* Each value of the upper byte, with each sort of owner, before each call. */
TEST_F(hostile, each_combination_of_flags)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	__u64 own = new_owner(self->fd), second = new_owner(self->fd), gone = new_owner(self->fd);
	const __u64 owners[] = {
		0, own, second, gone, own + (1ULL << SHMBUF_OWNER_SLOT_BITS),
		1ULL << SHMBUF_OWNER_SLOT_BITS, SHMBUF_OWNER_MASK,
	};
	size_t i;

	ASSERT_EQ(0, do_unregister(self->fd, gone));
	for (i = 0; i < 256 * ARRAY_SIZE(owners) * STEPS; i++) {
		__u64 word = (__u64)(i % 256) << 56 | owners[i / 256 % ARRAY_SIZE(owners)];
		int step = i / 256 / ARRAY_SIZE(owners);
		int ret = call_on_forged(self->fd, &c, own, word, step);

		EXPECT_EQ(true, possible(ret))
			TH_LOG("word %#llx, step %d: %d", word, step, ret);
		ASSERT_EQ(0, use_both(self->fd, &c, own))
			TH_LOG("after word %#llx, step %d", word, step);
	}
}

/* Who sleeps on a word that is then forged isn't stranded. */
TEST_F(hostile, word_changed_under_a_sleeper)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	__u64 own = new_owner(self->fd);
	const __u64 words[] = {
		0, SHMBUF_WORD_OWNER_DIED, own + (1ULL << SHMBUF_OWNER_SLOT_BITS), 12345,
		SHMBUF_WORD_WAITERS, SHMBUF_WORD_NOTRECOVERABLE, SHMBUF_WORD_UNUSED, ~0ULL,
		SHMBUF_WORD_UNUSED | own,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		pid_t pid;

		ASSERT_EQ(0, do_lock(self->fd, own, 0, 0, NEVER));
		pid = spawn();
		if (!pid) {
			int ret = do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER);

			_exit(ret != 0 && ret != -EOWNERDEAD && ret != -ENOTRECOVERABLE &&
			      ret != -EINVAL);
		}
		UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
		write_word(&c, 0, words[i]);
		EXPECT_EQ(0, reap(pid))
			TH_LOG("word %#llx", words[i]);
		write_word(&c, 0, 0);
		ASSERT_EQ(0, do_lock(self->fd, own, 0, 0, NEVER));
		ASSERT_EQ(0, do_unlock(self->fd, own, 0));
	}
}

static pid_t spawn_locker(int fd)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(do_lock(fd, new_owner(fd), 0, 0, NEVER) != -EINVAL);
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	return pid;
}

/* Nor is who sleeps behind one who is killed then. */
TEST_F(hostile, first_of_two_sleepers_killed_on_a_changed_word)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	__u64 own = new_owner(self->fd);
	int round;

	for (round = 0; round < 8; round++) {
		pid_t first, second;

		ASSERT_EQ(0, do_lock(self->fd, own, 0, 0, NEVER));
		first = spawn_locker(self->fd);
		second = spawn_locker(self->fd);
		write_word(&c, 0, SHMBUF_WORD_UNUSED);
		kill_and_reap(first);
		EXPECT_EQ(0, reap(second));
		write_word(&c, 0, 0);
		ASSERT_EQ(0, do_lock(self->fd, own, 0, 0, NEVER));
		ASSERT_EQ(0, do_unlock(self->fd, own, 0));
	}
}

TEST_F(hostile, queue_changed_under_a_sleeper)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	const __u64 words[] = {
		0, 5, ~0ULL, SHMBUF_WORD_WAITERS, SHMBUF_WORD_UNUSED, SHMBUF_SEQUENCE_MASK,
		SHMBUF_WORD_QUEUE, SHMBUF_WORD_QUEUE | 5,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		int ret = -EINVAL;
		pid_t pid;

		write_word(&c, LOCKS, SHMBUF_WORD_QUEUE);
		pid = spawn();
		if (!pid) {
			__u64 sequence = 0;

			_exit(do_wait(self->fd, LOCKS, &sequence, NEVER) != 0);
		}
		UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
		write_word(&c, LOCKS, words[i]);
		/* With UNUSED there is no waking, and no hanging either. */
		ret = do_wake(self->fd, LOCKS, SHMBUF_WAKE_ALL);
		EXPECT_EQ(true, possible(ret));
		if (ret != 1)
			kill(pid, SIGKILL);
		EXPECT_EQ(ret == 1 ? 0 : 128 + SIGKILL, reap(pid));
	}
	write_word(&c, LOCKS, SHMBUF_WORD_QUEUE);
	EXPECT_EQ(0, do_wake(self->fd, LOCKS, 1));
}

/* Forging a lock in another's name gives power over the word, and over nothing else. */
TEST_F(hostile, forged_owner_gains_nothing)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	__u64 own = new_owner(self->fd);
	pid_t pid = spawn();

	if (!pid) {
		struct control mine = map_control(self->fd, PROT_READ | PROT_WRITE);

		write_word(&mine, 0, own);
		CHECK(do_unlock(self->fd, own, 0) == -EPERM);
		CHECK(do_trylock(self->fd, new_owner(self->fd), 0) == -EBUSY);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	/* It is taken for a hold of ours, which we can give up. */
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, own, 0, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, own, 0));
	EXPECT_EQ(0, read_word(&c, 0));
}

#define RETURNERS 40

struct returner {
	int fd;
	__u32 queue;
};

static void *wait_again_and_again(void *argument)
{
	struct returner *r = argument;

	for (;;) {
		__u64 sequence = 0;

		do_wait(r->fd, r->queue, &sequence, NEVER);
	}
	return NULL;
}

/* Whoever sets a queue's sequence back to be woken once more doesn't keep the waker. */
TEST_F(hostile, waiters_who_come_back)
{
	int fd = new_buffer(NULL, 1, 1, 0), i;
	pid_t pid = spawn();

	if (!pid) {
		struct returner r = { .fd = fd, .queue = 1 };
		struct control c = map_control(fd, PROT_READ | PROT_WRITE);
		pthread_t thread;

		for (i = 0; i < RETURNERS; i++)
			CHECK(!pthread_create(&thread, NULL, wait_again_and_again, &r));
		for (;;)
			write_word(&c, 1, SHMBUF_WORD_QUEUE | SHMBUF_WORD_WAITERS);
	}
	for (i = 0; i < 50; i++)
		EXPECT_LE(0, do_wake(fd, 1, SHMBUF_WAKE_ALL));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	EXPECT_EQ(0, do_wake(fd, 1, 1));
}

TEST_HARNESS_MAIN
