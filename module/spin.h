/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether looking out for an event before sleeping is worth it. */
#ifndef SHMBUF_SPIN_H
#define SHMBUF_SPIN_H

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

/* What it costs at most to put a thread to sleep and to wake it on an idle CPU: a virtual one. */
#define SHMBUF_SPIN_NS 60000

/* Failures that one success makes up for, and waits between tries where all is failure. */
#define SHMBUF_SPIN_GAIN 4
#define SHMBUF_SPIN_PAUSE 64

/*
 * @credit: of successes over failures, negative while no try is due.  Guesses: lost
 * updates do no harm.
 */
struct shmbuf_spin {
	s16 credit;
};

static inline bool shmbuf_spin_may_pay(struct shmbuf_spin *spin)
{
	s16 credit = READ_ONCE(spin->credit);

	if (credit < 0)
		WRITE_ONCE(spin->credit, credit + 1);
	return credit >= 0;
}

static inline void shmbuf_spin_paid(struct shmbuf_spin *spin)
{
	WRITE_ONCE(spin->credit, min(READ_ONCE(spin->credit) + SHMBUF_SPIN_GAIN,
				     4 * SHMBUF_SPIN_GAIN));
}

static inline void shmbuf_spin_failed(struct shmbuf_spin *spin)
{
	s16 credit = READ_ONCE(spin->credit);

	WRITE_ONCE(spin->credit, credit > 0 ? credit - 1 : -SHMBUF_SPIN_PAUSE);
}

#endif /* SHMBUF_SPIN_H */
