// SPDX-License-Identifier: MIT
/*
 * Handles: made, opened, asked, given back.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Room for areas that a later module may tell of. */
#define AREAS	8

int shmbuf_ask(int fd, struct shmbuf_query *query)
{
	int ret;

	query->size = sizeof(*query);
	ret = shmbuf_sys_ioctl(fd, SHMBUF_IOC_QUERY, query);
	if (!ret && query->abi_version < SHMBUF_ABI_OLDEST)
		ret = -EPROTONOSUPPORT;
	return ret;
}

/* Whether the words are where programs of this release find them. */
static bool table_fits(const struct shmbuf_query *query, __u64 control_size)
{
	__u64 stride = query->object_stride, offset = query->object_offset;

	return stride >= 8 && !(stride & (stride - 1)) && !(offset % 8) &&
	       offset <= control_size && query->nr_objects <= (control_size - offset) / stride;
}

/* The handle's shape from what the kernel says. */
static int describe(struct shmbuf *b)
{
	struct shmbuf_area areas[AREAS] = {};
	struct shmbuf_query query = {
		.areas = (uintptr_t)areas,
		.nr_areas = AREAS,
	};
	__u64 control_size = 0;
	int i, ret;

	ret = shmbuf_ask(b->fd, &query);
	if (ret)
		return ret;
	if (!(query.handle_flags & SHMBUF_HANDLE_ATTACHED))
		return -ENOTCONN;
	for (i = 0; i < AREAS; i++) {
		if (areas[i].type != SHMBUF_AREA_CONTROL)
			continue;
		b->control_offset = areas[i].offset;
		control_size = areas[i].size;
	}
	if (!control_size || !table_fits(&query, control_size))
		return -EPROTONOSUPPORT;
	if (query.max_size > PTRDIFF_MAX || control_size > PTRDIFF_MAX)
		return -EOVERFLOW;
	b->readonly = query.handle_flags & SHMBUF_HANDLE_READONLY;
	b->max_size = query.max_size;
	b->data_size = query.data_size;
	b->control_size = control_size;
	b->nr_objects = query.nr_objects;
	b->object_offset = query.object_offset;
	b->object_stride = query.object_stride;
	b->seen_generation = query.generation;
	return 0;
}

/* Make a handle of an attached fd, which goes with it from here. */
static int handle_new(struct shmbuf **out, int fd)
{
	struct shmbuf *b;
	int ret;

	ret = shmbuf_slot_get(&b);
	if (ret)
		return ret;
	b->fd = fd;
	ret = describe(b);
	if (!ret)
		ret = shmbuf_map(b);
	if (ret)
		shmbuf_slot_put(b);
	else
		*out = b;
	return ret;
}

/* A command that isn't known on the node itself: not our module, or an old one. */
static int node_ioctl(int fd, unsigned long command, void *argument)
{
	int ret = shmbuf_sys_ioctl(fd, command, argument);

	return ret == -ENOTTY ? -EPROTONOSUPPORT : ret;
}

static int name_ioctl(int fd, unsigned long command, const char *name)
{
	struct shmbuf_name argument = {
		.size = sizeof(argument),
		.name = (uintptr_t)name,
		.name_len = strlen(name),
	};

	return node_ioctl(fd, command, &argument);
}

static int create_argument(struct shmbuf_create *c, struct shmbuf_range ranges[2],
			   const struct shmbuf_options *o)
{
	__u32 nr = 0;

	if (o->reserved0 || o->reserved[0] || o->reserved[1] || o->reserved[2] ||
	    o->reserved[3])
		return -EINVAL;
	if (o->flags & ~(SHMBUF_EXCL | SHMBUF_PERSIST | SHMBUF_PREALLOC | SHMBUF_HUGE |
			 SHMBUF_PACKED))
		return -EOPNOTSUPP;
	if (o->nr_queues > UINT32_MAX - o->nr_locks)
		return -EOVERFLOW;
	if (o->nr_locks)
		ranges[nr++] = (struct shmbuf_range) {
			.count = o->nr_locks,
			.kind = SHMBUF_KIND_LOCK,
		};
	if (o->nr_queues)
		ranges[nr++] = (struct shmbuf_range) {
			.first = o->nr_locks,
			.count = o->nr_queues,
			.kind = SHMBUF_KIND_QUEUE,
		};
	c->flags = o->flags & ~SHMBUF_PACKED;
	c->mode = o->mode;
	c->max_size = o->max_size;
	c->nr_objects = o->nr_objects ? o->nr_objects : o->nr_locks + o->nr_queues;
	c->layout = o->flags & SHMBUF_PACKED ? SHMBUF_LAYOUT_PACKED :
		    SHMBUF_LAYOUT_SPREAD;
	c->ranges = nr ? (uintptr_t)ranges : 0;
	c->nr_ranges = nr;
	return 0;
}

