/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library's promises, by its public header: run against the module
 * (lib_module.c) and against the device fake (lib_fake.c).
 */
#ifndef LIB_API_H
#define LIB_API_H

#include "lib_test.h"

#define LOCKS	4
#define QUEUE	LOCKS
#define PAGES	8

static void *new_thread_locks(void *argument)
{
	struct shmbuf *b = argument;

	CHECK(shmbuf_trylock(b, 0) == -EBUSY);
	CHECK(shmbuf_unlock(b, 0) == -EPERM);
	CHECK(!shmbuf_lock(b, 1));
	CHECK(!shmbuf_unlock(b, 1));
	return NULL;
}

/* Ends with lock 1 in its hands. */
static void *thread_dies_locked(void *argument)
{
	CHECK(!shmbuf_lock(argument, 1));
	return NULL;
}

FIXTURE(api)
{
	struct shmbuf *b;
	size_t page;
};

FIXTURE_SETUP(api)
{
	struct shmbuf_options o = { .nr_locks = LOCKS, .nr_queues = 2, .nr_objects = 8 };

	self->page = sysconf(_SC_PAGESIZE);
	o.max_size = PAGES * self->page;
	ASSERT_EQ(0, shmbuf_create(&self->b, NULL, 1, &o));
}

FIXTURE_TEARDOWN(api)
{
	shmbuf_close(self->b);
}

TEST_F(api, what_was_made)
{
	struct shmbuf_info info;

	ASSERT_EQ(0, shmbuf_query(self->b, &info));
	EXPECT_EQ(SHMBUF_ABI_VERSION, info.abi_version);
	EXPECT_EQ(SHMBUF_HANDLE_ATTACHED, info.handle_flags);
	EXPECT_EQ(self->page, info.data_size);
	EXPECT_EQ(PAGES * self->page, info.max_size);
	EXPECT_EQ(8, info.nr_objects);
	EXPECT_EQ(0600, info.mode);
	EXPECT_EQ(0, strcmp(info.name, ""));
	EXPECT_EQ(self->page, shmbuf_size(self->b));
	EXPECT_EQ(0, *(char *)shmbuf_data(self->b));
	ASSERT_EQ(0, shmbuf_query(NULL, &info));
	EXPECT_EQ(SHMBUF_ABI_VERSION, info.abi_version);
	EXPECT_EQ(0, info.handle_flags);
	EXPECT_EQ(0, info.data_size);
}

