// SPDX-License-Identifier: GPL-2.0-only
/* WAITERS: who waits for an object of whatever kind, since when, and in which order. */
#include "shmbuf_test.h"

#define LOCK	0
#define ANOTHER	1
#define QUEUE	2
#define SEM	3
#define BARRIER	4
#define FREE	5
#define MOST	SHMBUF_WAITERS_MAX
/* Since when somebody waits is known to the clock's tick, for some kinds. */
#define TICK	(20 * NSEC_PER_MSEC)

FIXTURE(waiters)
{
	char name[64];
	int fd;
	int observer;
	__u64 me;
	__u64 *ids;	/* of children */
	struct shmbuf_waiter_info w[64];
};

FIXTURE_SETUP(waiters)
{
	self->fd = new_buffer(new_name(self->name), 2, 1, 3);
	new_sem(self->fd, SEM, 0, 0);
	ASSERT_EQ(0, do_init(self->fd, BARRIER, 1, SHMBUF_KIND_BARRIER, 20));
	self->observer = open_buffer(self->name, O_RDONLY);
	self->me = new_owner(self->fd);
	self->ids = shared_memory(4096);
}

FIXTURE_TEARDOWN(waiters)
{
	close(self->fd);
	close(self->observer);
}

static int for_lock(int fd, __u64 id)
{
	return do_lock(fd, id, LOCK, 0, NEVER);
}

static int for_lock_to_read(int fd, __u64 id)
{
	return do_read(fd, id, LOCK, 0, NEVER);
}

static int on_queue(int fd, __u64 id)
{
	__u64 sequence = 0;

	(void)id;
	return do_wait(fd, QUEUE, &sequence, NEVER);
}

static int for_condition(int fd, __u64 id)
{
	CHECK(do_lock(fd, id, ANOTHER, 0, NEVER) == 0);
	return do_wait_locked(fd, id, ANOTHER, QUEUE, 0, NEVER);
}

static int for_death(int fd, __u64 id)
{
	__u64 sequence = 0;

	(void)id;
	return do_wait(fd, SHMBUF_INDEX_DEATHS, &sequence, NEVER);
}

static int for_unit(int fd, __u64 id)
{
	(void)id;
	return do_sem_wait(fd, 0, SEM, 0, NEVER);
}

static int for_unit_of_its_own(int fd, __u64 id)
{
	return do_sem_wait(fd, id, SEM, 0, NEVER);
}

static int at_barrier(int fd, __u64 id)
{
	return do_barrier_wait(fd, id, BARRIER, NEVER);
}

