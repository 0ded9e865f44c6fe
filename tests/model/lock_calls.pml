/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel does with one lock: module/lock.c, lock_wait.c, and with SHARED=1 reader.c.
 *
 * A step is what happens at once for whoever looks: setting WAITERS by fetch-or, putting
 * the word and dropping the bucket's lock, waking. Between them the others go on, in
 * user space without asking. What else is done under the bucket's lock nobody else sees.
 */
#ifndef SHARED
#define SHARED	0
#endif
#ifndef BESIDE
#define BESIDE	0	/* more than one tries at a time, of those that a WAKE moved here */
#endif
#ifndef BATCH
#define BATCH	16	/* SHMBUF_WAKE_BATCH */
#endif

byte word;		/* the lock's */
bool bucket;		/* its bucket's lock is held. All to the next gap is its holder's. */
byte old;		/* the word as it was taken */
byte new;		/* and as it is to be put */
byte queue[N + 1];	/* who waits, the longest first; 0 behind them */
byte waiting;		/* how many */
byte trying;		/* waiter->trying */
#if BESIDE
bool crowd;		/* who waits first was moved here: WAITERS stays set while he tries */
#else
#define crowd	false
#endif
#if SHARED
bool wrote;		/* a writer gives the lock up: the readers are still to go on */
bool passes;		/* who waits first hasn't waited for too long: a reader goes by */
#endif

/* No part of the state: for use within one d_step. */
hidden byte first, at, result;

#define live(w)		(lock_owner(w) && has(alive, lock_owner(w)))
#define ILL		(OWNER_MASK | OWNER_DIED | NOTRECOVERED)
#define is_locked(r)	((r) == OK || (r) == EOWNERDEAD)

/* How a call ended that isn't a step's result: by signal or deadline. */
#define EINTR		8

/*
 * What is done between taking a word and putting it is done when the word is put, but for
 * what stands above: a user-space step on the word fails all the while, and one on a
 * reader's entry doesn't look at the word.
 */
#ifdef VARIANT_LOOK_THEN_REVOKE
#define UNDER_LOCK
#else
#define UNDER_LOCK	atomic
#endif
#if SHARED
#include "reader_calls.pml"
#endif

/* shmbuf_word_take() */
inline take()
{
	old = word;
	word = word | WAITERS
}

inline lock_and_take()
{
	d_step { !bucket -> bucket = true; take() }
}

/* shmbuf_lock_word_put() */
inline put()
{
#if SHARED
	word = (new & ~READERS) | (claims -> READERS : 0);
#else
	word = new;
#endif
	old = 0;
	new = 0
}

inline enqueue(p)
{
	queue[waiting] = p;
	waiting++
}

inline dequeue(p)
{
	at = 0;
	do
	:: queue[at] == p -> break
	:: else -> at++
	od;
	do
	:: at < N -> queue[at] = queue[at + 1]; at++
	:: else -> break
	od;
	waiting--;
	at = 0
}

/* shmbuf_waiter_try(), shmbuf_waiter_finish() */
inline wake_to_try(p)
{
	add(trying, p);
	add(wakes, p)
}

inline finish(p)
{
	dequeue(p);
	add(wakes, p);
	add(done, p)
}

byte todo;		/* between the parts of what is done under the bucket's lock */
#define NOTHING		0
#define ASK_READERS	1	/* whether any reads: it's in the way */
#define CHOOSE		2	/* who goes on */
#define KEEP_WAITERS	3

/* Of who waits, but for the caller. */
#ifdef VARIANT_FORGET_SLEEPERS
#define others_wait	false
#else
#define others_wait	(first && (!has(trying, first) || crowd))
#endif
#define others_sleep	(first && !has(trying, first))
/* shmbuf_lock_may_pass() */
#define is_queued(p)	(queue[0] == (p) || queue[1] == (p) || queue[2] == (p))
#define may_pass	(!first || queue[0] == me || \
			 (!is_queued(me) && (has(trying, first) || passes)))
