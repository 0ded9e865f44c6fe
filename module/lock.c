// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "claim.h"
#include "compat.h"
#include "counter.h"
#include "deadlock.h"
#include "death.h"
#include "info.h"
#include "lock.h"
#include "object.h"
#include "owner.h"
#include "point.h"
#include "reader.h"
#include "trace.h"
#include "user.h"
#include "waiter.h"

/*
 * A lock's word changes in user space only from 0 to an id and back, and under
 * its bucket's lock in every other way.  What is taken by shmbuf_word_take() is
 * decided on by its old value alone and put back; no step needs a second look.
 *
 * WAITERS stays set while somebody sleeps, with one exception: while a waiter is
 * trying, that is woken and on its way to the bucket's lock, the word is left to
 * user space, so that who runs can take the lock meanwhile.  The trying waiter
 * takes the lock, sets WAITERS again before it sleeps, or sees to its successor
 * when it leaves.  Whoever goes to sleep sets WAITERS and looks at the owner in
 * one step.
 *
 * Of those whom a WAKE moved here from a queue two try at a time, one of them on a CPU that is
 * about to be free.  Meanwhile WAITERS stays set, so that each gives the lock up by a call, which
 * has the next one try: told earlier it could take the CPU from who has the lock.
 *
 * READERS stays set while anybody has a claim to read (reader.c): then user space
 * can't take the lock.  Who writes stops the readers, and sleeps until the last of them
 * has released it; who reads passes one who waits, but not once that has waited for long,
 * unless it reads already.  When a writer goes, the readers at the head of the queue get the
 * lock, all at once and by who releases it; a writer has to try, and so that others needn't
 * sleep meanwhile, user space reads until it comes.  Who tried in vain and has waited for
 * long gets the lock handed over.  So both come to their turn.
 */

/* What of a word keeps readers out. */
#define SHMBUF_LOCK_ILL (SHMBUF_OWNER_MASK | SHMBUF_WORD_OWNER_DIED | SHMBUF_WORD_NOTRECOVERABLE)

bool shmbuf_word_has_live_owner(struct shmbuf_buffer *buffer, u64 word)
{
	u64 id = shmbuf_lock_word_owner(word);

	return id && shmbuf_owner_alive(buffer, id);
}

static void shmbuf_lock_word_put(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
				 u32 index, u64 word)
{
	word &= ~SHMBUF_WORD_READERS;
	if (shmbuf_claim_first(bucket, index))
		word |= SHMBUF_WORD_READERS;
	shmbuf_word_put(buffer, index, word);
}

/*
 * @id wants to write: *@new from @old, which is taken.  @stay: it goes to sleep on
 * -EBUSY, and readers are stopped for it.
 */
static int shmbuf_lock_try_write(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
				 u32 index, u64 id, u64 old, int waiters, bool stay, u64 *new)
{
	int ret = shmbuf_lock_acquire(old, id, shmbuf_word_has_live_owner(buffer, old),
				      waiters, new);

	if (!shmbuf_is_locked(ret) || !shmbuf_claim_first(bucket, index))
		return ret;
	if (shmbuf_reader_reads(bucket, index, id))
		ret = -EDEADLK;
	else if ((!stay && shmbuf_readers_any(buffer, bucket, index)) ||
		 shmbuf_readers_stop(buffer, bucket, index))
		ret = -EBUSY;
	else
		return ret;
	*new = (old & ~SHMBUF_WORD_WAITERS) | shmbuf_word_waiters(waiters);
	return ret;
}

/*
 * Whether @self, one who waits or NULL, may read before @first, who waits: in the queue each
 * keeps his place, and who comes passes whom he needn't wait for.
 */
static bool shmbuf_lock_may_pass(const struct shmbuf_waiter *self,
				 const struct shmbuf_waiter *first)
{
	if (!first || first == self)
		return true;
	return !self && (first->trying || !shmbuf_waiter_waits_long(first));
}

/* @owner wants to read; @first: who else waits; @may_pass: and would be passed. */
static int shmbuf_lock_try_read(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
				u32 index, struct shmbuf_owner *owner, struct shmbuf_claim **spare,
				u64 old, const struct shmbuf_waiter *first, bool may_pass,
				struct shmbuf_wakeups *wakeups, u64 *new)
{
	bool waiters = first && !first->trying;
	int ret = shmbuf_lock_share(old, owner->id, shmbuf_word_has_live_owner(buffer, old),
				    waiters, new);

	if (ret)
		return ret;
	if (!may_pass && !shmbuf_reader_reads(bucket, index, owner->id))
		return -EBUSY;
	return shmbuf_reader_grant(bucket, index, owner, spare, waiters, wakeups);
}