TEST_F(api, wrong_arguments)
{
	struct shmbuf_options o = { .nr_locks = 1 };
	struct timespec bad = { .tv_nsec = 1000000000 };
	struct shmbuf *b = NULL;
	int fds[2];

	EXPECT_EQ(-EINVAL, shmbuf_create(NULL, NULL, 1, NULL));
	EXPECT_EQ(-EINVAL, shmbuf_create(&b, NULL, 0, NULL));
	EXPECT_EQ(-EINVAL, shmbuf_create(&b, "", 1, NULL));
	EXPECT_EQ(-EINVAL, shmbuf_create(&b, "a/b", 1, NULL));
	o.flags = 1 << 20;
	EXPECT_EQ(-EOPNOTSUPP, shmbuf_create(&b, NULL, 1, &o));
	o.flags = 0;
	o.reserved[3] = 1;
	EXPECT_EQ(-EINVAL, shmbuf_create(&b, NULL, 1, &o));
	o.reserved[3] = 0;
	o.nr_queues = UINT32_MAX;
	EXPECT_EQ(-EOVERFLOW, shmbuf_create(&b, NULL, 1, &o));
	EXPECT_EQ(-EINVAL, shmbuf_open(&b, NULL, 0));
	EXPECT_EQ(-EINVAL, shmbuf_open(&b, "", 0));
	EXPECT_EQ(-EOPNOTSUPP, shmbuf_open(&b, "x", 2));
	EXPECT_EQ(-ENOENT, shmbuf_open(&b, "lib-selftest-nobody", 0));
	EXPECT_EQ(-EINVAL, shmbuf_unlink(NULL));
	EXPECT_EQ(-ENOENT, shmbuf_unlink("lib-selftest-nobody"));
	EXPECT_EQ(-EBADF, shmbuf_from_fd(&b, -1));
	ASSERT_EQ(0, pipe(fds));
	EXPECT_EQ(-ENOTTY, shmbuf_from_fd(&b, fds[0]));
	EXPECT_EQ(NULL, b);
	EXPECT_EQ(-EINVAL, shmbuf_lock(self->b, 8));
	EXPECT_EQ(-EINVAL, shmbuf_lock(self->b, UINT32_MAX));
	EXPECT_EQ(-EINVAL, shmbuf_lock(self->b, 7));
	EXPECT_EQ(-EINVAL, shmbuf_trylock(self->b, 8));
	EXPECT_EQ(-EINVAL, shmbuf_unlock(self->b, 8));
	EXPECT_EQ(-EINVAL, shmbuf_consistent(self->b, 8));
	EXPECT_EQ(-EOPNOTSUPP, shmbuf_lock_flags(self->b, 0, SHMBUF_LOCK_TRY, NULL));
	EXPECT_EQ(-EINVAL, shmbuf_lock_flags(self->b, 0, SHMBUF_SPIN | SHMBUF_NOSPIN, NULL));
	EXPECT_EQ(UINT64_MAX, shmbuf_sequence(self->b, 8));
	EXPECT_EQ(-EINVAL, shmbuf_wait(self->b, 8, 0, NULL));
	EXPECT_EQ(-EINVAL, shmbuf_wait(self->b, QUEUE, 0, &bad));
	EXPECT_EQ(-EINVAL, shmbuf_wake(self->b, 8, 1));
	EXPECT_EQ(-EINVAL, shmbuf_wake(self->b, QUEUE, 0));
	EXPECT_EQ(-EINVAL, shmbuf_grow(self->b, (PAGES + 1) * self->page));
	EXPECT_EQ(-EINVAL, shmbuf_grow(self->b, 0));
	shmbuf_close(NULL);
}

