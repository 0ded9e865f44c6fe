// SPDX-License-Identifier: GPL-2.0-only
/* The ABI: layouts, and what each ioctl says to each wrong argument. */
#include "shmbuf_test.h"

#define EXPECT_LAYOUT(struct_, member, offset) \
	EXPECT_EQ(offset, offsetof(struct struct_, member))

TEST(sizes)
{
	EXPECT_EQ(24, sizeof(struct shmbuf_area));
	EXPECT_EQ(176, sizeof(struct shmbuf_query));
	EXPECT_EQ(24, sizeof(struct shmbuf_range));
	EXPECT_EQ(64, sizeof(struct shmbuf_create));
	EXPECT_EQ(24, sizeof(struct shmbuf_name));
	EXPECT_EQ(32, sizeof(struct shmbuf_init));
	EXPECT_EQ(16, sizeof(struct shmbuf_grow));
	EXPECT_EQ(16, sizeof(struct shmbuf_seal));
	EXPECT_EQ(16, sizeof(struct shmbuf_register));
	EXPECT_EQ(32, sizeof(struct shmbuf_lock));
	EXPECT_EQ(48, sizeof(struct shmbuf_wait));
	EXPECT_EQ(16, sizeof(struct shmbuf_wake));
	EXPECT_EQ(32, sizeof(struct shmbuf_wait_item));
	EXPECT_EQ(40, sizeof(struct shmbuf_wait_any));
	EXPECT_EQ(24, sizeof(struct shmbuf_watch));
	EXPECT_EQ(16, sizeof(struct shmbuf_moved_queue));
	EXPECT_EQ(24, sizeof(struct shmbuf_moved));
	EXPECT_EQ(40, sizeof(struct shmbuf_sem));
	EXPECT_EQ(32, sizeof(struct shmbuf_barrier));
	EXPECT_EQ(80, sizeof(struct shmbuf_death));
	EXPECT_EQ(32, sizeof(struct shmbuf_deaths));
	EXPECT_EQ(64, sizeof(struct shmbuf_waiter_info));
	EXPECT_EQ(184, sizeof(struct shmbuf_owner_info));
	EXPECT_EQ(24, sizeof(struct shmbuf_recover));
	EXPECT_EQ(208, sizeof(struct shmbuf_stats));
	EXPECT_EQ(464, sizeof(struct shmbuf_listing));
	EXPECT_EQ(32, sizeof(struct shmbuf_list));
	EXPECT_EQ(96, sizeof(struct shmbuf_object));
	EXPECT_EQ(24, sizeof(struct shmbuf_objects));
	EXPECT_EQ(24, sizeof(struct shmbuf_waiters));
	EXPECT_EQ(64, sizeof(struct shmbuf_control));
}

