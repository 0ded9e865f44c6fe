/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks when nobody can go on: then all must have come to their end (may_stay). With CHECK=1 the
 * periodic check runs now and then, and whenever nobody can go on.
 */
active proctype monitor()
{
	byte wakes, checks, before;

	do
	:: CHECK && checks < CHECKS -> checks++; check()
	:: timeout ->
		assert(!bucket);
		if
		:: CHECK ->
			before = asleep;
			check();
			if
			:: asleep != before
			:: else -> break
			fi
		:: else -> break
		fi
	od;
	assert(may_stay);
	at_the_end()
}
