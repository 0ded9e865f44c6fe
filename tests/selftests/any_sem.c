// SPDX-License-Identifier: GPL-2.0-only
/* WAIT_ANY over semaphores: one unit of one of them, and it is put on record. */
#include "shmbuf_test.h"

#define SEMS	4
#define SEM	2
#define UNITS	3

FIXTURE(any_sem)
{
	char name[64];
	int fd;
	struct control c;
	__u64 owner;
	int *shared;
};

FIXTURE_SETUP(any_sem)
{
	int i;

	self->fd = new_buffer(new_name(self->name), 1, 1, SEMS);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
	self->shared = shared_memory(4096);
	for (i = 0; i < SEMS; i++)
		new_sem(self->fd, SEM + i, 0, UNITS);
}

FIXTURE_TEARDOWN(any_sem)
{
	close(self->fd);
}

/* All the semaphores, and with @owner with UNDO. */
static int wait_sems(int fd, __u64 owner, __u64 deadline)
{
	struct shmbuf_wait_item items[SEMS] = {};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = SEMS,
		.deadline = deadline,
	};
	int i;

	for (i = 0; i < SEMS; i++) {
		items[i].fd = fd;
		items[i].index = SEM + i;
		items[i].kind = SHMBUF_KIND_SEMAPHORE;
		items[i].flags = owner ? SHMBUF_WAIT_ITEM_UNDO : 0;
		items[i].owner = owner;
	}
	return call(fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

/* One of them, with PEERS. */
static int wait_peers(int fd, __u64 deaths)
{
	struct shmbuf_wait_item item = {
		.fd = fd, .index = SEM, .kind = SHMBUF_KIND_SEMAPHORE,
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_PEERS, .items = address(&item),
		.nr_items = 1, .deadline = NEVER, .deaths = deaths,
	};

	return call(fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

static bool all_quiet(const struct control *c, __u64 total)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < SEMS; i++) {
		if (!shmbuf_sem_word_is_quiet(read_word(c, SEM + i)))
			return false;
		sum += read_count(c, SEM + i);
	}
	return sum == total;
}

TEST_F(any_sem, a_unit_comes_before_a_death)
{
	EXPECT_EQ(-EOWNERDEAD, wait_peers(self->fd, 7));
	EXPECT_EQ(-EPIPE, wait_peers(self->fd, ~0ULL));
	EXPECT_EQ(true, fast_up(&self->c, SEM));
	EXPECT_EQ(true, fast_up(&self->c, SEM));
	EXPECT_EQ(0, wait_peers(self->fd, 7));
	EXPECT_EQ(0, wait_peers(self->fd, ~0ULL));
	EXPECT_EQ(-EOWNERDEAD, wait_peers(self->fd, 7));
	EXPECT_EQ(true, all_quiet(&self->c, 0));
}

TEST_F(any_sem, at_once_or_not)
{
	EXPECT_EQ(-ETIMEDOUT, wait_sems(self->fd, 0, now()));
	EXPECT_EQ(-ETIMEDOUT, wait_sems(self->fd, self->owner, 0));
	EXPECT_EQ(true, all_quiet(&self->c, 0));
	EXPECT_EQ(true, fast_up(&self->c, SEM + 3));
	EXPECT_EQ(true, fast_up(&self->c, SEM + 1));
	EXPECT_EQ(1, wait_sems(self->fd, 0, NEVER));
	EXPECT_EQ(3, wait_sems(self->fd, self->owner, 0));
	EXPECT_EQ(true, all_quiet(&self->c, 0));
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, self->owner, SEM + 1));
	EXPECT_EQ(0, do_sem_post(self->fd, self->owner, SEM + 3));
	EXPECT_EQ(-EPERM, do_sem_post(self->fd, self->owner, SEM + 3));
}

