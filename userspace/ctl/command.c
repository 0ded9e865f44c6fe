// SPDX-License-Identifier: MIT
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "output.h"
#include "target.h"
#include "text.h"

static const char table_help[] =
"  -J, --json        JSON, with all columns unless -o chooses; times are in ns\n"
"  -n, --noheadings  no line of headings\n"
"  -o, --output COL,...  these columns; +COL,... beside the usual ones\n"
"  -b, --bytes       sizes in bytes rather than K, M, G\n";

static const char buffer_help[] =
"  -N, --name        BUFFER is a name even if it is a number\n";

static const char status_help[] =
"\n"
"Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such buffer or object; 4 not\n"
"permitted; 5 the module isn't loaded or too old; 6 the time is over; 7 somebody died;\n"
"8 nobody is left who could wake.\n";

static bool has(const struct option *options, const char *name)
{
	for (; options->name; options++)
		if (!strcmp(options->name, name))
			return true;
	return false;
}

static bool is_begun(const struct option *options, const char *word)
{
	for (; options->name; options++)
		if (!strncmp(options->name, word, strcspn(word, "=")))
			return true;
	return false;
}

static int print_help(const struct command *command, const struct option *options)
{
	fputs(command->help, stdout);
	if (has(options, "name"))
		fputs(buffer_help, stdout);
	if (has(options, "output"))
		fputs(table_help, stdout);
	else if (has(options, "json"))
		puts("  -J, --json        JSON");
	puts("  -h, --help        this text");
	if (command->columns) {
		puts("\nColumns:");
		print_columns(command->columns);
	}
	if (command != &lock_command && command != &doctor_command)
		fputs(status_help, stdout);
	return flushed(CTL_FINE);
}

static bool is_known(const struct option *options, int value)
{
	for (; options->name; options++)
		if (options->val == value)
			return true;
	return false;
}

static void bad_option(int c, char **argv, const struct option *options)
{
	const char *word = text_safe(argv[optind - 1]), letter[2] = { optopt };

	if (c == ':')
		usage_error("option '%s' needs a value", word);
	if (optopt && is_known(options, optopt))
		usage_error("option '%s' takes no value", word);
	/* It may stand among others in its word. */
	if (optopt)
		usage_error("there is no option '-%s'", text_safe(letter));
	if (strlen(word) > 2 && is_begun(options, argv[optind - 1] + 2))
		usage_error("option '%s' may mean several: write more of it", word);
	usage_error("there is no option '%s'", word);
}

int next_option(const struct command *command, int argc, char **argv, const char *letters,
		const struct option *options)
{
	int c;

	opterr = 0;
	for (;;) {
		c = getopt_long(argc, argv, letters, options, NULL);
		switch (c) {
		case 'h':
			exit(print_help(command, options));
		case 'J':
			if (!has(options, "json"))
				usage_error("there is no option '-J'");
			output.json = true;
			break;
		case 'N':
			target_is_name = true;
			break;
		case 'b':
			output.bytes = true;
			break;
		case '?':
		case ':':
			bad_option(c, argv, options);
			break;
		case 'n':
			if (!has(options, "noheadings"))
				return c;
			output.no_headings = true;
			break;
		case 'o':
			if (!has(options, "output"))
				return c;
			output.columns = optarg;
			break;
		default:
			return c;
		}
	}
}

void expect_operands(int argc, int least, int most, const char *usage)
{
	if (argc < least)
		usage_error("something is missing: %s", usage);
	if (argc > most)
		usage_error("too many operands: %s", usage);
}
