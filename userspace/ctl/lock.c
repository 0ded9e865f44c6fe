// SPDX-License-Identifier: MIT
/*
 * A lock for shell scripts, as flock(1) is for files.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "fail.h"
#include "held.h"
#include "number.h"
#include "text.h"

#define STATUS_TROUBLE	125
#define STATUS_DEAD	121

static const char help[] =
"Usage: shmbufctl lock [OPTION]... BUFFER INDEX [--] CMD [ARG]...\n"
"Takes a lock, runs CMD while it holds it, and releases it.\n"
"\n"
"  -s, --shared      beside other readers\n"
"  -n, --nonblock    don't wait where it is held\n"
"  -t, --timeout TIME  wait for so many seconds at most (or 500ms, 2m, 1h)\n"
"  -E, --conflict-exit-code N  the status where -n or -t end the wait [1]\n"
"      --consistent  if the last holder died: the data is in order, go on\n"
"      --repair-with COMMAND  if the last holder died: run this by the shell, with\n"
"                    SHMBUF_BUFFER and SHMBUF_INDEX in its environment and the lock held;\n"
"                    if it succeeds go on\n"
"\n"
"Without one of the last two a dead holder's lock isn't used: CMD isn't run, and whoever\n"
"takes the lock next is told the same. That is said in any case.\n"
"If a signal kills CMD while it holds the lock exclusively, it counts as a holder that died:\n"
"the next one is told. If shmbufctl itself is killed, CMD is killed with it (but not what CMD\n"
"has started, nor a set-user-ID program). SIGTERM and SIGHUP are passed on to CMD.\n"
"\n"
"Exit status: that of CMD, 128 + N if signal N killed it; 126 CMD can't be run; 127 there\n"
"is no CMD; 1, or what -E says, if the lock couldn't be had in time; 121 a holder died\n"
"and nothing was repaired; 125 shmbufctl itself failed, or the lock was taken away from it.\n"
"\n";

enum { CONSISTENT = OPTION_OWN, REPAIR };

static const struct option options[] = {
	HELP_OPTIONS, BUFFER_OPTIONS,
	{ "shared", no_argument, NULL, 's' },
	{ "nonblock", no_argument, NULL, 'n' },
	{ "timeout", required_argument, NULL, 't' },
	{ "conflict-exit-code", required_argument, NULL, 'E' },
	{ "consistent", no_argument, NULL, CONSISTENT },
	{ "repair-with", required_argument, NULL, REPAIR },
	{},
};

/* Returns the status for a lock that couldn't be had. */
static int take_options(int argc, char **argv, struct wish *wish, struct timespec *deadline)
{
	int c, conflict = 1;

	while ((c = next_option(&lock_command, argc, argv,
				"+:snt:E:" HELP_LETTERS BUFFER_LETTERS, options)) != -1) {
		switch (c) {
		case 's':
			wish->shared = true;
			break;
		case 'n':
			wish->try = true;
			break;
		case 't':
			*deadline = deadline_in(number_ns("--timeout", optarg));
			wish->deadline = deadline;
			break;
		case 'E':
			conflict = number("the exit status", optarg, 0, 255);
			break;
		case CONSISTENT:
			wish->consistent = true;
			break;
		case REPAIR:
			wish->repair = optarg;
			break;
		}
	}
	return conflict;
}

/**
 * struct before - what CMD is to find as this tool found it
 */
struct before {
	sighandler_t interrupt;
	sighandler_t quit;
	sighandler_t child;
	sigset_t mask;
};

static void run_here(char **argv, pid_t parent, const struct before *before)
{
	int err;

	signal(SIGINT, before->interrupt);
	signal(SIGQUIT, before->quit);
	signal(SIGCHLD, before->child);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(STATUS_TROUBLE);
	execvp(*argv, argv);
	err = errno;
	say("%s: %s", text_safe(*argv), strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

/* Passes signals on to @pid until it ends; its status, as wait() has it. */
static int follow(pid_t pid, const sigset_t *signals)
{
	int status, got;

	for (;;) {
		got = sigwaitinfo(signals, NULL);
		if (got > 0 && got != SIGCHLD)
			kill(pid, got);
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
	}
}

/* What the terminal sends goes to CMD as well, and is for it to follow. */
static int run_command(char **argv)
{
	struct before before;
	sigset_t signals;
	pid_t parent = getpid(), pid;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &before.mask);
	before.interrupt = signal(SIGINT, SIG_IGN);
	before.quit = signal(SIGQUIT, SIG_IGN);
	/* Where it is ignored children go without a word. */
	before.child = signal(SIGCHLD, SIG_DFL);
	fflush(stdout);
	pid = fork();
	if (!pid)
		run_here(argv, parent, &before);
	if (pid < 0) {
		say("no process can be made: %s", strerror(errno));
		return -1;
	}
	return follow(pid, &signals);
}

static int run_locked(struct target *target, uint32_t index, bool shared, char **argv)
{
	int status = run_command(argv), ret, killer;

	if (status >= 0 && WIFSIGNALED(status) && !shared) {
		killer = WTERMSIG(status);
		say("buffer '%s', lock %u: signal %d killed %s: the next one is told that it died",
		    text_safe(target->name), index, killer, text_safe(*argv));
		return 128 + killer;
	}
	ret = lock_give(target, index);
	if (ret || status < 0)
		return STATUS_TROUBLE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(int argc, char **argv)
{
	struct timespec deadline;
	struct wish wish = {};
	struct target target;
	int conflict, ret;
	uint32_t index;

	fail_with(STATUS_TROUBLE);
	conflict = take_options(argc, argv, &wish, &deadline);
	if (argc - optind > 2 && !strcmp(argv[optind + 2], "--"))
		memmove(argv + optind + 2, argv + optind + 3,
			(argc-- - optind - 2) * sizeof(*argv));
	expect_operands(argc - optind, 3, INT32_MAX, "shmbufctl lock BUFFER INDEX -- CMD");
	index = target_index(argv[optind + 1], false);
	ret = target_open(&target, argv[optind], TARGET_WRITE);
	if (ret)
		return ret;
	ret = lock_take(&target, index, &wish);
	if (!ret)
		return run_locked(&target, index, wish.shared, argv + optind + 2);
	if (ret == -EOWNERDEAD)
		return STATUS_DEAD;
	return ret < 0 ? conflict : ret;
}

const struct command lock_command = {
	"lock", "run a command with a lock held", help, NULL, run,
};