int shmbuf_lock_try(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket, u32 index,
		    struct shmbuf_owner *owner, const struct shmbuf_waiter *self, bool stay,
		    struct shmbuf_claim **spare, struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_waiter *first;
	bool may_pass, waiters;
	u64 old, new;
	int ret;

	lockdep_assert_held(&bucket->lock);
	if (READ_ONCE(owner->dead))
		return -EPERM;
	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old);
	if (ret)
		return ret;
	first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	may_pass = shmbuf_lock_may_pass(self, first);
	if (first && first == self)
		first = shmbuf_waiter_next(first);
	waiters = first && (!first->trying || first->moved);
	ret = -EOWNERDEAD;
	if (spare)
		ret = shmbuf_lock_try_read(buffer, bucket, index, owner, spare, old, first,
					   may_pass, wakeups, &new);
	/* Who can only read can't repair: it gets the lock as a writer. */
	if (!spare || ret == -EOWNERDEAD)
		ret = shmbuf_lock_try_write(buffer, bucket, index, owner->id, old,
					    waiters, stay, &new);
	if (ret == -EBUSY && stay)
		new |= SHMBUF_WORD_WAITERS;
	if (ret == -EOWNERDEAD) {
		shmbuf_count(SHMBUF_COUNT_RECOVERIES);
		if (shmbuf_lock_word_owner(old))
			shmbuf_death_note(buffer, index, shmbuf_lock_word_owner(old));
	}
	shmbuf_lock_word_put(buffer, bucket, index, new);
	shmbuf_point(lock_taken);
	return ret;
}

/* The readers at the head of the queue read, as many as can be woken. */
static void shmbuf_lock_admit(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			      u32 index, struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_waiter *waiter, *next;

	waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	/* Room is left for one who shall try. */
	for (; waiter && waiter->shared && wakeups->nr < SHMBUF_WAKE_BATCH - 1; waiter = next) {
		next = shmbuf_waiter_next(waiter);
		if (!shmbuf_waiter_claim(waiter))
			continue;
		waiter->result = shmbuf_reader_grant(bucket, index, waiter->owner,
						     &waiter->claim, next, wakeups);
		shmbuf_waiter_finish(buffer, bucket, waiter, wakeups);
	}
}

/* Nobody holds the lock, waits for it or has to repair: readers may come by themselves. */
static bool shmbuf_lock_is_free(struct shmbuf_bucket *bucket, u32 index, u64 word)
{
	return !(word & SHMBUF_LOCK_ILL) &&
	       !shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
}

/* Waiters among whom one of a certain CPU is looked for. */
#define SHMBUF_LOCK_NEAR 8

/*
 * Of those that WAKE moved here two try: one whom @cpu can run, and one elsewhere.  The first of
 * all is one of them, and who came by himself isn't passed by.
 */
static void shmbuf_lock_try_two(struct shmbuf_bucket *bucket, struct shmbuf_waiter *first,
				unsigned int cpu, struct shmbuf_wakeups *wakeups)
{
	bool tries[2] = { false, false };
	struct shmbuf_waiter *waiter = first;
	int i;

	for (i = 0; waiter && i < SHMBUF_LOCK_NEAR && !(tries[0] && tries[1]); i++) {
		bool here = task_cpu(waiter->task) == cpu;

		if (!waiter->trying) {
			if (!waiter->moved || wakeups->nr == SHMBUF_WAKE_BATCH)
				break;
			if (!tries[here])
				shmbuf_waiter_try(bucket, waiter, wakeups);
		}
		tries[here] = true;
		waiter = shmbuf_waiter_next(waiter);
	}
}

/*
 * See to it that those who wait go on, if they can: @word is the lock's, which is taken.
 * Return: what to put.
 */
static u64 shmbuf_lock_settle(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket,
			      u32 index, u64 word, enum shmbuf_lock_since since,
			      struct shmbuf_wakeups *wakeups)
{
	bool undo = since == SHMBUF_LOCK_UNDONE;
	struct shmbuf_waiter *first;

	lockdep_assert_held(&bucket->lock);
	word &= ~SHMBUF_WORD_WAITERS;
	if (!shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK))
		return word;
	if (shmbuf_word_has_live_owner(buffer, word))
		return word | SHMBUF_WORD_WAITERS;
	if (!(word & SHMBUF_LOCK_ILL))
		shmbuf_lock_admit(buffer, bucket, index, wakeups);
	first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	if (!first)
		return word;
	if (!(word & SHMBUF_LOCK_ILL)) {
		/*
		 * More readers than could be woken: the last of them goes on.  With @undo
		 * entries can be open, from when one who is gone was told to try.
		 */
		if (first->shared ||
		    (!undo && shmbuf_readers_any(buffer, bucket, index)) ||
		    shmbuf_readers_stop(buffer, bucket, index))
			return word | SHMBUF_WORD_WAITERS;
		if (!undo && first->tried && shmbuf_waiter_waits_long(first) &&
		    !READ_ONCE(first->owner->dead) && shmbuf_waiter_claim(first)) {
			word |= first->owner->id |
				shmbuf_word_waiters(!!shmbuf_waiter_next(first));
			shmbuf_waiter_finish(buffer, bucket, first, wakeups);
			return word;
		}
	}
	if (!undo && first->moved)
		shmbuf_lock_try_two(bucket, first, since == SHMBUF_LOCK_SLEEPS ?
				    task_cpu(current) : task_cpu(first->task), wakeups);
	else if (!first->trying)
		shmbuf_waiter_try(bucket, first, wakeups);
	if (!(word & SHMBUF_LOCK_ILL))
		shmbuf_readers_open(bucket, index);
	return first->moved ? word | SHMBUF_WORD_WAITERS : word;
}

