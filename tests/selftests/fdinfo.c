// SPDX-License-Identifier: GPL-2.0-only
/* What /proc/PID/fdinfo tells of a handle. */
#include "shmbuf_test.h"
#include <sys/mount.h>

#define LISTED	16

struct fdinfo {
	unsigned long long id, size, max_size, deaths;
	unsigned int mode, flags, seals, objects, joined, waiters;
	char name[300];
	int total, listed, readers, readers_listed;
	struct held {
		unsigned int index;
		int pid;
	} locks[64], reads[64];
};

static bool read_held(const char *line, const char *format, struct held *held, int *listed)
{
	if (*listed >= 64 || sscanf(line, format, &held[*listed].index, &held[*listed].pid) != 2)
		return false;
	++*listed;
	return true;
}

static struct fdinfo read_fdinfo(int fd)
{
	struct fdinfo info = { .total = -1, .readers = -1 };
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		fatal("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "shmbuf-id:\t%llu\n", &info.id) == 1 ||
		    sscanf(line, "shmbuf-size:\t%llu\n", &info.size) == 1 ||
		    sscanf(line, "shmbuf-max-size:\t%llu\n", &info.max_size) == 1 ||
		    sscanf(line, "shmbuf-mode:\t0%o\n", &info.mode) == 1 ||
		    sscanf(line, "shmbuf-flags:\t0x%x\n", &info.flags) == 1 ||
		    sscanf(line, "shmbuf-seals:\t0x%x\n", &info.seals) == 1 ||
		    sscanf(line, "shmbuf-objects:\t%u\n", &info.objects) == 1 ||
		    sscanf(line, "shmbuf-joined:\t%u\n", &info.joined) == 1 ||
		    sscanf(line, "shmbuf-waiters:\t%u\n", &info.waiters) == 1 ||
		    sscanf(line, "shmbuf-deaths:\t%llu\n", &info.deaths) == 1 ||
		    sscanf(line, "shmbuf-name:\t%299s\n", info.name) == 1 ||
		    sscanf(line, "shmbuf-locks-held:\t%d\n", &info.total) == 1 ||
		    sscanf(line, "shmbuf-readers:\t%d\n", &info.readers) == 1)
			continue;
		if (!read_held(line, "shmbuf-lock:\t%u %d\n", info.locks, &info.listed))
			read_held(line, "shmbuf-reader:\t%u %d\n", info.reads,
				  &info.readers_listed);
	}
	fclose(f);
	return info;
}

TEST(unattached_handle)
{
	struct fdinfo info = read_fdinfo(open_device(O_RDWR));

	EXPECT_EQ(0, info.id);
	EXPECT_EQ(-1, info.total);
	EXPECT_STREQ("", info.name);
}

TEST(id_name_size)
{
	char name[64];
	int fd = open_device(O_RDWR), anonymous = new_buffer(NULL, 0, 0, 0);
	struct shmbuf_query query;
	struct fdinfo info;

	memset(&query, 0, sizeof(query));
	ASSERT_EQ(0, do_create(fd, new_name(name), 0, 12288, 1, 0, 0));
	ASSERT_EQ(0, do_query(fd, &query));
	info = read_fdinfo(fd);
	EXPECT_EQ(query.buffer_id, info.id);
	EXPECT_STREQ(name, info.name);
	EXPECT_EQ(12288, info.size);
	EXPECT_EQ(0, info.total);
	EXPECT_EQ(0, info.listed);
	EXPECT_EQ(0, info.readers);
	EXPECT_EQ(0, info.readers_listed);
	EXPECT_EQ(info.id, read_fdinfo(open_buffer(name, O_RDONLY)).id);
	info = read_fdinfo(anonymous);
	EXPECT_NE(query.buffer_id, info.id);
	EXPECT_STREQ("", info.name);
	EXPECT_EQ(4096, info.size);
	EXPECT_EQ(0, do_unlink(fd, name));
	EXPECT_STREQ("", read_fdinfo(fd).name);
}

