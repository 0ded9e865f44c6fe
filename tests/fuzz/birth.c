// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "birth.h"
#include "value.h"

/* These take long. */
#define SELDOM		4
#define CHILD_STEPS	12
#define THREAD_STACK	(128 * 1024)
/* Stacks of threads that leave by the raw system call aren't given back. */
#define THREADS_MAX	24

static int nr_threads;

/* What a child does: a program of its own, about the same things. */
static void run_child(struct task *task)
{
	struct program program;

	task->child = true;
	/* The parent's ids are of no good to it, but it may try. */
	if (draw_below(&task->seed, 4))
		memset(task->ids, 0, sizeof(task->ids));
	program_draw(&program, &task->seed);
	program.focus = task->focus;
	task_run(task, &program, 1 + draw_below(&task->seed, CHILD_STEPS));
}

static void linger(struct task *task)
{
	struct timespec in = { .tv_nsec = draw_below(&task->seed, 20) * NSEC_PER_MSEC };

	if (draw_once_in(&task->seed, 4))
		nanosleep(&in, NULL);
}

static long op_fork(struct task *task, const struct op *op)
{
	long pid;

	if (task->child || draw_below(&task->seed, SELDOM))
		return 0;
	/* Not the library's: what that does is of no interest. */
	pid = counted(task, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	if (pid)
		return pid < 0 ? pid : 0;
	task->forked = true;
	run_child(task);
	linger(task);
	if (draw_once_in(&task->seed, 4))
		execl("/proc/self/exe", "fuzz", "--nothing", NULL);
	_exit(0);
}

static alignas(64) char vfork_stack[64 * 1024];

static int run_vforked(void *arg)
{
	struct task task = *(struct task *)arg;

	task.forked = true;
	run_child(&task);
	if (draw_once_in(&task.seed, 2))
		execl("/proc/self/exe", "fuzz", "--nothing", NULL);
	_exit(0);
}

/* A process of the same address space, for which its parent waits. */
static long op_vfork(struct task *task, const struct op *op)
{
	long pid;

	if (task->child || draw_below(&task->seed, SELDOM))
		return 0;
	may_hang(task);
	pid = counted(task, clone(run_vforked, vfork_stack + sizeof(vfork_stack),
				  CLONE_VM | CLONE_VFORK | SIGCHLD, task));
	return pid < 0 ? pid : 0;
}

static void *run_thread(void *arg)
{
	struct task *mine = arg, task = *mine;

	free(mine);
	run_child(&task);
	if (draw_once_in(&task.seed, 3))
		syscall(SYS_exit, 0);
	return NULL;
}

static long op_thread(struct task *task, const struct op *op)
{
	struct task *child;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (task->child || nr_threads == THREADS_MAX || draw_below(&task->seed, SELDOM))
		return 0;
	child = malloc(sizeof(*child));
	if (!child)
		return -ENOMEM;
	*child = *task;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, run_thread, child);
	pthread_attr_destroy(&attr);
	if (err)
		free(child);
	else
		nr_threads++;
	counted(task, 0);
	return -err;
}

static struct slot *some_slot(struct task *task)
{
	return &world->slots[draw_below(&task->seed, SLOTS)];
}

static long op_kill(struct task *task, const struct op *op)
{
	static const int signals[] = { SIGUSR1, SIGUSR1, SIGUSR1, SIGUSR2, SIGUSR2, SIGKILL,
				       SIGTERM, SIGSTOP, SIGCONT };
	int sig = signals[draw_below(&task->seed, ARRAY_SIZE(signals))];
	pid_t pid = __atomic_load_n(&some_slot(task)->pid, __ATOMIC_RELAXED);

	if (!pid || ((sig == SIGKILL || sig == SIGTERM) && draw_below(&task->seed, SELDOM)))
		return 0;
	/* Now and then the children as well. */
	if (draw_once_in(&task->seed, 8) && sig != SIGSTOP)
		pid = -pid;
	return counted(task, kill(pid, sig));
}

static long op_exit(struct task *task, const struct op *op)
{
	if (!task->child && draw_below(&task->seed, 16))
		return 0;
	switch (draw_below(&task->seed, 4)) {
	case 0:
		kill(getpid(), SIGKILL);
		break;
	case 1:
		_exit(draw_below(&task->seed, 3));
	case 2:
		/* The process goes on without its first thread, if there are others. */
		may_hang(task);
		counted(task, 0);
		syscall(SYS_exit, 0);
	}
	return 0;
}

/* Go on as another program: what this life would still have done, from another thread too. */
static long op_exec(struct task *task, const struct op *op)
{
	char nr[16];

	if (task->forked || draw_below(&task->seed, 16))
		return 0;
	snprintf(nr, sizeof(nr), "%d", (int)(task->slot - world->slots));
	return counted(task, execl("/proc/self/exe", "fuzz", "--after-exec", nr, NULL));
}

static long op_sleep(struct task *task, const struct op *op)
{
	struct timespec in = { .tv_nsec = draw_below(&task->seed, 200) * NSEC_PER_USEC };

	if (draw_once_in(&task->seed, 2))
		return counted(task, nanosleep(&in, NULL));
	return counted(task, sched_yield());
}

/* To where the names are others. */
static long op_unshare(struct task *task, const struct op *op)
{
	if (draw_below(&task->seed, 16))
		return 0;
	return counted(task, unshare(CLONE_NEWIPC));
}

const struct op birth_ops[] = {
	{ "fork", 1, op_fork },
	{ "vfork", 1, op_vfork },
	{ "thread", 3, op_thread },
	{ "kill", 2, op_kill },
	{ "exit", 1, op_exit },
	{ "exec", 1, op_exec },
	{ "sleep", 2, op_sleep },
	{ "unshare", 1, op_unshare },
};

const int nr_birth_ops = ARRAY_SIZE(birth_ops);
