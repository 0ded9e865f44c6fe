/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that take a unit of one semaphore and give it back, with UNDO or without, and
 * die: module/sem.c, claim.c, userspace/lib/sem.c.
 *
 * At each step a unit is in the count, in a claim, or out with somebody; what dies with a
 * process is no more than the units that it had without UNDO and had seen. Whoever lives
 * comes to his end, unless all units went that way.
 */
#ifndef OPS
#define OPS	1
#endif
#ifndef UNITS
#define UNITS	1
#endif

#include "word.pml"
#include "wait.pml"

#define EINTR		8

byte word = sem_word(UNITS, UNITS, false);
bool bucket;		/* its bucket's lock is held. All to the next gap is its holder's. */
byte old;		/* the word as it was taken */
byte new;		/* and as it is to be put */
byte queue[N + 1];
byte waiting;
byte trying;		/* waiter->trying */
bool patient;		/* who waits hasn't waited for too long: anybody's guess */
byte undo;		/* who of them has an owner, waiter->owner */
byte claims[N + 1];	/* units on record for each process */

byte out;		/* units without UNDO that aren't in the count */
byte has_plain;		/* who has seen one of them */
byte lent;		/* of these, how many died */

/* No part of the state: for use within one d_step. */
hidden byte first, at, next, result, less, units_left;

#define all_units	(sem_word_count(new) + claims[1] + claims[2] + claims[3] + out)

inline guess()
{
	if
	:: waiting -> patient = true
	:: patient = false
	fi
}

/* shmbuf_sem_word_take() */
inline take()
{
	old = word;
	word = word | WAITERS;
	new = old
}

inline lock_and_take()
{
	atomic {
		!bucket ->
		bucket = true;
		take();
		guess()
	}
}

/* What keeps user space from the word. */
#ifdef VARIANT_FORGET_SLEEPERS
#define sleeping	(waiting == 1 && !has(trying, queue[0]))
#else
#define sleeping	(waiting && !has(trying, queue[0]))
#endif

/* shmbuf_sem_put() */
inline put()
{
	assert(all_units == UNITS);
	word = (new & ~WAITERS) | with_waiters(sleeping);
	patient = false;
	old = 0;
	new = 0
}

