// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limit of threads that wait at once, whatever they wait in: many come at a time, some
 * are killed there, and there are never more than the limit, nor fewer the next time.
 */
#include "others.h"

#define USER	61501
#define LIMIT	4
#define THREADS	8
#define ROUNDS	10

#define LOCK	0
#define QUEUE	1
#define SEM	2
#define BARRIER	3
/* One for each thread. */
#define OWN_LOCK 4

FIXTURE(sleepers)
{
	__u64 before;
	int *refused, *next;
	int account;
	int fd;
	__u64 owner;
};

FIXTURE_VARIANT(sleepers)
{
	int (*sleep)(int fd, int nr);
	void (*wake)(FIXTURE_DATA(sleepers) *self);
};

static int sleep_on_queue(int fd, int nr)
{
	__u64 sequence = 0;

	(void)nr;
	return do_wait(fd, QUEUE, &sequence, NEVER);
}

static int sleep_on_condition(int fd, int nr)
{
	__u64 id = new_owner(fd);
	int ret = do_lock(fd, id, OWN_LOCK + nr, 0, NEVER);

	return ret ?: do_wait_locked(fd, id, OWN_LOCK + nr, QUEUE, 0, NEVER);
}

static int sleep_on_any(int fd, int nr)
{
	struct shmbuf_wait_item item = {
		.fd = fd, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE,
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(&item), .nr_items = 1, .deadline = NEVER,
	};

	(void)nr;
	return call(fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

static void wake_all(FIXTURE_DATA(sleepers) *self)
{
	/* Who is on the way to the queue finds that it has moved. */
	CHECK(do_wake(self->fd, QUEUE, SHMBUF_WAKE_ALL) >= 0);
}

static int sleep_on_lock(int fd, int nr)
{
	__u64 id = new_owner(fd);
	int ret = do_lock(fd, id, LOCK, SHMBUF_LOCK_NODETECT, NEVER);

	(void)nr;
	return ret ?: do_unlock(fd, id, LOCK);
}

static int sleep_as_reader(int fd, int nr)
{
	__u64 id = new_owner(fd);
	int ret = do_read(fd, id, LOCK, SHMBUF_LOCK_NODETECT, NEVER);

	(void)nr;
	return ret ?: do_unlock(fd, id, LOCK);
}

static void unlock(FIXTURE_DATA(sleepers) *self)
{
	CHECK(do_unlock(self->fd, self->owner, LOCK) == 0);
}

static int sleep_on_semaphore(int fd, int nr)
{
	(void)nr;
	return do_sem_wait(fd, 0, SEM, 0, NEVER);
}

static int sleep_for_undo(int fd, int nr)
{
	(void)nr;
	return do_sem_wait(fd, new_owner(fd), SEM, 0, NEVER);
}

static void post_all(FIXTURE_DATA(sleepers) *self)
{
	int i;

	for (i = 0; i < LIMIT; i++)
		CHECK(do_sem_post(self->fd, 0, SEM) == 0);
}

static int sleep_on_barrier(int fd, int nr)
{
	int ret = do_barrier_wait(fd, new_owner(fd), BARRIER, NEVER);

	(void)nr;
	return ret < 0 ? ret : 0;
}

static void come_last(FIXTURE_DATA(sleepers) *self)
{
	CHECK(do_barrier_wait(self->fd, self->owner, BARRIER, now() + PATIENCE) >= 0);
}

FIXTURE_VARIANT_ADD(sleepers, queue) { sleep_on_queue, wake_all };
FIXTURE_VARIANT_ADD(sleepers, condition) { sleep_on_condition, wake_all };
FIXTURE_VARIANT_ADD(sleepers, any) { sleep_on_any, wake_all };
FIXTURE_VARIANT_ADD(sleepers, lock) { sleep_on_lock, unlock };
FIXTURE_VARIANT_ADD(sleepers, reader) { sleep_as_reader, unlock };
FIXTURE_VARIANT_ADD(sleepers, semaphore) { sleep_on_semaphore, post_all };
FIXTURE_VARIANT_ADD(sleepers, undo) { sleep_for_undo, post_all };
FIXTURE_VARIANT_ADD(sleepers, barrier) { sleep_on_barrier, come_last };

FIXTURE_SETUP(sleepers)
{
	self->before = get_parameter("max_user_waiters");
	self->refused = shared_memory(4096);
	self->next = self->refused + 1;
	self->account = open_device_of(USER);
	set_parameter("max_user_waiters", LIMIT);
}

FIXTURE_TEARDOWN(sleepers)
{
	set_parameter("max_user_waiters", self->before);
	close(self->account);
}

struct sleeper {
	FIXTURE_DATA(sleepers) *self;
	int (*sleep)(int fd, int nr);
};

static void *sleep_once(void *arg)
{
	struct sleeper *s = arg;
	int ret = s->sleep(s->self->fd, __atomic_fetch_add(s->self->next, 1, __ATOMIC_SEQ_CST));

	CHECK(ret == 0 || ret == -EDQUOT);
	if (ret)
		__atomic_add_fetch(s->self->refused, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static pid_t spawn_sleepers(FIXTURE_DATA(sleepers) *self, int (*sleep)(int fd, int nr))
{
	struct sleeper s = { .self = self, .sleep = sleep };
	pid_t pid = spawn_as(USER);
	pthread_t threads[THREADS];
	int i;

	if (pid)
		return pid;
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, sleep_once, &s));
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	_exit(0);
}

static void begin_round(FIXTURE_DATA(sleepers) *self)
{
	self->fd = new_buffer(NULL, 1, 1, 2 + THREADS);
	new_sem(self->fd, SEM, 0, LIMIT);
	CHECK(do_init(self->fd, BARRIER, 1, SHMBUF_KIND_BARRIER, LIMIT + 1) == 0);
	CHECK(do_init(self->fd, OWN_LOCK, THREADS, SHMBUF_KIND_LOCK, 0) == 0);
	self->owner = new_owner(self->fd);
	CHECK(do_trylock(self->fd, self->owner, LOCK) == 0);
	*self->refused = 0;
	*self->next = 0;
}

TEST_F(sleepers, never_pass_their_limit)
{
	int round;
	pid_t pid;

	for (round = 0; round < ROUNDS; round++) {
		begin_round(self);
		pid = spawn_sleepers(self, variant->sleep);
		UNTIL(__atomic_load_n(self->refused, __ATOMIC_SEQ_CST) >= THREADS - LIMIT);
		if (round % 2) {
			EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
		} else {
			variant->wake(self);
			EXPECT_EQ(0, reap(pid));
		}
		EXPECT_EQ(THREADS - LIMIT, *self->refused);
		close(self->fd);
	}
}

TEST_HARNESS_MAIN
