/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prints each step of word.pml, taken from each word with each argument, as
 * "STEP WORD ARGUMENTS... RESULT NEW". compare.c prints the same of the C functions.
 */
#include "word.pml"

short old;
byte new, ret, id, next, alive, waiters, units, index;

inline lock_steps_by()
{
	for (alive : 0 .. 1) {
		lock_acquire(old, id, alive, waiters, new, ret);
		printf("lock_acquire %d %d %d %d: %d %d\n", old, id, alive, waiters, ret, new);
		lock_share(old, id, alive, waiters, new, ret);
		printf("lock_share %d %d %d %d: %d %d\n", old, id, alive, waiters, ret, new)
	}
	for (next : 0 .. 1) {
		lock_release(old, id, 3 * next, waiters, new, ret);
		printf("lock_release %d %d %d %d: %d %d\n", old, id, 3 * next, waiters, ret, new)
	}
	lock_undo(old, id, waiters, new, ret);
	printf("lock_undo %d %d %d: %d %d\n", old, id, waiters, ret, new);
	lock_consistent(old, id, waiters, new, ret);
	printf("lock_consistent %d %d %d: %d %d\n", old, id, waiters, ret, new);
	lock_downgrade(old, id, waiters, new, ret);
	printf("lock_downgrade %d %d %d: %d %d\n", old, id, waiters, ret, new);
	lock_owner_died(old, waiters, new, ret);
	printf("lock_owner_died %d %d: %d %d\n", old, waiters, ret, new)
}

inline lock_steps()
{
	for (id : 1 .. 2) {
		lock_user_acquire(old, id, new, ret);
		printf("lock_user_acquire %d %d: %d %d\n", old, id, ret, new);
		lock_user_release(old, id, new, ret);
		printf("lock_user_release %d %d: %d %d\n", old, id, ret, new);
		printf("lock_is_sound %d %d: %d\n", old, id, lock_is_sound(old, id));
		for (waiters : 0 .. 1) {
			lock_steps_by()
		}
	}
}

inline queue_steps()
{
	printf("queue_word_is_quiet %d: %d\n", old, queue_word_is_quiet(old));
	queue_user_wake(old, new, ret);
	printf("queue_user_wake %d: %d %d\n", old, ret, new);
	for (waiters : 0 .. 1) {
		printf("queue_word %d %d: %d\n", old, waiters, queue_word(old, waiters));
		queue_wake(old, waiters, new, ret);
		printf("queue_wake %d %d: %d %d\n", old, waiters, ret, new)
	}
}

inline sem_steps()
{
	printf("sem_word_is_quiet %d: %d\n", old, sem_word_is_quiet(old));
	printf("sem_word_count %d: %d\n", old, sem_word_count(old));
	sem_user_down(old, new, ret);
	printf("sem_user_down %d: %d %d\n", old, ret, new);
	sem_user_up(old, new, ret);
	printf("sem_user_up %d: %d %d\n", old, ret, new);
	for (waiters : 0 .. 1) {
		sem_take(old, waiters, new, ret);
		printf("sem_take %d %d: %d %d\n", old, waiters, ret, new);
		for (units : 1 .. 3) {
			sem_give(old, units, waiters, new, ret);
			printf("sem_give %d %d %d: %d %d\n", old, units, waiters, ret, new)
		}
	}
}

inline row_steps()
{
	for (index : 0 .. 1) {
		printf("row_is %d %d: %d\n", old, index, row_is(old, index));
		row_user_acquire(old, index, new, ret);
		printf("row_user_acquire %d %d: %d %d\n", old, index, ret, new);
		row_user_release(old, index, new, ret);
		printf("row_user_release %d %d: %d %d\n", old, index, ret, new)
	}
}

active proctype table()
{
	for (old : 0 .. 255) {
		lock_steps()
	}
	for (old : 0 .. 127) {
		if
		:: old & (OWNER_DIED | NOTRECOVERED) -> skip
		:: else -> queue_steps()
		fi
	}
	for (old : 0 .. 127) {
		if
		:: (old & 4) || sem_word_most(old) == 0 -> skip
		:: else -> sem_steps()
		fi
	}
	for (old : 0 .. 63) {
		row_steps()
	}
}
