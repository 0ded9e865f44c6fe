// SPDX-License-Identifier: GPL-2.0-only
/* A lock that nobody else wants: lock and unlock, by the public calls of each system. */
#include "peer.h"
#include "process.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * A round is the best of many batches, long enough to make the clock small, and short
 * enough that some aren't interrupted even on a busy machine.
 */
#define BATCH_NS	2000000ULL
#define BATCHES		50

/*
 * Where the emulated TLB has one place for two pages, each access takes twice as
 * long.  So peers get locks in several pages, of which the best counts.
 */
#define PAGES		16
#define PAGE		4096

struct uncontended {
	char *pages;
	struct peer locks[PAGES];	/* one at the start of each page; of ours one in all */
	int nr_locks;
	uint64_t loops;
};

/*
 * Compiled once for each system, as a program would have it, so that none pays for an
 * indirect call.
 */
static __always_inline int repeat(void *handle, uint64_t loops,
				  peer_step lock, peer_step unlock)
{
	int err = 0;

	while (loops--) {
		if (lock(handle))
			return -EIO;
		err |= unlock(handle);
	}
	return err ? -EIO : 0;
}

static int loop(const struct peer *p, uint64_t n)
{
	switch (p->kind->calls) {
	case PEER_SHMBUF:
		return repeat(p->handle, n, ours_lock, ours_unlock);
	case PEER_MUTEX:
		return repeat(p->handle, n, mutex_lock, mutex_unlock);
	case PEER_SPIN:
		return repeat(p->handle, n, spin_lock, spin_unlock);
	case PEER_FUTEX:
		return repeat(p->handle, n, futex_lock, futex_unlock);
	case PEER_MCS:
		return repeat(p->handle, n, mcs_lock, mcs_unlock);
	case PEER_SEM:
		return repeat(p->handle, n, unit_lock, unit_unlock);
	case PEER_SYSV:
		return repeat(p->handle, n, sysv_lock, sysv_unlock);
	case PEER_NTSYNC:
		return repeat(p->handle, n, ntsync_lock, ntsync_unlock);
	case PEER_ROBUST:
		return repeat(p->handle, n, robust_lock, robust_unlock);
	}
	return -EINVAL;
}

static int batch(struct uncontended *u, int which, uint64_t *took_ns)
{
	struct peer *p = &u->locks[which % u->nr_locks];
	uint64_t began;
	int err = peer_enter(p, 0);

	began = bench_now_ns();
	if (!err)
		err = loop(p, u->loops);
	*took_ns = bench_now_ns() - began;
	return err;
}

/* Finds out how many loops a batch has. */
static int calibrate(struct uncontended *u)
{
	uint64_t took;
	int err;

	u->loops = 1000;
	for (;;) {
		err = batch(u, 0, &took);
		if (err || took >= BATCH_NS / 2)
			return err;
		u->loops *= 2;
	}
}

static void teardown(struct bench_subject *s)
{
	struct uncontended *u = s->state;

	while (u->nr_locks--)
		peer_destroy(&u->locks[u->nr_locks]);
	if (u->pages)
		munmap(u->pages, PAGES * PAGE);
	free(u);
}

static int create_locks(struct uncontended *u, struct bench_subject *s)
{
	const struct peer_kind *kind = s->arg;
	int most = kind->calls == PEER_SHMBUF ? 1 : PAGES, err = 0;

	static_assert(sizeof(union peer_memory) <= PAGE, "a lock fits into a page");
	u->pages = process_share(PAGES * PAGE);
	if (!u->pages)
		return -ENOMEM;
	while (!err && u->nr_locks < most) {
		err = peer_create(&u->locks[u->nr_locks], kind,
				  (union peer_memory *)(u->pages + u->nr_locks * PAGE), s);
		u->nr_locks += !err;
	}
	return err;
}

static int setup(struct bench_subject *s)
{
	struct uncontended *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	s->state = u;
	err = process_pin(0);
	if (!err)
		err = create_locks(u, s);
	if (!err)
		err = calibrate(u);
	if (err)
		teardown(s);
	return err;
}

static int measure(struct bench_subject *s, double *values)
{
	struct uncontended *u = s->state;
	uint64_t took, best = UINT64_MAX;

	for (int i = 0; i < BATCHES; i++) {
		int err = batch(u, i, &took);

		if (err)
			return err;
		if (took < best)
			best = took;
	}
	values[0] = (double)best / u->loops;
	return 0;
}

#define SUBJECT(name, which, native_) {				\
	.system = name, .native = native_,			\
	.params = { { "processes", NULL, 1 } },			\
	.setup = setup, .round = measure, .teardown = teardown,	\
	.arg = which,						\
}

static struct bench_subject subjects[] = {
	SUBJECT("shmbuf", &peer_shmbuf, true),
	SUBJECT("pthread", &peer_pthread, true),
	SUBJECT("pthread-robust", &peer_pthread_robust, true),
	SUBJECT("pthread-pi", &peer_pthread_pi, true),
	SUBJECT("pthread-spin", &peer_pthread_spin, true),
	SUBJECT("futex", &peer_futex, true),
	SUBJECT("sem", &peer_sem, true),
	SUBJECT("sysv-undo", &peer_sysv_undo, false),
	SUBJECT("ntsync", &peer_ntsync, false),
	SUBJECT("robust-vdso", &peer_robust_vdso, true),
};

const struct bench bench_uncontended = {
	.name = "uncontended",
	.title = "lock and unlock of a lock that nobody else wants",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
