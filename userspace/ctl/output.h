/* SPDX-License-Identifier: MIT */
/* How the commands print: what the options say that they have in common. */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "column.h"

/**
 * struct output - as the options say
 * @columns: --output's value, or NULL
 * @width: where lines are cut off; 0: nowhere
 */
extern struct output {
	bool json;
	bool no_headings;
	bool bytes;
	bool color;
	const char *columns;
	unsigned int width;
} output;

/* Colors where a terminal shows them and nobody said no. */
void output_begin(void);

void tone_begin(enum tone tone);
void tone_end(enum tone tone);

/* @rows: @nr of them, @stride bytes apart.  In JSON an array of that @key. */
void print_table(const struct choice *choice, const char *key, const void *rows, size_t stride,
		 size_t nr);

/* One row: the members of an object in JSON, which is open; else lines with names. */
void print_members(const struct choice *choice, const void *row);
void print_fields(const struct choice *choice, const void *row);

#endif
