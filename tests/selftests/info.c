// SPDX-License-Identifier: GPL-2.0-only
/* Who holds a lock, since when, who waits for it, and who died with it. */
#include "shmbuf_test.h"

#define LOCKS	40
#define QUEUE	LOCKS

FIXTURE(info)
{
	char name[64];
	int fd;
	int observer;
	struct control c;
	__u64 me;
	__u64 start;
	char comm[16];
	struct shmbuf_owner_info i;
	struct shmbuf_waiter_info w[64];
};

FIXTURE_SETUP(info)
{
	self->fd = new_buffer(new_name(self->name), LOCKS, 1, 1);
	self->observer = open_buffer(self->name, O_RDONLY);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->start = now();
	self->me = new_owner(self->fd);
	prctl(PR_GET_NAME, self->comm);
}

FIXTURE_TEARDOWN(info)
{
	close(self->fd);
	close(self->observer);
}

#define EXPECT_HELD(index, bound, from, to) do {				\
	ASSERT_EQ(0, do_owner_info(self->observer, index, &self->i, NULL, 0));	\
	EXPECT_EQ(SHMBUF_OWNER_HELD | (bound), self->i.state);			\
	EXPECT_EQ(self->me, self->i.owner);					\
	EXPECT_EQ(getpid(), self->i.pid);					\
	EXPECT_EQ(gettid(), self->i.tid);					\
	EXPECT_STREQ(self->comm, self->i.comm);					\
	EXPECT_LE(from, self->i.since);						\
	EXPECT_GE(to, self->i.since);						\
	EXPECT_EQ(0, self->i.nr_readers);					\
} while (0)

TEST_F(info, free)
{
	struct shmbuf_owner_info zero = { .size = sizeof(zero), .index = 3 };

	memset(&self->i, 0x55, sizeof(self->i));
	ASSERT_EQ(0, do_owner_info(self->observer, 3, &self->i, NULL, 0));
	EXPECT_EQ(0, memcmp(&zero, &self->i, sizeof(zero)));
	/* What comes in where something goes out counts for nothing. */
	memset(&self->i, 0x55, sizeof(self->i));
	self->i.size = sizeof(self->i);
	self->i.flags = 0;
	self->i.index = 3;
	self->i.nr_waiters = 0;
	self->i.waiters = 0;
	ASSERT_EQ(0, call(self->observer, SHMBUF_IOC_OWNER_INFO, &self->i));
	EXPECT_EQ(0, memcmp(&zero, &self->i, sizeof(zero)));
}

TEST_F(info, taken_by_ioctl)
{
	__u64 before = now(), after;

	ASSERT_EQ(0, do_lock(self->fd, self->me, 0, 0, NEVER));
	after = now();
	usleep(2000);
	EXPECT_HELD(0, 0, before, after);
	usleep(2000);
	EXPECT_HELD(0, 0, before, after);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 0));
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, NULL, 0));
	EXPECT_EQ(0, self->i.state);
	EXPECT_EQ(0, self->i.owner);
	EXPECT_EQ(0, self->i.since);
}

TEST_F(info, taken_in_user_space)
{
	__u64 before, after, first;

	ASSERT_TRUE(fast_lock(&self->c, self->me, 0));
	usleep(2000);
	before = now();
	EXPECT_HELD(0, SHMBUF_OWNER_SINCE_BOUND, before, now());
	after = now();
	first = self->i.since;
	usleep(2000);
	EXPECT_HELD(0, SHMBUF_OWNER_SINCE_BOUND, before, after);
	EXPECT_EQ(first, self->i.since);
	/* Given back by ioctl, it is another time that it's held. */
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 0));
	ASSERT_TRUE(fast_lock(&self->c, self->me, 0));
	before = now();
	EXPECT_HELD(0, SHMBUF_OWNER_SINCE_BOUND, before, now());
	/* Other locks of the same owner have times of their own. */
	ASSERT_EQ(0, do_lock(self->fd, self->me, 1, 0, NEVER));
	EXPECT_HELD(1, 0, before, now());
	EXPECT_HELD(0, SHMBUF_OWNER_SINCE_BOUND, before, self->i.since);
}

