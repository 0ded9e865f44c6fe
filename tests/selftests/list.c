// SPDX-License-Identifier: GPL-2.0-only
/* LIST: which buffers there are. Each test has an IPC namespace of its own, with nothing in it. */
#include "shmbuf_test.h"

#define MOST	SHMBUF_LIST_MAX

FIXTURE(list)
{
	int fd;		/* not attached, and read-only */
	struct shmbuf_listing l[MOST + 1];
};

FIXTURE_SETUP(list)
{
	ASSERT_EQ(0, unshare(CLONE_NEWIPC));
	self->fd = open_device(O_RDONLY);
}

FIXTURE_TEARDOWN(list)
{
	close(self->fd);
}

static __u64 id_of(int fd)
{
	struct shmbuf_stats stats;

	if (do_stats(fd, &stats))
		fatal("STATS failed");
	return stats.buffer_id;
}

/* It tells of @fd's buffer what STATS does, and this name. */
static bool tells(const struct shmbuf_listing *listing, int fd, const char *name)
{
	struct shmbuf_stats stats;

	return !do_stats(fd, &stats) && !memcmp(&stats, &listing->stats, sizeof(stats)) &&
	       !strcmp(name, listing->name);
}

TEST_F(list, of_nothing)
{
	EXPECT_EQ(0, do_list(self->fd, self->l, MOST, 0));
	EXPECT_EQ(0, do_list(self->fd, self->l, 1, ~0ULL));
	EXPECT_EQ(0, do_list(self->fd, NULL, MOST, 0));
}

TEST_F(list, in_order)
{
	char first[64], last[64];
	int fds[4], i;

	fds[0] = new_buffer(new_name(first), 2, 1, 0);
	fds[1] = new_buffer(NULL, 0, 0, 0);
	fds[2] = new_buffer(NULL, 1, 0, 0);
	fds[3] = new_buffer(new_name(last), 0, 0, 1);
	ASSERT_EQ(0, do_lock(fds[0], new_owner(fds[0]), 1, 0, NEVER));
	memset(self->l, 0x55, sizeof(self->l));
	ASSERT_EQ(4, do_list(self->fd, self->l, MOST, 0));
	EXPECT_EQ(true, tells(&self->l[0], fds[0], first));
	EXPECT_EQ(true, tells(&self->l[1], fds[1], ""));
	EXPECT_EQ(true, tells(&self->l[2], fds[2], ""));
	EXPECT_EQ(true, tells(&self->l[3], fds[3], last));
	EXPECT_EQ(1, self->l[0].stats.held);
	for (i = 1; i < 4; i++)
		EXPECT_LT(self->l[i - 1].stats.buffer_id, self->l[i].stats.buffer_id);
	EXPECT_EQ(0x55, self->l[4].name[0]);
	/* From each on, one by one. */
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, do_list(self->fd, self->l, 1, id_of(fds[i]) - 1));
		EXPECT_EQ(id_of(fds[i]), self->l[0].stats.buffer_id);
		EXPECT_EQ(3 - i, do_list(self->fd, self->l, MOST, id_of(fds[i])));
	}
	EXPECT_EQ(0, do_list(self->fd, self->l, MOST, ~0ULL));
	close(fds[1]);
	ASSERT_EQ(3, do_list(self->fd, self->l, MOST, 0));
	EXPECT_EQ(true, tells(&self->l[1], fds[2], ""));
}

/* All, in steps of @room; how many. */
static int walk(int fd, struct shmbuf_listing *listings, __u32 room)
{
	__u64 after = 0;
	int nr, i, all = 0;

	while ((nr = do_list(fd, listings, room, after)) > 0) {
		for (i = 0; i < nr; i++) {
			if (listings[i].stats.buffer_id <= after)
				fatal("not in order");
			after = listings[i].stats.buffer_id;
		}
		all += nr;
	}
	return nr ? nr : all;
}

#define MANY	150

