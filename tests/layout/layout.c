// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of the ABI's structs, for 64 and for 32 bits alike.  What stands here was
 * released: a line that fails is a break for programs that exist.  For new structs and
 * fields tests/layout/run --print says the lines.
 */
#include <stddef.h>

#include <linux/shmbuf.h>

#define STRUCT(name, size)							\
	_Static_assert(sizeof(struct shmbuf_##name) == (size),			\
		       "the size of struct shmbuf_" #name)
#define FIELD(name, field, offset, size)					\
	_Static_assert(offsetof(struct shmbuf_##name, field) == (offset) &&	\
		       sizeof(((struct shmbuf_##name *)0)->field) == (size),	\
		       "struct shmbuf_" #name "'s " #field)

STRUCT(area, 24);
FIELD(area, type, 0, 4);
FIELD(area, reserved, 4, 4);
FIELD(area, offset, 8, 8);
FIELD(area, size, 16, 8);

STRUCT(query, 176);
FIELD(query, size, 0, 4);
FIELD(query, flags, 4, 4);
FIELD(query, areas, 8, 8);
FIELD(query, nr_areas, 16, 4);
FIELD(query, name_size, 20, 4);
FIELD(query, name, 24, 8);
FIELD(query, abi_version, 32, 4);
FIELD(query, handle_flags, 36, 4);
FIELD(query, features, 40, 8);
FIELD(query, limit_total_bytes, 48, 8);
FIELD(query, limit_user_bytes, 56, 8);
FIELD(query, limit_user_buffers, 64, 8);
FIELD(query, limit_user_objects, 72, 8);
FIELD(query, limit_user_owners, 80, 8);
FIELD(query, limit_user_waiters, 88, 8);
FIELD(query, limit_user_claims, 96, 8);
FIELD(query, buffer_id, 104, 8);
FIELD(query, data_size, 112, 8);
FIELD(query, max_size, 120, 8);
FIELD(query, generation, 128, 8);
FIELD(query, nr_objects, 136, 4);
FIELD(query, layout, 140, 4);
FIELD(query, object_offset, 144, 4);
FIELD(query, object_stride, 148, 4);
FIELD(query, mode, 152, 4);
FIELD(query, uid, 156, 4);
FIELD(query, gid, 160, 4);
FIELD(query, seals, 164, 4);
FIELD(query, create_flags, 168, 4);
FIELD(query, reserved, 172, 4);

STRUCT(range, 24);
FIELD(range, first, 0, 4);
FIELD(range, count, 4, 4);
FIELD(range, kind, 8, 4);
FIELD(range, reserved, 12, 4);
FIELD(range, value, 16, 8);

STRUCT(create, 64);
FIELD(create, size, 0, 4);
FIELD(create, flags, 4, 4);
FIELD(create, name, 8, 8);
FIELD(create, name_len, 16, 4);
FIELD(create, mode, 20, 4);
FIELD(create, data_size, 24, 8);
FIELD(create, max_size, 32, 8);
FIELD(create, nr_objects, 40, 4);
FIELD(create, layout, 44, 4);
FIELD(create, ranges, 48, 8);
FIELD(create, nr_ranges, 56, 4);
FIELD(create, reserved, 60, 4);

STRUCT(name, 24);
FIELD(name, size, 0, 4);
FIELD(name, flags, 4, 4);
FIELD(name, name, 8, 8);
FIELD(name, name_len, 16, 4);
FIELD(name, reserved, 20, 4);

STRUCT(init, 32);
FIELD(init, size, 0, 4);
FIELD(init, flags, 4, 4);
FIELD(init, range, 8, 24);

STRUCT(grow, 16);
FIELD(grow, size, 0, 4);
FIELD(grow, flags, 4, 4);
FIELD(grow, data_size, 8, 8);

STRUCT(seal, 16);
FIELD(seal, size, 0, 4);
FIELD(seal, flags, 4, 4);
FIELD(seal, seals, 8, 4);
FIELD(seal, reserved, 12, 4);

STRUCT(register, 16);
FIELD(register, size, 0, 4);
FIELD(register, flags, 4, 4);
FIELD(register, owner, 8, 8);

STRUCT(lock, 32);
FIELD(lock, size, 0, 4);
FIELD(lock, flags, 4, 4);
FIELD(lock, owner, 8, 8);
FIELD(lock, index, 16, 4);
FIELD(lock, reserved, 20, 4);
FIELD(lock, deadline, 24, 8);

STRUCT(wait, 48);
FIELD(wait, size, 0, 4);
FIELD(wait, flags, 4, 4);
FIELD(wait, index, 8, 4);
FIELD(wait, lock, 12, 4);
FIELD(wait, sequence, 16, 8);
FIELD(wait, deadline, 24, 8);
FIELD(wait, owner, 32, 8);
FIELD(wait, deaths, 40, 8);

STRUCT(wake, 16);
FIELD(wake, size, 0, 4);
FIELD(wake, flags, 4, 4);
FIELD(wake, index, 8, 4);
FIELD(wake, count, 12, 4);

STRUCT(wait_item, 32);
FIELD(wait_item, fd, 0, 4);
FIELD(wait_item, index, 4, 4);
FIELD(wait_item, kind, 8, 4);
FIELD(wait_item, flags, 12, 4);
FIELD(wait_item, owner, 16, 8);
FIELD(wait_item, sequence, 24, 8);

STRUCT(wait_any, 40);
FIELD(wait_any, size, 0, 4);
FIELD(wait_any, flags, 4, 4);
FIELD(wait_any, items, 8, 8);
FIELD(wait_any, nr_items, 16, 4);
FIELD(wait_any, reserved, 20, 4);
FIELD(wait_any, deadline, 24, 8);
FIELD(wait_any, deaths, 32, 8);

STRUCT(watch, 24);
FIELD(watch, size, 0, 4);
FIELD(watch, flags, 4, 4);
FIELD(watch, index, 8, 4);
FIELD(watch, eventfd, 12, 4);
FIELD(watch, sequence, 16, 8);

STRUCT(moved_queue, 16);
FIELD(moved_queue, index, 0, 4);
FIELD(moved_queue, reserved, 4, 4);
FIELD(moved_queue, sequence, 8, 8);

STRUCT(moved, 24);
FIELD(moved, size, 0, 4);
FIELD(moved, flags, 4, 4);
FIELD(moved, queues, 8, 8);
FIELD(moved, nr_queues, 16, 4);
FIELD(moved, reserved, 20, 4);

STRUCT(sem, 40);
FIELD(sem, size, 0, 4);
FIELD(sem, flags, 4, 4);
FIELD(sem, index, 8, 4);
FIELD(sem, reserved, 12, 4);
FIELD(sem, owner, 16, 8);
FIELD(sem, deadline, 24, 8);
FIELD(sem, deaths, 32, 8);

STRUCT(barrier, 32);
FIELD(barrier, size, 0, 4);
FIELD(barrier, flags, 4, 4);
FIELD(barrier, index, 8, 4);
FIELD(barrier, reserved, 12, 4);
FIELD(barrier, owner, 16, 8);
FIELD(barrier, deadline, 24, 8);

STRUCT(death, 80);
FIELD(death, sequence, 0, 8);
FIELD(death, owner, 8, 8);
FIELD(death, time, 16, 8);
FIELD(death, pid, 24, 4);
FIELD(death, tid, 28, 4);
FIELD(death, how, 32, 4);
FIELD(death, code, 36, 4);
FIELD(death, flags, 40, 4);
FIELD(death, reserved0, 44, 4);
FIELD(death, comm, 48, 16);
FIELD(death, reserved, 64, 16);

STRUCT(deaths, 32);
FIELD(deaths, size, 0, 4);
FIELD(deaths, flags, 4, 4);
FIELD(deaths, deaths, 8, 8);
FIELD(deaths, nr_deaths, 16, 4);
FIELD(deaths, reserved, 20, 4);
FIELD(deaths, after, 24, 8);

STRUCT(waiter_info, 64);
FIELD(waiter_info, owner, 0, 8);
FIELD(waiter_info, since, 8, 8);
FIELD(waiter_info, pid, 16, 4);
FIELD(waiter_info, tid, 20, 4);
FIELD(waiter_info, flags, 24, 4);
FIELD(waiter_info, reserved0, 28, 4);
FIELD(waiter_info, comm, 32, 16);
FIELD(waiter_info, reserved, 48, 16);

STRUCT(owner_info, 184);
FIELD(owner_info, size, 0, 4);
FIELD(owner_info, flags, 4, 4);
FIELD(owner_info, index, 8, 4);
FIELD(owner_info, state, 12, 4);
FIELD(owner_info, owner, 16, 8);
FIELD(owner_info, since, 24, 8);
FIELD(owner_info, pid, 32, 4);
FIELD(owner_info, tid, 36, 4);
FIELD(owner_info, comm, 40, 16);
FIELD(owner_info, nr_readers, 56, 4);
FIELD(owner_info, nr_waiters, 60, 4);
FIELD(owner_info, waiters, 64, 8);
FIELD(owner_info, death, 72, 80);
FIELD(owner_info, reserved, 152, 32);

STRUCT(recover, 24);
FIELD(recover, size, 0, 4);
FIELD(recover, flags, 4, 4);
FIELD(recover, index, 8, 4);
FIELD(recover, reserved, 12, 4);
FIELD(recover, owner, 16, 8);

STRUCT(stats, 208);
FIELD(stats, size, 0, 4);
FIELD(stats, flags, 4, 4);
FIELD(stats, buffer_id, 8, 8);
FIELD(stats, data_size, 16, 8);
FIELD(stats, max_size, 24, 8);
FIELD(stats, resident, 32, 8);
FIELD(stats, created, 40, 8);
FIELD(stats, deaths, 48, 8);
FIELD(stats, contentions, 56, 8);
FIELD(stats, waited, 64, 8);
FIELD(stats, nr_objects, 72, 4);
FIELD(stats, joined, 76, 4);
FIELD(stats, owners, 80, 4);
FIELD(stats, waiters, 84, 4);
FIELD(stats, held, 88, 4);
FIELD(stats, shared, 92, 4);
FIELD(stats, inconsistent, 96, 4);
FIELD(stats, notrecoverable, 100, 4);
FIELD(stats, mode, 104, 4);
FIELD(stats, uid, 108, 4);
FIELD(stats, gid, 112, 4);
FIELD(stats, seals, 116, 4);
FIELD(stats, create_flags, 120, 4);
FIELD(stats, creator_pid, 124, 4);
FIELD(stats, creator, 128, 16);
FIELD(stats, reserved, 144, 64);

STRUCT(listing, 464);
FIELD(listing, name, 0, 256);
FIELD(listing, stats, 256, 208);

STRUCT(list, 32);
FIELD(list, size, 0, 4);
FIELD(list, flags, 4, 4);
FIELD(list, after, 8, 8);
FIELD(list, listings, 16, 8);
FIELD(list, nr_listings, 24, 4);
FIELD(list, listing_size, 28, 4);

STRUCT(object, 96);
FIELD(object, index, 0, 4);
FIELD(object, kind, 4, 4);
FIELD(object, state, 8, 4);
FIELD(object, nr_waiters, 12, 4);
FIELD(object, owner, 16, 8);
FIELD(object, value, 24, 8);
FIELD(object, most, 32, 8);
FIELD(object, contentions, 40, 8);
FIELD(object, waited, 48, 8);
FIELD(object, longest, 56, 8);
FIELD(object, reserved, 64, 32);

STRUCT(objects, 24);
FIELD(objects, size, 0, 4);
FIELD(objects, flags, 4, 4);
FIELD(objects, objects, 8, 8);
FIELD(objects, first, 16, 4);
FIELD(objects, nr_objects, 20, 4);

STRUCT(waiters, 24);
FIELD(waiters, size, 0, 4);
FIELD(waiters, flags, 4, 4);
FIELD(waiters, waiters, 8, 8);
FIELD(waiters, index, 16, 4);
FIELD(waiters, nr_waiters, 20, 4);

STRUCT(control, 64);
FIELD(control, generation, 0, 8);
FIELD(control, reserved, 8, 56);
