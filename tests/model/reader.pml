/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that take one lock to read or to write, each reader counting in a row of its own,
 * and die. Beside what lock_user.pml wants: nobody reads beside a writer who is alive, a
 * dead reader is in nobody's way and nobody is told of it, and whoever lives comes to
 * his end.
 */
#ifndef OPS
#define OPS	1
#endif
#ifndef RECURSE
#define RECURSE	0	/* who reads may read once more */
#endif
#ifndef DOWNGRADE
#define DOWNGRADE 0	/* who writes may go on as a reader */
#endif
#define SHARED	1

#include "word.pml"
#include "wait.pml"

byte reading;		/* between a read lock's return and its unlock */

#include "lock_calls.pml"
#include "lock_user.pml"

inline enter_read()
{
	assert(!holder || !has(alive, holder));
	assert(!untold && !lost);
	add(reading, me)
}

/* shmbuf_rdlock(): shmbuf_fast_count() or the kernel, which may make a writer of it. */
inline lib_rdlock()
{
	if
	:: d_step {
			row_is(entry[me], 0) && !(entry[me] & ROW_REVOKED) ->
			row_user_acquire(entry[me], 0, row, result);
			entry[me] = row;
			ret = OK;
			enter_read()
		}
	:: add(shared, me);
		ioctl_lock();
		d_step {
			drop(shared, me);
			if
			:: ret == OK && !killed -> enter_read()
			:: ret == EOWNERDEAD && !killed -> enter()
			:: else -> assert(killed || ret == EINTR || (ret == ENOTRECOVERABLE && lost))
			fi
		}
	fi
}

/* What is left of shmbuf_unlock() for who reads. */
inline lib_rdunlock()
{
	if
	:: depth == 1 -> drop(reading, me)
	:: else
	fi;
	if
#ifdef VARIANT_PLAIN_STORE
	:: atomic { row_count(entry[me]) && !(entry[me] & ROW_REVOKED) -> ret = entry[me] };
		d_step { entry[me] = ret - 1; ret = 0 }
#else
	:: d_step {
			row_count(entry[me]) && !(entry[me] & ROW_REVOKED) ->
			row_user_release(entry[me], 0, row, result);
			assert(result);
			entry[me] = row
		}
#endif
	:: lock_put(false)
	fi;
	depth--
}

/* The DOWNGRADE ioctl: shmbuf_lock_turn() */
inline ioctl_downgrade()
{
	d_step { leave(); add(reading, me) }
	lock_and_take();
	UNDER_LOCK { d_step {
		lock_downgrade(old, me, old & WAITERS, new, result);
		assert(result == OK);
		reader_grant(me, waiting > 0)
	};
	settle(false);
	unlock() }
	flush()
}

active [N] proctype process()
{
	CALL_LOCALS;
	bool at_once, again;
	byte ops, depth;

	do
	:: killed || (ops == OPS && !depth) -> break
	:: d_step { !killed && (ops < OPS || depth) && may_die -> be_killed() }
	:: !killed && depth -> lib_rdunlock()
	:: !killed && RECURSE && depth == 1 && !again ->
		again = true;
		lib_rdlock();
		if
		:: ret == OK && !killed -> depth++
		:: else -> assert(killed || ret == EINTR)
		fi
	:: !killed && ops < OPS && !depth ->
		ops++;
		again = false;
		if
		:: lib_rdlock();
			if
			:: ret == OK && !killed -> depth = 1
			:: else
			fi
		:: lib_lock()
		fi;
		if
		:: holder != me || killed
		:: d_step { holder == me && !killed && may_die -> be_killed() }
		:: holder == me && !killed ->
			if
			:: ret == EOWNERDEAD -> ioctl_consistent()
			:: ret == EOWNERDEAD -> lost = true
			:: ret != EOWNERDEAD
			fi;
			if
			:: DOWNGRADE && !lost -> ioctl_downgrade(); depth = 1
			:: lib_unlock()
			fi
		fi;
		ret = 0
	od;
	if
	:: killed -> die()
	:: else
	fi;
	d_step { killed = false; ops = 0; depth = 0; again = false; ret = 0; add(finished, me) }
}

inline check()
{
	lock_bury();
	lock_sweep()
}

inline at_the_end()
{
	assert(!waiting && !(word & WAITERS) && !live(word));
	assert(!(reading & alive));
	assert(!reads_now(1) && !reads_now(2) && !reads_now(3))
}

#define may_stay	(finished == ALL)
#include "monitor.pml"
