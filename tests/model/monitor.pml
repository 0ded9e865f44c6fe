/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks when nobody can go on: whoever lives must have come to his end. With CHECK=1 the
 * periodic check runs now and then, and whenever nobody can go on.
 */
active proctype monitor()
{
	byte wakes, checks, before;

	do
	:: CHECK && checks < CHECKS -> checks++; check()
	:: timeout ->
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
	assert(finished == ALL);
	at_the_end()
}