static int for_any(int fd, const struct shmbuf_wait_item *item)
{
	struct shmbuf_wait_item items[] = {
		{ .fd = fd, .index = SEM, .kind = SHMBUF_KIND_SEMAPHORE },
		*item,
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = 2, .deadline = NEVER,
	};

	items[1].fd = fd;
	return call(fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

static int for_any_lock(int fd, __u64 id)
{
	return for_any(fd, &(struct shmbuf_wait_item) {
		.index = LOCK, .kind = SHMBUF_KIND_LOCK, .owner = id,
	});
}

static int on_any_queue(int fd, __u64 id)
{
	(void)id;
	return for_any(fd, &(struct shmbuf_wait_item) {
		.index = QUEUE, .kind = SHMBUF_KIND_QUEUE,
	});
}

static const struct kind {
	const char *name;
	__u32 index;
	int (*wait)(int fd, __u64 id);
	unsigned long cmd;
	bool owner;	/* it waits as one */
	__u32 flags;
} kinds[] = {
	{ "lock", LOCK, for_lock, SHMBUF_IOC_LOCK, true, 0 },
	{ "lock to read", LOCK, for_lock_to_read, SHMBUF_IOC_LOCK, true, SHMBUF_LOCK_SHARED },
	{ "queue", QUEUE, on_queue, SHMBUF_IOC_WAIT, false, 0 },
	{ "condition", QUEUE, for_condition, SHMBUF_IOC_WAIT, true, 0 },
	{ "deaths", SHMBUF_INDEX_DEATHS, for_death, SHMBUF_IOC_WAIT, false, 0 },
	{ "semaphore", SEM, for_unit, SHMBUF_IOC_SEM_WAIT, false, 0 },
	{ "semaphore with UNDO", SEM, for_unit_of_its_own, SHMBUF_IOC_SEM_WAIT, true, 0 },
	{ "barrier", BARRIER, at_barrier, SHMBUF_IOC_BARRIER_WAIT, true, 0 },
	{ "lock by WAIT_ANY", LOCK, for_any_lock, SHMBUF_IOC_WAIT_ANY, true, 0 },
	{ "queue by WAIT_ANY", QUEUE, on_any_queue, SHMBUF_IOC_WAIT_ANY, false, 0 },
};

static pid_t spawn_waiter(int fd, const struct kind *kind, const char *name, __u64 *id)
{
	pid_t pid = spawn();

	if (!pid) {
		prctl(PR_SET_NAME, name);
		*id = new_owner(fd);
		_exit(kind->wait(fd, *id) < 0);
	}
	UNTIL(asleep_in(pid, kind->cmd));
	return pid;
}

#define CROWD	5

/* Some have what they waited for, or an error, by the death of those before them. */
static void kill_all(const pid_t *pids, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < nr; i++)
		reap(pids[i]);
}

static void expect_waiter(struct __test_metadata *_metadata, const struct kind *kind,
			  const struct shmbuf_waiter_info *w, pid_t pid, __u64 id,
			  const char *name)
{
	EXPECT_EQ(kind->owner ? id : 0, w->owner)
		TH_LOG("%s", kind->name);
	EXPECT_EQ(pid, w->pid);
	EXPECT_EQ(pid, w->tid);
	EXPECT_EQ(kind->flags, w->flags);
	EXPECT_EQ(0, w->reserved0);
	EXPECT_STREQ(name, w->comm);
}

static void crowd(struct __test_metadata *_metadata, FIXTURE_DATA(waiters) *self,
		  const struct kind *kind)
{
	__u64 times[CROWD + 1];
	pid_t pids[CROWD];
	char name[16];
	int i;

	for (i = 0; i < CROWD; i++) {
		times[i] = now();
		snprintf(name, sizeof(name), "waiter %d", i);
		pids[i] = spawn_waiter(self->fd, kind, name, &self->ids[i]);
	}
	times[i] = now();
	memset(self->w, 0x55, sizeof(self->w));
	/* No more than there is room for, and all are counted. */
	EXPECT_EQ(CROWD, do_waiters(self->observer, kind->index, NULL, 0));
	EXPECT_EQ(CROWD, do_waiters(self->observer, kind->index, self->w, 2));
	EXPECT_EQ(pids[1], self->w[1].pid);
	EXPECT_EQ(0x55555555, self->w[2].pid);
	EXPECT_EQ(-EFAULT, do_waiters(self->observer, kind->index, NULL, 1));
	ASSERT_EQ(CROWD, do_waiters(self->observer, kind->index, self->w, 64));
	for (i = 0; i < CROWD; i++) {
		snprintf(name, sizeof(name), "waiter %d", i);
		expect_waiter(_metadata, kind, &self->w[i], pids[i], self->ids[i], name);
		EXPECT_LE(times[i], self->w[i].since + TICK);
		EXPECT_GE(times[i + 1], self->w[i].since);
	}
	EXPECT_EQ(0x55555555, self->w[CROWD].pid);
	kill_all(pids, CROWD);
	EXPECT_EQ(0, do_waiters(self->observer, kind->index, self->w, 64));
}

TEST_F(waiters, of_each_kind)
{
	size_t i;

	ASSERT_EQ(0, do_lock(self->fd, self->me, LOCK, 0, NEVER));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		/* A barrier breaks with the first that is killed; the log of deaths moves on. */
		if (kinds[i].wait != for_death)
			crowd(_metadata, self, &kinds[i]);
	}
}

TEST_F(waiters, for_a_death)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].wait == for_death)
			crowd(_metadata, self, &kinds[i]);
}

/* By one who has nothing but a read-only handle. */
TEST_F(waiters, observers)
{
	pid_t pid = spawn();

	if (!pid)
		_exit(on_queue(self->observer, 0));
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	ASSERT_EQ(1, do_waiters(self->observer, QUEUE, self->w, 1));
	EXPECT_EQ(pid, self->w[0].pid);
	EXPECT_EQ(0, self->w[0].owner);
	ASSERT_EQ(1, do_wake(self->fd, QUEUE, 1));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, do_waiters(self->observer, QUEUE, self->w, 1));
}

