// SPDX-License-Identifier: GPL-2.0-only
/* The log of deaths, and the queue that moves with it. */
#include "shmbuf_test.h"

#define DEATHS	SHMBUF_INDEX_DEATHS
#define ALL	(~0ULL)

/* The sequence of deaths. */
static __u64 nr_deaths(int fd)
{
	__u64 sequence = ALL;

	if (do_wait(fd, DEATHS, &sequence, 0))
		fatal("WAIT on deaths failed");
	return sequence;
}

FIXTURE(deaths)
{
	char name[64];
	int fd;
	int observer;
	__u64 start;
	struct shmbuf_death d[2 * SHMBUF_DEATHS_MAX];
};

FIXTURE_SETUP(deaths)
{
	self->fd = new_buffer(new_name(self->name), 4, 1, 0);
	self->observer = open_buffer(self->name, O_RDONLY);
	self->start = now();
	ASSERT_EQ(0, nr_deaths(self->fd));
	ASSERT_EQ(0, do_deaths(self->fd, self->d, 1, ALL));
}

FIXTURE_TEARDOWN(deaths)
{
	close(self->fd);
	close(self->observer);
}

/* A child of this name with an id, which then does what is to be done. */
struct victim {
	pid_t pid;
	__u64 *owner;
};

static struct victim new_victim(int fd, const char *name, __u32 flags, void (*end)(int fd))
{
	struct victim v = { .owner = shared_memory(sizeof(__u64)) };

	v.pid = spawn();
	if (!v.pid) {
		__u64 owner;

		prctl(PR_SET_NAME, name);
		CHECK(!do_register(fd, flags, &owner));
		__atomic_store_n(v.owner, owner, __ATOMIC_RELEASE);
		end(fd);
		fatal("didn't end");
	}
	return v;
}

static void exit_7(int fd)
{
	(void)fd;
	_exit(7);
}

static void exit_raw(int fd)
{
	(void)fd;
	syscall(SYS_exit, 9);
}

static void be_killed(int fd)
{
	(void)fd;
	for (;;)
		pause();
}

static void segfault(int fd)
{
	int *nowhere = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)fd;
	signal(SIGSEGV, SIG_DFL);
	__atomic_store_n(nowhere, 1, __ATOMIC_RELAXED);
}

static void exec(int fd)
{
	(void)fd;
	exec_idle();
}

/* One death was logged, of @v, and it is this one. */
#define EXPECT_DEATH(v, comm_, how_, code_) do {				\
	const struct victim *dead = &(v);					\
	struct shmbuf_death *d = self->d;					\
	__u64 end;								\
										\
	UNTIL(do_deaths(self->observer, d, 2, ALL) == 1);			\
	end = now();								\
	EXPECT_EQ(1, nr_deaths(self->observer));				\
	EXPECT_EQ(1, d->sequence);						\
	EXPECT_EQ(*dead->owner, d->owner);					\
	EXPECT_EQ(dead->pid, d->pid);						\
	EXPECT_EQ(dead->pid, d->tid);						\
	EXPECT_EQ(how_, d->how);						\
	EXPECT_EQ(code_, d->code);						\
	EXPECT_EQ(SHMBUF_DEATH_OF_PROCESS, d->flags);				\
	EXPECT_EQ(0, d->reserved0);						\
	EXPECT_STREQ(comm_, d->comm);						\
	EXPECT_LE(self->start, d->time);					\
	EXPECT_GE(end, d->time);						\
} while (0)

TEST_F(deaths, exit)
{
	struct victim v = new_victim(self->fd, "exits", 0, exit_7);

	EXPECT_EQ(7, reap(v.pid));
	EXPECT_DEATH(v, "exits", SHMBUF_DEATH_EXIT, 7);
}

TEST_F(deaths, exit_of_the_only_thread)
{
	struct victim v = new_victim(self->fd, "leaves", 0, exit_raw);

	EXPECT_EQ(9, reap(v.pid));
	EXPECT_DEATH(v, "leaves", SHMBUF_DEATH_EXIT, 9);
}

TEST_F(deaths, sigkill)
{
	struct victim v = new_victim(self->fd, "is killed", 0, be_killed);

	UNTIL(*v.owner);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(v.pid));
	EXPECT_DEATH(v, "is killed", SHMBUF_DEATH_SIGNAL, SIGKILL);
}

