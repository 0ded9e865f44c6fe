// SPDX-License-Identifier: MIT
/* A pipeline whose workers are killed while they hold its lock; see --help. */
#include "pipeline_killer.h"
#include "pipeline_stages.h"
#include "pipeline_story.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEX_SIZE	(2 * SHA256_DIGEST_SIZE)
#define NO_HOLDER_NS	60000000000ULL	/* of tries after the last block */
#define NOBODY_TOLD_NS	60000000000ULL
#define TICK_NS		1000000L

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "pipeline: %s: %s\n", what, why);
	return -1;
}

/* Opens FILE and finds out how much there is to read. */
static int open_input(struct options *o)
{
	struct stat st;
	off_t end;
	int fd;

	fd = open(o->input, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return complain(o->input, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return complain(o->input, "neither a file nor a block device (it is read twice)");
	end = lseek(fd, 0, SEEK_END);
	if (end < 0 || lseek(fd, 0, SEEK_SET))
		return complain(o->input, strerror(errno));
	if (!o->size_given)
		o->size = end;
	if (o->size > (uint64_t)end)
		return complain(o->input, "it is shorter than --size");
	return fd;
}

static int open_output(const struct options *o, int input)
{
	struct stat in, out;
	int fd;

	fd = open(o->output, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || fstat(fd, &out) || fstat(input, &in))
		return complain(o->output, strerror(errno));
	if (in.st_dev == out.st_dev && in.st_ino == out.st_ino)
		return complain(o->output, "it is FILE itself");
	if (S_ISREG(out.st_mode) && ftruncate(fd, 0))
		return complain(o->output, strerror(errno));
	return fd;
}

/* What sha256sum prints of the input, as a process of its own that knows nothing of ours. */
static int digest_of_input(const struct options *o, char *text)
{
	char command[64];
	int fd, status;
	size_t size;
	FILE *pipe;

	fd = open(o->input, O_RDONLY);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		return complain(o->input, strerror(errno));
	close(fd);
	snprintf(command, sizeof(command), "head -c %llu | sha256sum", (unsigned long long)o->size);
	pipe = popen(command, "r");
	if (!pipe)
		return complain("sha256sum", strerror(errno));
	size = fread(text, 1, HEX_SIZE, pipe);
	text[size] = 0;
	while (getc(pipe) != EOF)
		;
	status = pclose(pipe);
	if (status || size != HEX_SIZE)
		return complain("sha256sum", "it failed; it and head are in coreutils");
	return 0;
}

static int compare(const struct pipeline *p)
{
	char output[HEX_SIZE + 1], input[HEX_SIZE + 1];

	digest_print(p->ring->digest, output);
	printf("output's SHA-256  %s\n", output);
	if (digest_of_input(p->options, input))
		return -1;
	printf("sha256sum FILE    %s\n", input);
	if (strcmp(output, input)) {
		puts("They DIFFER: the output isn't the input.");
		return -1;
	}
	puts("They match.");
	return 0;
}

/* Matches what survivors wrote down with the kills. */
static void hear(struct pipeline *p, struct killer *k, unsigned int *heard)
{
	unsigned int n = load(&p->ring->nr_tellings);

	for (; *heard < n; ++*heard) {
		const struct telling *t = &p->tellings[*heard];
		const struct kill *kill = &k->kills[k->told];

		if (k->told < k->made && t->dead == kill->worker) {
			story_told(kill, t);
			k->told++;
		} else {
			story_unexpected(t);
		}
	}
}

static void tick(void)
{
	struct timespec t = { .tv_nsec = TICK_NS };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &t);
}

/* 0, or -1 where the killer should have got further by now. */
static int check_killer(const struct pipeline *p, const struct killer *k, uint64_t *all_ns)
{
	uint64_t now = now_ns();

	if (k->told < k->made) {
		if (now - k->kills[k->told].killed_ns > NOBODY_TOLD_NS)
			return complain("nobody was told", "a holder was killed a minute ago");
	} else if (!load(&p->ring->finished) || load(&p->ring->collected) < p->ring->produced) {
		*all_ns = now;
	} else if (now - *all_ns > NO_HOLDER_NS) {
		printf("No holder died in %u tries: the killer never met one.\n",
		       k->kills[k->made].tries);
		return -1;
	}
	return 0;
}

static int supervise(struct pipeline *p, struct crew *c, struct killer *k)
{
	unsigned int heard = 0;
	uint64_t all_ns = now_ns();
	bool closed = false;

	while (c->running || c->producer || c->collector) {
		int tried = killer_try(k, c);

		if (tried < 0 || crew_reap(c))
			return -1;
		hear(p, k, &heard);
		if (!killer_done(k, p)) {
			if (check_killer(p, k, &all_ns))
				return -1;
		} else if (!closed && !c->producer && !c->collector) {
			ring_close(p);
			closed = true;
		}
		story_progress(p);
		if (!tried)
			tick();
	}
	return 0;
}

static int run(struct pipeline *p, int input, int output)
{
	struct killer killer;
	struct crew crew;
	int err;

	if (killer_start(&killer, p))
		return -1;
	story_begin(p);
	err = crew_start(&crew, p, input, output);
	if (!err)
		err = supervise(p, &crew, &killer);
	crew_end(&crew);
	if (!err) {
		story_end(p, &killer);
		err = compare(p);
	}
	killer_end(&killer);
	return err;
}

int main(int argc, char **argv)
{
	struct pipeline pipeline;
	struct options options;
	int input, output = -1;
	sigset_t set;
	int err;

	options_parse(&options, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* A closed OUT is an error of write(), and children are waited for by tick(). */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	input = open_input(&options);
	if (input < 0)
		return 1;
	if (options.output)
		output = open_output(&options, input);
	if (options.output && output < 0)
		return 1;
	if (ring_create(&pipeline, &options))
		return 1;
	pipeline.me = (struct actor){ .role = ROLE_SUPERVISOR, .pid = getpid() };
	err = run(&pipeline, input, output);
	ring_destroy(&pipeline);
	return err ? 1 : 0;
}
