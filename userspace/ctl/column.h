/* SPDX-License-Identifier: MIT */
/* What a row of a table can tell, by the names that --output takes. */
#ifndef CTL_COLUMN_H
#define CTL_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

enum value_kind {
	VALUE_NONE,	/* "-", null */
	VALUE_NUMBER,
	VALUE_BYTES,
	VALUE_NS,
	VALUE_REAL,
	VALUE_TEXT,
};

enum tone { TONE_PLAIN, TONE_HEADING, TONE_GOOD, TONE_CARE, TONE_BAD };

/**
 * struct value - what a cell holds
 * @least: VALUE_NS: it is that or more
 * @text: or NULL for @own
 */
struct value {
	enum value_kind kind;
	enum tone tone;
	bool least;
	uint64_t number;
	double real;
	const char *text;
	char own[96];
};

/**
 * struct column - one of the columns of a kind of row
 * @name: as --output takes it, and as the heading
 * @key: in JSON
 * @what: for --help
 * @flags: SHOWN: without --output; RIGHT: aligned right
 */
struct column {
	const char *name;
	const char *key;
	const char *what;
	struct value (*get)(const void *row);
	unsigned int flags;
};

enum { SHOWN = 1, RIGHT = 2 };

#define COLUMNS_MAX	40

struct choice {
	const struct column *columns[COLUMNS_MAX];
	unsigned int nr;
};

struct value value_number(uint64_t number);
struct value value_bytes(uint64_t bytes);
struct value value_ns(uint64_t ns);
struct value value_text(const char *text);
/* With TONE where it isn't 0. */
struct value value_count(uint64_t number, enum tone tone);
/* None where it is 0. */
struct value value_some(struct value value);

/* The arrays of columns end with one that has no name. */
void choose_columns(struct choice *choice, const struct column *all);
void print_columns(const struct column *all);

#endif
