// SPDX-License-Identifier: GPL-2.0-only
#include <linux/refcount.h>
#include <linux/xarray.h>

#include "buffer.h"
#include "registry.h"

/*
 * A buffer is in here from when others may hear of it until nobody uses it.  What is
 * found is pinned: it stays as it is, but its name doesn't stay for that, as it would with
 * a reference.
 */
static DEFINE_XARRAY(shmbuf_buffers);

int shmbuf_registry_reserve(const struct shmbuf_buffer *buffer)
{
	return xa_reserve(&shmbuf_buffers, buffer->id, GFP_KERNEL_ACCOUNT);
}

void shmbuf_registry_add(struct shmbuf_buffer *buffer)
{
	/* It has been reserved: nothing is allocated. */
	WARN_ON(xa_is_err(xa_store(&shmbuf_buffers, buffer->id, buffer, GFP_KERNEL)));
}

void shmbuf_registry_remove(const struct shmbuf_buffer *buffer)
{
	xa_erase(&shmbuf_buffers, buffer->id);
}

struct shmbuf_buffer *shmbuf_registry_next(u64 after)
{
	struct shmbuf_buffer *buffer;
	unsigned long id = after;

	/* Under the lock: removing waits, and only then the pin of those who use it goes. */
	xa_lock(&shmbuf_buffers);
	do {
		buffer = xa_find_after(&shmbuf_buffers, &id, ULONG_MAX, XA_PRESENT);
	} while (buffer && !refcount_read(&buffer->ref));
	if (buffer)
		refcount_inc(&buffer->pins);
	xa_unlock(&shmbuf_buffers);
	return buffer;
}