#define without_lock	((old & ~WAITERS) | with_waiters(others_wait))

/* The first part of shmbuf_lock_try(). */
inline try_begin()
{
	first = (queue[0] == me -> queue[1] : queue[0]);
	ret = EOWNERDEAD;
	todo = NOTHING;
#if SHARED
	if
	:: reads ->
		lock_share(old, me, live(old), others_sleep, new, ret);
		if
		:: ret == OK && !may_pass && !reads_now(me) -> ret = EBUSY
		:: ret == OK && !(!may_pass && !reads_now(me)) -> reader_grant(me, others_sleep)
		:: else
		fi
	:: else
	fi;
	if
	:: !reads || ret == EOWNERDEAD ->
#endif
		lock_acquire(old, me, live(old), others_wait, new, ret);
#if SHARED
		if
		:: is_locked(ret) && claims && reads_now(me) -> ret = EDEADLK; new = without_lock
		:: is_locked(ret) && claims && !reads_now(me) -> todo = ASK_READERS
		:: else
		fi
	:: else
	fi
#endif
}

/*
 * shmbuf_lock_try(), with the word taken. @stay: the caller goes to sleep on EBUSY, and
 * readers are stopped for it.
 */
inline lock_try(stay)
{
#if SHARED
	if
	:: reads && waiting -> passes = true
	:: passes = false
	fi;
#endif
#if BESIDE
	if
	:: waiting -> crowd = true
	:: crowd = false
	fi;
#endif
	d_step { try_begin() }
#if BESIDE
	crowd = false;
#endif
#if SHARED
	passes = false;
	if
	:: todo == ASK_READERS ->
		if
		:: !(stay) -> readers_any()
		:: else
		fi;
#ifndef VARIANT_UNSTOPPED
		if
		:: !any -> readers_stop()
		:: else
		fi
#else
		d_step { any = any_reads }
#endif
	:: else
	fi;
#endif
	d_step {
#if SHARED
		if
		:: any ->
			first = (queue[0] == me -> queue[1] : queue[0]);
			ret = EBUSY;
			new = without_lock
		:: else
		fi;
		any = false;
		todo = NOTHING;
#endif
		if
		:: ret == EBUSY && (stay) -> new = new | WAITERS
		:: else
		fi;
		put()
	}
}

/* The first part of shmbuf_lock_settle(). */
inline settle_begin()
{
	new = new & ~WAITERS;
	todo = NOTHING;
	if
	:: queue[0] && live(new) -> new = new | WAITERS
	:: queue[0] && !live(new) ->
		todo = CHOOSE;
#if SHARED
		if
		:: !(new & ILL) ->
			readers_admit();
			todo = (queue[0] == 0 -> NOTHING :
				(has(shared, queue[0]) -> KEEP_WAITERS : ASK_READERS))
		:: else
		fi
#endif
	:: else
	fi
}

/*
 * The last part. "patient": the first waiter hasn't waited for too long. "tries", "second":
 * the first tries, and another, shmbuf_lock_try_two(). "keep": WAITERS, as they were moved here.
 */
inline settle_end(undo, patient, tries, second, keep)
{
	first = queue[0];
	if
	:: todo == KEEP_WAITERS -> new = new | WAITERS
	:: todo == CHOOSE && !(new & ILL) && !(undo) && !(patient) && !has(gone, first) ->
		new = new | first | with_waiters(queue[1] != 0);
		finish(first)
	:: todo == CHOOSE && !(!(new & ILL) && !(undo) && !(patient) && !has(gone, first)) ->
		if
		:: (tries) && !has(trying, first) -> wake_to_try(first)
		:: else
		fi;
#if SHARED
		if
		:: !(new & ILL) -> readers_open()
		:: else
		fi;
#endif
		if
		:: (second) && queue[1] && !has(trying, queue[1]) -> wake_to_try(queue[1])
		:: else
		fi;
		if
		:: (keep) -> new = new | WAITERS
		:: else
		fi
	:: else
	fi;
	todo = NOTHING
}