TEST(offsets)
{
	EXPECT_LAYOUT(shmbuf_area, offset, 8);
	EXPECT_LAYOUT(shmbuf_area, size, 16);
	EXPECT_LAYOUT(shmbuf_query, areas, 8);
	EXPECT_LAYOUT(shmbuf_query, nr_areas, 16);
	EXPECT_LAYOUT(shmbuf_query, name_size, 20);
	EXPECT_LAYOUT(shmbuf_query, name, 24);
	EXPECT_LAYOUT(shmbuf_query, abi_version, 32);
	EXPECT_LAYOUT(shmbuf_query, handle_flags, 36);
	EXPECT_LAYOUT(shmbuf_query, features, 40);
	EXPECT_LAYOUT(shmbuf_query, limit_total_bytes, 48);
	EXPECT_LAYOUT(shmbuf_query, buffer_id, 104);
	EXPECT_LAYOUT(shmbuf_query, data_size, 112);
	EXPECT_LAYOUT(shmbuf_query, generation, 128);
	EXPECT_LAYOUT(shmbuf_query, nr_objects, 136);
	EXPECT_LAYOUT(shmbuf_query, object_stride, 148);
	EXPECT_LAYOUT(shmbuf_query, mode, 152);
	EXPECT_LAYOUT(shmbuf_query, seals, 164);
	EXPECT_LAYOUT(shmbuf_query, create_flags, 168);
	EXPECT_LAYOUT(shmbuf_range, kind, 8);
	EXPECT_LAYOUT(shmbuf_range, value, 16);
	EXPECT_LAYOUT(shmbuf_create, name, 8);
	EXPECT_LAYOUT(shmbuf_create, name_len, 16);
	EXPECT_LAYOUT(shmbuf_create, mode, 20);
	EXPECT_LAYOUT(shmbuf_create, data_size, 24);
	EXPECT_LAYOUT(shmbuf_create, max_size, 32);
	EXPECT_LAYOUT(shmbuf_create, nr_objects, 40);
	EXPECT_LAYOUT(shmbuf_create, layout, 44);
	EXPECT_LAYOUT(shmbuf_create, ranges, 48);
	EXPECT_LAYOUT(shmbuf_create, nr_ranges, 56);
	EXPECT_LAYOUT(shmbuf_name, name_len, 16);
	EXPECT_LAYOUT(shmbuf_init, range, 8);
	EXPECT_LAYOUT(shmbuf_grow, data_size, 8);
	EXPECT_LAYOUT(shmbuf_seal, seals, 8);
	EXPECT_LAYOUT(shmbuf_register, owner, 8);
	EXPECT_LAYOUT(shmbuf_lock, owner, 8);
	EXPECT_LAYOUT(shmbuf_lock, index, 16);
	EXPECT_LAYOUT(shmbuf_lock, deadline, 24);
	EXPECT_LAYOUT(shmbuf_wait, index, 8);
	EXPECT_LAYOUT(shmbuf_wait, sequence, 16);
	EXPECT_LAYOUT(shmbuf_wait, deadline, 24);
	EXPECT_LAYOUT(shmbuf_wait, lock, 12);
	EXPECT_LAYOUT(shmbuf_wait, owner, 32);
	EXPECT_LAYOUT(shmbuf_wait, deaths, 40);
	EXPECT_LAYOUT(shmbuf_wait_item, owner, 16);
	EXPECT_LAYOUT(shmbuf_wait_item, sequence, 24);
	EXPECT_LAYOUT(shmbuf_wait_any, items, 8);
	EXPECT_LAYOUT(shmbuf_wait_any, nr_items, 16);
	EXPECT_LAYOUT(shmbuf_wait_any, deadline, 24);
	EXPECT_LAYOUT(shmbuf_wait_any, deaths, 32);
	EXPECT_LAYOUT(shmbuf_watch, eventfd, 12);
	EXPECT_LAYOUT(shmbuf_watch, sequence, 16);
	EXPECT_LAYOUT(shmbuf_moved_queue, sequence, 8);
	EXPECT_LAYOUT(shmbuf_moved, queues, 8);
	EXPECT_LAYOUT(shmbuf_moved, nr_queues, 16);
	EXPECT_LAYOUT(shmbuf_sem, owner, 16);
	EXPECT_LAYOUT(shmbuf_sem, deadline, 24);
	EXPECT_LAYOUT(shmbuf_sem, deaths, 32);
	EXPECT_LAYOUT(shmbuf_barrier, owner, 16);
	EXPECT_LAYOUT(shmbuf_barrier, deadline, 24);
	EXPECT_LAYOUT(shmbuf_death, owner, 8);
	EXPECT_LAYOUT(shmbuf_death, time, 16);
	EXPECT_LAYOUT(shmbuf_death, pid, 24);
	EXPECT_LAYOUT(shmbuf_death, how, 32);
	EXPECT_LAYOUT(shmbuf_death, flags, 40);
	EXPECT_LAYOUT(shmbuf_death, comm, 48);
	EXPECT_LAYOUT(shmbuf_deaths, deaths, 8);
	EXPECT_LAYOUT(shmbuf_deaths, nr_deaths, 16);
	EXPECT_LAYOUT(shmbuf_deaths, after, 24);
	EXPECT_LAYOUT(shmbuf_waiter_info, since, 8);
	EXPECT_LAYOUT(shmbuf_waiter_info, pid, 16);
	EXPECT_LAYOUT(shmbuf_waiter_info, flags, 24);
	EXPECT_LAYOUT(shmbuf_waiter_info, comm, 32);
	EXPECT_LAYOUT(shmbuf_owner_info, owner, 16);
	EXPECT_LAYOUT(shmbuf_owner_info, since, 24);
	EXPECT_LAYOUT(shmbuf_owner_info, pid, 32);
	EXPECT_LAYOUT(shmbuf_owner_info, comm, 40);
	EXPECT_LAYOUT(shmbuf_owner_info, nr_readers, 56);
	EXPECT_LAYOUT(shmbuf_owner_info, waiters, 64);
	EXPECT_LAYOUT(shmbuf_owner_info, death, 72);
	EXPECT_LAYOUT(shmbuf_stats, buffer_id, 8);
	EXPECT_LAYOUT(shmbuf_stats, data_size, 16);
	EXPECT_LAYOUT(shmbuf_stats, resident, 32);
	EXPECT_LAYOUT(shmbuf_stats, waited, 64);
	EXPECT_LAYOUT(shmbuf_stats, nr_objects, 72);
	EXPECT_LAYOUT(shmbuf_stats, notrecoverable, 100);
	EXPECT_LAYOUT(shmbuf_stats, mode, 104);
	EXPECT_LAYOUT(shmbuf_stats, uid, 108);
	EXPECT_LAYOUT(shmbuf_stats, seals, 116);
	EXPECT_LAYOUT(shmbuf_stats, creator_pid, 124);
	EXPECT_LAYOUT(shmbuf_stats, creator, 128);
	EXPECT_LAYOUT(shmbuf_listing, stats, 256);
	EXPECT_LAYOUT(shmbuf_list, after, 8);
	EXPECT_LAYOUT(shmbuf_list, listings, 16);
	EXPECT_LAYOUT(shmbuf_list, nr_listings, 24);
	EXPECT_LAYOUT(shmbuf_list, listing_size, 28);
	EXPECT_LAYOUT(shmbuf_object, nr_waiters, 12);
	EXPECT_LAYOUT(shmbuf_object, owner, 16);
	EXPECT_LAYOUT(shmbuf_object, value, 24);
	EXPECT_LAYOUT(shmbuf_object, most, 32);
	EXPECT_LAYOUT(shmbuf_object, contentions, 40);
	EXPECT_LAYOUT(shmbuf_object, longest, 56);
	EXPECT_LAYOUT(shmbuf_objects, objects, 8);
	EXPECT_LAYOUT(shmbuf_objects, first, 16);
	EXPECT_LAYOUT(shmbuf_objects, nr_objects, 20);
	EXPECT_LAYOUT(shmbuf_waiters, waiters, 8);
	EXPECT_LAYOUT(shmbuf_waiters, index, 16);
	EXPECT_LAYOUT(shmbuf_waiters, nr_waiters, 20);
	EXPECT_LAYOUT(shmbuf_recover, index, 8);
	EXPECT_LAYOUT(shmbuf_recover, owner, 16);
	EXPECT_LAYOUT(shmbuf_wake, index, 8);
	EXPECT_LAYOUT(shmbuf_wake, count, 12);
	EXPECT_EQ(0xbd00, SHMBUF_IOC_QUERY);
	EXPECT_EQ(0xbd20, SHMBUF_IOC_LOCK);
	EXPECT_EQ(0xbd24, SHMBUF_IOC_RECOVER);
	EXPECT_EQ(0xbd29, SHMBUF_IOC_WAKE);
	EXPECT_EQ(0xbd45, SHMBUF_IOC_WAITERS);
}

