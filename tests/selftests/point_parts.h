/* SPDX-License-Identifier: GPL-2.0-only */
/* What the processes of points.c do, and what the test does between. */
#ifndef POINT_PARTS_H
#define POINT_PARTS_H

#include "point_scene.h"

/* Locks */

static void hold_lock(struct scene *s)
{
	CHECK(do_lock(s->fd, s->owner, LOCK, 0, NEVER) == 0);
}

static void open_lock(struct scene *s)
{
	CHECK(do_unlock(s->fd, s->owner, LOCK) == 0);
}

static int lock(struct scene *s)
{
	return give_back(s, do_lock(s->fd, s->owner, LOCK, SHMBUF_LOCK_NOSPIN, NEVER));
}

static int read_lock(struct scene *s)
{
	return give_back(s, do_read(s->fd, s->owner, LOCK, SHMBUF_LOCK_NOSPIN, NEVER));
}

static int unlock(struct scene *s)
{
	return do_unlock(s->fd, s->owner, LOCK);
}

/* Queues */

static int wait_queue(struct scene *s)
{
	__u64 sequence = read_sequence(&s->c, QUEUE);

	return do_wait(s->fd, QUEUE, &sequence, NEVER);
}

static int wake_one(struct scene *s)
{
	return do_wake(s->fd, QUEUE, 1);
}

static int wake_all(struct scene *s)
{
	return do_wake(s->fd, QUEUE, SHMBUF_WAKE_ALL);
}

static void wakes_one(struct scene *s)
{
	CHECK(wake_one(s) >= 0);
}

/* Of two sleepers one has been woken; now the other one is. */
static void wakes_the_other(struct scene *s)
{
	UNTIL(nr_returned(s) == 1);
	CHECK(wake_one(s) == 1);
}

static int wait_locked(struct scene *s)
{
	int ret = do_wait_locked(s->fd, s->owner, LOCK, QUEUE, read_sequence(&s->c, QUEUE), NEVER);

	if (ret == SHMBUF_WAITED_OWNERDEAD)
		ret = -EOWNERDEAD;
	return give_back(s, ret);
}

/* Semaphores: without and with UNDO */

static void takes_unit(struct scene *s)
{
	CHECK(do_sem_wait(s->fd, s->owner, SEM, 0, NEVER) == 0);
}

static int post(struct scene *s)
{
	return do_sem_post(s->fd, 0, SEM);
}

static void posts(struct scene *s)
{
	CHECK(post(s) == 0);
}

static int post_undo(struct scene *s)
{
	return do_sem_post(s->fd, s->owner, SEM);
}

static int take(struct scene *s)
{
	return do_sem_wait(s->fd, 0, SEM, 0, NEVER) ?: post(s);
}

static int take_undo(struct scene *s)
{
	return do_sem_wait(s->fd, s->owner, SEM, 0, NEVER) ?: post_undo(s);
}

/* A unit is there, and this process has it. */
static void posts_and_takes(struct scene *s)
{
	posts(s);
	takes_unit(s);
}

/* Barriers */

static int arrive(struct scene *s)
{
	int ret = do_barrier_wait(s->fd, s->owner, BARRIER, NEVER);

	/* 1: the last one. */
	return ret > 0 ? 0 : ret;
}

static void arrives(struct scene *s)
{
	CHECK(arrive(s) == 0);
}

static void is_broken(struct scene *s)
{
	CHECK(arrive(s) == -ENOTRECOVERABLE);
}

/* WAIT_ANY: a queue, a semaphore and a lock */

static int wait_any(struct scene *s)
{
	struct shmbuf_wait_item items[] = {
		{ .fd = s->fd, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE,
		  .sequence = read_sequence(&s->c, QUEUE) },
		{ .fd = s->fd, .index = SEM, .kind = SHMBUF_KIND_SEMAPHORE,
		  .flags = SHMBUF_WAIT_ITEM_UNDO, .owner = s->owner },
		{ .fd = s->fd, .index = LOCK, .kind = SHMBUF_KIND_LOCK, .owner = s->owner },
	};
	struct shmbuf_wait_any arg = {
		.size = sizeof(arg), .items = address(items), .nr_items = ARRAY_SIZE(items),
		.deadline = NEVER,
	};
	int won = call(s->fd, SHMBUF_IOC_WAIT_ANY, &arg);

	if (won == 1)
		CHECK(post_undo(s) == 0);
	else if (won == 2)
		CHECK(unlock(s) == 0);
	return won;
}

/* Beginnings */

static int enlist(struct scene *s)
{
	__u64 owner;

	return do_register(s->fd, 0, &owner);
}

static void new_buffers_name(const struct scene *s, char name[80])
{
	snprintf(name, 80, "%s-new", s->name);
}

static int create(struct scene *s)
{
	char name[80];

	new_buffers_name(s, name);
	return do_create(open_device(O_RDWR), name, 0, 4096, 1, 0, 0);
}

/* The one that didn't come to be isn't there. */
static void finds_nothing(struct scene *s)
{
	char name[80];
	int fd = open_device(O_RDWR), ret;

	new_buffers_name(s, name);
	UNTIL((ret = do_open(fd, name)) != 0 || (close(fd), fd = open_device(O_RDWR), 0));
	CHECK(ret == -ENOENT);
	close(fd);
}

/* Nobody else is joined, and all ids but this process's own are free. */
static void is_alone(struct scene *s)
{
	struct shmbuf_wait wait = {
		.size = sizeof(wait), .flags = SHMBUF_WAIT_PEERS, .index = STILL,
		.deadline = now() + PATIENCE, .deaths = ~0ULL,
	};
	__u64 most = get_parameter("max_user_owners"), owner;

	while (call(s->fd, SHMBUF_IOC_WAIT, &wait) == -EOWNERDEAD)
		;
	CHECK(call(s->fd, SHMBUF_IOC_WAIT, &wait) == -EPIPE);
	set_parameter("max_user_owners", 2);
	UNTIL(do_register(s->fd, 0, &owner) == 0);
	set_parameter("max_user_owners", most);
	CHECK(do_unregister(s->fd, owner) == 0);
}

static const struct part locks = { .cmd = SHMBUF_IOC_LOCK, .call = lock };
static const struct part reads = { .cmd = SHMBUF_IOC_LOCK, .call = read_lock };
static const struct part unlocks = { .hold = hold_lock, .call = unlock };
static const struct part waits = { .cmd = SHMBUF_IOC_WAIT, .call = wait_queue };
static const struct part wakes = { .call = wake_one };
static const struct part wakes_all = { .call = wake_all };
static const struct part sleeps = {
	.cmd = SHMBUF_IOC_WAIT, .hold = hold_lock, .call = wait_locked,
};

static const struct part takes = { .cmd = SHMBUF_IOC_SEM_WAIT, .call = take };
static const struct part takes_undo = { .cmd = SHMBUF_IOC_SEM_WAIT, .call = take_undo };
static const struct part gives = { .call = post };
static const struct part gives_undo = { .hold = posts_and_takes, .call = post_undo };
static const struct part meets = { .cmd = SHMBUF_IOC_BARRIER_WAIT, .call = arrive };
static const struct part waits_any = { .cmd = SHMBUF_IOC_WAIT_ANY, .call = wait_any };
static const struct part enlists = { .call = enlist, .bare = true };
static const struct part creates = { .call = create, .bare = true };

#endif /* POINT_PARTS_H */
