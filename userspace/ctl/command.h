/* SPDX-License-Identifier: MIT */
/* The commands of shmbufctl, and what their options have in common. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <getopt.h>
#include <stdbool.h>

#include "column.h"

/**
 * struct command - one of them
 * @name: as it is called
 * @does: in a few words
 * @help: usage, what it does, its own options
 * @columns: what --output can name, or NULL
 * @run: with the command's name as argv[0]; returns the status to end with
 */
struct command {
	const char *name;
	const char *does;
	const char *help;
	const struct column *columns;
	int (*run)(int argc, char **argv);
};

extern const struct command list_command, show_command, create_command, rm_command, init_command,
	reset_command, lock_command, wait_command, wake_command, cat_command, write_command,
	top_command, watch_command, recover_command, doctor_command;

/* Of what long options have no letter of their own. */
enum { OPTION_OWN = 256 };

#define HELP_LETTERS	"h"
#define HELP_OPTIONS	{ "help", no_argument, NULL, 'h' }
#define JSON_LETTERS	HELP_LETTERS "J"
#define JSON_OPTIONS	HELP_OPTIONS, { "json", no_argument, NULL, 'J' }
#define TABLE_LETTERS	JSON_LETTERS "no:b"
#define TABLE_OPTIONS	JSON_OPTIONS, \
			{ "noheadings", no_argument, NULL, 'n' }, \
			{ "output", required_argument, NULL, 'o' }, \
			{ "bytes", no_argument, NULL, 'b' }
#define BUFFER_LETTERS	"N"
#define BUFFER_OPTIONS	{ "name", no_argument, NULL, 'N' }

/*
 * The next option that is the command's own, or -1 behind the last.  Those above are dealt
 * with; what is no option is a usage error.  @letters begin with '+'.
 */
int next_option(const struct command *command, int argc, char **argv, const char *letters,
		const struct option *options);

/* The operands are from @least to @most, or a usage error. */
void expect_operands(int argc, int least, int most, const char *usage);

#endif
