// SPDX-License-Identifier: MIT
/*
 * shmbufctl: shared buffers seen and handled from a shell
 */
#include <locale.h>
#include <shmbuf.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "fail.h"
#include "output.h"
#include "text.h"

static const struct command *const commands[] = {
	&list_command, &show_command, &top_command, &watch_command,
	&create_command, &rm_command, &init_command, &reset_command,
	&lock_command, &wait_command, &wake_command, &cat_command, &write_command,
	&recover_command, &doctor_command,
};

static const char usage[] =
"Usage: shmbufctl COMMAND [OPTION]... [OPERAND]...\n"
"       shmbufctl COMMAND --help\n"
"Sees and handles shared buffers of /dev/shmbuf, and their locks and queues.\n"
"\n"
"Commands:\n";

static const char ending[] =
"\n"
"  -h, --help      this text\n"
"  -V, --version   the tool's version and the ABI that it was built for\n"
"\n"
"A BUFFER is given by its name, or by its id, a number; with --name a number is a name.\n"
"Names belong to the caller's IPC namespace. Names and the like that hold what a terminal\n"
"mustn't get are shown with \\xNN for such bytes. Colors are for terminals, unless NO_COLOR\n"
"is set.\n"
"\n"
"Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such buffer or object; 4 not\n"
"permitted; 5 the module isn't loaded or too old; 6 the time is over; 7 somebody died;\n"
"8 nobody is left who could wake. lock and doctor have their own: see their --help.\n";

static int help(void)
{
	fputs(usage, stdout);
	for (unsigned int i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %-9s %s\n", commands[i]->name, commands[i]->does);
	fputs(ending, stdout);
	return flushed(CTL_FINE);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	output_begin();
	if (argc < 2)
		usage_error("a command is missing");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		return help();
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		printf("shmbufctl %s (ABI %d)\n", CTL_VERSION, SHMBUF_ABI_VERSION);
		return flushed(CTL_FINE);
	}
	for (unsigned int i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(argv[1], commands[i]->name))
			continue;
		fail_command(commands[i]->name);
		return flushed(commands[i]->run(argc - 1, argv + 1));
	}
	if (*argv[1] == '-')
		usage_error("there is no option '%s' here: a command's options stand behind it",
			    text_safe(argv[1]));
	usage_error("there is no command '%s'", text_safe(argv[1]));
}