static const unsigned long commands[] = {
	SHMBUF_IOC_QUERY, SHMBUF_IOC_CREATE, SHMBUF_IOC_OPEN, SHMBUF_IOC_UNLINK,
	SHMBUF_IOC_INIT, SHMBUF_IOC_RESET, SHMBUF_IOC_GROW, SHMBUF_IOC_SEAL,
	SHMBUF_IOC_REGISTER, SHMBUF_IOC_UNREGISTER, SHMBUF_IOC_LOCK, SHMBUF_IOC_UNLOCK,
	SHMBUF_IOC_CONSISTENT, SHMBUF_IOC_DOWNGRADE,
	SHMBUF_IOC_WAIT, SHMBUF_IOC_WAKE, SHMBUF_IOC_WAIT_ANY,
	SHMBUF_IOC_SEM_WAIT, SHMBUF_IOC_SEM_POST,
	SHMBUF_IOC_BARRIER_WAIT, SHMBUF_IOC_BARRIER_LEAVE,
	SHMBUF_IOC_WATCH, SHMBUF_IOC_MOVED, SHMBUF_IOC_DEATHS, SHMBUF_IOC_OWNER_INFO,
	SHMBUF_IOC_RECOVER, SHMBUF_IOC_STATS, SHMBUF_IOC_LIST, SHMBUF_IOC_OBJECTS,
	SHMBUF_IOC_WAITERS,
};

static bool known(unsigned long cmd)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i] == cmd)
			return true;
	return false;
}

TEST(unknown_commands)
{
	int fd = new_buffer(NULL, 1, 0, 0);
	struct shmbuf_query query = { .size = sizeof(query) };
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		unsigned long cmd = _IO(SHMBUF_IOC_TYPE, nr);

		if (!known(cmd)) {
			EXPECT_EQ(-ENOTTY, call(fd, cmd, &query))
				TH_LOG("command %#lx", cmd);
		}
	}
	EXPECT_EQ(-ENOTTY, call(fd, _IO(0xbc, 0), &query));
	EXPECT_EQ(-ENOTTY, call(fd, _IOWR(SHMBUF_IOC_TYPE, 0, struct shmbuf_query), &query));
	EXPECT_EQ(0, call(fd, SHMBUF_IOC_QUERY, &query));
}

/* A call that is right in all, for others to make one thing of it wrong. */

struct right {
	int fd;
	char name[64];
	__u64 owner;
	struct shmbuf_wait_item item;
	struct shmbuf_listing listing;
	struct shmbuf_object object;
	union {
		__u32 size;
		struct shmbuf_query query;
		struct shmbuf_create create;
		struct shmbuf_name by_name;
		struct shmbuf_init init;
		struct shmbuf_grow grow;
		struct shmbuf_seal seal;
		struct shmbuf_register reg;
		struct shmbuf_lock lock;
		struct shmbuf_wait wait;
		struct shmbuf_wake wake;
		struct shmbuf_sem sem;
		struct shmbuf_barrier barrier;
		struct shmbuf_watch watch;
		struct shmbuf_moved moved;
		struct shmbuf_deaths deaths;
		struct shmbuf_wait_any wait_any;
		struct shmbuf_recover recover;
		struct shmbuf_stats stats;
		struct shmbuf_list list;
		struct shmbuf_objects objects;
		struct shmbuf_waiters waiters;
		char bytes[512];
	};
};

