// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits per user under races: many processes take and give back at once, some are killed
 * on the way. There are never more than the limit, and in the end it can be used up again.
 */
#include "others.h"
#include <sys/eventfd.h>

#define LIMIT	4
#define HEIRS	8
#define PAGE	4096
#define USER	61301

/* Of the buffer that all share. */
#define LOCK	0
#define QUEUE	1
#define SEM	2
#define SEMS	8

/**
 * struct quota - something of which a user may have so much
 * @parameter: the limit
 * @take: one more, by handle @fd where it needs one: what is to be given back, or -EDQUOT
 * @give: it back; may fail where that was left to the kernel
 */
struct quota {
	const char *parameter;
	__s64 (*take)(int fd, int nr);
	void (*give)(int fd, __s64 what);
	__u64 limit;
};

static __s64 take_buffer(int fd, int nr)
{
	int own = open_device(O_RDWR), ret = do_create(own, NULL, 0, PAGE, 0, 0, 1);

	(void)fd;
	(void)nr;
	if (!ret)
		return own;
	close(own);
	return ret;
}

static void give_fd(int fd, __s64 what)
{
	(void)fd;
	close(what);
}

/* A name is a buffer's: there can't be more of them, unlinked and made again or not. */
static __s64 take_name(int fd, int nr)
{
	int own = open_device(O_RDWR), ret;
	char name[64];

	(void)fd;
	snprintf(name, sizeof(name), "quota-%d-%d", getpid(), nr);
	ret = do_create(own, name, SHMBUF_CREATE_EXCL, PAGE, 0, 0, 0);
	if (!ret && nr % 2)
		CHECK(do_unlink(own, name) == 0);
	if (!ret)
		return own;
	close(own);
	return ret;
}

/* A page at first, and another one by growth. */
static __s64 take_growth(int fd, int nr)
{
	struct shmbuf_create arg = { .size = sizeof(arg), .data_size = 1, .max_size = 2 * PAGE };
	int own = open_device(O_RDWR), ret = call(own, SHMBUF_IOC_CREATE, &arg);

	(void)fd;
	(void)nr;
	if (!ret)
		ret = do_grow(own, 2 * PAGE);
	if (!ret)
		return own;
	close(own);
	return ret;
}

/* The handle goes first, and a mapping keeps what is charged. */
static __s64 take_mapping(int fd, int nr)
{
	int own = take_buffer(fd, nr);
	void *p;

	if (own < 0)
		return own;
	p = map_data(own, PAGE);
	close(own);
	return (uintptr_t)p;
}

static void give_mapping(int fd, __s64 what)
{
	(void)fd;
	munmap((void *)(uintptr_t)what, PAGE);
}

static __s64 take_owner(int fd, int nr)
{
	__u64 id;
	int ret = do_register(fd, nr % 2 ? SHMBUF_REGISTER_PROCESS : 0, &id);

	return ret ?: (__s64)id;
}

static void give_owner(int fd, __s64 what)
{
	do_unregister(fd, what);
}

/* An id whose row stays mapped when it has been given back. */
static __s64 take_row(int fd, int nr)
{
	__u64 id;
	int ret = do_register(fd, 0, &id);
	void *row;

	(void)nr;
	if (ret)
		return ret;
	row = map_row(fd, id);
	CHECK(do_unregister(fd, id) == 0);
	return (uintptr_t)row;
}

static __s64 take_watch(int fd, int nr)
{
	int event = eventfd(0, 0), own = open_device(O_RDONLY), ret = do_open(own, "quotas");

	(void)fd;
	(void)nr;
	if (!ret)
		ret = do_watch_flags(own, SHMBUF_WATCH_EVENTFD, QUEUE, event, 0);
	close(event);
	if (!ret)
		return own;
	close(own);
	return ret;
}

/* A process that has units of a semaphore is on record for it once. */
static __u64 own_id(int fd)
{
	static __u64 id;
	static pid_t of;

	if (of != getpid()) {
		id = new_owner(fd);
		of = getpid();
	}
	return id;
}

static __s64 take_unit(int fd, int nr)
{
	int ret = do_sem_try(fd, own_id(fd), SEM + nr % SEMS);

	return ret ?: nr % SEMS;
}

static void give_unit(int fd, __s64 what)
{
	CHECK(do_sem_post(fd, own_id(fd), SEM + what) == 0);
}

/* A reader stays on record until its id ends. */
static __s64 take_reader(int fd, int nr)
{
	__u64 id = new_owner(fd);
	int ret = do_tryread(fd, id, LOCK);

	(void)nr;
	if (!ret)
		return id;
	do_unregister(fd, id);
	return ret;
}

FIXTURE(quotas)
{
	__u64 before;
	int *taken;	/* at least so many there are now */
	int *most;
	int account;
	int fd;
};

FIXTURE_VARIANT(quotas)
{
	struct quota q;
};

FIXTURE_VARIANT_ADD(quotas, buffers) {
	{ "max_user_buffers", take_buffer, give_fd, LIMIT },
};

FIXTURE_VARIANT_ADD(quotas, names) {
	{ "max_user_buffers", take_name, give_fd, LIMIT },
};

FIXTURE_VARIANT_ADD(quotas, objects) {
	{ "max_user_objects", take_buffer, give_fd, LIMIT },
};

FIXTURE_VARIANT_ADD(quotas, bytes) {
	{ "max_user_bytes", take_buffer, give_fd, LIMIT * PAGE },
};