/*
 * See to it that somebody who waits for the lock goes on if no live owner
 * holds it, though others tried and aren't back yet.
 */
static void shmbuf_lock_look_after(struct shmbuf_buffer *buffer, struct shmbuf_waiter *first,
				   struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, first->index);
	u32 index = first->index;
	struct shmbuf_waiter *waiter;
	u64 old;

	lockdep_assert_held(&bucket->lock);
	if (shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old)) {
		/* A hostile word: they see for themselves. */
		shmbuf_waiter_try(bucket, first, wakeups);
		return;
	}
	old = shmbuf_lock_settle(buffer, bucket, index, old, SHMBUF_LOCK_UNDONE, wakeups);
	shmbuf_lock_word_put(buffer, bucket, index, old);
	waiter = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	if ((old & SHMBUF_WORD_WAITERS) && !(waiter && waiter->trying))
		return;
	while (waiter && waiter->trying)
		waiter = shmbuf_waiter_next(waiter);
	if (waiter && !wakeups->nr)
		shmbuf_waiter_try(bucket, waiter, wakeups);
}

void shmbuf_lock_dispatch(struct shmbuf_buffer *buffer, u32 index,
			  struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	struct shmbuf_waiter *first;
	u64 old;

	if (!shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old)) {
		old = shmbuf_lock_settle(buffer, bucket, index, old, SHMBUF_LOCK_UNDONE, wakeups);
		shmbuf_lock_word_put(buffer, bucket, index, old);
		return;
	}
	/* A hostile word: they see for themselves. */
	first = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	if (first && !first->trying)
		shmbuf_waiter_try(bucket, first, wakeups);
}

int shmbuf_lock_put_locked(struct shmbuf_buffer *buffer, u32 index, u64 id,
			   enum shmbuf_lock_since since, struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	bool wrote, waited;
	u64 old, new;
	int ret;

	lockdep_assert_held(&bucket->lock);
	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old);
	if (ret)
		return ret;
	if (since == SHMBUF_LOCK_UNDONE)
		ret = shmbuf_lock_undo(old, id, false, &new);
	else
		ret = shmbuf_lock_release(old, id, 0, false, &new);
	wrote = ret != -EPERM;
	if (wrote) {
		ret = 0;
	} else {
		new = old;
		waited = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
		ret = shmbuf_reader_release(bucket, index, id, waited, wakeups);
	}
	shmbuf_point(lock_freed);
	if (!ret)
		new = shmbuf_lock_settle(buffer, bucket, index, new, since, wakeups);
	/* Once it is clear who else wants the lock, and where nobody has to repair. */
	if (wrote)
		shmbuf_readers_go_on(bucket, index, shmbuf_lock_is_free(bucket, index, new),
				     wakeups);
	shmbuf_lock_word_put(buffer, bucket, index, new);
	return ret;
}

int shmbuf_lock_put(struct shmbuf_buffer *buffer, u32 index, u64 id, bool undo)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_lock_put_locked(buffer, index, id,
				     undo ? SHMBUF_LOCK_UNDONE : SHMBUF_LOCK_RELEASED, &wakeups);
	spin_unlock(&bucket->lock);
	shmbuf_point(lock_released);
	if (!ret)
		trace_shmbuf_lock_released(buffer, index, id);
	shmbuf_wakeups_flush(&wakeups);
	if (!ret)
		shmbuf_held_forget(buffer, index, id);
	return ret;
}

int shmbuf_lock_check(struct shmbuf_buffer *buffer, u32 index, u64 id)
{
	u64 old;
	int ret;

	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old);
	if (ret)
		return ret == -EAGAIN ? -EPERM : ret;
	shmbuf_word_put(buffer, index, old);
	return shmbuf_lock_is_sound(old, id) ? 0 : -EPERM;
}

