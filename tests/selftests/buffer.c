// SPDX-License-Identifier: GPL-2.0-only
/* CREATE, OPEN, UNLINK, GROW, SEAL, QUERY: what a buffer is and how long it lives. */
#include "shmbuf_test.h"
#include <sys/resource.h>
#include <sys/stat.h>

static int create_with(int fd, struct shmbuf_create *arg)
{
	arg->size = sizeof(*arg);
	return call(fd, SHMBUF_IOC_CREATE, arg);
}

static struct shmbuf_query queried(int fd)
{
	struct shmbuf_query query = {};
	int ret = do_query(fd, &query);

	if (ret)
		fatal("QUERY: %d", ret);
	return query;
}

static int open_ret(const char *name, int flags)
{
	int fd = open_device(flags), ret = do_open(fd, name);

	close(fd);
	return ret;
}

TEST(query_of_an_unattached_handle)
{
	int fd = open_device(O_RDWR);
	struct shmbuf_query q;

	memset(&q, 0, sizeof(q));
	ASSERT_EQ(0, do_query(fd, &q));
	EXPECT_EQ(SHMBUF_ABI_VERSION, q.abi_version);
	EXPECT_EQ(0, q.handle_flags);
	EXPECT_EQ(SHMBUF_FEATURE_LOCK | SHMBUF_FEATURE_QUEUE,
		  q.features & (SHMBUF_FEATURE_LOCK | SHMBUF_FEATURE_QUEUE));
	EXPECT_EQ(get_parameter("max_total_bytes"), q.limit_total_bytes);
	EXPECT_EQ(get_parameter("max_user_bytes"), q.limit_user_bytes);
	EXPECT_EQ(get_parameter("max_user_buffers"), q.limit_user_buffers);
	EXPECT_EQ(get_parameter("max_user_objects"), q.limit_user_objects);
	EXPECT_EQ(get_parameter("max_user_owners"), q.limit_user_owners);
	EXPECT_EQ(get_parameter("max_user_waiters"), q.limit_user_waiters);
	EXPECT_EQ(get_parameter("max_user_claims"), q.limit_user_claims);
	EXPECT_EQ(0, q.buffer_id);
	EXPECT_EQ(0, q.data_size);
	EXPECT_EQ(0, q.nr_objects);
	EXPECT_EQ(0, q.nr_areas);
	EXPECT_EQ(0, q.name_size);
}

TEST(default_limits)
{
	struct shmbuf_query q = queried(open_device(O_RDWR));
	__u64 ram = (__u64)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

	/* Half of RAM, and a quarter of that for a user. */
	EXPECT_LE(ram / 2 - ram / 16, q.limit_total_bytes);
	EXPECT_GE(ram / 2 + ram / 16, q.limit_total_bytes);
	EXPECT_LE(q.limit_total_bytes / 4 - 4096, q.limit_user_bytes);
	EXPECT_GE(q.limit_total_bytes / 4 + 4096, q.limit_user_bytes);
	EXPECT_NE(0, q.limit_user_buffers);
	EXPECT_NE(0, q.limit_user_objects);
	EXPECT_NE(0, q.limit_user_owners);
	EXPECT_NE(0, q.limit_user_waiters);
	EXPECT_NE(0, q.limit_user_claims);
}

TEST(query_of_a_buffer)
{
	char name[64], seen[64] = "";
	struct shmbuf_area areas[3] = {};
	struct shmbuf_query q = {
		.areas = address(areas), .nr_areas = 3, .name = address(seen),
		.name_size = sizeof(seen),
	};
	int fd = open_device(O_RDWR), ro;
	struct shmbuf_create c = {
		.name = address(new_name(name)), .name_len = strlen(name), .mode = 0640,
		.data_size = 5000, .max_size = 20000, .nr_objects = 100,
	};

	ASSERT_EQ(0, create_with(fd, &c));
	ASSERT_EQ(0, do_query(fd, &q));
	EXPECT_EQ(SHMBUF_HANDLE_ATTACHED, q.handle_flags);
	EXPECT_NE(0, q.buffer_id);
	EXPECT_EQ(8192, q.data_size);
	EXPECT_EQ(20480, q.max_size);
	EXPECT_EQ(0, q.generation);
	EXPECT_EQ(100, q.nr_objects);
	EXPECT_EQ(SHMBUF_LAYOUT_SPREAD, q.layout);
	EXPECT_EQ(64, q.object_stride);
	EXPECT_LE(sizeof(struct shmbuf_control), q.object_offset);
	EXPECT_EQ(0640, q.mode);
	EXPECT_EQ(geteuid(), q.uid);
	EXPECT_EQ(getegid(), q.gid);
	EXPECT_EQ(0, q.seals);
	EXPECT_EQ(0, q.create_flags);
	EXPECT_STREQ(name, seen);
	EXPECT_EQ(strlen(name) + 1, q.name_size);
	ASSERT_EQ(2, q.nr_areas);
	EXPECT_EQ(SHMBUF_AREA_DATA, areas[0].type);
	EXPECT_EQ(0, areas[0].offset);
	EXPECT_EQ(8192, areas[0].size);
	EXPECT_EQ(SHMBUF_AREA_CONTROL, areas[1].type);
	EXPECT_EQ(SHMBUF_CONTROL_OFFSET, areas[1].offset);
	EXPECT_LE(q.object_offset + 100 * 64, areas[1].size);
	EXPECT_EQ(0, areas[1].size % 4096);
	EXPECT_EQ(0, areas[2].type);
	ro = open_buffer(name, O_RDONLY);
	EXPECT_EQ(SHMBUF_HANDLE_ATTACHED | SHMBUF_HANDLE_READONLY, queried(ro).handle_flags);
	EXPECT_EQ(q.buffer_id, queried(ro).buffer_id);
}