static pid_t waiter(int fd, const char *name, __u32 flags, __u64 deadline, __u64 *owner)
{
	pid_t pid = spawn();

	if (!pid) {
		prctl(PR_SET_NAME, name);
		*owner = new_owner(fd);
		CHECK(do_lock(fd, *owner, 0, flags, deadline) == 0);
		CHECK(do_unlock(fd, *owner, 0) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	return pid;
}

/* What the first to wait saw is known, though nobody asked then. */
TEST_F(info, since_it_was_waited_for)
{
	__u64 *owner = shared_memory(sizeof(*owner)), after;
	pid_t pid;

	ASSERT_TRUE(fast_lock(&self->c, self->me, 0));
	pid = waiter(self->fd, "waiter", 0, NEVER, owner);
	after = now();
	usleep(2000);
	EXPECT_HELD(0, SHMBUF_OWNER_SINCE_BOUND, self->start, after);
	EXPECT_EQ(1, self->i.nr_waiters);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 0));
	EXPECT_EQ(0, reap(pid));
}

#define WAITERS	40

TEST_F(info, waiters)
{
	__u64 *owners = shared_memory(WAITERS * sizeof(*owners)), times[WAITERS + 1];
	pid_t pids[WAITERS];
	char name[16];
	int i;

	ASSERT_EQ(0, do_lock(self->fd, self->me, 0, 0, NEVER));
	for (i = 0; i < WAITERS; i++) {
		times[i] = now();
		snprintf(name, sizeof(name), "waiter %d", i);
		pids[i] = waiter(self->fd, name, i % 2 ? 0 : SHMBUF_LOCK_NOSPIN, NEVER,
				 &owners[i]);
	}
	times[i] = now();
	memset(self->w, 0x55, sizeof(self->w));
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, self->w, 3));
	EXPECT_EQ(WAITERS, self->i.nr_waiters);
	EXPECT_EQ(pids[2], self->w[2].pid);
	EXPECT_EQ(0x55555555, self->w[3].pid);
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, NULL, 0));
	EXPECT_EQ(WAITERS, self->i.nr_waiters);
	EXPECT_EQ(-EFAULT, do_owner_info(self->observer, 0, &self->i, NULL, 1));
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, self->w, 64));
	ASSERT_EQ(WAITERS, self->i.nr_waiters);
	for (i = 0; i < WAITERS; i++) {
		struct shmbuf_waiter_info *w = &self->w[i];

		EXPECT_EQ(owners[i], w->owner);
		EXPECT_EQ(pids[i], w->pid);
		EXPECT_EQ(pids[i], w->tid);
		EXPECT_EQ(0, w->flags);
		EXPECT_EQ(0, w->reserved0);
		EXPECT_LE(times[i], w->since);
		EXPECT_GE(times[i + 1], w->since);
		snprintf(name, sizeof(name), "waiter %d", i);
		EXPECT_STREQ(name, w->comm);
	}
	EXPECT_EQ(0x55555555, self->w[WAITERS].pid);
	/* Those of other locks are none of this one's. */
	ASSERT_EQ(0, do_owner_info(self->observer, 32, &self->i, self->w, 64));
	EXPECT_EQ(0, self->i.nr_waiters);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[0]));
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, self->w, 1 << 20));
	EXPECT_EQ(WAITERS - 1, self->i.nr_waiters);
	EXPECT_EQ(pids[1], self->w[0].pid);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 0));
	for (i = 1; i < WAITERS; i++)
		EXPECT_EQ(0, reap(pids[i]));
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, self->w, 64));
	EXPECT_EQ(0, self->i.nr_waiters);
}

struct victim {
	pid_t pid;
	__u64 owner;
	__u64 died[2];
};

