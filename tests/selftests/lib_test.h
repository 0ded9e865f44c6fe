/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the library's tests share.  Apart from shmbuf_test.h: these see the public
 * header alone, and some run without the device.
 */
#ifndef LIB_TEST_H
#define LIB_TEST_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "patience.h"

/* For children and threads, which the harness's macros don't reach. */
#define CHECK(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "# %s:%d: not so: %s\n", __FILE__,	\
			__LINE__, #cond);				\
		abort();						\
	}								\
} while (0)

#define UNTIL(cond) do {						\
	struct timespec end_ = in_seconds(PATIENCE_S);			\
	while (!(cond)) {						\
		CHECK(!passed(&end_));					\
		usleep(300);						\
	}								\
} while (0)

static inline struct timespec in_seconds(time_t s)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += s;
	return t;
}

static inline bool passed(const struct timespec *t)
{
	struct timespec now = in_seconds(0);

	return now.tv_sec > t->tv_sec ||
	       (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

static inline void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Tests with LIB_FAKE bring a device of their own (userspace/lib/fake.c). */
#ifndef LIB_FAKE
static void __attribute__((constructor)) need_device(void)
{
	if (access("/dev/shmbuf", F_OK)) {
		ksft_print_header();
		ksft_exit_skip("there is no /dev/shmbuf: load the module\n");
	}
}
#endif

/* A child that goes when its parent goes. */
static inline pid_t spawn(void)
{
	pid_t parent = getpid(), pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		CHECK(getppid() == parent);
	}
	return pid;
}

/* The exit status, or 128 + the signal. */
static inline int reap(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void run_thread(void *(*function)(void *), void *argument)
{
	pthread_t t;

	CHECK(!pthread_create(&t, NULL, function, argument));
	CHECK(!pthread_join(t, NULL));
}

#endif /* LIB_TEST_H */
