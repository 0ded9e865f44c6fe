/* SPDX-License-Identifier: GPL-2.0-only */
/* A futex mutex of three states: free, held, held and waited for.  It knows no readers. */
#ifndef PEER_FUTEX_H
#define PEER_FUTEX_H

#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

/* A second at most. */
static inline void futex_wait_second(uint32_t *word, uint32_t value)
{
	const struct timespec second = { .tv_sec = 1 };

	syscall(SYS_futex, word, FUTEX_WAIT, value, &second, NULL, 0);
}

static inline void futex_wake(uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

static inline int futex_lock(void *handle)
{
	uint32_t *word = handle, old = 0;

	if (__atomic_compare_exchange_n(word, &old, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return 0;
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE))
		futex_wait(word, 2);
	return 0;
}

static inline int futex_unlock(void *handle)
{
	uint32_t *word = handle;

	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
		futex_wake(word, 1);
	return 0;
}

#endif
