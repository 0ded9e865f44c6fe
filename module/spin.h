/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether looking out for an event before sleeping is worth it. */
#ifndef SHMBUF_SPIN_H
#define SHMBUF_SPIN_H

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/types.h>

struct shmbuf_waiter;

/* Putting a thread to sleep and waking it on an idle CPU, a virtual one, costs up to that. */
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

/*
 * Look out for @waiter to be @chosen: for a while, as long as the CPU has nothing else to
 * do, and only where that has paid lately.  False where sleeping is better.
 */
static inline bool shmbuf_spin_until(struct shmbuf_spin *spin,
				     bool (*chosen)(const struct shmbuf_waiter *waiter),
				     const struct shmbuf_waiter *waiter)
{
	u64 end;

	if (!shmbuf_spin_may_pay(spin))
		return false;
	end = local_clock() + SHMBUF_SPIN_NS;
	while (!chosen(waiter)) {
		if (!single_task_running() || need_resched() || signal_pending(current) ||
		    local_clock() > end) {
			shmbuf_spin_failed(spin);
			return false;
		}
		cpu_relax();
	}
	shmbuf_spin_paid(spin);
	return true;
}

#endif /* SHMBUF_SPIN_H */
