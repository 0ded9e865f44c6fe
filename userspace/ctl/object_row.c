// SPDX-License-Identifier: MIT
#include "object_row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "death.h"
#include "text.h"

static const struct shmbuf_object *object_of(const void *row)
{
	return &((const struct object_row *)row)->object;
}

static const struct shmbuf_owner_info *info_of(const void *row)
{
	return ((const struct object_row *)row)->info;
}

static bool is_lock(const void *row)
{
	return object_of(row)->kind == SHMBUF_KIND_LOCK;
}

static bool is_held(const void *row)
{
	return info_of(row) && info_of(row)->owner;
}

static struct value none(void)
{
	return (struct value) { .kind = VALUE_NONE };
}

static struct value get_index(const void *row)
{
	return value_number(object_of(row)->index);
}

static struct value get_kind(const void *row)
{
	static const char *const kinds[] = {
		[SHMBUF_KIND_LOCK] = "lock", [SHMBUF_KIND_QUEUE] = "queue",
		[SHMBUF_KIND_SEMAPHORE] = "semaphore", [SHMBUF_KIND_BARRIER] = "barrier",
	};
	uint32_t kind = object_of(row)->kind;

	return value_text(kind < sizeof(kinds) / sizeof(*kinds) && kinds[kind] ? kinds[kind] : "?");
}

static struct value toned(const char *text, enum tone tone)
{
	struct value value = value_text(text);

	value.tone = tone;
	return value;
}

static struct value get_state(const void *row)
{
	uint32_t state = object_of(row)->state;

	if (state & SHMBUF_OWNER_NOTRECOVERABLE)
		return toned(is_lock(row) ? "given up" : "broken", TONE_BAD);
	if (!is_lock(row))
		return none();
	if (state & SHMBUF_OWNER_HELD)
		return state & SHMBUF_OWNER_INCONSISTENT ? toned("repairing", TONE_CARE) :
							   value_text("held");
	if (state & SHMBUF_OWNER_INCONSISTENT)
		return toned("dead", TONE_BAD);
	return value_text(state & SHMBUF_OWNER_SHARED ? "read" : "free");
}

static struct value get_value(const void *row)
{
	return is_lock(row) ? none() : value_number(object_of(row)->value);
}

static struct value get_most(const void *row)
{
	uint32_t kind = object_of(row)->kind;

	if (kind != SHMBUF_KIND_SEMAPHORE && kind != SHMBUF_KIND_BARRIER)
		return none();
	return value_number(object_of(row)->most);
}

static struct value get_readers(const void *row)
{
	return is_lock(row) ? value_number(object_of(row)->value) : none();
}

static struct value get_pid(const void *row)
{
	return is_held(row) ? value_some(value_number(info_of(row)->pid)) : none();
}

static struct value get_tid(const void *row)
{
	return is_held(row) ? value_some(value_number(info_of(row)->tid)) : none();
}

static struct value get_comm(const void *row)
{
	return is_held(row) ? value_text(info_of(row)->comm) : none();
}

static struct value get_owner(const void *row)
{
	return value_some(value_number(object_of(row)->owner));
}

static struct value get_held(const void *row)
{
	struct value value;

	if (!is_held(row))
		return none();
	value = value_ns(age_ns(info_of(row)->since));
	value.least = info_of(row)->state & SHMBUF_OWNER_SINCE_BOUND;
	return value;
}

static struct value get_bound(const void *row)
{
	if (!is_held(row))
		return none();
	return value_text(info_of(row)->state & SHMBUF_OWNER_SINCE_BOUND ? "yes" : "no");
}

static struct value get_nr_waiters(const void *row)
{
	return value_count(object_of(row)->nr_waiters, TONE_CARE);
}

static struct value get_waiting(const void *row)
{
	const struct object_row *object = row;

	return object->nr_waiters ? value_ns(age_ns(object->waiters->since)) : none();
}

static struct value get_contentions(const void *row)
{
	return is_lock(row) ? value_number(object_of(row)->contentions) : none();
}

static struct value get_waited(const void *row)
{
	return is_lock(row) ? value_ns(object_of(row)->waited) : none();
}

static struct value get_longest(const void *row)
{
	return is_lock(row) ? value_ns(object_of(row)->longest) : none();
}

static struct value get_died(const void *row)
{
	const struct shmbuf_owner_info *info = info_of(row);
	static char text[DEATH_TEXT];

	if (!info || !(info->state & SHMBUF_OWNER_DEAD))
		return none();
	death_text(text, sizeof(text), &info->death);
	return value_text(text);
}

