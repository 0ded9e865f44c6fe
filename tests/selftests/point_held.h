/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that are held up at a point, and what others do meanwhile. */
#ifndef POINT_HELD_H
#define POINT_HELD_H

#include "kernel_fs.h"
#include "point_parts.h"

/**
 * struct held - a row: what comes while somebody is at a point isn't missed
 * @name: what happens meanwhile
 * @point: where the victim stays, after it went by @pass times
 * @victim: its part
 * @holder: of one more process, or NULL
 * @before: in the test, before anybody comes, or NULL
 * @meanwhile: in the test
 * @result: of the victim's call
 * @units: that the semaphore has in the end
 */
struct held {
	const char *name, *point;
	int pass;
	const struct part *victim, *holder;
	void (*before)(struct scene *s), (*meanwhile)(struct scene *s);
	int result, units;
};

/* Nobody can take the lock out of the hands of who is releasing it. */
static void finds_it_held(struct scene *s)
{
	CHECK(!fast_lock(&s->c, s->owner, LOCK));
}

static void wakes_nobody(struct scene *s)
{
	CHECK(do_wake(s->fd, QUEUE, 1) == 0);
}

static void wakes_who_isnt_asleep(struct scene *s)
{
	CHECK(do_wake(s->fd, QUEUE, 1) == 1);
}

static const struct part holds_only = { .hold = hold_lock };

static const struct held held[] = {
	{ "the lock is released", "lock_unqueued", .victim = &locks, .before = hold_lock,
	  .meanwhile = open_lock },
	{ "the lock is released to who isn't asleep", "lock_queued", .victim = &locks,
	  .before = hold_lock, .meanwhile = open_lock },
	{ "the lock's holder dies", "lock_unqueued", .victim = &locks, .holder = &holds_only,
	  .meanwhile = kill_holder, .result = -EOWNERDEAD },
	{ "the holder of who isn't asleep dies", "lock_queued", .victim = &locks,
	  .holder = &holds_only, .meanwhile = kill_holder, .result = -EOWNERDEAD },
	{ "the lock is released, and wanted by a reader", "lock_queued", .victim = &reads,
	  .before = hold_lock, .meanwhile = open_lock },
	{ "the lock is tried for", "lock_freed", .victim = &unlocks, .meanwhile = finds_it_held },
	{ "the queue is woken", "wait_unqueued", .victim = &waits, .meanwhile = wakes_nobody },
	{ "who isn't asleep is woken", "wait_queued", .victim = &waits,
	  .meanwhile = wakes_who_isnt_asleep },
	{ "who has given the lock up is woken", "cond_given_up", .victim = &sleeps,
	  .meanwhile = wakes_who_isnt_asleep },
	{ "a unit comes", "sem_unqueued", .victim = &takes, .meanwhile = posts, .units = 1 },
	{ "a unit comes to who isn't asleep", "sem_queued", .victim = &takes_undo,
	  .meanwhile = posts, .units = 1 },
	{ "the last one arrives", "barrier_told", .victim = &meets, .meanwhile = arrives },
	{ "the first item comes", "any_queued", 3, .victim = &waits_any, .before = hold_lock,
	  .meanwhile = wakes_who_isnt_asleep },
	{ "the second item comes", "any_queued", 3, .victim = &waits_any, .before = hold_lock,
	  .meanwhile = posts, .result = 1, .units = 1 },
	{ "the third item comes", "any_queued", 3, .victim = &waits_any, .before = hold_lock,
	  .meanwhile = open_lock, .result = 2 },
};

static void run_held(const void *arg)
{
	const struct held *row = arg;
	struct scene s = {};

	begin(&s, 2);
	arm("sweep_begun", "stay", 0, 0);
	if (row->before)
		row->before(&s);
	if (row->holder)
		spawn_actor(&s, s.holder, row->holder);
	spawn_actor(&s, s.victim, row->victim);
	arm(row->point, "stay", s.victim->pid, row->pass);
	set(&s.victim->go, 1);
	UNTIL(hits(row->point) > row->pass);
	row->meanwhile(&s);
	CHECK(!get(&s.victim->returned));
	disarm(row->point);
	UNTIL(get(&s.victim->returned));
	CHECK(s.victim->result == row->result);
	if (row->before == hold_lock && row->meanwhile != open_lock)
		open_lock(&s);
	CHECK(try_objects(&s, row->units) == 0);
	end(&s);
}