struct row {
	unsigned long cmd;
	const char *name;
	__u32 size;
	__u32 reserved;		/* offset of a reserved __u32, 0 for none */
	__u32 other_flag;	/* a flag that another command knows */
	bool writes;		/* EBADF on a read-only handle */
	bool attached;		/* ENOTCONN on a handle without a buffer */
};

static const struct row rows[] = {
	{ SHMBUF_IOC_QUERY, "QUERY", sizeof(struct shmbuf_query),
	  offsetof(struct shmbuf_query, reserved), 1, false, false },
	{ SHMBUF_IOC_CREATE, "CREATE", sizeof(struct shmbuf_create),
	  offsetof(struct shmbuf_create, reserved), 1U << 4, true, false },
	{ SHMBUF_IOC_OPEN, "OPEN", sizeof(struct shmbuf_name),
	  offsetof(struct shmbuf_name, reserved), SHMBUF_CREATE_EXCL, false, false },
	{ SHMBUF_IOC_UNLINK, "UNLINK", sizeof(struct shmbuf_name),
	  offsetof(struct shmbuf_name, reserved), 1, true, false },
	{ SHMBUF_IOC_INIT, "INIT", sizeof(struct shmbuf_init),
	  offsetof(struct shmbuf_init, range.reserved), 1, true, true },
	{ SHMBUF_IOC_RESET, "RESET", sizeof(struct shmbuf_init),
	  offsetof(struct shmbuf_init, range.reserved), 1, true, true },
	{ SHMBUF_IOC_GROW, "GROW", sizeof(struct shmbuf_grow), 0, 1, true, true },
	{ SHMBUF_IOC_SEAL, "SEAL", sizeof(struct shmbuf_seal),
	  offsetof(struct shmbuf_seal, reserved), 1, true, true },
	{ SHMBUF_IOC_REGISTER, "REGISTER", sizeof(struct shmbuf_register),
	  offsetof(struct shmbuf_register, owner), 1U << 1, true, true },
	{ SHMBUF_IOC_UNREGISTER, "UNREGISTER", sizeof(struct shmbuf_register), 0,
	  SHMBUF_REGISTER_PROCESS, true, true },
	{ SHMBUF_IOC_LOCK, "LOCK", sizeof(struct shmbuf_lock),
	  offsetof(struct shmbuf_lock, reserved), 1U << 6, true, true },
	{ SHMBUF_IOC_UNLOCK, "UNLOCK", sizeof(struct shmbuf_lock),
	  offsetof(struct shmbuf_lock, reserved), SHMBUF_LOCK_TRY, true, true },
	{ SHMBUF_IOC_CONSISTENT, "CONSISTENT", sizeof(struct shmbuf_lock),
	  offsetof(struct shmbuf_lock, reserved), SHMBUF_LOCK_TRY, true, true },
	{ SHMBUF_IOC_DOWNGRADE, "DOWNGRADE", sizeof(struct shmbuf_lock),
	  offsetof(struct shmbuf_lock, reserved), SHMBUF_LOCK_TRY, true, true },
	{ SHMBUF_IOC_WAIT, "WAIT", sizeof(struct shmbuf_wait),
	  offsetof(struct shmbuf_wait, lock), 1U << 3, false, true },
	{ SHMBUF_IOC_WAKE, "WAKE", sizeof(struct shmbuf_wake), 0, 1, true, true },
	{ SHMBUF_IOC_SEM_WAIT, "SEM_WAIT", sizeof(struct shmbuf_sem),
	  offsetof(struct shmbuf_sem, reserved), 1U << 3, true, true },
	{ SHMBUF_IOC_SEM_POST, "SEM_POST", sizeof(struct shmbuf_sem),
	  offsetof(struct shmbuf_sem, reserved), SHMBUF_SEM_TRY, true, true },
	{ SHMBUF_IOC_BARRIER_WAIT, "BARRIER_WAIT", sizeof(struct shmbuf_barrier),
	  offsetof(struct shmbuf_barrier, reserved), 1, true, true },
	{ SHMBUF_IOC_BARRIER_LEAVE, "BARRIER_LEAVE", sizeof(struct shmbuf_barrier),
	  offsetof(struct shmbuf_barrier, reserved), 1, true, true },
	{ SHMBUF_IOC_WATCH, "WATCH", sizeof(struct shmbuf_watch),
	  offsetof(struct shmbuf_watch, eventfd), 1U << 2, false, true },
	{ SHMBUF_IOC_MOVED, "MOVED", sizeof(struct shmbuf_moved),
	  offsetof(struct shmbuf_moved, reserved), 1, false, true },
	{ SHMBUF_IOC_DEATHS, "DEATHS", sizeof(struct shmbuf_deaths),
	  offsetof(struct shmbuf_deaths, reserved), 1, false, true },
	{ SHMBUF_IOC_OWNER_INFO, "OWNER_INFO", sizeof(struct shmbuf_owner_info), 0, 1,
	  false, true },
	{ SHMBUF_IOC_WAIT_ANY, "WAIT_ANY", sizeof(struct shmbuf_wait_any),
	  offsetof(struct shmbuf_wait_any, reserved), SHMBUF_WAIT_LOCK, false, true },
	{ SHMBUF_IOC_RECOVER, "RECOVER", sizeof(struct shmbuf_recover),
	  offsetof(struct shmbuf_recover, reserved), 1, true, true },
	{ SHMBUF_IOC_STATS, "STATS", sizeof(struct shmbuf_stats), 0, 1, false, true },
	{ SHMBUF_IOC_LIST, "LIST", sizeof(struct shmbuf_list), 0, 1, false, false },
	{ SHMBUF_IOC_OBJECTS, "OBJECTS", sizeof(struct shmbuf_objects), 0, 1, false, true },
	{ SHMBUF_IOC_WAITERS, "WAITERS", sizeof(struct shmbuf_waiters), 0, 1, false, true },
};