/* Who dies with the locks from @first on. */
static void die(int fd, __u32 first, __u32 count, struct victim *v)
{
	__u64 *owner = shared_memory(sizeof(*owner));
	__u32 i;

	v->pid = spawn();
	if (!v->pid) {
		struct control c = map_control(fd, PROT_READ | PROT_WRITE);

		prctl(PR_SET_NAME, "victim");
		*owner = new_owner(fd);
		for (i = first; i < first + count; i++)
			CHECK(fast_lock(&c, *owner, i));
		raise(SIGSTOP);
	}
	UNTIL(state_of(v->pid) == 'T');
	v->owner = *owner;
	v->died[0] = now();
	kill_and_reap(v->pid);
	v->died[1] = now();
	munmap(owner, sizeof(*owner));
}

#define EXPECT_DIED(v, index, state_) do {					\
	const struct victim *dead = &(v);					\
	const struct shmbuf_death *d = &self->i.death;				\
										\
	ASSERT_EQ(0, do_owner_info(self->observer, index, &self->i, NULL, 0));	\
	EXPECT_EQ(SHMBUF_OWNER_DEAD | (state_), self->i.state);			\
	EXPECT_EQ(dead->owner, d->owner);					\
	EXPECT_EQ(dead->pid, d->pid);						\
	EXPECT_EQ(dead->pid, d->tid);						\
	EXPECT_EQ(SHMBUF_DEATH_SIGNAL, d->how);					\
	EXPECT_EQ(SIGKILL, d->code);						\
	EXPECT_EQ(SHMBUF_DEATH_OF_PROCESS, d->flags);				\
	EXPECT_STREQ("victim", d->comm);					\
	EXPECT_LE(dead->died[0], d->time);					\
	EXPECT_GE(dead->died[1], d->time);					\
} while (0)

TEST_F(info, dead_holder)
{
	struct victim v;

	die(self->fd, 0, 2, &v);
	EXPECT_DIED(v, 0, SHMBUF_OWNER_INCONSISTENT);
	EXPECT_EQ(0, self->i.owner);
	EXPECT_EQ(0, self->i.pid);
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, 0, 0, NEVER));
	EXPECT_DIED(v, 0, SHMBUF_OWNER_INCONSISTENT | SHMBUF_OWNER_HELD);
	EXPECT_EQ(self->me, self->i.owner);
	ASSERT_EQ(0, do_consistent(self->fd, self->me, 0));
	EXPECT_DIED(v, 0, SHMBUF_OWNER_HELD);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 0));
	EXPECT_DIED(v, 0, 0);

	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, 1, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->me, 1));
	EXPECT_DIED(v, 1, SHMBUF_OWNER_NOTRECOVERABLE);
	EXPECT_EQ(0, self->i.owner);
	/* A lock that is made anew knows nothing of it; the one beside still does. */
	ASSERT_EQ(0, do_reset(self->fd, 1, 1));
	ASSERT_EQ(0, do_init(self->fd, 1, 1, SHMBUF_KIND_LOCK, 0));
	ASSERT_EQ(0, do_owner_info(self->observer, 1, &self->i, NULL, 0));
	EXPECT_EQ(0, self->i.state);
	EXPECT_DIED(v, 0, 0);
}

TEST_F(info, many_locks_of_a_dead_holder)
{
	struct victim v, second;
	int i;

	die(self->fd, 0, LOCKS, &v);
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, 20, 0, NEVER));
	ASSERT_EQ(0, do_consistent(self->fd, self->me, 20));
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 20));
	die(self->fd, 20, 1, &second);
	for (i = 0; i < LOCKS; i++) {
		struct victim *who = i == 20 ? &second : &v;

		EXPECT_DIED(*who, i, SHMBUF_OWNER_INCONSISTENT);
	}
}

TEST_F(info, forgotten_death)
{
	struct victim v, other;
	int i;

	die(self->fd, 0, 1, &v);
	for (i = 0; i < SHMBUF_DEATHS_MAX; i++) {
		EXPECT_DIED(v, 0, SHMBUF_OWNER_INCONSISTENT);
		die(self->fd, 1, 0, &other);
	}
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, NULL, 0));
	EXPECT_EQ(SHMBUF_OWNER_INCONSISTENT, self->i.state);
	EXPECT_EQ(0, self->i.death.owner);
}

