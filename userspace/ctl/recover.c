// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "death.h"
#include "fail.h"
#include "json.h"
#include "number.h"
#include "object_row.h"
#include "output.h"
#include "target.h"
#include "text.h"

static const char help[] =
"Usage: shmbufctl recover [OPTION]... BUFFER INDEX\n"
"Says who holds a lock, and since when. With --force takes the lock from him, as if he had\n"
"died: for a program that hangs and mustn't be killed.\n"
"\n"
"  -f, --force       take it away. Who holds it isn't asked and isn't told before he\n"
"                    unlocks (EPERM): he may be in the midst of a change, and go on with\n"
"                    it beside the next holder. The next one to take the lock gets\n"
"                    EOWNERDEAD, and must repair the data. Better kill him, if you may.\n"
"                    For the buffer's owner, and for root\n"
"  -i, --owner ID    with --force: only from the owner of that id, as --json tells it\n";

static const struct option options[] = {
	JSON_OPTIONS, BUFFER_OPTIONS,
	{ "force", no_argument, NULL, 'f' },
	{ "owner", required_argument, NULL, 'i' },
	{},
};

static void print_holder(const char *name, uint32_t index, const struct shmbuf_owner_info *info)
{
	char *shown = text_safe(name), who[128], since[32], death[DEATH_TEXT];
	bool dead = info->state & SHMBUF_OWNER_INCONSISTENT;

	process_text(who, sizeof(who), info->pid, info->tid, info->comm);
	text_ns(since, sizeof(since), age_ns(info->since));
	if (info->state & SHMBUF_OWNER_HELD)
		printf("buffer '%s', lock %u is held by %s for %s%s, %u wait\n", shown, index, who,
		       since, info->state & SHMBUF_OWNER_SINCE_BOUND ? " or longer" : "",
		       info->nr_waiters);
	else if (info->state & SHMBUF_OWNER_SHARED)
		printf("buffer '%s', lock %u is held by %u readers, one of them %s\n", shown, index,
		       info->nr_readers, who);
	else if (info->state & SHMBUF_OWNER_NOTRECOVERABLE)
		printf("buffer '%s', lock %u was given up: shmbufctl reset and init make it new\n",
		       shown, index);
	else
		printf("buffer '%s', lock %u is held by nobody%s\n", shown, index,
		       dead ? "; the next one to take it is told that its holder died" : "");
	if (dead && (info->state & SHMBUF_OWNER_DEAD)) {
		death_text(death, sizeof(death), &info->death);
		printf("its last holder that died: %s\n", death);
	}
	free(shown);
}

static void json_holder(struct object_row *row, bool taken)
{
	struct choice choice;

	choose_columns(&choice, object_columns);
	json_open(NULL, '{');
	json_bool("taken", taken);
	json_open("lock", '{');
	print_members(&choice, row);
	json_close();
	json_close();
}

static int take_away(struct target *target, uint32_t index, const struct shmbuf_owner_info *info,
		     uint64_t owner)
{
	char *name = text_safe(target->name), who[128];
	int ret;

	process_text(who, sizeof(who), info->pid, info->tid, info->comm);
	if (!(info->state & SHMBUF_OWNER_HELD))
		ret = fail(CTL_FAILED,
			   "nobody holds lock %u of '%s' exclusively: nothing to take away",
			   index, name);
	else if (owner && owner != info->owner)
		ret = fail(CTL_FAILED,
			   "lock %u of '%s' is held by owner %llu now: nothing is taken away",
			   index, name, (unsigned long long)info->owner);
	else
		ret = shmbuf_recover(target->b, index, info->owner);
	if (!ret)
		say("lock %u of '%s' was taken from %s, who may still be changing the data;"
		    " the next one to take it gets EOWNERDEAD and must repair it",
		    index, name, who);
	else if (ret == -EPERM)
		ret = fail(CTL_DENIED,
			   "a lock of '%s' can be taken away by the buffer's owner and by root only",
			   name);
	else if (ret == -ESRCH)
		ret = fail(CTL_FAILED,
			   "%s has just released lock %u of '%s': nothing is taken away",
			   who, index, name);
	else if (ret < 0)
		ret = fail_object(ret, target->name, index, "lock");
	free(name);
	return ret;
}

static int recover(struct target *target, uint32_t index, bool force, uint64_t owner)
{
	struct shmbuf_waiter_info waiter;
	struct shmbuf_owner_info info;
	struct object_row row = { .info = &info, .waiters = &waiter };
	int ret = shmbuf_owner_info(target->b, index, &info, &waiter, 1);

	/* The counts of contentions; what else may have changed is as above. */
	if (!ret)
		ret = shmbuf_objects(target->b, index, &row.object, 1);
	if (!ret || (ret > 0 && row.object.index != index))
		ret = -EINVAL;
	if (ret < 0)
		return fail_object(ret, target->name, index, "lock");
	row.object.state = info.state;
	row.object.owner = info.state & SHMBUF_OWNER_HELD ? info.owner : 0;
	row.object.value = info.nr_readers;
	row.object.nr_waiters = info.nr_waiters;
	row.nr_waiters = info.nr_waiters ? 1 : 0;
	ret = 0;
	if (force)
		ret = take_away(target, index, &info, owner);
	if (output.json)
		json_holder(&row, force && !ret);
	else if (!force)
		print_holder(target->name, index, &info);
	return ret;
}

static int run(int argc, char **argv)
{
	struct target target;
	uint64_t owner = 0;
	bool force = false;
	uint32_t index;
	int c, ret;

	while ((c = next_option(&recover_command, argc, argv, ":fi:" JSON_LETTERS BUFFER_LETTERS,
				options)) != -1) {
		if (c == 'i')
			owner = number("the owner id", optarg, 1, SHMBUF_OWNER_MASK);
		else
			force = true;
	}
	expect_operands(argc - optind, 2, 2, "shmbufctl recover [OPTION]... BUFFER INDEX");
	if (owner && !force)
		usage_error("--owner is for --force");
	index = target_index(argv[optind + 1], false);
	ret = target_open(&target, argv[optind], force ? TARGET_WRITE : TARGET_READ);
	if (ret)
		return ret;
	ret = recover(&target, index, force, owner);
	shmbuf_close(target.b);
	return ret;
}

const struct command recover_command = {
	"recover", "who holds a lock; take it from who hangs", help, NULL, run,
};