TEST(query_writes_no_more_than_there_is_room_for)
{
	char name[64], seen[64];
	struct shmbuf_area areas[2];
	struct shmbuf_query q = {
		.areas = address(areas), .nr_areas = 1, .name = address(seen),
	};
	int fd = new_buffer(new_name(name), 1, 0, 0);

	memset(areas, 0x55, sizeof(areas));
	memset(seen, 0x55, sizeof(seen));
	q.name_size = strlen(name);
	ASSERT_EQ(0, do_query(fd, &q));
	EXPECT_EQ(2, q.nr_areas);
	EXPECT_EQ(SHMBUF_AREA_DATA, areas[0].type);
	EXPECT_EQ(0x55555555, areas[1].type);
	EXPECT_EQ(strlen(name) + 1, q.name_size);
	EXPECT_EQ(0x55, seen[0]);
	q.nr_areas = 2;
	q.areas = 8;
	EXPECT_EQ(-EFAULT, do_query(fd, &q));
	q.areas = address(areas);
	q.name = 8;
	q.name_size = 64;
	q.nr_areas = 2;
	EXPECT_EQ(-EFAULT, do_query(fd, &q));
	q.name = 0;
	q.name_size = 0;
	q.areas = 0;
	q.nr_areas = 0;
	EXPECT_EQ(0, do_query(fd, &q));
	EXPECT_EQ(2, q.nr_areas);
}

TEST(layouts)
{
	struct shmbuf_create c = {
		.data_size = 1, .nr_objects = 1000, .layout = SHMBUF_LAYOUT_PACKED,
	};
	int fd = open_device(O_RDWR), other = open_device(O_RDWR);
	struct shmbuf_query q;

	ASSERT_EQ(0, create_with(fd, &c));
	EXPECT_GE(12288, control_size(fd, &q));
	EXPECT_EQ(8, q.object_stride);
	EXPECT_EQ(SHMBUF_LAYOUT_PACKED, q.layout);
	c.layout = 2;
	EXPECT_EQ(-EINVAL, create_with(other, &c));
	c.layout = ~0U;
	EXPECT_EQ(-EINVAL, create_with(other, &c));
}

TEST(sizes)
{
	struct shmbuf_create c = {};
	int fd = open_device(O_RDWR);

	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.data_size = 1ULL << 63;
	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.data_size = ~0ULL;
	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.data_size = SHMBUF_CONTROL_OFFSET + 1;
	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.data_size = 8192;
	c.max_size = 4096;
	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.max_size = ~0ULL;
	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.max_size = SHMBUF_CONTROL_OFFSET + 1;
	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.max_size = 0;
	c.nr_objects = ~0U;
	EXPECT_GT(0, create_with(fd, &c));
	c.nr_objects = 0;
	c.data_size = 1;
	EXPECT_EQ(0, create_with(fd, &c));
	EXPECT_EQ(4096, queried(fd).data_size);
	EXPECT_EQ(4096, queried(fd).max_size);
}

TEST(sizes_over_the_limits)
{
	struct shmbuf_query q = queried(open_device(O_RDWR));
	__u64 total = q.limit_total_bytes, user = q.limit_user_bytes;
	struct shmbuf_create c = { .data_size = user + 4096 };
	int fd = open_device(O_RDWR);

	EXPECT_EQ(-EDQUOT, create_with(fd, &c));
	set_parameter("max_user_bytes", total + (1 << 20));
	c.data_size = total + 4096;
	EXPECT_EQ(-ENOSPC, create_with(fd, &c));
	set_parameter("max_user_bytes", user);
	c.data_size = 4096;
	EXPECT_EQ(0, create_with(fd, &c));
	c.max_size = 0;
	EXPECT_EQ(-EINVAL, do_grow(fd, user + 4096));
}

