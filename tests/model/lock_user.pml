/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who takes a lock and gives it back: userspace/lib/lock.c and contended.c; how a holder dies;
 * and what must be true of it. Nobody holds the lock beside another who is alive. Of each
 * death with the lock the next holder is told, once, and of nothing else; a lock that nobody
 * repaired is never had again. Who never saw the lock doesn't die as its holder.
 */
#ifndef SILENT
#define SILENT	0	/* deaths that nobody tells of: threads by the raw exit call */
#endif

byte holder;		/* between a lock's return and its unlock */
bool untold;		/* somebody died with the lock, and nobody knows */
bool lost;		/* unlocked without a repair */

/* @me has the lock, and is back in user space. */
inline enter()
{
	assert(!holder || !has(alive, holder));
#if SHARED
	assert(!(reading & alive));
#endif
	assert(untold == (ret == EOWNERDEAD));
	assert(!lost);
	untold = false;
	holder = me
}

inline leave()
{
	holder = 0
}

inline die()
{
	d_step {
		if
		:: lock_owner(word) == me ->
			/* Without having seen it, it can't. */
			assert(holder == me && !untold);
			untold = true;
			holder = 0
		:: else -> assert(holder != me)
		fi;
		ret = 0;
		drop(alive, me)
	}
	if
	:: SILENT
	:: !SILENT ->
		/* mmu_notifier: shmbuf_process_release() */
		add(gone, me);
#ifndef VARIANT_NO_SWEEP
		lock_sweep();
#endif
#if SHARED
		reader_bury();
#endif
		/* A moment later: shmbuf_owners_reap() */
		lock_bury()
	fi
}

/* shmbuf_lock(), as far as the word; the library goes to the kernel if that fails, and may anyway. */
inline lib_lock()
{
	if
	:: d_step { word == 0 -> lock_user_acquire(0, me, word, result); ret = OK; enter() }
	:: ioctl_lock();
		atomic {
			if
			:: is_locked(ret) && !killed -> enter()
			:: else -> assert(ret == EINTR || (ret == ENOTRECOVERABLE && lost) || killed)
			fi
		}
	fi
}

inline lib_unlock()
{
#if defined VARIANT_EXCHANGE
	d_step { leave(); ret = word; word = 0 }
	if
	:: d_step { (ret & ~me) && may_die -> be_killed() }
	:: (ret & ~me) ->
		d_step { !bucket -> bucket = true }
		UNDER_LOCK { dispatch(); unlock() }
		flush()
	:: !(ret & ~me)
	fi
#elif defined VARIANT_PLAIN_STORE
	if
	:: atomic { word == me -> leave() };
		word = 0
	:: leave(); lock_put(false)
	fi
#else
	if
	:: d_step { word == me -> leave(); lock_user_release(me, me, word, result) }
	:: leave(); lock_put(false)
	fi
#endif
}
