// SPDX-License-Identifier: MIT
#include "column.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fail.h"
#include "output.h"
#include "text.h"

struct value value_number(uint64_t number)
{
	return (struct value) { .kind = VALUE_NUMBER, .number = number };
}

struct value value_bytes(uint64_t bytes)
{
	return (struct value) { .kind = VALUE_BYTES, .number = bytes };
}

struct value value_ns(uint64_t ns)
{
	return (struct value) { .kind = VALUE_NS, .number = ns };
}

struct value value_text(const char *text)
{
	if (!text || !*text)
		return (struct value) { .kind = VALUE_NONE };
	return (struct value) { .kind = VALUE_TEXT, .text = text };
}

struct value value_count(uint64_t number, enum tone tone)
{
	return (struct value) { .kind = VALUE_NUMBER, .number = number,
				.tone = number ? tone : TONE_PLAIN };
}

struct value value_some(struct value value)
{
	if (!value.number)
		value.kind = VALUE_NONE;
	return value;
}

/* Each column once: so there is room for all of them. */
static void add(struct choice *choice, const struct column *column)
{
	for (unsigned int i = 0; i < choice->nr; i++)
		if (choice->columns[i] == column)
			return;
	choice->columns[choice->nr++] = column;
}

static const struct column *find(const struct column *all, const char *name, size_t length)
{
	for (; all->name; all++)
		if (strlen(all->name) == length && !strncasecmp(all->name, name, length))
			return all;
	return NULL;
}

static void add_named(struct choice *choice, const struct column *all, const char *names)
{
	const struct column *column;
	size_t length;

	for (;; names += length + 1) {
		length = strcspn(names, ",");
		column = find(all, names, length);
		if (!column) {
			char *shown = text_safe(names);

			usage_error("there is no column '%.*s'", (int)strcspn(shown, ","), shown);
		}
		add(choice, column);
		if (!names[length])
			return;
	}
}

/* JSON has all, as there a program chooses. */
void choose_columns(struct choice *choice, const struct column *all)
{
	const char *names = output.columns;

	choice->nr = 0;
	if (!names || *names == '+')
		for (const struct column *column = all; column->name; column++)
			if ((column->flags & SHOWN) || output.json)
				add(choice, column);
	if (names)
		add_named(choice, all, names + (*names == '+'));
}

void print_columns(const struct column *all)
{
	for (; all->name; all++)
		printf("  %-14s%s\n", all->name, all->what);
}
