// SPDX-License-Identifier: MIT
/*
 * A read-only observer follows a writer's progress, sees who holds the lock, hears of it when
 * the writer is killed, and can change nothing.
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME		"shmbuf-example-observer"
#define KILLED_AT	3

/* The sync objects: a lock, then a queue. */
enum { LOCK, PROGRESS };

static void check(int err, const char *what)
{
	if (err < 0)
		error(1, 0, "%s: %s", what, shmbuf_strerror(err));
}

/* Goes on when the observer has seen a step, so that it sees each with the lock held. */
static void write_steps(struct shmbuf *buffer, int observer)
{
	long *step = shmbuf_data(buffer);
	char seen;

	do {
		check(shmbuf_lock(buffer, LOCK), "locking");
		if (++*step == KILLED_AT)
			raise(SIGKILL);	/* half way, and holding the lock */
		shmbuf_wake(buffer, PROGRESS, SHMBUF_WAKE_ALL);
		if (read(observer, &seen, 1) != 1)
			error(1, 0, "the observer has died");
	} while (!shmbuf_unlock(buffer, LOCK));
}

static void show(struct shmbuf *view)
{
	const long *step = shmbuf_data(view);
	struct shmbuf_owner_info info;

	check(shmbuf_owner_info(view, LOCK, &info, NULL, 0), "asking for the holder");
	if (info.state & SHMBUF_OWNER_DEAD)
		printf("step %ld: pid %u was killed by signal %u with the lock\n",
		       *step, info.death.pid, info.death.code);
	else
		printf("step %ld: pid %u has the lock\n", *step, info.pid);
}

/* Until the writer has died. */
static void observe(struct shmbuf *view, int writer)
{
	uint64_t deaths = shmbuf_sequence(view, SHMBUF_INDEX_DEATHS), sequence = 0;
	struct timespec deadline;
	int err;

	/* A writer that dies before its first lock is none whose death is told of. */
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 10;
	err = shmbuf_wait(view, PROGRESS, sequence, &deadline);
	while (!err) {
		show(view);
		sequence = shmbuf_sequence(view, PROGRESS);
		send(writer, "", 1, MSG_NOSIGNAL);	/* where he is dead the wait says so */
		err = shmbuf_wait_peers(view, PROGRESS, sequence, NULL, deaths);
	}
	if (err != -EOWNERDEAD)
		error(1, 0, "waiting for a step: %s", shmbuf_strerror(err));
	show(view);
}

static bool can_change(struct shmbuf *view)
{
	int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	void *data = shmbuf_data(view);
	bool refused;

	refused = shmbuf_lock(view, LOCK) == -EBADF && shmbuf_wake(view, PROGRESS, 1) == -EBADF &&
		  shmbuf_consistent(view, LOCK) == -EBADF && shmbuf_grow(view, 8192) == -EBADF;
	/* A store would be SIGSEGV.  The kernel's own says so. */
	refused &= read(zeros, data, sizeof(long)) < 0 && errno == EFAULT;
	refused &= mprotect(data, 1, PROT_READ | PROT_WRITE) < 0 && errno == EACCES;
	close(zeros);
	return !refused;
}

int main(void)
{
	struct shmbuf_options options = { .flags = SHMBUF_EXCL, .nr_locks = 1, .nr_queues = 1 };
	struct shmbuf *buffer, *view;
	int pair[2], status;

	setlinebuf(stdout);
	check(shmbuf_create(&buffer, NAME, sizeof(long), &options), "creating " NAME);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		error(1, errno, "socketpair");
	if (!fork()) {
		close(pair[0]);
		write_steps(buffer, pair[1]);
		return 0;
	}
	close(pair[1]);
	check(shmbuf_open(&view, NAME, SHMBUF_RDONLY), "opening " NAME);
	shmbuf_close(buffer);
	observe(view, pair[0]);
	wait(&status);
	if (can_change(view))
		error(1, 0, "a read-only handle changes something");
	printf("the observer can change nothing\n");
	return *(const long *)shmbuf_data(view) != KILLED_AT || !WIFSIGNALED(status);
}