/**
 * struct granted - a row: whom a granter has chosen dies before the granter wakes him
 * @name: what is granted
 * @point: where the granter stays
 * @granter: its part
 * @victim: the chosen one's; @other: the next one's, who gets it then
 * @units: that the semaphore has in the end
 */
struct granted {
	const char *name, *point;
	const struct part *granter, *victim, *other;
	int units;
};

static const struct granted granted[] = {
	{ "the lock", "lock_released", &unlocks, &locks, &locks },
	{ "the lock, to read", "lock_released", &unlocks, &reads, &locks },
	{ "the lock, as one of several", "lock_released", &unlocks, &waits_any, &locks },
	{ "a wake", "wake_chosen", &wakes, &waits, &waits },
	{ "a wake, as one of several", "wake_chosen", &wakes, &waits_any, &waits },
	{ "a wake and the lock", "wake_chosen", &wakes, &sleeps, &sleeps },
	{ "a unit", "sem_given", &gives, &takes, &takes, 1 },
	{ "a unit with UNDO", "sem_given", &gives, &takes_undo, &takes, 1 },
	{ "a unit, as one of several", "sem_given", &gives, &waits_any, &takes, 1 },
};

static void run_granted(const void *arg)
{
	const struct granted *row = arg;
	struct scene s = {};

	begin(&s, 2);
	arm("sweep_begun", "stay", 0, 0);
	spawn_actor(&s, s.holder, row->granter);
	/* Of several items the lock is the last one: nobody gets it before. */
	if (row->victim == &waits_any && row->granter != &unlocks)
		hold_lock(&s);
	spawn_actor(&s, s.victim, row->victim);
	put_to_sleep(s.victim, row->victim);
	spawn_other(&s, row->other);
	arm(row->point, "stay", s.holder->pid, 0);
	set(&s.holder->go, 1);
	UNTIL(hits(row->point));
	arm("death_set", "stay", s.victim->pid, 0);
	kill(s.victim->pid, SIGKILL);
	UNTIL(nr_returned(&s) == 1);
	CHECK(nr_told(&s) == 0);
	CHECK(!get(&s.holder->returned));
	UNTIL(hits("death_set"));
	CHECK(!get(&s.victim->returned));
	disarm(row->point);
	UNTIL(get(&s.holder->returned));
	if (row->victim == &waits_any && row->granter != &unlocks)
		open_lock(&s);
	CHECK(try_objects(&s, row->units) == 0);
	end(&s);
}

/* While the burial of a holder is under way, others needn't wait for it. */

static void hold_much(struct scene *s)
{
	hold_lock(s);
	posts_and_takes(s);
}

static int go_away(struct scene *s)
{
	(void)s;
	raise(SIGKILL);
	return 0;
}

static const struct part holds_much = { .hold = hold_much, .call = go_away };

static const char * const burials[] = {
	"death_set", "reap_begun", "claims_buried", "locks_buried", "claim_removed",
};

static void run_burial(const void *arg)
{
	const char *point = *(const char * const *)arg;
	struct scene s = {};
	__u64 owner;

	begin(&s, 2);
	arm("sweep_begun", "stay", 0, 0);
	arm("locks_buried", "pass", 0, 0);
	spawn_actor(&s, s.victim, &holds_much);
	arm(point, "stay", 0, 0);
	set(&s.victim->go, 1);
	UNTIL(hits(point));
	CHECK(do_lock(s.fd, s.owner, LOCK, SHMBUF_LOCK_NOSPIN, now() + PATIENCE) == -EOWNERDEAD);
	CHECK(do_consistent(s.fd, s.owner, LOCK) == 0);
	CHECK(do_register(s.fd, 0, &owner) == 0 && owner != s.owner);
	disarm(point);
	UNTIL(hits("locks_buried"));
	UNTIL(read_count(&s.c, SEM) == 1);
	/* It is still the repairer's. */
	CHECK(do_trylock(s.fd, owner, LOCK) == -EBUSY);
	open_lock(&s);
	CHECK(do_unregister(s.fd, owner) == 0);
	CHECK(try_objects(&s, 1) == 0);
	end(&s);
}

