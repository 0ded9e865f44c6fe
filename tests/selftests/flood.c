// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody floods the module with waiters, wakes, deaths, names, ids or nonsense, or has it wait
 * for his memory, all in buffers of his own. Somebody else's buffers go on meanwhile: what is
 * asked for is progress while the flood makes progress, however slow the machine is.
 */
#include "others.h"
#include <linux/userfaultfd.h>

#define FLOODER	61401
#define VICTIM	61402
#define ROUNDS	20
#define FLOODERS 4
#define THREADS	64

static void count(unsigned long *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static unsigned long counted(const unsigned long *what)
{
	return __atomic_load_n(what, __ATOMIC_RELAXED);
}

struct flood {
	int fd;
	__u64 owner;
	unsigned long *done;
};

static void *wait_for_ever(void *arg)
{
	struct flood *f = arg;

	for (;;) {
		__u64 sequence = 0;

		do_wait(f->fd, 1, &sequence, NEVER);
		sequence = ~0ULL;
		do_wait(f->fd, 1, &sequence, NEVER);
		do_wait(f->fd, 1, &sequence, now() + NSEC_PER_SEC);
		count(f->done);
	}
	return NULL;
}

static void *lock_for_a_while(void *arg)
{
	struct flood *f = arg;
	__u64 id = new_owner(f->fd);

	for (;;) {
		if (do_lock(f->fd, id, 0, 0, now() + 10 * NSEC_PER_MSEC) == 0)
			do_unlock(f->fd, id, 0);
		count(f->done);
	}
	return NULL;
}

static void start(struct flood *f, void *(*run)(void *arg))
{
	pthread_t thread;
	int i;

	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread, NULL, run, f));
}

static void by_waiters_and_wakes(struct flood *f)
{
	start(f, wait_for_ever);
	for (;;)
		do_wake(f->fd, 1, SHMBUF_WAKE_ALL);
}

static void by_lockers(struct flood *f)
{
	start(f, lock_for_a_while);
	for (;;)
		pause();
}

static void by_deaths(struct flood *f)
{
	for (;;) {
		pid_t pid = spawn();

		if (!pid) {
			f->owner = new_owner(f->fd);
			do_trylock(f->fd, f->owner, 0);
			_exit(0);
		}
		reap(pid);
		count(f->done);
	}
}

/* Each has one name: whoever is killed between CREATE and UNLINK leaves it behind. */
static const char *name_of(pid_t pid, char name[64])
{
	snprintf(name, 64, "flood-%d", pid);
	return name;
}

static void by_names(struct flood *f)
{
	char name[64];

	name_of(getpid(), name);
	for (;;) {
		int fd = open_device(O_RDWR), other = open_device(O_RDWR);

		CHECK(do_create(fd, name, SHMBUF_CREATE_PERSIST, 4096, 0, 0, 0) == 0);
		CHECK(do_open(other, name) == 0);
		CHECK(do_unlink(fd, name) == 0);
		close(fd);
		close(other);
		count(f->done);
	}
}

static void by_ids(struct flood *f)
{
	__u64 ids[100];
	int i, nr;

	for (;;) {
		for (nr = 0; nr < 100 && do_register(f->fd, 0, &ids[nr]) == 0; nr++)
			;
		for (i = 0; i < nr; i++)
			do_unregister(f->fd, ids[i]);
		count(f->done);
	}
}

static void by_nonsense(struct flood *f)
{
	struct control c = map_control(f->fd, PROT_READ | PROT_WRITE);
	__u64 noise = 88172645463325252ULL;

	for (;;) {
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		write_word(&c, noise % 2, noise);
		do_lock(f->fd, f->owner, 0, 0, now());
		do_unlock(f->fd, f->owner, 0);
		do_wake(f->fd, 1, SHMBUF_WAKE_ALL);
		do_reset(f->fd, noise % 2, 1);
		do_init(f->fd, noise % 2, 1, noise % 2 + 1, 0);
		count(f->done);
	}
}

/* Names that stay behind in namespaces that nobody is left in. */
static void by_orphaned_names(struct flood *f)
{
	for (;;) {
		pid_t pid = spawn();

		if (!pid) {
			int i;

			CHECK(!unshare(CLONE_NEWUSER | CLONE_NEWIPC));
			for (i = 0; i < 50; i++) {
				int fd = open_device(O_RDWR);
				char name[64];

				if (do_create(fd, new_name(name), SHMBUF_CREATE_PERSIST, 4096, 0,
					      0, 0))
					break;
				close(fd);
			}
			_exit(0);
		}
		reap(pid);
		count(f->done);
	}
}

