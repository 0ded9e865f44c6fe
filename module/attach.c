// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "attach.h"
#include "buffer.h"
#include "handle.h"
#include "name.h"
#include "object.h"
#include "point.h"
#include "registry.h"

/* The reference to @buffer is the handle's from here, or dropped on errors. */
static int shmbuf_handle_attach(struct shmbuf_handle *handle, struct shmbuf_buffer *buffer,
				bool write)
{
	int ret = -EINTR;

	lockdep_assert_held(&handle->attach);
	shmbuf_point(attach_found);
	/* Once SEAL returns, no writer comes in that wasn't there before. */
	if (!mutex_lock_killable(&buffer->config)) {
		ret = write && (buffer->seals & SHMBUF_SEAL_WRITERS) ? -EPERM : 0;
		if (!ret) {
			/* Pairs with shmbuf_handle_buffer(). */
			smp_store_release(&handle->buffer, buffer);
		}
		mutex_unlock(&buffer->config);
	}
	if (ret)
		shmbuf_buffer_put(buffer);
	return ret;
}

static int shmbuf_attach_begin(struct shmbuf_handle *handle)
{
	if (mutex_lock_killable(&handle->attach))
		return -EINTR;
	if (!handle->buffer)
		return 0;
	mutex_unlock(&handle->attach);
	return -EBUSY;
}

static struct shmbuf_buffer *shmbuf_open_checked(struct shmbuf_buffer *buffer, bool write)
{
	int ret = shmbuf_name_permission(buffer, write);

	if (!ret)
		return buffer;
	shmbuf_buffer_put(buffer);
	return ERR_PTR(ret);
}

int shmbuf_attach_open(struct shmbuf_handle *handle, const struct shmbuf_name *args,
		       bool write)
{
	struct shmbuf_buffer *buffer;
	char *name;
	int ret;

	if (args->reserved)
		return -EINVAL;
	name = shmbuf_name_copy(args->name, args->name_len);
	if (IS_ERR(name))
		return PTR_ERR(name);
	ret = shmbuf_attach_begin(handle);
	if (ret)
		goto free_name;
	buffer = shmbuf_name_find(name, args->name_len);
	if (!IS_ERR(buffer))
		buffer = shmbuf_open_checked(buffer, write);
	ret = PTR_ERR_OR_ZERO(buffer);
	if (!ret)
		ret = shmbuf_handle_attach(handle, buffer, write);
	mutex_unlock(&handle->attach);
free_name:
	kfree(name);
	return ret;
}

static int shmbuf_create_check(const struct shmbuf_create *args)
{
	const u64 most = SHMBUF_CONTROL_OFFSET;

	if (args->reserved || args->mode & ~0777 ||
	    args->layout > SHMBUF_LAYOUT_PACKED)
		return -EINVAL;
	if (!args->data_size || args->data_size > most || args->max_size > most ||
	    (args->max_size && args->max_size < args->data_size))
		return -EINVAL;
	if (args->nr_ranges > SHMBUF_CREATE_RANGES_MAX || (args->nr_ranges && !args->ranges))
		return -EINVAL;
	if (!args->name && (args->name_len ||
			    args->flags & (SHMBUF_CREATE_EXCL | SHMBUF_CREATE_PERSIST)))
		return -EINVAL;
	return 0;
}

static int shmbuf_create_ranges(struct shmbuf_buffer *buffer, const struct shmbuf_create *args)
{
	struct shmbuf_range __user *ranges = u64_to_user_ptr(args->ranges);
	struct shmbuf_range range;
	int ret;
	u32 i;

	for (i = 0; i < args->nr_ranges; i++) {
		if (copy_from_user(&range, &ranges[i], sizeof(range)))
			return -EFAULT;
		ret = shmbuf_objects_init(buffer, &range);
		if (ret)
			return ret == -EEXIST ? -EINVAL : ret;
	}
	return 0;
}

static struct shmbuf_buffer *shmbuf_create_fresh(struct shmbuf_handle *handle,
						 const struct shmbuf_create *args)
{
	struct shmbuf_buffer *buffer = shmbuf_buffer_create(args, handle->user);
	int ret;

	if (IS_ERR(buffer))
		return buffer;
	ret = shmbuf_create_ranges(buffer, args);
	if (!ret)
		return buffer;
	shmbuf_buffer_put(buffer);
	return ERR_PTR(ret);
}

static struct shmbuf_buffer *shmbuf_create_existing(struct shmbuf_buffer *buffer,
						    const struct shmbuf_create *args)
{
	buffer = shmbuf_open_checked(buffer, true);
	if (IS_ERR(buffer))
		return buffer;
	if (READ_ONCE(buffer->data_size) >= args->data_size &&
	    buffer->nr_objects >= args->nr_objects)
		return buffer;
	shmbuf_buffer_put(buffer);
	return ERR_PTR(-EINVAL);
}

/* *@name is taken over, and NULL from then on, where the buffer is made. */
static struct shmbuf_buffer *shmbuf_create_named(struct shmbuf_handle *handle,
						 const struct shmbuf_create *args, char **name)
{
	bool excl = args->flags & SHMBUF_CREATE_EXCL;
	struct shmbuf_buffer *buffer, *fresh;

	buffer = shmbuf_name_find(*name, args->name_len);
	if (!IS_ERR(buffer) && excl) {
		shmbuf_buffer_put(buffer);
		return ERR_PTR(-EEXIST);
	}
	if (!IS_ERR(buffer))
		return shmbuf_create_existing(buffer, args);
	if (buffer != ERR_PTR(-ENOENT))
		return buffer;

	fresh = shmbuf_create_fresh(handle, args);
	if (IS_ERR(fresh))
		return fresh;
	buffer = shmbuf_name_add(fresh, *name, args->name_len, excl);
	if (buffer == fresh) {
		shmbuf_registry_add(fresh);
		*name = NULL;
		return fresh;
	}
	/* Somebody was faster, or it failed. */
	shmbuf_buffer_put(fresh);
	return IS_ERR(buffer) ? buffer : shmbuf_create_existing(buffer, args);
}

static struct shmbuf_buffer *shmbuf_create_anonymous(struct shmbuf_handle *handle,
						     const struct shmbuf_create *args)
{
	struct shmbuf_buffer *buffer = shmbuf_create_fresh(handle, args);
	int ret;

	if (IS_ERR(buffer))
		return buffer;
	ret = shmbuf_name_none(buffer);
	if (ret) {
		shmbuf_buffer_put(buffer);
		return ERR_PTR(ret);
	}
	shmbuf_registry_add(buffer);
	return buffer;
}

int shmbuf_attach_create(struct shmbuf_handle *handle, const struct shmbuf_create *args)
{
	struct shmbuf_buffer *buffer;
	char *name = NULL;
	int ret;

	ret = shmbuf_create_check(args);
	if (ret)
		return ret;
	if (args->name) {
		name = shmbuf_name_copy(args->name, args->name_len);
		if (IS_ERR(name))
			return PTR_ERR(name);
	}
	ret = shmbuf_attach_begin(handle);
	if (ret)
		goto free_name;
	buffer = name ? shmbuf_create_named(handle, args, &name) :
			shmbuf_create_anonymous(handle, args);
	ret = PTR_ERR_OR_ZERO(buffer);
	if (!ret)
		ret = shmbuf_handle_attach(handle, buffer, true);
	/* A name that is still ours wasn't needed. */
	if (!ret)
		ret = !!name;
	mutex_unlock(&handle->attach);
free_name:
	kfree(name);
	return ret;
}
