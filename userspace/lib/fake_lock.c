// SPDX-License-Identifier: MIT
/* The device fake's locks. */
#include "fake_call.h"

#include <errno.h>

#define FAKE_LOCK_FLAGS	(SHMBUF_LOCK_TRY | SHMBUF_LOCK_SPIN | SHMBUF_LOCK_NOSPIN |	\
			 SHMBUF_LOCK_INTERRUPTIBLE | SHMBUF_LOCK_SHARED | SHMBUF_LOCK_NODETECT)

static bool fake_reads(struct fake_call *c, __u32 index, __u64 id)
{
	struct fake_claim *claim = fake_claim_find(c->f, index, id);

	return claim && fake_reader_count(c, claim);
}

int fake_lock_take(struct fake_call *c, __u32 index, __u64 id)
{
	__u64 *word = fake_word(c, index), old = fake_word_take(word), new = old;
	int ret;

	if (old & SHMBUF_WORD_READERS && !fake_readers_stop(c, index))
		old &= ~SHMBUF_WORD_READERS;
	if (old & SHMBUF_WORD_READERS) {
		ret = fake_reads(c, index, id) ? -EDEADLK : -EBUSY;
		new = (old & ~SHMBUF_WORD_WAITERS) | shmbuf_word_waiters(c->f->waiters[index]);
	} else {
		ret = shmbuf_lock_acquire(old, id,
					  fake_owner_alive(c->f, shmbuf_lock_word_owner(old)),
					  c->f->waiters[index], &new);
	}
	fake_word_give(word, new);
	return ret;
}

/* As a reader.  -EOWNERDEAD: a writer died, and the lock is held alone. */
static int fake_lock_read(struct fake_call *c, __u32 index, __u64 id)
{
	__u64 *word = fake_word(c, index), old = fake_word_take(word), new;
	int waiters = c->f->waiters[index], ret;

	ret = shmbuf_lock_share(old, id, fake_owner_alive(c->f, shmbuf_lock_word_owner(old)),
				waiters, &new);
	if (!ret && c->f->writers[index] && !fake_reads(c, index, id))
		ret = -EBUSY;
	if (!ret)
		ret = fake_reader_add(c, index, id);
	if (ret == -EOWNERDEAD)
		ret = shmbuf_lock_acquire(old, id, false, waiters, &new);
	fake_word_give(word, new);
	return ret;
}

int fake_lock(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_lock *l = s->argument;
	bool shared = l->flags & SHMBUF_LOCK_SHARED;
	int ret;

	if (l->flags & ~FAKE_LOCK_FLAGS)
		return -EOPNOTSUPP;
	if (!fake_word_of(c, l->index, SHMBUF_KIND_LOCK))
		return -EINVAL;
	if (!fake_owner_is_caller(c->f, l->owner))
		return -EPERM;
	s->sleeps = !(l->flags & SHMBUF_LOCK_TRY);
	s->index = l->index;
	s->writer = !shared;
	s->deadline = l->deadline;
	ret = shared ? fake_lock_read(c, l->index, l->owner) :
		       fake_lock_take(c, l->index, l->owner);
	return ret == -EDEADLK && !s->sleeps ? -EBUSY : ret;
}

int fake_lock_put(struct fake_call *c, __u32 index, __u64 id)
{
	__u64 *word = fake_word(c, index), new;
	int ret;

	ret = shmbuf_lock_release(fake_word_take(word), id, 0, c->f->waiters[index], &new);
	fake_word_give(word, new);
	return ret == -ENOTRECOVERABLE ? 0 : ret;
}

/* 0, or why the caller can't have anything to say about the lock. */
static int fake_lock_check(struct fake_call *c, const struct shmbuf_lock *l)
{
	if (l->flags)
		return -EOPNOTSUPP;
	if (!fake_word_of(c, l->index, SHMBUF_KIND_LOCK))
		return -EINVAL;
	return fake_owner_is_caller(c->f, l->owner) ? 0 : -EPERM;
}

int fake_unlock(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_lock *l = s->argument;
	int ret = fake_lock_check(c, l);

	if (ret)
		return ret;
	ret = fake_lock_put(c, l->index, l->owner);
	return ret == -EPERM ? fake_reader_release(c, l->index, l->owner) : ret;
}

int fake_consistent(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_lock *l = s->argument;
	int ret = fake_lock_check(c, l);
	__u64 *word, new;

	if (ret)
		return ret;
	word = fake_word(c, l->index);
	ret = shmbuf_lock_consistent(fake_word_take(word), l->owner, c->f->waiters[l->index],
				     &new);
	fake_word_give(word, new);
	return ret;
}

int fake_downgrade(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_lock *l = s->argument;
	int ret = fake_lock_check(c, l);
	__u64 *word, old, new;

	if (ret)
		return ret;
	word = fake_word(c, l->index);
	old = fake_word_take(word);
	ret = shmbuf_lock_downgrade(old, l->owner, c->f->waiters[l->index], &new);
	if (!ret) {
		ret = fake_reader_add(c, l->index, l->owner);
		if (ret)
			new = old;
	}
	fake_word_give(word, new);
	return ret;
}
