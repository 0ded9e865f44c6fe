/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that sleep, are woken, run out of time and die. Whatever is a set of
 * processes is a mask by their number, which is their owner id as well: 1 to N.
 *
 * DEATHS and TIMEOUTS bound how many there are in all. A process in user space may die
 * at any step. A process in a call of the kernel dies when that returns: what it does until
 * then differs by whether it has seen the signal, so that comes where it is looked for.
 */
#ifndef N
#define N	3
#endif
#ifndef DEATHS
#define DEATHS	1
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef CHECK
#define CHECK	0	/* the periodic check of sweep.c */
#endif
#ifndef CHECKS
#define CHECKS	1	/* so often at any time, and whenever nobody can go on */
#endif

#define bit(p)			(1 << (p))
#define has(set, p)		(((set) >> (p)) & 1)
#define add(set, p)		set = (set) | bit(p)
#define drop(set, p)		set = (set) & ~bit(p)
#define ALL			(bit(N + 1) - 2)

#define me			(_pid + 1)

byte alive = ALL;	/* as shmbuf_owner_lives() sees it */
byte gone;		/* owner->dead: from here the death is being cleaned up */
byte finished;		/* all done, or dead and buried */
byte asleep;
byte done;		/* waiter->done */
byte deaths, timeouts;

#define may_die		(deaths < DEATHS)
#define be_killed()	killed = true; deaths++

/* Locals of each proctype that makes calls. */
#define CALL_LOCALS	byte ret; byte wakes; bool killed; bool timed; bool why

/* Has a fatal signal come by now? Once it has, it stays. */
inline look_for_signal()
{
	if
	:: d_step { !killed && may_die -> be_killed() }
	:: true
	fi
}

inline look_for_deadline()
{
	if
	:: d_step { !timed && timeouts < TIMEOUTS -> timed = true; timeouts++ }
	:: true
	fi
}

/* shmbuf_wakeups_flush(): the bucket's lock is dropped by now. */
inline flush()
{
	if
	:: wakes -> d_step { asleep = asleep & ~wakes; wakes = 0 }
	:: else
	fi
}

/*
 * Until somebody wakes it, or it has a reason of its own. "chosen" is what it looks at,
 * "timely" whether there is a deadline.
 */
inline sleep_unless(chosen, timely)
{
	atomic {
		if
		:: !killed && !timed && !(chosen) -> add(asleep, me)
		:: else
		fi
	}
	atomic {
		if
		:: !has(asleep, me)
		:: has(asleep, me) && may_die -> be_killed(); drop(asleep, me)
		:: has(asleep, me) && (timely) && timeouts < TIMEOUTS -> timed = true; timeouts++;
			drop(asleep, me)
		fi
	}
}
