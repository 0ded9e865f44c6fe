/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways to end, or to seem to, of the kill matrix. */
#ifndef MATRIX_WAYS_H
#define MATRIX_WAYS_H

#include "matrix_cell.h"

static void by_exit(struct cell *cell)
{
	(void)cell;
	_exit(0);
}

static void by_signal(int sig)
{
	signal(sig, SIG_DFL);
	kill(getpid(), sig);
	stay();
}

static void by_sigkill(struct cell *cell)
{
	(void)cell;
	by_signal(SIGKILL);
}

static void by_sigsegv(struct cell *cell)
{
	(void)cell;
	by_signal(SIGSEGV);
}

static void by_exec(struct cell *cell)
{
	/* The handle stays open: exec alone is the death. */
	CHECK(!fcntl(cell->my_fd, F_SETFD, 0));
	exec_idle();
}

static void by_munmap(struct cell *cell)
{
	CHECK(!munmap(cell->c.base, cell->c.size));
	CHECK(!munmap(cell->data, 4096));
	if (cell->row)
		CHECK(!munmap(cell->row, sysconf(_SC_PAGESIZE)));
}

static void by_release(struct cell *cell)
{
	by_munmap(cell);
	close(cell->my_fd);
	stay();
}

static void by_pthread_exit(struct cell *cell)
{
	(void)cell;
	pthread_exit(NULL);
}

static void by_raw_exit(struct cell *cell)
{
	(void)cell;
	syscall(SYS_exit, 0);
}

static void by_childs_exit(struct cell *cell)
{
	pid_t pid = spawn();

	(void)cell;
	if (!pid)
		_exit(0);
	CHECK(reap(pid) == 0);
}

static const struct way ways[] = {
	{ "exit", by_exit, true, false, false },
	{ "SIGKILL", by_sigkill, true, false, false },
	{ "SIGSEGV", by_sigsegv, true, false, false },
	{ "exec", by_exec, true, false, false },
	{ "release of the handle", by_release, true, false, false },
	{ "munmap", by_munmap, false, false, false },
	{ "pthread_exit", by_pthread_exit, true, true, false },
	{ "raw exit of the thread", by_raw_exit, true, true, false },
	{ "exit of a fork child", by_childs_exit, false, false, false },
	{ "SIGKILL with much memory", by_sigkill, true, false, true },
};

#endif /* MATRIX_WAYS_H */
