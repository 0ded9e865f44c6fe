/* SPDX-License-Identifier: GPL-2.0-only */
/* What faults are injected into: every ioctl, open, mmap and what moves mappings. */
#ifndef FAULT_OPS_H
#define FAULT_OPS_H

#include "shmbuf_test.h"
#include <sys/eventfd.h>

#define PAGES		4
#define SIZE		(PAGES * 4096)
#define LONG_AGO	1

enum { LOCK, HELD, QUEUE, ANOTHER_QUEUE, SEM, EMPTY_SEM, BARRIER, FREE, NR_OBJECTS = 16 };

/* Made anew, in a process of its own, for each fault. */
struct scene {
	char name[64];
	int fd;			/* attached, and registered through as @owner */
	int fresh;		/* not attached */
	int eventfd;
	__u64 owner;
	__u64 another;		/* what REGISTER gave */
	char *data;
	struct control control;
	pid_t holder;		/* of HELD */
};

struct op {
	const char *name;
	void (*prepare)(struct scene *s);
	int (*run)(struct scene *s);
	int want;
	bool joins;	/* it has an owner id before */
};

static int make(int fd, const char *name, __u32 flags)
{
	struct shmbuf_range ranges[] = {
		{ .first = LOCK, .count = 2, .kind = SHMBUF_KIND_LOCK },
		{ .first = QUEUE, .count = 2, .kind = SHMBUF_KIND_QUEUE },
		{ .first = SEM, .count = 1, .kind = SHMBUF_KIND_SEMAPHORE, .value = 3 },
		{ .first = EMPTY_SEM, .count = 1, .kind = SHMBUF_KIND_SEMAPHORE },
		{ .first = BARRIER, .count = 1, .kind = SHMBUF_KIND_BARRIER, .value = 2 },
	};
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = flags, .name = address(name),
		.name_len = name ? strlen(name) : 0, .data_size = SIZE, .max_size = SIZE + 4096,
		.nr_objects = NR_OBJECTS, .ranges = address(ranges),
		.nr_ranges = ARRAY_SIZE(ranges),
	};

	return call(fd, SHMBUF_IOC_CREATE, &arg);
}

static int mapped(size_t size, __u64 offset, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? -errno : 0;
}

/* Prepared */

static void locked(struct scene *s)
{
	CHECK(do_lock(s->fd, s->owner, LOCK, 0, NEVER) == 0);
}

static void read_locked(struct scene *s)
{
	CHECK(do_read(s->fd, s->owner, LOCK, 0, NEVER) == 0);
}

static void died_locked(struct scene *s)
{
	pid_t pid = spawn();

	if (!pid) {
		CHECK(do_lock(s->fd, new_owner(s->fd), LOCK, 0, NEVER) == 0);
		_exit(0);
	}
	CHECK(reap(pid) == 0);
	CHECK(do_lock(s->fd, s->owner, LOCK, 0, NEVER) == -EOWNERDEAD);
}

/* Another process has HELD. */
static void held(struct scene *s)
{
	int *ready = shared_memory(4096);

	s->holder = spawn();
	if (!s->holder) {
		CHECK(do_lock(s->fd, new_owner(s->fd), HELD, 0, NEVER) == 0);
		__atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(ready, __ATOMIC_SEQ_CST));
}

static void dead(struct scene *s)
{
	struct shmbuf_death deaths[SHMBUF_DEATHS_MAX];

	held(s);
	CHECK(kill_and_reap(s->holder) == 128 + SIGKILL);
	s->holder = 0;
	UNTIL(do_deaths(s->fd, deaths, SHMBUF_DEATHS_MAX, ~0ULL) == 1);
}

static void has_unit(struct scene *s)
{
	CHECK(do_sem_try(s->fd, s->owner, SEM) == 0);
}

static void party(struct scene *s)
{
	CHECK(do_barrier_wait(s->fd, s->owner, BARRIER, LONG_AGO) == -ETIMEDOUT);
}

static void watched(struct scene *s)
{
	CHECK(do_watch(s->fd, QUEUE, 1) == 0);
}

static void has_another(struct scene *s)
{
	CHECK(do_register(s->fd, SHMBUF_REGISTER_PROCESS, &s->another) == 0);
}

static void has_free_lock(struct scene *s)
{
	CHECK(do_init(s->fd, FREE, 1, SHMBUF_KIND_LOCK, 0) == 0);
}

static void in_new_namespace(struct scene *s)
{
	(void)s;
	CHECK(!unshare(CLONE_NEWIPC));
}