TEST_F(list, of_many)
{
	int i;

	for (i = 0; i < MANY; i++)
		new_buffer(NULL, 0, 0, 0);
	/* No more than the most are written, whatever there is room for. */
	memset(self->l, 0x55, sizeof(self->l));
	EXPECT_EQ(MOST, do_list(self->fd, self->l, ~0U, 0));
	EXPECT_EQ(0x55, self->l[MOST].name[0]);
	EXPECT_EQ(MANY, walk(self->fd, self->l, ~0U));
	EXPECT_EQ(MANY, walk(self->fd, self->l, MOST));
	EXPECT_EQ(MANY, walk(self->fd, self->l, 7));
	EXPECT_EQ(MANY, walk(self->fd, self->l, 1));
}

TEST_F(list, long_names)
{
	static const size_t lengths[] = { 1, 63, 64, 254, SHMBUF_NAME_MAX };
	char name[SHMBUF_NAME_MAX + 1];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(name, 'a' + i, lengths[i]);
		name[lengths[i]] = '\0';
		fd = new_buffer(name, 0, 0, 0);
		memset(self->l, 0x55, sizeof(self->l));
		ASSERT_EQ(1, do_list(self->fd, self->l, 1, 0));
		EXPECT_STREQ(name, self->l[0].name);
		close(fd);
	}
}

TEST_F(list, names_come_and_go)
{
	char name[64];
	int fd = new_buffer(new_name(name), 0, 0, 0), other, again;

	ASSERT_EQ(0, do_unlink(fd, name));
	ASSERT_EQ(1, do_list(self->fd, self->l, MOST, 0));
	EXPECT_EQ(true, tells(&self->l[0], fd, ""));
	again = new_buffer(name, 0, 0, 0);
	ASSERT_EQ(2, do_list(self->fd, self->l, MOST, 0));
	EXPECT_EQ(true, tells(&self->l[0], fd, ""));
	EXPECT_EQ(true, tells(&self->l[1], again, name));
	other = open_buffer(name, O_RDONLY);
	close(again);
	ASSERT_EQ(2, do_list(self->fd, self->l, MOST, 0));
	close(other);
	ASSERT_EQ(1, do_list(self->fd, self->l, MOST, 0));
	close(fd);
	EXPECT_EQ(0, do_list(self->fd, self->l, MOST, 0));
	/* One that stays, though nobody has it. */
	fd = open_device(O_RDWR);
	ASSERT_EQ(0, do_create(fd, name, SHMBUF_CREATE_PERSIST, 1, 0, 0, 0));
	close(fd);
	ASSERT_EQ(1, do_list(self->fd, self->l, MOST, 0));
	EXPECT_STREQ(name, self->l[0].name);
	fd = open_device(O_RDWR);
	ASSERT_EQ(0, do_unlink(fd, name));
	EXPECT_EQ(0, do_list(self->fd, self->l, MOST, 0));
	close(fd);
}

/* What was made elsewhere isn't told of, be it asked by a handle of it. */
TEST_F(list, of_another_namespace)
{
	int fd = new_buffer(NULL, 0, 0, 0);

	ASSERT_EQ(0, unshare(CLONE_NEWIPC));
	EXPECT_EQ(0, do_list(self->fd, self->l, MOST, 0));
	EXPECT_EQ(0, do_list(fd, self->l, MOST, 0));
	new_buffer(NULL, 0, 0, 0);
	EXPECT_EQ(1, do_list(fd, self->l, MOST, 0));
	EXPECT_LT(id_of(fd), self->l[0].stats.buffer_id);
}

