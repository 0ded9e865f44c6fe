/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that sleep on a sync object. */
#ifndef SHMBUF_WAITER_H
#define SHMBUF_WAITER_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_any;
struct shmbuf_buffer;
struct shmbuf_bucket;
struct shmbuf_claim;
struct shmbuf_owner;
struct shmbuf_peers;
struct shmbuf_user;
struct task_struct;

/**
 * struct shmbuf_waiter - one sleeping thread, on its stack
 * @node: in its bucket's tree; this and all below under the bucket's lock,
 *	unless it says otherwise
 * @index: constant while it waits, as @kind, unless a WAKE moves it to @lock's waiters,
 *	under the locks of both buckets; @task, @owner, @lock and @expected are constant
 * @serial: of its arrival in the tree; grows in a buffer
 * @kind: what it took the object for
 * @task: who sleeps
 * @owner: lock: who wants it.  Queue: who gave @lock up and will want it, or NULL.
 *	Barrier: who arrived.  Semaphore: with UNDO, else NULL.
 * @claim: lock: for @shared to read by; semaphore: with UNDO, to record the unit in;
 *	barrier: to enrol the owner by;
 *	NULL once it is in the bucket
 * @lock: queue: @owner's
 * @expected: queue: the sequence it went to sleep at; barrier: the phase
 * @observer: queue: through a read-only handle, so that no waker counts on it
 * @sequence: queue: the one that it was woken by, set before @done
 * @any: the WAIT_ANY that it is an item of, or NULL; constant
 * @item: which item
 * @result: what its call shall return, set before @done
 * @since: when it began to wait, ns; queue, barrier: to the clock's tick
 * @moved: queue: to @lock's waiters, and a lock's waiter from here.  Set under the locks
 *	of both buckets; as @done it may be read without by smp_load_acquire().
 * @shared: lock: wants to read; constant
 * @trying: lock, semaphore: on its way to try for it, so nobody else need be woken
 * @late: and wasn't back yet when the sweep came by
 * @tried: and was there at least once, if it still waits in vain
 * @done: its result is decided and it is out of the tree.  The last thing that
 *	is touched of a waiter: set by smp_store_release(), read without the lock
 *	by smp_load_acquire() in shmbuf_waiter_done().
 */
struct shmbuf_waiter {
	struct rb_node node;
	u32 index;
	u32 kind;
	u64 serial;
	struct task_struct *task;
	struct shmbuf_owner *owner;
	struct shmbuf_claim *claim;
	u32 lock;
	u64 expected;
	u64 sequence;
	u64 since;
	struct shmbuf_any *any;
	u32 item;
	int result;
	bool shared;
	bool observer;
	bool moved;
	bool trying;
	bool late;
	bool tried;
	bool done;
};

/**
 * struct shmbuf_any - one thread that waits for several objects
 * @won: the item that was decided on, or -1; from there by cmpxchg, once.  What is
 *	no item's number: the thread wants nothing any more.
 */
struct shmbuf_any {
	atomic_t won;
};

/*
 * Whoever decides @waiter's result asks first, before anything is changed for it:
 * false where another object has been faster.
 */
static inline bool shmbuf_waiter_claim(struct shmbuf_waiter *waiter)
{
	return !waiter->any ||
	       atomic_cmpxchg(&waiter->any->won, -1, waiter->item) == -1;
}

/* Who waited for longer, and tried in vain, gets what it waits for handed over. */
#define SHMBUF_PATIENCE_NS (2 * NSEC_PER_MSEC)

#define SHMBUF_WAKE_BATCH 16

/**
 * struct shmbuf_wakeups - threads to wake once the bucket's lock is dropped
 * @nr: of them, up to SHMBUF_WAKE_BATCH
 * @tries: those moved to a lock by this call who try for it
 * @cpu: where the last of these slept
 * @claims: to free then, linked by @next
 * @tasks: with a reference each, dropped by shmbuf_wakeups_flush()
 */
struct shmbuf_wakeups {
	unsigned int nr;
	unsigned int tries;
	unsigned int cpu;
	struct shmbuf_claim *claims;
	struct task_struct **tasks;
};

/* On the stack, where most calls wake nobody: room for tasks isn't cleared. */
#define DEFINE_SHMBUF_WAKEUPS(name)				\
	struct task_struct *name ## _tasks[SHMBUF_WAKE_BATCH];	\
	struct shmbuf_wakeups name = { .tasks = name ## _tasks }

static inline bool shmbuf_waiter_done(const struct shmbuf_waiter *waiter)
{
	/* Pairs with shmbuf_waiter_finish(). */
	return smp_load_acquire(&waiter->done);
}

static inline bool shmbuf_waiter_waits_long(const struct shmbuf_waiter *waiter)
{
	return ktime_get_ns() - waiter->since > SHMBUF_PATIENCE_NS;
}

/* Or shall look by itself. */
static inline bool shmbuf_waiter_chosen(const struct shmbuf_waiter *waiter)
{
	return shmbuf_waiter_done(waiter) || READ_ONCE(waiter->trying);
}

void shmbuf_waiter_add(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
		       struct shmbuf_waiter *waiter);
void shmbuf_waiter_remove(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			  struct shmbuf_waiter *waiter);

/* The longest waiting, and the one after; NULL where there is none. */
struct shmbuf_waiter *shmbuf_waiter_first(struct shmbuf_bucket *bucket, u32 index, u32 kind);
struct shmbuf_waiter *shmbuf_waiter_next(struct shmbuf_waiter *waiter);
/* The first that arrived as @serial or later. */
struct shmbuf_waiter *shmbuf_waiter_from(struct shmbuf_bucket *bucket, u32 index, u32 kind,
					 u64 serial);

/* @waiter's result is decided: take it out and have it woken. */
void shmbuf_waiter_finish(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			  struct shmbuf_waiter *waiter, struct shmbuf_wakeups *wakeups);

/* @waiter shall try for its lock or unit. */
void shmbuf_waiter_try(struct shmbuf_bucket *bucket, struct shmbuf_waiter *waiter,
		       struct shmbuf_wakeups *wakeups);

void shmbuf_wakeups_add(struct shmbuf_wakeups *wakeups, struct task_struct *task);
void shmbuf_wakeups_flush(struct shmbuf_wakeups *wakeups);

/**
 * struct shmbuf_deadline - when a wait ends
 * @expires: CLOCK_MONOTONIC of the initial time namespace
 * @never: no deadline
 */
struct shmbuf_deadline {
	ktime_t expires;
	bool never;
};

/* From what the caller gave, in ns of its time namespace. */
struct shmbuf_deadline shmbuf_deadline(u64 ns);
/* The other way, for a time in ns that is past. */
u64 shmbuf_time_of_caller(u64 ns);
bool shmbuf_deadline_passed(const struct shmbuf_deadline *deadline);

/*
 * Sleep until woken, a signal comes or the deadline passes.  The caller has set
 * its state and looked at its condition since.
 */
void shmbuf_waiter_sleep(struct shmbuf_deadline *deadline);

/*
 * Sleep until @waiter is done or shall try: 0.  -ERESTARTNOHAND, -ETIMEDOUT, or what @peers,
 * which may be NULL, has come to: it wasn't yet, and leaves unless it is by the time that
 * the bucket's lock is held.
 */
int shmbuf_waiter_wait(const struct shmbuf_waiter *waiter, struct shmbuf_deadline *deadline,
		       const struct shmbuf_peers *peers);

#endif /* SHMBUF_WAITER_H */