TEST_F(any_sem, wrong_items)
{
	struct shmbuf_wait_item item = {
		.fd = self->fd, .index = SEM, .kind = SHMBUF_KIND_SEMAPHORE,
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(&item), .nr_items = 1,
	};
	__u64 old = get_parameter("max_user_claims");
	int ret;

	item.owner = self->owner;	/* and no UNDO */
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	item.flags = SHMBUF_WAIT_ITEM_UNDO;
	item.owner = 0;
	EXPECT_EQ(-EPERM, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	item.owner = self->owner;
	item.flags |= SHMBUF_WAIT_ITEM_SHARED;
	EXPECT_EQ(-EOPNOTSUPP, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	item.flags = SHMBUF_WAIT_ITEM_UNDO;
	item.sequence = 1;
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	item.sequence = 0;
	item.index = 0;
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	item.index = SEM;
	item.fd = open_buffer(self->name, O_RDONLY);
	EXPECT_EQ(-EBADF, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	item.fd = self->fd;
	set_parameter("max_user_claims", 0);
	ret = call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg);
	set_parameter("max_user_claims", old);
	EXPECT_EQ(-EDQUOT, ret);
	EXPECT_EQ(-ETIMEDOUT, call(self->fd, SHMBUF_IOC_WAIT_ANY, &arg));
	EXPECT_EQ(true, all_quiet(&self->c, 0));
}

/* It gets one, wherever that comes; what comes at the same time stays where it is. */
TEST_F(any_sem, sleeps_until_one_is_posted)
{
	pid_t pid;
	int i;

	for (i = 0; i < 2 * SEMS; i++) {
		pid = spawn();
		if (!pid) {
			__u64 owner = i % 2 ? new_owner(self->fd) : 0;

			CHECK(wait_sems(self->fd, owner, NEVER) == i / 2);
			/* A unit with UNDO comes back. */
			_exit(0);
		}
		UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT_ANY));
		EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM + i / 2));
		EXPECT_EQ(0, reap(pid));
		UNTIL(all_quiet(&self->c, i % 2));
		if (i % 2)
			EXPECT_EQ(0, do_sem_try(self->fd, 0, SEM + i / 2));
	}
}

/* The last id ends while another thread waits: there is no process to have a unit. */
struct lonely {
	int fd;
	__u64 owner;
	pid_t tid;
	int ret;
};

static void *wait_alone(void *arg)
{
	struct lonely *l = arg;

	l->tid = syscall(SYS_gettid);
	l->ret = wait_sems(l->fd, l->owner, NEVER);
	return NULL;
}

TEST_F(any_sem, a_waiter_without_a_process)
{
	struct lonely l = { .fd = self->fd };
	pthread_t thread;

	ASSERT_EQ(0, do_unregister(self->fd, self->owner));
	ASSERT_EQ(0, do_register(self->fd, SHMBUF_REGISTER_PROCESS, &l.owner));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_alone, &l));
	UNTIL(__atomic_load_n(&l.tid, __ATOMIC_SEQ_CST) && asleep_in(l.tid, SHMBUF_IOC_WAIT_ANY));
	EXPECT_EQ(0, do_unregister(self->fd, l.owner));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-EPERM, l.ret);
	EXPECT_EQ(true, all_quiet(&self->c, 0));
}

static __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define WORKERS	6
#define KILLS	120

/* Takes a unit of any, or of a certain one, and gives it back there. */
static pid_t spawn_worker(int fd, __u64 seed)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 owner = new_owner(fd);

		for (;;) {
			__u64 end = now() + draw(&seed) % (2 * NSEC_PER_MSEC);
			int which = draw(&seed) % SEMS, ret;

			if (draw(&seed) % 4) {
				ret = wait_sems(fd, owner, end);
				which = ret;
			} else {
				ret = do_sem_wait(fd, owner, SEM + which, 0, end);
			}
			CHECK(ret >= 0 || ret == -ETIMEDOUT);
			if (ret >= 0)
				CHECK(do_sem_post(fd, owner, SEM + which) == 0);
		}
	}
	return pid;
}

TEST_F(any_sem, storm_of_kills)
{
	__u64 seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : now() | 1;
	pid_t workers[WORKERS];
	int i, kills;

	TH_LOG("SEED=%#llx", seed);
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM + 1));
	EXPECT_EQ(0, do_sem_post(self->fd, 0, SEM + 1));
	for (i = 0; i < WORKERS; i++)
		workers[i] = spawn_worker(self->fd, draw(&seed));
	for (kills = 0; kills < fewer(KILLS); kills++) {
		i = draw(&seed) % WORKERS;
		usleep(draw(&seed) % 3000);
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
		workers[i] = spawn_worker(self->fd, draw(&seed));
	}
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(workers[i]));
	UNTIL(all_quiet(&self->c, 3));
	EXPECT_EQ(1, read_count(&self->c, SEM));
	EXPECT_EQ(2, read_count(&self->c, SEM + 1));
	EXPECT_EQ(0, do_reset(self->fd, SEM, SEMS));
}

TEST_HARNESS_MAIN