static void *leave_with_a_lock(void *arg)
{
	int fd = *(int *)arg;

	CHECK(!do_lock(fd, new_owner(fd), 0, 0, NEVER));
	syscall(SYS_exit, 0);
	return NULL;
}

TEST_F(info, dead_thread)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, leave_with_a_lock, &self->fd));
	UNTIL(read_word(&self->c, 0));
	EXPECT_EQ(-EOWNERDEAD, do_lock(self->fd, self->me, 0, 0, NEVER));
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, NULL, 0));
	EXPECT_EQ(SHMBUF_OWNER_DEAD | SHMBUF_OWNER_INCONSISTENT | SHMBUF_OWNER_HELD,
		  self->i.state);
	EXPECT_EQ(SHMBUF_DEATH_THREAD, self->i.death.how);
	EXPECT_EQ(getpid(), self->i.death.pid);
}

TEST_F(info, unregistered_holder)
{
	__u64 owner = new_owner(self->fd);

	ASSERT_EQ(0, do_lock(self->fd, owner, 0, 0, NEVER));
	ASSERT_EQ(0, do_unregister(self->fd, owner));
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, NULL, 0));
	EXPECT_EQ(SHMBUF_OWNER_DEAD | SHMBUF_OWNER_INCONSISTENT, self->i.state);
	EXPECT_EQ(owner, self->i.death.owner);
	EXPECT_EQ(SHMBUF_DEATH_UNREGISTER, self->i.death.how);
}

TEST_F(info, process_bound)
{
	__u64 owner;

	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &owner));
	ASSERT_TRUE(fast_lock(&self->c, owner, 0));
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, NULL, 0));
	EXPECT_EQ(owner, self->i.owner);
	EXPECT_EQ(getpid(), self->i.pid);
	EXPECT_EQ(0, self->i.tid);
}

/* Seen from another PID namespace the holder and its waiters have no number. */
TEST_F(info, pid_namespace)
{
	__u64 *owner = shared_memory(sizeof(*owner));
	pid_t pid, waits;

	ASSERT_EQ(0, do_lock(self->fd, self->me, 0, 0, NEVER));
	waits = waiter(self->fd, "waiter", 0, NEVER, owner);
	pid = spawn();
	if (!pid) {
		struct shmbuf_owner_info *i = &self->i;
		pid_t inside;

		if (unshare(CLONE_NEWPID))
			_exit(KSFT_SKIP);
		inside = spawn();
		if (!inside) {
			CHECK(!do_owner_info(self->observer, 0, i, self->w, 1));
			CHECK(i->owner == self->me && !i->pid && !i->tid);
			CHECK(!strcmp(i->comm, self->comm));
			CHECK(i->nr_waiters == 1 && self->w[0].owner == *owner);
			CHECK(!self->w[0].pid && !self->w[0].tid);
			CHECK(!do_lock(self->fd, new_owner(self->fd), 1, 0, NEVER));
			CHECK(!do_owner_info(self->observer, 1, i, NULL, 0));
			CHECK(i->pid == 1 && i->tid == 1);
			_exit(0);
		}
		_exit(reap(inside));
	}
	switch (reap(pid)) {
	case 0:
		break;
	case KSFT_SKIP:
		SKIP(return, "no PID namespaces");
	default:
		EXPECT_TRUE(false);
	}
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 0));
	EXPECT_EQ(0, reap(waits));
}