#ifdef VARIANT_CROWD_UNTRIED
#define second_tries	true
#else
#define second_tries	(queue[1] != 0)
#endif
#define nobody_sleeps	(!waiting || has(trying, queue[0]))

/* And that of shmbuf_lock_put_locked(): a writer has gone. */
inline settle_put()
{
#if SHARED
	if
	:: wrote ->
#ifdef VARIANT_OPEN_HANDED_OVER
		readers_go_on(nobody_sleeps && !(new & (OWNER_DIED | NOTRECOVERED)));
#else
		readers_go_on(nobody_sleeps && !(new & ILL));
#endif
		wrote = false
	:: else
	fi;
#endif
	put()
}

/* shmbuf_lock_settle() of "new", and the word put. */
inline settle(undo)
{
	d_step { settle_begin() }
#if SHARED
	if
	:: todo == ASK_READERS ->
		if
#ifdef VARIANT_UNDO_UNSTOPPED
		:: true -> readers_any()
#else
		:: !(undo) -> readers_any()
		:: else
#endif
		fi;
		if
		:: !any -> readers_stop()
		:: else
		fi;
		d_step { todo = (any -> KEEP_WAITERS : CHOOSE); any = false }
	:: else
	fi;
#endif
	/* Whether somebody has waited for too long is anybody's guess, as who was moved here. */
	if
	:: !(undo) && todo == CHOOSE ->
		d_step { settle_end(undo, false, true, false, false); settle_put() }
	:: d_step { settle_end(undo, true, true, false, false); settle_put() }
#if BESIDE
	:: todo == CHOOSE -> d_step { settle_end(undo, true, true, false, true); settle_put() }
	:: !(undo) && todo == CHOOSE ->
		d_step { settle_end(undo, true, true, true, true); settle_put() }
	:: !(undo) && todo == CHOOSE && second_tries ->
		d_step { settle_end(undo, true, false, true, true); settle_put() }
#endif
	fi
}

inline unlock()
{
	bucket = false
}

/* shmbuf_lock_dispatch(), under the bucket's lock. */
inline dispatch()
{
	d_step { take(); new = old }
	settle(true)
}

/* shmbuf_lock_put_locked(), with the word taken. @undo: nobody has seen the lock. */
inline put_locked(undo)
{
	d_step {
		if
		:: undo -> lock_undo(old, me, false, new, result)
		:: else -> lock_release(old, me, 0, false, new, result)
		fi;
#ifdef VARIANT_FORGET_DEATH
		if
		:: result == ENOTRECOVERABLE -> new = 0; result = OK
		:: else
		fi;
#endif
		if
		:: result != EPERM ->
#if SHARED
			wrote = true
#else
			skip
#endif
		:: else ->
#if SHARED
			new = old;
			reader_release(waiting > 0)
#else
			assert(false)
#endif
		fi
	}
	settle(undo)
}

/* shmbuf_lock_put() */
inline lock_put(undo)
{
	lock_and_take();
	UNDER_LOCK {
		put_locked(undo);
		unlock()
	}
	flush()
}

#if SHARED
#define reader_waits	reads
#else
#define reader_waits	false
#endif