#define SEM	3
#define BARRIER	4

/* Object 0 is a lock, 1 a queue, 2 free, SEM a semaphore, BARRIER one for one party. */
static int new_table(const char *name)
{
	int fd = new_buffer(name, 1, 1, 3);
	int ret = do_init(fd, BARRIER, 1, SHMBUF_KIND_BARRIER, 1);

	if (ret)
		fatal("INIT of a barrier: %d", ret);
	new_sem(fd, SEM, 1000, 0);
	return fd;
}

static void fill(const struct row *row, struct right *r)
{
	memset(r->bytes, 0, sizeof(r->bytes));
	r->size = row->size;
	switch (row->cmd) {
	case SHMBUF_IOC_CREATE:
		r->create.data_size = 4096;
		break;
	case SHMBUF_IOC_OPEN:
	case SHMBUF_IOC_UNLINK:
		r->by_name.name = address(r->name);
		r->by_name.name_len = strlen(r->name);
		break;
	case SHMBUF_IOC_INIT:
		r->init.range.first = 2;
		r->init.range.count = 1;
		r->init.range.kind = SHMBUF_KIND_LOCK;
		break;
	case SHMBUF_IOC_RESET:
		r->init.range.count = 1;
		break;
	case SHMBUF_IOC_GROW:
		r->grow.data_size = 4096;
		break;
	case SHMBUF_IOC_SEAL:
		r->seal.seals = SHMBUF_SEAL_GROW;
		break;
	case SHMBUF_IOC_UNREGISTER:
		r->reg.owner = r->owner;
		break;
	case SHMBUF_IOC_LOCK:
		r->lock.deadline = NEVER;
		__attribute__((fallthrough));
	case SHMBUF_IOC_UNLOCK:
	case SHMBUF_IOC_CONSISTENT:
	case SHMBUF_IOC_DOWNGRADE:
		r->lock.owner = r->owner;
		break;
	case SHMBUF_IOC_WAIT:
		r->wait.index = 1;
		r->wait.sequence = ~0ULL;
		r->wait.deadline = NEVER;
		break;
	case SHMBUF_IOC_WAKE:
		r->wake.index = 1;
		r->wake.count = 1;
		break;
	case SHMBUF_IOC_SEM_WAIT:
		r->sem.deadline = NEVER;
		__attribute__((fallthrough));
	case SHMBUF_IOC_SEM_POST:
		r->sem.index = SEM;
		break;
	case SHMBUF_IOC_BARRIER_WAIT:
		r->barrier.deadline = NEVER;
		__attribute__((fallthrough));
	case SHMBUF_IOC_BARRIER_LEAVE:
		r->barrier.owner = r->owner;
		r->barrier.index = BARRIER;
		break;
	case SHMBUF_IOC_WATCH:
		r->watch.index = 1;
		break;
	case SHMBUF_IOC_WAIT_ANY:
		r->item = (struct shmbuf_wait_item) {
			.fd = r->fd, .index = 1, .kind = SHMBUF_KIND_QUEUE, .sequence = ~0ULL,
		};
		r->wait_any.items = address(&r->item);
		r->wait_any.nr_items = 1;
		break;
	case SHMBUF_IOC_RECOVER:
		r->recover.owner = r->owner;
		break;
	case SHMBUF_IOC_LIST:
		r->list.listings = address(&r->listing);
		r->list.nr_listings = 1;
		r->list.listing_size = sizeof(r->listing);
		break;
	case SHMBUF_IOC_OBJECTS:
		r->objects.objects = address(&r->object);
		r->objects.nr_objects = 1;
		break;
	case SHMBUF_IOC_WAITERS:
		r->waiters.index = 1;
		break;
	}
}