TEST_F(info, hostile_word)
{
	__u64 forged = self->me + (1ULL << 40);
	int fd;

	write_word(&self->c, 0, forged);
	ASSERT_EQ(0, do_owner_info(self->observer, 0, &self->i, self->w, 64));
	EXPECT_EQ(SHMBUF_OWNER_INCONSISTENT, self->i.state);
	EXPECT_EQ(0, self->i.owner);
	write_word(&self->c, 0, ~0ULL);
	EXPECT_EQ(-EINVAL, do_owner_info(self->observer, 0, &self->i, self->w, 64));
	write_word(&self->c, 0, SHMBUF_WORD_UNUSED);
	EXPECT_EQ(-EINVAL, do_owner_info(self->observer, 0, &self->i, self->w, 64));
	write_word(&self->c, 0, SHMBUF_OWNER_MASK | SHMBUF_WORD_OWNER_DIED);
	EXPECT_EQ(0, do_owner_info(self->observer, 0, &self->i, self->w, 64));
	write_word(&self->c, 0, 0);
	/* Nobody has ever had an id. */
	fd = new_buffer(NULL, 1, 0, 0);
	self->c = map_control(fd, PROT_READ | PROT_WRITE);
	write_word(&self->c, 0, 5);
	ASSERT_EQ(0, do_owner_info(fd, 0, &self->i, self->w, 64));
	EXPECT_EQ(SHMBUF_OWNER_INCONSISTENT, self->i.state);
	close(fd);
}

/* One of them is named, and all are counted. */
TEST_F(info, read)
{
	__u64 before = now(), after;
	pid_t pid;

	ASSERT_EQ(0, do_read(self->fd, self->me, 7, 0, NEVER));
	after = now();
	ASSERT_EQ(0, do_owner_info(self->observer, 7, &self->i, NULL, 0));
	EXPECT_EQ(SHMBUF_OWNER_SHARED, self->i.state & ~SHMBUF_OWNER_SINCE_BOUND);
	EXPECT_EQ(self->me, self->i.owner);
	EXPECT_EQ(getpid(), self->i.pid);
	EXPECT_EQ(gettid(), self->i.tid);
	EXPECT_STREQ(self->comm, self->i.comm);
	EXPECT_EQ(1, self->i.nr_readers);
	/* Readers are many, and seen when somebody asks. */
	EXPECT_LE(before, self->i.since);
	if (!(self->i.state & SHMBUF_OWNER_SINCE_BOUND))
		EXPECT_GE(after, self->i.since);
	/* The same one twice is one. */
	ASSERT_EQ(0, do_read(self->fd, self->me, 7, 0, NEVER));
	ASSERT_EQ(0, do_owner_info(self->observer, 7, &self->i, NULL, 0));
	EXPECT_EQ(1, self->i.nr_readers);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 7));
	pid = spawn();
	if (!pid) {
		CHECK(do_read(self->fd, new_owner(self->fd), 7, 0, NEVER) == 0);
		CHECK(do_owner_info(self->fd, 7, &self->i, NULL, 0) == 0);
		_exit(self->i.nr_readers != 2);
	}
	EXPECT_EQ(0, reap(pid));
	/* The dead one reads no more, and that harms nobody. */
	ASSERT_EQ(0, do_owner_info(self->observer, 7, &self->i, NULL, 0));
	EXPECT_EQ(SHMBUF_OWNER_SHARED, self->i.state & ~SHMBUF_OWNER_SINCE_BOUND);
	EXPECT_EQ(self->me, self->i.owner);
	EXPECT_EQ(1, self->i.nr_readers);
	ASSERT_EQ(0, do_unlock(self->fd, self->me, 7));
	ASSERT_EQ(0, do_owner_info(self->observer, 7, &self->i, NULL, 0));
	EXPECT_EQ(0, self->i.state);
	EXPECT_EQ(0, self->i.nr_readers);
}

TEST_F(info, errors)
{
	EXPECT_EQ(-EINVAL, do_owner_info(self->fd, QUEUE, &self->i, self->w, 64));
	EXPECT_EQ(-EINVAL, do_owner_info(self->fd, QUEUE + 1, &self->i, self->w, 64));
	EXPECT_EQ(-EINVAL, do_owner_info(self->fd, QUEUE + 2, &self->i, self->w, 64));
	EXPECT_EQ(-EINVAL, do_owner_info(self->fd, ~0U, &self->i, self->w, 64));
	EXPECT_EQ(0, do_owner_info(self->fd, 0, &self->i, NULL, ~0U));
	EXPECT_EQ(0, self->i.nr_waiters);
}

TEST_HARNESS_MAIN
