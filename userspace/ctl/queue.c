// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "death.h"
#include "fail.h"
#include "json.h"
#include "number.h"
#include "output.h"
#include "target.h"

static const char wait_help[] =
"Usage: shmbufctl wait [OPTION]... BUFFER QUEUE\n"
"Sleeps on a queue until it moves, and prints its sequence then. QUEUE is an index, or\n"
"'deaths' for the queue that moves whenever a process that uses the buffer's locks dies.\n"
"Who may only read the buffer waits as an observer: a wake's count is for the others.\n"
"\n"
"  -s, --sequence N  return at once if the queue's sequence isn't N (any more), as an\n"
"                    earlier wait printed it: so no wake is missed between two of them\n"
"  -p, --peers       end with status 7 when another process dies that is joined to the\n"
"                    buffer, with 8 when none is left\n"
"  -t, --timeout TIME  wait for so many seconds at most (or 500ms, 2m, 1h); then status 6\n";

static const char wake_help[] =
"Usage: shmbufctl wake [OPTION]... BUFFER QUEUE [COUNT]\n"
"Moves a queue's sequence on and wakes COUNT of those who sleep on it, those first that\n"
"wait longest [1], or 'all'. Prints how many were woken.\n"
"\n";

/**
 * struct wait - what to wait for
 * @sequence: what the caller last saw; UINT64_MAX: as it is now
 */
struct wait {
	uint64_t sequence;
	bool peers;
	const struct timespec *deadline;
};

static const struct option wait_options[] = {
	JSON_OPTIONS, BUFFER_OPTIONS,
	{ "sequence", required_argument, NULL, 's' },
	{ "peers", no_argument, NULL, 'p' },
	{ "timeout", required_argument, NULL, 't' },
	{},
};

static void take_wait_options(int argc, char **argv, struct wait *wait, struct timespec *deadline)
{
	int c;

	while ((c = next_option(&wait_command, argc, argv,
				":s:pt:" JSON_LETTERS BUFFER_LETTERS, wait_options)) != -1) {
		switch (c) {
		case 's':
			wait->sequence = number("the sequence", optarg, 0, SHMBUF_SEQUENCE_MASK);
			break;
		case 'p':
			wait->peers = true;
			break;
		case 't':
			*deadline = deadline_in(number_ns("--timeout", optarg));
			wait->deadline = deadline;
			break;
		}
	}
}

/* The queue of deaths has no word that could be read. */
static int sequence_now(struct shmbuf *b, uint32_t queue, uint64_t *sequence)
{
	struct shmbuf_stats stats;
	int ret;

	if (queue != SHMBUF_INDEX_DEATHS) {
		*sequence = shmbuf_sequence(b, queue);
		return *sequence == UINT64_MAX ? -EINVAL : 0;
	}
	ret = shmbuf_stats(b, &stats);
	*sequence = stats.deaths;
	return ret;
}

/* Signals that stop and continue the process don't end the wait. */
static int sleep_on(struct shmbuf *b, uint32_t queue, const struct wait *wait, uint64_t deaths)
{
	int ret;

	do {
		ret = wait->peers ?
		      shmbuf_wait_peers(b, queue, wait->sequence, wait->deadline, deaths) :
		      shmbuf_wait(b, queue, wait->sequence, wait->deadline);
	} while (ret == -EINTR);
	return ret;
}

/* Those who died since. */
static void print_deaths(struct shmbuf *b, uint64_t after)
{
	struct shmbuf_death deaths[SHMBUF_DEATHS_MAX];
	struct choice choice;
	int nr = shmbuf_deaths(b, deaths, SHMBUF_DEATHS_MAX, after);
	char text[DEATH_TEXT];

	if (output.json) {
		choose_columns(&choice, death_columns);
		print_table(&choice, "deaths", deaths, sizeof(*deaths), nr > 0 ? nr : 0);
		return;
	}
	for (int i = 0; i < nr; i++) {
		death_text(text, sizeof(text), &deaths[i]);
		puts(text);
	}
}

