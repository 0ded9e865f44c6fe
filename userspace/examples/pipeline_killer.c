// SPDX-License-Identifier: MIT
#include "pipeline_killer.h"

#include "pipeline_story.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a worker that holds the lock gets to come to its stop. */
#define STOP_NS		20000000ULL
#define MAX_SLEEP_US	500

static uint64_t random_below(uint64_t limit)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = now_ns();
	return n % limit;
}

static int by_target(const void *a, const void *b)
{
	const struct kill *l = a, *r = b;

	return l->target < r->target ? -1 : l->target > r->target;
}

int killer_start(struct killer *k, const struct pipeline *p)
{
	const struct options *o = p->options;
	uint64_t blocks = (o->size + o->block_size - 1) / o->block_size;

	*k = (struct killer){ .kills = calloc(o->kills, sizeof(*k->kills)) };
	if (!k->kills) {
		fputs("pipeline: out of memory\n", stderr);
		return -1;
	}
	/* Of the first three quarters: a holder isn't met at the first look. */
	for (unsigned int i = 0; i < o->kills; i++)
		k->kills[i].target = random_below(blocks / 4 * 3 + 1);
	qsort(k->kills, o->kills, sizeof(*k->kills), by_target);
	return 0;
}

void killer_end(struct killer *k)
{
	free(k->kills);
}

bool killer_done(const struct killer *k, const struct pipeline *p)
{
	return k->told == p->options->kills;
}

/* The pid of the ring lock's holder, 0 for none, or -errno. */
static pid_t holder(const struct pipeline *p)
{
	char path[64], text[4096];
	ssize_t size;
	char *line;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", shmbuf_fd(p->buffer));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size < 0)
		return -errno;
	text[size] = 0;
	line = strstr(text, "shmbuf-lock:\t0 ");
	return line ? atoi(line + strlen("shmbuf-lock:\t0 ")) : 0;
}

static bool stands_still(pid_t pid)
{
	uint64_t deadline = now_ns() + STOP_NS;
	siginfo_t info;

	do {
		info.si_pid = 0;
		if (waitid(P_PID, pid, &info, WSTOPPED | WNOHANG | WNOWAIT))
			return false;
	} while (!info.si_pid && now_ns() < deadline);
	return info.si_pid == pid;
}

static bool is_worker(const struct crew *c, pid_t pid, unsigned int *worker)
{
	for (*worker = 0; *worker < c->started; ++*worker) {
		if (c->workers[*worker] == pid)
			return true;
	}
	return false;
}

/* The worker that holds the lock right now, if one does.  0, 1 or -1 with a message. */
static int find_holder(const struct crew *c, struct kill *k)
{
	pid_t pid = holder(c->p);

	if (pid < 0) {
		fprintf(stderr, "pipeline: /proc/self/fdinfo: %s\n", strerror(-pid));
		return -1;
	}
	k->pid = pid;
	return pid && is_worker(c, pid, &k->worker);
}

/* Stops the worker, and kills it if it still holds the lock as it stands. */
static bool kill_holder(const struct crew *c, struct kill *k)
{
	kill(k->pid, SIGSTOP);
	if (holder(c->p) != k->pid || !stands_still(k->pid) || holder(c->p) != k->pid) {
		kill(k->pid, SIGCONT);
		return false;
	}
	k->next_block = load(&c->p->ring->collected);
	k->killed_ns = now_ns();
	kill(k->pid, SIGKILL);
	return true;
}

int killer_try(struct killer *k, const struct crew *c)
{
	struct kill *next = &k->kills[k->made];
	int found;

	if (k->made != k->told || k->made == c->p->options->kills ||
	    load(&c->p->ring->collected) < next->target)
		return 0;
	/* A timer wakes this process wherever the workers are just then. */
	usleep(random_below(MAX_SLEEP_US));
	found = find_holder(c, next);
	if (found < 0)
		return -1;
	next->looks++;
	if (found && kill_holder(c, next)) {
		k->made++;
		story_killed(next);
	}
	return 1;
}
