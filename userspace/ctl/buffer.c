// SPDX-License-Identifier: MIT
#include "buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "who.h"

static const struct shmbuf_stats *stats_of(const void *row)
{
	return &((const struct shmbuf_listing *)row)->stats;
}

static const char *name_of(const void *row)
{
	return ((const struct shmbuf_listing *)row)->name;
}

#define NUMBER(field, how) \
static struct value get_##field(const void *row) { return how(stats_of(row)->field); }
#define COUNT(field, tone) \
static struct value get_##field(const void *row) { return value_count(stats_of(row)->field, tone); }

NUMBER(buffer_id, value_number)
NUMBER(data_size, value_bytes)
NUMBER(max_size, value_bytes)
NUMBER(resident, value_bytes)
NUMBER(joined, value_number)
NUMBER(owners, value_number)
NUMBER(held, value_number)
NUMBER(shared, value_number)
NUMBER(nr_objects, value_number)
NUMBER(contentions, value_number)
NUMBER(waited, value_ns)
NUMBER(uid, value_number)
NUMBER(gid, value_number)
COUNT(waiters, TONE_CARE)
COUNT(deaths, TONE_CARE)
COUNT(inconsistent, TONE_BAD)
COUNT(notrecoverable, TONE_BAD)

static struct value get_name(const void *row)
{
	return value_text(name_of(row));
}

static struct value get_name_hex(const void *row)
{
	const char *name = name_of(row);
	static char hex[2 * SHMBUF_NAME_MAX + 1];

	if (text_is_utf8(name))
		return value_text(NULL);
	for (size_t i = 0; name[i]; i++)
		sprintf(hex + 2 * i, "%02x", (unsigned char)name[i]);
	return value_text(hex);
}

static struct value get_owner(const void *row)
{
	return value_text(user_name(stats_of(row)->uid));
}

static struct value get_group(const void *row)
{
	return value_text(group_name(stats_of(row)->gid));
}

static struct value get_mode(const void *row)
{
	struct value value = { .kind = VALUE_TEXT };

	snprintf(value.own, sizeof(value.own), "%04o", stats_of(row)->mode);
	return value;
}

static struct value get_creator(const void *row)
{
	return value_text(stats_of(row)->creator);
}

static struct value get_creator_pid(const void *row)
{
	return value_some(value_number(stats_of(row)->creator_pid));
}

static struct value get_age(const void *row)
{
	return value_ns(age_ns(stats_of(row)->created));
}

static void add_part(char *text, size_t room, uint32_t nr, const char *what)
{
	size_t used = strlen(text);

	if (nr)
		snprintf(text + used, room - used, "%s%u %s", used ? ", " : "", nr, what);
}

/* What the locks are, where it isn't just that they are free. */
static struct value get_locks(const void *row)
{
	const struct shmbuf_stats *stats = stats_of(row);
	struct value value = { .kind = VALUE_TEXT };

	add_part(value.own, sizeof(value.own), stats->held, "held");
	add_part(value.own, sizeof(value.own), stats->shared, "read");
	add_part(value.own, sizeof(value.own), stats->inconsistent, "dead");
	add_part(value.own, sizeof(value.own), stats->notrecoverable, "given up");
	if (stats->inconsistent || stats->notrecoverable)
		value.tone = TONE_BAD;
	if (!*value.own)
		value.kind = VALUE_NONE;
	return value;
}

struct bit {
	uint32_t bit;
	const char *name;
};

static struct value value_bits(uint32_t bits, const struct bit *names)
{
	struct value value = { .kind = VALUE_NONE };
	size_t used = 0;

	for (; names->bit && used < sizeof(value.own); names++) {
		if (!(bits & names->bit))
			continue;
		value.kind = VALUE_TEXT;
		used += snprintf(value.own + used, sizeof(value.own) - used, "%s%s",
				 used ? "," : "", names->name);
	}
	return value;
}

static struct value get_flags(const void *row)
{
	static const struct bit names[] = {
		{ SHMBUF_PERSIST, "persist" }, { SHMBUF_PREALLOC, "prealloc" },
		{ SHMBUF_HUGE, "huge" }, {},
	};

	return value_bits(stats_of(row)->create_flags, names);
}