/* Of all that there is, again and again: each that is looked at is pinned meanwhile. */
static void by_lists(struct flood *f)
{
	static struct shmbuf_listing listings[SHMBUF_LIST_MAX];
	struct shmbuf_object objects[2];
	__u64 after = 0;
	int nr;

	for (;;) {
		nr = do_list(f->fd, listings, SHMBUF_LIST_MAX, after);
		CHECK(nr >= 0);
		after = nr ? listings[nr - 1].stats.buffer_id : 0;
		CHECK(do_stats(f->fd, &listings[0].stats) == 0);
		CHECK(do_objects(f->fd, objects, 2, 0) == 2);
		count(f->done);
	}
}

/* What goes on in between: names, ids, locks, deaths, wakes. */
static void round_of(unsigned long *rounds)
{
	int fd = open_device(O_RDWR), other = open_device(O_RDWR);
	__u64 id, sequence = 0;
	char name[64];
	pid_t pid;

	CHECK(do_create(fd, new_name(name), 0, 4096, 1, 1, 0) == 0);
	CHECK(do_open(other, name) == 0);
	id = new_owner(fd);
	pid = spawn();
	if (!pid) {
		CHECK(do_lock(other, new_owner(other), 0, 0, NEVER) == 0);
		CHECK(do_wake(other, 1, 1) >= 0);
		_exit(0);
	}
	CHECK(do_wait(fd, 1, &sequence, NEVER) == 0);
	CHECK(do_lock(fd, id, 0, 0, NEVER) == -EOWNERDEAD);
	CHECK(do_consistent(fd, id, 0) == 0 && do_unlock(fd, id, 0) == 0);
	CHECK(reap(pid) == 0);
	CHECK(do_unlink(fd, name) == 0);
	close(fd);
	close(other);
	count(rounds);
}

static pid_t spawn_victim(unsigned long *rounds)
{
	pid_t pid = spawn_as(VICTIM);

	if (!pid)
		for (;;)
			round_of(rounds);
	return pid;
}

FIXTURE(flood)
{
	unsigned long *done, *rounds;
	int fd;
};

FIXTURE_VARIANT(flood)
{
	void (*flood)(struct flood *f);
};

FIXTURE_VARIANT_ADD(flood, waiters_and_wakes) { by_waiters_and_wakes };
FIXTURE_VARIANT_ADD(flood, lockers) { by_lockers };
FIXTURE_VARIANT_ADD(flood, deaths) { by_deaths };
FIXTURE_VARIANT_ADD(flood, names) { by_names };
FIXTURE_VARIANT_ADD(flood, ids) { by_ids };
FIXTURE_VARIANT_ADD(flood, nonsense) { by_nonsense };
FIXTURE_VARIANT_ADD(flood, lists) { by_lists };
FIXTURE_VARIANT_ADD(flood, orphaned_names) { by_orphaned_names };

FIXTURE_SETUP(flood)
{
	self->done = shared_memory(4096);
	self->rounds = self->done + 1;
	self->fd = new_buffer(NULL, 1, 1, 0);
}

FIXTURE_TEARDOWN(flood)
{
	close(self->fd);
}

static bool user_namespaces(void)
{
	pid_t pid = spawn_as(FLOODER);

	if (!pid)
		_exit(unshare(CLONE_NEWUSER) != 0);
	return reap(pid) == 0;
}

TEST_F(flood, others_go_on)
{
	pid_t flooders[FLOODERS], victim;
	unsigned long done, round;
	char name[64];
	int i;

	if (variant->flood == by_orphaned_names && !user_namespaces())
		SKIP(return, "no user namespaces here");
	for (i = 0; i < FLOODERS; i++) {
		flooders[i] = spawn_as(FLOODER);
		if (!flooders[i]) {
			struct flood f = { .fd = self->fd, .done = self->done };

			f.owner = new_owner(f.fd);
			variant->flood(&f);
		}
	}
	UNTIL(counted(self->done) > 0);
	done = counted(self->done);
	victim = spawn_victim(self->rounds);
	/* Hundreds of threads leave the victim its share of the processors, and no more. */
	for (round = 1; round <= (unsigned int)fewer(ROUNDS); round++)
		UNTIL(counted(self->rounds) >= round);
	UNTIL(counted(self->done) > done);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(victim));
	for (i = 0; i < FLOODERS; i++) {
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(flooders[i]));
		do_unlink(self->fd, name_of(flooders[i], name));
	}
}

/* Memory that nobody brings in: who is to read or write it, be it the kernel, waits. */
static void *never_there(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	void *p;

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return NULL;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = address(p);
	reg.range.len = 4096;
	return ioctl(fd, UFFDIO_REGISTER, &reg) ? NULL : p;
}

