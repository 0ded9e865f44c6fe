// SPDX-License-Identifier: MIT
#include <errno.h>
#include <shmbuf.h>
#include <stdlib.h>

#include "command.h"
#include "fail.h"
#include "json.h"
#include "output.h"
#include "text.h"

static const char help[] =
"Usage: shmbufctl rm [OPTION]... NAME...\n"
"Removes the names of buffers. Who uses such a buffer goes on with it; its memory is free\n"
"when the last one has gone. For a buffer's owner, and for root.\n"
"\n"
"  -f, --force       a name that doesn't exist is no failure\n";

static const struct option options[] = {
	JSON_OPTIONS,
	{ "force", no_argument, NULL, 'f' },
	{},
};

static int remove_name(const char *name, bool force)
{
	char *shown;
	int ret = shmbuf_unlink(name);

	if (!ret) {
		if (output.json)
			json_text(NULL, name);
		return CTL_FINE;
	}
	if (ret == -ENOENT && force)
		return CTL_FINE;
	if (ret != -EPERM)
		return fail_buffer(ret, name);
	shown = text_safe(name);
	ret = fail(CTL_DENIED, "buffer '%s' can be removed by its owner and by root only", shown);
	free(shown);
	return ret;
}

static int run(int argc, char **argv)
{
	int ret, status = CTL_FINE;
	bool force = false;

	while (next_option(&rm_command, argc, argv, ":f" JSON_LETTERS, options) != -1)
		force = true;
	expect_operands(argc - optind, 1, INT32_MAX, "shmbufctl rm [OPTION]... NAME...");
	if (output.json) {
		json_open(NULL, '{');
		json_open("removed", '[');
	}
	for (int i = optind; i < argc; i++) {
		ret = remove_name(argv[i], force);
		if (ret)
			status = ret;
	}
	if (output.json) {
		json_close();
		json_close();
	}
	return status;
}

const struct command rm_command = { "rm", "remove names of buffers", help, NULL, run };
