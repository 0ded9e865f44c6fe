// SPDX-License-Identifier: GPL-2.0-only
/* LOCK with SHARED, DOWNGRADE, rows: who reads beside whom, who waits for whom. */
#include "shmbuf_test.h"

#define TRY	SHMBUF_LOCK_TRY
#define SPIN	SHMBUF_LOCK_SPIN
#define NOSPIN	SHMBUF_LOCK_NOSPIN
#define INTR	SHMBUF_LOCK_INTERRUPTIBLE
#define SHARED	SHMBUF_LOCK_SHARED

/* Each case by ioctl alone, and with a row that the kernel opens entries in. */
FIXTURE(rwlock)
{
	int fd;
	__u64 owner, other;
	struct control c;
	bool rows;
};

FIXTURE_VARIANT(rwlock)
{
	bool rows;
};

FIXTURE_VARIANT_ADD(rwlock, ioctl) { false };
FIXTURE_VARIANT_ADD(rwlock, rows) { true };

FIXTURE_SETUP(rwlock)
{
	self->fd = new_buffer(NULL, 4, 0, 0);
	self->owner = new_owner(self->fd);
	self->other = new_owner(self->fd);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->rows = variant->rows;
	if (self->rows) {
		map_row(self->fd, self->owner);
		map_row(self->fd, self->other);
	}
}

FIXTURE_TEARDOWN(rwlock)
{
	close(self->fd);
}

static __u64 new_reader(int fd, bool rows)
{
	__u64 owner = new_owner(fd);

	if (rows)
		map_row(fd, owner);
	return owner;
}

/* A child that locks, tells, and unlocks and exits once it is told so. */
struct party {
	pid_t pid;
	int has;	/* 1 once it has it; the order in which parties got it */
	int let_go;
};

static int *turns;

static struct party *start(int fd, bool rows, __u32 flags, __u64 deadline, int expected)
{
	struct party *p = shared_memory(4096);
	pid_t pid;

	if (!turns)
		turns = shared_memory(4096);
	pid = spawn();
	if (!pid) {
		__u64 owner = new_reader(fd, rows);

		CHECK(do_lock(fd, owner, 0, flags, deadline) == expected);
		if (expected && expected != -EOWNERDEAD)
			_exit(0);
		__atomic_store_n(&p->has, __atomic_add_fetch(turns, 1, __ATOMIC_SEQ_CST),
				 __ATOMIC_SEQ_CST);
		UNTIL(__atomic_load_n(&p->let_go, __ATOMIC_SEQ_CST));
		CHECK(do_unlock(fd, owner, 0) == 0);
		_exit(0);
	}
	p->pid = pid;
	return p;
}

static int has(struct party *p)
{
	return __atomic_load_n(&p->has, __ATOMIC_SEQ_CST);
}

static struct party *start_holder(int fd, bool rows, __u32 flags)
{
	struct party *p = start(fd, rows, flags, NEVER, 0);

	UNTIL(has(p));
	return p;
}

/* Asleep, and a writer for so long that no reader passes it. */
static void await_waiting(const struct party *p)
{
	UNTIL(asleep_in(p->pid, SHMBUF_IOC_LOCK));
	wait_long();
}

static struct party *start_waiter(int fd, bool rows, __u32 flags)
{
	struct party *p = start(fd, rows, flags, NEVER, 0);

	await_waiting(p);
	return p;
}

static void end(struct party *p)
{
	__atomic_store_n(&p->let_go, 1, __ATOMIC_SEQ_CST);
	if (reap(p->pid))
		fatal("a party failed");
}

static void kill_party(struct party *p)
{
	kill_and_reap(p->pid);
}

static int try_by_another(int fd, __u32 flags)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = new_owner(fd);
		int ret = do_lock(fd, owner, 0, flags | TRY, 0);

		_exit(-ret);
	}
	return -reap(pid);
}

TEST_F(rwlock, readers_beside_each_other)
{
	struct party *p[4];
	int i;

	for (i = 0; i < 4; i++)
		p[i] = start_holder(self->fd, self->rows, SHARED);
	EXPECT_EQ(0, do_tryread(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_tryread(self->fd, self->other, 0));
	EXPECT_EQ(SHMBUF_WORD_READERS, read_word(&self->c, 0));
	EXPECT_EQ(false, fast_lock(&self->c, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->other, 0));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
		end(p[i]);
	}
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
}

TEST_F(rwlock, not_held)
{
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(-EPERM, do_downgrade(self->fd, self->owner, 0));
	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->other, 0));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 1));
	EXPECT_EQ(-EPERM, do_downgrade(self->fd, self->owner, 0));
	EXPECT_EQ(-EPERM, do_consistent(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
}

TEST_F(rwlock, as_often_as_it_was_taken)
{
	int i;

	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, do_read(self->fd, self->owner, 0, i & 1 ? TRY : 0, NEVER));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
		ASSERT_EQ(0, do_unlock(self->fd, self->owner, 0));
	}
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_trylock(self->fd, self->other, 0));
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->owner, 0));
}

