/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of module/uapi/linux/shmbuf_word.h, by the same names without "shmbuf_", on
 * words small enough for a search. tests/model/compare holds the two together: it takes
 * each step from each word and wants the same result of both.
 *
 * "from" and "to" are two variables. An inline sets what stands last in its arguments, and nothing else. A step that can't
 * be taken leaves "new" as "old". Kind bits, which stand in a word always, are left out.
 */

/* What steps return. */
#define OK		0
#define EBUSY		1
#define EDEADLK		2
#define ENOTRECOVERABLE	3
#define EINVAL		4
#define EOWNERDEAD	5
#define EPERM		6
#define EOVERFLOW	7

/* A lock's word: owner ids are 1 to 7. The flags are other kinds' as well. */
#define OWNER_MASK	7
#define WAITERS		8
#define OWNER_DIED	16
#define NOTRECOVERED	32
#define UNUSED		64
#define READERS		128

#define lock_owner(word)	((word) & OWNER_MASK)
#define with_waiters(waiters)	((waiters) -> WAITERS : 0)
#define lock_flags(old, waiters) (((old) & READERS) | with_waiters(waiters))
#define lock_is_sound(word, id)	(lock_owner(word) == (id) && \
				 !((word) & (UNUSED | OWNER_DIED | NOTRECOVERED)))

inline lock_user_acquire(from, by, to, yes)
{
	to = from;
	yes = (from == 0);
	if
	:: yes -> to = by
	:: else
	fi
}

inline lock_user_release(from, by, to, yes)
{
	to = from;
	yes = (from == by);
	if
	:: yes -> to = 0
	:: else
	fi
}

inline lock_acquire(from, by, lives, more, to, res)
{
	to = (from & ~WAITERS) | lock_flags(from, more);
	if
	:: from & UNUSED -> res = EINVAL
	:: else ->
		if
		:: from & NOTRECOVERED -> res = ENOTRECOVERABLE
		:: else ->
			if
			:: lock_owner(from) && lives ->
				res = (lock_owner(from) == by -> EDEADLK : EBUSY)
			:: else ->
				res = ((from & (OWNER_MASK | OWNER_DIED)) -> EOWNERDEAD : OK);
				to = by | lock_flags(from, more) | (res -> OWNER_DIED : 0)
			fi
		fi
	fi
}

inline lock_release(from, by, heir, more, to, res)
{
	to = (from & ~WAITERS) | lock_flags(from, more);
	if
	:: lock_owner(from) != by || (from & UNUSED) -> res = EPERM
	:: else ->
		if
		:: from & OWNER_DIED ->
			to = NOTRECOVERED | lock_flags(from, more);
			res = ENOTRECOVERABLE
		:: else ->
			to = heir | lock_flags(from, more);
			res = OK
		fi
	fi
}

inline lock_undo(from, by, more, to, res)
{
	to = (from & ~WAITERS) | lock_flags(from, more);
	if
	:: lock_owner(from) != by || (from & UNUSED) -> res = EPERM
	:: else ->
		to = (from & OWNER_DIED) | lock_flags(from, more);
		res = OK
	fi
}

inline lock_consistent(from, by, more, to, res)
{
	to = (from & ~WAITERS) | with_waiters(more);
	if
	:: lock_owner(from) != by || (from & UNUSED) -> res = EPERM
	:: else ->
		if
		:: !(from & OWNER_DIED) -> res = EINVAL
		:: else ->
			to = to & ~OWNER_DIED;
			res = OK
		fi
	fi
}

inline lock_owner_died(from, more, to, yes)
{
	to = (from & ~WAITERS) | lock_flags(from, more);
	yes = (lock_owner(from) && !(from & (UNUSED | NOTRECOVERED)));
	if
	:: yes -> to = OWNER_DIED | lock_flags(from, more)
	:: else
	fi
}

inline lock_share(from, by, lives, more, to, res)
{
	to = (from & ~WAITERS) | with_waiters(more);
	if
	:: from & UNUSED -> res = EINVAL
	:: else ->
		if
		:: from & NOTRECOVERED -> res = ENOTRECOVERABLE
		:: else ->
			if
			:: lock_owner(from) && lives ->
				res = (lock_owner(from) == by -> EDEADLK : EBUSY)
			:: else ->
				res = ((from & (OWNER_MASK | OWNER_DIED)) -> EOWNERDEAD : OK);
				to = to | (res -> 0 : READERS)
			fi
		fi
	fi
}

