/* SPDX-License-Identifier: GPL-2.0-only */
/* The storm with barriers.  Included once. */
#ifndef STORM_BARRIER_H
#define STORM_BARRIER_H

#include "steps.h"

#define BARRIERS	2	/* each in a part of its own: for 2 parties, and for 3 */

struct meetings {
	unsigned long last, others;	/* those who came last, and those who had waited */
	unsigned long broken, renewed;
};

/* Who is killed between the two leaves a barrier that is none. */
static void renew(struct worker *w, __u32 index, __u32 parties, struct meetings *m)
{
	int ret = do_reset(w->fd, index, 1);

	CHECK(ret == 0 || ret == -EBUSY || ret == -EINVAL);
	ret = do_init(w->fd, index, 1, SHMBUF_KIND_BARRIER, parties);
	CHECK(ret == 0 || ret == -EEXIST);
	if (!ret)
		add(&m->renewed);
}

static void barrier_step(struct worker *w, __u32 first, void *data)
{
	__u32 i = draw(&w->seed) % BARRIERS, index = first + i;
	struct meetings *m = (struct meetings *)data + i;
	int ret;

	ret = do_barrier_wait(w->fd, w->owner, index, draw(&w->seed) % 32 ?
			      now() + draw(&w->seed) % NSEC_PER_MSEC : NEVER);
	if (ret >= 0)
		add(ret ? &m->last : &m->others);
	if (ret == -EOWNERDEAD || ret == -ENOTRECOVERABLE)
		add(&m->broken);
	else
		CHECK(ret == 0 || ret == 1 || ret == -ETIMEDOUT || ret == -EINVAL);
	if (ret < 0 && ret != -ETIMEDOUT) {
		renew(w, index, i + 2, m);
	} else if (draw(&w->seed) % 4) {
		ret = do_barrier_leave(w->fd, w->owner, index);
		CHECK(ret == 0 || ret == -ENOENT || ret == -EINVAL);
	}
}

/* A party that goes breaks it, and so everybody goes on. */
static void barrier_nudge(struct worker *w, __u32 first, void *data)
{
	__u32 i;

	for (i = 0; i < BARRIERS; i++) {
		struct meetings *m = (struct meetings *)data + i;
		__u64 owner = new_owner(w->fd);
		int ret = do_barrier_wait(w->fd, owner, first + i, 0);

		if (ret >= 0)
			add(ret ? &m->last : &m->others);
		CHECK(do_unregister(w->fd, owner) == 0);
	}
}

static const char *barrier_check(struct worker *w, __u32 first, void *data, unsigned long killed)
{
	struct meetings *m = data;
	__u32 i;

	for (i = 0; i < BARRIERS; i++, m++) {
		unsigned long waited = m->last * (i + 1);

		printf("# %lu meetings of %u, %lu times broken, %lu times renewed\n", m->last,
		       i + 2, m->broken, m->renewed);
		/* Who is killed may not have said that he came last, or that he waited. */
		if (m->others > waited + killed * (i + 1) || waited > m->others + killed)
			return "too many went on, or too few";
		if (killed > 100 && (!m->last || !m->broken || !m->renewed))
			return "nobody met, or nobody heard of a death";
		do_reset(w->fd, first + i, 1);
		if (do_init(w->fd, first + i, 1, SHMBUF_KIND_BARRIER, 1))
			return "it can't be renewed";
		if (do_barrier_wait(w->fd, w->owner, first + i, 0) != 1)
			return "it isn't as new";
	}
	return NULL;
}

#endif /* STORM_BARRIER_H */
