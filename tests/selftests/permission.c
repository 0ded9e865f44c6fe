// SPDX-License-Identifier: GPL-2.0-only
/* Who may OPEN and UNLINK: mode bits, namespaces, and what stays with root. */
#include "shmbuf_test.h"
#include <grp.h>
#include <sys/stat.h>

#define OWNER	61001
#define GROUP	61002
#define OTHER	61003

struct who {
	uid_t uid;
	gid_t gid;
	gid_t extra;
};

static const struct who owner = { OWNER, GROUP, GROUP };
static const struct who member = { OTHER, GROUP, GROUP };
static const struct who extra_member = { OTHER, OTHER, GROUP };
static const struct who stranger = { OTHER, OTHER, OTHER };

static void become(const struct who *who)
{
	CHECK(!setgroups(1, &who->extra));
	CHECK(!setresgid(who->gid, who->gid, who->gid));
	CHECK(!setresuid(who->uid, who->uid, who->uid));
}

/* A call that one makes as another; the device was opened before, by root. */
static int as(const struct who *who, int fd, unsigned long cmd, const char *name)
{
	int *ret = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		become(who);
		*ret = do_name(fd, cmd, name);
		_exit(0);
	}
	if (reap(pid))
		fatal("the child failed");
	return *ret;
}

static int open_as(const struct who *who, const char *name, int flags)
{
	int fd = open_device(flags), ret = as(who, fd, SHMBUF_IOC_OPEN, name);

	close(fd);
	return ret;
}

FIXTURE(mode)
{
	int fd;
	char name[64];
};

FIXTURE_VARIANT(mode)
{
	__u32 mode;
	int owner_rw, owner_ro, member_rw, member_ro, other_rw, other_ro;
};

#define NO	(-EACCES)

FIXTURE_VARIANT_ADD(mode, unset) { 0, 0, 0, NO, NO, NO, NO };
FIXTURE_VARIANT_ADD(mode, m600) { 0600, 0, 0, NO, NO, NO, NO };
FIXTURE_VARIANT_ADD(mode, m640) { 0640, 0, 0, NO, 0, NO, NO };
FIXTURE_VARIANT_ADD(mode, m660) { 0660, 0, 0, 0, 0, NO, NO };
FIXTURE_VARIANT_ADD(mode, m664) { 0664, 0, 0, 0, 0, NO, 0 };
FIXTURE_VARIANT_ADD(mode, m666) { 0666, 0, 0, 0, 0, 0, 0 };
FIXTURE_VARIANT_ADD(mode, m400) { 0400, NO, 0, NO, NO, NO, NO };
FIXTURE_VARIANT_ADD(mode, m200) { 0200, NO, NO, NO, NO, NO, NO };
FIXTURE_VARIANT_ADD(mode, m066) { 0066, NO, NO, 0, 0, 0, 0 };
FIXTURE_VARIANT_ADD(mode, m606) { 0606, 0, 0, NO, NO, 0, 0 };

FIXTURE_SETUP(mode)
{
	struct shmbuf_create c = {
		.size = sizeof(c), .name = address(new_name(self->name)),
		.name_len = strlen(self->name), .mode = variant->mode, .data_size = 1,
		.nr_objects = 1,
	};
	int *ret = shared_memory(4096);
	pid_t pid;

	umask(077);	/* which doesn't matter */
	self->fd = open_device(O_RDWR);
	pid = spawn();
	if (!pid) {
		become(&owner);
		*ret = call(self->fd, SHMBUF_IOC_CREATE, &c);
		_exit(0);
	}
	ASSERT_EQ(0, reap(pid));
	ASSERT_EQ(0, *ret);
}

FIXTURE_TEARDOWN(mode)
{
	close(self->fd);
}

TEST_F(mode, open_by)
{
	struct shmbuf_query query;

	memset(&query, 0, sizeof(query));
	ASSERT_EQ(0, do_query(self->fd, &query));
	EXPECT_EQ(OWNER, query.uid);
	EXPECT_EQ(GROUP, query.gid);
	EXPECT_EQ(variant->mode ?: 0600, query.mode);
	EXPECT_EQ(variant->owner_rw, open_as(&owner, self->name, O_RDWR));
	EXPECT_EQ(variant->owner_ro, open_as(&owner, self->name, O_RDONLY));
	EXPECT_EQ(variant->member_rw, open_as(&member, self->name, O_RDWR));
	EXPECT_EQ(variant->member_ro, open_as(&member, self->name, O_RDONLY));
	EXPECT_EQ(variant->member_rw, open_as(&extra_member, self->name, O_RDWR));
	EXPECT_EQ(variant->other_rw, open_as(&stranger, self->name, O_RDWR));
	EXPECT_EQ(variant->other_ro, open_as(&stranger, self->name, O_RDONLY));
}

