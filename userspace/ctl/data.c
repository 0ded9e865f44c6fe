// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "fail.h"
#include "held.h"
#include "json.h"
#include "number.h"
#include "output.h"
#include "text.h"

static const char cat_help[] =
"Usage: shmbufctl cat [OPTION]... BUFFER\n"
"Writes a buffer's data to standard output. What nobody has written is 0, and takes memory\n"
"once it is read.\n"
"\n"
"  -s, --offset SIZE  from this byte on [0]\n"
"  -c, --count SIZE  so many bytes [all the rest]\n"
"  -l, --lock INDEX  while it holds this lock as a reader; this needs the right to write\n"
"  -t, --timeout TIME  wait for the lock for so many seconds at most; then status 6\n"
"      --consistent  if the lock's last holder died: the data is in order. Else nothing is\n"
"                    written, and the status is 7\n";

static const char write_help[] =
"Usage: shmbufctl write [OPTION]... BUFFER\n"
"Writes standard input into a buffer's data, and prints how many bytes these were. All of it\n"
"is read first: if it doesn't fit nothing is written.\n"
"\n"
"  -s, --offset SIZE  from this byte on [0]\n"
"  -c, --count SIZE  so many bytes of the input at most [all]\n"
"  -l, --lock INDEX  while it holds this lock\n"
"  -t, --timeout TIME  wait for the lock for so many seconds at most; then status 6\n"
"      --consistent  if the lock's last holder died: the data is in order. Else nothing is\n"
"                    written, and the status is 7\n";

/**
 * struct part - of a buffer's data, and under which lock
 * @count: UINT64_MAX: to the end
 * @timeout: ns from when the lock is first asked for; UINT64_MAX: for ever
 */
struct part {
	uint64_t offset;
	uint64_t count;
	bool locked;
	uint32_t lock;
	uint64_t timeout;
	struct wish wish;
};

enum { CONSISTENT = OPTION_OWN };

/* The first is for write only. */
static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' },
	HELP_OPTIONS, BUFFER_OPTIONS,
	{ "offset", required_argument, NULL, 's' },
	{ "count", required_argument, NULL, 'c' },
	{ "lock", required_argument, NULL, 'l' },
	{ "timeout", required_argument, NULL, 't' },
	{ "consistent", no_argument, NULL, CONSISTENT },
	{},
};

static void take_options(const struct command *command, int argc, char **argv, struct part *part)
{
	static const char letters[] = ":s:c:l:t:" HELP_LETTERS BUFFER_LETTERS "J";
	const struct option *own = command == &write_command ? options : options + 1;
	int c;

	*part = (struct part) { .count = UINT64_MAX, .timeout = UINT64_MAX };
	while ((c = next_option(command, argc, argv, letters, own)) != -1) {
		switch (c) {
		case 's':
			part->offset = number_bytes("--offset", optarg);
			break;
		case 'c':
			part->count = number_bytes("--count", optarg);
			break;
		case 'l':
			part->lock = target_index(optarg, false);
			part->locked = true;
			break;
		case 't':
			part->timeout = number_ns("--timeout", optarg);
			break;
		case CONSISTENT:
			part->wish.consistent = true;
			break;
		}
	}
	if (!part->locked && (part->timeout != UINT64_MAX || part->wish.consistent))
		usage_error("--timeout and --consistent are for --lock");
}

/* 0 with the lock held, if one was asked for; else the status to end with. */
static int begin(struct target *target, struct part *part)
{
	struct wish wish = part->wish;
	struct timespec deadline;
	int ret;

	if (!part->locked)
		return 0;
	if (part->timeout != UINT64_MAX) {
		deadline = deadline_in(part->timeout);
		wish.deadline = &deadline;
	}
	ret = lock_take(target, part->lock, &wish);
	if (ret == -EOWNERDEAD)
		return CTL_DIED;
	if (ret == -ETIMEDOUT)
		return fail(CTL_TIMEOUT, "buffer '%s', lock %u couldn't be had in time",
			    text_safe(target->name), part->lock);
	return ret;
}

static int end(struct target *target, struct part *part)
{
	return part->locked ? lock_give(target, part->lock) : 0;
}

/* The part of what there is: how many bytes, or an error that is said. */
static int64_t fit(struct target *target, struct part *part, uint64_t count)
{
	uint64_t size = shmbuf_size(target->b);

	if (part->offset > size || (count != UINT64_MAX && count > size - part->offset)) {
		char *name = text_safe(target->name);

		say("buffer '%s' has %" PRIu64 " bytes, which end before that", name, size);
		free(name);
		return -EINVAL;
	}
	return count == UINT64_MAX ? size - part->offset : count;
}

