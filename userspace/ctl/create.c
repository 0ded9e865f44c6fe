// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <shmbuf.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "command.h"
#include "fail.h"
#include "json.h"
#include "number.h"
#include "output.h"
#include "text.h"

static const char help[] =
"Usage: shmbufctl create [OPTION]... NAME SIZE\n"
"Makes a buffer of SIZE bytes (K, M, G, T are powers of 1024), rounded up to whole pages,\n"
"all 0, and prints it. It stays until shmbufctl rm, or a reboot, whoever uses it or not. A\n"
"buffer of that NAME that exists is left as it is, if it is large enough.\n"
"\n"
"  -x, --excl        fail where the name exists\n"
"  -m, --mode MODE   permission bits in octal digits [600]; the umask doesn't apply\n"
"  -s, --max-size SIZE  up to which it can be grown [SIZE]\n"
"  -l, --locks N     objects 0 to N-1 of its table are locks [0]\n"
"  -q, --queues N    the next N are wait queues [0]\n"
"  -c, --objects N   size of the table [locks and queues]; for the rest see shmbufctl init\n"
"      --packed      sync objects of 8 bytes rather than 64: for tables of thousands\n"
"      --prealloc    have all of its memory now\n"
"      --huge        of huge pages, as far as there are any\n"
"      --persist     as it is always: for scripts that like to say so\n";

enum { PACKED = OPTION_OWN, PREALLOC, HUGE, PERSIST };

static const struct option options[] = {
	TABLE_OPTIONS,
	{ "excl", no_argument, NULL, 'x' },
	{ "mode", required_argument, NULL, 'm' },
	{ "max-size", required_argument, NULL, 's' },
	{ "locks", required_argument, NULL, 'l' },
	{ "queues", required_argument, NULL, 'q' },
	{ "objects", required_argument, NULL, 'c' },
	{ "packed", no_argument, NULL, PACKED },
	{ "prealloc", no_argument, NULL, PREALLOC },
	{ "huge", no_argument, NULL, HUGE },
	{ "persist", no_argument, NULL, PERSIST },
	{},
};

static void take_option(struct shmbuf_options *made, int c)
{
	switch (c) {
	case 'x':
		made->flags |= SHMBUF_EXCL;
		break;
	case 'm':
		made->mode = number_mode(optarg);
		break;
	case 's':
		made->max_size = number_bytes("--max-size", optarg);
		break;
	case 'l':
		made->nr_locks = number("--locks", optarg, 0, UINT32_MAX);
		break;
	case 'q':
		made->nr_queues = number("--queues", optarg, 0, UINT32_MAX);
		break;
	case 'c':
		made->nr_objects = number("--objects", optarg, 0, UINT32_MAX);
		break;
	case PACKED:
		made->flags |= SHMBUF_PACKED;
		break;
	case PREALLOC:
		made->flags |= SHMBUF_PREALLOC;
		break;
	case HUGE:
		made->flags |= SHMBUF_HUGE;
		break;
	}
}

static void check(const char *name, uint64_t size, const struct shmbuf_options *made)
{
	uint64_t nr = (uint64_t)made->nr_locks + made->nr_queues;

	if (!*name || strlen(name) > SHMBUF_NAME_MAX || strchr(name, '/'))
		usage_error("a name has 1 to %u bytes, and no '/': '%s'", SHMBUF_NAME_MAX,
			    text_safe(name));
	if (size != (size_t)size)
		usage_error("the size is too large for this architecture");
	if (!size)
		usage_error("the size is 1 byte or more");
	if (made->max_size && made->max_size < size)
		usage_error("--max-size is less than the size");
	if (made->nr_objects && made->nr_objects < nr)
		usage_error("--objects is less than the locks and queues");
}

/* What is wrong with the one that exists, if there is one. */
static int fail_create(int err, const char *name, uint64_t size, uint64_t objects)
{
	char *shown = text_safe(name);
	struct shmbuf_info info = {};
	struct shmbuf *b = NULL;
	int ret;

	if (err == -EEXIST)
		ret = fail(CTL_FAILED, "buffer '%s' exists", shown);
	else if (err == -EACCES || err == -EPERM)
		ret = fail_buffer(err, name);
	else if (err != -EINVAL)
		ret = fail_err(err, "buffer '%s' can't be made", shown);
	else if (!shmbuf_open(&b, name, SHMBUF_RDONLY) && !shmbuf_query(b, &info) &&
		 (info.data_size < size || info.nr_objects < objects))
		ret = fail(CTL_FAILED,
			   "buffer '%s' exists, and is smaller: it has %" PRIu64
			   " bytes and %u objects", shown, info.data_size, info.nr_objects);
	else
		ret = fail(CTL_FAILED,
			   "buffer '%s' can't be made: its size or number of objects is too large",
			   shown);
	if (b)
		shmbuf_close(b);
	free(shown);
	return ret;
}

static int print(struct shmbuf *b, const struct choice *choice, bool existed)
{
	struct shmbuf_listing listing;
	int ret = buffer_of(b, &listing);

	if (ret < 0)
		return fail_err(ret, "the buffer is there, but can't be told of");
	if (!output.json) {
		print_table(choice, NULL, &listing, sizeof(listing), 1);
		return CTL_FINE;
	}
	json_open(NULL, '{');
	json_bool("existed", existed);
	json_open("buffer", '{');
	print_members(choice, &listing);
	json_close();
	json_close();
	return CTL_FINE;
}

static int run(int argc, char **argv)
{
	struct shmbuf_options made = { .flags = SHMBUF_PERSIST };
	struct choice choice;
	struct shmbuf *b;
	const char *name;
	uint64_t size;
	int c, ret;

	while ((c = next_option(&create_command, argc, argv, ":xm:s:l:q:c:" TABLE_LETTERS,
				options)) != -1)
		take_option(&made, c);
	expect_operands(argc - optind, 2, 2, "shmbufctl create [OPTION]... NAME SIZE");
	choose_columns(&choice, buffer_columns);
	name = argv[optind];
	size = number_bytes("the size", argv[optind + 1]);
	check(name, size, &made);
	ret = shmbuf_create(&b, name, size, &made);
	if (ret < 0)
		return fail_create(ret, name, size, made.nr_objects ? made.nr_objects :
				   (uint64_t)made.nr_locks + made.nr_queues);
	if (ret)
		say("buffer '%s' existed, and is left as it is", text_safe(name));
	ret = print(b, &choice, ret);
	shmbuf_close(b);
	return ret;
}

const struct command create_command = {
	"create", "make a buffer that stays", help, buffer_columns, run,
};