TEST_F(rwlock, upgrade_is_a_deadlock)
{
	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EDEADLK, do_lock(self->fd, self->owner, 0, SPIN, NEVER));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EDEADLK, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EDEADLK, do_read(self->fd, self->owner, 0, SPIN, NEVER));
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
}

TEST_F(rwlock, writer_waits_for_each_reader)
{
	struct party *first = start_holder(self->fd, self->rows, SHARED);
	struct party *second = start_holder(self->fd, self->rows, SHARED);
	struct party *writer = start_waiter(self->fd, self->rows, 0);

	end(first);
	EXPECT_EQ(0, has(writer));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
	end(second);
	UNTIL(has(writer));
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->owner, 0));
	end(writer);
	EXPECT_EQ(0, do_tryread(self->fd, self->owner, 0));
}

TEST_F(rwlock, readers_wait_for_the_writer_and_for_one_who_waits)
{
	struct party *writer, *reader, *late;

	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	writer = start_waiter(self->fd, self->rows, 0);
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->other, 0));
	EXPECT_EQ(-EDEADLK, do_read(self->fd, self->other, 0, 0, now()));
	EXPECT_EQ(-ETIMEDOUT,
		  do_read(self->fd, self->other, 0, SHMBUF_LOCK_NODETECT, now()));
	reader = start_waiter(self->fd, self->rows, SHARED);
	late = start_waiter(self->fd, self->rows, SHARED | NOSPIN);
	/* Once more: or it would wait for itself. */
	EXPECT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_tryread(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, has(writer));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	UNTIL(has(writer));
	EXPECT_EQ(0, has(reader) + has(late));
	end(writer);
	UNTIL(has(reader) && has(late));
	end(reader);
	end(late);
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

/* One of two readers has the lock at any time. */
TEST_F(rwlock, readers_pass_a_writer_for_a_while_only)
{
	__u64 reads = self->owner, next = self->other, swap, stop = now() + 60 * NSEC_PER_SEC;
	struct party *writer;
	int ret = 0;

	ASSERT_EQ(0, do_read(self->fd, reads, 0, 0, NEVER));
	writer = start_waiter(self->fd, self->rows, 0);
	while (now() < stop) {
		ret = do_tryread(self->fd, next, 0);
		if (ret)
			break;
		ASSERT_EQ(0, do_unlock(self->fd, reads, 0));
		swap = reads;
		reads = next;
		next = swap;
	}
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_EQ(0, has(writer));
	EXPECT_EQ(0, do_unlock(self->fd, reads, 0));
	UNTIL(has(writer));
	end(writer);
}

/* Writer, reader, writer, reader: each gets its turn, in this order. */
TEST_F(rwlock, in_turn)
{
	struct party *p[4];
	int i, before;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	for (i = 0; i < 4; i++)
		p[i] = start_waiter(self->fd, self->rows, i & 1 ? SHARED : 0);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	for (i = before = 0; i < 4; i++) {
		UNTIL(has(p[i]));
		EXPECT_EQ(before + 1, has(p[i]));
		before = has(p[i]);
		end(p[i]);
	}
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

/* More than are woken at a time. */
TEST_F(rwlock, many_readers_at_once)
{
	struct party *p[50];
	int i;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	for (i = 0; i < 50; i++)
		p[i] = start_waiter(self->fd, self->rows, SHARED | NOSPIN);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	for (i = 0; i < 50; i++)
		UNTIL(has(p[i]));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
	for (i = 0; i < 50; i++)
		end(p[i]);
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

TEST_F(rwlock, downgrade)
{
	struct party *reader, *writer, *late;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	reader = start_waiter(self->fd, self->rows, SHARED);
	writer = start_waiter(self->fd, self->rows, 0);
	late = start_waiter(self->fd, self->rows, SHARED);
	EXPECT_EQ(0, do_downgrade(self->fd, self->owner, 0));
	UNTIL(has(reader));
	EXPECT_EQ(-EPERM, do_downgrade(self->fd, self->owner, 0));
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->other, 0));
	end(reader);
	EXPECT_EQ(0, has(writer) + has(late));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	UNTIL(has(writer));
	EXPECT_EQ(0, has(late));
	end(writer);
	UNTIL(has(late));
	end(late);
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
	/* Also of one that was taken in user space. */
	UNTIL(do_trylock(self->fd, self->owner, 0) == 0);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	ASSERT_EQ(true, fast_lock(&self->c, self->owner, 1));
	EXPECT_EQ(0, do_downgrade(self->fd, self->owner, 1));
	EXPECT_EQ(0, do_tryread(self->fd, self->other, 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->other, 1));
}

