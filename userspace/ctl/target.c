// SPDX-License-Identifier: MIT
#include "target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "fail.h"
#include "number.h"

bool target_is_name;

static int open_name(struct target *target, const char *name, enum target_use use)
{
	int ret;

	ret = shmbuf_open(&target->b, name, use == TARGET_READ ? SHMBUF_RDONLY : 0);
	if (use == TARGET_EITHER && (ret == -EACCES || ret == -EPERM))
		ret = shmbuf_open(&target->b, name, SHMBUF_RDONLY);
	return ret;
}

static uint64_t id_of(struct shmbuf *b)
{
	struct shmbuf_info info;

	return shmbuf_query(b, &info) ? 0 : info.buffer_id;
}

static int open_borrowed(struct target *target, uint64_t id)
{
	int pid = 0, fd, ret;

	fd = borrow(id, &pid);
	if (fd == -ENOENT && !geteuid())
		return fail(CTL_FAILED,
			    "buffer %llu has no name, and no process that is seen here has it open: it is mapped only, or open in another PID namespace or container",
			    (unsigned long long)id);
	if (fd == -ENOENT)
		return fail(CTL_DENIED,
			    "buffer %llu has no name, and no process into which you may look has it open: try as root",
			    (unsigned long long)id);
	if (fd == -EPERM)
		return fail(CTL_DENIED,
			    "buffer %llu has no name; process %d has it open, but you may not take its descriptor: try as root",
			    (unsigned long long)id, pid);
	if (fd < 0)
		return fail(CTL_FAILED,
			    "buffer %llu has no name, and process %d's descriptor couldn't be had: %s",
			    (unsigned long long)id, pid, strerror(-fd));
	ret = shmbuf_from_fd(&target->b, fd);
	close(fd);
	target->borrowed = true;
	if (ret == -ENOTTY || (!ret && id_of(target->b) != id)) {
		if (!ret)
			shmbuf_close(target->b);
		return fail(CTL_FAILED,
			    "process %d has just closed buffer %" PRIu64 ": try again", pid, id);
	}
	return ret < 0 ? fail_err(ret, "buffer %" PRIu64, id) : 0;
}

static int open_id(struct target *target, uint64_t id, enum target_use use)
{
	struct shmbuf_listing listing;
	int ret = buffer_by_id(id, &listing);

	if (ret == -ENOENT)
		return fail(CTL_ABSENT, "there is no buffer of id %" PRIu64
			    " in this IPC namespace: see shmbufctl list", id);
	if (ret < 0)
		return fail_err(ret, "buffer %" PRIu64, id);
	if (!*listing.name)
		return open_borrowed(target, id);
	ret = open_name(target, listing.name, use);
	if (ret < 0)
		return fail_buffer(ret, listing.name);
	if (id_of(target->b) == id)
		return 0;
	shmbuf_close(target->b);
	return fail(CTL_ABSENT, "buffer %" PRIu64 " has just gone, another has its name", id);
}

int target_open(struct target *target, const char *operand, enum target_use use)
{
	uint64_t id;
	char *end;
	int ret;

	*target = (struct target) { .name = operand };
	if (!target_is_name && *operand && !operand[strspn(operand, "0123456789")]) {
		errno = 0;
		id = strtoull(operand, &end, 10);
		if (errno)
			return fail(CTL_ABSENT, "there is no buffer of id %s: see shmbufctl list",
				    operand);
		return open_id(target, id, use);
	}
	ret = open_name(target, operand, use);
	return ret < 0 ? fail_buffer(ret, operand) : 0;
}

uint32_t target_index(const char *text, bool deaths)
{
	if (deaths && !strcmp(text, "deaths"))
		return SHMBUF_INDEX_DEATHS;
	return number(deaths ? "the index ('deaths', or a number)" : "the index", text, 0,
		      SHMBUF_INDEX_DEATHS - 1);
}