TEST(bad_names)
{
	static char longest[300];
	struct shmbuf_create c = { .data_size = 1, .name = address(longest) };
	struct shmbuf_name n = { .size = sizeof(n), .name = address(longest) };
	static const struct {
		__u32 len;
		const char *name;
		int ret;
	} bad[] = {
		{ 0, "", -EINVAL },
		{ 3, "a/b", -EINVAL },
		{ 1, "/", -EINVAL },
		{ 4, "ab\0c", -EINVAL },
		{ 3, "ab\0", -EINVAL },
		{ SHMBUF_NAME_MAX + 1, NULL, -ENAMETOOLONG },
		{ ~0U, NULL, -ENAMETOOLONG },
		{ 1U << 31, NULL, -ENAMETOOLONG },
	};
	int fd = open_device(O_RDWR);
	size_t i;

	memset(longest, 'x', sizeof(longest));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		n.name = address(bad[i].name ?: longest);
		n.name_len = bad[i].len;
		c.name = n.name;
		c.name_len = n.name_len;
		EXPECT_EQ(bad[i].ret, create_with(fd, &c))
			TH_LOG("name %zu", i);
		EXPECT_EQ(bad[i].ret, call(fd, SHMBUF_IOC_OPEN, &n))
			TH_LOG("name %zu", i);
		EXPECT_EQ(bad[i].ret, call(fd, SHMBUF_IOC_UNLINK, &n))
			TH_LOG("name %zu", i);
	}
	n.name = 8;
	n.name_len = 5;
	c.name = n.name;
	c.name_len = n.name_len;
	EXPECT_EQ(-EFAULT, create_with(fd, &c));
	EXPECT_EQ(-EFAULT, call(fd, SHMBUF_IOC_OPEN, &n));
	EXPECT_EQ(-EFAULT, call(fd, SHMBUF_IOC_UNLINK, &n));
	c.name = 0;
	EXPECT_GT(0, create_with(fd, &c));	/* a length without a name */
	c.name = address(longest);
	c.name_len = SHMBUF_NAME_MAX;
	c.mode = 01000;
	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.mode = 0;
	EXPECT_EQ(0, create_with(fd, &c));
	EXPECT_EQ(0600, queried(fd).mode);
	EXPECT_EQ(SHMBUF_NAME_MAX + 1, queried(fd).name_size);
	n.name = address(longest);
	n.name_len = SHMBUF_NAME_MAX;
	EXPECT_EQ(0, call(fd, SHMBUF_IOC_UNLINK, &n));
}

TEST(flags_that_need_a_name)
{
	struct shmbuf_create c = { .data_size = 1, .flags = SHMBUF_CREATE_EXCL };
	int fd = open_device(O_RDWR);

	EXPECT_EQ(-EINVAL, create_with(fd, &c));
	c.flags = SHMBUF_CREATE_PERSIST;
	EXPECT_EQ(-EINVAL, create_with(fd, &c));
}

TEST(create_where_the_name_exists)
{
	char name[64];
	int fd = new_buffer(new_name(name), 2, 0, 0), other = open_device(O_RDWR);

	EXPECT_EQ(-EEXIST, do_create(other, name, SHMBUF_CREATE_EXCL, 4096, 2, 0, 0));
	EXPECT_EQ(-EINVAL, do_create(other, name, 0, 4097, 2, 0, 0));
	EXPECT_EQ(-EINVAL, do_create(other, name, 0, 4096, 3, 0, 0));
	EXPECT_EQ(1, do_create(other, name, 0, 1, 1, 0, 0));
	EXPECT_EQ(queried(fd).buffer_id, queried(other).buffer_id);
	EXPECT_EQ(2, queried(other).nr_objects);
}

TEST(second_attach)
{
	char name[64];
	int fd = new_buffer(new_name(name), 0, 0, 0);
	__u64 id = queried(fd).buffer_id;

	EXPECT_EQ(-EBUSY, do_create(fd, NULL, 0, 4096, 0, 0, 0));
	EXPECT_EQ(-EBUSY, do_create(fd, name, 0, 4096, 0, 0, 0));
	EXPECT_EQ(-EBUSY, do_open(fd, name));
	EXPECT_EQ(id, queried(fd).buffer_id);
}

