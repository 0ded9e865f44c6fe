// SPDX-License-Identifier: GPL-2.0-only
/* Handles that are closed: who leaves by that, and who dies. */
#include "shmbuf_test.h"

#define LOCK	0
#define FREE	1

FIXTURE(release)
{
	char name[64];
	int fd;
	struct shmbuf_death d[3];
};

FIXTURE_SETUP(release)
{
	self->fd = new_buffer(new_name(self->name), 1, 0, 1);
}

FIXTURE_TEARDOWN(release)
{
	close(self->fd);
}

/* Who has nothing leaves: threads of the process, and the process itself. */
TEST_F(release, with_nothing)
{
	int other = open_buffer(self->name, O_RDWR);
	__u64 owner, process, sequence = 0;

	ASSERT_EQ(0, do_init(self->fd, FREE, 1, SHMBUF_KIND_SEMAPHORE, 1));
	new_owner(other);
	owner = new_owner(other);
	ASSERT_EQ(0, do_lock(other, owner, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_unlock(other, owner, LOCK));
	ASSERT_EQ(0, do_register(other, SHMBUF_REGISTER_PROCESS, &process));
	/* What comes back is nobody's any more, and nothing is half done by that. */
	ASSERT_EQ(0, do_sem_try(other, process, FREE));
	close(other);
	EXPECT_EQ(0, do_deaths(self->fd, self->d, 2, ~0ULL));
	EXPECT_EQ(-ETIMEDOUT, do_wait(self->fd, SHMBUF_INDEX_DEATHS, &sequence, 0));
	EXPECT_EQ(-EPERM, do_trylock(self->fd, owner, LOCK));
	EXPECT_EQ(0, do_sem_try(self->fd, 0, FREE));
	/* The ids after are told of, and so these would be. */
	owner = new_owner(self->fd);
	ASSERT_EQ(0, do_lock(self->fd, owner, LOCK, 0, NEVER));
	other = open_buffer(self->name, O_RDWR);
	close(self->fd);
	self->fd = other;
	ASSERT_EQ(1, do_deaths(self->fd, self->d, 2, ~0ULL));
	EXPECT_EQ(owner, self->d[0].owner);
}

/* A part of an object that its word doesn't tell. */
TEST_F(release, with_a_part)
{
	int other = open_buffer(self->name, O_RDWR);
	__u64 owner = new_owner(other);

	ASSERT_EQ(0, do_read(other, owner, LOCK, 0, NEVER));
	close(other);
	ASSERT_EQ(1, do_deaths(self->fd, self->d, 3, ~0ULL));
	EXPECT_EQ(owner, self->d[0].owner);
	EXPECT_EQ(SHMBUF_DEATH_HANDLE, self->d[0].how);

	ASSERT_EQ(0, do_init(self->fd, FREE, 1, SHMBUF_KIND_BARRIER, 2));
	other = open_buffer(self->name, O_RDWR);
	owner = new_owner(other);
	EXPECT_EQ(-ETIMEDOUT, do_barrier_wait(other, owner, FREE, 0));
	close(other);
	ASSERT_EQ(2, do_deaths(self->fd, self->d, 3, ~0ULL));
	EXPECT_EQ(owner, self->d[1].owner);
	EXPECT_EQ(SHMBUF_DEATH_HANDLE, self->d[1].how);
}

/* The last file is another process's, which dies: who registered by it lives and leaves. */
TEST_F(release, by_another)
{
	int i, other, step[2];
	char byte;

	for (i = 0; i < 2; i++) {
		__u64 owner;
		pid_t pid;

		other = open_buffer(self->name, O_RDWR);
		owner = new_owner(other);
		if (i)
			ASSERT_EQ(0, do_lock(other, owner, LOCK, 0, NEVER));
		ASSERT_EQ(0, pipe(step));
		pid = spawn();
		if (!pid) {
			CHECK(read(step[0], &byte, 1) == 1);
			raise(SIGKILL);
		}
		close(other);
		if (i)
			EXPECT_EQ(-EBUSY, do_trylock(self->fd, new_owner(self->fd), LOCK));
		ASSERT_EQ(1, write(step[1], "", 1));
		EXPECT_EQ(128 + SIGKILL, reap(pid));
		EXPECT_EQ(i, do_deaths(self->fd, self->d, 2, ~0ULL));
	}
	EXPECT_EQ(SHMBUF_DEATH_HANDLE, self->d[0].how);
	EXPECT_EQ(getpid(), self->d[0].pid);
}

struct straggler {
	int fd;
	__u64 *owner;
};

static void *straggle(void *arg)
{
	struct straggler *s = arg;
	__u64 owner = new_owner(s->fd);

	CHECK(!unshare(CLONE_FILES));
	close(s->fd);
	__atomic_store_n(s->owner, owner, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

/*
 * A process ends, and its files are closed while a thread that has an id by them hasn't
 * got to its own end: that has nothing, but doesn't just leave.
 */
TEST_F(release, by_the_end_of_the_process)
{
	struct sched_param fifo = { .sched_priority = 50 };
	__u64 *owner = shared_memory(sizeof(*owner));
	pid_t pid = spawn();
	cpu_set_t set;

	if (!pid) {
		struct straggler s = { open_buffer(self->name, O_RDWR), owner };
		pthread_t thread;

		CPU_ZERO(&set);
		CPU_SET(0, &set);
		CHECK(!sched_setaffinity(0, sizeof(set), &set));
		CHECK(!pthread_create(&thread, NULL, straggle, &s));
		UNTIL(__atomic_load_n(owner, __ATOMIC_ACQUIRE));
		/* The other one doesn't run before this one is gone. */
		CHECK(!sched_setscheduler(0, SCHED_FIFO, &fifo));
		_exit(7);
	}
	EXPECT_EQ(7, reap(pid));
	ASSERT_EQ(1, do_deaths(self->fd, self->d, 2, ~0ULL));
	EXPECT_EQ(*owner, self->d[0].owner);
	EXPECT_EQ(SHMBUF_DEATH_EXIT, self->d[0].how);
	EXPECT_EQ(7, self->d[0].code);
}

TEST_HARNESS_MAIN
