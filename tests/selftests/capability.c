// SPDX-License-Identifier: GPL-2.0-only
/* Which capability lets whom do what, and that no other one does. */
#include "others.h"

#define CAP(n) (1ULL << (n))

FIXTURE(capability)
{
	char name[64];
	int fd;
	__u64 owner;
	int last;
};

FIXTURE_SETUP(capability)
{
	self->fd = new_buffer_of(OWNER, new_name(self->name), 0600, 4096, 1, 0);
	self->owner = new_owner(self->fd);
	ASSERT_EQ(0, do_lock(self->fd, self->owner, 0, 0, NEVER));
	self->last = last_capability();
	ASSERT_LE(CAP_AUDIT_READ, self->last);
}

FIXTURE_TEARDOWN(capability)
{
	do_unlink(self->fd, self->name);
	close(self->fd);
}

static int open_rw(FIXTURE_DATA(capability) *self)
{
	return do_open(open_device(O_RDWR), self->name);
}

static int open_ro(FIXTURE_DATA(capability) *self)
{
	return do_open(open_device(O_RDONLY), self->name);
}

static int create_existing(FIXTURE_DATA(capability) *self)
{
	return do_create(open_device(O_RDWR), self->name, 0, 4096, 0, 0, 0);
}

static int unlink_it(FIXTURE_DATA(capability) *self)
{
	return do_unlink(self->fd, self->name);
}

static int recover_it(FIXTURE_DATA(capability) *self)
{
	return do_recover(self->fd, 0, self->owner);
}

static int unlock_others(FIXTURE_DATA(capability) *self)
{
	return do_unlock(self->fd, self->owner, 0);
}

static int unregister_others(FIXTURE_DATA(capability) *self)
{
	return do_unregister(self->fd, self->owner);
}

static int pass_a_limit(FIXTURE_DATA(capability) *self)
{
	__u64 id;

	return do_register(self->fd, 0, &id);
}

/* What @try comes to for a stranger with just @caps. */
static int try_with(FIXTURE_DATA(capability) *self,
		    int (*try)(FIXTURE_DATA(capability) *self), __u64 caps)
{
	int *ret = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		become_with(STRANGER, caps);
		*ret = try(self);
		_exit(0);
	}
	if (reap(pid))
		fatal("the child failed");
	return *ret;
}

/* @error with none, and with each but @needed; with that it works. */
static void expect_needed(struct __test_metadata *_metadata, FIXTURE_DATA(capability) *self,
			  int (*try)(FIXTURE_DATA(capability) *self), int error, int needed)
{
	__u64 all = CAP(self->last + 1) - 1;
	int cap, ret;

	EXPECT_EQ(error, try_with(self, try, 0));
	for (cap = 0; cap <= self->last; cap++) {
		if (cap == needed)
			continue;
		EXPECT_EQ(error, try_with(self, try, CAP(cap)))
			TH_LOG("with capability %d", cap);
	}
	if (needed < 0) {
		EXPECT_EQ(error, try_with(self, try, all));
		return;
	}
	EXPECT_EQ(error, try_with(self, try, all & ~CAP(needed)));
	ret = try_with(self, try, CAP(needed));
	EXPECT_LE(0, ret)
		TH_LOG("with just that: %d", ret);
}

TEST_F(capability, to_open_anything)
{
	expect_needed(_metadata, self, open_rw, -EACCES, CAP_DAC_OVERRIDE);
	expect_needed(_metadata, self, open_ro, -EACCES, CAP_DAC_OVERRIDE);
	expect_needed(_metadata, self, create_existing, -EACCES, CAP_DAC_OVERRIDE);
}

TEST_F(capability, to_unlink_anything)
{
	expect_needed(_metadata, self, unlink_it, -EPERM, CAP_FOWNER);
}

TEST_F(capability, to_recover_anything)
{
	expect_needed(_metadata, self, recover_it, -EPERM, CAP_FOWNER);
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
}

TEST_F(capability, none_makes_ids_of_others_ones_own)
{
	expect_needed(_metadata, self, unlock_others, -EPERM, -1);
	expect_needed(_metadata, self, unregister_others, -EPERM, -1);
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
}

TEST_F(capability, none_lifts_a_limit)
{
	__u64 before = get_parameter("max_user_owners");

	set_parameter("max_user_owners", 0);
	expect_needed(_metadata, self, pass_a_limit, -EDQUOT, -1);
	set_parameter("max_user_owners", before);
}

/* Limits are root's to set, by the permissions of files in /sys. */
TEST_F(capability, to_set_limits)
{
	pid_t pid = spawn_as(STRANGER);

	if (!pid) {
		CHECK(open(PARAMETERS "max_user_owners", O_WRONLY) < 0 && errno == EACCES);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

/* None at all is needed for anything of one's own. */
TEST_F(capability, none_is_needed)
{
	pid_t pid = spawn_as(STRANGER);

	if (!pid) {
		int fd = open_device(O_RDWR);
		char name[64];
		__u64 id;

		CHECK(do_create(fd, new_name(name), SHMBUF_CREATE_PERSIST, 4096, 1, 0, 0) == 0);
		map_data(fd, 4096);
		map_control(fd, PROT_READ | PROT_WRITE);
		id = new_owner(fd);
		map_row(fd, id);
		CHECK(do_lock(fd, id, 0, 0, NEVER) == 0 && do_unlock(fd, id, 0) == 0);
		CHECK(do_seal(fd, SHMBUF_SEAL_EXEC) == 0);
		CHECK(do_unlink(fd, name) == 0);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_HARNESS_MAIN
