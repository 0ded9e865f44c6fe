// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "buffer.h"
#include "command.h"
#include "fail.h"
#include "json.h"
#include "number.h"
#include "output.h"
#include "text.h"

static const char help[] =
"Usage: shmbufctl top [OPTION]...\n"
"Shows again and again how the buffers fare, those first whose locks are contended most. On\n"
"a terminal the screen is redrawn, q ends it, and what was shown last stays; else the lines\n"
"follow each other, with a line of headings each time. With --json each time is one line.\n"
"Rates are those since the last time; the first time they are none.\n"
"\n"
"  -i, --interval TIME  every so many seconds (or 500ms, 2m) [1]; 100ms or more\n"
"  -c, --count N     so many times [for ever]\n"
"  -a, --active      only buffers where anybody waits, holds a lock, or died with one, or\n"
"                    where a lock was contended since the last time\n";

#define INTERVAL_LEAST	100000000

/**
 * struct top_row - a buffer, and how it changed
 * @ns: since the last time; 0 where there is no last time
 */
struct top_row {
	struct shmbuf_listing buffer;
	uint64_t ns;
	uint64_t contentions;
	uint64_t waited;
	uint64_t deaths;
};

static const struct top_row *row_of(const void *row)
{
	return row;
}

static struct value rate(const struct top_row *row, uint64_t change, double unit)
{
	if (!row->ns)
		return (struct value) { .kind = VALUE_NONE };
	return (struct value) {
		.kind = VALUE_REAL, .real = change * unit / row->ns,
		.tone = change ? TONE_CARE : TONE_PLAIN,
	};
}

static struct value get_contentions(const void *row)
{
	return rate(row, row_of(row)->contentions, 1e9);
}

/* Threads that slept for locks, on average; as counted when they have stopped to. */
static struct value get_waiting(const void *row)
{
	return rate(row, row_of(row)->waited, 1);
}

static struct value get_deaths(const void *row)
{
	return rate(row, row_of(row)->deaths, 1e9);
}

/* Beside those of buffers: a row begins with one. */
static const struct column top_columns[] = {
	{ "CONT/S", "contentions_per_s", "how often somebody slept for a lock, per second",
	  get_contentions, SHOWN | RIGHT },
	{ "SLEPT", "slept", "threads that slept for locks, on average", get_waiting,
	  SHOWN | RIGHT },
	{ "DEATHS/S", "deaths_per_s", "owners that died, per second", get_deaths, SHOWN | RIGHT },
	{},
};

static const char usual[] = "ID,NAME,JOINED,WAITERS,LOCKS,DEATHS,RESIDENT";

/* Both; of those of buffers the ones in @usual are shown. */
static struct column all_columns[COLUMNS_MAX];

static bool is_usual(const char *name)
{
	const char *at = strstr(usual, name);
	size_t length = strlen(name);

	return at && (at == usual || at[-1] == ',') && (!at[length] || at[length] == ',');
}

static void __attribute__((constructor)) make_columns(void)
{
	unsigned int nr = 0;

	for (const struct column *column = buffer_columns; column->name; column++) {
		all_columns[nr] = *column;
		all_columns[nr].flags &= ~SHOWN;
		if (is_usual(column->name))
			all_columns[nr].flags |= SHOWN;
		nr++;
	}
	for (const struct column *column = top_columns; column->name; column++)
		all_columns[nr++] = *column;
}

/**
 * struct top - the option's values, and what was seen last
 * @rows: @nr_rows of @nr_last buffers, as they were shown
 */
struct top {
	uint64_t interval;
	uint64_t left;
	bool active;
	bool screen;
	struct choice choice;
	struct shmbuf_listing *last;
	int nr_last;
	uint64_t last_ns;
	time_t last_time;
	struct top_row *rows;
	size_t nr_rows;
};

static void take_options(int argc, char **argv, struct top *top)
{
	static const struct option options[] = {
		TABLE_OPTIONS,
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "active", no_argument, NULL, 'a' },
		{},
	};
	int c;

	while ((c = next_option(&top_command, argc, argv, ":i:c:a" TABLE_LETTERS,
				options)) != -1) {
		switch (c) {
		case 'i':
			top->interval = number_ns("--interval", optarg);
			if (top->interval < INTERVAL_LEAST)
				usage_error("--interval is 100ms or more");
			break;
		case 'c':
			top->left = number("--count", optarg, 1, UINT64_MAX);
			break;
		case 'a':
			top->active = true;
			break;
		}
	}
}

/* Both lists are by rising id. */
static void compare(struct top_row *row, const struct top *top, int *at, uint64_t now)
{
	const struct shmbuf_stats *new = &row->buffer.stats, *old;

	while (*at < top->nr_last && top->last[*at].stats.buffer_id < new->buffer_id)
		++*at;
	if (*at == top->nr_last || top->last[*at].stats.buffer_id != new->buffer_id)
		return;
	old = &top->last[*at].stats;
	row->ns = now - top->last_ns;
	row->contentions = new->contentions - old->contentions;
	row->waited = new->waited - old->waited;
	row->deaths = new->deaths - old->deaths;
}

static bool is_active(const struct top_row *row)
{
	const struct shmbuf_stats *stats = &row->buffer.stats;

	return stats->waiters || stats->held || stats->shared || stats->inconsistent ||
	       stats->notrecoverable || row->contentions || row->deaths;
}

static int by_contention(const void *one, const void *two)
{
	const struct top_row *a = one, *b = two;

	if (a->contentions != b->contentions)
		return a->contentions < b->contentions ? 1 : -1;
	if (a->buffer.stats.waiters != b->buffer.stats.waiters)
		return a->buffer.stats.waiters < b->buffer.stats.waiters ? 1 : -1;
	return a->buffer.stats.buffer_id < b->buffer.stats.buffer_id ? -1 : 1;
}