TEST(name_goes_with_the_last_handle)
{
	char name[64];
	int fd = new_buffer(new_name(name), 0, 0, 0), other = open_buffer(name, O_RDONLY);

	close(fd);
	EXPECT_EQ(0, open_ret(name, O_RDWR));
	close(other);
	EXPECT_EQ(-ENOENT, open_ret(name, O_RDWR));
	EXPECT_EQ(-ENOENT, do_unlink(open_device(O_RDWR), name));
	fd = new_buffer(name, 0, 0, 0);
	EXPECT_EQ(0, open_ret(name, O_RDWR));
}

TEST(persistent_name)
{
	char name[64];
	int fd = open_device(O_RDWR);
	__u64 id;
	char *data;

	ASSERT_EQ(0, do_create(fd, new_name(name), SHMBUF_CREATE_PERSIST, 4096, 1, 0, 0));
	EXPECT_EQ(SHMBUF_CREATE_PERSIST, queried(fd).create_flags);
	id = queried(fd).buffer_id;
	data = map_data(fd, 4096);
	strcpy(data, "still here");
	munmap(data, 4096);
	close(fd);
	fd = open_buffer(name, O_RDWR);
	EXPECT_EQ(id, queried(fd).buffer_id);
	EXPECT_STREQ("still here", (char *)map_data(fd, 4096));
	EXPECT_EQ(0, do_unlink(open_device(O_RDWR), name));
	EXPECT_EQ(-ENOENT, open_ret(name, O_RDWR));
	EXPECT_EQ(-ENOENT, do_unlink(fd, name));
	EXPECT_EQ(0, queried(fd).name_size);
}

TEST(unlink_leaves_who_is_attached)
{
	char name[64];
	int fd = new_buffer(new_name(name), 1, 0, 0), other = open_buffer(name, O_RDWR), third;
	__u64 owner = new_owner(fd);

	EXPECT_EQ(0, do_lock(fd, owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_unlink(other, name));
	EXPECT_EQ(-EBUSY, do_trylock(other, new_owner(other), 0));
	third = new_buffer(name, 1, 0, 0);
	EXPECT_NE(queried(fd).buffer_id, queried(third).buffer_id);
	EXPECT_EQ(0, do_trylock(third, new_owner(third), 0));
	EXPECT_EQ(0, do_unlock(fd, owner, 0));
}

TEST(handle_travels_over_fork_and_dup)
{
	int fd = new_buffer(NULL, 0, 0, 0), copy = dup(fd);
	char *data = map_data(fd, 4096);
	__u64 id = queried(fd).buffer_id;
	pid_t pid;

	close(fd);
	EXPECT_EQ(id, queried(copy).buffer_id);
	pid = spawn();
	if (!pid) {
		CHECK(queried(copy).buffer_id == id);
		strcpy(map_data(copy, 4096), "hello");
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("hello", data);
}

TEST(grow)
{
	char name[64];
	int fd = open_device(O_RDWR), peer;
	struct shmbuf_create c = {
		.name = address(new_name(name)), .name_len = strlen(name),
		.data_size = 4096, .max_size = 65536, .nr_objects = 1,
	};
	struct control control;
	char *data, *more;

	ASSERT_EQ(0, create_with(fd, &c));
	peer = open_buffer(name, O_RDWR);
	control = map_control(peer, PROT_READ);
	data = map_data(peer, 4096);
	strcpy(data, "kept");
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 8192, PROT_READ, MAP_SHARED, peer, 0));
	EXPECT_EQ(-EINVAL, do_grow(fd, 0));
	EXPECT_EQ(-EINVAL, do_grow(fd, 65537));
	EXPECT_EQ(-EINVAL, do_grow(fd, 1ULL << 63));
	EXPECT_EQ(-EINVAL, do_grow(fd, ~0ULL));
	EXPECT_EQ(0, do_grow(fd, 4096));
	EXPECT_EQ(0, queried(peer).generation);
	EXPECT_EQ(0, do_grow(fd, 4097));
	EXPECT_EQ(1, queried(peer).generation);
	EXPECT_EQ(1, ((struct shmbuf_control *)control.base)->generation);
	EXPECT_EQ(8192, queried(peer).data_size);
	EXPECT_EQ(-EINVAL, do_grow(fd, 4096));
	EXPECT_EQ(0, do_grow(peer, 65536));
	EXPECT_EQ(2, queried(fd).generation);
	more = map_data(peer, 65536);
	EXPECT_STREQ("kept", more);
	EXPECT_EQ(0, more[65535]);
	more[65535] = 1;
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 65536 + 4096, PROT_READ, MAP_SHARED, peer, 0));
}