/* Neither kind is touched by the other's calls. */
TEST_F(api, the_wrong_kind)
{
	EXPECT_EQ(-EINVAL, shmbuf_lock(self->b, QUEUE));
	EXPECT_EQ(-EINVAL, shmbuf_trylock(self->b, QUEUE));
	EXPECT_EQ(-EINVAL, shmbuf_unlock(self->b, QUEUE));
	EXPECT_EQ(0, shmbuf_sequence(self->b, QUEUE));
	EXPECT_EQ(-EINVAL, shmbuf_wake(self->b, 0, 1));
	EXPECT_EQ(-EINVAL, shmbuf_wait(self->b, 0, 0, NULL));
	EXPECT_EQ(UINT64_MAX, shmbuf_sequence(self->b, 0));
	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(-EINVAL, shmbuf_wake(self->b, 0, 1));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

TEST_F(api, locks)
{
	struct timespec past = {}, before = { .tv_sec = -1 };
	int i;

	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, shmbuf_lock(self->b, i % LOCKS));
		ASSERT_EQ(0, shmbuf_unlock(self->b, i % LOCKS));
	}
	ASSERT_EQ(0, shmbuf_trylock(self->b, 0));
	EXPECT_EQ(-EDEADLK, shmbuf_lock(self->b, 0));
	EXPECT_EQ(-EBUSY, shmbuf_trylock(self->b, 0));
	run_thread(new_thread_locks, self->b);
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(-EPERM, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(-EPERM, shmbuf_consistent(self->b, 0));
	ASSERT_EQ(0, shmbuf_timedlock(self->b, 0, &past));
	EXPECT_EQ(-EINVAL, shmbuf_consistent(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	ASSERT_EQ(0, shmbuf_lock_flags(self->b, 0, SHMBUF_SPIN | SHMBUF_INTERRUPTIBLE, &before));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	ASSERT_EQ(0, shmbuf_lock_flags(self->b, 0, SHMBUF_NOSPIN | SHMBUF_NODETECT, NULL));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

TEST_F(api, deadlines)
{
	struct timespec past = {}, before = { .tv_sec = -1 }, bad = { .tv_nsec = -1 };
	pid_t pid;

	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	pid = spawn();
	if (!pid) {
		CHECK(shmbuf_timedlock(self->b, 0, &past) == -ETIMEDOUT);
		CHECK(shmbuf_timedlock(self->b, 0, &before) == -ETIMEDOUT);
		CHECK(shmbuf_timedlock(self->b, 0, &bad) == -EINVAL);
		CHECK(shmbuf_lock_flags(self->b, 0, SHMBUF_SPIN, &past) == -ETIMEDOUT);
		CHECK(shmbuf_lock_flags(self->b, 0, SHMBUF_NOSPIN, &past) == -ETIMEDOUT);
		CHECK(shmbuf_trylock(self->b, 0) == -EBUSY);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(-ETIMEDOUT, shmbuf_wait(self->b, QUEUE, 0, &past));
	EXPECT_EQ(-ETIMEDOUT, shmbuf_wait(self->b, QUEUE, 0, &before));
}

static int signals;

static void on_signal(int signal)
{
	(void)signal;
	__atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
}

/* Locks 0 with each @flags, while its parent holds it and sends signals. */
static void interrupted_child(struct shmbuf *b, unsigned int flags, int *ready)
{
	struct sigaction action = { .sa_handler = on_signal };
	int expected = flags & SHMBUF_INTERRUPTIBLE ? -EINTR : 0;

	sigaction(SIGUSR1, &action, NULL);
	__atomic_store_n(ready, 1, __ATOMIC_RELEASE);
	CHECK(shmbuf_lock_flags(b, 0, flags, NULL) == expected);
	CHECK(__atomic_load_n(&signals, __ATOMIC_RELAXED) > 0);
	_exit(0);
}

TEST_F(api, signals_end_only_interruptible_locks)
{
	int *ready = shared(sizeof(*ready)), i, status;
	pid_t pid;

	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	pid = spawn();
	if (!pid)
		interrupted_child(self->b, SHMBUF_INTERRUPTIBLE, ready);
	UNTIL(__atomic_load_n(ready, __ATOMIC_ACQUIRE));
	UNTIL(kill(pid, SIGUSR1) || waitpid(pid, &status, WNOHANG) == pid);
	EXPECT_EQ(0, status);

	*ready = 0;
	pid = spawn();
	if (!pid)
		interrupted_child(self->b, 0, ready);
	UNTIL(__atomic_load_n(ready, __ATOMIC_ACQUIRE));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, kill(pid, SIGUSR1));
		usleep(1000);
	}
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(api, waits_end_by_signals)
{
	struct sigaction action = { .sa_handler = on_signal };
	int *ready = shared(sizeof(*ready)), status;
	pid_t pid = spawn();

	if (!pid) {
		sigaction(SIGUSR1, &action, NULL);
		__atomic_store_n(ready, 1, __ATOMIC_RELEASE);
		CHECK(shmbuf_wait(self->b, QUEUE, 0, NULL) == -EINTR);
		_exit(0);
	}
	UNTIL(__atomic_load_n(ready, __ATOMIC_ACQUIRE));
	UNTIL(kill(pid, SIGUSR1) || waitpid(pid, &status, WNOHANG) == pid);
	EXPECT_EQ(0, status);
}

TEST_F(api, dead_holder)
{
	int *ready = shared(sizeof(*ready));
	pid_t pid = spawn();

	if (!pid) {
		CHECK(!shmbuf_lock(self->b, 0));
		CHECK(!shmbuf_lock(self->b, 2));
		__atomic_store_n(ready, 1, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(ready, __ATOMIC_ACQUIRE));
	EXPECT_EQ(-EBUSY, shmbuf_trylock(self->b, 0));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	ASSERT_EQ(-EOWNERDEAD, shmbuf_lock(self->b, 0));
	EXPECT_EQ(0, shmbuf_consistent(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));

	ASSERT_EQ(-EOWNERDEAD, shmbuf_trylock(self->b, 2));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 2));
	EXPECT_EQ(-ENOTRECOVERABLE, shmbuf_lock(self->b, 2));
	EXPECT_EQ(-ENOTRECOVERABLE, shmbuf_trylock(self->b, 2));
	EXPECT_EQ(0, shmbuf_reset(self->b, 2, 1));
	EXPECT_EQ(-EINVAL, shmbuf_lock(self->b, 2));
	EXPECT_EQ(0, shmbuf_init(self->b, 2, 1, SHMBUF_KIND_LOCK, 0));
	EXPECT_EQ(-EEXIST, shmbuf_init(self->b, 2, 1, SHMBUF_KIND_LOCK, 0));
	EXPECT_EQ(0, shmbuf_lock(self->b, 2));
	EXPECT_EQ(-EBUSY, shmbuf_reset(self->b, 2, 1));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 2));
}

