/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The points, for what POINT() makes of each; POINT_LOCKED() are those that are reached
 * with a spinlock held.  No guard: point.h and point.c include it once each.
 */

/* LOCK and UNLOCK */
POINT(lock_unqueued)		/* not to be had, and not yet one who waits */
POINT(lock_queued)		/* waits, or has it after all; not asleep */
POINT(lock_woken)		/* woken, or with a signal; not yet tried again */
POINT_LOCKED(lock_taken)	/* the word is put; who waited is still in the tree */
POINT(lock_got)			/* taken, or not; no fatal signal looked for yet */
POINT(lock_returning)		/* on the way out, fatal signals looked for */
POINT_LOCKED(lock_freed)	/* released; who comes next isn't chosen, nor the word put */
POINT(lock_released)		/* the next is chosen, and not woken */
POINT_LOCKED(reader_claimed)	/* the reader has its claim, which doesn't count yet */

/* WAIT and WAKE */
POINT(wait_unqueued)		/* not yet one who waits */
POINT(wait_queued)		/* waits, or found that the sequence has moved; not asleep */
POINT(wait_chosen)		/* awake again, and not told */
POINT_LOCKED(wake_moved)	/* the sequence has moved, nobody is chosen */
POINT(wake_chosen)		/* a batch is chosen, and not woken */

/* WAIT with LOCK */
POINT_LOCKED(cond_queued)	/* waits, and has the lock still */
POINT(cond_given_up)		/* the lock is given up; who comes next isn't woken */
POINT_LOCKED(cond_moved)	/* to the lock's waiters, and not told */
POINT(cond_chosen)		/* awake again, before the lock is taken back */
POINT(cond_retaken)		/* the lock is taken back, or not; no fatal signal looked for yet */

/* Semaphores */
POINT(sem_unqueued)		/* no unit there, and not yet one who waits */
POINT(sem_queued)		/* waits, or has a unit after all; not asleep */
POINT_LOCKED(sem_taken)		/* a unit is taken, and not on record */
POINT_LOCKED(sem_recorded)	/* on record, the word not put */
POINT_LOCKED(sem_served)	/* who waits shall try for a unit, or have it handed over */
POINT(sem_got)			/* a unit is got, or not; no fatal signal looked for yet */
POINT(sem_returning)		/* on the way out, fatal signals looked for */
POINT_LOCKED(sem_giving)	/* a unit is given back, and on record still */
POINT(sem_given)		/* who has got it isn't woken */

/* Barriers */
POINT_LOCKED(barrier_arrived)	/* arrived, not yet one who waits; or the last, and none is told */
POINT(barrier_told)		/* waits, not asleep; or the last, and none is woken */
POINT(barrier_more)		/* one more batch is told, and not woken */
POINT(barrier_passed)		/* awake again, on the way out */

/* WAIT_ANY */
POINT_LOCKED(any_taken)		/* an item was tried for or entered, and nothing is won yet */
POINT(any_queued)		/* an item was tried for or entered, before the next one */
POINT(any_won)			/* it is decided what is won; all waiters are still in trees */
POINT(any_left)			/* none of them is; no fatal signal looked for yet */

/* CREATE, OPEN and REGISTER */
POINT(attach_found)		/* the buffer is there, and isn't the handle's */
POINT(member_new)		/* this process isn't joined, and about to be */
POINT(owner_made)		/* joined, with no id yet */
POINT(owner_numbered)		/* user space has the id, which isn't known yet */
POINT(owner_listed)		/* known to the handle, and to nobody else */

/* Deaths */
POINT(death_set)		/* owners are dead, and nobody has been told */
POINT(reap_begun)		/* nothing is buried */
POINT_LOCKED(claim_removed)	/* the claim is gone, what it was of is not given back */
POINT(claims_buried)		/* and no locks */
POINT(locks_buried)		/* and the ids are still taken */
POINT(sweep_begun)		/* the work that looks after all who wait */
