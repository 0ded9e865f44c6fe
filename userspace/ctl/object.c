// SPDX-License-Identifier: MIT
/*
 * Sync objects get a kind, and lose it: also the way back from a lock that was given up.
 */
#include <errno.h>
#include <shmbuf.h>
#include <string.h>

#include "command.h"
#include "fail.h"
#include "number.h"
#include "target.h"
#include "text.h"

static const char init_help[] =
"Usage: shmbufctl init [OPTION]... BUFFER INDEX KIND [VALUE]\n"
"Makes an object that has no kind a KIND: lock; queue; semaphore, with VALUE units [0];\n"
"barrier, for VALUE parties.\n"
"\n"
"  -c, --objects N   N objects from INDEX on [1], all or none\n";

static const char reset_help[] =
"Usage: shmbufctl reset [OPTION]... BUFFER INDEX\n"
"Takes the kind from an object that nobody alive uses. Then shmbufctl init makes it new:\n"
"the way back from a lock that was given up, or a barrier that broke. Repair the data first.\n"
"\n"
"  -c, --objects N   N objects from INDEX on [1], all or none\n";

static const struct option options[] = {
	HELP_OPTIONS, BUFFER_OPTIONS,
	{ "objects", required_argument, NULL, 'c' },
	{},
};

static uint32_t options_count(const struct command *command, int argc, char **argv)
{
	uint32_t count = 1;

	while (next_option(command, argc, argv, ":c:" HELP_LETTERS BUFFER_LETTERS, options) != -1)
		count = number("--objects", optarg, 1, UINT32_MAX);
	return count;
}

static uint64_t value_of(const char *kind, unsigned int *number_of_kind, const char *value)
{
	uint64_t given;

	if (!strcmp(kind, "lock") || !strcmp(kind, "queue")) {
		*number_of_kind = *kind == 'l' ? SHMBUF_KIND_LOCK : SHMBUF_KIND_QUEUE;
		if (value)
			usage_error("a %s has no value", kind);
		return 0;
	}
	if (!strcmp(kind, "semaphore")) {
		*number_of_kind = SHMBUF_KIND_SEMAPHORE;
		given = value ? number("the units", value, 0, SHMBUF_SEM_MAX) : 0;
		return SHMBUF_SEM_VALUE(given, 0);
	}
	if (strcmp(kind, "barrier"))
		usage_error("a kind is lock, queue, semaphore or barrier, not '%s'",
			    text_safe(kind));
	*number_of_kind = SHMBUF_KIND_BARRIER;
	if (!value)
		usage_error("for how many parties is the barrier?");
	return number("the parties", value, 1, SHMBUF_BARRIER_MAX);
}

static int fail_range(int ret, const char *name, uint32_t first, uint32_t count, bool resets)
{
	const char *shown = text_safe(name);

	if (ret == -EINVAL)
		return fail(CTL_ABSENT,
			    "buffer '%s', %u objects from %u on: they aren't all there%s: shmbufctl show says what is",
			    shown, count, first, resets ? ", with a kind" : "");
	if (ret == -EEXIST)
		return fail(CTL_FAILED,
			    "buffer '%s', %u objects from %u on: one has a kind already: shmbufctl reset takes it",
			    shown, count, first);
	return fail_err(ret, "buffer '%s', %u objects from %u on", shown, count, first);
}

static int run_init(int argc, char **argv)
{
	uint32_t count = options_count(&init_command, argc, argv), index;
	struct target target;
	unsigned int kind;
	uint64_t value;
	int ret;

	expect_operands(argc - optind, 3, 4, "shmbufctl init BUFFER INDEX KIND [VALUE]");
	index = target_index(argv[optind + 1], false);
	value = value_of(argv[optind + 2], &kind, argv[optind + 3]);
	ret = target_open(&target, argv[optind], TARGET_WRITE);
	if (ret)
		return ret;
	ret = shmbuf_init(target.b, index, count, kind, value);
	if (ret < 0)
		ret = fail_range(ret, target.name, index, count, false);
	shmbuf_close(target.b);
	return ret;
}

static int run_reset(int argc, char **argv)
{
	uint32_t count = options_count(&reset_command, argc, argv), index;
	struct target target;
	int ret;

	expect_operands(argc - optind, 2, 2, "shmbufctl reset BUFFER INDEX");
	index = target_index(argv[optind + 1], false);
	ret = target_open(&target, argv[optind], TARGET_WRITE);
	if (ret)
		return ret;
	ret = shmbuf_reset(target.b, index, count);
	if (ret < 0)
		ret = fail_range(ret, target.name, index, count, true);
	shmbuf_close(target.b);
	return ret;
}

const struct command init_command = {
	"init", "give sync objects a kind", init_help, NULL, run_init,
};

const struct command reset_command = {
	"reset", "take the kind from idle sync objects", reset_help, NULL, run_reset,
};