TEST_F(rwlock, deadlines)
{
	struct party *p = start_holder(self->fd, self->rows, SHARED);
	static const __u32 flags[] = { 0, NOSPIN, SPIN, INTR };
	size_t i;
	__u64 when;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 0, flags[i], 0));
		when = now() + 30 * NSEC_PER_MSEC;
		EXPECT_EQ(-ETIMEDOUT, do_lock(self->fd, self->owner, 0, flags[i], when));
		EXPECT_LE(when, now());
		/* Not looked at where it needn't wait. */
		EXPECT_EQ(0, do_read(self->fd, self->owner, 0, flags[i], 0));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	}
	end(p);
	p = start_holder(self->fd, self->rows, 0);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-ETIMEDOUT, do_read(self->fd, self->owner, 0, flags[i], 1));
		when = now() + 30 * NSEC_PER_MSEC;
		EXPECT_EQ(-ETIMEDOUT, do_read(self->fd, self->owner, 0, flags[i], when));
		EXPECT_LE(when, now());
	}
	end(p);
	EXPECT_EQ(0, do_read(self->fd, self->owner, 0, 0, 0));
}

/* A writer that gives up, for whatever reason, lets readers go on. */
static void writer_gives_up(int fd, bool rows, struct party *writer, int how)
{
	struct party *reader = start_waiter(fd, rows, SHARED);
	struct party *more = start_waiter(fd, rows, SHARED);

	if (how)
		kill(writer->pid, how);
	UNTIL(has(reader) && has(more));
	reap(writer->pid);
	CHECK(!has(writer));
	end(reader);
	end(more);
}

static void no_handler(int sig)
{
	(void)sig;
}

TEST_F(rwlock, writer_that_gives_up_lets_readers_go_on)
{
	struct party *reader = start_holder(self->fd, self->rows, SHARED);
	struct sigaction action = { .sa_handler = no_handler };
	struct party *writer;

	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	writer = start_waiter(self->fd, self->rows, 0);
	writer_gives_up(self->fd, self->rows, writer, SIGKILL);
	writer = start_waiter(self->fd, self->rows, NOSPIN);
	writer_gives_up(self->fd, self->rows, writer, SIGSEGV);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	writer = start(self->fd, self->rows, INTR, NEVER, -EINTR);
	await_waiting(writer);
	writer_gives_up(self->fd, self->rows, writer, SIGUSR1);
	writer = start(self->fd, self->rows, 0, now() + NSEC_PER_SEC, -ETIMEDOUT);
	await_waiting(writer);
	writer_gives_up(self->fd, self->rows, writer, 0);
	/* One of two who give up isn't enough. */
	writer = start_waiter(self->fd, self->rows, 0);
	kill_party(start_waiter(self->fd, self->rows, 0));
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->other, 0));
	end(reader);
	EXPECT_EQ(0, has(writer));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	UNTIL(has(writer));
	end(writer);
}

TEST_F(rwlock, signals_during_a_read_lock)
{
	struct sigaction action = { .sa_handler = no_handler };
	struct party *writer, *reader;
	int i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	writer = start_holder(self->fd, self->rows, 0);
	reader = start(self->fd, self->rows, SHARED | INTR, NEVER, -EINTR);
	UNTIL(asleep_in(reader->pid, SHMBUF_IOC_LOCK));
	kill(reader->pid, SIGUSR1);
	EXPECT_EQ(0, reap(reader->pid));
	reader = start_waiter(self->fd, self->rows, SHARED);
	for (i = 0; i < 3; i++) {
		kill(reader->pid, SIGUSR1);
		UNTIL(asleep_in(reader->pid, SHMBUF_IOC_LOCK));
	}
	EXPECT_EQ(0, has(reader));
	kill_party(start_waiter(self->fd, self->rows, SHARED));
	end(writer);
	UNTIL(has(reader));
	end(reader);
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

TEST_F(rwlock, spinning)
{
	struct party *reader = start_holder(self->fd, self->rows, SHARED), *writer;

	writer = start(self->fd, self->rows, SPIN, NEVER, 0);
	/* It stops new readers, though it doesn't sleep. */
	UNTIL(do_tryread(self->fd, self->owner, 0) == -EBUSY ||
	      (do_unlock(self->fd, self->owner, 0), 0));
	EXPECT_EQ(0, has(writer));
	end(reader);
	UNTIL(has(writer));
	reader = start(self->fd, self->rows, SHARED | SPIN, NEVER, 0);
	usleep(20000);
	EXPECT_EQ(0, has(reader));
	end(writer);
	UNTIL(has(reader));
	end(reader);
	writer = start_holder(self->fd, self->rows, 0);
	reader = start(self->fd, self->rows, SHARED | SPIN, NEVER, 0);
	usleep(5000);
	kill_party(reader);
	end(writer);
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 0));
}

