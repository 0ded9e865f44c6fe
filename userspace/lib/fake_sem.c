// SPDX-License-Identifier: MIT
/* The device fake's semaphores. */
#include "fake_call.h"

#include <errno.h>
#include <unistd.h>

#define FAKE_SEM_FLAGS	(SHMBUF_SEM_TRY | SHMBUF_SEM_UNDO | SHMBUF_SEM_PEERS)

static int fake_sem_check(struct fake_call *c, const struct shmbuf_sem *sem, __u32 flags)
{
	if (sem->flags & ~flags)
		return -EOPNOTSUPP;
	if ((sem->flags & SHMBUF_SEM_UNDO) && !fake_owner_is_caller(c->f, sem->owner))
		return -EPERM;
	return fake_word_of(c, sem->index, SHMBUF_KIND_SEMAPHORE) ? 0 : -EINVAL;
}

int fake_sem_wait(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_sem *sem = s->argument;
	int ret = fake_sem_check(c, sem, FAKE_SEM_FLAGS);
	struct fake_claim *claim = NULL;
	__u64 *word, old, new;

	if (ret)
		return ret;
	s->sleeps = !(sem->flags & SHMBUF_SEM_TRY);
	s->index = sem->index;
	s->deadline = sem->deadline;
	s->peers = sem->flags & SHMBUF_SEM_PEERS;
	s->deaths = sem->deaths;
	word = fake_word(c, sem->index);
	old = fake_word_take(word);
	ret = shmbuf_sem_take(old, c->f->waiters[sem->index], &new);
	if (!ret && (sem->flags & SHMBUF_SEM_UNDO)) {
		claim = fake_claim_get(c->f, sem->index, getpid());
		if (claim)
			claim->count++;
		else
			ret = -EDQUOT;
	}
	fake_word_give(word, ret == -EDQUOT ? old : new);
	return ret;
}

int fake_sem_post(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_sem *sem = s->argument;
	int ret = fake_sem_check(c, sem, SHMBUF_SEM_UNDO);
	struct fake_claim *claim = NULL;
	__u64 *word, new;

	if (ret)
		return ret;
	if (sem->flags & SHMBUF_SEM_UNDO) {
		claim = fake_claim_find(c->f, sem->index, getpid());
		if (!claim)
			return -EPERM;
	}
	word = fake_word(c, sem->index);
	ret = shmbuf_sem_give(fake_word_take(word), 1, c->f->waiters[sem->index], &new);
	fake_word_give(word, new);
	if (!ret && claim && !--claim->count)
		fake_claim_free(c->f, claim);
	return ret;
}