inline unlock()
{
	bucket = false
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

/* A unit is taken for @p. */
inline record(p)
{
	if
	:: has(undo, p) -> claims[p]++
	:: else -> out++
	fi
}

/* shmbuf_sem_grant() of a unit to "first" */
inline grant()
{
	sem_take(new, false, less, result);
	new = less;
	record(first);
	dequeue(first);
	drop(trying, first);
	add(wakes, first);
	add(done, first)
}

/*
 * shmbuf_sem_serve(): one of those who wait for each unit. "next" walks along the queue, where
 * who is granted one stands no more.
 */
inline serve(all)
{
	units_left = sem_word_count(new);
	next = 0;
	do
	:: units_left && queue[next] ->
		first = queue[next];
		units_left--;
		if
		:: (all) || (!has(trying, first) && !patient) -> grant()
		:: !((all) || (!has(trying, first) && !patient)) ->
			next++;
			if
			:: !has(trying, first) -> add(trying, first); add(wakes, first)
			:: else
			fi
		fi
	:: else -> break
	od;
	next = 0
}

/* shmbuf_sem_add() */
inline give(units)
{
	sem_give(new, units, false, less, result);
	if
	:: result != OK ->
		serve(true);
		sem_give(new, units, false, less, result)
	:: else
	fi;
	new = less;
	assert(result == OK)
}

/* shmbuf_sem_enter(). @stay: among those who wait, after EBUSY. */
inline enter(stay)
{
	lock_and_take();
	d_step {
		serve(false);
#ifdef VARIANT_BLIND_ENQUEUE
		ret = EBUSY;
		if
		:: !(stay) ->
			sem_take(new, false, less, ret)
		:: else
		fi;
#else
		sem_take(new, false, less, ret);
#endif
		if
		:: ret == OK -> new = less; record(me)
		:: ret == EBUSY && (stay) -> enqueue(me)
		:: else
		fi;
		put();
		unlock()
	}
	flush()
}

/* shmbuf_sem_give_one(), of who is in "undo" or isn't. */
inline give_one()
{
	lock_and_take();
	d_step {
		assert(!has(undo, me) || claims[me]);
		give(1);
		if
		:: has(undo, me) -> claims[me]--
		:: else -> out--
		fi;
		serve(false);
		put();
		unlock()
	}
	flush()
}

/* shmbuf_sem_try_again() */
inline try_again()
{
	drop(trying, me);
	sem_take(new, false, less, ret);
	if
	:: ret == OK -> new = less; record(me); dequeue(me)
	:: else
	fi
}

/* shmbuf_waiter_wait(), shmbuf_sem_look() */
inline wait()
{
	do
	:: ret == EBUSY ->
		sleep_unless(has(done, me) || has(trying, me), true);
		atomic { look_for_signal(); look_for_deadline() }
		atomic {
			!bucket ->
			bucket = true;
			if
			:: has(done, me) -> drop(done, me); ret = OK
			:: else -> take(); guess()
			fi
		}
		d_step {
			if
			:: ret == EBUSY ->
				if
				:: has(trying, me) -> try_again()
				:: else
				fi;
				if
				:: ret == EBUSY && (killed || timed) ->
					ret = EINTR;
					dequeue(me)
				:: else
				fi;
				serve(false);
				put()
			:: else
			fi;
			unlock()
		}
		flush()
	:: else -> break
	od
}

/* The SEM_WAIT ioctl */
inline ioctl_down()
{
	enter(false);
	if
	:: ret == EBUSY ->
		enter(true);
		wait()
	:: else
	fi;
	atomic { timed = false; look_for_signal() }
#ifndef VARIANT_DYING_WAITER
	if
	:: ret == OK && killed -> give_one(); ret = EINTR
	:: else
	fi
#endif
}

inline lib_down()
{
	if
	:: d_step { !has(undo, me) && word != 0 && sem_word_is_quiet(word) && sem_word_count(word) > 0 ->
			sem_user_down(word, less, result);
			word = less;
			out++;
			ret = OK
		}
#ifdef VARIANT_FAST_UNDO
	:: d_step { has(undo, me) && sem_word_is_quiet(word) && sem_word_count(word) > 0 ->
			sem_user_down(word, less, result);
			word = less;
			out++;
			ret = OK
		};
		/* And now the record, if it comes to that. */
		if
		:: d_step { may_die -> be_killed() }
		:: d_step { claims[me]++; out-- }
		fi
#endif
	:: ioctl_down()
	fi
}

inline lib_up()
{
	if
#if defined VARIANT_BLIND_UP
	:: !has(undo, me) ->
		d_step { word = word + 1; out--; drop(has_plain, me) }
		if
		:: word & WAITERS ->
			lock_and_take();
			d_step { serve(false); put(); unlock() }
			flush()
		:: else
		fi
#elif defined VARIANT_PLAIN_STORE
	:: atomic { !has(undo, me) && sem_word_is_quiet(word) -> ret = word };
		d_step { word = ret + 1; out--; drop(has_plain, me) }
#else
	:: d_step { !has(undo, me) && sem_word_is_quiet(word) && sem_word_count(word) < sem_word_most(word) ->
			sem_user_up(word, less, result);
			word = less;
			out--;
			drop(has_plain, me)
		}
#endif
	:: drop(has_plain, me);
		give_one()
	fi
}

/* shmbuf_sem_sweep() */
inline sem_sweep()
{
	atomic {
		!bucket ->
		bucket = true;
		if
		:: waiting -> take(); guess()
		:: else
		fi
	}
	d_step {
		if
		:: waiting -> serve(false); put()
		:: else
		fi;
		unlock()
	}
	flush()
}

/* shmbuf_claims_bury(), of @p */
inline claim_bury(p)
{
	if
	:: claims[p] ->
		lock_and_take();
		d_step {
			give(claims[p]);
			claims[p] = 0;
#ifndef VARIANT_BURY_UNSERVED
			serve(false);
#endif
			put();
			unlock()
		}
		flush()
	:: else
	fi
}

inline die()
{
	d_step {
		lent = lent + has(has_plain, me);
		drop(has_plain, me);
		drop(undo, me);
		ret = 0;
		drop(alive, me);
		add(gone, me)
	}
	sem_sweep();
	claim_bury(me)
}

active [N] proctype process()
{
	CALL_LOCALS;
	byte ops;

	do
	:: ops == OPS || killed -> break
	:: d_step { ops < OPS && !killed && may_die -> be_killed() }
	:: ops < OPS && !killed ->
		ops++;
		if
		:: add(undo, me)
		:: skip
		fi;
		lib_down();
		d_step {
			if
			:: ret == OK && !killed && !has(undo, me) -> add(has_plain, me)
			:: else
			fi
		}
		if
		:: killed || ret != OK
		:: d_step { ret == OK && !killed && may_die -> be_killed() }
		:: ret == OK && !killed -> lib_up()
		fi;
		d_step { drop(undo, me); ret = 0 }
	od;
	if
	:: killed -> die()
	:: else
	fi;
	d_step { killed = false; ops = 0; add(finished, me) }
}

inline check()
{
	sem_sweep()
}

inline at_the_end()
{
	assert(out == lent);
	assert(!(claims[1] + claims[2] + claims[3]));
	assert(finished != ALL || (!waiting && word == sem_word(UNITS, UNITS - lent, false)))
}

#define may_stay	(finished == ALL || lent == UNITS)
#include "monitor.pml"
