// SPDX-License-Identifier: GPL-2.0-only
/* What goes out to user space is what was meant to: no old memory, in structs or in pages. */
#include "others.h"

#define PAGE	4096UL
#define FILL	0xa5

/* Memory with FILL in it, and a page behind that can't be written. */
static void *filled(size_t size)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED && !mprotect(p + PAGE, PAGE, PROT_READ));
	memset(p, FILL, PAGE);
	return p + PAGE - size;
}

static bool all_of(const void *p, size_t size, unsigned char value)
{
	const unsigned char *c = p;

	while (size && *c == value) {
		c++;
		size--;
	}
	return !size;
}

#define zeros(p, size) all_of(p, size, 0)
#define untouched(p, size) all_of(p, size, FILL)

FIXTURE(leaks)
{
	char name[64];
	int fd;
	__u64 owner;
};

FIXTURE_SETUP(leaks)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 1);
	self->owner = new_owner(self->fd);
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
}

FIXTURE_TEARDOWN(leaks)
{
	close(self->fd);
}

/* Of a text in a field: nothing behind its end. */
static bool tidy(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	return len < size && zeros(text + len, size - len);
}

TEST_F(leaks, query)
{
	struct shmbuf_query *query = filled(sizeof(*query));
	struct shmbuf_area *areas = filled(3 * sizeof(*areas));
	char *name = filled(100);

	memset(query, 0, sizeof(*query));
	query->areas = address(areas);
	query->nr_areas = 3;
	query->name = address(name);
	query->name_size = 100;
	ASSERT_EQ(0, do_query(self->fd, query));
	EXPECT_EQ(0, query->reserved);
	EXPECT_EQ(0, query->flags);
	ASSERT_EQ(2, query->nr_areas);
	EXPECT_EQ(0, areas[0].reserved);
	EXPECT_EQ(0, areas[1].reserved);
	EXPECT_EQ(true, untouched(&areas[2], sizeof(areas[2])));
	EXPECT_STREQ(self->name, name);
	EXPECT_EQ(true, untouched(name + query->name_size, 100 - query->name_size));
	/* One of a buffer that there isn't. */
	memset(query, 0, sizeof(*query));
	ASSERT_EQ(0, do_query(open_device(O_RDWR), query));
	EXPECT_EQ(true, zeros(&query->buffer_id, sizeof(*query) -
			      offsetof(struct shmbuf_query, buffer_id)));
}

static void die_holding(int fd)
{
	pid_t pid = spawn();

	if (!pid) {
		prctl(PR_SET_NAME, "d");
		new_owner(fd);
		_exit(0);
	}
	CHECK(reap(pid) == 0);
}

TEST_F(leaks, deaths)
{
	struct shmbuf_death *deaths = filled(4 * sizeof(*deaths));

	die_holding(self->fd);
	die_holding(self->fd);
	ASSERT_EQ(2, do_deaths(self->fd, deaths, 4, ~0ULL));
	EXPECT_STREQ("d", deaths[0].comm);
	EXPECT_EQ(true, tidy(deaths[0].comm, sizeof(deaths[0].comm)));
	EXPECT_EQ(true, tidy(deaths[1].comm, sizeof(deaths[1].comm)));
	EXPECT_EQ(0, deaths[0].reserved0);
	EXPECT_EQ(true, zeros(deaths[0].reserved, sizeof(deaths[0].reserved)));
	EXPECT_EQ(true, zeros(deaths[1].reserved, sizeof(deaths[1].reserved)));
	EXPECT_EQ(true, untouched(&deaths[2], 2 * sizeof(*deaths)));
}

TEST_F(leaks, owner_info)
{
	struct shmbuf_owner_info *info = filled(sizeof(*info));
	struct shmbuf_waiter_info *waiters = filled(3 * sizeof(*waiters));
	pid_t pid = spawn();

	if (!pid) {
		prctl(PR_SET_NAME, "w");
		_exit(do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER));
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	ASSERT_EQ(0, do_owner_info(self->fd, 0, info, waiters, 3));
	EXPECT_EQ(1, info->nr_waiters);
	EXPECT_EQ(true, tidy(info->comm, sizeof(info->comm)));
	EXPECT_EQ(true, zeros(info->reserved, sizeof(info->reserved)));
	EXPECT_EQ(true, zeros(&info->death, sizeof(info->death)));
	EXPECT_STREQ("w", waiters[0].comm);
	EXPECT_EQ(true, tidy(waiters[0].comm, sizeof(waiters[0].comm)));
	EXPECT_EQ(0, waiters[0].reserved0);
	EXPECT_EQ(true, zeros(waiters[0].reserved, sizeof(waiters[0].reserved)));
	EXPECT_EQ(0, waiters[0].flags);
	EXPECT_EQ(true, untouched(&waiters[1], 2 * sizeof(*waiters)));
	kill_and_reap(pid);
}

