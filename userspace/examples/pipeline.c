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
#define PIPE_SIZE	1048576	/* for speed, where that much is allowed */
#define PATIENCE_NS	60000000000ULL
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
	if (S_ISFIFO(out.st_mode))
		fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	if (S_ISREG(out.st_mode) && ftruncate(fd, 0))
		return complain(o->output, strerror(errno));
	return fd;
}

/* Writes the part of the input that counts into a pipe; the process ends with that. */
static noreturn void write_part(const struct options *o, int output)
{
	static char data[65536];
	int input = open(o->input, O_RDONLY);
	uint64_t left = o->size;

	signal(SIGPIPE, SIG_DFL);
	while (left) {
		ssize_t n = read(input, data, left < sizeof(data) ? left : sizeof(data));

		if (n <= 0 || write(output, data, n) != n)
			_exit(1);
		left -= n;
	}
	_exit(0);
}

/* The input to be read once more: itself, or a pipe where only a part of it counts. */
static int reopen(const struct options *o)
{
	int fds[2], input = open(o->input, O_RDONLY);
	pid_t pid;

	if (input < 0)
		return complain(o->input, strerror(errno));
	if ((uint64_t)lseek(input, 0, SEEK_END) == o->size) {
		lseek(input, 0, SEEK_SET);
		return input;
	}
	close(input);
	if (pipe(fds))
		return complain("pipe", strerror(errno));
	fcntl(fds[0], F_SETPIPE_SZ, PIPE_SIZE);
	pid = fork();
	if (pid < 0)
		return complain("fork", strerror(errno));
	if (!pid) {
		close(fds[0]);
		write_part(o, fds[1]);
	}
	close(fds[1]);
	return fds[0];
}

/* What sha256sum, which knows nothing of us, prints of the input. */
static int digest_of_input(const struct options *o, char *text)
{
	int status, fd;
	size_t size;
	FILE *pipe;

	if (o->sha256) {
		memcpy(text, o->sha256, HEX_SIZE + 1);
		return 0;
	}
	fd = reopen(o);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		return -1;
	close(fd);
	pipe = popen("sha256sum", "r");
	if (!pipe)
		return complain("sha256sum", strerror(errno));
	size = fread(text, 1, HEX_SIZE, pipe);
	text[size] = 0;
	while (getc(pipe) != EOF)
		;
	status = pclose(pipe);
	if (status || size != HEX_SIZE)
		return complain("sha256sum", "it failed; it is in coreutils");
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

		if (k->told < k->made && load(&p->lives[kill->worker].ended)) {
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

static bool all_collected(const struct pipeline *p)
{
	return load(&p->ring->finished) && load(&p->ring->collected) == p->ring->produced;
}

/* Nobody waits for the input or the output, there is work, and yet none is done. */
static bool should_move(const struct pipeline *p)
{
	return !all_collected(p) && !load(&p->ring->counts[SLOT_FILLING]) &&
	       !load(&p->ring->counts[SLOT_WRITING]);
}

/* When something last went on. */
struct watch {
	uint64_t collected;
	uint64_t moved_ns;	/* a block */
	unsigned int made;
	uint64_t killer_ns;	/* the killer, or it still has time */
};

/* 0, or -1 where something should have happened by now. */
static int watch(const struct pipeline *p, const struct killer *k, struct watch *w)
{
	uint64_t now = now_ns(), collected = load(&p->ring->collected);

	if (collected != w->collected || !should_move(p)) {
		w->collected = collected;
		w->moved_ns = now;
	}
	if (k->made != w->made || !all_collected(p) || killer_done(k, p)) {
		w->made = k->made;
		w->killer_ns = now;
	}
	if (k->told < k->made && now - k->kills[k->told].killed_ns > PATIENCE_NS)
		return complain("nobody was told", "a holder was killed a minute ago");
	if (now - w->moved_ns > PATIENCE_NS)
		return complain("it hangs", "there is work, and nobody has done any for a minute");
	if (now - w->killer_ns > PATIENCE_NS) {
		printf("No holder died: the killer looked %u times and met none.\n",
		       k->kills[k->made].looks);
		return -1;
	}
	return 0;
}

static int supervise(struct pipeline *p, struct crew *c, struct killer *k)
{
	struct watch w = { .moved_ns = now_ns(), .killer_ns = now_ns() };
	unsigned int heard = 0;
	bool closed = false;

	while (c->running || c->producer || c->collector) {
		int looked = killer_try(k, c);

		if (looked < 0)
			return -1;
		hear(p, k, &heard);
		if (crew_reap(c) || watch(p, k, &w))
			return -1;
		if (!closed && !c->collector && killer_done(k, p)) {
			ring_close(p);
			closed = true;
		}
		story_progress(p);
		if (!looked)
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
	ring_join(&pipeline);
	err = run(&pipeline, input, output);
	ring_destroy(&pipeline);
	return err ? 1 : 0;
}