TEST_F(mode, root_may)
{
	int fd = open_device(O_RDWR);

	EXPECT_EQ(0, do_open(fd, self->name));
	close(fd);
}

TEST_F(mode, create_of_the_existing_asks_the_mode)
{
	int fd = open_device(O_RDWR), *ret = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		become(&stranger);
		*ret = do_create(fd, self->name, 0, 1, 0, 0, 0);
		_exit(0);
	}
	ASSERT_EQ(0, reap(pid));
	EXPECT_EQ(variant->other_rw ?: 1, *ret);
	close(fd);
}

TEST_F(mode, unlink_by)
{
	/* The mode has no say: the owner, and CAP_FOWNER. */
	EXPECT_EQ(-EPERM, as(&stranger, self->fd, SHMBUF_IOC_UNLINK, self->name));
	EXPECT_EQ(-EPERM, as(&member, self->fd, SHMBUF_IOC_UNLINK, self->name));
	EXPECT_EQ(0, as(&owner, self->fd, SHMBUF_IOC_UNLINK, self->name));
	EXPECT_EQ(-ENOENT, do_unlink(self->fd, self->name));
}

static int recover_as(const struct who *who, int fd, __u64 id)
{
	int *ret = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		become(who);
		*ret = do_recover(fd, 0, id);
		_exit(0);
	}
	if (reap(pid))
		fatal("the child failed");
	return *ret;
}

/* As with UNLINK: whoever has a handle may lock, and only the owner may take away. */
TEST_F(mode, recover_by)
{
	__u64 id = new_owner(self->fd);

	ASSERT_EQ(0, do_init(self->fd, 0, 1, SHMBUF_KIND_LOCK, 0));
	ASSERT_EQ(0, do_lock(self->fd, id, 0, 0, NEVER));
	EXPECT_EQ(-EPERM, recover_as(&stranger, self->fd, id));
	EXPECT_EQ(-EPERM, recover_as(&member, self->fd, id));
	EXPECT_EQ(0, recover_as(&owner, self->fd, id));
	EXPECT_EQ(-EOWNERDEAD, do_trylock(self->fd, id, 0));
	EXPECT_EQ(0, do_recover(self->fd, 0, id));
}

