// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "data.h"
#include "handle.h"
#include "name.h"
#include "query.h"
#include "user.h"

static void shmbuf_query_module(struct shmbuf_query *args)
{
	args->abi_version = SHMBUF_ABI_VERSION;
	args->features = SHMBUF_FEATURE_LOCK | SHMBUF_FEATURE_QUEUE |
			 SHMBUF_FEATURE_SEMAPHORE | SHMBUF_FEATURE_BARRIER |
			 SHMBUF_FEATURE_SHARED;
	if (IS_ENABLED(CONFIG_MMU_NOTIFIER))
		args->features |= SHMBUF_FEATURE_PROMPT;
	if (shmbuf_data_has_huge_pages())
		args->features |= SHMBUF_FEATURE_HUGE;
	args->limit_total_bytes = shmbuf_total_limit();
	args->limit_user_bytes = shmbuf_user_limit(SHMBUF_QUOTA_BYTES);
	args->limit_user_buffers = shmbuf_user_limit(SHMBUF_QUOTA_BUFFERS);
	args->limit_user_objects = shmbuf_user_limit(SHMBUF_QUOTA_OBJECTS);
	args->limit_user_owners = shmbuf_user_limit(SHMBUF_QUOTA_OWNERS);
	args->limit_user_waiters = shmbuf_user_limit(SHMBUF_QUOTA_WAITERS);
	args->limit_user_claims = shmbuf_user_limit(SHMBUF_QUOTA_CLAIMS);
}

static void shmbuf_query_buffer(struct shmbuf_query *args, struct shmbuf_buffer *buffer)
{
	args->handle_flags |= SHMBUF_HANDLE_ATTACHED;
	args->buffer_id = buffer->id;
	/* The generation first: pairs with shmbuf_buffer_grow(). */
	args->generation = smp_load_acquire(&buffer->generation);
	args->data_size = READ_ONCE(buffer->data_size);
	args->max_size = buffer->max_size;
	args->nr_objects = buffer->nr_objects;
	args->layout = buffer->layout;
	args->object_offset = sizeof(struct shmbuf_control);
	args->object_stride = 1U << buffer->stride_shift;
	args->mode = buffer->mode;
	args->uid = from_kuid_munged(current_user_ns(), buffer->uid);
	args->gid = from_kgid_munged(current_user_ns(), buffer->gid);
	args->seals = READ_ONCE(buffer->seals);
	args->create_flags = shmbuf_buffer_flags(buffer);
}

static int shmbuf_query_areas(struct shmbuf_query *args, struct shmbuf_buffer *buffer)
{
	struct shmbuf_area areas[] = {
		{
			.type = SHMBUF_AREA_DATA,
			.offset = 0,
			.size = args->data_size,
		}, {
			.type = SHMBUF_AREA_CONTROL,
			.offset = SHMBUF_CONTROL_OFFSET,
			.size = buffer->control_size,
		},
	};
	u32 nr = min_t(u32, args->nr_areas, ARRAY_SIZE(areas));

	args->nr_areas = ARRAY_SIZE(areas);
	if (args->areas && copy_to_user(u64_to_user_ptr(args->areas), areas, nr * sizeof(*areas)))
		return -EFAULT;
	return 0;
}

static int shmbuf_query_name(struct shmbuf_query *args, struct shmbuf_buffer *buffer)
{
	u32 room = args->name_size;

	args->name_size = 0;
	if (!shmbuf_name_exists(buffer))
		return 0;
	args->name_size = buffer->name_len + 1;
	if (args->name && room >= args->name_size &&
	    copy_to_user(u64_to_user_ptr(args->name), buffer->name, args->name_size))
		return -EFAULT;
	return 0;
}

int shmbuf_query(struct file *file, struct shmbuf_query *args,
		 struct shmbuf_query __user *args_user)
{
	struct shmbuf_buffer *buffer = shmbuf_handle_buffer(shmbuf_handle(file));
	struct shmbuf_query out = {
		.size = args->size,
		.areas = args->areas,
		.nr_areas = args->nr_areas,
		.name_size = args->name_size,
		.name = args->name,
	};
	int ret;

	if (args->reserved)
		return -EINVAL;
	shmbuf_query_module(&out);
	if (!shmbuf_file_writable(file))
		out.handle_flags |= SHMBUF_HANDLE_READONLY;
	if (buffer) {
		shmbuf_query_buffer(&out, buffer);
		ret = shmbuf_query_areas(&out, buffer);
		if (!ret)
			ret = shmbuf_query_name(&out, buffer);
		if (ret)
			return ret;
	} else {
		out.nr_areas = 0;
		out.name_size = 0;
	}
	return copy_to_user(args_user, &out, sizeof(out)) ? -EFAULT : 0;
}