static int put(const char *data, uint64_t size)
{
	ssize_t done;

	for (; size; data += done, size -= done) {
		done = write(STDOUT_FILENO, data, size < INT_MAX ? size : INT_MAX);
		if (done < 0 && errno == EINTR)
			done = 0;
		if (done < 0)
			return fail(CTL_FAILED, "standard output: %s", strerror(errno));
	}
	return CTL_FINE;
}

/* A copy is made under the lock, so that nobody waits for who reads the output. */
static int put_locked(struct target *target, struct part *part)
{
	int ret = begin(target, part);
	int64_t size;
	char *copy;

	if (ret)
		return ret;
	size = fit(target, part, part->count);
	copy = size < 0 ? NULL : malloc(size ? size : 1);
	if (copy)
		memcpy(copy, (char *)shmbuf_data(target->b) + part->offset, size);
	else if (size >= 0)
		say("there is not enough memory for a copy");
	ret = end(target, part);
	if (!ret)
		ret = copy ? put(copy, size) : CTL_FAILED;
	free(copy);
	return ret;
}

static int run_cat(int argc, char **argv)
{
	struct target target;
	struct part part;
	int64_t size;
	int ret;

	take_options(&cat_command, argc, argv, &part);
	part.wish.shared = true;
	expect_operands(argc - optind, 1, 1, "shmbufctl cat [OPTION]... BUFFER");
	ret = target_open(&target, argv[optind], part.locked ? TARGET_WRITE : TARGET_READ);
	if (ret)
		return ret;
	if (part.locked) {
		ret = put_locked(&target, &part);
	} else {
		size = fit(&target, &part, part.count);
		ret = size < 0 ? CTL_FAILED :
		      put((char *)shmbuf_data(target.b) + part.offset, size);
	}
	shmbuf_close(target.b);
	return ret;
}

/* Up to @most bytes of standard input, and one more that shows that there are more. */
static char *read_all(uint64_t most, bool beyond, size_t *size)
{
	size_t room = 0, want;
	char *text = NULL, *more;
	ssize_t got;

	*size = 0;
	most += beyond;
	do {
		if (*size == room) {
			room = room ? 2 * room : 65536;
			more = realloc(text, room);
			if (!more) {
				say("there is not enough memory for the input");
				free(text);
				return NULL;
			}
			text = more;
		}
		want = room - *size < most - *size ? room - *size : most - *size;
		got = want ? read(STDIN_FILENO, text + *size, want) : 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			say("standard input: %s", strerror(errno));
			free(text);
			return NULL;
		}
		*size += got;
	} while (got);
	return text;
}

static int write_text(struct target *target, struct part *part, const char *text, size_t size)
{
	int ret;

	if (fit(target, part, size) < 0)
		return fail(CTL_FAILED, "the input doesn't fit, and nothing was written");
	ret = begin(target, part);
	if (ret)
		return ret;
	memcpy((char *)shmbuf_data(target->b) + part->offset, text, size);
	ret = end(target, part);
	if (ret)
		return ret;
	if (!output.json) {
		printf("%zu\n", size);
		return CTL_FINE;
	}
	json_open(NULL, '{');
	json_number("offset", part->offset);
	json_number("written", size);
	json_close();
	return CTL_FINE;
}

static int run_write(int argc, char **argv)
{
	struct target target;
	struct part part;
	size_t size;
	int64_t room;
	char *text;
	int ret;

	take_options(&write_command, argc, argv, &part);
	expect_operands(argc - optind, 1, 1, "shmbufctl write [OPTION]... BUFFER");
	ret = target_open(&target, argv[optind], TARGET_WRITE);
	if (ret)
		return ret;
	ret = CTL_FAILED;
	room = fit(&target, &part, UINT64_MAX);
	if (room >= 0) {
		bool counted = part.count <= (uint64_t)room;

		text = read_all(counted ? part.count : (uint64_t)room, !counted, &size);
		if (text)
			ret = write_text(&target, &part, text, size);
		free(text);
	}
	shmbuf_close(target.b);
	return ret;
}

const struct command cat_command = {
	"cat", "write a buffer's data to standard output", cat_help, NULL, run_cat,
};

const struct command write_command = {
	"write", "write standard input into a buffer's data", write_help, NULL, run_write,
};