/* shmbuf_lock_retry(): "ret" is EBUSY where it sleeps on. @retake: no deadline, either. */
inline lock_retry(retake)
{
	atomic {
		look_for_signal();
		if
		:: !(retake) -> look_for_deadline()
		:: else
		fi;
		why = killed || timed
	}
	atomic {
		!bucket ->
		ret = EBUSY;
		if
		:: has(done, me) ->
			drop(done, me);
			drop(trying, me);
			ret = OK;
#if SHARED
			/* Whoever of a batch of readers is awake lets the next in. */
			why = (reads && queue[0] && has(shared, queue[0]));
			bucket = why
#else
			why = false
#endif
		:: else ->
			bucket = true;
			drop(trying, me);
			look_for_signal();
			if
			:: !killed -> take()
			:: else
			fi
		fi
	}
	if
#if SHARED
	:: ret == OK && why ->
		UNDER_LOCK { dispatch(); unlock() }
		flush()
#endif
	:: ret == EBUSY ->
		UNDER_LOCK {
			if
			:: !killed -> lock_try(!why)
			:: else
			fi;
			if
			:: ret == EBUSY && why -> ret = EINTR
			:: else
			fi;
			if
			:: ret != EBUSY -> d_step { dequeue(me) }
			:: else
			fi;
			if
			:: ret == EBUSY || (is_locked(ret) && !(reader_waits && ret == OK)) ->
				unlock()
			:: else
			fi
		}
		if
		:: ret != EBUSY && !(is_locked(ret) && !(reader_waits && ret == OK)) ->
			/* shmbuf_lock_leave(): somebody else must get the chance it had. */
#ifndef VARIANT_NO_PASS_ON
			UNDER_LOCK { dispatch(); unlock() }
#else
			unlock();
#endif
		:: else
		fi;
		flush()
	:: else
	fi
}

/* Sleep and look, until "ret" isn't EBUSY. The first time it may look at once. */
inline lock_wait(at_once, retake)
{
	do
	:: ret == EBUSY ->
		if
		:: at_once -> at_once = false
		:: else -> sleep_unless(has(done, me) || has(trying, me), !(retake))
		fi;
		lock_retry(retake)
	:: else -> break
	od
}

/* The LOCK ioctl: shmbuf_lock_acquire_by(). */
inline ioctl_lock()
{
	lock_and_take();
	UNDER_LOCK { lock_try(false); unlock() }
	flush();
	if
	:: ret == EBUSY ->
		/* shmbuf_lock_sleep() */
		lock_and_take();
		UNDER_LOCK {
#ifdef VARIANT_BLIND_ENQUEUE
			d_step { new = old | WAITERS; put() }
#else
			lock_try(true);
#endif
			d_step {
				if
				:: ret == EBUSY -> enqueue(me)
				:: else
				fi;
				unlock()
			}
		}
		flush();
#ifndef VARIANT_BLIND_ENQUEUE
		at_once = (ret == EBUSY && !reader_waits && !live(word));
#endif
		lock_wait(at_once, false)
	:: else
	fi;
	at_once = false;
	atomic { timed = false; why = false; look_for_signal() }
#ifndef VARIANT_NO_UNDO
	/* Who never gets to see the lock doesn't die as its holder. */
	if
	:: is_locked(ret) && killed -> lock_put(true); ret = EINTR
	:: else
	fi
#endif
}

inline ioctl_consistent()
{
	lock_and_take();
	d_step {
		lock_consistent(old, me, old & WAITERS, new, result);
		assert(result == OK);
		put();
		unlock()
	}
}

/* shmbuf_sweep() of the lock: shmbuf_lock_look_after() */
inline lock_sweep()
{
	d_step {
		!bucket ->
		bucket = true;
		if
		:: waiting -> take(); new = old
		:: else
		fi
	}
	if
	:: waiting ->
		UNDER_LOCK {
			settle(true);
			d_step {
				at = 0;
				do
				:: queue[at] && has(trying, queue[at]) -> at++
				:: else -> break
				od;
				first = queue[at];
				at = 0;
				if
				:: (!(word & WAITERS) || has(trying, queue[0])) && first && !wakes ->
					wake_to_try(first)
				:: else
				fi;
				unlock()
			}
		}
	:: else -> unlock()
	fi;
	flush()
}

/* shmbuf_locks_bury() */
inline lock_bury()
{
	if
	:: lock_owner(word) && !live(word) ->
		lock_and_take();
		d_step {
			lock_owner_died(old, false, new, result);
			if
			:: live(old) || !result -> new = old; put()
			:: else ->
				put();
				if
				:: queue[0] && !has(trying, queue[0]) -> wake_to_try(queue[0])
				:: else
				fi
			fi;
			unlock()
		}
		flush()
	:: else
	fi
}
