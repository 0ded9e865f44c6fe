// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "point.h"

/* So long does a thread stay that is forgotten: no watchdog barks at a held lock by then. */
#define SHMBUF_POINT_SPIN_NS (8 * NSEC_PER_SEC)
#define SHMBUF_POINT_SLEEP_NS (60 * NSEC_PER_SEC)

#define SHMBUF_POINT_DELAY_US 1000

enum shmbuf_point_action {
	SHMBUF_POINT_OFF,
	SHMBUF_POINT_PASS,	/* and be counted */
	SHMBUF_POINT_KILL,	/* SIGKILL comes at this very moment */
	SHMBUF_POINT_STAY,	/* until told otherwise */
	SHMBUF_POINT_DELAY,
};

static const char * const shmbuf_point_actions[] = { "off", "pass", "kill", "stay", "delay" };

/**
 * struct shmbuf_point_state - what happens to whom at a point
 * @name: constant, as @locked
 * @locked: a spinlock is held
 * @action: enum shmbuf_point_action, set last
 * @tid: of the thread that it is for, 0: each
 * @pass: so many times nothing happens
 * @hits: times that it was reached
 */
struct shmbuf_point_state {
	const char *name;
	bool locked;
	int action;
	pid_t tid;
	int pass;
	atomic_t hits;
};

#define POINT(name_) { .name = #name_ },
#define POINT_LOCKED(name_) { .name = #name_, .locked = true },
static struct shmbuf_point_state shmbuf_points[] = {
#include "points.h"
};

static void shmbuf_point_stay(struct shmbuf_point_state *point)
{
	u64 end = ktime_get_ns() + (point->locked ? SHMBUF_POINT_SPIN_NS : SHMBUF_POINT_SLEEP_NS);

	while (READ_ONCE(point->action) == SHMBUF_POINT_STAY && ktime_get_ns() < end) {
		if (point->locked)
			cpu_relax();
		else
			schedule_timeout_uninterruptible(1);
	}
}

static void shmbuf_point_delay(const struct shmbuf_point_state *point)
{
	if (point->locked)
		udelay(SHMBUF_POINT_DELAY_US);
	else
		usleep_range(SHMBUF_POINT_DELAY_US, 2 * SHMBUF_POINT_DELAY_US);
}

void shmbuf_point_reach(enum shmbuf_point nr)
{
	struct shmbuf_point_state *point = &shmbuf_points[nr];
	/* Pairs with shmbuf_point_arm(). */
	int action = smp_load_acquire(&point->action);

	if (!point->locked)
		might_sleep();
	if (action == SHMBUF_POINT_OFF || (point->tid && point->tid != current->pid) ||
	    atomic_inc_return(&point->hits) <= point->pass)
		return;
	if (action == SHMBUF_POINT_KILL)
		send_sig(SIGKILL, current, 1);
	else if (action == SHMBUF_POINT_STAY)
		shmbuf_point_stay(point);
	else if (action == SHMBUF_POINT_DELAY)
		shmbuf_point_delay(point);
}

static void shmbuf_point_arm(struct shmbuf_point_state *point, int action, pid_t tid, int pass)
{
	WRITE_ONCE(point->action, SHMBUF_POINT_OFF);
	if (action != SHMBUF_POINT_OFF) {
		point->tid = tid;
		point->pass = pass;
		atomic_set(&point->hits, 0);
	}
	/* Pairs with shmbuf_point_reach(). */
	smp_store_release(&point->action, action);
}

/* "NAME ACTION [TID [PASS]]"; of all points where NAME is "all". */
static int shmbuf_point_set(const char *text, const struct kernel_param *kp)
{
	char name[32], word[8];
	int i, action, tid = 0, pass = 0, found = 0;

	if (sscanf(text, "%31s %7s %d %d", name, word, &tid, &pass) < 2)
		return -EINVAL;
	action = match_string(shmbuf_point_actions, ARRAY_SIZE(shmbuf_point_actions), word);
	if (action < 0)
		return action;
	for (i = 0; i < SHMBUF_NR_POINTS; i++) {
		if (!strcmp(name, "all") || !strcmp(name, shmbuf_points[i].name)) {
			shmbuf_point_arm(&shmbuf_points[i], action, tid, pass);
			found++;
		}
	}
	return found ? 0 : -ENOENT;
}

/* A line "NAME HITS" of each. */
static int shmbuf_point_get(char *text, const struct kernel_param *kp)
{
	int i, len = 0;

	for (i = 0; i < SHMBUF_NR_POINTS; i++)
		len += scnprintf(text + len, PAGE_SIZE - len, "%s %d\n", shmbuf_points[i].name,
				 atomic_read(&shmbuf_points[i].hits));
	return len;
}

static const struct kernel_param_ops shmbuf_point_ops = {
	.set = shmbuf_point_set,
	.get = shmbuf_point_get,
};

module_param_cb(point, &shmbuf_point_ops, NULL, 0600);
MODULE_PARM_DESC(point, "for tests: what happens where, \"NAME off|pass|kill|stay|delay [TID [PASS]]\"");