/* What it returns: who arrived last, or one of what there is. */
static int right_result(const struct row *row)
{
	return row->cmd == SHMBUF_IOC_BARRIER_WAIT || row->cmd == SHMBUF_IOC_LIST ||
	       row->cmd == SHMBUF_IOC_OBJECTS;
}

FIXTURE(each)
{
	int fd;		/* holds the buffer */
	int dead_fd;	/* where the children died */
	struct right r;
};

FIXTURE_VARIANT(each)
{
	int row;
};

/* By position in rows. */
FIXTURE_VARIANT_ADD(each, query) { 0 };
FIXTURE_VARIANT_ADD(each, create) { 1 };
FIXTURE_VARIANT_ADD(each, open) { 2 };
FIXTURE_VARIANT_ADD(each, unlink) { 3 };
FIXTURE_VARIANT_ADD(each, init) { 4 };
FIXTURE_VARIANT_ADD(each, reset) { 5 };
FIXTURE_VARIANT_ADD(each, grow) { 6 };
FIXTURE_VARIANT_ADD(each, seal) { 7 };
FIXTURE_VARIANT_ADD(each, register) { 8 };
FIXTURE_VARIANT_ADD(each, unregister) { 9 };
FIXTURE_VARIANT_ADD(each, lock) { 10 };
FIXTURE_VARIANT_ADD(each, unlock) { 11 };
FIXTURE_VARIANT_ADD(each, consistent) { 12 };
FIXTURE_VARIANT_ADD(each, downgrade) { 13 };
FIXTURE_VARIANT_ADD(each, wait) { 14 };
FIXTURE_VARIANT_ADD(each, wake) { 15 };
FIXTURE_VARIANT_ADD(each, sem_wait) { 16 };
FIXTURE_VARIANT_ADD(each, sem_post) { 17 };
FIXTURE_VARIANT_ADD(each, barrier_wait) { 18 };
FIXTURE_VARIANT_ADD(each, barrier_leave) { 19 };
FIXTURE_VARIANT_ADD(each, watch) { 20 };
FIXTURE_VARIANT_ADD(each, moved) { 21 };
FIXTURE_VARIANT_ADD(each, deaths) { 22 };
FIXTURE_VARIANT_ADD(each, owner_info) { 23 };
FIXTURE_VARIANT_ADD(each, wait_any) { 24 };
FIXTURE_VARIANT_ADD(each, recover) { 25 };
FIXTURE_VARIANT_ADD(each, stats) { 26 };
FIXTURE_VARIANT_ADD(each, list) { 27 };
FIXTURE_VARIANT_ADD(each, objects) { 28 };
FIXTURE_VARIANT_ADD(each, waiters) { 29 };

static int row_is_new(const struct row *row)
{
	return row->cmd == SHMBUF_IOC_CREATE || row->cmd == SHMBUF_IOC_OPEN;
}

FIXTURE_SETUP(each)
{
	const struct row *row = &rows[variant->row];
	struct right *r = &self->r;
	pid_t pid;

	self->fd = new_table(new_name(r->name));
	if (row_is_new(row)) {
		r->fd = open_device(O_RDWR);
	} else {
		r->fd = open_buffer(r->name, O_RDWR);
		r->owner = new_owner(r->fd);
	}
	if (row->cmd == SHMBUF_IOC_UNLOCK || row->cmd == SHMBUF_IOC_DOWNGRADE ||
	    row->cmd == SHMBUF_IOC_RECOVER)
		ASSERT_EQ(0, do_lock(r->fd, r->owner, 0, 0, NEVER));
	if (row->cmd == SHMBUF_IOC_BARRIER_LEAVE)
		ASSERT_EQ(1, do_barrier_wait(r->fd, r->owner, BARRIER, NEVER));
	if (row->cmd == SHMBUF_IOC_CONSISTENT) {
		pid = spawn();
		if (!pid)
			_exit(do_trylock(self->fd, new_owner(self->fd), 0));
		ASSERT_EQ(0, reap(pid));
		ASSERT_EQ(-EOWNERDEAD, do_trylock(r->fd, r->owner, 0));
	}
	fill(row, r);
}

FIXTURE_TEARDOWN(each)
{
	/* After all that was wrong, nothing has changed: what is right succeeds. */
	fill(&rows[variant->row], &self->r);
	EXPECT_EQ(right_result(&rows[variant->row]),
		  call(self->r.fd, rows[variant->row].cmd, &self->r.bytes));
	close(self->r.fd);
	close(self->fd);
}