TEST_F(deaths, sigsegv)
{
	struct victim v = new_victim(self->fd, "crashes", 0, segfault);

	EXPECT_EQ(128 + SIGSEGV, reap(v.pid));
	EXPECT_DEATH(v, "crashes", SHMBUF_DEATH_SIGNAL, SIGSEGV);
}

TEST_F(deaths, exec)
{
	struct victim v = new_victim(self->fd, "execs", 0, exec);

	EXPECT_DEATH(v, "execs", SHMBUF_DEATH_EXEC, 0);
	kill_and_reap(v.pid);
}

TEST_F(deaths, process_bound)
{
	struct victim v = new_victim(self->fd, "process", SHMBUF_REGISTER_PROCESS, exit_7);

	reap(v.pid);
	ASSERT_EQ(1, do_deaths(self->fd, self->d, 2, ALL));
	EXPECT_EQ(v.pid, self->d[0].pid);
	EXPECT_EQ(0, self->d[0].tid);
	EXPECT_EQ(SHMBUF_DEATH_EXIT, self->d[0].how);
}

TEST_F(deaths, release_with_a_lock)
{
	int other = open_buffer(self->name, O_RDWR);
	__u64 owner = new_owner(other);
	struct victim v = { .pid = getpid(), .owner = &owner };
	char comm[16];

	prctl(PR_GET_NAME, comm);
	ASSERT_EQ(0, do_lock(other, owner, 0, 0, NEVER));
	close(other);
	EXPECT_DEATH(v, comm, SHMBUF_DEATH_HANDLE, 0);
}

struct thread_args {
	int fd;
	pid_t tid;
	__u64 owner;
	bool go;
};

static void *leave_without_a_word(void *arg)
{
	struct thread_args *a = arg;

	a->tid = gettid();
	a->owner = new_owner(a->fd);
	__atomic_store_n(&a->go, true, __ATOMIC_RELEASE);
	syscall(SYS_exit, 3);
	return NULL;
}

static void leave_a_thread(struct thread_args *a)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, leave_without_a_word, a));
	UNTIL(__atomic_load_n(&a->go, __ATOMIC_ACQUIRE) && ended(a->tid));
}

TEST_F(deaths, thread)
{
	struct thread_args a = { .fd = self->fd };

	leave_a_thread(&a);
	ASSERT_EQ(1, do_deaths(self->observer, self->d, 2, ALL));
	EXPECT_EQ(a.owner, self->d[0].owner);
	EXPECT_EQ(getpid(), self->d[0].pid);
	EXPECT_EQ(a.tid, self->d[0].tid);
	EXPECT_EQ(SHMBUF_DEATH_THREAD, self->d[0].how);
	/* Nobody else of this process has an id. */
	EXPECT_EQ(SHMBUF_DEATH_OF_PROCESS, self->d[0].flags);
}

TEST_F(deaths, last_of_its_process)
{
	struct thread_args a = { .fd = self->fd };
	int other = open_buffer(self->name, O_RDWR);

	ASSERT_EQ(0, do_lock(other, new_owner(other), 0, 0, NEVER));
	leave_a_thread(&a);
	ASSERT_EQ(1, do_deaths(self->fd, self->d, 4, ALL));
	EXPECT_EQ(SHMBUF_DEATH_THREAD, self->d[0].how);
	EXPECT_EQ(0, self->d[0].flags);
	close(other);
	ASSERT_EQ(2, do_deaths(self->fd, self->d, 4, ALL));
	EXPECT_EQ(SHMBUF_DEATH_HANDLE, self->d[1].how);
	EXPECT_EQ(SHMBUF_DEATH_OF_PROCESS, self->d[1].flags);
}

