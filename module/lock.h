/* SPDX-License-Identifier: GPL-2.0-only */
/* Robust locks, exclusive or shared: what the kernel does with their words. */
#ifndef SHMBUF_LOCK_H
#define SHMBUF_LOCK_H

#include <linux/errno.h>
#include <linux/types.h>

#include <linux/shmbuf.h>

struct shmbuf_bucket;
struct shmbuf_buffer;
struct shmbuf_claim;
struct shmbuf_kind_ops;
struct shmbuf_owner;
struct shmbuf_waiter;
struct shmbuf_wakeups;

/* The ioctls, with checked arguments but for owner and index. */
int shmbuf_lock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_unlock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_consistent(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_downgrade(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args);
int shmbuf_recover(struct shmbuf_buffer *buffer, const struct shmbuf_recover *args);

extern const struct shmbuf_kind_ops shmbuf_lock_ops;

/* Of what a call returned: it left with the lock. */
static inline bool shmbuf_is_locked(int ret)
{
	return !ret || ret == -EOWNERDEAD;
}

/* Whether the id in a lock's word is of an owner that lives. */
bool shmbuf_word_has_live_owner(struct shmbuf_buffer *buffer, u64 word);

/*
 * Under the bucket's lock: @owner takes the lock if it can.  @self is its waiter, where it
 * has one; @stay: it goes to sleep on -EBUSY.  @spare: it wants to read, see
 * shmbuf_reader_grant(); NULL where it wants to write.
 */
int shmbuf_lock_try(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket, u32 index,
		    struct shmbuf_owner *owner, const struct shmbuf_waiter *self, bool stay,
		    struct shmbuf_claim **spare, struct shmbuf_wakeups *wakeups);

/* Under the bucket's lock: something is different about the lock, and who waits may go on. */
void shmbuf_lock_dispatch(struct shmbuf_buffer *buffer, u32 index,
			  struct shmbuf_wakeups *wakeups);

/*
 * Give the lock up.  @undo: @id never got to see it, so nothing has happened
 * that CONSISTENT would have to be said for.
 *
 * Return: 0, -EPERM, and as shmbuf_word_take().
 */
int shmbuf_lock_put(struct shmbuf_buffer *buffer, u32 index, u64 id, bool undo);

/* Since others last had the chance to take the lock: */
enum shmbuf_lock_since {
	SHMBUF_LOCK_UNDONE,	/* nobody has held it */
	SHMBUF_LOCK_RELEASED,	/* who held it has given it up */
	SHMBUF_LOCK_SLEEPS,	/* and leaves this CPU to others */
};

/* As shmbuf_lock_put(), under the bucket's lock. */
int shmbuf_lock_put_locked(struct shmbuf_buffer *buffer, u32 index, u64 id,
			   enum shmbuf_lock_since since, struct shmbuf_wakeups *wakeups);

/* Under the bucket's lock: -EPERM unless @id holds it alone, with nothing to repair. */
int shmbuf_lock_check(struct shmbuf_buffer *buffer, u32 index, u64 id);

/*
 * For WAIT_ANY, under the bucket's lock: @waiter takes its lock, 0 or -EOWNERDEAD.  With
 * @stay it is one of those who wait for it after -EBUSY.
 */
int shmbuf_lock_enter(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool stay,
		      struct shmbuf_wakeups *wakeups);
/* The same for one that was told to try, and stays where it is. */
int shmbuf_lock_try_again(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
			  struct shmbuf_wakeups *wakeups);
/*
 * @waiter leaves those who wait, with what @ret says: without the lock, somebody else gets
 * the chance it had.
 */
void shmbuf_lock_leave(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
		       struct shmbuf_waiter *waiter, int ret, struct shmbuf_wakeups *wakeups);

/* For @owner to read the lock by; freed by shmbuf_claim_free() where nothing took it. */
struct shmbuf_claim *shmbuf_lock_claim(struct shmbuf_owner *owner, u32 index);

/* Under the bucket's lock: @waiter, who slept on a queue, is the lock's last waiter now. */
void shmbuf_lock_moved(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
		       struct shmbuf_wakeups *wakeups);

/*
 * @waiter is a lock's, and among those who wait for it where it is @queued.  It waits
 * until it has the lock, whatever signal comes that doesn't kill it, and is out of
 * the tree afterwards.  -EAGAIN: shmbuf_objects_settle(), then again, not @queued.
 */
int shmbuf_lock_retake(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter, bool queued);

/* Put the deaths of all dead owners on record in the words. */
void shmbuf_locks_bury(struct shmbuf_buffer *buffer);

#endif /* SHMBUF_LOCK_H */
