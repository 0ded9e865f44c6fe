// SPDX-License-Identifier: MIT
#include <errno.h>
#include <shmbuf.h>
#include <stdio.h>

#include "buffer.h"
#include "command.h"
#include "death.h"
#include "fail.h"
#include "json.h"
#include "object_row.h"
#include "output.h"
#include "target.h"

static const char help[] =
"Usage: shmbufctl show [OPTION]... BUFFER\n"
"Shows a buffer, its sync objects, who waits for them, and who died lately. A buffer\n"
"without a name is seen by the descriptor of a process that has it open, if you may look\n"
"into that. The counts of contentions are the kernel's, for the locks that are contended most:\n"
"two among all whose indexes are the same modulo 32. What needs no system call isn't counted.\n"
"With -o only the table of objects is printed; JSON has all of it nevertheless.\n"
"\n"
"  -a, --active      only objects that are held, waited for or not in order\n";

static const struct option options[] = {
	TABLE_OPTIONS, BUFFER_OPTIONS,
	{ "active", no_argument, NULL, 'a' },
	{},
};

static void heading(const char *text)
{
	if (output.no_headings)
		return;
	putchar('\n');
	tone_begin(TONE_HEADING);
	puts(text);
	tone_end(TONE_HEADING);
}

static void print_waiters(const struct object_rows *objects, const struct choice *waiter)
{
	char text[64];

	for (size_t i = 0; i < objects->nr; i++) {
		const struct object_row *row = &objects->rows[i];

		if (!row->nr_waiters)
			continue;
		snprintf(text, sizeof(text), "Object %u is waited for by %u:", row->object.index,
			 row->object.nr_waiters);
		heading(text);
		print_table(waiter, NULL, row->waiters, sizeof(*row->waiters), row->nr_waiters);
	}
}

static void json_objects(const struct object_rows *objects, const struct choice *object,
			 const struct choice *waiter)
{
	json_open("objects", '[');
	for (size_t i = 0; i < objects->nr; i++) {
		const struct object_row *row = &objects->rows[i];

		json_open(NULL, '{');
		print_members(object, row);
		print_table(waiter, "waiters", row->waiters, sizeof(*row->waiters),
			    row->nr_waiters);
		json_close();
	}
	json_close();
}

/**
 * struct shown - all that is shown of a buffer
 */
struct shown {
	struct shmbuf_listing buffer;
	struct object_rows objects;
	struct shmbuf_death deaths[SHMBUF_DEATHS_MAX];
	int nr_deaths;
};

static int gather(struct shown *shown, struct shmbuf *b, bool active)
{
	int ret = buffer_of(b, &shown->buffer);

	if (ret)
		return ret;
	ret = object_rows_get(&shown->objects, b, active);
	if (ret)
		return ret;
	shown->nr_deaths = shmbuf_deaths(b, shown->deaths, SHMBUF_DEATHS_MAX, UINT64_MAX);
	return shown->nr_deaths < 0 ? shown->nr_deaths : 0;
}

/* --output is for the objects; the rest has its own columns. */
static void print(const struct shown *shown)
{
	const char *columns = output.columns;
	struct choice buffer, object, waiter, death;

	choose_columns(&object, object_columns);
	output.columns = NULL;
	choose_columns(&waiter, waiter_columns);
	choose_columns(&death, death_columns);
	if (!output.json)
		output.columns = "+MAX,CONTENTIONS,WAITED,OWNERS,WAITERS,AGE,FLAGS,SEALS";
	choose_columns(&buffer, buffer_columns);
	if (output.json) {
		json_open(NULL, '{');
		json_open("buffer", '{');
		print_members(&buffer, &shown->buffer);
		json_close();
		json_objects(&shown->objects, &object, &waiter);
		print_table(&death, "deaths", shown->deaths, sizeof(*shown->deaths),
			    shown->nr_deaths);
		json_close();
		return;
	}
	if (columns) {
		print_table(&object, NULL, shown->objects.rows, sizeof(*shown->objects.rows),
			    shown->objects.nr);
		return;
	}
	print_fields(&buffer, &shown->buffer);
	if (shown->objects.nr) {
		heading("Sync objects:");
		print_table(&object, NULL, shown->objects.rows, sizeof(*shown->objects.rows),
			    shown->objects.nr);
		print_waiters(&shown->objects, &waiter);
	}
	if (shown->nr_deaths) {
		heading("Last deaths:");
		print_table(&death, NULL, shown->deaths, sizeof(*shown->deaths), shown->nr_deaths);
	}
}

static int run(int argc, char **argv)
{
	static struct shown shown;
	struct target target;
	bool active = false;
	int ret;

	while (next_option(&show_command, argc, argv, ":a" TABLE_LETTERS BUFFER_LETTERS,
			   options) != -1)
		active = true;
	expect_operands(argc - optind, 1, 1, "shmbufctl show [OPTION]... BUFFER");
	ret = target_open(&target, argv[optind], TARGET_READ);
	if (ret)
		return ret;
	ret = gather(&shown, target.b, active);
	if (ret)
		ret = fail_buffer(ret, target.name);
	else
		print(&shown);
	object_rows_free(&shown.objects);
	shmbuf_close(target.b);
	return ret;
}

const struct command show_command = {
	"show", "a buffer, its sync objects, who waits and who died", help, object_columns, run,
};
