/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks: ours and its peers.  The calls of each are inline functions of the same shape, so
 * that a loop that is made of them pays for no indirect call.
 */
#ifndef PEER_H
#define PEER_H

#include "bench.h"
#include "peer_futex.h"
#include "peer_mcs.h"
#include "peer_ntsync.h"
#include "peer_robust.h"

#include <pthread.h>
#include <semaphore.h>
#include <shmbuf.h>
#include <sys/sem.h>

/* By which calls a lock is used. */
enum peer_calls {
	PEER_SHMBUF, PEER_MUTEX, PEER_SPIN, PEER_FUTEX, PEER_MCS, PEER_SEM, PEER_SYSV,
	PEER_NTSYNC, PEER_ROBUST,
};

/* Memory that a peer's lock is in. */
union peer_memory {
	pthread_mutex_t mutex;
	pthread_spinlock_t spin;
	sem_t sem;
	uint32_t futex;
	struct mcs_lock mcs;
	struct robust_lock robust;
};

struct peer {
	const struct peer_kind *kind;
	union peer_memory *memory;
	struct shmbuf *buffer;
	int id;				/* of a set of SysV semaphores */
	struct mcs_handle mcs;
	struct ntsync_handle ntsync;
	void *handle;			/* what the calls are given */
};

struct peer_kind {
	const char *system;
	enum peer_calls calls;
	/* 0 or -errno; the memory is zeroed. */
	int (*create)(struct peer *p);
	void (*destroy)(struct peer *p);
	const char *needs;		/* what can be missing */
	int robust, protocol;		/* of a mutex */
};

extern const struct peer_kind peer_shmbuf, peer_pthread, peer_pthread_robust, peer_pthread_pi,
	peer_pthread_spin, peer_futex, peer_mcs, peer_sem, peer_sysv_undo, peer_ntsync,
	peer_robust_vdso;

/*
 * In @memory, of sizeof(union peer_memory), that is shared.  0, or BENCH_ABSENT where this
 * system has no such lock, or -errno.
 */
int peer_create(struct peer *p, const struct peer_kind *kind, union peer_memory *memory,
		struct bench_subject *s);
void peer_destroy(struct peer *p);

/* By each process before it calls, the creator too if it does: the @which-th of them. */
int peer_enter(struct peer *p, int which);

static inline int ours_lock(void *handle)
{
	return shmbuf_lock(handle, 0);
}

static inline int ours_unlock(void *handle)
{
	return shmbuf_unlock(handle, 0);
}

static inline int mutex_lock(void *handle)
{
	return pthread_mutex_lock(handle);
}

static inline int mutex_unlock(void *handle)
{
	return pthread_mutex_unlock(handle);
}

static inline int spin_lock(void *handle)
{
	return pthread_spin_lock(handle);
}

static inline int spin_unlock(void *handle)
{
	return pthread_spin_unlock(handle);
}

static inline int unit_lock(void *handle)
{
	return sem_wait(handle);
}

static inline int unit_unlock(void *handle)
{
	return sem_post(handle);
}

static inline int sysv_lock(void *handle)
{
	struct sembuf take = { .sem_op = -1, .sem_flg = SEM_UNDO };

	return semop(*(int *)handle, &take, 1);
}

static inline int sysv_unlock(void *handle)
{
	struct sembuf give = { .sem_op = 1, .sem_flg = SEM_UNDO };

	return semop(*(int *)handle, &give, 1);
}

typedef int (*peer_step)(void *handle);

#endif
