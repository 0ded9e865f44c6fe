// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../selftests/ioctls.h"
#include "check.h"
#include "corpus.h"
#include "epoch.h"
#include "file.h"
#include "klog.h"
#include "life.h"
#include "witness.h"

/* One process is killed at a random moment in so many calls at most. */
#define KILL_CALLS	1000
#define LOOK_USEC	2000
#define SHOWN_NS	(10 * NSEC_PER_SEC)
/* So long a step that may last for ever is left to itself. */
#define STUCK_NS	(60 * NSEC_PER_MSEC)
#define STOPPED_NS	(20 * NSEC_PER_MSEC)

/**
 * struct epoch - of the process that watches
 * @fds: its own handles of the shared buffers
 * @witnesses: their pids
 * @seed: of its choices
 * @seen: steps of each slot, when they moved last, and when the slot was killed
 */
struct epoch {
	int fds[BUFFERS];
	pid_t witnesses[2];
	__u64 seed;
	struct {
		__u64 steps, moved, killed;
	} seen[SLOTS];
	__u64 witnessed, witnessed_at;
	__u64 lives, kills, rescued;
	__u64 began, shown, first_calls, next_kill;
};

static void make_buffers(struct epoch *e)
{
	struct shmbuf_area areas[2];
	struct slot slot = {};
	struct task task = { .slot = &slot, .seed = 1 };
	struct shmbuf_query query;
	struct buffer *b;
	int i;

	for (i = 0; i < BUFFERS; i++) {
		b = &world->buffers[i];
		*b = (struct buffer){ .data_size = 4 * FUZZ_PAGE };
		snprintf(b->name, NAME_LEN, "fuzz-%d", i);
		e->fds[i] = file_open_shared(&task, i, O_RDWR);
		query = (struct shmbuf_query){ .areas = address(areas), .nr_areas = 2 };
		if (e->fds[i] < 0 || do_query(e->fds[i], &query)) {
			world_is_bad("the shared buffers can't be made: %d", e->fds[i]);
			return;
		}
		b->control_size = areas[1].type == SHMBUF_AREA_CONTROL ? areas[1].size : 0;
		b->object_offset = query.object_offset;
		b->object_stride = query.object_stride;
	}
}

/* Through which lives pass descriptors on; a kernel may have no such sockets. */
static void make_post(void)
{
	int post[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, post))
		return;
	dup2(post[0], POST_FD);
	dup2(post[1], POST_FD_OTHER);
	close(post[0]);
	close(post[1]);
}

static void start(struct epoch *e, int nr)
{
	struct slot *slot = &world->slots[nr];
	pid_t pid;
	int i;

	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		for (i = 0; i < BUFFERS; i++)
			close(e->fds[i]);
		life_begin(slot);
	}
	if (pid < 0) {
		world_is_bad("no process can be made: %d", errno);
		return;
	}
	setpgid(pid, pid);
	__atomic_store_n(&slot->pid, pid, __ATOMIC_RELAXED);
	e->seen[nr].steps = slot->nr_steps;
	e->seen[nr].moved = now();
	e->seen[nr].killed = 0;
	e->lives++;
}

/* Who is dead; of those who lead a group nobody is left. */
static void bury(struct epoch *e, bool again)
{
	siginfo_t info;
	pid_t pid;
	int i;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
			return;
		pid = info.si_pid;
		for (i = 0; i < SLOTS && world->slots[i].pid != pid; i++)
			;
		if (i < SLOTS) {
			__atomic_store_n(&world->slots[i].pid, 0, __ATOMIC_RELAXED);
			kill(-pid, SIGKILL);
		}
		waitpid(pid, NULL, 0);
		if (i < SLOTS) {
			world->slots[i].life++;
			if (again)
				start(e, i);
		}
		for (i = 0; again && i < 2; i++)
			if (e->witnesses[i] == pid)
				world_is_bad("one of two who harm nobody has ended");
	}
}

static void kill_slot(struct epoch *e, int nr)
{
	pid_t pid = world->slots[nr].pid;

	if (!pid || e->seen[nr].killed)
		return;
	/* Its children with it, or only later. */
	kill(draw_once_in(&e->seed, 2) ? pid : -pid, SIGKILL);
	e->seen[nr].killed = now();
	e->kills++;
}

static void look_at(struct epoch *e, int nr)
{
	struct slot *slot = &world->slots[nr];
	__u64 steps = __atomic_load_n(&slot->nr_steps, __ATOMIC_RELAXED), at = now(), since;

	if (!slot->pid)
		return;
	if (e->seen[nr].killed) {
		if (at - e->seen[nr].killed > world->patience)
			world_is_bad("slot %d can't be killed", nr);
		return;
	}
	if (steps != e->seen[nr].steps) {
		e->seen[nr].steps = steps;
		e->seen[nr].moved = at;
		return;
	}
	since = at - e->seen[nr].moved;
	if (since > STOPPED_NS)
		kill(slot->pid, SIGCONT);
	if (since > STUCK_NS && __atomic_load_n(&slot->unbounded, __ATOMIC_RELAXED)) {
		e->rescued++;
		kill_slot(e, nr);
	} else if (since > world->patience) {
		world_is_bad("slot %d doesn't come back from a call that can't wait so long", nr);
	}
}