/* What is taken while another item is won goes back. */
static void run_two_won(const void *arg)
{
	struct scene s = {};

	(void)arg;
	begin(&s, 2);
	arm("sweep_begun", "stay", 0, 0);
	hold_lock(&s);
	spawn_actor(&s, s.victim, &waits_any);
	/* Three items are looked at, the queue is entered, then the semaphore is. */
	arm("any_queued", "stay", s.victim->pid, 3);
	arm("any_taken", "stay", s.victim->pid, 4);
	set(&s.victim->go, 1);
	UNTIL(hits("any_queued") == 4);
	posts(&s);
	disarm("any_queued");
	UNTIL(hits("any_taken") == 5);
	wakes_who_isnt_asleep(&s);
	disarm("any_taken");
	UNTIL(get(&s.victim->returned));
	CHECK(s.victim->result == 0);
	open_lock(&s);
	CHECK(try_objects(&s, 1) == 0);
	end(&s);
}

#define TRACEFS	"/sys/kernel/tracing"

/* How many lines of @text are of @event, in @s's buffer, by its victim. */
static int nr_traced(const struct scene *s, const char *text, const char *event)
{
	const char *line, *end;
	char head[80], pid[32];
	int nr = 0;

	snprintf(head, sizeof(head), ": %s: buffer=%llu ", event, id_of(s->fd));
	snprintf(pid, sizeof(pid), " pid=%d", s->victim->pid);
	for (line = text; (line = strstr(line, head)); line = end) {
		end = strchrnul(line, '\n');
		nr += !!memmem(line, end - line, pid, strlen(pid));
	}
	return nr;
}

static void traced_once(const struct scene *s, const char *trace)
{
	char *text = read_text(trace);

	CHECK(nr_traced(s, text, "shmbuf_lock_acquired") == 1);
	CHECK(nr_traced(s, text, "shmbuf_lock_released") == 1);
	free(text);
}

/* A lock is taken while another item is won: it goes back, and what is traced comes in pairs. */
static void run_lock_lost(const void *arg)
{
	const char *dir = TRACEFS "/instances/points";
	struct scene s = {};
	char path[128];
	bool traced;

	(void)arg;
	/* A kernel without tracing, as the one that counts lines, has no such folder. */
	traced = !access(TRACEFS, F_OK);
	CHECK(!traced || mounted("tracefs", TRACEFS, TRACEFS "/instances"));
	begin(&s, 2);
	snprintf(path, sizeof(path), "%s/events/shmbuf/enable", dir);
	if (traced) {
		CHECK(!mkdir(dir, 0700) || errno == EEXIST);
		write_text(path, "1");
	}
	arm("sweep_begun", "stay", 0, 0);
	hold_lock(&s);
	spawn_actor(&s, s.victim, &waits_any);
	/* Three items are looked at, the queue and the semaphore are entered, then the lock is. */
	arm("any_queued", "stay", s.victim->pid, 4);
	arm("any_taken", "stay", s.victim->pid, 5);
	set(&s.victim->go, 1);
	UNTIL(hits("any_queued") == 5);
	open_lock(&s);
	disarm("any_queued");
	UNTIL(hits("any_taken") == 6);
	wakes_who_isnt_asleep(&s);
	disarm("any_taken");
	UNTIL(get(&s.victim->returned));
	CHECK(s.victim->result == 0);
	if (traced) {
		write_text(path, "0");
		snprintf(path, sizeof(path), "%s/trace", dir);
		traced_once(&s, path);
		CHECK(!rmdir(dir));
	}
	CHECK(try_objects(&s, 0) == 0);
	end(&s);
}

/* Two threads of a process that join at once are one joined process. */
static void *enlist_thread(void *arg)
{
	return (void *)(long)enlist(arg);
}

static int enlist_twice(struct scene *s)
{
	struct shmbuf_wait wait = {
		.size = sizeof(wait), .flags = SHMBUF_WAIT_PEERS, .index = STILL,
		.deadline = now() + PATIENCE, .deaths = ~0ULL,
	};
	pthread_t threads[2];
	void *ret;
	int i;

	arm("member_new", "stay", 0, 0);
	for (i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, enlist_thread, s));
	UNTIL(hits("member_new") == 2);
	disarm("member_new");
	for (i = 0; i < 2; i++)
		CHECK(!pthread_join(threads[i], &ret) && !ret);
	return call(s->fd, SHMBUF_IOC_WAIT, &wait);
}

static const struct part enlists_twice = { .call = enlist_twice, .bare = true };

static void run_two_join(const void *arg)
{
	struct scene s = {};

	(void)arg;
	begin(&s, 2);
	spawn_actor(&s, s.victim, &enlists_twice);
	CHECK(do_unregister(s.fd, s.owner) == 0);
	set(&s.victim->go, 1);
	UNTIL(get(&s.victim->returned));
	CHECK(s.victim->result == -EPIPE);
	end(&s);
}

#endif /* POINT_HELD_H */
