// SPDX-License-Identifier: MIT
/*
 * Wait queues.  Here a sequence moves on by compare-and-swap while nobody
 * waits; with waiters the word is the kernel's.
 */
#include "internal.h"

#include <errno.h>
#include <time.h>

/* Others who wake at the same time can make a compare-and-swap fail. */
#define TRIES	8

static int wait_call(struct shmbuf *b, __u32 queue, __u64 *sequence, __u64 deadline,
		     const uint64_t *deaths)
{
	struct shmbuf_wait argument = {
		.size = sizeof(argument),
		.flags = deaths ? SHMBUF_WAIT_PEERS : 0,
		.index = queue,
		.sequence = *sequence,
		.deadline = deadline,
		.deaths = deaths ? *deaths : 0,
	};
	int ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_WAIT, &argument);

	*sequence = argument.sequence;
	return ret;
}

SHMBUF_EXPORT uint64_t shmbuf_sequence(struct shmbuf *b, uint32_t queue)
{
	__u64 *word = shmbuf_word(b, queue), sequence = ~0ULL, present;

	if (likely(word)) {
		present = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		if (likely(shmbuf_queue_word_is_quiet(present & ~SHMBUF_WORD_WAITERS)))
			return present & SHMBUF_SEQUENCE_MASK;
	}
	return wait_call(b, queue, &sequence, 0, NULL) ? UINT64_MAX : sequence;
}

static int wait_for(struct shmbuf *b, __u32 queue, __u64 sequence,
		    const struct timespec *deadline, const uint64_t *deaths)
{
	__u64 *word = shmbuf_word(b, queue), present = sequence, ns;
	int ret;

	if (likely(word)) {
		present = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		present &= ~SHMBUF_WORD_WAITERS;
		if (shmbuf_queue_word_is_quiet(present) &&
		    (present & SHMBUF_SEQUENCE_MASK) != sequence)
			return 0;
	}
	ret = shmbuf_deadline(deadline, &ns);
	present = sequence;
	return ret ? ret : wait_call(b, queue, &present, ns, deaths);
}

SHMBUF_EXPORT int shmbuf_wait(struct shmbuf *b, uint32_t queue, uint64_t sequence,
			      const struct timespec *deadline)
{
	return wait_for(b, queue, sequence, deadline, NULL);
}

SHMBUF_EXPORT int shmbuf_wait_peers(struct shmbuf *b, uint32_t queue, uint64_t sequence,
				    const struct timespec *deadline, uint64_t deaths)
{
	return wait_for(b, queue, sequence, deadline, &deaths);
}

/* What WAIT with LOCK returned, told apart: of the lock, and why the sleep ended. */
static int waited(int ret, int *why)
{
	if (ret < 0)
		return ret;
	if (ret & SHMBUF_WAITED_TIMEDOUT)
		*why = -ETIMEDOUT;
	else if (ret & SHMBUF_WAITED_INTERRUPTED)
		*why = -EINTR;
	else if (ret & SHMBUF_WAITED_PEERDEAD)
		*why = -EOWNERDEAD;
	else if (ret & SHMBUF_WAITED_ALONE)
		*why = -EPIPE;
	return ret & SHMBUF_WAITED_OWNERDEAD ? -EOWNERDEAD : 0;
}

/*
 * Give the lock up here, if nobody waits for it: it isn't held while the kernel is entered.
 * Not where there must be no moment between, as from then on all deaths count.
 */
static bool release(struct shmbuf *b, __u32 lock, const struct shmbuf_wait *wait)
{
	return wait->sequence != UINT64_MAX && wait->deaths != UINT64_MAX &&
	       shmbuf_fast_ready(b, lock) &&
	       shmbuf_fast_release(shmbuf_fast_word(b, lock), shmbuf_fast_thread.id);
}

/*
 * The wait failed with @err, and the lock is given up.  No sleep in the kernel, for which there
 * may be no quota left: that could have been the error.
 */
static int relock(struct shmbuf *b, __u32 lock, int err, int *why)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int cancel, ret;

	if (err == -ENOTRECOVERABLE)
		return err;
	/* Whoever is cancelled in it would have the lock no more. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	for (;;) {
		ret = shmbuf_trylock(b, lock);
		if (ret != -EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	pthread_setcancelstate(cancel, NULL);
	if (ret == -EOWNERDEAD)
		*why = err;
	else if (ret)
		err = -ENOTRECOVERABLE;
	return ret == -EOWNERDEAD ? ret : err;
}

SHMBUF_EXPORT int shmbuf_wait_locked(struct shmbuf *b, uint32_t queue, uint32_t lock,
				     const struct timespec *deadline,
				     const uint64_t *deaths, int *why)
{
	struct shmbuf_wait argument = {
		.size = sizeof(argument),
		.flags = SHMBUF_WAIT_LOCK | (deaths ? SHMBUF_WAIT_PEERS : 0),
		.index = queue,
		.lock = lock,
		.deaths = deaths ? *deaths : 0,
	};
	int ret, ignored;

	if (!why)
		why = &ignored;
	*why = 0;
	if (b->readonly)
		return -EBADF;
	ret = shmbuf_self(b, &argument.owner);
	if (!ret)
		ret = shmbuf_deadline(deadline, &argument.deadline);
	if (ret)
		return ret;
	/* Whoever changes the condition after this moves the sequence: the lock is held. */
	argument.sequence = shmbuf_sequence(b, queue);
	if (release(b, lock, &argument))
		argument.flags |= SHMBUF_WAIT_RELEASED;
	ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_WAIT, &argument);
	if (ret < 0 && (argument.flags & SHMBUF_WAIT_RELEASED))
		return relock(b, lock, ret, why);
	return waited(ret, why);
}

SHMBUF_EXPORT int shmbuf_wake(struct shmbuf *b, uint32_t queue, unsigned int count)
{
	struct shmbuf_wake argument = {
		.size = sizeof(argument),
		.index = queue,
		.count = count,
	};
	__u64 *word, old, new;
	int n, ret;

	if (b->readonly)
		return -EBADF;
	word = shmbuf_word(b, queue);
	for (n = 0; word && count && n < TRIES; n++) {
		old = __atomic_load_n(word, __ATOMIC_RELAXED);
		if (!shmbuf_queue_user_wake(old, &new))
			break;
		if (__atomic_compare_exchange_n(word, &old, new, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return 0;
	}
	do
		ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_WAKE, &argument);
	while (ret == -EINTR);
	return ret;
}