/* What the mode says is who may open it, not who may know that it is there. */
TEST_F(mode, listed_to_all)
{
	struct shmbuf_listing listing;
	struct shmbuf_stats stats;
	pid_t pid;

	ASSERT_EQ(0, do_stats(self->fd, &stats));
	pid = spawn();
	if (!pid) {
		become(&stranger);
		CHECK(do_list(self->fd, &listing, 1, stats.buffer_id - 1) == 1);
		CHECK(!strcmp(self->name, listing.name));
		CHECK(listing.stats.uid == OWNER && listing.stats.gid == GROUP);
		CHECK(listing.stats.mode == (variant->mode ?: 0600));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(mode, unlink_by_root)
{
	EXPECT_EQ(0, do_unlink(self->fd, self->name));
	EXPECT_EQ(-ENOENT, open_as(&owner, self->name, O_RDWR));
}

/* A handle is a capability: what was opened stays open to whom it is handed. */
TEST_F(mode, attached_handles_outlast_privileges)
{
	int fd = open_device(O_RDWR);
	pid_t pid;

	ASSERT_EQ(0, do_open(fd, self->name));
	pid = spawn();
	if (!pid) {
		become(&stranger);
		strcpy(map_data(fd, 4096), "written");
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("written", (char *)map_data(fd, 4096));
}

FIXTURE(namespaces)
{
	int fd;
	char name[64];
};

FIXTURE_SETUP(namespaces)
{
	self->fd = new_buffer(new_name(self->name), 0, 0, 0);
}

FIXTURE_TEARDOWN(namespaces)
{
	close(self->fd);
}

TEST_F(namespaces, names_are_scoped_to_the_ipc_namespace)
{
	char *data = map_data(self->fd, 4096);
	pid_t pid = spawn();
	int fd;

	if (!pid) {
		CHECK(!unshare(CLONE_NEWIPC));
		fd = open_device(O_RDWR);
		CHECK(do_open(fd, self->name) == -ENOENT);
		CHECK(do_unlink(fd, self->name) == -ENOENT);
		CHECK(do_create(fd, self->name, SHMBUF_CREATE_EXCL, 4096, 0, 0, 0) == 0);
		strcpy(map_data(fd, 4096), "elsewhere");
		fd = open_device(O_RDWR);
		CHECK(do_open(fd, self->name) == 0);
		CHECK(!strcmp(map_data(fd, 4096), "elsewhere"));
		/* The handle from before still leads to the old buffer. */
		strcpy(map_data(self->fd, 4096), "here");
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("here", data);
	fd = open_buffer(self->name, O_RDWR);
	EXPECT_STREQ("here", (char *)map_data(fd, 4096));
}

TEST_F(namespaces, persistent_names_go_with_their_namespace)
{
	pid_t pid = spawn();
	char name[64];

	new_name(name);
	if (!pid) {
		int fd = open_device(O_RDWR);

		CHECK(!unshare(CLONE_NEWIPC));
		CHECK(do_create(fd, name, SHMBUF_CREATE_PERSIST, 4096, 0, 0, 0) == 0);
		close(fd);
		CHECK(do_open(open_device(O_RDWR), name) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-ENOENT, do_open(open_device(O_RDWR), name));
}

/* Root of a user namespace of one's own is nobody here. */
TEST_F(namespaces, root_of_a_user_namespace)
{
	int fd = open_device(O_RDWR), ro = open_device(O_RDONLY), *skip = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		become(&stranger);
		if (unshare(CLONE_NEWUSER)) {
			*skip = 1;
			_exit(0);
		}
		CHECK(do_open(fd, self->name) == -EACCES);
		CHECK(do_open(ro, self->name) == -EACCES);
		CHECK(do_unlink(fd, self->name) == -EPERM);
		CHECK(!unshare(CLONE_NEWIPC));
		CHECK(do_open(fd, self->name) == -ENOENT);
		CHECK(do_create(fd, self->name, 0, 4096, 0, 0, 0) == 0);
		CHECK(do_unlink(fd, self->name) == 0);
		_exit(0);
	}
	ASSERT_EQ(0, reap(pid));
	if (*skip)
		SKIP(return, "no user namespaces here");
	EXPECT_EQ(0, do_unlink(self->fd, self->name));
}

TEST(device_node)
{
	struct stat st;

	ASSERT_EQ(0, stat(DEVICE, &st));
	EXPECT_EQ(S_IFCHR, st.st_mode & S_IFMT);
	EXPECT_EQ(0660, st.st_mode & 0777);
}

TEST(read_only_is_a_role)
{
	char name[64];
	int fd = new_buffer(new_name(name), 1, 1, 1), ro = open_buffer(name, O_RDONLY);
	__u64 sequence = ~0ULL, owner;
	struct shmbuf_query query;

	memset(&query, 0, sizeof(query));
	EXPECT_EQ(0, do_query(ro, &query));
	EXPECT_EQ(0, do_wait(ro, 1, &sequence, NEVER));
	EXPECT_EQ(0, sequence);
	EXPECT_EQ(-EBADF, do_wake(ro, 1, 1));
	EXPECT_EQ(-EBADF, do_register(ro, 0, &owner));
	EXPECT_EQ(-EBADF, do_lock(ro, new_owner(fd), 0, 0, NEVER));
	EXPECT_EQ(-EBADF, do_init(ro, 2, 1, SHMBUF_KIND_LOCK, 0));
	EXPECT_EQ(-EBADF, do_reset(ro, 0, 1));
	EXPECT_EQ(-EBADF, do_grow(ro, 8192));
	EXPECT_EQ(-EBADF, do_seal(ro, SHMBUF_SEAL_GROW));
	EXPECT_EQ(-EBADF, do_recover(ro, 0, 1));
	EXPECT_EQ(-EBADF, do_unlink(ro, name));
	EXPECT_EQ(0, do_unlink(fd, name));
}

TEST_HARNESS_MAIN
