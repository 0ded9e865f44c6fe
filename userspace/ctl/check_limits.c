// SPDX-License-Identifier: MIT
/*
 * How near this user is to what the module allows.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buffer.h"
#include "text.h"

/**
 * struct used - of this user, in this IPC namespace, as far as it can be seen
 */
struct used {
	uint64_t total_bytes;
	uint64_t bytes;
	uint64_t buffers;
	uint64_t objects;
};

static void add(struct used *used, const struct shmbuf_stats *stats)
{
	used->total_bytes += stats->data_size;
	if (stats->uid != geteuid())
		return;
	used->bytes += stats->data_size;
	used->buffers++;
	used->objects += stats->nr_objects;
}

static void check_limit(struct checks *checks, const char *parameter, const char *what,
			uint64_t used, uint64_t limit, bool bytes)
{
	char have[32], most[32];
	struct check *check;
	/* A tenth is left, or less. */
	bool near = used >= limit - limit / 10;

	if (bytes) {
		text_bytes(have, sizeof(have), used, false);
		text_bytes(most, sizeof(most), limit, false);
	} else {
		snprintf(have, sizeof(have), "%llu", (unsigned long long)used);
		snprintf(most, sizeof(most), "%llu", (unsigned long long)limit);
	}
	check = check_add(checks, "limit", near ? VERDICT_CARE : VERDICT_GOOD,
			  "%s: %s of %s", what, have, most);
	if (near)
		check_advise(check,
			     "remove buffers that nobody needs (shmbufctl list), or raise it: /sys/module/shmbuf/parameters/%s, and for every boot 'options shmbuf %s=N' in /etc/modprobe.d",
			     parameter, parameter);
}

/* Whose they are only the kernel knows, and it tells of all together. */
static void check_users(struct checks *checks, const char *file, const char *parameter,
			const char *what, uint64_t limit)
{
	char path[64], line[32];

	snprintf(path, sizeof(path), "/sys/class/misc/shmbuf/%s", file);
	if (read_line(path, line, sizeof(line)))
		check_limit(checks, parameter, what, strtoull(line, NULL, 10), limit, false);
}

void check_limits(struct checks *checks)
{
	struct shmbuf_listing *buffers;
	struct shmbuf_info info;
	struct used used = {};
	int nr;

	if (shmbuf_query(NULL, &info))
		return;
	nr = all_buffers(&buffers);
	if (nr < 0)
		return;
	for (int i = 0; i < nr; i++)
		add(&used, &buffers[i].stats);
	free(buffers);
	check_limit(checks, "max_total_bytes", "bytes of all users (of this IPC namespace)",
		    used.total_bytes, info.limit_total_bytes, true);
	check_limit(checks, "max_user_bytes", "bytes of your buffers", used.bytes,
		    info.limit_user_bytes, true);
	check_limit(checks, "max_user_buffers", "your buffers", used.buffers,
		    info.limit_user_buffers, false);
	check_limit(checks, "max_user_objects", "sync objects of your buffers", used.objects,
		    info.limit_user_objects, false);
	check_users(checks, "owners", "max_user_owners",
		    "owner ids of all users, where each may have so many", info.limit_user_owners);
	check_users(checks, "waiters", "max_user_waiters",
		    "threads of all users that wait, where each may have so many",
		    info.limit_user_waiters);
}