FIXTURE_VARIANT_ADD(quotas, bytes_of_all) {
	{ "max_total_bytes", take_buffer, give_fd, LIMIT * PAGE },
};

FIXTURE_VARIANT_ADD(quotas, bytes_grown) {
	{ "max_user_bytes", take_growth, give_fd, LIMIT * 2 * PAGE },
};

FIXTURE_VARIANT_ADD(quotas, bytes_mapped) {
	{ "max_user_bytes", take_mapping, give_mapping, LIMIT * PAGE },
};

FIXTURE_VARIANT_ADD(quotas, ids) {
	{ "max_user_owners", take_owner, give_owner, LIMIT },
};

FIXTURE_VARIANT_ADD(quotas, rows) {
	{ "max_user_owners", take_row, give_mapping, LIMIT },
};

FIXTURE_VARIANT_ADD(quotas, watches) {
	{ "max_user_claims", take_watch, give_fd, LIMIT },
};

FIXTURE_VARIANT_ADD(quotas, units) {
	{ "max_user_claims", take_unit, give_unit, LIMIT },
};

FIXTURE_VARIANT_ADD(quotas, readers) {
	{ "max_user_claims", take_reader, give_owner, LIMIT },
};

static void create_shared(int fd)
{
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = SHMBUF_CREATE_EXCL, .name = address("quotas"),
		.name_len = strlen("quotas"), .mode = 0666, .data_size = PAGE,
		.nr_objects = SEM + SEMS,
	};
	int i;

	CHECK(call(fd, SHMBUF_IOC_CREATE, &arg) == 0);
	CHECK(do_init(fd, LOCK, 1, SHMBUF_KIND_LOCK, 0) == 0);
	CHECK(do_init(fd, QUEUE, 1, SHMBUF_KIND_QUEUE, 0) == 0);
	for (i = 0; i < SEMS; i++)
		new_sem(fd, SEM + i, 1000, 1000);
}

FIXTURE_SETUP(quotas)
{
	self->before = get_parameter(variant->q.parameter);
	self->taken = shared_memory(PAGE);
	self->most = self->taken + 1;
	self->fd = open_device(O_RDWR);
	create_shared(self->fd);
	self->account = open_device_of(USER);
	/* For all users together what root has counts as well. */
	set_parameter(variant->q.parameter,
		      variant->q.limit +
		      (strcmp(variant->q.parameter, "max_total_bytes") ? 0 : PAGE));
}

FIXTURE_TEARDOWN(quotas)
{
	set_parameter(variant->q.parameter, self->before);
	close(self->account);
	close(self->fd);
}

static void note_most(FIXTURE_DATA(quotas) *self)
{
	int seen = __atomic_add_fetch(self->taken, 1, __ATOMIC_SEQ_CST);
	int most = __atomic_load_n(self->most, __ATOMIC_SEQ_CST);

	while (seen > most && !__atomic_compare_exchange_n(self->most, &most, seen, false,
							   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static bool refused(__s64 what)
{
	return what == -EDQUOT || what == -ENOSPC;
}

/* Up to three at once, by fits and starts. */
static void take_and_give(FIXTURE_DATA(quotas) *self, const struct quota *q, int rounds,
			  bool counts)
{
	int round, nr, i;
	__s64 what[3];

	for (round = 0; round < rounds || !rounds; round++) {
		for (nr = 0; nr < 3; nr++) {
			what[nr] = q->take(self->fd, round * 3 + nr);
			CHECK(!refused(what[nr]) ? what[nr] >= 0 : true);
			if (what[nr] < 0)
				break;
			if (counts)
				note_most(self);
		}
		for (i = 0; i < nr; i++) {
			if (counts)
				__atomic_sub_fetch(self->taken, 1, __ATOMIC_SEQ_CST);
			q->give(self->fd, what[i]);
		}
	}
}

/* All of it can be had, and nothing more. */
static void use_up(FIXTURE_DATA(quotas) *self, const struct quota *q)
{
	__s64 what[LIMIT], more;
	int i;

	for (i = 0; i < LIMIT; i++)
		UNTIL((what[i] = q->take(self->fd, i)) >= 0);
	more = q->take(self->fd, LIMIT);
	CHECK(refused(more));
	for (i = 0; i < LIMIT; i++)
		q->give(self->fd, what[i]);
}

TEST_F(quotas, never_passed)
{
	pid_t pids[HEIRS], pid;
	int i;

	for (i = 0; i < HEIRS; i++) {
		pids[i] = spawn_as(USER);
		if (!pids[i]) {
			take_and_give(self, &variant->q, fewer(150), true);
			_exit(0);
		}
	}
	for (i = 0; i < HEIRS; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_GE(LIMIT, *self->most);
	EXPECT_LT(0, *self->most);
	EXPECT_EQ(0, *self->taken);
	pid = spawn_as(USER);
	if (!pid) {
		use_up(self, &variant->q);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(quotas, given_back_by_the_killed)
{
	int i, kills;
	pid_t pids[HEIRS], pid;

	for (i = 0; i < HEIRS; i++)
		pids[i] = 0;
	for (kills = 0; kills < HEIRS + fewer(40); kills++) {
		i = kills % HEIRS;
		if (pids[i])
			EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[i]));
		pids[i] = spawn_as(USER);
		if (!pids[i])
			take_and_give(self, &variant->q, 0, false);
		usleep(kills * 37 % 1000);
	}
	for (i = 0; i < HEIRS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[i]));
	pid = spawn_as(USER);
	if (!pid) {
		use_up(self, &variant->q);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_HARNESS_MAIN
