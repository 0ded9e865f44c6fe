// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
"is watched. Wakes of a queue that come at once are one line. Queues that are made later\n"
"are noticed within a second (where there are a great many objects it may be later), and are\n"
"a line, too. A queue that is watched can't be reset.\n"
"\n"
"  -d, --deaths      deaths only\n"
"  -q, --queue INDEX  this queue only, and deaths; may be given several times\n"
"  -c, --count N     end after N lines, the first one not counted\n"
"  -t, --timeout TIME  end after so many seconds (or 500ms, 2m, 1h) with status 6\n";

#define MOVED_MAX	64
#define LOOK_LEAST	1000000000ULL
/* A part of the time that looking at all objects may take. */
#define LOOK_SHARE	50

/**
 * struct watched - a queue and the sequence that was last seen
 */
struct watched {
	uint32_t index;
	uint64_t sequence;
};

/**
 * struct watcher - what is watched, and for how long
 * @queues: @nr of them, by rising index
 * @all: all queues of the buffer, those included that are made later
 * @next_look: when to look for these; UINT64_MAX for never
 * @left: lines to print
 * @until: ns on CLOCK_MONOTONIC, UINT64_MAX for never
 */
struct watcher {
	struct shmbuf *b;
	struct watched *queues;
	size_t nr;
	bool all;
	uint64_t next_look;
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

/* The queue of that index, or where it would stand. */
static size_t place_of(const struct watcher *watcher, uint32_t index)
{
	size_t low = 0, high = watcher->nr, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (watcher->queues[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct watched *find(struct watcher *watcher, uint32_t index)
{
	size_t at = place_of(watcher, index);

	return at < watcher->nr && watcher->queues[at].index == index ? &watcher->queues[at] : NULL;
}

static void add_queue(struct watcher *watcher, uint32_t index, uint64_t sequence)
{
	size_t at = place_of(watcher, index);
	struct watched *more;

	if (find(watcher, index))
		return;
	more = reallocarray(watcher->queues, watcher->nr + 1, sizeof(*more));
	if (!more)
		fail_memory();
	watcher->queues = more;
	memmove(more + at + 1, more + at, (watcher->nr++ - at) * sizeof(*more));
	more[at] = (struct watched) { .index = index, .sequence = sequence };
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
			add_queue(watcher, target_index(optarg, false), 0);
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

static void tell_made(struct watcher *watcher, uint32_t index, uint64_t sequence)
{
	if (!watcher->left)
		return;
	line_begin("made", now_ns());
	print_number("queue", "queue %" PRIu64 " was made", index);
	print_number("sequence", ", and is at %" PRIu64, sequence);
	line_end(watcher);
}

static void tell_queue(struct watcher *watcher, uint32_t index, uint64_t sequence)
{
	struct watched *queue = find(watcher, index);
	uint64_t by = 0;

	if (queue) {
		by = (sequence - queue->sequence) & SHMBUF_SEQUENCE_MASK;
		queue->sequence = sequence;
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

/* A queue that is watched can't be reset, so that it stays. */
static int take_object(struct watcher *watcher, const struct shmbuf_object *object, bool tells)
{
	int ret;

	if (object->kind != SHMBUF_KIND_QUEUE || find(watcher, object->index))
		return 0;
	ret = shmbuf_watch(watcher->b, object->index, object->value);
	/* It was reset just now. */
	if (ret == -EINVAL)
		return 0;
	if (ret < 0)
		return ret;
	add_queue(watcher, object->index, object->value);
	if (tells)
		tell_made(watcher, object->index, object->value);
	return 0;
}

/* Which queues are there now? */
static int look(struct watcher *watcher, bool tells)
{
	static struct shmbuf_object objects[SHMBUF_OBJECTS_MAX];
	uint64_t began = now_ns(), took;
	uint32_t first = 0;
	int nr, ret = 0;

	while ((nr = shmbuf_objects(watcher->b, first, objects, SHMBUF_OBJECTS_MAX)) > 0) {
		for (int i = 0; i < nr && !ret; i++)
			ret = take_object(watcher, &objects[i], tells);
		if (ret)
			return ret;
		first = objects[nr - 1].index + 1;
	}
	took = (now_ns() - began) * LOOK_SHARE;
	watcher->next_look = now_ns() + (took > LOOK_LEAST ? took : LOOK_LEAST);
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
	ret = shmbuf_stats(watcher->b, &stats);
	if (ret < 0)
		return fail_buffer(ret, target->name);
	watcher->deaths = stats.deaths;
	ret = shmbuf_watch(watcher->b, SHMBUF_INDEX_DEATHS, stats.deaths);
	if (!ret && watcher->all)
		ret = look(watcher, false);
	if (ret < 0)
		return fail_buffer(ret, target->name);
	for (size_t i = 0; i < watcher->nr && !watcher->all; i++) {
		struct watched *queue = &watcher->queues[i];

		queue->sequence = shmbuf_sequence(watcher->b, queue->index);
		ret = shmbuf_watch(watcher->b, queue->index, queue->sequence);
		if (ret < 0)
			return fail_object(ret, target->name, queue->index, "queue");
	}
	return 0;
}

/* For poll(), rounded up, and an hour at most. */
static int ms_until(uint64_t now, uint64_t then)
{
	return then - now > 3600000000000ULL ? 3600000 : (int)((then - now + 999999) / 1000000);
}

static int follow(struct watcher *watcher)
{
	struct pollfd pollfd = { .fd = shmbuf_fd(watcher->b), .events = POLLIN };
	uint64_t now, then;
	int ret = 0;

	while (watcher->left && ret >= 0) {
		now = now_ns();
		if (now >= watcher->until)
			return CTL_TIMEOUT;
		if (now >= watcher->next_look) {
			ret = look(watcher, true);
			continue;
		}
		then = watcher->until < watcher->next_look ? watcher->until : watcher->next_look;
		ret = poll(&pollfd, 1, ms_until(now, then));
		if (ret > 0)
			ret = tell(watcher);
		else if (ret < 0)
			ret = errno == EINTR ? 0 : -errno;
	}
	return ret < 0 ? fail_err(ret, "the buffer can't be watched any more") : CTL_FINE;
}

static int run(int argc, char **argv)
{
	struct watcher watcher = { .all = true, .left = UINT64_MAX, .until = UINT64_MAX,
				   .next_look = UINT64_MAX };
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
