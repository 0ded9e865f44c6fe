/* SPDX-License-Identifier: GPL-2.0-only */
/* Victims that are killed at a point, and what the others must see. */
#ifndef POINT_KILLED_H
#define POINT_KILLED_H

#include "point_parts.h"

/**
 * struct killed - a row
 * @name: what the victim does
 * @point: where SIGKILL comes, after it went by @pass times
 * @victim: its part.  @asleep: it sleeps, and @provoke brings it to the point
 * @holder: of one more process, or NULL; it is not called to anything
 * @others: who are asleep by then, the first of them @crowd more times; @late: who come
 *	when the victim is gone
 * @before: in the test, before anybody comes, or NULL
 * @then: with the victim gone, what makes the others go on, or NULL
 * @after: at the end of all, or NULL
 * @parties: of the barrier
 * @told: how many hear EOWNERDEAD, in all
 * @units: that the semaphore has in the end
 * @quiet: the others go on without being told that the victim died, or anybody's burial
 */
struct killed {
	const char *name, *point;
	int pass;
	const struct part *victim, *holder, *others[3], *late;
	void (*before)(struct scene *s), (*provoke)(struct scene *s);
	void (*then)(struct scene *s), (*after)(struct scene *s);
	int crowd, parties, told, units;
	bool asleep, quiet;
};

/* A waiter that has waited for so long gets the lock handed over. */
static void opens_lock_late(struct scene *s)
{
	usleep(5000);
	open_lock(s);
}

static void watches(struct scene *s)
{
	s->eventfd = eventfd(0, EFD_NONBLOCK);
	CHECK(s->eventfd >= 0);
	CHECK(do_watch_flags(s->fd, SHMBUF_WATCH_EVENTFD, QUEUE, s->eventfd, 0) == 0);
}

static void has_been_told(struct scene *s)
{
	struct pollfd p = { .fd = s->eventfd, .events = POLLIN };

	CHECK(poll(&p, 1, PATIENCE / NSEC_PER_MSEC) == 1);
	CHECK(do_watch_flags(s->fd, SHMBUF_WATCH_EVENTFD | SHMBUF_WATCH_REMOVE, QUEUE, 0,
			     0) == 0);
}

/* Its own end may have to wait for the victim's, which is held up. */
static void kills_holder(struct scene *s)
{
	kill(s->holder->pid, SIGKILL);
}

static void opens_and_wakes_one(struct scene *s)
{
	open_lock(s);
	wakes_one(s);
}

static void opens_and_posts(struct scene *s)
{
	open_lock(s);
	posts(s);
}

static const struct part holds = { .hold = hold_lock };

