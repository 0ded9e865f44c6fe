// SPDX-License-Identifier: GPL-2.0-only
/* Owner ids that aren't the caller's: of others, of the dead, of other buffers, made up. */
#include "others.h"
#include <linux/const.h>

#define LOCK	0
#define QUEUE	1
#define SEM	2
#define BARRIER	3
#define GENERATION	_BITULL(SHMBUF_OWNER_SLOT_BITS)

FIXTURE(ids)
{
	char name[64];
	int fd;
	__u64 own;
};

FIXTURE_SETUP(ids)
{
	self->fd = open_device(O_RDWR);
	ASSERT_EQ(0, do_create(self->fd, new_name(self->name), 0, 4096, 1, 1, 2));
	new_sem(self->fd, SEM, 1, 1);
	ASSERT_EQ(0, do_init(self->fd, BARRIER, 1, SHMBUF_KIND_BARRIER, 2));
	self->own = new_owner(self->fd);
	ASSERT_EQ(0, do_lock(self->fd, self->own, LOCK, 0, NEVER));
	ASSERT_EQ(0, do_sem_try(self->fd, self->own, SEM));
}

FIXTURE_TEARDOWN(ids)
{
	close(self->fd);
}

static int wait_any(int fd, __u64 id, __u32 index, __u32 kind, __u32 flags)
{
	struct shmbuf_wait_item item = {
		.fd = fd, .index = index, .kind = kind, .flags = flags, .owner = id,
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(&item), .nr_items = 1,
	};

	return call(fd, SHMBUF_IOC_WAIT_ANY, &arg);
}

/* The first call that takes @id for the caller's, or NULL. */
static const char *taken_by(int fd, __u64 id)
{
	const struct { const char *call; int ret; } calls[] = {
		{ "UNREGISTER", do_unregister(fd, id) },
		{ "LOCK", do_lock(fd, id, LOCK, 0, now()) },
		{ "LOCK with TRY", do_trylock(fd, id, LOCK) },
		{ "LOCK with SHARED", do_tryread(fd, id, LOCK) },
		{ "UNLOCK", do_unlock(fd, id, LOCK) },
		{ "CONSISTENT", do_consistent(fd, id, LOCK) },
		{ "DOWNGRADE", do_downgrade(fd, id, LOCK) },
		{ "WAIT with LOCK", do_wait_locked(fd, id, LOCK, QUEUE, 0, now()) },
		{ "SEM_WAIT with UNDO", do_sem_wait(fd, id, SEM, SHMBUF_SEM_UNDO, now()) },
		{ "SEM_POST with UNDO", id ? do_sem_post(fd, id, SEM) : -EPERM },
		{ "BARRIER_WAIT", do_barrier_wait(fd, id, BARRIER, now()) },
		{ "BARRIER_LEAVE", do_barrier_leave(fd, id, BARRIER) },
		{ "WAIT_ANY", wait_any(fd, id, LOCK, SHMBUF_KIND_LOCK, 0) },
		{ "WAIT_ANY with UNDO", wait_any(fd, id, SEM, SHMBUF_KIND_SEMAPHORE,
						 SHMBUF_WAIT_ITEM_UNDO) },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].ret != -EPERM)
			return calls[i].call;
	return NULL;
}

/* Whatever was tried: the one whose id it is has what he had. */
static void expect_held(struct __test_metadata *_metadata, FIXTURE_DATA(ids) *self)
{
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->own, LOCK));
	EXPECT_EQ(-EBUSY, do_sem_try(self->fd, 0, SEM));
	EXPECT_EQ(0, do_unlock(self->fd, self->own, LOCK));
	EXPECT_EQ(0, do_sem_post(self->fd, self->own, SEM));
	EXPECT_EQ(0, do_unregister(self->fd, self->own));
}

TEST_F(ids, of_another_process)
{
	pid_t pid = spawn();

	if (!pid) {
		int fd = open_buffer(self->name, O_RDWR);

		/* By the same handle, by one of its own, and with an id of its own. */
		CHECK(!taken_by(self->fd, self->own));
		CHECK(!taken_by(fd, self->own));
		new_owner(fd);
		CHECK(!taken_by(fd, self->own));
		CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, row_offset(self->own)) ==
		      MAP_FAILED && errno == EPERM);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	expect_held(_metadata, self);
}