TEST_F(api, dead_thread)
{
	run_thread(thread_dies_locked, self->b);
	ASSERT_EQ(-EOWNERDEAD, shmbuf_lock(self->b, 1));
	EXPECT_EQ(0, shmbuf_consistent(self->b, 1));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 1));
}

/* A close is a death for what the caller holds, even if the file stays open. */
TEST_F(api, close_lets_go)
{
	struct shmbuf *other;

	ASSERT_EQ(0, shmbuf_from_fd(&other, shmbuf_fd(self->b)));
	ASSERT_EQ(0, shmbuf_lock(other, 0));
	EXPECT_EQ(-EBUSY, shmbuf_trylock(self->b, 0));
	EXPECT_EQ(-EPERM, shmbuf_unlock(self->b, 0));
	shmbuf_close(other);
	ASSERT_EQ(-EOWNERDEAD, shmbuf_lock(self->b, 0));
	EXPECT_EQ(0, shmbuf_consistent(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

static void child_of_holder(struct shmbuf *b)
{
	CHECK(shmbuf_trylock(b, 0) == -EBUSY);
	CHECK(shmbuf_unlock(b, 0) == -EPERM);
	CHECK(!shmbuf_lock(b, 1));
	run_thread(new_thread_locks, b);
	_exit(0);
}

static void *new_thread_sees_two(void *argument)
{
	CHECK(shmbuf_trylock(argument, 1) == -EBUSY);
	return NULL;
}

TEST_F(api, fork_owns_nothing)
{
	char *data = shmbuf_data(self->b);
	pid_t pid;

	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	*data = 1;
	pid = spawn();
	if (!pid) {
		CHECK(*data == 1);
		CHECK(shmbuf_size(self->b) == self->page);
		CHECK(shmbuf_sequence(self->b, QUEUE) == 0);
		CHECK(shmbuf_unlock(self->b, 0) == -EPERM);
		CHECK(shmbuf_trylock(self->b, 0) == -EBUSY);
		CHECK(!shmbuf_lock(self->b, 1));
		run_thread(new_thread_sees_two, self->b);
		*data = 2;
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(2, *data);
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(-EOWNERDEAD, shmbuf_lock(self->b, 1));
}

/* In the child another thread than the one that forked comes first. */
static void *first_in_child(void *argument)
{
	CHECK(shmbuf_trylock(argument, 0) == -EBUSY);
	CHECK(!shmbuf_lock(argument, 1));
	CHECK(!shmbuf_unlock(argument, 1));
	return NULL;
}

/* Without fork() no pthread_atfork() handler runs. */
TEST_F(api, clone_owns_nothing)
{
	pid_t pid;

	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	ASSERT_LE(0, pid);
	if (!pid) {
		run_thread(first_in_child, self->b);
		CHECK(shmbuf_unlock(self->b, 0) == -EPERM);
		CHECK(shmbuf_trylock(self->b, 0) == -EBUSY);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

/* What a child maps where the control area isn't stays when it closes. */
TEST_F(api, child_closes)
{
	size_t page = self->page;
	char *home = (char *)shmbuf_data(self->b) + PAGES * page, *p;
	pid_t pid = spawn();

	if (!pid) {
		p = mmap(home, page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		CHECK(p == home);
		*p = 1;
		CHECK(!shmbuf_lock(self->b, 0));
		CHECK(!shmbuf_unlock(self->b, 0));
		shmbuf_close(self->b);
		CHECK(*p == 1);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	pid = spawn();
	if (!pid) {
		shmbuf_close(self->b);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
}

TEST_F(api, grow)
{
	char *data = shmbuf_data(self->b), *theirs;
	size_t page = self->page;
	struct shmbuf *other;
	pid_t pid;

	ASSERT_EQ(0, shmbuf_from_fd(&other, shmbuf_fd(self->b)));
	theirs = shmbuf_data(other);
	*data = 1;
	pid = spawn();
	if (!pid) {
		CHECK(!shmbuf_grow(self->b, 2 * page + 1));
		CHECK(shmbuf_size(self->b) == 3 * page);
		CHECK(data[3 * page - 1] == 0);
		data[3 * page - 1] = 3;
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(3 * page, shmbuf_size(self->b));
	EXPECT_EQ(data, shmbuf_data(self->b));
	EXPECT_EQ(3, data[3 * page - 1]);
	EXPECT_EQ(3 * page, shmbuf_size(other));
	EXPECT_EQ(3, theirs[3 * page - 1]);
	EXPECT_EQ(0, shmbuf_grow(other, PAGES * page));
	EXPECT_EQ(PAGES * page, shmbuf_size(self->b));
	EXPECT_EQ(1, *data);
	shmbuf_close(other);
	EXPECT_EQ(0, shmbuf_seal(self->b, SHMBUF_SEAL_GROW));
	EXPECT_EQ(-EPERM, shmbuf_grow(self->b, PAGES * page));
}

TEST(name)
{
	struct shmbuf_options o = { .flags = SHMBUF_EXCL, .nr_locks = 2 };
	struct shmbuf *a, *b, *r;
	struct shmbuf_info info;
	char name[64];

	snprintf(name, sizeof(name), "lib-selftest-%d", getpid());
	ASSERT_EQ(0, shmbuf_create(&a, name, 10, &o));
	EXPECT_EQ(-EEXIST, shmbuf_create(&b, name, 10, &o));
	o.flags = 0;
	ASSERT_EQ(1, shmbuf_create(&b, name, 10, &o));
	*(char *)shmbuf_data(a) = 7;
	EXPECT_EQ(7, *(char *)shmbuf_data(b));
	shmbuf_close(b);
	o.nr_locks = 3;
	EXPECT_EQ(-EINVAL, shmbuf_create(&b, name, 10, &o));
	ASSERT_EQ(0, shmbuf_open(&b, name, 0));
	ASSERT_EQ(0, shmbuf_query(b, &info));
	EXPECT_EQ(0, strcmp(name, info.name));
	ASSERT_EQ(0, shmbuf_lock(a, 0));
	EXPECT_EQ(-EBUSY, shmbuf_trylock(b, 0));
	EXPECT_EQ(0, shmbuf_lock(b, 1));
	EXPECT_EQ(0, shmbuf_unlock(a, 0));
	EXPECT_EQ(0, shmbuf_unlock(b, 1));
	ASSERT_EQ(0, shmbuf_open(&r, name, SHMBUF_RDONLY));
	EXPECT_EQ(0, shmbuf_unlink(name));
	EXPECT_EQ(-ENOENT, shmbuf_open(&b, name, 0));
	EXPECT_EQ(7, *(char *)shmbuf_data(r));
	shmbuf_close(r);
	shmbuf_close(b);
	shmbuf_close(a);
}

static void *writes(void *argument)
{
	__atomic_store_n((char *)argument, 1, __ATOMIC_RELAXED);
	return NULL;
}

TEST(read_only)
{
	struct shmbuf_options o = { .nr_locks = 1, .nr_queues = 1 };
	struct timespec past = {};
	struct shmbuf_info info;
	struct shmbuf *b, *r;
	char name[64];
	pid_t pid;

	snprintf(name, sizeof(name), "lib-selftest-%d", getpid());
	ASSERT_EQ(0, shmbuf_create(&b, name, 1, &o));
	ASSERT_EQ(0, shmbuf_open(&r, name, SHMBUF_RDONLY));
	ASSERT_EQ(0, shmbuf_unlink(name));
	ASSERT_EQ(0, shmbuf_query(r, &info));
	EXPECT_EQ(SHMBUF_HANDLE_ATTACHED | SHMBUF_HANDLE_READONLY, info.handle_flags);
	EXPECT_EQ(-EBADF, shmbuf_lock(r, 0));
	EXPECT_EQ(-EBADF, shmbuf_trylock(r, 0));
	EXPECT_EQ(-EBADF, shmbuf_timedlock(r, 0, &past));
	EXPECT_EQ(-EBADF, shmbuf_unlock(r, 0));
	EXPECT_EQ(-EBADF, shmbuf_consistent(r, 0));
	EXPECT_EQ(-EBADF, shmbuf_wake(r, 1, 1));
	EXPECT_EQ(-EBADF, shmbuf_grow(r, 1));
	EXPECT_EQ(-EBADF, shmbuf_seal(r, SHMBUF_SEAL_GROW));
	EXPECT_EQ(-EBADF, shmbuf_init(r, 0, 1, SHMBUF_KIND_LOCK, 0));
	EXPECT_EQ(-EBADF, shmbuf_reset(r, 0, 1));
	EXPECT_EQ(-ETIMEDOUT, shmbuf_wait(r, 1, 0, &past));
	EXPECT_EQ(0, shmbuf_wake(b, 1, 1));
	EXPECT_EQ(1, shmbuf_sequence(r, 1));
	EXPECT_EQ(0, shmbuf_wait(r, 1, 0, NULL));
	*(char *)shmbuf_data(b) = 5;
	EXPECT_EQ(5, *(char *)shmbuf_data(r));
	pid = spawn();
	if (!pid) {
		CHECK(shmbuf_lock(r, 0) == -EBADF);
		CHECK(shmbuf_wake(r, 1, 1) == -EBADF);
		CHECK(shmbuf_sequence(r, 1) == 1);
		signal(SIGSEGV, SIG_DFL);
		writes(shmbuf_data(r));
		_exit(0);
	}
	EXPECT_EQ(128 + SIGSEGV, reap(pid));
	EXPECT_EQ(5, *(char *)shmbuf_data(b));
	shmbuf_close(r);
	shmbuf_close(b);
}

/* More than fit a thread's first table, and more than fit one arena. */
#define HANDLES	600

static struct shmbuf *handles[HANDLES];

static void *use_all(void *argument)
{
	int i, round;

	for (round = 0; round < 2; round++)
		for (i = 0; i < HANDLES; i++) {
			CHECK(!shmbuf_lock(handles[i], 1));
			CHECK(!shmbuf_unlock(handles[i], 1));
		}
	return argument;
}

TEST(many_handles)
{
	struct shmbuf_options o = { .nr_locks = 2 };
	struct shmbuf *first;
	int i;

	ASSERT_EQ(0, shmbuf_create(&first, NULL, 1, &o));
	for (i = 0; i < HANDLES; i++)
		ASSERT_EQ(0, shmbuf_from_fd(&handles[i], shmbuf_fd(first)));
	use_all(NULL);
	/* Each is another owner, although the buffer is the same. */
	for (i = 0; i < HANDLES; i++) {
		ASSERT_EQ(0, shmbuf_lock(handles[i], 0));
		ASSERT_EQ(-EBUSY, shmbuf_trylock(handles[(i + 1) % HANDLES], 0));
		ASSERT_EQ(0, shmbuf_unlock(handles[i], 0));
	}
	for (i = 0; i < HANDLES; i++)
		shmbuf_close(handles[i]);
	/* What was cached for the old ones isn't good for new ones in their place. */
	for (i = 0; i < HANDLES; i++) {
		ASSERT_EQ(0, shmbuf_from_fd(&handles[i], shmbuf_fd(first)));
		ASSERT_EQ(0, shmbuf_lock(handles[i], 1));
		ASSERT_EQ(0, shmbuf_unlock(handles[i], 1));
	}
	run_thread(use_all, NULL);
	for (i = 0; i < HANDLES; i++)
		shmbuf_close(handles[i]);
	shmbuf_close(first);
}

#define COUNTERS	4
#define COUNTS		5000

static void *count(void *argument)
{
	struct shmbuf *b = argument;
	long *counter = shmbuf_data(b);
	int i;

	for (i = 0; i < COUNTS; i++) {
		CHECK(!shmbuf_lock(b, 3));
		*counter = *counter + 1;
		CHECK(!shmbuf_unlock(b, 3));
	}
	return NULL;
}

TEST_F(api, counter)
{
	pthread_t threads[COUNTERS];
	pid_t pids[COUNTERS];
	int i;

	for (i = 0; i < COUNTERS; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			run_thread(count, self->b);
			_exit(0);
		}
	}
	for (i = 0; i < COUNTERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, count, self->b));
	for (i = 0; i < COUNTERS; i++) {
		EXPECT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, reap(pids[i]));
	}
	EXPECT_EQ(2L * COUNTERS * COUNTS, *(long *)shmbuf_data(self->b));
}

#define TURNS	2000

/* Wait until it is @me's turn, and pass it on. */
static void take_turns(struct shmbuf *b, int me)
{
	int *turn = shmbuf_data(b);
	uint64_t sequence;
	int i;

	for (i = 0; i < TURNS; i++) {
		CHECK(!shmbuf_lock(b, 0));
		while (*turn != me) {
			sequence = shmbuf_sequence(b, QUEUE);
			CHECK(!shmbuf_unlock(b, 0));
			CHECK(!shmbuf_wait(b, QUEUE, sequence, NULL));
			CHECK(!shmbuf_lock(b, 0));
		}
		*turn = !me;
		CHECK(!shmbuf_unlock(b, 0));
		CHECK(shmbuf_wake(b, QUEUE, 1) >= 0);
	}
}

TEST_F(api, turns)
{
	pid_t pid = spawn();

	if (!pid) {
		take_turns(self->b, 1);
		_exit(0);
	}
	take_turns(self->b, 0);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(2 * TURNS, shmbuf_sequence(self->b, QUEUE));
}

static void sleep_until_stopped(struct shmbuf *b)
{
	uint64_t sequence = shmbuf_sequence(b, QUEUE);

	while (shmbuf_sequence(b, QUEUE + 1) == 0) {
		CHECK(!shmbuf_wait(b, QUEUE, sequence, NULL));
		sequence = shmbuf_sequence(b, QUEUE);
	}
}

TEST_F(api, wake_counts)
{
	uint64_t sequence = shmbuf_sequence(self->b, QUEUE);
	pid_t pids[2];
	int i, woken = 0;

	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE, SHMBUF_WAKE_ALL));
	EXPECT_EQ(sequence + 1, shmbuf_sequence(self->b, QUEUE));
	EXPECT_EQ(0, shmbuf_wait(self->b, QUEUE, sequence, NULL));
	for (i = 0; i < 2; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			sleep_until_stopped(self->b);
			_exit(0);
		}
	}
	/* Whoever sleeps is counted, once. */
	UNTIL((woken = shmbuf_wake(self->b, QUEUE, SHMBUF_WAKE_ALL)) != 0);
	EXPECT_LE(1, woken);
	EXPECT_GE(2, woken);
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE + 1, 1));
	EXPECT_LE(0, shmbuf_wake(self->b, QUEUE, SHMBUF_WAKE_ALL));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, reap(pids[i]));
}

static const int errors[] = {
	EACCES, EBADF, EBUSY, ECONNREFUSED, EDEADLK, EDQUOT, E2BIG, EEXIST, EFAULT, EINTR,
	EINVAL, EMFILE, ENAMETOOLONG, ENFILE, ENODEV, ENOENT, ENOMEM, ENOSPC, ENOTCONN,
	ENOTRECOVERABLE, ENOTTY, EOPNOTSUPP, EOVERFLOW, EOWNERDEAD, EPERM, EPIPE,
	EPROTONOSUPPORT, ETIMEDOUT,
};

TEST(error_texts)
{
	const char *unknown = shmbuf_strerror(-EXDEV);
	size_t i, j;

	EXPECT_EQ(0, strcmp("success", shmbuf_strerror(0)));
	EXPECT_EQ(0, strcmp("success", shmbuf_strerror(1)));
	EXPECT_EQ(unknown, shmbuf_strerror(-100000));
	EXPECT_EQ(unknown, shmbuf_strerror(INT_MIN));
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		EXPECT_NE(unknown, shmbuf_strerror(-errors[i]));
		for (j = 0; j < i; j++)
			EXPECT_NE(shmbuf_strerror(-errors[j]), shmbuf_strerror(-errors[i]));
	}
	EXPECT_NE(NULL, strstr(shmbuf_strerror(-ENODEV), "modprobe"));
	EXPECT_NE(NULL, strstr(shmbuf_strerror(-ECONNREFUSED), "group shmbuf"));
	EXPECT_NE(NULL, strstr(shmbuf_strerror(-EPROTONOSUPPORT), "too old"));
}

#endif /* LIB_API_H */