inline lock_downgrade(from, by, more, to, res)
{
	to = (from & ~WAITERS) | with_waiters(more);
	if
	:: lock_owner(from) != by || (from & (UNUSED | OWNER_DIED)) -> res = EPERM
	:: else ->
		to = READERS | with_waiters(more);
		res = OK
	fi
}

/* A queue's word: its sequence wraps after 7. */
#define SEQUENCE_MASK	7

#define queue_word(sequence, waiters)	(((sequence) & SEQUENCE_MASK) | with_waiters(waiters))
#define queue_word_is_quiet(word)	(((word) & ~SEQUENCE_MASK) == 0)

inline queue_user_wake(from, to, yes)
{
	to = from;
	yes = queue_word_is_quiet(from);
	if
	:: yes -> to = queue_word(from + 1, false)
	:: else
	fi
}

inline queue_wake(from, more, to, res)
{
	to = (from & ~WAITERS) | with_waiters(more);
	if
	:: from & UNUSED -> res = EINVAL
	:: else ->
		to = queue_word(from + 1, more);
		res = OK
	fi
}

/* A semaphore's word: it counts up to 3, the most stands above. 0 for the most isn't here. */
#define SEM_MAX		3
#define SEM_SHIFT	4
#define SEM_FIELDS	(SEM_MAX | SEM_MAX << SEM_SHIFT)
#define SEM_UNUSED	64

#define sem_word(most, count, waiters)	((most) << SEM_SHIFT | (count) | with_waiters(waiters))
#define sem_word_most(word)	(((word) >> SEM_SHIFT) & SEM_MAX)
#define sem_word_count(word)	(((word) & SEM_MAX) < sem_word_most(word) -> \
				 ((word) & SEM_MAX) : sem_word_most(word))
#define sem_word_is_quiet(word)	(((word) & ~SEM_FIELDS) == 0)

inline sem_user_down(from, to, yes)
{
	to = from;
	yes = (sem_word_is_quiet(from) && sem_word_count(from) > 0);
	if
	:: yes -> to = from - 1
	:: else
	fi
}

inline sem_user_up(from, to, yes)
{
	to = from;
	yes = (sem_word_is_quiet(from) && sem_word_count(from) != sem_word_most(from));
	if
	:: yes -> to = from + 1
	:: else
	fi
}

inline sem_take(from, more, to, res)
{
	res = (sem_word_count(from) > 0 -> OK : EBUSY);
	to = sem_word_count(from) - (res == OK -> 1 : 0);
	to = sem_word(sem_word_most(from), to, more) | (from & SEM_UNUSED)
}

inline sem_give(from, number, more, to, res)
{
	res = (number <= sem_word_most(from) - sem_word_count(from) -> OK : EOVERFLOW);
	to = (res == OK -> sem_word_count(from) + number : sem_word_most(from));
	to = sem_word(sem_word_most(from), to, more) | (from & SEM_UNUSED)
}

/* An entry of a row: it counts up to 3, for one of two locks that meet in it. */
#define ROW_COUNT_MASK	3
#define ROW_INDEX_SHIFT	2
#define ROW_OPEN	8
#define ROW_USED	16
#define ROW_REVOKED	32

#define row_entry(index)	(ROW_OPEN | (index) << ROW_INDEX_SHIFT)
#define row_count(entry)	((entry) & ROW_COUNT_MASK)
#define row_is(entry, index)	(((entry) & ~(ROW_REVOKED | ROW_USED | ROW_COUNT_MASK)) == \
				 row_entry(index))

inline row_user_acquire(from, at, to, yes)
{
	to = from;
	yes = (row_is(from, at) && !(from & ROW_REVOKED) && row_count(from) < ROW_COUNT_MASK);
	if
	:: yes -> to = (from | ROW_USED) + 1
	:: else
	fi
}

inline row_user_release(from, at, to, yes)
{
	to = from;
	yes = (row_is(from, at) && !(from & ROW_REVOKED) && row_count(from) > 0);
	if
	:: yes -> to = from - 1
	:: else
	fi
}
