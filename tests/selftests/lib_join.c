// SPDX-License-Identifier: GPL-2.0-only
/* The library: a process that is joined, and does nothing else, dies for the others. */
#include "lib_test.h"

#define QUEUE	0

FIXTURE(join)
{
	char name[64];
	struct shmbuf *b;
	struct shmbuf *observer;
	int *go;
};

FIXTURE_SETUP(join)
{
	struct shmbuf_options o = { .nr_queues = 1, .nr_objects = 2 };

	snprintf(self->name, sizeof(self->name), "lib-join-%d", getpid());
	ASSERT_EQ(0, shmbuf_create(&self->b, self->name, 1, &o));
	ASSERT_EQ(0, shmbuf_init(self->b, 1, 1, SHMBUF_KIND_SEMAPHORE, 0));
	ASSERT_EQ(0, shmbuf_open(&self->observer, self->name, SHMBUF_RDONLY));
	self->go = shared(sizeof(*self->go));
}

FIXTURE_TEARDOWN(join)
{
	shmbuf_close(self->b);
	shmbuf_close(self->observer);
}

static unsigned int joined(struct shmbuf *b)
{
	struct shmbuf_stats s;

	CHECK(!shmbuf_stats(b, &s));
	return s.joined;
}

static unsigned int owners(struct shmbuf *b)
{
	struct shmbuf_stats s;

	CHECK(!shmbuf_stats(b, &s));
	return s.owners;
}

static void hold_still(void)
{
	for (;;)
		pause();
}

enum end { END_KILL, END_EXIT, END_EXEC, END_CLOSE };

/* A child that opens the buffer, joins, and ends its part so when it is told to. */
static pid_t spawn_member(FIXTURE_DATA(join) *self, enum end how)
{
	unsigned int before = joined(self->observer);
	pid_t pid;

	*self->go = 0;
	pid = spawn();
	if (!pid) {
		struct shmbuf *own;

		CHECK(!shmbuf_open(&own, self->name, 0));
		CHECK(joined(own) == before);
		CHECK(!shmbuf_join(own));
		UNTIL(__atomic_load_n(self->go, __ATOMIC_SEQ_CST));
		if (how == END_KILL)
			raise(SIGKILL);
		if (how == END_EXEC)
			execlp("sleep", "sleep", "1000", NULL);
		if (how == END_EXIT)
			_exit(3);
		shmbuf_close(own);
		hold_still();
	}
	UNTIL(joined(self->observer) == before + 1);
	return pid;
}

static void end_member(FIXTURE_DATA(join) *self)
{
	__atomic_store_n(self->go, 1, __ATOMIC_SEQ_CST);
}

/* A child that isn't joined, asleep until a wait that goes by deaths ends with @ret. */
static pid_t spawn_waiter(FIXTURE_DATA(join) *self, uint64_t deaths, int ret)
{
	pid_t pid = spawn();

	if (!pid) {
		CHECK(shmbuf_wait_peers(self->observer, QUEUE, 0, NULL, deaths) == ret);
		_exit(0);
	}
	UNTIL(shmbuf_waiters(self->observer, QUEUE, NULL, 0) == 1);
	return pid;
}

static pid_t spawn_sem_waiter(FIXTURE_DATA(join) *self, uint64_t deaths, int ret)
{
	pid_t pid = spawn();

	if (!pid) {
		CHECK(shmbuf_sem_wait_peers(self->b, 1, 0, NULL, deaths) == ret);
		_exit(0);
	}
	UNTIL(shmbuf_waiters(self->observer, 1, NULL, 0) == 1);
	return pid;
}

