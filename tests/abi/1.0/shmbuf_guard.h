/* SPDX-License-Identifier: MIT */
/*
 * Locks that are released where their block ends, however it is left but by longjmp():
 * for compilers with the cleanup attribute (GCC, Clang).
 *
 *	{
 *		shmbuf_guard(guard, b, 0);
 *
 *		if (guard.result == -EOWNERDEAD) {
 *			repair(shmbuf_data(b));
 *			shmbuf_consistent(b, 0);
 *		} else if (guard.result) {
 *			return guard.result;
 *		}
 *		...
 *	}
 */
#ifndef SHMBUF_GUARD_H
#define SHMBUF_GUARD_H

#include <errno.h>
#include <shmbuf.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct shmbuf_guard - a lock that is held until the end of a block
 * @buffer: the handle it was taken through
 * @index: the lock
 * @result: what taking it returned.  0 and -EOWNERDEAD: it is held, and is released
 *	at the end of the block.  Others: it isn't.
 */
struct shmbuf_guard {
	struct shmbuf *buffer;
	uint32_t index;
	int result;
};

/**
 * shmbuf_guard_end() - release a guard's lock before its block ends
 * @guard: the guard; it holds nothing afterwards, and its @result is -EPERM
 *
 * Called by the end of the block as well, where it does nothing the second time.  If the
 * holder dies in the block, it dies as with any lock: the next one gets -EOWNERDEAD.
 * A lock that came with -EOWNERDEAD and wasn't made consistent becomes
 * -ENOTRECOVERABLE by this.
 */
static inline void shmbuf_guard_end(struct shmbuf_guard *guard)
{
	if (!guard->result || guard->result == -EOWNERDEAD)
		shmbuf_unlock(guard->buffer, guard->index);
	guard->result = -EPERM;
}

#define SHMBUF_GUARD_(name, taken)					\
	struct shmbuf_guard name __attribute__((__cleanup__(shmbuf_guard_end))) = (taken)

/* What the macros are made of: functions, so that arguments are evaluated once. */
static inline struct shmbuf_guard shmbuf_guard_lock_(struct shmbuf *b, uint32_t i)
{
	struct shmbuf_guard guard = { b, i, shmbuf_lock(b, i) };

	return guard;
}

static inline struct shmbuf_guard shmbuf_guard_rdlock_(struct shmbuf *b, uint32_t i)
{
	struct shmbuf_guard guard = { b, i, shmbuf_rdlock(b, i) };

	return guard;
}

static inline struct shmbuf_guard shmbuf_guard_trylock_(struct shmbuf *b, uint32_t i)
{
	struct shmbuf_guard guard = { b, i, shmbuf_trylock(b, i) };

	return guard;
}

static inline struct shmbuf_guard shmbuf_guard_timedlock_(struct shmbuf *b, uint32_t i,
							  const struct timespec *deadline)
{
	struct shmbuf_guard guard = { b, i, shmbuf_timedlock(b, i, deadline) };

	return guard;
}

/**
 * shmbuf_guard() - declare a guard, and take its lock as by shmbuf_lock()
 * @name: the name of the variable, a struct shmbuf_guard
 * @b: the handle
 * @i: the lock
 *
 * Whether it is held says @name.result: look at it.
 */
#define shmbuf_guard(name, b, i)					\
	SHMBUF_GUARD_(name, shmbuf_guard_lock_(b, i))

/**
 * shmbuf_read_guard() - the same as a reader, as by shmbuf_rdlock()
 * @name: as in shmbuf_guard(), as are @b and @i
 * @b: the handle
 * @i: the lock
 *
 * With -EOWNERDEAD the lock is held for writing, to repair the data.
 */
#define shmbuf_read_guard(name, b, i)					\
	SHMBUF_GUARD_(name, shmbuf_guard_rdlock_(b, i))

/**
 * shmbuf_try_guard() - the same as by shmbuf_trylock()
 * @name: as in shmbuf_guard(), as are @b and @i
 * @b: the handle
 * @i: the lock
 */
#define shmbuf_try_guard(name, b, i)					\
	SHMBUF_GUARD_(name, shmbuf_guard_trylock_(b, i))

/**
 * shmbuf_timed_guard() - the same as by shmbuf_timedlock()
 * @name: as in shmbuf_guard(), as are @b and @i
 * @b: the handle
 * @i: the lock
 * @deadline: absolute, CLOCK_MONOTONIC; NULL for never
 */
#define shmbuf_timed_guard(name, b, i, deadline)			\
	SHMBUF_GUARD_(name, shmbuf_guard_timedlock_(b, i, deadline))

#ifdef __cplusplus
}
#endif

#endif /* SHMBUF_GUARD_H */