/* Two pages of which the second can't be accessed; returns where it starts. */
static char *guarded_page(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + 4096, 4096, PROT_NONE))
		fatal("mmap: %s", strerror(errno));
	return p + 4096;
}

TEST_F(each, bad_pointer)
{
	const struct row *row = &rows[variant->row];
	char *edge = guarded_page();

	EXPECT_EQ(-EFAULT, call(self->r.fd, row->cmd, NULL));
	EXPECT_EQ(-EFAULT, call(self->r.fd, row->cmd, edge));
	EXPECT_EQ(-EFAULT, call(self->r.fd, row->cmd, edge - 2));
	EXPECT_EQ(-EFAULT, call(self->r.fd, row->cmd, (void *)-4096L));
	EXPECT_EQ(-EFAULT, call(self->r.fd, row->cmd, (void *)LONG_MIN));
	/* The size is there, the rest isn't. */
	memcpy(edge - row->size + 8, self->r.bytes, row->size - 8);
	EXPECT_EQ(-EFAULT, call(self->r.fd, row->cmd, edge - row->size + 8));
}

TEST_F(each, short_struct)
{
	const struct row *row = &rows[variant->row];
	__u32 size;

	for (size = 0; size < 8; size++) {
		self->r.size = size;
		EXPECT_EQ(-EINVAL, call(self->r.fd, row->cmd, self->r.bytes))
			TH_LOG("size %u", size);
	}
	/* All of it was there in the first version. */
	self->r.size = row->size - 1;
	EXPECT_EQ(-EINVAL, call(self->r.fd, row->cmd, self->r.bytes));
	self->r.size = row->size - 8;
	EXPECT_EQ(-EINVAL, call(self->r.fd, row->cmd, self->r.bytes));
}

TEST_F(each, long_struct_with_something_in_its_tail)
{
	const struct row *row = &rows[variant->row];

	self->r.size = row->size + 8;
	self->r.bytes[row->size] = 1;
	EXPECT_EQ(-E2BIG, call(self->r.fd, row->cmd, self->r.bytes));
	self->r.bytes[row->size] = 0;
	self->r.bytes[row->size + 7] = 1;
	EXPECT_EQ(-E2BIG, call(self->r.fd, row->cmd, self->r.bytes));
	self->r.size = sizeof(self->r.bytes);
	EXPECT_EQ(-E2BIG, call(self->r.fd, row->cmd, self->r.bytes));
	self->r.size = ~0U;
	EXPECT_EQ(-E2BIG, call(self->r.fd, row->cmd, self->r.bytes));
}

TEST_F(each, long_struct_with_zero_tail_unmapped)
{
	const struct row *row = &rows[variant->row];
	char *edge = guarded_page();

	self->r.size = row->size + 8;
	memcpy(edge - row->size, self->r.bytes, row->size);
	EXPECT_EQ(-EFAULT, call(self->r.fd, row->cmd, edge - row->size));
}

FIXTURE(tail)
{
};

FIXTURE_SETUP(tail)
{
}

FIXTURE_TEARDOWN(tail)
{
}

/* As each's teardown calls once more what succeeded, this goes without it. */
TEST_F(tail, zero_is_accepted)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct right r;
		int fd = new_table(new_name(r.name));
		int expected = right_result(row);

		r.fd = row_is_new(row) ? open_device(O_RDWR) : open_buffer(r.name, O_RDWR);
		r.owner = row_is_new(row) ? 0 : new_owner(r.fd);
		fill(row, &r);
		r.size = sizeof(r.bytes);
		if (row->cmd == SHMBUF_IOC_UNLOCK)
			expected = -EPERM;	/* the lock isn't held: understood */
		if (row->cmd == SHMBUF_IOC_CONSISTENT || row->cmd == SHMBUF_IOC_DOWNGRADE)
			expected = -EPERM;
		if (row->cmd == SHMBUF_IOC_RECOVER)
			expected = -ESRCH;
		if (row->cmd == SHMBUF_IOC_BARRIER_LEAVE)
			expected = -ENOENT;
		EXPECT_EQ(expected, call(r.fd, row->cmd, r.bytes))
			TH_LOG("%s", row->name);
		close(r.fd);
		close(fd);
	}
}

TEST_F(each, unknown_flags)
{
	const struct row *row = &rows[variant->row];
	__u32 *flags = (__u32 *)(self->r.bytes + 4);

	*flags = 1U << 31;
	EXPECT_EQ(-EOPNOTSUPP, call(self->r.fd, row->cmd, self->r.bytes));
	*flags = row->other_flag;
	EXPECT_EQ(-EOPNOTSUPP, call(self->r.fd, row->cmd, self->r.bytes));
	*flags = ~0U;
	EXPECT_EQ(-EOPNOTSUPP, call(self->r.fd, row->cmd, self->r.bytes));
}

