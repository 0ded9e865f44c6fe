// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "check.h"
#include "command.h"
#include "container.h"
#include "fail.h"
#include "json.h"
#include "output.h"

static const char help[] =
"Usage: shmbufctl doctor [OPTION]...\n"
"Looks whether shmbuf can be used here, and says what to do where it can't: the module, its\n"
"version and ABI, whether it is loaded at boot and built by DKMS, the kernel's headers, Secure\n"
"Boot and signing, the device's mode and group, whether you are in that, and how near you are\n"
"to the module's limits. In a container it looks at what is the container's.\n"
"Each line begins with ok; note: nothing to do; care: it works, but may not for long; or BAD.\n"
"\n"
"Exit status: 0 all is well or noted; 1 something is BAD; 2 wrong usage; 3 nothing is BAD, but\n"
"something needs care.\n"
"\n";

static const struct check *check_of(const void *row)
{
	return row;
}

static const char *const verdicts[] = {
	[VERDICT_GOOD] = "ok", [VERDICT_NOTE] = "note", [VERDICT_CARE] = "care",
	[VERDICT_BAD] = "BAD",
};

static const enum tone tones[] = {
	[VERDICT_GOOD] = TONE_GOOD, [VERDICT_NOTE] = TONE_PLAIN, [VERDICT_CARE] = TONE_CARE,
	[VERDICT_BAD] = TONE_BAD,
};

static struct value get_verdict(const void *row)
{
	struct value value = value_text(verdicts[check_of(row)->verdict]);

	value.tone = tones[check_of(row)->verdict];
	return value;
}

static struct value get_name(const void *row)
{
	return value_text(check_of(row)->name);
}

static struct value get_found(const void *row)
{
	return value_text(check_of(row)->found);
}

static struct value get_advice(const void *row)
{
	return value_text(check_of(row)->advice);
}

static const struct column doctor_columns[] = {
	{ "VERDICT", "verdict", "ok, note, care, BAD", get_verdict, SHOWN },
	{ "CHECK", "check", "what was looked at", get_name, SHOWN },
	{ "FOUND", "found", "what is so", get_found, SHOWN },
	{ "ADVICE", "advice", "what to do", get_advice, SHOWN },
	{},
};

static void print(const struct checks *checks)
{
	for (size_t i = 0; i < checks->nr; i++) {
		const struct check *check = &checks->checks[i];

		tone_begin(tones[check->verdict]);
		printf("%-4s", verdicts[check->verdict]);
		tone_end(tones[check->verdict]);
		printf("  %-9s  %s\n", check->name, check->found);
		if (*check->advice)
			printf("                 -> %s\n", check->advice);
	}
}

static int status_of(const struct checks *checks)
{
	enum verdict worst = VERDICT_GOOD;

	for (size_t i = 0; i < checks->nr; i++)
		if (checks->checks[i].verdict > worst)
			worst = checks->checks[i].verdict;
	return worst == VERDICT_BAD ? 1 : worst == VERDICT_CARE ? 3 : 0;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { TABLE_OPTIONS, {} };
	static struct checks checks;
	struct choice choice;

	while (next_option(&doctor_command, argc, argv, ":" TABLE_LETTERS, options) != -1)
		;
	expect_operands(argc - optind, 0, 0, "shmbufctl doctor [OPTION]...");
	choose_columns(&choice, doctor_columns);
	check_module(&checks);
	if (!in_container())
		check_signing(&checks);
	check_access(&checks);
	check_limits(&checks);
	if (output.json) {
		json_open(NULL, '{');
		json_bool("well", !status_of(&checks));
	}
	if (output.json || output.columns)
		print_table(&choice, "checks", checks.checks, sizeof(*checks.checks), checks.nr);
	else
		print(&checks);
	if (output.json)
		json_close();
	return status_of(&checks);
}

const struct command doctor_command = {
	"doctor", "can shmbuf be used here, and if not what to do", help, doctor_columns, run,
};