/* A thread that vanished is seen while somebody waits, though nobody asks. */
TEST_F(deaths, thread_wakes)
{
	struct thread_args a = { .fd = self->fd };
	pid_t pid = spawn();

	if (!pid) {
		__u64 sequence = 0;

		CHECK(!do_wait(self->observer, DEATHS, &sequence, now() + PATIENCE));
		_exit(sequence != 1);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	leave_a_thread(&a);
	EXPECT_EQ(0, reap(pid));
}

TEST_F(deaths, unregister_is_none)
{
	__u64 owner = new_owner(self->fd);

	ASSERT_EQ(0, do_lock(self->fd, owner, 0, 0, NEVER));
	ASSERT_EQ(0, do_unlock(self->fd, owner, 0));
	ASSERT_EQ(0, do_unregister(self->fd, owner));
	/* The one after is logged, and so this one would be. */
	owner = new_owner(self->fd);
	ASSERT_EQ(0, do_lock(self->fd, owner, 0, 0, NEVER));
	ASSERT_EQ(0, do_unregister(self->fd, owner));
	UNTIL(do_deaths(self->fd, self->d, 2, ALL) > 0);
	EXPECT_EQ(1, do_deaths(self->fd, self->d, 2, ALL));
	EXPECT_EQ(1, nr_deaths(self->fd));
	EXPECT_EQ(owner, self->d[0].owner);
}

TEST_F(deaths, unregister_with_a_lock)
{
	struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
	__u64 owner = new_owner(self->fd), next = new_owner(self->fd);
	struct victim v = { .pid = getpid(), .owner = &owner };
	char comm[16];
	__u64 sequence = 0;

	prctl(PR_GET_NAME, comm);
	ASSERT_TRUE(fast_lock(&c, owner, 0));
	ASSERT_EQ(0, do_unregister(self->fd, owner));
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, next, 0));
	EXPECT_EQ(0, do_wait(self->fd, DEATHS, &sequence, now() + PATIENCE));
	EXPECT_EQ(1, sequence);
	ASSERT_EQ(1, do_deaths(self->observer, self->d, 2, ALL));
	EXPECT_EQ(0, self->d[0].flags);
	self->d[0].flags = SHMBUF_DEATH_OF_PROCESS;
	EXPECT_EQ(SHMBUF_DEATH_UNREGISTER, self->d[0].how);
	EXPECT_EQ(v.pid, self->d[0].pid);
	EXPECT_STREQ(comm, self->d[0].comm);
	EXPECT_EQ(0, do_consistent(self->fd, next, 0));
	EXPECT_EQ(0, do_unlock(self->fd, next, 0));
	EXPECT_EQ(1, nr_deaths(self->fd));
}

/* Each dies with the lock. */
static void die_by_handle(const char *name, int count)
{
	while (count--) {
		int fd = open_buffer(name, O_RDWR);
		int ret = do_lock(fd, new_owner(fd), 0, 0, NEVER);

		CHECK(!ret || ret == -EOWNERDEAD);
		close(fd);
	}
}

TEST_F(deaths, room_and_after)
{
	int i;

	die_by_handle(self->name, 5);
	EXPECT_EQ(0, do_deaths(self->fd, NULL, 0, ALL));
	ASSERT_EQ(5, do_deaths(self->fd, self->d, 6, ALL));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(i + 1, self->d[i].sequence);
		if (i) {
			EXPECT_LE(self->d[i - 1].time, self->d[i].time);
			EXPECT_NE(self->d[i - 1].owner, self->d[i].owner);
		}
	}
	memset(self->d, 0x55, sizeof(self->d));
	ASSERT_EQ(2, do_deaths(self->fd, self->d, 2, ALL));
	EXPECT_EQ(2, self->d[1].sequence);
	EXPECT_EQ(0x5555555555555555, self->d[2].sequence);
	ASSERT_EQ(5, do_deaths(self->fd, self->d, 64, 0));
	ASSERT_EQ(2, do_deaths(self->fd, self->d, 64, 3));
	EXPECT_EQ(4, self->d[0].sequence);
	EXPECT_EQ(0, do_deaths(self->fd, self->d, 64, 5));
	EXPECT_EQ(0, do_deaths(self->fd, self->d, 64, 1ULL << 60));
	EXPECT_EQ(0, do_deaths(self->fd, self->d, 64, ALL - 1));
}

TEST_F(deaths, overflow)
{
	int i;

	die_by_handle(self->name, SHMBUF_DEATHS_MAX + 8);
	EXPECT_EQ(SHMBUF_DEATHS_MAX + 8, nr_deaths(self->fd));
	ASSERT_EQ(SHMBUF_DEATHS_MAX, do_deaths(self->fd, self->d, 64, ALL));
	for (i = 0; i < SHMBUF_DEATHS_MAX; i++)
		EXPECT_EQ(9 + i, self->d[i].sequence);
	ASSERT_EQ(SHMBUF_DEATHS_MAX, do_deaths(self->fd, self->d, 64, 0));
	EXPECT_EQ(9, self->d[0].sequence);
	ASSERT_EQ(1, do_deaths(self->fd, self->d, 64, SHMBUF_DEATHS_MAX + 7));
}

/* More than one batch, and the one whose death it is has a fatal signal. */
#define MANY	40