/* A third stays, so that nobody is alone. */
TEST_F(join, deaths)
{
	static const unsigned int hows[] = {
		[END_KILL] = SHMBUF_DEATH_SIGNAL,
		[END_EXIT] = SHMBUF_DEATH_EXIT,
		[END_EXEC] = SHMBUF_DEATH_EXEC,
	};
	struct shmbuf_death d[2];
	enum end how;

	ASSERT_EQ(0, shmbuf_join(self->b));
	for (how = END_KILL; how <= END_EXEC; how++) {
		pid_t member = spawn_member(self, how);
		pid_t waiter = spawn_waiter(self, how, -EOWNERDEAD);
		pid_t taker = spawn_sem_waiter(self, how, -EOWNERDEAD);

		EXPECT_EQ(2, joined(self->observer));
		end_member(self);
		EXPECT_EQ(0, reap(waiter));
		EXPECT_EQ(0, reap(taker));
		ASSERT_EQ(1, shmbuf_deaths(self->observer, d, 2, how));
		EXPECT_EQ(member, d[0].pid);
		EXPECT_EQ(hows[how], d[0].how);
		EXPECT_EQ(how == END_KILL ? SIGKILL : how == END_EXIT ? 3 : 0, d[0].code);
		EXPECT_EQ(SHMBUF_DEATH_OF_PROCESS, d[0].flags & SHMBUF_DEATH_OF_PROCESS);
		EXPECT_EQ(1, joined(self->observer));
		kill(member, SIGKILL);
		reap(member);
	}
}

/* The others still count on it; they don't once it has left, and that is no death. */
TEST_F(join, leaves)
{
	struct timespec past = {};
	struct shmbuf_death d;
	pid_t member, waiter;

	EXPECT_EQ(-EPIPE, shmbuf_wait_peers(self->b, QUEUE, 0, &past, UINT64_MAX));
	member = spawn_member(self, END_CLOSE);
	EXPECT_EQ(-ETIMEDOUT, shmbuf_wait_peers(self->b, QUEUE, 0, &past, UINT64_MAX));
	waiter = spawn_waiter(self, UINT64_MAX, -EPIPE);
	end_member(self);
	EXPECT_EQ(0, reap(waiter));
	EXPECT_EQ(0, joined(self->b));
	EXPECT_EQ(0, shmbuf_deaths(self->b, &d, 1, UINT64_MAX));
	kill(member, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, reap(member));
	EXPECT_EQ(0, shmbuf_deaths(self->b, &d, 1, UINT64_MAX));
}

static void *joins(void *b)
{
	CHECK(!shmbuf_join(b));
	return NULL;
}

/* Whichever thread asked, and however often: one process with one id for each handle. */
TEST_F(join, twice)
{
	struct shmbuf *other;

	EXPECT_EQ(0, joined(self->b));
	run_thread(joins, self->b);
	EXPECT_EQ(1, joined(self->b));
	ASSERT_EQ(0, shmbuf_join(self->b));
	EXPECT_EQ(1, joined(self->b));
	EXPECT_EQ(1, owners(self->b));
	ASSERT_EQ(0, shmbuf_open(&other, self->name, 0));
	ASSERT_EQ(0, shmbuf_join(other));
	EXPECT_EQ(1, joined(self->b));
	EXPECT_EQ(2, owners(self->b));
	shmbuf_close(self->b);
	self->b = NULL;
	EXPECT_EQ(1, joined(other));
	shmbuf_close(other);
	EXPECT_EQ(0, joined(self->observer));
}

TEST_F(join, read_only)
{
	EXPECT_EQ(-EBADF, shmbuf_join(self->observer));
	EXPECT_EQ(0, joined(self->b));
}

/* A child of fork goes on with the handle, and isn't joined by what its parent did. */
TEST_F(join, forked_child)
{
	struct shmbuf_death d;
	pid_t pid;

	ASSERT_EQ(0, shmbuf_join(self->b));
	pid = spawn();
	if (!pid) {
		CHECK(joined(self->b) == 1);
		CHECK(!shmbuf_join(self->b));
		CHECK(joined(self->b) == 2);
		CHECK(owners(self->b) == 2);
		raise(SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	ASSERT_EQ(1, shmbuf_deaths(self->b, &d, 1, UINT64_MAX));
	EXPECT_EQ(pid, d.pid);
	EXPECT_EQ(1, joined(self->b));
	/* One that doesn't join dies for nobody. */
	pid = spawn();
	if (!pid)
		raise(SIGKILL);
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_EQ(1, shmbuf_sequence(self->b, SHMBUF_INDEX_DEATHS));
}

TEST_HARNESS_MAIN