const struct column object_columns[] = {
	{ "INDEX", "index", "in the buffer's table", get_index, SHOWN | RIGHT },
	{ "KIND", "kind", "lock, queue, semaphore, barrier", get_kind, SHOWN },
	{ "STATE", "state", "free, held, read, dead, repairing, given up; broken", get_state,
	  SHOWN },
	{ "VALUE", "value", "a queue's sequence, a semaphore's units, a barrier's parties",
	  get_value, SHOWN | RIGHT },
	{ "PID", "pid", "of who holds the lock, or of one who reads", get_pid, SHOWN | RIGHT },
	{ "COMM", "comm", "his process's name", get_comm, SHOWN },
	{ "HELD", "held_ns", "for how long; >: or longer, as nobody asked before", get_held,
	  SHOWN | RIGHT },
	{ "WAITERS", "nr_waiters", "threads that wait for it", get_nr_waiters, SHOWN | RIGHT },
	{ "WAITING", "waiting_ns", "how long the first of them has", get_waiting, SHOWN | RIGHT },
	{ "CONTENTIONS", "contentions", "how often somebody slept for the lock", get_contentions,
	  SHOWN | RIGHT },
	{ "WAITED", "waited_ns", "how long these slept, together", get_waited, SHOWN | RIGHT },
	{ "LONGEST", "longest_ns", "how long the longest of these slept", get_longest, RIGHT },
	{ "MOST", "most", "what a semaphore counts to, how many have arrived at a barrier",
	  get_most, RIGHT },
	{ "READERS", "readers", "owners that read under the lock", get_readers, RIGHT },
	{ "TID", "tid", "of that thread", get_tid, RIGHT },
	{ "OWNER", "owner", "id of who holds it exclusively", get_owner, RIGHT },
	{ "BOUND", "since_bound", "HELD is a lower bound: yes, no", get_bound, 0 },
	{ "DIED", "died", "who last died with the lock", get_died, 0 },
	{},
};

static const struct shmbuf_waiter_info *waiter_of(const void *row)
{
	return row;
}

static struct value get_waiter_pid(const void *row)
{
	return value_some(value_number(waiter_of(row)->pid));
}

static struct value get_waiter_tid(const void *row)
{
	return value_some(value_number(waiter_of(row)->tid));
}

static struct value get_waiter_comm(const void *row)
{
	return value_text(waiter_of(row)->comm);
}

static struct value get_waiter_wants(const void *row)
{
	return value_text(waiter_of(row)->flags & SHMBUF_LOCK_SHARED ? "read" : "wait");
}

static struct value get_waiter_since(const void *row)
{
	return value_ns(age_ns(waiter_of(row)->since));
}

const struct column waiter_columns[] = {
	{ "PID", "pid", "of the process", get_waiter_pid, SHOWN | RIGHT },
	{ "TID", "tid", "of the thread", get_waiter_tid, SHOWN | RIGHT },
	{ "COMM", "comm", "the thread's name", get_waiter_comm, SHOWN },
	{ "WANTS", "wants", "read: as a reader; wait: else", get_waiter_wants, SHOWN },
	{ "WAITING", "waiting_ns", "for how long", get_waiter_since, SHOWN | RIGHT },
	{},
};

static int get_info(struct object_row *row, struct shmbuf *b)
{
	row->info = malloc(sizeof(*row->info));
	if (!row->info)
		return -ENOMEM;
	return shmbuf_owner_info(b, row->object.index, row->info, NULL, 0);
}

static int get_waiters(struct object_row *row, struct shmbuf *b)
{
	uint32_t room = row->object.nr_waiters;
	int ret;

	if (room > SHMBUF_WAITERS_MAX)
		room = SHMBUF_WAITERS_MAX;
	row->waiters = calloc(room, sizeof(*row->waiters));
	if (!row->waiters)
		return -ENOMEM;
	ret = shmbuf_waiters(b, row->object.index, row->waiters, room);
	if (ret > 0)
		row->nr_waiters = (uint32_t)ret < room ? (uint32_t)ret : room;
	return ret < 0 ? ret : 0;
}

/* The object may have been reset meanwhile. */
static int complete(struct object_row *row, struct shmbuf *b)
{
	uint32_t state = row->object.state;
	int ret = 0;

	if (state && is_lock(row))
		ret = get_info(row, b);
	if (ret == -EINVAL) {
		free(row->info);
		row->info = NULL;
	}
	if ((!ret || ret == -EINVAL) && row->object.nr_waiters)
		ret = get_waiters(row, b);
	return ret == -EINVAL ? 0 : ret;
}

static int add(struct object_rows *out, const struct shmbuf_object *object, struct shmbuf *b)
{
	struct object_row *rows = out->rows;

	/* Room is doubled whenever their number is a power of two. */
	if (!(out->nr & (out->nr - 1))) {
		rows = reallocarray(rows, out->nr ? 2 * out->nr : 1, sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		out->rows = rows;
	}
	rows[out->nr] = (struct object_row) { .object = *object };
	return complete(&rows[out->nr++], b);
}

int object_rows_get(struct object_rows *out, struct shmbuf *b, bool busy)
{
	static struct shmbuf_object objects[SHMBUF_OBJECTS_MAX];
	uint32_t first = 0;
	int nr, ret;

	*out = (struct object_rows) {};
	while ((nr = shmbuf_objects(b, first, objects, SHMBUF_OBJECTS_MAX)) > 0) {
		for (int i = 0; i < nr; i++) {
			if (busy && !objects[i].state && !objects[i].nr_waiters)
				continue;
			ret = add(out, &objects[i], b);
			if (ret)
				return ret;
		}
		first = objects[nr - 1].index + 1;
	}
	return nr;
}

void object_rows_free(struct object_rows *rows)
{
	for (size_t i = 0; i < rows->nr; i++) {
		free(rows->rows[i].info);
		free(rows->rows[i].waiters);
	}
	free(rows->rows);
}