TEST(what_it_was_made_as)
{
	struct shmbuf_range locks = { .count = 3, .kind = SHMBUF_KIND_LOCK };
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = SHMBUF_CREATE_PREALLOC, .mode = 0640,
		.data_size = 4096, .max_size = 16384, .nr_objects = 5,
		.ranges = address(&locks), .nr_ranges = 1,
	};
	int fd = open_device(O_RDWR);
	struct fdinfo info;

	ASSERT_EQ(0, call(fd, SHMBUF_IOC_CREATE, &arg));
	info = read_fdinfo(fd);
	EXPECT_EQ(4096, info.size);
	EXPECT_EQ(16384, info.max_size);
	EXPECT_EQ(0640, info.mode);
	EXPECT_EQ(SHMBUF_CREATE_PREALLOC, info.flags);
	EXPECT_EQ(0, info.seals);
	EXPECT_EQ(5, info.objects);
	ASSERT_EQ(0, do_grow(fd, 8192));
	ASSERT_EQ(0, do_seal(fd, SHMBUF_SEAL_GROW));
	info = read_fdinfo(fd);
	EXPECT_EQ(8192, info.size);
	EXPECT_EQ(SHMBUF_SEAL_GROW, info.seals);
}

/* A name can't forge lines of its own. */
TEST(strange_names)
{
	static const char *const names[] = { "two\nlines\nshmbuf-id:\t0", "tab\there", "\033[2J" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = new_buffer(names[i], 0, 0, 0);
		struct fdinfo info = read_fdinfo(fd);

		EXPECT_NE(0, info.id);
		EXPECT_EQ(0, info.total);
		EXPECT_EQ(NULL, strpbrk(info.name, "\n\t "));
		close(fd);
	}
}

FIXTURE(held)
{
	int fd;
	__u64 owner;
	struct control c;
};

FIXTURE_SETUP(held)
{
	self->fd = new_buffer(NULL, 100, 2, 5);
	self->owner = new_owner(self->fd);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
}

FIXTURE_TEARDOWN(held)
{
	close(self->fd);
}

TEST_F(held, locks_and_pids)
{
	struct fdinfo info;
	int *ready = shared_memory(4096);
	pid_t pid;

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 7, 0, NEVER));
	ASSERT_EQ(true, fast_lock(&self->c, self->owner, 50));
	EXPECT_EQ(0, do_wake(self->fd, 100, 1));	/* a queue's word is no owner */
	pid = spawn();
	if (!pid) {
		CHECK(do_trylock(self->fd, new_owner(self->fd), 99) == 0);
		__atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(ready, __ATOMIC_SEQ_CST));
	info = read_fdinfo(self->fd);
	EXPECT_EQ(3, info.total);
	ASSERT_EQ(3, info.listed);
	EXPECT_EQ(7, info.locks[0].index);
	EXPECT_EQ(getpid(), info.locks[0].pid);
	EXPECT_EQ(50, info.locks[1].index);
	EXPECT_EQ(getpid(), info.locks[1].pid);
	EXPECT_EQ(99, info.locks[2].index);
	EXPECT_EQ(pid, info.locks[2].pid);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 7));
	EXPECT_EQ(true, fast_unlock(&self->c, self->owner, 50));
	EXPECT_EQ(1, read_fdinfo(self->fd).total);
	kill_and_reap(pid);
	/* The dead hold nothing that is worth a pid. */
	info = read_fdinfo(self->fd);
	EXPECT_EQ(0, info.locks[0].pid);
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->owner, 99));
	info = read_fdinfo(self->fd);
	EXPECT_EQ(1, info.total);
	EXPECT_EQ(getpid(), info.locks[0].pid);
}

TEST_F(held, readers)
{
	struct fdinfo info;
	int *ready = shared_memory(4096);
	pid_t pid;

	ASSERT_EQ(0, do_read(self->fd, self->owner, 7, 0, NEVER));
	ASSERT_EQ(0, do_read(self->fd, self->owner, 7, 0, NEVER));
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 8, 0, NEVER));
	pid = spawn();
	if (!pid) {
		__u64 id = new_owner(self->fd);

		CHECK(do_read(self->fd, id, 7, 0, NEVER) == 0 &&
		      do_read(self->fd, id, 99, 0, NEVER) == 0);
		__atomic_store_n(ready, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(ready, __ATOMIC_SEQ_CST));
	info = read_fdinfo(self->fd);
	EXPECT_EQ(1, info.total);
	EXPECT_EQ(1, info.listed);
	EXPECT_EQ(3, info.readers);
	ASSERT_EQ(3, info.readers_listed);
	EXPECT_EQ(7, info.reads[0].index);
	EXPECT_EQ(7, info.reads[1].index);
	EXPECT_EQ(getpid() + pid, info.reads[0].pid + info.reads[1].pid);
	EXPECT_EQ(99, info.reads[2].index);
	EXPECT_EQ(pid, info.reads[2].pid);
	/* Who has read isn't a reader, and the dead aren't. */
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 7));
	EXPECT_EQ(3, read_fdinfo(self->fd).readers);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 7));
	EXPECT_EQ(2, read_fdinfo(self->fd).readers);
	kill_and_reap(pid);
	EXPECT_EQ(0, read_fdinfo(self->fd).readers);
}

