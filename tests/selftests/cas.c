// SPDX-License-Identifier: GPL-2.0-only
/*
 * Killed right after a compare-and-swap in user space, before anything else is written: the
 * word is all that tells of it.
 */
#include "shmbuf_test.h"

enum { LOCK, QUEUE, SEM };

struct victim {
	int fd;
	__u64 owner, *row;
	struct control c;
};

static bool acquire(struct victim *v)
{
	return fast_lock(&v->c, v->owner, LOCK);
}

static bool release(struct victim *v)
{
	return fast_lock(&v->c, v->owner, LOCK) && fast_unlock(&v->c, v->owner, LOCK);
}

/* The entry is the lock's from the first time on, which the kernel counts. */
static bool read_acquire(struct victim *v)
{
	CHECK(do_read(v->fd, v->owner, LOCK, 0, NEVER) == 0);
	CHECK(do_unlock(v->fd, v->owner, LOCK) == 0);
	/* The release leaves it to user space, unless a writer comes. */
	return fast_read(v->row, LOCK);
}

static bool read_release(struct victim *v)
{
	return read_acquire(v) && fast_unread(v->row, LOCK);
}

static bool move(struct victim *v)
{
	return fast_wake(&v->c, QUEUE);
}

static bool down(struct victim *v)
{
	return fast_down(&v->c, SEM);
}

static bool up(struct victim *v)
{
	return fast_up(&v->c, SEM);
}

FIXTURE(cas)
{
	char name[64];
	int fd;
	struct control c;
	__u64 owner;
};

FIXTURE_VARIANT(cas)
{
	bool (*step)(struct victim *v);
	int told;		/* the next one who takes the lock */
	__u64 sequence, units;	/* of 5: a unit without UNDO is nobody's */
};

FIXTURE_VARIANT_ADD(cas, acquire) { acquire, -EOWNERDEAD, 0, 5 };
FIXTURE_VARIANT_ADD(cas, release) { release, 0, 0, 5 };
FIXTURE_VARIANT_ADD(cas, read_acquire) { read_acquire, 0, 0, 5 };
FIXTURE_VARIANT_ADD(cas, read_release) { read_release, 0, 0, 5 };
FIXTURE_VARIANT_ADD(cas, wake) { move, 0, 1, 5 };
FIXTURE_VARIANT_ADD(cas, down) { down, 0, 0, 4 };
FIXTURE_VARIANT_ADD(cas, up) { up, 0, 0, 6 };

FIXTURE_SETUP(cas)
{
	self->fd = new_buffer(new_name(self->name), 1, 1, 1);
	self->c = map_control(self->fd, PROT_READ);
	self->owner = new_owner(self->fd);
	new_sem(self->fd, SEM, 5, 10);
}

FIXTURE_TEARDOWN(cas)
{
	close(self->fd);
}

TEST_F(cas, is_undone_or_stands)
{
	pid_t pid = spawn(), me;
	struct victim v;

	if (!pid) {
		v.fd = open_buffer(self->name, O_RDWR);
		v.c = map_control(v.fd, PROT_READ | PROT_WRITE);
		v.owner = new_owner(v.fd);
		v.row = map_row(v.fd, v.owner);
		me = getpid();
		if (variant->step(&v))
			syscall(SYS_kill, me, SIGKILL);
		_exit(1);
	}
	ASSERT_EQ(128 + SIGKILL, reap(pid));
	ASSERT_EQ(variant->told, do_lock(self->fd, self->owner, LOCK, 0, now() + PATIENCE));
	if (variant->told)
		EXPECT_EQ(0, do_consistent(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, LOCK));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, LOCK));
	EXPECT_EQ(variant->sequence, read_sequence(&self->c, QUEUE));
	EXPECT_EQ(variant->units, read_count(&self->c, SEM));
	EXPECT_EQ(0, read_word(&self->c, QUEUE) & SHMBUF_WORD_WAITERS);
}

TEST_HARNESS_MAIN
