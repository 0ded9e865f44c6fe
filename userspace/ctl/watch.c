// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "command.h"
#include "death.h"
#include "fail.h"
#include "json.h"
#include "number.h"
#include "output.h"
#include "target.h"
#include "text.h"

static const char help[] =
"Usage: shmbufctl watch [OPTION]... BUFFER\n"
"Prints a line whenever somebody dies who used the buffer's locks, and whenever one of its\n"
"queues moves, until it is interrupted. The buffer must have a name, and stays as long as it\n"
"is watched. Wakes of a queue that come at once are one line.\n"
"\n"
"  -d, --deaths      deaths only\n"
"  -q, --queue INDEX  this queue only, and deaths; may be given several times\n"
"  -c, --count N     end after N lines, the first one not counted\n"
"  -t, --timeout TIME  end after so many seconds (or 500ms, 2m, 1h) with status 6\n";

#define MOVED_MAX	64

/**
 * struct watched - a queue and the sequence that was last seen
 */
struct watched {
	uint32_t index;
	uint64_t sequence;
};

/**
 * struct watcher - what is watched, and for how long
 * @all: all queues of the buffer
 * @left: lines to print
 * @until: ns on CLOCK_MONOTONIC, UINT64_MAX for never
 */
struct watcher {
	struct shmbuf *b;
	struct watched *queues;
	size_t nr;
	bool all;
	uint64_t deaths;
	uint64_t left;
	uint64_t until;
};

static const struct option options[] = {
	JSON_OPTIONS, BUFFER_OPTIONS,
	{ "deaths", no_argument, NULL, 'd' },
	{ "queue", required_argument, NULL, 'q' },
	{ "count", required_argument, NULL, 'c' },
	{ "timeout", required_argument, NULL, 't' },
	{},
};

static void add_queue(struct watcher *watcher, uint32_t index)
{
	struct watched *more;

	for (size_t i = 0; i < watcher->nr; i++)
		if (watcher->queues[i].index == index)
			return;
	more = reallocarray(watcher->queues, watcher->nr + 1, sizeof(*more));
	if (!more)
		fail_memory();
	watcher->queues = more;
	more[watcher->nr++] = (struct watched) { .index = index };
}

static void take_options(int argc, char **argv, struct watcher *watcher)
{
	int c;

	while ((c = next_option(&watch_command, argc, argv, ":dq:c:t:" JSON_LETTERS BUFFER_LETTERS,
				options)) != -1) {
		switch (c) {
		case 'd':
			watcher->all = false;
			break;
		case 'q':
			watcher->all = false;
			add_queue(watcher, target_index(optarg, false));
			break;
		case 'c':
			watcher->left = number("--count", optarg, 1, UINT64_MAX);
			break;
		case 't':
			watcher->until = now_ns() + number_ns("--timeout", optarg);
			break;
		}
	}
}

/* The beginning of a line for something that was at @time. */
static void line_begin(const char *event, uint64_t time)
{
	struct timespec now;
	struct tm local;
	char text[16];
	time_t then;

	if (output.json) {
		json_open(NULL, '{');
		json_text("event", event);
		json_number("time_ns", time);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	then = (now.tv_sec * 1000000000ULL + now.tv_nsec - age_ns(time)) / 1000000000;
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&then, &local));
	printf("%s ", text);
}

static void line_end(struct watcher *watcher)
{
	if (output.json)
		json_close();
	else
		putchar('\n');
	/* Who reads the lines waits for them. */
	if (fflush(stdout))
		watcher->left = 0;
	else if (watcher->left)
		watcher->left--;
}

static void print_number(const char *key, const char *format, uint64_t value)
{
	if (output.json)
		json_number(key, value);
	else
		printf(format, value);
}

static void print_death(struct watcher *watcher, const struct shmbuf_death *death)
{
	char text[DEATH_TEXT];
	struct choice choice;

	if (death->sequence > watcher->deaths + 1 && watcher->left) {
		line_begin("lost", now_ns());
		print_number("deaths", "%" PRIu64 " deaths were too many to be told of",
			     death->sequence - watcher->deaths - 1);
		line_end(watcher);
	}
	watcher->deaths = death->sequence;
	if (!watcher->left)
		return;
	line_begin("death", death->time);
	if (output.json) {
		choose_columns(&choice, death_columns);
		print_members(&choice, death);
	} else {
		death_text(text, sizeof(text), death);
		printf("death %" PRIu64 ": %s", watcher->deaths, text);
	}
	line_end(watcher);
}

static int tell_deaths(struct watcher *watcher)
{
	struct shmbuf_death deaths[SHMBUF_DEATHS_MAX];
	int nr;

	do {
		nr = shmbuf_deaths(watcher->b, deaths, SHMBUF_DEATHS_MAX, watcher->deaths);
		for (int i = 0; i < nr; i++)
			print_death(watcher, &deaths[i]);
	} while (nr > 0 && watcher->left);
	return nr < 0 ? nr : 0;
}