static const struct killed killed[] = {
	/* Locks */
	{ "lock, not yet waiting", "lock_unqueued", .victim = &locks, .before = hold_lock,
	  .late = &locks, .then = open_lock, .quiet = true },
	{ "lock, waiting, not asleep", "lock_queued", .victim = &locks, .before = hold_lock,
	  .late = &locks, .then = open_lock, .quiet = true },
	{ "lock, handed over", "lock_woken", .victim = &locks, .before = hold_lock, .asleep = true,
	  .others = { &locks }, .provoke = opens_lock_late, .quiet = true },
	{ "lock, woken to try", "lock_woken", .victim = &locks, .holder = &holds, .asleep = true,
	  .others = { &locks, &locks }, .provoke = kills_holder, .told = 1,
	  .quiet = true },
	{ "lock, free and taken", "lock_taken", .victim = &locks, .quiet = true },
	{ "lock, taken after a death", "lock_taken", .victim = &locks, .holder = &holds,
	  .asleep = true, .others = { &locks }, .provoke = kills_holder, .told = 1,
	  .quiet = true },
	{ "lock, free and got", "lock_got", .victim = &locks, .quiet = true },
	{ "lock, got after waiting", "lock_got", .victim = &locks, .before = hold_lock,
	  .asleep = true, .others = { &locks }, .provoke = open_lock, .quiet = true },
	{ "lock, got after a death", "lock_got", .victim = &locks, .holder = &holds,
	  .asleep = true, .others = { &locks, &locks }, .provoke = kills_holder, .told = 1,
	  .quiet = true },
	{ "lock, got for good", "lock_returning", .victim = &locks, .before = hold_lock,
	  .asleep = true, .others = { &locks, &locks }, .provoke = open_lock, .told = 1 },
	{ "unlock, nobody chosen", "lock_freed", .victim = &unlocks,
	  .others = { &locks, &locks }, .quiet = true },
	{ "unlock, nobody woken", "lock_released", .victim = &unlocks,
	  .others = { &locks, &locks }, .quiet = true },
	{ "unlock, no reader woken", "lock_released", .victim = &unlocks,
	  .others = { &reads, &reads, &locks }, .quiet = true },
	{ "read, claimed", "reader_claimed", .victim = &reads, .quiet = true },
	{ "read, got", "lock_got", .victim = &reads, .quiet = true },
	{ "read, got for good", "lock_returning", .victim = &reads },
	{ "read, admitted", "lock_woken", .victim = &reads, .before = hold_lock, .asleep = true,
	  .others = { &locks, &reads }, .provoke = open_lock, .quiet = true },

	/* Queues */
	{ "wait, not yet waiting", "wait_unqueued", .victim = &waits, .late = &waits,
	  .then = wakes_one, .quiet = true },
	{ "wait, not asleep", "wait_queued", .victim = &waits, .late = &waits,
	  .then = wakes_one, .quiet = true },
	{ "wait, chosen", "wait_chosen", .victim = &waits, .asleep = true, .others = { &waits },
	  .provoke = wakes_one, .quiet = true },
	{ "wake of one, nobody chosen", "wake_moved", .victim = &wakes,
	  .others = { &waits, &waits }, .then = wakes_the_other, .quiet = true },
	{ "wake of one, not woken", "wake_chosen", .victim = &wakes,
	  .others = { &waits, &waits }, .then = wakes_the_other, .quiet = true },
	{ "wake of all, nobody chosen", "wake_moved", .victim = &wakes_all,
	  .others = { &waits, &waits, &waits }, .quiet = true },
	{ "wake of more than a batch", "wake_chosen", .victim = &wakes_all,
	  .others = { &waits }, .crowd = 19, .quiet = true },
	{ "wake, no eventfd told", "wake_moved", .victim = &wakes, .before = watches,
	  .then = has_been_told, .quiet = true },

	/* Conditions */
	{ "condition, waiting and holding", "cond_queued", .victim = &sleeps,
	  .others = { &locks, &locks }, .quiet = true },
	{ "condition, lock given up", "cond_given_up", .victim = &sleeps,
	  .others = { &locks, &locks }, .quiet = true },
	{ "condition, lock given up, wake to come", "cond_given_up", .victim = &sleeps,
	  .late = &sleeps, .then = wakes_one, .quiet = true },
	{ "condition, wake of one, moved", "cond_moved", .victim = &wakes,
	  .others = { &sleeps, &sleeps }, .then = wakes_the_other, .quiet = true },
	{ "condition, wake of all, nobody chosen", "wake_moved", .victim = &wakes_all,
	  .others = { &sleeps, &sleeps, &waits }, .quiet = true },
	{ "condition, woken", "cond_chosen", .victim = &sleeps, .asleep = true,
	  .others = { &sleeps }, .provoke = wakes_one, .quiet = true },
	{ "condition, woken to wait for the lock", "lock_woken", .victim = &sleeps, .asleep = true,
	  .others = { &sleeps }, .provoke = wakes_one, .quiet = true },
	{ "condition, lock taken back", "cond_retaken", .victim = &sleeps, .asleep = true,
	  .others = { &sleeps }, .provoke = wakes_one, .quiet = true },

	/* Semaphores */
	{ "semaphore, not yet waiting", "sem_unqueued", .victim = &takes, .late = &takes,
	  .then = posts, .units = 1, .quiet = true },
	{ "semaphore, not asleep", "sem_queued", .victim = &takes_undo, .late = &takes,
	  .then = posts, .units = 1, .quiet = true },
	{ "semaphore, unit taken", "sem_taken", .victim = &takes, .before = posts,
	  .units = 1, .quiet = true },
	{ "semaphore, unit taken with UNDO", "sem_taken", .victim = &takes_undo, .before = posts,
	  .units = 1, .quiet = true },
	{ "semaphore, unit on record", "sem_recorded", .victim = &takes_undo, .before = posts,
	  .units = 1, .quiet = true },
	{ "semaphore, unit got", "sem_got", .victim = &takes, .asleep = true,
	  .others = { &takes }, .provoke = posts, .units = 1, .quiet = true },
	{ "semaphore, unit got with UNDO", "sem_got", .victim = &takes_undo, .asleep = true,
	  .others = { &takes }, .provoke = posts, .units = 1, .quiet = true },
	{ "semaphore, unit got for good", "sem_returning", .victim = &takes_undo, .asleep = true,
	  .others = { &takes_undo }, .provoke = posts, .units = 1 },
	{ "post, nobody told", "sem_served", .victim = &gives,
	  .others = { &takes_undo, &takes }, .units = 1, .quiet = true },
	{ "post, nobody woken", "sem_given", .victim = &gives,
	  .others = { &takes, &takes_undo }, .units = 1, .quiet = true },
	{ "post with UNDO, on record", "sem_giving", .victim = &gives_undo, .units = 1,
	  .quiet = true },
	{ "post with UNDO, on record, one waiting", "sem_giving", .victim = &gives_undo,
	  .others = { &takes_undo }, .units = 1, .quiet = true },

	/* Barriers */
	{ "barrier, arrived", "barrier_arrived", .victim = &meets, .others = { &meets }, .told = 1,
	  .after = is_broken },
	{ "barrier, not asleep", "barrier_told", .victim = &meets, .others = { &meets }, .told = 1,
	  .after = is_broken },
	{ "barrier, arrived last", "barrier_arrived", .victim = &meets,
	  .others = { &meets, &meets }, .quiet = true, .after = is_broken },
	{ "barrier, arrived last, nobody woken", "barrier_told", .victim = &meets,
	  .others = { &meets, &meets }, .quiet = true, .after = is_broken },
	{ "barrier, more than a batch, first woken", "barrier_told", .victim = &meets,
	  .others = { &meets }, .crowd = 19, .parties = 21, .quiet = true, .after = is_broken },
	{ "barrier, more than a batch, next woken", "barrier_more", .victim = &meets,
	  .others = { &meets }, .crowd = 19, .parties = 21, .quiet = true, .after = is_broken },
	{ "barrier, passed", "barrier_passed", .victim = &meets, .asleep = true,
	  .others = { &meets }, .provoke = arrives, .quiet = true, .after = is_broken },

	/* WAIT_ANY: of three items, which are all looked at before the first is waited for */
	{ "any, waiting for one of three", "any_queued", 3, .victim = &waits_any,
	  .before = hold_lock, .late = &waits, .then = opens_and_wakes_one, .quiet = true },
	{ "any, waiting for two of three", "any_queued", 4, .victim = &waits_any,
	  .before = hold_lock, .late = &takes, .then = opens_and_posts, .units = 1, .quiet = true },
	{ "any, waiting for all", "any_queued", 5, .victim = &waits_any, .before = hold_lock,
	  .late = &locks, .then = open_lock, .quiet = true },
	{ "any, unit taken", "any_taken", 1, .victim = &waits_any, .before = posts, .units = 1,
	  .quiet = true },
	{ "any, lock taken", "any_taken", 2, .victim = &waits_any, .quiet = true },
	{ "any, queue won", "any_won", .victim = &waits_any, .before = hold_lock, .asleep = true,
	  .others = { &waits, &locks }, .provoke = wakes_one, .then = open_lock, .quiet = true },
	{ "any, unit won", "any_won", .victim = &waits_any, .before = hold_lock, .asleep = true,
	  .others = { &takes, &locks }, .provoke = posts, .then = open_lock, .units = 1,
	  .quiet = true },
	{ "any, lock won", "any_won", .victim = &waits_any, .before = hold_lock, .asleep = true,
	  .others = { &locks, &locks }, .provoke = opens_lock_late, .quiet = true },
	{ "any, queue won, all left", "any_left", .victim = &waits_any, .before = hold_lock,
	  .asleep = true, .others = { &waits, &locks }, .provoke = wakes_one, .then = open_lock,
	  .quiet = true },
	{ "any, unit won, all left", "any_left", .victim = &waits_any, .before = hold_lock,
	  .asleep = true, .others = { &takes, &locks }, .provoke = posts, .then = open_lock,
	  .units = 1, .quiet = true },
	{ "any, lock won, all left", "any_left", .victim = &waits_any, .before = hold_lock,
	  .asleep = true, .others = { &locks, &locks }, .provoke = open_lock, .quiet = true },

	/* Beginnings */
	{ "create, not attached", "attach_found", .victim = &creates, .then = finds_nothing },
	{ "register, not joined", "member_new", .victim = &enlists, .then = is_alone },
	{ "register, joined", "owner_made", .victim = &enlists, .then = is_alone },
	{ "register, id told", "owner_numbered", .victim = &enlists, .then = is_alone },
	{ "register, id listed", "owner_listed", .victim = &enlists, .then = is_alone },
};

