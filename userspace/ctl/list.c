// SPDX-License-Identifier: MIT
#include <shmbuf.h>
#include <stdlib.h>

#include "buffer.h"
#include "command.h"
#include "fail.h"
#include "json.h"
#include "output.h"

static const char help[] =
"Usage: shmbufctl list [OPTION]...\n"
"Lists the buffers of this IPC namespace, also those that you may not open.\n"
"\n";

static int run(int argc, char **argv)
{
	static const struct option options[] = { TABLE_OPTIONS, {} };
	struct shmbuf_listing *buffers;
	struct choice choice;
	int nr;

	while (next_option(&list_command, argc, argv, "+:" TABLE_LETTERS, options) != -1)
		;
	expect_operands(argc - optind, 0, 0, "shmbufctl list [OPTION]...");
	choose_columns(&choice, buffer_columns);
	nr = all_buffers(&buffers);
	if (nr < 0)
		return fail_err(nr, "the buffers can't be listed");
	if (output.json)
		json_open(NULL, '{');
	print_table(&choice, "buffers", buffers, sizeof(*buffers), nr);
	if (output.json)
		json_close();
	free(buffers);
	return CTL_FINE;
}

const struct command list_command = {
	"list", "which buffers there are", help, buffer_columns, run,
};
