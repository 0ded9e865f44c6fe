/* SPDX-License-Identifier: GPL-2.0-only */
/* With each step stretched in turn, who takes turns goes on, and nothing is lost. */
#ifndef POINT_LIVE_H
#define POINT_LIVE_H

#include "point_parts.h"

#define LIVE_ROUNDS	12

/* What a case exits with whose point wasn't reached: it has shown nothing. */
#define NOT_REACHED	77

struct turns {
	int turn, rounds[2];
	long sum;
};

static struct turns *turns;

static bool is_waited_for(struct scene *s, __u32 index)
{
	return read_word(&s->c, index) & SHMBUF_WORD_WAITERS;
}

/* The one whose turn it is counts, and tells the other, who sleeps for it or for the lock. */
static void take_turn(struct scene *s, int me)
{
	bool queue_first = turns->rounds[me] % 2;
	int ret;

	if (!me && queue_first)
		UNTIL(is_waited_for(s, QUEUE));
	if (!fast_lock(&s->c, s->owner, LOCK))
		CHECK(do_lock(s->fd, s->owner, LOCK, me ? SHMBUF_LOCK_NOSPIN : 0, NEVER) == 0);
	if (!me && !queue_first)
		UNTIL(is_waited_for(s, LOCK) || is_waited_for(s, QUEUE));
	while (turns->turn != me) {
		ret = do_wait_locked(s->fd, s->owner, LOCK, QUEUE, read_sequence(&s->c, QUEUE),
				     NEVER);
		CHECK(ret == 0);
	}
	turns->sum++;
	turns->turn = !me;
	if (!fast_wake(&s->c, QUEUE))
		CHECK(do_wake(s->fd, QUEUE, 1) >= 0);
	if (!fast_unlock(&s->c, s->owner, LOCK))
		CHECK(do_unlock(s->fd, s->owner, LOCK) == 0);
}

/* A unit goes back and forth; the one who takes it from SEM2 waits for a queue as well. */
static void pass_unit(struct scene *s, int me)
{
	struct shmbuf_wait_item items[] = {
		{ .fd = s->fd, .index = STILL, .kind = SHMBUF_KIND_QUEUE },
		{ .fd = s->fd, .index = SEM2, .kind = SHMBUF_KIND_SEMAPHORE },
	};
	struct shmbuf_wait_any any = {
		.size = sizeof(any), .items = address(items), .nr_items = ARRAY_SIZE(items),
		.deadline = NEVER,
	};

	if (me) {
		takes_unit(s);
		if (!fast_up(&s->c, SEM2))
			CHECK(do_sem_post(s->fd, 0, SEM2) == 0);
		CHECK(post_undo(s) == 0);
		CHECK(take(s) == 0);
		CHECK(do_sem_wait(s->fd, 0, SEM, 0, NEVER) == 0);
	} else {
		if (!fast_up(&s->c, SEM))
			posts(s);
		CHECK(call(s->fd, SHMBUF_IOC_WAIT_ANY, &any) == 1);
	}
}

static void wake_sleeper(struct scene *s, int me)
{
	__u64 sequence = read_sequence(&s->c, QUEUE);

	if (me) {
		CHECK(do_wait(s->fd, QUEUE, &sequence, NEVER) == 0);
	} else {
		UNTIL(is_waited_for(s, QUEUE));
		CHECK(do_wake(s->fd, QUEUE, 1) == 1);
	}
}

static int play(struct scene *s, int me)
{
	for (; turns->rounds[me] < LIVE_ROUNDS; turns->rounds[me]++) {
		take_turn(s, me);
		pass_unit(s, me);
		wake_sleeper(s, me);
		CHECK(read_lock(s) == 0);
		CHECK(arrive(s) == 0);
	}
	return 0;
}

static int play_first(struct scene *s)
{
	return play(s, 0);
}

static int play_second(struct scene *s)
{
	return play(s, 1);
}

static const struct part plays_first = { .call = play_first };
static const struct part plays_second = { .call = play_second };

static void run_live(const void *arg)
{
	const char *point = arg;
	struct scene s = {};

	turns = shared_memory(4096);
	begin(&s, 2);
	arm("sweep_begun", "stay", 0, 0);
	arm(point, "delay", 0, 0);
	spawn_actor(&s, s.victim, &plays_first);
	spawn_actor(&s, s.holder, &plays_second);
	set(&s.victim->go, 1);
	set(&s.holder->go, 1);
	UNTIL((get(&s.victim->returned) || ended(s.victim->pid)) &&
	      (get(&s.holder->returned) || ended(s.holder->pid)));
	CHECK(get(&s.victim->returned) && get(&s.holder->returned));
	CHECK(turns->sum == 2 * LIVE_ROUNDS);
	arm("all", "off", 0, 0);
	CHECK(try_objects(&s, 0) == 0);
	end(&s);
	if (!hits(point))
		_exit(NOT_REACHED);
}

#endif /* POINT_LIVE_H */