/* Somebody of whom nothing is known yet, with root's rights. */
static void as_another_user(struct scene *s)
{
	(void)s;
	CHECK(!setreuid(61501, -1));
}

/* Run */

static int run_open(struct scene *s)
{
	int fd = open(DEVICE, O_RDWR);

	(void)s;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int run_query(struct scene *s)
{
	struct shmbuf_area areas[4];
	char name[256];
	struct shmbuf_query query = {
		.areas = address(areas), .nr_areas = ARRAY_SIZE(areas),
		.name = address(name), .name_size = sizeof(name),
	};

	return do_query(s->fd, &query);
}

static int run_create(struct scene *s)
{
	return make(s->fresh, "selftest-faults-new", 0);
}

static int run_create_anonymous(struct scene *s)
{
	return make(s->fresh, NULL, 0);
}

static int run_create_preallocated(struct scene *s)
{
	return make(s->fresh, "selftest-faults-new", SHMBUF_CREATE_PREALLOC);
}

static int run_create_huge(struct scene *s)
{
	return make(s->fresh, "selftest-faults-new", SHMBUF_CREATE_HUGE);
}

static int run_create_existing(struct scene *s)
{
	return make(s->fresh, s->name, 0);
}

static int run_open_buffer(struct scene *s)
{
	return do_open(s->fresh, s->name);
}

static int run_unlink(struct scene *s)
{
	return do_unlink(s->fd, s->name);
}

/* Apart from its neighbours, so that the table of kinds grows. */
static int run_init(struct scene *s)
{
	return do_init(s->fd, NR_OBJECTS - 2, 1, SHMBUF_KIND_LOCK, 0);
}

static int run_reset(struct scene *s)
{
	return do_reset(s->fd, FREE, 1);
}

static int run_grow(struct scene *s)
{
	return do_grow(s->fd, SIZE + 4096);
}

static int run_seal(struct scene *s)
{
	return do_seal(s->fd, SHMBUF_SEAL_EXEC);
}

static int run_register(struct scene *s)
{
	return do_register(s->fd, 0, &s->another);
}

static int run_register_process(struct scene *s)
{
	return do_register(s->fd, SHMBUF_REGISTER_PROCESS, &s->another);
}

static int run_unregister(struct scene *s)
{
	return do_unregister(s->fd, s->another);
}

static int run_lock(struct scene *s)
{
	return do_lock(s->fd, s->owner, LOCK, 0, NEVER);
}

static int run_lock_held(struct scene *s)
{
	return do_lock(s->fd, s->owner, HELD, 0, LONG_AGO);
}

static int run_read(struct scene *s)
{
	return do_read(s->fd, s->owner, LOCK, 0, NEVER);
}

static int run_read_held(struct scene *s)
{
	return do_read(s->fd, s->owner, HELD, 0, LONG_AGO);
}

static int run_unlock(struct scene *s)
{
	return do_unlock(s->fd, s->owner, LOCK);
}

static int run_consistent(struct scene *s)
{
	return do_consistent(s->fd, s->owner, LOCK);
}

static int run_downgrade(struct scene *s)
{
	return do_downgrade(s->fd, s->owner, LOCK);
}

static int run_wait_moved(struct scene *s)
{
	__u64 sequence = 5;

	return do_wait(s->fd, QUEUE, &sequence, NEVER);
}

static int run_wait(struct scene *s)
{
	__u64 sequence = 0;

	return do_wait(s->fd, QUEUE, &sequence, LONG_AGO);
}

static int run_wait_peers(struct scene *s)
{
	struct shmbuf_wait arg = {
		.size = sizeof(arg), .flags = SHMBUF_WAIT_PEERS, .index = QUEUE,
		.deadline = LONG_AGO, .deaths = ~0ULL,
	};

	return call(s->fd, SHMBUF_IOC_WAIT, &arg);
}

static int run_wait_locked(struct scene *s)
{
	return do_wait_locked(s->fd, s->owner, LOCK, QUEUE, 0, LONG_AGO);
}

static int run_wake(struct scene *s)
{
	return do_wake(s->fd, QUEUE, SHMBUF_WAKE_ALL);
}

/* Of what can't be had, so that all are waited for. */
static int run_wait_any(struct scene *s)
{
	struct shmbuf_wait_item items[] = {
		{ .fd = s->fd, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE },
		{ .fd = s->fd, .index = HELD, .kind = SHMBUF_KIND_LOCK, .owner = s->owner,
		  .flags = SHMBUF_WAIT_ITEM_SHARED },
		{ .fd = s->fd, .index = EMPTY_SEM, .kind = SHMBUF_KIND_SEMAPHORE,
		  .owner = s->owner, .flags = SHMBUF_WAIT_ITEM_UNDO },
		{ .fd = s->fd, .index = SHMBUF_INDEX_DEATHS, .kind = SHMBUF_KIND_QUEUE },
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = ARRAY_SIZE(items),
		.deadline = LONG_AGO,
	};

	return call(s->fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

static int run_watch(struct scene *s)
{
	return do_watch(s->fd, QUEUE, 0);
}

static int run_watch_eventfd(struct scene *s)
{
	return do_watch_flags(s->fd, SHMBUF_WATCH_EVENTFD, ANOTHER_QUEUE, s->eventfd, 0);
}

static int run_unwatch(struct scene *s)
{
	return do_unwatch(s->fd, QUEUE);
}

static int run_moved(struct scene *s)
{
	struct shmbuf_moved_queue queues[4];

	return do_moved(s->fd, queues, ARRAY_SIZE(queues));
}

static int run_sem_wait(struct scene *s)
{
	return do_sem_try(s->fd, 0, SEM);
}

static int run_sem_wait_undo(struct scene *s)
{
	return do_sem_try(s->fd, s->owner, SEM);
}

static int run_sem_wait_empty(struct scene *s)
{
	return do_sem_wait(s->fd, s->owner, EMPTY_SEM, 0, LONG_AGO);
}

static int run_sem_post(struct scene *s)
{
	return do_sem_post(s->fd, 0, SEM);
}

static int run_sem_post_undo(struct scene *s)
{
	return do_sem_post(s->fd, s->owner, SEM);
}

static int run_barrier_wait(struct scene *s)
{
	return do_barrier_wait(s->fd, s->owner, BARRIER, LONG_AGO);
}

static int run_barrier_leave(struct scene *s)
{
	return do_barrier_leave(s->fd, s->owner, BARRIER);
}

static int run_owner_info(struct scene *s)
{
	struct shmbuf_waiter_info waiters[4];
	struct shmbuf_owner_info info;

	return do_owner_info(s->fd, HELD, &info, waiters, ARRAY_SIZE(waiters));
}

static int run_deaths(struct scene *s)
{
	struct shmbuf_death deaths[SHMBUF_DEATHS_MAX];

	return do_deaths(s->fd, deaths, ARRAY_SIZE(deaths), ~0ULL);
}

static int run_recover(struct scene *s)
{
	return do_recover(s->fd, LOCK, s->owner);
}

static int run_stats(struct scene *s)
{
	struct shmbuf_stats stats;

	return do_stats(s->fd, &stats);
}

static int run_list(struct scene *s)
{
	/* Not more than a page: for more, two allocations would have to fail. */
	static struct shmbuf_listing listings[4096 / sizeof(struct shmbuf_listing)];
	int ret = do_list(s->fresh, listings, ARRAY_SIZE(listings), 0);

	return ret < 0 ? ret : !ret;
}

static int run_objects(struct scene *s)
{
	struct shmbuf_object objects[NR_OBJECTS];

	return do_objects(s->fd, objects, ARRAY_SIZE(objects), 0);
}

static int run_waiters(struct scene *s)
{
	struct shmbuf_waiter_info waiters[4];

	return do_waiters(s->fd, QUEUE, waiters, ARRAY_SIZE(waiters));
}

static int run_mmap_data(struct scene *s)
{
	return mapped(SIZE, 0, s->fd);
}

static int run_mmap_control(struct scene *s)
{
	return mapped(s->control.size, SHMBUF_CONTROL_OFFSET, s->fd);
}

static int run_mmap_row(struct scene *s)
{
	return mapped(4096, row_offset(s->owner), s->fd);
}

static int run_mremap(struct scene *s)
{
	void *p = mremap(s->data, SIZE, SIZE + 4096, MREMAP_MAYMOVE);

	if (p == MAP_FAILED)
		return -errno;
	s->data = p;
	return 0;
}

/* Splits the mapping. */
static int run_mprotect(struct scene *s)
{
	return mprotect(s->data + 4096, 4096, PROT_READ) ? -errno : 0;
}

static int run_munmap(struct scene *s)
{
	return munmap(s->data + 4096, 4096) ? -errno : 0;
}

static int run_touch(struct scene *s)
{
	int i;

	for (i = 0; i < PAGES; i++)
		__atomic_store_n(&s->data[i * 4096], 1, __ATOMIC_RELAXED);
	return 0;
}

static int run_fork(struct scene *s)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(do_trylock(s->fd, s->owner, LOCK) != -EPERM);
	return reap(pid);
}

static const struct op ops[] = {
	{ "open", NULL, run_open, 0 },
	{ "open by another user", as_another_user, run_open, 0 },
	{ "QUERY", NULL, run_query, 0 },
	{ "CREATE", NULL, run_create, 0 },
	{ "CREATE without a name", NULL, run_create_anonymous, 0 },
	{ "CREATE in a new namespace", in_new_namespace, run_create, 0 },
	{ "CREATE without a name in a new namespace", in_new_namespace, run_create_anonymous, 0 },
	{ "CREATE with PREALLOC", NULL, run_create_preallocated, 0 },
	{ "CREATE with HUGE", NULL, run_create_huge, 0 },
	{ "CREATE of an existing one", NULL, run_create_existing, 1 },
	{ "OPEN", NULL, run_open_buffer, 0 },
	{ "UNLINK", NULL, run_unlink, 0 },
	{ "INIT", NULL, run_init, 0 },
	{ "RESET", has_free_lock, run_reset, 0 },
	{ "GROW", NULL, run_grow, 0 },
	{ "SEAL", NULL, run_seal, 0 },
	{ "REGISTER", NULL, run_register, 0 },
	{ "REGISTER with PROCESS", NULL, run_register_process, 0 },
	{ "REGISTER by another user", as_another_user, run_register, 0 },
	{ "UNREGISTER", has_another, run_unregister, 0, true },
	{ "LOCK", NULL, run_lock, 0, true },
	{ "LOCK of a held one", held, run_lock_held, -ETIMEDOUT, true },
	{ "LOCK with SHARED", NULL, run_read, 0, true },
	{ "LOCK with SHARED of a held one", held, run_read_held, -ETIMEDOUT, true },
	{ "UNLOCK", locked, run_unlock, 0, true },
	{ "UNLOCK of a reader", read_locked, run_unlock, 0, true },
	{ "CONSISTENT", died_locked, run_consistent, 0, true },
	{ "DOWNGRADE", locked, run_downgrade, 0, true },
	{ "WAIT on one that has moved", NULL, run_wait_moved, 0 },
	{ "WAIT", NULL, run_wait, -ETIMEDOUT },
	{ "WAIT with PEERS", held, run_wait_peers, -ETIMEDOUT, true },
	{ "WAIT with LOCK", locked, run_wait_locked, SHMBUF_WAITED_TIMEDOUT, true },
	{ "WAKE", NULL, run_wake, 0 },
	{ "WAIT_ANY", held, run_wait_any, -ETIMEDOUT, true },
	{ "WATCH", NULL, run_watch, 0 },
	{ "WATCH by another user", as_another_user, run_watch, 0 },
	{ "WATCH with EVENTFD", NULL, run_watch_eventfd, 0 },
	{ "WATCH with REMOVE", watched, run_unwatch, 0 },
	{ "MOVED", watched, run_moved, 1 },
	{ "SEM_WAIT", NULL, run_sem_wait, 0 },
	{ "SEM_WAIT with UNDO", NULL, run_sem_wait_undo, 0, true },
	{ "SEM_WAIT on an empty one", NULL, run_sem_wait_empty, -ETIMEDOUT, true },
	{ "SEM_POST", NULL, run_sem_post, 0 },
	{ "SEM_POST with UNDO", has_unit, run_sem_post_undo, 0, true },
	{ "BARRIER_WAIT", NULL, run_barrier_wait, -ETIMEDOUT, true },
	{ "BARRIER_LEAVE", party, run_barrier_leave, 0, true },
	{ "OWNER_INFO", held, run_owner_info, 0 },
	{ "DEATHS", dead, run_deaths, 1 },
	{ "RECOVER", locked, run_recover, 0, true },
	{ "STATS", held, run_stats, 0 },
	{ "LIST", NULL, run_list, 0 },
	{ "OBJECTS", held, run_objects, FREE },
	{ "WAITERS", NULL, run_waiters, 0 },
	{ "mmap of the data", NULL, run_mmap_data, 0 },
	{ "mmap of the control area", NULL, run_mmap_control, 0 },
	{ "mmap of a row", NULL, run_mmap_row, 0, true },
	{ "mremap", NULL, run_mremap, 0 },
	{ "mprotect", NULL, run_mprotect, 0 },
	{ "munmap", NULL, run_munmap, 0 },
	{ "the first touch", NULL, run_touch, 0 },
	{ "fork", NULL, run_fork, 0, true },
};

#endif /* FAULT_OPS_H */