/* A failed CREATE is never told of. */
TEST_F(list, of_what_failed)
{
	char name[64];
	int fd = new_buffer(new_name(name), 0, 0, 0), other = open_device(O_RDWR);

	EXPECT_EQ(-EEXIST, do_create(other, name, SHMBUF_CREATE_EXCL, 1, 0, 0, 0));
	EXPECT_EQ(-EINVAL, do_create(other, NULL, 0, 0, 0, 0, 0));
	EXPECT_EQ(1, do_list(self->fd, self->l, MOST, 0));
	EXPECT_EQ(1, do_create(other, name, 0, 1, 0, 0, 0));
	EXPECT_EQ(1, do_list(self->fd, self->l, MOST, 0));
	close(fd);
}

static int list_sized(int fd, void *listings, __u32 nr, __u32 listing_size)
{
	struct shmbuf_list arg = {
		.size = sizeof(arg), .listings = address(listings), .nr_listings = nr,
		.listing_size = listing_size,
	};

	return call(fd, SHMBUF_IOC_LIST, &arg);
}

TEST_F(list, sizes)
{
	const __u32 size = sizeof(struct shmbuf_listing);
	static const __u32 more[] = { 1, 8, 100, 4096 - sizeof(struct shmbuf_listing) };
	static char room[2 * 4096 + 1];
	int fds[] = { new_buffer(NULL, 0, 0, 0), new_buffer(NULL, 0, 0, 0) };
	struct shmbuf_listing whole;
	size_t i, j;

	EXPECT_EQ(-EINVAL, list_sized(self->fd, room, 2, 0));
	EXPECT_EQ(-EINVAL, list_sized(self->fd, room, 2, sizeof(whole.name) - 1));
	EXPECT_EQ(-EINVAL, list_sized(self->fd, room, 2, 4097));
	EXPECT_EQ(-EINVAL, list_sized(self->fd, room, 2, ~0U));
	EXPECT_EQ(-EINVAL, list_sized(self->fd, room, 0, size));
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		__u32 each = size + more[i];

		memset(room, 0x55, sizeof(room));
		ASSERT_EQ(2, list_sized(self->fd, room, 2, each));
		for (j = 0; j < 2; j++) {
			struct shmbuf_listing listing;

			memcpy(&listing, room + j * each, size);
			EXPECT_EQ(true, tells(&listing, fds[j], ""));
			EXPECT_EQ(0, room[j * each + size]);
			EXPECT_EQ(0, room[j * each + each - 1]);
		}
		EXPECT_EQ(0x55, room[2 * each]);
	}
	/* Who knows less of it gets as much as he knows. */
	ASSERT_EQ(2, list_sized(self->fd, room, 2, size));
	memcpy(&whole, room + size, size);
	for (i = sizeof(whole.name); i < size; i += 8) {
		memset(room, 0x55, sizeof(room));
		ASSERT_EQ(2, list_sized(self->fd, room, 2, i));
		EXPECT_EQ(0, memcmp(&whole, room + i, i));
		EXPECT_EQ(0x55, room[2 * i]);
	}
}

TEST_F(list, nowhere_to_write)
{
	char *p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	new_buffer(NULL, 0, 0, 0);
	ASSERT_EQ(0, mprotect(p + 4096, 4096, PROT_NONE));
	EXPECT_EQ(-EFAULT, do_list(self->fd, NULL, 1, 0));
	EXPECT_EQ(-EFAULT, do_list(self->fd, (void *)(p + 4096 - 8), 1, 0));
	EXPECT_EQ(-EFAULT, do_list(self->fd, (void *)LONG_MIN, 1, 0));
	/* The tail that it doesn't know of, too. */
	EXPECT_EQ(-EFAULT, list_sized(self->fd, p + 4096 - sizeof(self->l[0]), 1,
				      sizeof(self->l[0]) + 8));
	EXPECT_EQ(1, do_list(self->fd, (void *)(p + 4096 - sizeof(self->l[0])), 2, 0));
}