static void print_screen(struct top *top)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	size_t nr = top->nr_rows;
	char text[16] = "";
	struct tm local;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	output.width = size.ws_col ? size.ws_col : 80;
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&top->last_time, &local));
	printf("shmbufctl top, %s: %d buffers\n\n", text, top->nr_last);
	if (size.ws_row > 4 && nr > size.ws_row - 4U)
		nr = size.ws_row - 4;
	print_table(&top->choice, NULL, top->rows, sizeof(*top->rows), nr);
}

static void print(struct top *top)
{
	if (top->screen) {
		fputs("\033[H\033[J", stdout);
		print_screen(top);
	} else if (output.json) {
		json_open(NULL, '{');
		json_number("time_ns", top->last_ns);
		print_table(&top->choice, "buffers", top->rows, sizeof(*top->rows), top->nr_rows);
		json_close();
	} else {
		print_table(&top->choice, NULL, top->rows, sizeof(*top->rows), top->nr_rows);
	}
	fflush(stdout);
}

/* 0, or what went wrong is said. */
static int look(struct top *top)
{
	uint64_t now = now_ns();
	struct shmbuf_listing *buffers;
	int all = all_buffers(&buffers), at = 0, nr = 0;
	struct top_row *rows;

	if (all < 0)
		return fail_err(all, "the buffers can't be listed");
	rows = calloc(all + 1, sizeof(*rows));
	if (!rows)
		fail_memory();
	for (int i = 0; i < all; i++) {
		rows[nr] = (struct top_row) { .buffer = buffers[i] };
		compare(&rows[nr], top, &at, now);
		nr += !top->active || is_active(&rows[nr]);
	}
	qsort(rows, nr, sizeof(*rows), by_contention);
	free(top->rows);
	top->rows = rows;
	top->nr_rows = nr;
	free(top->last);
	top->last = buffers;
	top->nr_last = all;
	top->last_ns = now;
	top->last_time = time(NULL);
	print(top);
	return 0;
}

static volatile sig_atomic_t stopped, suspended;

static struct {
	bool on;
	bool has_keys;
	struct termios before;
} screen;

/* The other screen, without a cursor; keys come as they are typed. */
static void screen_enter(void)
{
	struct termios keys;

	screen.has_keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &screen.before);
	if (screen.has_keys) {
		keys = screen.before;
		keys.c_lflag &= ~(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	fputs("\033[?1049h\033[?25l", stdout);
	screen.on = true;
}

static void screen_leave(void)
{
	if (!screen.on)
		return;
	screen.on = false;
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (screen.has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
}

static void stop(int signal)
{
	if (signal == SIGTSTP)
		suspended = true;
	else
		stopped = true;
}

/* Unless it is to be ignored. */
static void catch(int signal)
{
	struct sigaction action;

	if (sigaction(signal, NULL, &action) || action.sa_handler == SIG_IGN)
		return;
	action = (struct sigaction) {
		.sa_handler = stop,
		.sa_flags = signal == SIGTSTP ? SA_RESTART : 0,
	};
	sigaction(signal, &action, NULL);
}

/* What runs meanwhile finds the terminal as it was. */
static void suspend(void)
{
	suspended = false;
	screen_leave();
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	catch(SIGTSTP);
	screen_enter();
}

/* Until the next time, or a key or signal says that it is enough, or that all is to be redrawn. */
static void pause_until(struct top *top, uint64_t next)
{
	struct pollfd keys = { .fd = top->screen ? STDIN_FILENO : -1, .events = POLLIN };
	uint64_t now, ms;
	char key;

	while (!stopped && (now = now_ns()) < next) {
		if (suspended) {
			suspend();
			return;
		}
		/* A signal may have come just before. */
		ms = (next - now) / 1000000 + 1;
		if (poll(&keys, 1, ms < 1000 ? ms : 1000) <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1)
			keys.fd = -1;
		else if (key == 'q' || key == 'Q')
			stopped = true;
	}
}

static int run_top(struct top *top)
{
	uint64_t next = now_ns();
	int ret = look(top);

	while (!ret && --top->left && !ferror(stdout)) {
		/* What was missed isn't made up for. */
		next = (next < now_ns() ? now_ns() : next) + top->interval;
		pause_until(top, next);
		if (stopped)
			break;
		ret = look(top);
	}
	return ret;
}

static int run_on_screen(struct top *top)
{
	int ret;

	catch(SIGQUIT);
	catch(SIGHUP);
	catch(SIGTSTP);
	/* All of a screen goes out at once: nothing flickers. */
	setvbuf(stdout, NULL, _IOFBF, 65536);
	fail_before = screen_leave;
	screen_enter();
	ret = run_top(top);
	screen_leave();
	if (!ret)
		print_screen(top);
	return ret;
}

static int run(int argc, char **argv)
{
	struct top top = { .interval = 1000000000, .left = UINT64_MAX };
	int ret;

	take_options(argc, argv, &top);
	expect_operands(argc - optind, 0, 0, "shmbufctl top [OPTION]...");
	choose_columns(&top.choice, all_columns);
	json_lines();
	top.screen = !output.json && isatty(STDOUT_FILENO);
	catch(SIGINT);
	catch(SIGTERM);
	ret = top.screen ? run_on_screen(&top) : run_top(&top);
	free(top.last);
	free(top.rows);
	return ret;
}

const struct command top_command = {
	"top", "how buffers fare, again and again", help, all_columns, run,
};
