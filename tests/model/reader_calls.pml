/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who reads under the lock: module/reader.c. One lock, so that entries of rows don't change
 * hands. A claim is there where one is needed: that nothing is allocated under a spinlock
 * is no question of a model.
 */
#ifndef ROWS
#define ROWS	1	/* 0: by ioctl alone */
#endif
#ifndef READER_IDLE
#define READER_IDLE	1	/* SHMBUF_READER_IDLE, which is more */
#endif

byte entry[N + 1];	/* of each process's row; its own to change while it isn't revoked */

/* Under the bucket's lock. */
byte claims;		/* who has one */
byte opened;		/* claim->entry isn't NULL */
byte counted[N + 1];	/* claim->count */
byte idle[N + 1];	/* claim->idle */
byte shared;		/* waiter->shared */
bool any;		/* reads */

hidden byte row;

#define reads		has(shared, me)
#define nr(set)	(has(set, 1) + has(set, 2) + has(set, 3))
#define reader_count(p)	(counted[p] + (has(opened, p) -> row_count(entry[p]) : 0))
#define reads_now(p)	(has(claims, p) && reader_count(p))
#ifdef VARIANT_COMMON_COUNT
/* One count for all readers: it doesn't tell whose part of it a death leaves. */
#define reader_lives(p)	true
#else
#define reader_lives(p)	has(alive, p)
#endif

#define any_reads	((reads_now(1) && reader_lives(1)) || (reads_now(2) && reader_lives(2)) || \
			 (reads_now(3) && reader_lives(3)))

/* shmbuf_entry_take() of @p, whose entry is what it should be; "row" is what it was. */
inline entry_take(p)
{
	row = entry[p];
	assert(row_is(row, 0));
	entry[p] = row | ROW_REVOKED;
	idle[p] = ((row & ROW_USED) -> 0 : idle[p])
}

#define entry_put(p, count, revoked) \
	entry[p] = row_entry(0) | (count) | ((revoked) -> ROW_REVOKED : 0)

/*
 * shmbuf_readers_any(). It looks at one after the other, and who began in between it may not
 * have seen.
 */
inline readers_any()
{
	if
	:: any_reads -> any = true
	:: true
	fi
}
/*
 * shmbuf_readers_stop(), at once: who isn't stopped yet could as well have gone on before the
 * first was, and who is stopped does nothing.
 */
inline readers_stop()
{
	d_step { any = any_reads };
#ifdef VARIANT_LOOK_THEN_REVOKE
	skip;
#endif
	d_step {
		at = 1;
		do
		:: at > N -> break
		:: at <= N && has(claims, at) && has(opened, at) -> entry_take(at); at++
		:: at <= N && !(has(claims, at) && has(opened, at)) -> at++
		od;
		at = 0
	}
}

inline reader_drop(p)
{
	drop(claims, p);
	drop(opened, p);
	counted[p] = 0;
	idle[p] = 0
}

/* shmbuf_reader_grant(), within a d_step as all below */
inline reader_grant(p, revoked)
{
	assert(!has(gone, p));
	add(claims, p);
	idle[p] = 0;
	if
	:: ROWS && !has(opened, p) ->
		add(opened, p);
		entry_put(p, 0, true)
	:: else
	fi;
	if
	:: has(opened, p) ->
		entry_take(p);
		entry_put(p, row_count(row) + 1, revoked)
	:: else -> counted[p]++
	fi
}

/* The readers at the head of the queue: shmbuf_lock_admit() */
inline readers_admit()
{
	do
	:: queue[0] && has(shared, queue[0]) && nr(wakes) < BATCH - 1 ->
		first = queue[0];
		reader_grant(first, queue[1] != 0);
		finish(first)
	:: else -> break
	od
}

/* shmbuf_reader_release() of the caller */
inline reader_release(revoked)
{
	assert(reads_now(me));
	if
	:: has(opened, me) -> entry_take(me)
	:: else -> row = 0
	fi;
	if
	:: row_count(row) -> entry_put(me, row_count(row) - 1, revoked)
	:: else ->
		counted[me]--;
		if
		:: !counted[me] && !has(opened, me) -> reader_drop(me)
		:: else
		fi
	fi
}

/* shmbuf_readers_open() */
inline readers_open()
{
	at = 1;
	do
	:: at > N -> break
	:: at <= N && has(claims, at) && has(opened, at) ->
		entry_take(at);
		entry_put(at, row_count(row), false);
		at++
	:: at <= N && !(has(claims, at) && has(opened, at)) -> at++
	od;
	at = 0
}

/* shmbuf_readers_go_on() */
inline readers_go_on(open)
{
	at = 1;
	do
	:: at > N -> break
	:: at <= N && !has(claims, at) -> at++
	:: at <= N && has(claims, at) ->
		idle[at]++;
		if
		:: idle[at] > READER_IDLE && !counted[at] ->
			if
			:: has(opened, at) ->
				entry_take(at);
				counted[at] = row_count(row);
				drop(opened, at)
			:: else
			fi;
			if
			:: !counted[at] -> reader_drop(at)
			:: else
			fi
		:: !(idle[at] > READER_IDLE && !counted[at]) && (open) && has(opened, at) ->
			entry_take(at);
			entry_put(at, row_count(row), false)
		:: else
		fi;
		at++
	od;
	at = 0
}

/* shmbuf_claims_bury() of the caller's claim */
inline reader_bury()
{
	if
#ifdef VARIANT_COMMON_COUNT
	:: false ->
#else
	:: has(claims, me) ->
#endif
		d_step {
			!bucket ->
			bucket = true;
			reader_drop(me);
			entry[me] = 0
		}
		UNDER_LOCK { dispatch(); unlock() }
		flush()
	:: else
	fi
}
