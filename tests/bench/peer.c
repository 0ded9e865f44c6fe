// SPDX-License-Identifier: GPL-2.0-only
/* How each system's lock is made. */
#include "peer.h"
#include "pshared.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int create_shmbuf(struct peer *p)
{
	struct shmbuf_options options = { .nr_locks = 1 };
	int err = shmbuf_create(&p->buffer, NULL, 1, &options);

	p->handle = p->buffer;
	return err;
}

static void destroy_shmbuf(struct peer *p)
{
	shmbuf_close(p->buffer);
}

static int create_mutex(struct peer *p)
{
	p->handle = &p->memory->mutex;
	return pshared_mutex(&p->memory->mutex, p->kind->robust, p->kind->protocol);
}

static int create_spin(struct peer *p)
{
	p->handle = (void *)&p->memory->spin;
	return -pthread_spin_init(&p->memory->spin, PTHREAD_PROCESS_SHARED);
}

static int create_futex(struct peer *p)
{
	p->handle = &p->memory->futex;
	return 0;
}

static int create_mcs(struct peer *p)
{
	p->mcs.lock = &p->memory->mcs;
	p->handle = &p->mcs;
	return 0;
}

static int create_sem(struct peer *p)
{
	p->handle = &p->memory->sem;
	return sem_init(&p->memory->sem, 1, 1) ? -errno : 0;
}

static int create_sysv(struct peer *p)
{
	p->handle = &p->id;
	p->id = semget(IPC_PRIVATE, 1, 0600);
	if (p->id < 0)
		return -errno;
	if (!semctl(p->id, 0, SETVAL, 1))
		return 0;
	semctl(p->id, 0, IPC_RMID);
	return -errno;
}

static void destroy_sysv(struct peer *p)
{
	semctl(p->id, 0, IPC_RMID);
}

static int create_ntsync(struct peer *p)
{
	struct ntsync_mutex free = { };
	struct ntsync_handle *h = &p->ntsync;
	int err;

	p->handle = h;
	h->device = open("/dev/ntsync", O_RDWR | O_CLOEXEC);
	if (h->device < 0)
		return -errno;
	h->mutex = ioctl(h->device, NTSYNC_CREATE, &free);
	if (h->mutex >= 0)
		return 0;
	err = -errno;
	close(h->device);
	return err;
}

static void destroy_ntsync(struct peer *p)
{
	close(p->ntsync.mutex);
	close(p->ntsync.device);
}

static int create_robust(struct peer *p)
{
	int err = robust_enter();

	p->handle = &p->memory->robust;
	robust_leave();
	return err;
}

static void destroy_robust(struct peer *p)
{
	(void)p;
	robust_leave();
}

const struct peer_kind peer_shmbuf = {
	"shmbuf", PEER_SHMBUF, create_shmbuf, destroy_shmbuf, NULL, 0, 0,
};

const struct peer_kind peer_pthread = {
	"pthread", PEER_MUTEX, create_mutex, NULL, NULL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
};

const struct peer_kind peer_pthread_robust = {
	"pthread-robust", PEER_MUTEX, create_mutex, NULL, NULL, PTHREAD_MUTEX_ROBUST,
	PTHREAD_PRIO_NONE,
};

const struct peer_kind peer_pthread_pi = {
	"pthread-pi", PEER_MUTEX, create_mutex, NULL, "mutexes with priority inheritance",
	PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT,
};

const struct peer_kind peer_pthread_spin = {
	"pthread-spin", PEER_SPIN, create_spin, NULL, NULL, 0, 0,
};

const struct peer_kind peer_futex = {
	"futex", PEER_FUTEX, create_futex, NULL, NULL, 0, 0,
};

const struct peer_kind peer_mcs = {
	"mcs", PEER_MCS, create_mcs, NULL, NULL, 0, 0,
};

const struct peer_kind peer_sem = {
	"sem", PEER_SEM, create_sem, NULL, NULL, 0, 0,
};

const struct peer_kind peer_sysv_undo = {
	"sysv-undo", PEER_SYSV, create_sysv, destroy_sysv, "System V semaphores", 0, 0,
};

const struct peer_kind peer_ntsync = {
	"ntsync", PEER_NTSYNC, create_ntsync, destroy_ntsync, "/dev/ntsync", 0, 0,
};

const struct peer_kind peer_robust_vdso = {
	"robust-vdso", PEER_ROBUST, create_robust, destroy_robust,
	"function in the vDSO that unlocks robust futexes", 0, 0,
};

static int is_missing(int err)
{
	return err == -ENOENT || err == -ENODEV || err == -ENXIO || err == -ENOSYS ||
	       err == -EOPNOTSUPP || err == -EACCES || err == -EPERM;
}

int peer_create(struct peer *p, const struct peer_kind *kind, union peer_memory *memory,
		struct bench_subject *s)
{
	int err;

	p->kind = kind;
	p->memory = memory;
	err = kind->create(p);
	if (!err)
		return 0;
	p->kind = NULL;
	return kind->needs && is_missing(err) ? bench_absent(s, kind->needs) : err;
}

void peer_destroy(struct peer *p)
{
	if (p->kind && p->kind->destroy)
		p->kind->destroy(p);
}

int peer_enter(struct peer *p, int which)
{
	p->mcs.node = &p->memory->mcs.nodes[which];
	p->ntsync.owner = which + 1;
	return p->kind->calls == PEER_ROBUST ? robust_enter() : 0;
}