TEST_F(leaks, stats)
{
	struct shmbuf_stats *stats = filled(sizeof(*stats));

	ASSERT_EQ(0, do_stats(self->fd, stats));
	EXPECT_EQ(0, stats->flags);
	EXPECT_EQ(1, stats->held);
	EXPECT_EQ(true, tidy(stats->creator, sizeof(stats->creator)));
	EXPECT_EQ(true, zeros(stats->reserved, sizeof(stats->reserved)));
}

TEST_F(leaks, list)
{
	const size_t size = sizeof(struct shmbuf_listing) + 24;
	char *p = filled(3 * size);
	struct shmbuf_listing *listing = (void *)p;
	struct shmbuf_list arg = {
		.size = sizeof(arg), .listings = address(p), .nr_listings = 3,
		.listing_size = size,
	};
	struct shmbuf_stats stats;

	ASSERT_EQ(0, do_stats(self->fd, &stats));
	arg.after = stats.buffer_id - 1;
	ASSERT_EQ(1, call(self->fd, SHMBUF_IOC_LIST, &arg));
	EXPECT_STREQ(self->name, listing->name);
	EXPECT_EQ(true, tidy(listing->name, sizeof(listing->name)));
	EXPECT_EQ(sizeof(stats), listing->stats.size);
	EXPECT_EQ(0, listing->stats.flags);
	EXPECT_EQ(true, tidy(listing->stats.creator, sizeof(stats.creator)));
	EXPECT_EQ(true, zeros(listing->stats.reserved, sizeof(stats.reserved) + 24));
	EXPECT_EQ(true, untouched(p + size, 2 * size));
}

TEST_F(leaks, objects)
{
	struct shmbuf_object *objects = filled(4 * sizeof(*objects));

	ASSERT_EQ(2, do_objects(self->fd, objects, 4, 0));
	EXPECT_EQ(1, objects[1].index);
	EXPECT_EQ(SHMBUF_KIND_QUEUE, objects[1].kind);
	EXPECT_EQ(true, zeros(&objects[1].state,
			      sizeof(*objects) - offsetof(struct shmbuf_object, state)));
	EXPECT_EQ(self->owner, objects[0].owner);
	EXPECT_EQ(true, zeros(&objects[0].value,
			      sizeof(*objects) - offsetof(struct shmbuf_object, value)));
	EXPECT_EQ(true, untouched(&objects[2], 2 * sizeof(*objects)));
}

TEST_F(leaks, waiters)
{
	struct shmbuf_waiter_info *waiters = filled(3 * sizeof(*waiters));
	__u64 sequence = 0;
	pid_t pid = spawn();

	if (!pid) {
		prctl(PR_SET_NAME, "w");
		_exit(do_wait(self->fd, 1, &sequence, NEVER));
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	ASSERT_EQ(1, do_waiters(self->fd, 1, waiters, 3));
	EXPECT_EQ(0, waiters[0].owner);
	EXPECT_EQ(0, waiters[0].flags);
	EXPECT_EQ(0, waiters[0].reserved0);
	EXPECT_EQ(true, zeros(waiters[0].reserved, sizeof(waiters[0].reserved)));
	EXPECT_STREQ("w", waiters[0].comm);
	EXPECT_EQ(true, tidy(waiters[0].comm, sizeof(waiters[0].comm)));
	EXPECT_EQ(true, untouched(&waiters[1], 2 * sizeof(*waiters)));
	kill_and_reap(pid);
}

TEST_F(leaks, moved)
{
	struct shmbuf_moved_queue *queues = filled(3 * sizeof(*queues));

	ASSERT_EQ(0, do_watch(self->fd, 1, 77));
	ASSERT_EQ(1, do_moved(self->fd, queues, 3));
	EXPECT_EQ(0, queues[0].reserved);
	EXPECT_EQ(true, untouched(&queues[1], 2 * sizeof(*queues)));
}

#define ARGS	512

static void expect_refused(struct __test_metadata *_metadata, int fd, char *args, unsigned int nr,
			   __u32 size, __u32 flags)
{
	char before[ARGS];

	memset(args, FILL, ARGS);
	*(__u32 *)args = size;
	*(__u32 *)(args + 4) = flags;
	memcpy(before, args, ARGS);
	EXPECT_GT(0, call(fd, _IO(SHMBUF_IOC_TYPE, nr), args));
	EXPECT_EQ(0, memcmp(before, args, ARGS))
		TH_LOG("ioctl %#x, size %u, flags %#x", nr, size, flags);
}

/* With nothing in it that could be wrong; or from an index on that is behind the last. */
static bool is_right(unsigned int nr, __u32 size, __u32 flags)
{
	if (flags)
		return false;
	return (nr == _IOC_NR(SHMBUF_IOC_STATS) && size == sizeof(struct shmbuf_stats)) ||
	       (nr == _IOC_NR(SHMBUF_IOC_OBJECTS) && size == sizeof(struct shmbuf_objects));
}

/*
 * Calls that fail write nothing, whatever it is that they fail of: one of the sizes is right,
 * the others are too small or have something in the tail.
 */
TEST_F(leaks, nothing_from_what_fails)
{
	static const __u32 flags[] = { 0, ~0U, 5, 0x00010001 };
	char *args = filled(ARGS);
	unsigned int nr, i;
	__u32 size;

	for (nr = 0; nr <= _IOC_NR(SHMBUF_IOC_WAITERS); nr++)
		for (size = 8; size <= ARGS; size += 8)
			for (i = 0; i < ARRAY_SIZE(flags); i++)
				if (!is_right(nr, size, flags[i]))
					expect_refused(_metadata, self->fd, args, nr, size,
						       flags[i]);
}

TEST_F(leaks, nothing_from_what_fails_late)
{
	struct shmbuf_query query = { .areas = 8, .nr_areas = 2 }, before;
	struct shmbuf_owner_info info;
	struct shmbuf_wait wait = {
		.size = sizeof(wait), .index = 1, .deadline = 1, .sequence = 0,
	};

	query.size = sizeof(query);
	before = query;
	EXPECT_EQ(-EFAULT, do_query(self->fd, &query));
	EXPECT_EQ(0, memcmp(&before, &query, sizeof(query)));
	memset(&info, 0, sizeof(info));
	EXPECT_EQ(-EINVAL, do_owner_info(self->fd, 1, &info, NULL, 0));
	EXPECT_EQ(0, info.owner | info.since | info.pid);
	EXPECT_EQ(-ETIMEDOUT, call(self->fd, SHMBUF_IOC_WAIT, &wait));
	EXPECT_EQ(0, wait.sequence);
}

/* What a victim leaves behind: about all of the memory that is free, and freed again. */
static void leave_secrets(void)
{
	const size_t size = 384UL << 20;
	pid_t pid = spawn();

	if (!pid) {
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p != MAP_FAILED)
			memset(p, FILL, size);
		_exit(0);
	}
	reap(pid);
}

