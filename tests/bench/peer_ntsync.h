/* SPDX-License-Identifier: GPL-2.0-only */
/* A mutex of /dev/ntsync, whose header is newer than this system's may be. */
#ifndef PEER_NTSYNC_H
#define PEER_NTSYNC_H

#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct ntsync_mutex {
	uint32_t owner;
	uint32_t count;
};

struct ntsync_wait {
	uint64_t timeout;
	uint64_t objects;
	uint32_t count;
	uint32_t index;
	uint32_t flags;
	uint32_t owner;
	uint32_t alert;
	uint32_t pad;
};

#define NTSYNC_WAIT	_IOWR('N', 0x82, struct ntsync_wait)
#define NTSYNC_CREATE	_IOW('N', 0x84, struct ntsync_mutex)
#define NTSYNC_UNLOCK	_IOWR('N', 0x85, struct ntsync_mutex)

struct ntsync_handle {
	int device;
	int mutex;
	uint32_t owner;		/* any number that isn't another's */
};

static inline int ntsync_lock(void *handle)
{
	const struct ntsync_handle *h = handle;
	struct ntsync_wait wait = {
		.timeout = UINT64_MAX, .objects = (uintptr_t)&h->mutex, .count = 1,
		.owner = h->owner,
	};

	return ioctl(h->device, NTSYNC_WAIT, &wait) ? -errno : 0;
}

static inline int ntsync_unlock(void *handle)
{
	const struct ntsync_handle *h = handle;
	struct ntsync_mutex mutex = { .owner = h->owner };

	return ioctl(h->mutex, NTSYNC_UNLOCK, &mutex) ? -errno : 0;
}

#endif