static void tell_queue(struct watcher *watcher, uint32_t index, uint64_t sequence)
{
	uint64_t by = 0;

	for (size_t i = 0; i < watcher->nr; i++) {
		if (watcher->queues[i].index != index)
			continue;
		by = (sequence - watcher->queues[i].sequence) & SHMBUF_SEQUENCE_MASK;
		watcher->queues[i].sequence = sequence;
	}
	if (!watcher->left)
		return;
	line_begin("queue", now_ns());
	print_number("queue", "queue %" PRIu64, index);
	print_number("sequence", " moved to %" PRIu64, sequence);
	print_number("moved", ", by %" PRIu64, by);
	line_end(watcher);
}

/* Deaths first: it is they of whom others may speak by a queue. */
static int tell(struct watcher *watcher)
{
	struct shmbuf_moved_queue moved[MOVED_MAX];
	int nr, ret = 0;

	nr = shmbuf_moved(watcher->b, moved, MOVED_MAX);
	for (int i = 0; i < nr && !ret; i++)
		if (moved[i].index == SHMBUF_INDEX_DEATHS)
			ret = tell_deaths(watcher);
	for (int i = 0; i < nr && !ret; i++) {
		if (moved[i].index != SHMBUF_INDEX_DEATHS)
			tell_queue(watcher, moved[i].index, moved[i].sequence);
		ret = shmbuf_watch(watcher->b, moved[i].index, moved[i].sequence);
	}
	return nr < 0 ? nr : ret;
}

static int add_all_queues(struct watcher *watcher)
{
	static struct shmbuf_object objects[SHMBUF_OBJECTS_MAX];
	uint32_t first = 0;
	int nr;

	while ((nr = shmbuf_objects(watcher->b, first, objects, SHMBUF_OBJECTS_MAX)) > 0) {
		for (int i = 0; i < nr; i++)
			if (objects[i].kind == SHMBUF_KIND_QUEUE)
				add_queue(watcher, objects[i].index);
		first = objects[nr - 1].index + 1;
	}
	return nr;
}

/* 0, or what went wrong is said. */
static int begin(struct watcher *watcher, const struct target *target)
{
	struct shmbuf_stats stats;
	int ret;

	if (target->borrowed)
		return fail(CTL_FAILED,
			    "a buffer without a name can't be watched: its handle is another process's, whose watches these would be");
	watcher->b = target->b;
	ret = watcher->all ? add_all_queues(watcher) : 0;
	if (ret >= 0)
		ret = shmbuf_stats(watcher->b, &stats);
	if (ret)
		return fail_buffer(ret, target->name);
	watcher->deaths = stats.deaths;
	ret = shmbuf_watch(watcher->b, SHMBUF_INDEX_DEATHS, stats.deaths);
	if (ret < 0)
		return fail_buffer(ret, target->name);
	for (size_t i = 0; i < watcher->nr; i++) {
		struct watched *queue = &watcher->queues[i];

		queue->sequence = shmbuf_sequence(watcher->b, queue->index);
		ret = shmbuf_watch(watcher->b, queue->index, queue->sequence);
		if (ret < 0)
			return fail_object(ret, target->name, queue->index, "queue");
	}
	return 0;
}

static int follow(struct watcher *watcher)
{
	struct pollfd pollfd = { .fd = shmbuf_fd(watcher->b), .events = POLLIN };
	uint64_t now;
	int ret = 0;

	while (watcher->left && ret >= 0) {
		now = now_ns();
		if (now >= watcher->until)
			return CTL_TIMEOUT;
		ret = poll(&pollfd, 1, watcher->until - now > 3600000000000ULL ? 3600000 :
			   (int)((watcher->until - now + 999999) / 1000000));
		if (ret > 0)
			ret = tell(watcher);
		else if (ret < 0)
			ret = errno == EINTR ? 0 : -errno;
	}
	return ret < 0 ? fail_err(ret, "the buffer can't be watched any more") : CTL_FINE;
}

static int run(int argc, char **argv)
{
	struct watcher watcher = { .all = true, .left = UINT64_MAX, .until = UINT64_MAX };
	struct target target;
	uint64_t left;
	int ret;

	take_options(argc, argv, &watcher);
	expect_operands(argc - optind, 1, 1, "shmbufctl watch [OPTION]... BUFFER");
	json_lines();
	ret = target_open(&target, argv[optind], TARGET_READ);
	if (ret)
		return ret;
	ret = begin(&watcher, &target);
	if (!ret) {
		left = watcher.left;
		line_begin("watching", now_ns());
		print_number("deaths", "watching deaths (%" PRIu64 " so far)", watcher.deaths);
		print_number("queues", " and %" PRIu64 " queues", watcher.nr);
		line_end(&watcher);
		watcher.left = watcher.left ? left : 0;
		ret = follow(&watcher);
	}
	shmbuf_close(target.b);
	free(watcher.queues);
	return ret;
}

const struct command watch_command = {
	"watch", "deaths and wakes of a buffer as they come", help, NULL, run,
};