TEST_F(held, list_of_readers_is_bounded)
{
	struct fdinfo info;
	__u32 i;

	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, do_read(self->fd, new_owner(self->fd), 50, 0, NEVER));
	ASSERT_EQ(0, do_read(self->fd, self->owner, 60, 0, NEVER));
	info = read_fdinfo(self->fd);
	EXPECT_EQ(21, info.readers);
	EXPECT_EQ(LISTED, info.readers_listed);
	EXPECT_EQ(50, info.reads[LISTED - 1].index);
}

TEST_F(held, list_is_bounded_and_the_total_is_not)
{
	struct fdinfo info;
	__u32 i;

	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, do_lock(self->fd, self->owner, i, 0, NEVER));
	info = read_fdinfo(self->fd);
	EXPECT_EQ(100, info.total);
	EXPECT_EQ(LISTED, info.listed);
	for (i = 0; i < LISTED; i++) {
		EXPECT_EQ(i, info.locks[i].index);
		EXPECT_EQ(getpid(), info.locks[i].pid);
	}
}

TEST_F(held, forged_words)
{
	struct fdinfo info;

	write_word(&self->c, 3, self->owner + (1ULL << SHMBUF_OWNER_SLOT_BITS));
	write_word(&self->c, 4, ~0ULL);
	info = read_fdinfo(self->fd);
	EXPECT_EQ(2, info.total);
	EXPECT_EQ(0, info.locks[0].pid);
	EXPECT_EQ(0, info.locks[1].pid);
}

TEST_F(held, who_is_there)
{
	struct fdinfo info = read_fdinfo(self->fd);
	pid_t pid;

	EXPECT_EQ(1, info.joined);
	EXPECT_EQ(0, info.waiters);
	EXPECT_EQ(0, info.deaths);
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 7, 0, NEVER));
	pid = spawn();
	if (!pid) {
		do_lock(self->fd, new_owner(self->fd), 7, 0, NEVER);
		_exit(1);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	info = read_fdinfo(self->fd);
	EXPECT_EQ(2, info.joined);
	EXPECT_EQ(1, info.waiters);
	kill_and_reap(pid);
	info = read_fdinfo(self->fd);
	EXPECT_EQ(1, info.joined);
	EXPECT_EQ(0, info.waiters);
	EXPECT_EQ(1, info.deaths);
}

static void look_from_inside(int fd, pid_t holder)
{
	struct fdinfo info = read_fdinfo(fd);

	/* As the outer one, which is still there, has it. */
	CHECK(info.listed == 1 && info.locks[0].pid == holder);
	CHECK(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK(!mount("proc", "/proc", "proc", 0, NULL));
	CHECK(do_trylock(fd, new_owner(fd), 1) == 0);
	info = read_fdinfo(fd);
	CHECK(info.total == 2 && info.listed == 2);
	CHECK(info.locks[0].pid == 0);
	CHECK(info.locks[1].pid == getpid());
}

/* Pids are those of the /proc that is read. */
TEST_F(held, from_another_pid_namespace)
{
	pid_t pid, holder = getpid();

	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	pid = spawn();
	if (!pid) {
		CHECK(!unshare(CLONE_NEWPID | CLONE_NEWNS));
		pid = spawn();
		if (pid)
			_exit(reap(pid));
		/* Their init, which abort() can't end. */
		pid = spawn();
		if (pid)
			_exit(reap(pid));
		look_from_inside(self->fd, holder);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_HARNESS_MAIN