/* A call on buffer @fd that comes to a halt at @at. */
static int halt(int fd, int nr, __u64 at)
{
	struct shmbuf_create create = {
		.size = sizeof(create), .data_size = 1, .nr_objects = 1, .ranges = at,
		.nr_ranges = 1,
	};
	struct shmbuf_query query = { .size = sizeof(query), .areas = at, .nr_areas = 2 };
	struct shmbuf_deaths deaths = {
		.size = sizeof(deaths), .deaths = at, .nr_deaths = 1, .after = ~0ULL,
	};
	struct shmbuf_wait_any any = { .size = sizeof(any), .items = at, .nr_items = 1 };
	struct shmbuf_moved moved = { .size = sizeof(moved), .queues = at, .nr_queues = 1 };
	struct shmbuf_name name = { .size = sizeof(name), .name = at, .name_len = 4 };
	struct shmbuf_owner_info info = {
		.size = sizeof(info), .waiters = at, .nr_waiters = 1,
	};
	struct shmbuf_list list = {
		.size = sizeof(list), .listings = at, .nr_listings = 1,
		.listing_size = sizeof(struct shmbuf_listing),
	};
	struct shmbuf_objects objects = {
		.size = sizeof(objects), .objects = at, .nr_objects = 1,
	};
	struct shmbuf_waiters waiters = {
		.size = sizeof(waiters), .waiters = at, .nr_waiters = 1,
	};

	switch (nr) {
	case 0:
		return call(open_device(O_RDWR), SHMBUF_IOC_CREATE, &create);
	case 1:
		return call(fd, SHMBUF_IOC_QUERY, &query);
	case 2:
		return call(fd, SHMBUF_IOC_DEATHS, &deaths);
	case 3:
		return call(fd, SHMBUF_IOC_WAIT_ANY, &any);
	case 4:
		return call(fd, SHMBUF_IOC_MOVED, &moved);
	case 5:
		return call(open_device(O_RDWR), SHMBUF_IOC_OPEN, &name);
	case 6:
		return call(fd, SHMBUF_IOC_UNLINK, &name);
	case 7:
		return call(fd, SHMBUF_IOC_OWNER_INFO, &info);
	case 8:
		return call(fd, SHMBUF_IOC_LIST, &list);
	case 9:
		return call(fd, SHMBUF_IOC_OBJECTS, &objects);
	case 10:
		return call(fd, SHMBUF_IOC_WAITERS, &waiters);
	default:
		/* The struct itself. */
		return call(fd, SHMBUF_IOC_REGISTER, (void *)(uintptr_t)at);
	}
}

#define HALTS 12

static void spawn_halted(int fd, pid_t pids[HALTS])
{
	int i;

	for (i = 0; i < HALTS; i++) {
		pids[i] = spawn();
		if (!pids[i]) {
			CHECK(do_watch(fd, 1, 77) == 0 || i);
			halt(fd, i, address(never_there()));
			_exit(1);
		}
	}
	/* All have come to where they stay. */
	for (i = 0; i < HALTS; i++)
		UNTIL(state_of(pids[i]) == 'S' || state_of(pids[i]) == 'D' || ended(pids[i]));
}

/* Not even in the same buffer is anybody held up by that. */
TEST(halted_in_their_own_memory)
{
	unsigned long *rounds = shared_memory(4096);
	int fd = new_buffer(NULL, 1, 1, 0), i;
	__u64 owner, sequence = ~0ULL;
	pid_t pids[HALTS], pid;

	if (!never_there())
		SKIP(return, "userfaultfd: %s", strerror(errno));
	owner = new_owner(fd);
	pid = spawn();
	if (!pid) {
		new_owner(fd);
		_exit(0);
	}
	ASSERT_EQ(0, reap(pid));
	ASSERT_EQ(0, do_lock(fd, owner, 0, 0, NEVER));
	pid = spawn();
	if (!pid)
		_exit(do_lock(fd, new_owner(fd), 0, 0, NEVER));
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	spawn_halted(fd, pids);
	for (i = 0; i < HALTS; i++)
		EXPECT_EQ(false, ended(pids[i]))
			TH_LOG("call %d wasn't halted", i);
	for (i = 0; i < fewer(ROUNDS); i++)
		round_of(rounds);
	EXPECT_EQ(0, do_unlock(fd, owner, 0));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EOWNERDEAD, do_lock(fd, owner, 0, 0, NEVER));
	EXPECT_LE(0, do_wake(fd, 1, SHMBUF_WAKE_ALL));
	EXPECT_EQ(0, do_wait(fd, 1, &sequence, NEVER));
	EXPECT_EQ(0, do_grow(fd, 4096));
	for (i = 0; i < HALTS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[i]));
}

TEST_HARNESS_MAIN