static void kill_victim(struct scene *s, const struct killed *row)
{
	arm(row->point, "kill", s->victim->pid, row->pass);
	if (row->asleep)
		row->provoke(s);
	else
		set(&s->victim->go, 1);
	if (row->quiet)
		UNTIL(hits("death_set"));
	else
		UNTIL(ended(s->victim->pid));
	CHECK(!get(&s->victim->returned));
	CHECK(hits(row->point) > row->pass);
}

static void survive(struct scene *s, const struct killed *row)
{
	if (row->late)
		spawn_other(s, row->late);
	if (row->then)
		row->then(s);
	UNTIL(nr_returned(s) == s->nr_others);
}

/* Of the victim nothing is left, and what comes back comes once. */
static int see_buried(struct scene *s, const struct killed *row)
{
	disarm("death_set");
	disarm("reap_begun");
	if (!row->victim->bare)
		UNTIL(hits("locks_buried"));
	return try_objects(s, row->units);
}

/* All are where they shall be, and nothing has happened yet. */
static void gather(struct scene *s, const struct killed *row)
{
	int i;

	if (row->before)
		row->before(s);
	if (row->holder)
		spawn_actor(s, s->holder, row->holder);
	spawn_actor(s, s->victim, row->victim);
	if (row->asleep)
		put_to_sleep(s->victim, row->victim);
	for (i = 0; i < ARRAY_SIZE(row->others) && row->others[i]; i++)
		spawn_other(s, row->others[i]);
	for (i = 0; i < row->crowd; i++)
		spawn_other(s, row->others[0]);
}

static void run_killed(const void *arg)
{
	const struct killed *row = arg;
	struct scene s = {};
	int told;

	begin(&s, row->parties ?: 3);
	arm("sweep_begun", "stay", 0, 0);
	gather(&s, row);
	if (row->quiet) {
		arm("death_set", "stay", s.victim->pid, 0);
		arm("reap_begun", "stay", 0, 0);
	}
	arm("locks_buried", "pass", 0, 0);
	kill_victim(&s, row);
	survive(&s, row);
	told = nr_told(&s);
	if (row->quiet)
		told += try_objects(&s, row->units);
	told += see_buried(&s, row);
	CHECK(told == row->told);
	if (row->after)
		row->after(&s);
	end(&s);
}

#endif /* POINT_KILLED_H */