TEST_F(deaths, wakes_all)
{
	struct victim v = new_victim(self->fd, "victim", 0, be_killed);
	pid_t pids[MANY];
	int i;

	UNTIL(*v.owner);
	for (i = 0; i < MANY; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			__u64 sequence = 0;
			int fd = i % 2 ? self->fd : self->observer;

			CHECK(!do_wait(fd, DEATHS, &sequence, NEVER));
			_exit(sequence != 1);
		}
	}
	for (i = 0; i < MANY; i++)
		UNTIL(asleep_in(pids[i], SHMBUF_IOC_WAIT));
	kill_and_reap(v.pid);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(0, reap(pids[i]));
}

TEST_F(deaths, waits_end_otherwise)
{
	__u64 sequence = 0, end = now() + 20 * NSEC_PER_MSEC;
	pid_t pid;

	EXPECT_EQ(-ETIMEDOUT, do_wait(self->observer, DEATHS, &sequence, end));
	EXPECT_LE(end, now());
	pid = spawn();
	if (!pid)
		_exit(do_wait(self->observer, DEATHS, &sequence, NEVER));
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	/* Whoever waited had no id: nobody of the buffer died. */
	EXPECT_EQ(0, nr_deaths(self->fd));
}

TEST_F(deaths, only_the_kernel_moves_it)
{
	__u64 owner = new_owner(self->fd);

	EXPECT_EQ(-EINVAL, do_wake(self->fd, DEATHS, 1));
	EXPECT_EQ(-EINVAL, do_wake(self->fd, DEATHS, SHMBUF_WAKE_ALL));
	EXPECT_EQ(-EINVAL, do_lock(self->fd, owner, DEATHS, 0, NEVER));
	EXPECT_EQ(-EINVAL, do_trylock(self->fd, owner, DEATHS));
	EXPECT_EQ(-EINVAL, do_unlock(self->fd, owner, DEATHS));
	EXPECT_EQ(-EINVAL, do_consistent(self->fd, owner, DEATHS));
	EXPECT_EQ(-EINVAL, do_init(self->fd, DEATHS, 1, SHMBUF_KIND_QUEUE, 0));
	EXPECT_EQ(-EINVAL, do_reset(self->fd, DEATHS, 1));
	EXPECT_EQ(0, nr_deaths(self->fd));
}

TEST_F(deaths, bad_pointers)
{
	die_by_handle(self->name, 2);
	EXPECT_EQ(-EFAULT, do_deaths(self->fd, NULL, 1, ALL));
	EXPECT_EQ(-EFAULT, do_deaths(self->fd, (void *)-4096L, 2, ALL));
	EXPECT_EQ(2, do_deaths(self->fd, self->d, ~0U, ALL));
}

/* PID namespaces: what the reader's doesn't know has number 0. */
TEST_F(deaths, pid_namespace)
{
	__u32 *inner_pid = shared_memory(sizeof(*inner_pid));
	pid_t pid = spawn();

	if (!pid) {
		struct victim v;
		pid_t inside;

		if (unshare(CLONE_NEWPID))
			_exit(KSFT_SKIP);
		die_by_handle(self->name, 1);
		inside = spawn();
		if (!inside) {
			struct shmbuf_death d[3];

			/* The first one here, which may have children. */
			v = new_victim(self->fd, "inside", 0, exit_7);
			CHECK(reap(v.pid) == 7);
			CHECK(do_deaths(self->fd, d, 3, ALL) == 2);
			CHECK(!d[0].pid && !d[0].tid);
			CHECK(d[1].pid == v.pid && d[1].tid == v.pid && v.pid == 2);
			new_owner(self->fd);
			_exit(0);
		}
		*inner_pid = inside;
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
	ASSERT_EQ(3, do_deaths(self->fd, self->d, 3, ALL));
	EXPECT_EQ(pid, self->d[0].pid);
	EXPECT_EQ(SHMBUF_DEATH_HANDLE, self->d[0].how);
	EXPECT_LT(2, self->d[1].pid);
	EXPECT_EQ(*inner_pid, self->d[2].pid);
	EXPECT_EQ(SHMBUF_DEATH_EXIT, self->d[2].how);
}

/* A log whose writers are all gone, and whose pids have others. */
TEST_F(deaths, outlast_their_processes)
{
	int i;

	for (i = 0; i < 100; i++) {
		struct victim v = new_victim(self->fd, "short", 0, exit_7);

		reap(v.pid);
		EXPECT_EQ(1, do_deaths(self->fd, self->d, 2, i));
		EXPECT_EQ(v.pid, self->d[0].pid);
		munmap(v.owner, sizeof(__u64));
	}
}

TEST_HARNESS_MAIN