/* A sleeper whom WAKE moved to his lock waits for that. */
TEST_F(waiters, moved_to_a_lock)
{
	const struct kind condition = { "", QUEUE, for_condition, SHMBUF_IOC_WAIT, true, 0 };
	pid_t pid = spawn_waiter(self->fd, &condition, "sleeper", self->ids);

	EXPECT_EQ(0, do_waiters(self->observer, ANOTHER, self->w, 1));
	ASSERT_EQ(0, do_lock(self->fd, self->me, ANOTHER, 0, NEVER));
	ASSERT_EQ(1, do_wake(self->fd, QUEUE, 1));
	UNTIL(do_waiters(self->observer, ANOTHER, self->w, 1) == 1);
	EXPECT_EQ(pid, self->w[0].pid);
	EXPECT_EQ(*self->ids, self->w[0].owner);
	EXPECT_EQ(0, do_waiters(self->observer, QUEUE, self->w, 1));
	ASSERT_EQ(0, do_unlock(self->fd, self->me, ANOTHER));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, do_waiters(self->observer, ANOTHER, self->w, 1));
}

TEST_F(waiters, of_what_is_none)
{
	static const __u32 nothing[] = { FREE, FREE + 1, 31, 32, 1U << 31, ~0U - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nothing); i++)
		EXPECT_EQ(-EINVAL, do_waiters(self->observer, nothing[i], self->w, 64));
	EXPECT_EQ(0, do_waiters(self->observer, LOCK, NULL, ~0U));
	EXPECT_EQ(0, do_waiters(self->observer, SHMBUF_INDEX_DEATHS, NULL, ~0U));
	ASSERT_EQ(0, do_reset(self->fd, QUEUE, 1));
	EXPECT_EQ(-EINVAL, do_waiters(self->observer, QUEUE, self->w, 64));
}

static void *wait_in_a_thread(void *arg)
{
	__u64 sequence = 0;

	return (void *)(long)do_wait(*(int *)arg, QUEUE, &sequence, NEVER);
}

#define MANY	(MOST + 6)

/* More than are told of. */
TEST_F(waiters, many)
{
	struct shmbuf_waiter_info *w = calloc(MANY, sizeof(*w));
	__u64 start = now();
	pthread_attr_t attr;
	pthread_t thread;
	pid_t pid = spawn();
	int i;

	if (!pid) {
		CHECK(!pthread_attr_init(&attr) && !pthread_attr_setstacksize(&attr, 131072));
		for (i = 0; i < MANY; i++)
			CHECK(!pthread_create(&thread, &attr, wait_in_a_thread, &self->fd));
		for (;;)
			pause();
	}
	UNTIL(do_waiters(self->observer, QUEUE, NULL, 0) == MANY);
	memset(w, 0x55, MANY * sizeof(*w));
	EXPECT_EQ(MANY, do_waiters(self->observer, QUEUE, w, MANY));
	for (i = 0; i < MOST; i++) {
		ASSERT_EQ(pid, w[i].pid);
		ASSERT_TRUE(w[i].since + TICK >= start && w[i].since <= now());
		ASSERT_TRUE(!i || w[i - 1].tid != w[i].tid);
	}
	EXPECT_EQ(0x55555555, w[MOST].pid);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	EXPECT_EQ(0, do_waiters(self->observer, QUEUE, w, MANY));
	free(w);
}

/* Beside those who come, are woken and time out: nobody is made up. */
TEST_F(waiters, while_they_come_and_go)
{
	pid_t pids[4];
	int i, j, nr;

	for (i = 0; i < 4; i++) {
		pids[i] = spawn();
		if (pids[i])
			continue;
		for (;;) {
			__u64 sequence = ~0ULL;

			do_wait(self->fd, QUEUE, &sequence, NEVER);
			do_wait(self->fd, QUEUE, &sequence, now() + 100000);
			do_wake(self->fd, QUEUE, 1);
		}
	}
	for (i = 0; i < fewer(20000); i++) {
		nr = do_waiters(self->observer, QUEUE, self->w, 64);
		ASSERT_LE(0, nr);
		ASSERT_GE(4, nr);
		for (j = 0; j < nr; j++)
			ASSERT_TRUE(self->w[j].pid == pids[0] || self->w[j].pid == pids[1] ||
				    self->w[j].pid == pids[2] || self->w[j].pid == pids[3]);
	}
	kill_all(pids, 4);
}

TEST_HARNESS_MAIN