TEST_F(ids, of_another_user)
{
	pid_t pid = spawn_as(STRANGER);

	if (!pid) {
		new_owner(self->fd);
		CHECK(!taken_by(self->fd, self->own));
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	expect_held(_metadata, self);
}

static void *try_as_thread(void *arg)
{
	FIXTURE_DATA(ids) *self = arg;

	return (void *)taken_by(self->fd, self->own);
}

TEST_F(ids, of_another_thread)
{
	pthread_t thread;
	void *taken;

	ASSERT_EQ(0, pthread_create(&thread, NULL, try_as_thread, self));
	ASSERT_EQ(0, pthread_join(thread, &taken));
	EXPECT_EQ(NULL, taken)
		TH_LOG("%s", (char *)taken);
	expect_held(_metadata, self);
}

/* Near to what there is: other generations, other slots, what a word has above an id. */
TEST_F(ids, made_up)
{
	__u64 flags = SHMBUF_WORD_WAITERS | SHMBUF_WORD_OWNER_DIED;
	int bit, i;

	EXPECT_EQ(NULL, taken_by(self->fd, 0));
	EXPECT_EQ(NULL, taken_by(self->fd, ~0ULL));
	EXPECT_EQ(NULL, taken_by(self->fd, SHMBUF_OWNER_MASK));
	EXPECT_EQ(NULL, taken_by(self->fd, self->own | flags));
	EXPECT_EQ(NULL, taken_by(self->fd, self->own & SHMBUF_OWNER_SLOT_MASK));
	for (i = 1; i < 100; i++) {
		EXPECT_EQ(NULL, taken_by(self->fd, self->own + i * GENERATION));
		EXPECT_EQ(NULL, taken_by(self->fd, self->own - i * GENERATION));
		EXPECT_EQ(NULL, taken_by(self->fd, self->own + i));
	}
	for (bit = 0; bit < 64; bit++)
		EXPECT_EQ(NULL, taken_by(self->fd, self->own ^ (1ULL << bit)));
	expect_held(_metadata, self);
}

TEST_F(ids, of_another_buffer)
{
	int other = new_buffer(NULL, 1, 1, 2);
	__u64 id;

	new_sem(other, SEM, 1, 1);
	ASSERT_EQ(0, do_init(other, BARRIER, 1, SHMBUF_KIND_BARRIER, 2));
	/* As numbers go, both have the same first. */
	id = new_owner(other);
	EXPECT_EQ(self->own, id);
	EXPECT_EQ(0, do_unregister(other, id));
	EXPECT_EQ(NULL, taken_by(other, self->own));
	id = new_owner(other);
	EXPECT_NE(self->own, id);
	EXPECT_EQ(NULL, taken_by(self->fd, id));
	expect_held(_metadata, self);
}

/* An id that was given back is never anybody's again, though its slot is. */
TEST_F(ids, given_back)
{
	__u64 last = self->own, id;
	int i;

	for (i = 0; i < 1000; i++) {
		id = new_owner(self->fd);
		EXPECT_NE(last & ~SHMBUF_OWNER_SLOT_MASK, id & ~SHMBUF_OWNER_SLOT_MASK);
		ASSERT_EQ(0, do_unregister(self->fd, id));
		if (i % 50 == 0)
			EXPECT_EQ(NULL, taken_by(self->fd, id));
		last = id;
	}
	expect_held(_metadata, self);
}

/* What is left of a dead one's id is of use to nobody, his parent and his heirs included. */
TEST_F(ids, of_the_dead)
{
	__u64 *id = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		*id = new_owner(self->fd);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(NULL, taken_by(self->fd, *id));
	expect_held(_metadata, self);
}

/* Of one process they are good through each of its handles to the buffer. */
TEST_F(ids, of_another_handle)
{
	int fd = open_buffer(self->name, O_RDWR);

	EXPECT_EQ(0, do_unlock(fd, self->own, LOCK));
	EXPECT_EQ(0, do_trylock(fd, self->own, LOCK));
	close(fd);
	expect_held(_metadata, self);
}

TEST_HARNESS_MAIN