TEST_F(each, reserved)
{
	const struct row *row = &rows[variant->row];
	__u32 *reserved = (__u32 *)(self->r.bytes + row->reserved);

	if (!row->reserved)
		return;		/* the struct has none */
	*reserved = 1;
	EXPECT_EQ(-EINVAL, call(self->r.fd, row->cmd, self->r.bytes));
	*reserved = 1U << 31;
	EXPECT_EQ(-EINVAL, call(self->r.fd, row->cmd, self->r.bytes));
}

TEST_F(each, unattached_handle)
{
	const struct row *row = &rows[variant->row];
	int fd = open_device(O_RDWR);

	/* CREATE, OPEN and UNLINK need no buffer. */
	if (row->attached || row->cmd == SHMBUF_IOC_QUERY || row->cmd == SHMBUF_IOC_LIST)
		EXPECT_EQ(row->attached ? -ENOTCONN : right_result(row),
			  call(fd, row->cmd, self->r.bytes));
	close(fd);
}

TEST_F(each, read_only_handle)
{
	const struct row *row = &rows[variant->row];
	int fd = row_is_new(row) ? open_device(O_RDONLY) : open_buffer(self->r.name, O_RDONLY);

	EXPECT_EQ(row->writes ? -EBADF : right_result(row),
		  call(fd, row->cmd, self->r.bytes));
	close(fd);
}

TEST(lists_on_any_handle)
{
	int fd = new_buffer(NULL, 0, 0, 0), ro = open_device(O_RDONLY);
	struct shmbuf_listing listing;

	EXPECT_EQ(1, do_list(fd, &listing, 1, 0));
	EXPECT_EQ(1, do_list(ro, &listing, 1, 0));
	EXPECT_EQ(-ENOTCONN, do_stats(ro, &listing.stats));
}

TEST(fields_that_must_be_zero)
{
	int fd = new_buffer(NULL, 1, 1, 1);
	struct shmbuf_lock lock = { .size = sizeof(lock), .owner = new_owner(fd) };
	struct shmbuf_init reset = { .size = sizeof(reset), .range = { .count = 1 } };
	struct shmbuf_range range = { .count = 1, .kind = SHMBUF_KIND_LOCK, .reserved = 1 };
	struct shmbuf_create create = {
		.size = sizeof(create), .data_size = 1, .nr_objects = 1,
		.ranges = address(&range), .nr_ranges = 1,
	};
	int other = open_device(O_RDWR);

	ASSERT_EQ(0, do_lock(fd, lock.owner, 0, 0, NEVER));
	lock.deadline = 1;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_UNLOCK, &lock));
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_CONSISTENT, &lock));
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_DOWNGRADE, &lock));
	EXPECT_EQ(0, do_unlock(fd, lock.owner, 0));
	reset.range.kind = SHMBUF_KIND_LOCK;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_RESET, &reset));
	reset.range.kind = 0;
	reset.range.value = 1;
	EXPECT_EQ(-EINVAL, call(fd, SHMBUF_IOC_RESET, &reset));
	EXPECT_EQ(-EINVAL, do_init(fd, 2, 1, SHMBUF_KIND_LOCK, 1));
	EXPECT_EQ(-EINVAL, call(other, SHMBUF_IOC_CREATE, &create));
	range.reserved = 0;
	EXPECT_EQ(0, call(other, SHMBUF_IOC_CREATE, &create));
}

#ifdef __x86_64__
/* ioctl() as a 32-bit program makes it. */
static int call_32bit(int fd, unsigned int cmd, void *arg)
{
	int ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (54), "b" (fd), "c" (cmd), "d" ((__u32)address(arg))
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

TEST(same_for_32_bit_callers)
{
	int fd = new_buffer(NULL, 1, 1, 0);
	struct shmbuf_lock *lock;
	struct shmbuf_register *reg;
	struct shmbuf_query *query;
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, (void *)low);
	pid = spawn();
	if (!pid)
		_exit(call_32bit(fd, SHMBUF_IOC_QUERY, NULL) != -EFAULT);
	if (reap(pid) == 128 + SIGSEGV)
		SKIP(return, "the kernel runs no 32-bit programs");
	reg = (void *)low;
	lock = (void *)(low + 64);
	query = (void *)(low + 128);
	reg->size = sizeof(*reg);
	ASSERT_EQ(0, call_32bit(fd, SHMBUF_IOC_REGISTER, reg));
	lock->size = sizeof(*lock);
	lock->owner = reg->owner;
	lock->deadline = NEVER;
	EXPECT_EQ(0, call_32bit(fd, SHMBUF_IOC_LOCK, lock));
	lock->deadline = 0;
	EXPECT_EQ(0, call_32bit(fd, SHMBUF_IOC_UNLOCK, lock));
	query->size = sizeof(*query);
	EXPECT_EQ(0, call_32bit(fd, SHMBUF_IOC_QUERY, query));
	EXPECT_EQ(2, query->nr_objects);
}
#endif

TEST_HARNESS_MAIN