TEST_F(rwlock, dead_writer)
{
	struct party *writer = start_holder(self->fd, self->rows, 0), *reader;

	kill_party(writer);
	/* To repair takes one who is alone, and says so first. */
	EXPECT_EQ(-EOWNERDEAD, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->other, 0));
	EXPECT_EQ(-EPERM, do_downgrade(self->fd, self->owner, 0));
	reader = start_waiter(self->fd, self->rows, SHARED);
	EXPECT_EQ(0, do_consistent(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_downgrade(self->fd, self->owner, 0));
	UNTIL(has(reader));
	EXPECT_EQ(0, do_tryread(self->fd, self->other, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->other, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	end(reader);
	/* Readers that wait hear of it, one by one. */
	writer = start_holder(self->fd, self->rows, 0);
	reader = start(self->fd, self->rows, SHARED, NEVER, -EOWNERDEAD);
	UNTIL(asleep_in(reader->pid, SHMBUF_IOC_LOCK));
	kill_party(writer);
	UNTIL(has(reader));
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->owner, 0));
	end(reader);
	EXPECT_EQ(-ENOTRECOVERABLE, do_tryread(self->fd, self->owner, 0));
	EXPECT_EQ(-ENOTRECOVERABLE, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-ENOTRECOVERABLE, do_trylock(self->fd, self->owner, 0));
	EXPECT_EQ(-EPERM, do_downgrade(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_reset(self->fd, 0, 1));
	EXPECT_EQ(-EINVAL, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_init(self->fd, 0, 1, SHMBUF_KIND_LOCK, 0));
	EXPECT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
}

TEST_F(rwlock, reset)
{
	struct party *reader = start_holder(self->fd, self->rows, SHARED);

	EXPECT_EQ(-EBUSY, do_reset(self->fd, 0, 1));
	EXPECT_EQ(-EBUSY, do_reset(self->fd, 0, 4));
	EXPECT_EQ(0, do_tryread(self->fd, self->owner, 0));
	end(reader);
	EXPECT_EQ(-EBUSY, do_reset(self->fd, 0, 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	/* Opened again for the same reader, and not for what it was before. */
	EXPECT_EQ(0, do_reset(self->fd, 0, 1));
	EXPECT_EQ(-EINVAL, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_init(self->fd, 0, 1, SHMBUF_KIND_LOCK, 0));
	EXPECT_EQ(0, read_word(&self->c, 0));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
	ASSERT_EQ(true, fast_lock(&self->c, self->other, 0));
	EXPECT_EQ(-EBUSY, do_tryread(self->fd, self->owner, 0));
	ASSERT_EQ(true, fast_unlock(&self->c, self->other, 0));
	EXPECT_EQ(0, do_tryread(self->fd, self->owner, 0));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	/* What only a dead reader has is idle. */
	reader = start_holder(self->fd, self->rows, SHARED);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	kill_party(reader);
	EXPECT_EQ(0, do_reset(self->fd, 0, 1));
}

/* A lock that nobody reads any more is taken in user space again. */
TEST_F(rwlock, back_to_the_fast_path)
{
	int i;

	ASSERT_EQ(true, fast_lock(&self->c, self->owner, 0));
	ASSERT_EQ(true, fast_unlock(&self->c, self->owner, 0));
	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	ASSERT_EQ(0, do_unlock(self->fd, self->owner, 0));
	for (i = 0; i < 10 && read_word(&self->c, 0); i++) {
		ASSERT_EQ(0, do_lock(self->fd, self->other, 0, 0, NEVER));
		ASSERT_EQ(0, do_unlock(self->fd, self->other, 0));
	}
	EXPECT_EQ(0, read_word(&self->c, 0));
	ASSERT_EQ(true, fast_lock(&self->c, self->owner, 0));
	ASSERT_EQ(true, fast_unlock(&self->c, self->owner, 0));
}

TEST_F(rwlock, quota)
{
	__u64 limit = get_parameter("max_user_claims");

	set_parameter("max_user_claims", 1);
	EXPECT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(-EDQUOT, do_read(self->fd, self->owner, 1, 0, NEVER));
	EXPECT_EQ(-EDQUOT, do_tryread(self->fd, self->other, 0));
	ASSERT_EQ(0, do_lock(self->fd, self->other, 1, 0, NEVER));
	EXPECT_EQ(-EDQUOT, do_downgrade(self->fd, self->other, 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->other, 1));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	set_parameter("max_user_claims", limit);
	EXPECT_EQ(0, do_tryread(self->fd, self->other, 0));
}

TEST_HARNESS_MAIN