SHMBUF_EXPORT int shmbuf_create(struct shmbuf **out, const char *name, size_t size,
				const struct shmbuf_options *options)
{
	static const struct shmbuf_options defaults;
	struct shmbuf_range ranges[2];
	struct shmbuf_create argument = {
		.size = sizeof(argument),
		.name = (uintptr_t)name,
		.name_len = name ? strlen(name) : 0,
		.data_size = size,
	};
	int fd, made, ret;

	if (!out || (name && !*name))
		return -EINVAL;
	ret = create_argument(&argument, ranges, options ? options : &defaults);
	if (ret)
		return ret;
	fd = shmbuf_sys_open(O_RDWR);
	if (fd < 0)
		return fd;
	made = node_ioctl(fd, SHMBUF_IOC_CREATE, &argument);
	ret = made < 0 ? made : handle_new(out, fd);
	if (!ret)
		return made;
	if (!made && name && (argument.flags & SHMBUF_PERSIST))
		name_ioctl(fd, SHMBUF_IOC_UNLINK, name);
	close(fd);
	return ret;
}

SHMBUF_EXPORT int shmbuf_open(struct shmbuf **out, const char *name,
			      unsigned int flags)
{
	int fd, ret;

	if (!out || !name || !*name)
		return -EINVAL;
	if (flags & ~SHMBUF_RDONLY)
		return -EOPNOTSUPP;
	fd = shmbuf_sys_open(flags & SHMBUF_RDONLY ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return fd;
	ret = name_ioctl(fd, SHMBUF_IOC_OPEN, name);
	if (!ret)
		ret = handle_new(out, fd);
	if (ret)
		close(fd);
	return ret;
}

SHMBUF_EXPORT int shmbuf_from_fd(struct shmbuf **out, int fd)
{
	int own, ret;

	if (!out)
		return -EINVAL;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return -errno;
	ret = handle_new(out, own);
	if (ret)
		close(own);
	return ret;
}

SHMBUF_EXPORT int shmbuf_fd(const struct shmbuf *b)
{
	return b->fd;
}

SHMBUF_EXPORT void shmbuf_close(struct shmbuf *b)
{
	if (!b)
		return;
	shmbuf_forget(b);
	shmbuf_unmap(b);
	close(b->fd);
	shmbuf_slot_put(b);
}

SHMBUF_EXPORT int shmbuf_unlink(const char *name)
{
	int fd, ret;

	if (!name || !*name)
		return -EINVAL;
	fd = shmbuf_sys_open(O_RDWR);
	if (fd < 0)
		return fd;
	ret = name_ioctl(fd, SHMBUF_IOC_UNLINK, name);
	close(fd);
	return ret;
}

static int ask_module(struct shmbuf_query *query)
{
	int fd = shmbuf_sys_open(O_RDONLY), ret;

	if (fd < 0)
		return fd;
	ret = shmbuf_ask(fd, query);
	close(fd);
	return ret == -ENOTTY ? -EPROTONOSUPPORT : ret;
}

SHMBUF_EXPORT int shmbuf_query(struct shmbuf *b, struct shmbuf_info *info)
{
	char name[SHMBUF_NAME_MAX + 1] = "";
	struct shmbuf_query q = {
		.name = (uintptr_t)name,
		.name_size = sizeof(name),
	};
	int ret = b ? shmbuf_ask(b->fd, &q) : ask_module(&q);

	if (ret)
		return ret;
	*info = (struct shmbuf_info) {
		.abi_version = q.abi_version,
		.handle_flags = b ? q.handle_flags : 0,
		.features = q.features,
		.limit_total_bytes = q.limit_total_bytes,
		.limit_user_bytes = q.limit_user_bytes,
		.limit_user_buffers = q.limit_user_buffers,
		.limit_user_objects = q.limit_user_objects,
		.limit_user_owners = q.limit_user_owners,
		.limit_user_waiters = q.limit_user_waiters,
		.limit_user_claims = q.limit_user_claims,
		.buffer_id = q.buffer_id,
		.data_size = q.data_size,
		.max_size = q.max_size,
		.generation = q.generation,
		.nr_objects = q.nr_objects,
		.layout = q.layout,
		.mode = q.mode,
		.uid = q.uid,
		.gid = q.gid,
		.seals = q.seals,
		.flags = q.create_flags,
	};
	memcpy(info->name, name, sizeof(name));
	return 0;
}