static const char *ending_of(int ret)
{
	switch (ret) {
	case 0:
		return "moved";
	case -ETIMEDOUT:
		return "timeout";
	case -EOWNERDEAD:
		return "death";
	default:
		return "alone";
	}
}

static int report(struct target *target, uint32_t queue, int ret, uint64_t before)
{
	uint64_t sequence = before;
	bool deaths = queue == SHMBUF_INDEX_DEATHS;

	if (ret && ret != -ETIMEDOUT && ret != -EOWNERDEAD && ret != -EPIPE)
		return fail_object(ret, target->name, queue, "queue");
	sequence_now(target->b, queue, &sequence);
	if (output.json) {
		json_open(NULL, '{');
		json_text("ended", ending_of(ret));
		json_number("sequence", sequence);
	} else if (!ret) {
		printf("%" PRIu64 "\n", sequence);
	}
	if (deaths && !ret)
		print_deaths(target->b, before);
	if (output.json)
		json_close();
	switch (ret) {
	case 0:
		return CTL_FINE;
	case -ETIMEDOUT:
		return CTL_TIMEOUT;
	case -EOWNERDEAD:
		return fail(CTL_DIED, "a process died that was joined to the buffer");
	default:
		return fail(CTL_ALONE, "no other process is joined to the buffer");
	}
}

static int run_wait(int argc, char **argv)
{
	struct wait wait = { .sequence = UINT64_MAX };
	struct timespec deadline;
	struct target target;
	uint64_t deaths = 0;
	uint32_t queue;
	int ret;

	take_wait_options(argc, argv, &wait, &deadline);
	expect_operands(argc - optind, 2, 2, "shmbufctl wait [OPTION]... BUFFER QUEUE");
	queue = target_index(argv[optind + 1], true);
	ret = target_open(&target, argv[optind], TARGET_EITHER);
	if (ret)
		return ret;
	if (wait.sequence == UINT64_MAX)
		ret = sequence_now(target.b, queue, &wait.sequence);
	/* Also who dies while a signal stops this. */
	if (!ret && wait.peers)
		ret = sequence_now(target.b, SHMBUF_INDEX_DEATHS, &deaths);
	if (!ret)
		ret = sleep_on(target.b, queue, &wait, deaths);
	ret = report(&target, queue, ret, wait.sequence);
	shmbuf_close(target.b);
	return ret;
}

static int run_wake(int argc, char **argv)
{
	static const struct option options[] = { JSON_OPTIONS, BUFFER_OPTIONS, {} };
	unsigned int count = 1;
	struct target target;
	uint32_t queue;
	int ret;

	while (next_option(&wake_command, argc, argv, ":" JSON_LETTERS BUFFER_LETTERS,
			   options) != -1)
		;
	expect_operands(argc - optind, 2, 3, "shmbufctl wake [OPTION]... BUFFER QUEUE [COUNT]");
	queue = target_index(argv[optind + 1], false);
	if (argc - optind == 3)
		count = strcmp(argv[optind + 2], "all") ?
			number("the count ('all', or a number)", argv[optind + 2], 1,
			       SHMBUF_WAKE_ALL - 1) : SHMBUF_WAKE_ALL;
	ret = target_open(&target, argv[optind], TARGET_WRITE);
	if (ret)
		return ret;
	ret = shmbuf_wake(target.b, queue, count);
	shmbuf_close(target.b);
	if (ret < 0)
		return fail_object(ret, target.name, queue, "queue");
	if (!output.json) {
		printf("%d\n", ret);
		return CTL_FINE;
	}
	json_open(NULL, '{');
	json_number("woken", ret);
	json_close();
	return CTL_FINE;
}

const struct command wait_command = {
	"wait", "sleep on a queue, or until somebody dies", wait_help, NULL, run_wait,
};

const struct command wake_command = {
	"wake", "wake who sleeps on a queue", wake_help, NULL, run_wake,
};