/* Who lists all the time, until he is killed. */
static pid_t spawn_lister(void)
{
	pid_t pid = spawn();

	if (!pid) {
		struct shmbuf_listing *l = calloc(MOST, sizeof(*l));
		int fd = open_device(O_RDONLY), nr, i;

		for (;;) {
			nr = do_list(fd, l, MOST, 0);
			CHECK(nr >= 0);
			for (i = 0; i < nr; i++) {
				CHECK(!i || l[i - 1].stats.buffer_id < l[i].stats.buffer_id);
				CHECK(!l[i].name[0] || !strncmp(l[i].name, "selftest-", 9));
				CHECK(l[i].stats.data_size && !l[i].stats.notrecoverable);
			}
		}
	}
	return pid;
}

#define LISTERS	3
#define ROUNDS	3000

static void spawn_listers(pid_t pids[LISTERS])
{
	int i;

	for (i = 0; i < LISTERS; i++)
		pids[i] = spawn_lister();
}

static void kill_listers(struct __test_metadata *_metadata, pid_t pids[LISTERS])
{
	int i;

	for (i = 0; i < LISTERS; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[i]));
}

/* Who looks doesn't keep a name alive: with the last handle it is free, at once. */
TEST_F(list, keeps_no_name)
{
	pid_t pids[LISTERS];
	char name[64];
	int i;

	new_name(name);
	spawn_listers(pids);
	for (i = 0; i < fewer(ROUNDS); i++) {
		int fd = open_device(O_RDWR), other = open_device(O_RDWR);

		ASSERT_EQ(0, do_create(fd, name, SHMBUF_CREATE_EXCL, 4096, 20, 0, 0));
		if (i % 2)
			ASSERT_EQ(0, do_lock(fd, new_owner(fd), i % 20, 0, NEVER));
		close(fd);
		ASSERT_EQ(-ENOENT, do_open(other, name));
		ASSERT_EQ(0, do_create(other, name, SHMBUF_CREATE_EXCL, 4096, 20, 0, 0));
		close(other);
	}
	kill_listers(_metadata, pids);
	EXPECT_EQ(0, do_list(self->fd, self->l, MOST, 0));
}

/* Nor is anything that a user gave back still on his account. */
TEST_F(list, keeps_no_charge)
{
	static const char *const limits[] = {
		"max_user_buffers", "max_user_objects", "max_user_bytes",
	};
	static const __u64 least[] = { 1, 20, 4096 };
	pid_t pids[LISTERS];
	__u64 before[3];
	int i, fd, *ret = shared_memory(4096);

	for (i = 0; i < 3; i++) {
		before[i] = get_parameter(limits[i]);
		set_parameter(limits[i], least[i]);
	}
	spawn_listers(pids);
	if (!spawn()) {
		*ret = setreuid(61301, -1);
		for (i = 0; i < fewer(ROUNDS) && !*ret; i++) {
			fd = open_device(O_RDWR);
			*ret = do_create(fd, NULL, 0, 4096, 20, 0, 0);
			close(fd);
		}
		_exit(0);
	}
	UNTIL(waitpid(-1, NULL, WNOHANG) > 0);
	EXPECT_EQ(0, *ret);
	for (i = 0; i < 3; i++)
		set_parameter(limits[i], before[i]);
	kill_listers(_metadata, pids);
}

/* Beside those who make, name, unlink and drop them. */
TEST_F(list, while_they_come_and_go)
{
	pid_t pids[LISTERS], makers[3];
	int i, j;

	spawn_listers(pids);
	for (i = 0; i < 3; i++) {
		makers[i] = spawn();
		if (makers[i])
			continue;
		for (j = 0; j < fewer(ROUNDS); j++) {
			char name[64];
			int fd = new_buffer(j % 3 ? new_name(name) : NULL, 40, 1, 0);

			if (j % 3 == 1)
				CHECK(do_unlink(fd, name) == 0);
			close(fd);
		}
		_exit(0);
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, reap(makers[i]));
	kill_listers(_metadata, pids);
	EXPECT_EQ(0, do_list(self->fd, self->l, MOST, 0));
}

TEST_HARNESS_MAIN
