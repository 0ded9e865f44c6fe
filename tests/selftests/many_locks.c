// SPDX-License-Identifier: GPL-2.0-only
/* A robust mutex's list is followed for 2048 locks; here there is no such end. */
#include "shmbuf_test.h"

#define MANY 5000

FIXTURE(many)
{
	int fd;
	struct control c;
	__u64 owner;
};

FIXTURE_VARIANT(many)
{
	__u32 layout;
};

FIXTURE_VARIANT_ADD(many, spread) { SHMBUF_LAYOUT_SPREAD };
FIXTURE_VARIANT_ADD(many, packed) { SHMBUF_LAYOUT_PACKED };

FIXTURE_SETUP(many)
{
	struct shmbuf_range range = { .count = MANY, .kind = SHMBUF_KIND_LOCK };
	struct shmbuf_create c = {
		.size = sizeof(c), .data_size = 1, .nr_objects = MANY,
		.layout = variant->layout, .ranges = address(&range), .nr_ranges = 1,
	};

	self->fd = open_device(O_RDWR);
	ASSERT_EQ(0, call(self->fd, SHMBUF_IOC_CREATE, &c));
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->owner = new_owner(self->fd);
}

FIXTURE_TEARDOWN(many)
{
	munmap(self->c.base, self->c.size);
	close(self->fd);
}

TEST_F(many, locks_of_one_dead_process)
{
	pid_t pid = spawn();
	__u32 i;

	if (!pid) {
		struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);
		__u64 owner = new_owner(self->fd);

		for (i = 0; i < MANY; i++)
			CHECK(fast_lock(&c, owner, i));
		kill(getpid(), SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(-EOWNERDEAD, do_trylock(self->fd, self->owner, i));
		ASSERT_EQ(0, do_consistent(self->fd, self->owner, i));
		ASSERT_EQ(0, do_unlock(self->fd, self->owner, i));
		ASSERT_EQ(true, fast_lock(&self->c, self->owner, i));
	}
}

TEST_HARNESS_MAIN