/* And in buffers, where they are most like what comes next. */
static void leave_buffers(void)
{
	int i;

	for (i = 0; i < fewer(100); i++) {
		int fd = open_device(O_RDWR);
		struct control c;
		__u64 *row;

		CHECK(do_create(fd, NULL, 0, 16 * PAGE, 0, 0, 100) == 0);
		memset(map_data(fd, 16 * PAGE), FILL, 16 * PAGE);
		c = map_control(fd, PROT_READ | PROT_WRITE);
		memset(c.base, FILL, c.size);
		row = map_row(fd, new_owner(fd));
		memset(row, FILL, PAGE);
		munmap(row, PAGE);
		munmap(c.base, c.size);
		close(fd);
	}
}

/* All that can be seen of a new buffer is zeros, but for words: they say UNUSED. */
static void expect_fresh(struct __test_metadata *_metadata, __u32 flags, __u32 layout,
			 __u32 objects)
{
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = flags, .data_size = 8 * PAGE,
		.max_size = 64 * PAGE, .nr_objects = objects, .layout = layout,
	};
	int fd = open_device(O_RDWR);
	struct control c;
	__u32 i;

	ASSERT_EQ(0, call(fd, SHMBUF_IOC_CREATE, &arg));
	EXPECT_EQ(true, zeros(map_data(fd, 8 * PAGE), 8 * PAGE));
	ASSERT_EQ(0, do_grow(fd, 64 * PAGE));
	EXPECT_EQ(true, zeros(map_data(fd, 64 * PAGE), 64 * PAGE));
	EXPECT_EQ(true, zeros(map_row(fd, new_owner(fd)), PAGE));
	c = map_control(fd, PROT_READ | PROT_WRITE);
	for (i = 0; i < objects; i++) {
		EXPECT_EQ(SHMBUF_WORD_UNUSED, read_word(&c, i));
		write_word(&c, i, 0);
	}
	((struct shmbuf_control *)c.base)->generation = 0;
	EXPECT_EQ(true, zeros(c.base, c.size));
	/* The whole of the last page, and no more. */
	EXPECT_EQ(0, c.size % PAGE);
	close(fd);
}

TEST_F(leaks, pages_of_a_new_buffer)
{
	int i;

	leave_secrets();
	leave_buffers();
	for (i = 0; i < fewer(200); i++) {
		expect_fresh(_metadata, 0, SHMBUF_LAYOUT_SPREAD, 1 + i);
		expect_fresh(_metadata, SHMBUF_CREATE_PREALLOC, SHMBUF_LAYOUT_PACKED, 3000);
	}
}

TEST_HARNESS_MAIN