/* A buffer is no file of the user's: limits on those don't end its growth by SIGXFSZ. */
TEST(grow_beyond_the_limit_of_files)
{
	struct shmbuf_create c = { .data_size = 4096, .max_size = 65536 };
	pid_t pid = spawn();

	if (!pid) {
		const struct rlimit limit = { 4096, 4096 };
		int prealloc;

		CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
		for (prealloc = 0; prealloc < 2; prealloc++) {
			int fd = open_device(O_RDWR);
			char *data;

			c.flags = prealloc ? SHMBUF_CREATE_PREALLOC : 0;
			CHECK(create_with(fd, &c) == 0);
			CHECK(do_grow(fd, 65536) == 0);
			data = map_data(fd, 65536);
			data[65535] = 1;
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST(seals_only_tighten)
{
	char name[64];
	int fd = open_device(O_RDWR), other = open_device(O_RDWR);
	struct shmbuf_create c = {
		.name = address(new_name(name)), .name_len = strlen(name),
		.data_size = 4096, .max_size = 65536,
	};

	ASSERT_EQ(0, create_with(fd, &c));
	EXPECT_EQ(-EOPNOTSUPP, do_seal(fd, 1U << 3));
	EXPECT_EQ(-EOPNOTSUPP, do_seal(fd, ~0U));
	EXPECT_EQ(0, queried(fd).seals);
	EXPECT_EQ(0, do_seal(fd, SHMBUF_SEAL_GROW));
	EXPECT_EQ(SHMBUF_SEAL_GROW, queried(fd).seals);
	EXPECT_EQ(-EPERM, do_grow(fd, 8192));
	EXPECT_EQ(4096, queried(fd).data_size);
	EXPECT_EQ(0, do_open(other, name));
	EXPECT_EQ(0, do_seal(fd, SHMBUF_SEAL_WRITERS));
	EXPECT_EQ(SHMBUF_SEAL_GROW | SHMBUF_SEAL_WRITERS, queried(other).seals);
	EXPECT_EQ(-EPERM, open_ret(name, O_RDWR));
	EXPECT_EQ(-EPERM, do_create(open_device(O_RDWR), name, 0, 4096, 0, 0, 0));
	EXPECT_EQ(0, open_ret(name, O_RDONLY));
	strcpy(map_data(other, 4096), "those who had it keep it");
	EXPECT_EQ(0, do_seal(other, 0));
	EXPECT_EQ(SHMBUF_SEAL_GROW | SHMBUF_SEAL_WRITERS, queried(fd).seals);
}

TEST(sealed_against_execution)
{
	int fd = new_buffer(NULL, 0, 0, 0);
	void *before = map_data(fd, 4096), *p;

	ASSERT_EQ(0, do_seal(fd, SHMBUF_SEAL_EXEC));
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_EQ(EPERM, errno);
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	EXPECT_EQ(MAP_FAILED, p);
	p = map_data(fd, 4096);
	EXPECT_EQ(-1, mprotect(p, 4096, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, munmap(before, 4096));
}

/* Pages of the data area that have been allocated. */
static size_t allocated(int fd, size_t size)
{
	char *p = map_data(fd, size), path[128];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)p, (long)p + size);
	if (stat(path, &st))
		fatal("%s: %s", path, strerror(errno));
	munmap(p, size);
	return st.st_blocks / 8;
}

TEST(prealloc)
{
	int fd = open_device(O_RDWR), lazy = open_device(O_RDWR);
	struct shmbuf_create c = {
		.flags = SHMBUF_CREATE_PREALLOC, .data_size = 16 * 4096, .max_size = 32 * 4096,
	};

	ASSERT_EQ(0, create_with(fd, &c));
	EXPECT_EQ(SHMBUF_CREATE_PREALLOC, queried(fd).create_flags);
	EXPECT_EQ(16, allocated(fd, 16 * 4096));
	EXPECT_EQ(0, do_grow(fd, 32 * 4096));
	EXPECT_EQ(32, allocated(fd, 32 * 4096));
	c.flags = 0;
	ASSERT_EQ(0, create_with(lazy, &c));
	EXPECT_EQ(0, allocated(lazy, 16 * 4096));
}

TEST(many_names)
{
	char name[64];
	int fds[200], i;

	/* A hash of names, and an end to each. */
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "many-%d-%d", getpid(), i);
		fds[i] = new_buffer(name, 1, 0, 0);
	}
	for (i = 0; i < 200; i += 2)
		close(fds[i]);
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "many-%d-%d", getpid(), i);
		EXPECT_EQ(i % 2 ? 0 : -ENOENT, open_ret(name, O_RDWR));
	}
}

TEST_HARNESS_MAIN