static void look_at_witnesses(struct epoch *e)
{
	__u64 witnessed = __atomic_load_n(&world->witnessed, __ATOMIC_RELAXED);

	if (witnessed != e->witnessed) {
		e->witnessed = witnessed;
		e->witnessed_at = now();
	} else if (now() - e->witnessed_at > world->patience) {
		world_is_bad("two who harm nobody wait for each other in vain");
	}
}

static void show(struct epoch *e)
{
	__u64 calls = world_calls() - e->first_calls, at = now();

	e->shown = at;
	printf("# epoch %llu: %llu calls, %llu a second, %llu lives, %llu killed, ", world->epoch,
	       calls, calls * NSEC_PER_SEC / (at - e->began + 1), e->lives, e->kills);
	printf("%llu left waiting, %llu rounds witnessed", e->rescued, world->witnessed);
	if (world->kcov)
		printf(", %u places reached, %u programs kept", world->corpus.nr_bits,
		       corpus_count());
	printf("\n");
}

static void rage(struct epoch *e, __u64 calls)
{
	int i;

	e->began = now();
	e->shown = e->began;
	e->witnessed_at = e->began;
	e->first_calls = world_calls();
	for (i = 0; i < SLOTS; i++)
		if (world->slots_on & 1U << i)
			start(e, i);
	while (world_calls() - e->first_calls < calls && !is_bad()) {
		usleep(LOOK_USEC);
		bury(e, true);
		if (world_calls() > e->next_kill) {
			kill_slot(e, draw_below(&e->seed, SLOTS));
			e->next_kill = world_calls() + draw_below(&e->seed, KILL_CALLS);
		}
		for (i = 0; i < SLOTS; i++)
			look_at(e, i);
		look_at_witnesses(e);
		klog_look();
		if (now() - e->shown > SHOWN_NS)
			show(e);
	}
	show(e);
}

/* Everybody, children and children's children: they have come to us. */
static void end_all(struct epoch *e)
{
	__u64 end = now() + world->patience;
	int i;

	__atomic_store_n(&world->over, true, __ATOMIC_SEQ_CST);
	while (now() < end) {
		for (i = 0; i < SLOTS; i++)
			if (world->slots[i].pid)
				kill(-world->slots[i].pid, SIGKILL);
		for (i = 0; i < 2; i++)
			kill(e->witnesses[i], SIGKILL);
		bury(e, false);
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		usleep(1000);
	}
	world_is_bad("somebody who was killed doesn't end");
}

static void run(__u64 calls)
{
	struct epoch e = { .seed = seed_of(world->seed, world->epoch) };

	/* Names end with the namespace, and whoever lost its parent comes to us. */
	if (unshare(CLONE_NEWIPC))
		world_is_bad("no IPC namespace of its own: %d", errno);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	make_buffers(&e);
	make_post();
	if (is_bad())
		return;
	witness_start(e.witnesses);
	rage(&e, calls);
	if (is_bad())
		epoch_report();
	end_all(&e);
	close(POST_FD);
	close(POST_FD_OTHER);
	if (!is_bad())
		check_objects(e.fds);
}

void epoch_run(__u64 calls)
{
	pid_t pid;
	int i;

	for (i = 0; i < SLOTS; i++) {
		world->slots[i].life = 0;
		world->slots[i].pid = 0;
	}
	world->over = false;
	memset(world->ids, 0, sizeof(world->ids));
	world->fair = world->epoch % 2;
	fflush(stdout);
	check_limit();
	/* For other users, too. */
	chmod(DEVICE, 0666);
	pid = fork();
	if (!pid) {
		run(calls);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	klog_look();
	if (!is_bad())
		check_nothing_left();
	check_unlimit();
	klog_look();
}

static void report_slot(int nr)
{
	const struct slot *slot = &world->slots[nr];
	__u64 first = slot->nr_last > LAST ? slot->nr_last - LAST : 0, i;
	char text[PROGRAM_TEXT];

	printf("# slot %d, life %llu, last:", nr, slot->life);
	for (i = first; i <= slot->nr_last; i++) {
		const struct done *done = &slot->last[i % LAST];

		if (i > first && i == slot->nr_last && done->ret != INT_MIN)
			break;
		if (done->ret == INT_MIN)
			printf(" > %s", ops[done->op].name);
		else
			printf(" %s=%d", ops[done->op].name, done->ret);
	}
	program_print(&slot->program, text);
	printf("\n# slot %d, its program: %s\n", nr, text);
}

void epoch_report(void)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		if (world->slots_on & 1U << i && world->slots[i].nr_last)
			report_slot(i);
}