void shmbuf_lock_moved(struct shmbuf_buffer *buffer, struct shmbuf_waiter *waiter,
		       struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, waiter->index);
	u64 old;

	lockdep_assert_held(&bucket->lock);
	if (shmbuf_word_take(buffer, waiter->index, SHMBUF_KIND_LOCK, &old)) {
		/* It sees for itself that this is no lock any more. */
		shmbuf_waiter_try(bucket, waiter, wakeups);
		return;
	}
	old = shmbuf_lock_settle(buffer, bucket, waiter->index, old, SHMBUF_LOCK_UNDONE, wakeups);
	shmbuf_lock_word_put(buffer, bucket, waiter->index, old);
	if (!waiter->trying && !shmbuf_word_has_live_owner(buffer, old) && wakeups->tries == 1 &&
	    wakeups->cpu != task_cpu(waiter->task) && wakeups->nr < SHMBUF_WAKE_BATCH)
		shmbuf_waiter_try(bucket, waiter, wakeups);
	if (waiter->trying) {
		wakeups->tries++;
		wakeups->cpu = task_cpu(waiter->task);
	}
}

int shmbuf_unlock(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args)
{
	struct shmbuf_owner *owner;
	int ret;

	owner = shmbuf_owner_get_current(buffer, args->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	ret = shmbuf_lock_put(buffer, args->index, owner->id, false);
	shmbuf_owner_put(owner);
	/* INIT or RESET at work on it: it isn't held. */
	return ret == -EAGAIN ? -EPERM : ret;
}

int shmbuf_consistent(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, args->index);
	struct shmbuf_owner *owner;
	u64 old, new;
	int ret;

	owner = shmbuf_owner_get_current(buffer, args->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	spin_lock(&bucket->lock);
	ret = shmbuf_word_take(buffer, args->index, SHMBUF_KIND_LOCK, &old);
	if (!ret) {
		ret = shmbuf_lock_consistent(old, owner->id,
					     !!(old & SHMBUF_WORD_WAITERS), &new);
		shmbuf_word_put(buffer, args->index, new);
	}
	spin_unlock(&bucket->lock);
	shmbuf_owner_put(owner);
	return ret == -EAGAIN ? -EPERM : ret;
}

/* From writer to reader, under the bucket's lock. */
static int shmbuf_lock_turn(struct shmbuf_buffer *buffer, struct shmbuf_bucket *bucket, u32 index,
			    struct shmbuf_owner *owner, struct shmbuf_claim **spare,
			    struct shmbuf_wakeups *wakeups)
{
	bool waiters = shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK);
	u64 old, new;
	int ret;

	ret = shmbuf_word_take(buffer, index, SHMBUF_KIND_LOCK, &old);
	if (ret)
		return ret;
	ret = shmbuf_lock_downgrade(old, owner->id, !!(old & SHMBUF_WORD_WAITERS), &new);
	if (!ret)
		ret = shmbuf_reader_grant(bucket, index, owner, spare, waiters, wakeups);
	if (ret)
		new = old;
	else
		new = shmbuf_lock_settle(buffer, bucket, index, new, SHMBUF_LOCK_RELEASED, wakeups);
	shmbuf_lock_word_put(buffer, bucket, index, new);
	return ret;
}

int shmbuf_downgrade(struct shmbuf_buffer *buffer, const struct shmbuf_lock *args)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, args->index);
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	struct shmbuf_owner *owner;
	struct shmbuf_claim *spare;
	int ret;

	owner = shmbuf_owner_get_current(buffer, args->owner);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	spare = shmbuf_lock_claim(owner, args->index);
	ret = PTR_ERR_OR_ZERO(spare);
	if (!ret) {
		spin_lock(&bucket->lock);
		ret = shmbuf_lock_turn(buffer, bucket, args->index, owner, &spare, &wakeups);
		spin_unlock(&bucket->lock);
		shmbuf_wakeups_flush(&wakeups);
		shmbuf_claim_free(spare);
	}
	shmbuf_owner_put(owner);
	return ret == -EAGAIN ? -EPERM : ret;
}

static bool shmbuf_lock_first_word(u64 value, u64 *word)
{
	*word = 0;
	return !value;
}

static bool shmbuf_lock_is_idle(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);

	lockdep_assert_held(&bucket->lock);
	return !shmbuf_waiter_first(bucket, index, SHMBUF_KIND_LOCK) &&
	       !shmbuf_word_has_live_owner(buffer, word) &&
	       !shmbuf_readers_stop(buffer, bucket, index);
}

/* A dead reader vanishes. */
static bool shmbuf_lock_bury_claim(struct shmbuf_buffer *buffer, struct shmbuf_claim *claim,
				   struct shmbuf_wakeups *wakeups)
{
	shmbuf_lock_dispatch(buffer, claim->index, wakeups);
	return true;
}

const struct shmbuf_kind_ops shmbuf_lock_ops = {
	.first_word = shmbuf_lock_first_word,
	.is_idle = shmbuf_lock_is_idle,
	.sweep = shmbuf_lock_look_after,
	.bury = shmbuf_lock_bury_claim,
};
