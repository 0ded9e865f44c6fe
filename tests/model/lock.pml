/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that take one lock and give it back, in user space where they can, and die.
 * Beside what lock_user.pml wants: whoever lives comes to his end, and then the word has
 * neither owner nor waiters.
 */
#ifndef OPS
#define OPS	2
#endif
#include "word.pml"
#include "wait.pml"
#include "lock_calls.pml"
#include "lock_user.pml"

active [N] proctype process()
{
	CALL_LOCALS;
	bool at_once;
	byte ops;

	do
	:: ops == OPS || killed -> break
	:: d_step { ops < OPS && !killed && may_die -> be_killed() }
	:: ops < OPS && !killed ->
		ops++;
		lib_lock();
		if
		:: killed || !is_locked(ret)
		:: d_step { is_locked(ret) && !killed && may_die -> be_killed() }
		:: is_locked(ret) && !killed ->
			if
			:: ret == EOWNERDEAD -> ioctl_consistent()
			:: ret == EOWNERDEAD -> lost = true
			:: ret != EOWNERDEAD
			fi;
			lib_unlock()
		fi;
		ret = 0
	od;
	if
	:: killed -> die()
	:: else
	fi;
	d_step { killed = false; ops = 0; add(finished, me) }
}

inline check()
{
	byte p;

	for (p : 1 .. N) {
		if
		:: !has(alive, p) -> add(gone, p)
		:: else
		fi
	}
	lock_bury();
	lock_sweep()
}

inline at_the_end()
{
	assert(!waiting && !(word & WAITERS) && !live(word))
}

#define may_stay	(finished == ALL)
#include "monitor.pml"
