// SPDX-License-Identifier: MIT
#include "output.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "json.h"
#include "text.h"

#define GAP	2

struct output output;

void output_begin(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	output.color = isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

void tone_begin(enum tone tone)
{
	static const char *const codes[] = {
		[TONE_HEADING] = "1", [TONE_GOOD] = "32", [TONE_CARE] = "33", [TONE_BAD] = "31",
	};

	if (output.color && tone != TONE_PLAIN)
		printf("\033[%sm", codes[tone]);
}

void tone_end(enum tone tone)
{
	if (output.color && tone != TONE_PLAIN)
		fputs("\033[m", stdout);
}

static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		fail_memory();
	return copy;
}

/* The caller frees it. */
static char *text_of(const struct value *value)
{
	char text[32] = "-";

	switch (value->kind) {
	case VALUE_TEXT:
		return text_safe(value->text ? value->text : value->own);
	case VALUE_NUMBER:
		snprintf(text, sizeof(text), "%" PRIu64, value->number);
		break;
	case VALUE_BYTES:
		text_bytes(text, sizeof(text), value->number, output.bytes);
		break;
	case VALUE_NS:
		*text = '>';
		text_ns(text + value->least, sizeof(text) - value->least, value->number);
		break;
	case VALUE_REAL:
		snprintf(text, sizeof(text), "%.1f", value->real);
		break;
	case VALUE_NONE:
		break;
	}
	return copy_of(text);
}

static void json_value(const char *key, const struct value *value)
{
	switch (value->kind) {
	case VALUE_TEXT:
		json_text(key, value->text ? value->text : value->own);
		break;
	case VALUE_NUMBER:
	case VALUE_BYTES:
	case VALUE_NS:
		json_number(key, value->number);
		break;
	case VALUE_REAL:
		json_real(key, value->real);
		break;
	case VALUE_NONE:
		json_null(key);
		break;
	}
}

void print_members(const struct choice *choice, const void *row)
{
	for (unsigned int i = 0; i < choice->nr; i++) {
		struct value value = choice->columns[i]->get(row);

		json_value(choice->columns[i]->key, &value);
	}
}

void print_fields(const struct choice *choice, const void *row)
{
	for (unsigned int i = 0; i < choice->nr; i++) {
		struct value value = choice->columns[i]->get(row);
		char *text = text_of(&value);

		tone_begin(TONE_HEADING);
		printf("%-15s", choice->columns[i]->name);
		tone_end(TONE_HEADING);
		tone_begin(value.tone);
		fputs(text, stdout);
		tone_end(value.tone);
		putchar('\n');
		free(text);
	}
}

/**
 * struct cell - of a table that is to be printed
 */
struct cell {
	char *text;
	unsigned int width;
	enum tone tone;
};

/* A cell in its place on the line, of which @used columns are used. */
static unsigned int print_cell(const struct cell *cell, unsigned int width, bool right, bool last,
			       unsigned int used)
{
	unsigned int pad = width - cell->width;
	unsigned int room = UINT32_MAX;

	if (output.width)
		room = output.width > used ? output.width - used : 0;
	if (right && pad < room)
		printf("%*s", (int)pad, "");
	tone_begin(cell->tone);
	if (cell->width <= room)
		fputs(cell->text, stdout);
	else
		printf("%.*s", (int)text_fit(cell->text, room), cell->text);
	tone_end(cell->tone);
	if (!last && room > width + GAP)
		printf("%*s", (int)(right ? GAP : pad + GAP), "");
	return used + width + GAP;
}

static void print_line(const struct choice *choice, const struct cell *cells,
		       const unsigned int *widths)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < choice->nr; i++)
		used = print_cell(&cells[i], widths[i], choice->columns[i]->flags & RIGHT,
				  i + 1 == choice->nr, used);
	putchar('\n');
}

static struct cell heading_of(const struct column *column)
{
	return (struct cell) { copy_of(column->name), strlen(column->name), TONE_HEADING };
}

static struct cell cell_of(const struct column *column, const void *row)
{
	struct value value = column->get(row);
	struct cell cell = { .text = text_of(&value), .tone = value.tone };

	cell.width = text_width(cell.text);
	return cell;
}

static void print_text(const struct choice *choice, const void *rows, size_t stride, size_t nr)
{
	unsigned int widths[COLUMNS_MAX] = {};
	size_t nr_cells = (nr + 1) * choice->nr, i = 0;
	struct cell *cells = calloc(nr_cells ? nr_cells : 1, sizeof(*cells));

	if (!cells)
		fail_memory();
	for (size_t row = 0; row <= nr; row++) {
		const char *at = (const char *)rows + (row - 1) * stride;

		for (unsigned int c = 0; c < choice->nr; c++, i++) {
			cells[i] = row ? cell_of(choice->columns[c], at) :
					 heading_of(choice->columns[c]);
			if ((row || !output.no_headings) && cells[i].width > widths[c])
				widths[c] = cells[i].width;
		}
	}
	for (size_t row = output.no_headings; row <= nr; row++)
		print_line(choice, cells + row * choice->nr, widths);
	for (i = 0; i < nr_cells; i++)
		free(cells[i].text);
	free(cells);
}

void print_table(const struct choice *choice, const char *key, const void *rows, size_t stride,
		 size_t nr)
{
	if (!output.json) {
		print_text(choice, rows, stride, nr);
		return;
	}
	json_open(key, '[');
	for (size_t row = 0; row < nr; row++) {
		json_open(NULL, '{');
		print_members(choice, (const char *)rows + row * stride);
		json_close();
	}
	json_close();
}