static struct value get_seals(const void *row)
{
	static const struct bit names[] = {
		{ SHMBUF_SEAL_GROW, "grow" }, { SHMBUF_SEAL_WRITERS, "writers" },
		{ SHMBUF_SEAL_EXEC, "exec" }, {},
	};

	return value_bits(stats_of(row)->seals, names);
}

const struct column buffer_columns[] = {
	{ "ID", "id", "number that is not used again while the module is loaded", get_buffer_id,
	  SHOWN | RIGHT },
	{ "NAME", "name", "none for an anonymous or unlinked buffer", get_name, SHOWN },
	{ "SIZE", "size", "bytes of the data area", get_data_size, SHOWN | RIGHT },
	{ "RESIDENT", "resident", "bytes of it that are in memory", get_resident, SHOWN | RIGHT },
	{ "OWNER", "owner", "its user", get_owner, SHOWN },
	{ "MODE", "mode", "permission bits", get_mode, SHOWN },
	{ "CREATOR", "creator", "process that made it", get_creator, SHOWN },
	{ "JOINED", "joined", "processes whose death others hear of", get_joined, SHOWN | RIGHT },
	{ "LOCKS", "locks", "locks that aren't free", get_locks, SHOWN },
	{ "DEATHS", "deaths", "owners that died", get_deaths, SHOWN | RIGHT },
	{ "WAITERS", "waiters", "threads that wait", get_waiters, RIGHT },
	{ "CONTENTIONS", "contentions", "how often somebody slept for a lock", get_contentions,
	  RIGHT },
	{ "WAITED", "waited_ns", "how long these slept, together", get_waited, RIGHT },
	{ "MAX", "max_size", "bytes up to which it can grow", get_max_size, RIGHT },
	{ "OBJECTS", "objects", "size of its table of sync objects", get_nr_objects, RIGHT },
	{ "OWNERS", "owners", "owner ids: threads that use its locks", get_owners, RIGHT },
	{ "HELD", "held", "locks that are held exclusively", get_held, RIGHT },
	{ "SHARED", "shared", "locks that are held by readers", get_shared, RIGHT },
	{ "DEAD", "dead", "locks whose holder died, and nobody repaired the data since",
	  get_inconsistent, RIGHT },
	{ "GIVENUP", "given_up", "locks that nobody can take before they are reset",
	  get_notrecoverable, RIGHT },
	{ "UID", "uid", "its user's number", get_uid, RIGHT },
	{ "GROUP", "group", "its group", get_group, 0 },
	{ "GID", "gid", "its group's number", get_gid, RIGHT },
	{ "PID", "creator_pid", "of the process that made it", get_creator_pid, RIGHT },
	{ "AGE", "age_ns", "since when there is the buffer", get_age, RIGHT },
	{ "FLAGS", "flags", "persist, prealloc, huge", get_flags, 0 },
	{ "SEALS", "seals", "grow, writers, exec", get_seals, 0 },
	{ "NAMEHEX", "name_hex", "the name's bytes, where they are no UTF-8", get_name_hex, 0 },
	{},
};

int all_buffers(struct shmbuf_listing **out)
{
	struct shmbuf_listing *all = NULL, *more;
	size_t nr = 0;
	int ret;

	do {
		more = realloc(all, (nr + SHMBUF_LIST_MAX) * sizeof(*all));
		if (!more) {
			free(all);
			return -ENOMEM;
		}
		all = more;
		ret = shmbuf_list(all + nr, SHMBUF_LIST_MAX, nr ? all[nr - 1].stats.buffer_id : 0);
		if (ret < 0) {
			free(all);
			return ret;
		}
		nr += ret;
	} while (ret);
	*out = all;
	return nr;
}

int buffer_by_id(uint64_t id, struct shmbuf_listing *out)
{
	int ret = id ? shmbuf_list(out, 1, id - 1) : 0;

	if (ret < 0)
		return ret;
	return ret && out->stats.buffer_id == id ? 0 : -ENOENT;
}

int buffer_of(struct shmbuf *b, struct shmbuf_listing *out)
{
	struct shmbuf_info info;
	int ret = shmbuf_stats(b, &out->stats);

	if (!ret)
		ret = shmbuf_query(b, &info);
	if (!ret)
		memcpy(out->name, info.name, sizeof(out->name));
	return ret;
}
