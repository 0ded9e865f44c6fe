/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A condition: who wants a token waits on a queue for one, with the lock given up; who makes
 * one wakes somebody. module/queue.c, condition.c, userspace/lib/queue.c.
 *
 * Beside what lock_user.pml wants: nobody sleeps on while there is a token that a wake has
 * told of. Whom the wake chose may die: then another is chosen, unless the call had already
 * returned to him with the lock (then that lock's EOWNERDEAD speaks, which a sleeper
 * doesn't hear). Of three processes the last makes the tokens.
 */
#ifndef TOKENS
#define TOKENS	1
#endif
#ifndef WAKE_ALL
#define WAKE_ALL	0
#endif
#ifndef QUEUE_FIRST
#define QUEUE_FIRST	1	/* which bucket has the lower address */
#endif

#define BESIDE	1

#include "word.pml"
#include "wait.pml"
#include "lock_calls.pml"
#include "lock_user.pml"

byte queue_word_now;	/* the queue's */
bool queue_bucket;	/* its bucket's lock is held. All to the next gap is its holder's. */
byte sleepers[N + 1];
byte sleeping;		/* how many */
byte moved;		/* waiter->moved */
byte expected[N + 1], sequence[N + 1];
byte count;		/* to be woken */
byte next;		/* who is woken now */
bool moves;

byte tokens;		/* under the lock */
byte unannounced;	/* of them, those that no wake has told of yet */
byte excused;		/* chosen, returned and dead before they took one */

#define is_sleeping(p)	(sleepers[0] == (p) || sleepers[1] == (p) || sleepers[2] == (p))
/* shmbuf_sequence_before() */
#define before(a, b)	((((b) - (a) - 1) & SEQUENCE_MASK) < (SEQUENCE_MASK >> 1))

inline queue_unlock()
{
	queue_bucket = false
}

inline fall_asleep(p)
{
	sleepers[sleeping] = p;
	sleeping++
}

inline queue_remove(p)
{
	at = 0;
	do
	:: sleepers[at] == p -> break
	:: else -> at++
	od;
	do
	:: at < N -> sleepers[at] = sleepers[at + 1]; at++
	:: else -> break
	od;
	sleeping--;
	at = 0
}

/* shmbuf_queue_look_after(); taking and putting are one, as nobody can step between. */
inline queue_look_after()
{
	queue_word_now = queue_word(queue_word_now, sleeping > 0)
}

/* shmbuf_condition_enter(): "ret" is 1 where it sleeps, and the lock is given up. */
inline condition_enter()
{
#ifdef VARIANT_BLIND_ENQUEUE
	lock_and_take();
	UNDER_LOCK { put_locked(false); unlock() }
	flush();
	d_step {
		!queue_bucket ->
		fall_asleep(me);
		queue_look_after();
		ret = 1
	}
#else
#if QUEUE_FIRST
	d_step { !queue_bucket -> queue_bucket = true }
	d_step { !bucket -> bucket = true; queue_word_now = queue_word_now | WAITERS }
#else
	d_step { !bucket -> bucket = true }
	d_step { !queue_bucket -> queue_bucket = true; queue_word_now = queue_word_now | WAITERS }
#endif
	d_step {
		ret = ((queue_word_now & SEQUENCE_MASK) == expected[me] -> 1 : 0);
		if
		:: ret -> fall_asleep(me)
		:: else
		fi;
		queue_look_after()
	}
	/* shmbuf_lock_check() */
	d_step { take() }
	d_step { assert(lock_is_sound(old, me)); new = old; put() }
	UNDER_LOCK {
		if
		:: ret -> d_step { take() }; put_locked(false)
		:: else
		fi;
		unlock();
		queue_unlock()
	}
	flush()
#endif
}

/* shmbuf_condition_enter_released(), with the lock given up already */
inline condition_enter_released()
{
	d_step {
		!queue_bucket ->
		ret = ((queue_word_now & SEQUENCE_MASK) == expected[me] -> 1 : 0);
		if
		:: ret -> fall_asleep(me)
		:: else
		fi;
		queue_look_after()
	}
}

/* shmbuf_condition_sleep(), _leave(): "timed" or "killed" stay where that was the reason. */
inline condition_sleep()
{
	ret = EBUSY;
	do
	:: ret == EBUSY ->
		sleep_unless(has(done, me) || has(moved, me), true);
		atomic { look_for_signal(); look_for_deadline() }
		if
		:: d_step { has(done, me) || has(moved, me) -> ret = OK }
		:: d_step {
				!has(done, me) && !has(moved, me) && (killed || timed) && !queue_bucket ->
				ret = EINTR;
				queue_remove(me);
				queue_look_after()
			}
		fi
	:: else -> break
	od
}

/* shmbuf_condition_retake(), after "chosen" or not. */
inline condition_retake()
{
	if
	:: has(moved, me) -> atomic { drop(moved, me); ret = EBUSY; at_once = true }
	:: else ->
		d_step { drop(done, me); at_once = true }
		lock_and_take();
		UNDER_LOCK {
			lock_try(true);
			d_step {
				if
				:: ret == EBUSY -> enqueue(me)
				:: else
				fi;
				unlock()
			}
		}
		flush()
	fi;
	lock_wait(at_once, true);
	atomic { at_once = false; why = false; look_for_signal() }
	if
	:: is_locked(ret) && killed -> lock_put(true); ret = EINTR
	:: else
	fi
}

/* shmbuf_condition_move() of "next": it "moves" where both bucket locks could be had. */
inline condition_move()
{
	/* shmbuf_bucket_lock_other() */
#if QUEUE_FIRST
	d_step { !bucket -> bucket = true; moves = true }
#else
	d_step { moves = !bucket; bucket = true }
#endif
	if
	:: moves ->
		UNDER_LOCK {
			d_step { queue_remove(next); enqueue(next) }
#ifndef VARIANT_MOVE_UNSETTLED
			/* shmbuf_lock_moved() */
			d_step { take(); new = old };
			settle(true);
			if
			:: d_step { !live(word) && !has(trying, next) -> wake_to_try(next) }
			:: true
			fi;
#endif
			d_step { add(moved, next); unlock() }
		}
	:: else
	fi
}

/* shmbuf_queue_wake_batch(): of those who went to sleep before @by. */
inline queue_wake_batch(by)
{
	do
	:: count && sleepers[0] && before(expected[sleepers[0]], by) ->
		d_step { next = sleepers[0]; sequence[next] = by; count-- }
		condition_move();
		d_step {
			if
			:: !moves ->
				queue_remove(next);
				add(wakes, next);
				add(done, next)
			:: else
			fi;
			next = 0;
			moves = false
		}
	:: !(count && sleepers[0] && before(expected[sleepers[0]], by)) -> break
	od;
	count = 0
}

/* The WAKE ioctl: shmbuf_queue_wake_once() */
inline ioctl_wake()
{
	d_step {
		!queue_bucket ->
		queue_bucket = true;
		queue_wake(queue_word_now, true, result, ret);
		queue_word_now = result;
		unannounced = 0;
		count = (WAKE_ALL -> N : 1)
	}
	queue_wake_batch(queue_word_now & SEQUENCE_MASK);
	d_step { queue_look_after(); queue_unlock() }
	flush();
	ret = 0
}

/* shmbuf_queue_pass_on() */
inline queue_pass_on()
{
	d_step { !queue_bucket -> queue_bucket = true; count = 1 }
	queue_wake_batch(sequence[me]);
	d_step { queue_look_after(); queue_unlock() }
	flush()
}

/* shmbuf_wait_locked(): "chosen" by a wake, or not. */
inline lib_wait_locked()
{
	expected[me] = queue_word_now & SEQUENCE_MASK;
	if
	:: d_step {
			word == me ->
			leave();
			lock_user_release(me, me, word, result);
			chosen = false;
			released = true
		};
		if
		:: d_step { may_die -> be_killed(); ret = EINTR }
#ifdef VARIANT_LATE_SEQUENCE
		:: expected[me] = queue_word_now & SEQUENCE_MASK; condition_enter_released()
#else
		:: condition_enter_released()
#endif
		fi
	:: d_step { leave(); chosen = false; released = false }
		condition_enter()
	fi;
	if
	:: killed
	:: !killed && (ret || released) ->
		if
		:: ret ->
			condition_sleep();
			atomic { chosen = (ret == OK); expired = timed; timed = false }
		:: else
		fi;
		condition_retake();
		if
		:: !is_locked(ret) && chosen ->
#ifndef VARIANT_DYING_WAITER
			queue_pass_on()
#else
			skip
#endif
		:: else
		fi
	:: else
	fi;
	d_step {
		expected[me] = 0;
		sequence[me] = 0;
		released = false;
		if
		:: is_locked(ret) -> enter()
		:: else -> assert(killed); chosen = false
		fi
	}
}

inline lib_wake()
{
	if
#if defined VARIANT_EXCHANGE
	:: d_step {
			unannounced = 0;
			queue_word_now = (queue_word_now & WAITERS) | queue_word(queue_word_now + 1, false)
		};
		if
		:: d_step { may_die -> be_killed() }
		:: ioctl_wake()
		fi
#elif defined VARIANT_PLAIN_STORE
	:: atomic { queue_word_is_quiet(queue_word_now) -> ret = queue_word_now + 1 };
		d_step { unannounced = 0; queue_word_now = ret & SEQUENCE_MASK; ret = 0 }
#else
	:: d_step {
			queue_word_is_quiet(queue_word_now) ->
			queue_user_wake(queue_word_now, result, ret);
			queue_word_now = result;
			unannounced = 0;
			ret = 0
		}
#endif
	:: ioctl_wake()
	fi
}

inline repair()
{
	if
	:: ret == EOWNERDEAD -> ioctl_consistent()
	:: else
	fi;
	ret = 0
}

active [N - 1] proctype taker()
{
	CALL_LOCALS;
	bool at_once, chosen, expired, released;

	lib_lock();
	do
	:: killed || !is_locked(ret) -> break
	:: d_step { !killed && is_locked(ret) && may_die -> be_killed() }
	:: !killed && is_locked(ret) ->
		repair();
		if
		:: d_step { may_die -> be_killed() }
		:: d_step { tokens -> tokens--; chosen = false }
			lib_unlock();
			break
		:: !tokens && expired ->
			lib_unlock();
			break
		:: !tokens && !expired -> lib_wait_locked()
		fi
	od;
	if
	:: killed ->
		excused = excused + chosen;
		die()
	:: else
	fi;
	d_step { killed = false; chosen = false; expired = false; ret = 0; add(finished, me) }
}

active proctype maker()
{
	CALL_LOCALS;
	bool at_once;
	byte made;

	do
	:: made == TOKENS || killed -> break
	:: d_step { made < TOKENS && !killed && may_die -> be_killed() }
	:: made < TOKENS && !killed ->
		made++;
		lib_lock();
		if
		:: killed -> break
		:: !killed && !is_locked(ret)
		:: !killed && is_locked(ret) ->
			repair();
			if
			:: d_step { may_die -> be_killed() }
			:: d_step { tokens++; unannounced++ }
				if
				:: lib_wake(); if :: !killed -> lib_unlock() :: else fi
				:: lib_unlock();
					if
					:: d_step { may_die -> be_killed() }
					:: lib_wake()
					fi
				:: d_step { may_die -> be_killed() }
				fi
			fi
		fi
	od;
	if
	:: killed -> die()
	:: else
	fi;
	d_step { killed = false; made = 0; ret = 0; add(finished, me) }
}

inline check()
{
	lock_bury();
	lock_sweep()
}

inline at_the_end()
{
	assert(!queue_bucket && !waiting && !(word & WAITERS) && !live(word));
	assert((queue_word_now & WAITERS) == with_waiters(sleeping > 0))
}

#define may_sleep(p)	(has(finished, p) || (is_sleeping(p) && tokens <= unannounced + excused))
#define may_stay	(may_sleep(1) && may_sleep(2) && has(finished, N))
#include "monitor.pml"
