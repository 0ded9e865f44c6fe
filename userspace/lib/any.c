// SPDX-License-Identifier: MIT
/* Waiting for several objects at once, which the kernel does. */
#include "internal.h"

#include <errno.h>

static int item_from(const struct shmbuf_any *any, struct shmbuf_wait_item *item)
{
	*item = (struct shmbuf_wait_item) {
		.fd = any->b->fd,
		.index = any->index,
		.kind = any->kind,
		.flags = any->flags,
		.sequence = any->kind == SHMBUF_KIND_QUEUE ? any->sequence : 0,
	};
	if (any->reserved)
		return -EINVAL;
	if (any->b->readonly)
		return any->kind == SHMBUF_KIND_QUEUE ? 0 : -EBADF;
	if (any->kind == SHMBUF_KIND_LOCK)
		return shmbuf_self(any->b, &item->owner);
	/* As shmbuf_sem_wait_flags() does. */
	if (any->kind == SHMBUF_KIND_SEMAPHORE && (any->flags & SHMBUF_WAIT_ITEM_UNDO))
		return shmbuf_self_process(any->b, &item->owner);
	return 0;
}

SHMBUF_EXPORT int shmbuf_wait_any(const struct shmbuf_any *items, unsigned int nr_items,
				  const struct timespec *deadline, const uint64_t *deaths)
{
	struct shmbuf_wait_item args[SHMBUF_WAIT_ANY_MAX];
	struct shmbuf_wait_any argument = {
		.size = sizeof(argument),
		.flags = deaths ? SHMBUF_WAIT_PEERS : 0,
		.items = (uintptr_t)args,
		.nr_items = nr_items,
		.deaths = deaths ? *deaths : 0,
	};
	unsigned int i;
	int ret;

	if (!nr_items || nr_items > SHMBUF_WAIT_ANY_MAX)
		return -EINVAL;
	ret = shmbuf_deadline(deadline, &argument.deadline);
	for (i = 0; i < nr_items && !ret; i++)
		ret = item_from(&items[i], &args[i]);
	return ret ? ret : shmbuf_sys_ioctl(items[0].b->fd, SHMBUF_IOC_WAIT_ANY, &argument);
}
