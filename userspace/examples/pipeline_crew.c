// SPDX-License-Identifier: MIT
#include "pipeline_crew.h"

#include "pipeline_stages.h"
#include "pipeline_story.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t spawn(struct crew *c, struct actor who,
		   int (*run)(struct pipeline *p, int fd), int fd)
{
	pid_t pid = fork();

	if (pid < 0)
		fprintf(stderr, "pipeline: starting a process: %s\n", strerror(errno));
	if (pid)
		return pid;
	c->p->me = who;
	c->p->me.pid = getpid();
	prctl(PR_SET_NAME, actor_name(&who));
	_exit(run(c->p, fd));
}

static int start_worker(struct crew *c)
{
	struct actor who = { .role = ROLE_WORKER, .worker = c->started };
	pid_t pid;

	if (c->started == c->p->nr_lives) {
		fputs("pipeline: too many workers have died\n", stderr);
		return -1;
	}
	pid = spawn(c, who, worker_run, -1);
	if (pid < 0)
		return -1;
	c->workers[c->started++] = pid;
	c->running++;
	return 0;
}

int crew_start(struct crew *c, struct pipeline *p, int input, int output)
{
	*c = (struct crew){ .p = p, .input = input, .output = output };
	c->workers = calloc(p->nr_lives, sizeof(*c->workers));
	if (!c->workers) {
		fputs("pipeline: out of memory\n", stderr);
		return -1;
	}
	for (unsigned int i = 0; i < p->options->workers; i++) {
		if (start_worker(c))
			return -1;
	}
	c->collector = spawn(c, (struct actor){ .role = ROLE_COLLECTOR }, collector_run, output);
	if (c->collector < 0)
		return -1;
	c->producer = spawn(c, (struct actor){ .role = ROLE_PRODUCER }, producer_run, input);
	return c->producer < 0 ? -1 : 0;
}

static int stage_ended(pid_t *pid, const char *name, int status)
{
	*pid = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFSIGNALED(status))
		fprintf(stderr, "pipeline: the %s was killed by signal %d; %s\n", name,
			WTERMSIG(status), "only workers can be replaced");
	return -1;
}

static int worker_ended(struct crew *c, unsigned int worker, int status)
{
	pid_t pid = c->workers[worker];

	c->workers[worker] = 0;
	c->running--;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) || !c->p->ring->closed ? -1 : 0;
	if (start_worker(c))
		return -1;
	story_replaced(worker, pid, WTERMSIG(status), c->started - 1, c->workers[c->started - 1]);
	return 0;
}

static int ended(struct crew *c, pid_t pid, int status)
{
	if (pid == c->producer)
		return stage_ended(&c->producer, "producer", status);
	if (pid == c->collector)
		return stage_ended(&c->collector, "collector", status);
	for (unsigned int i = 0; i < c->started; i++) {
		if (c->workers[i] == pid)
			return worker_ended(c, i, status);
	}
	return 0;
}

int crew_reap(struct crew *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (ended(c, pid, status))
			return -1;
	}
	return 0;
}

void crew_end(struct crew *c)
{
	if (c->producer > 0)
		kill(c->producer, SIGKILL);
	if (c->collector > 0)
		kill(c->collector, SIGKILL);
	for (unsigned int i = 0; i < c->started; i++) {
		if (c->workers[i])
			kill(c->workers[i], SIGKILL);
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	free(c->workers);
}
