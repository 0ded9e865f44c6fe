// SPDX-License-Identifier: MIT
/*
 * The areas of a handle: reserved address range, data, control.
 *
 * One range is reserved for both, with room for all that the data area can grow
 * to, so that pointers into it stay good.  A child of fork() inherits the data
 * but not the control area, and where that was something else may stand by now:
 * the child maps it wherever there is room.
 */
#include "internal.h"

#include <errno.h>
#include <sys/mman.h>

/* What large buffers are aligned to, so that huge pages fit. */
#define HUGE_PAGE	((size_t)2 * 1024 * 1024)

static __u64 next_serial = 1;

static int protection(const struct shmbuf *b)
{
	return b->readonly ? PROT_READ : PROT_READ | PROT_WRITE;
}

static char *control_home(const struct shmbuf *b)
{
	return b->data + b->max_size;
}

static int map_control(struct shmbuf *b, char *address)
{
	struct shmbuf_hot *hot = shmbuf_hot(b);
	char *p = shmbuf_sys_mmap(address, b->control_size, protection(b),
				  MAP_SHARED | (address ? MAP_FIXED : 0), b->fd,
				  b->control_offset);

	if (p == MAP_FAILED)
		return -errno;
	hot->control = (struct shmbuf_control *)p;
	hot->fast.words = p + b->object_offset;
	/* Pairs with the acquire of shmbuf_fast_table(): words first. */
	__atomic_store_n(&hot->fast.table,
			 (__u64)(b->readonly ? 0 : b->nr_objects) << SHMBUF_FAST_TABLE_SHIFT |
			 __builtin_ctz(b->object_stride), __ATOMIC_RELEASE);
	__atomic_store_n(&hot->fast.serial,
			 __atomic_fetch_add(&next_serial, 1, __ATOMIC_RELAXED),
			 __ATOMIC_RELEASE);
	return 0;
}

/* Map what the data area has now and hadn't before.  Needs the mutex. */
static int map_data(struct shmbuf *b, __u64 size)
{
	size_t old = b->data_size;

	if (size > b->max_size)
		size = b->max_size;
	if (size <= old)
		return 0;
	if (shmbuf_sys_mmap(b->data + old, size - old, protection(b),
			    MAP_SHARED | MAP_FIXED, b->fd, old) == MAP_FAILED)
		return -errno;
	__atomic_store_n(&b->data_size, size, __ATOMIC_RELEASE);
	return 0;
}

static int reserve(struct shmbuf *b)
{
	size_t align = b->max_size >= HUGE_PAGE ? HUGE_PAGE : 1;
	size_t size = align - 1 + b->max_size + b->control_size;

	if (size < b->max_size || size > PTRDIFF_MAX)
		return -EOVERFLOW;
	b->reserve_size = size;
	b->reserve = mmap(NULL, size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->reserve == MAP_FAILED)
		return -errno;
	b->data = b->reserve + (-(size_t)b->reserve & (align - 1));
	return 0;
}

/*
 * All of a new handle, whose sizes are known; data_size says how much there is to
 * map, and then how much is.
 */
int shmbuf_map(struct shmbuf *b)
{
	size_t size = b->data_size;
	int ret;

	ret = reserve(b);
	if (ret)
		return ret;
	b->data_size = 0;
	ret = map_data(b, size);
	if (!ret)
		ret = map_control(b, control_home(b));
	if (ret)
		shmbuf_sys_munmap(b->reserve, b->reserve_size);
	return ret;
}

/* All of the reserved range but the control area, where others may be now. */
static void unmap_around(struct shmbuf *b)
{
	char *hole = control_home(b), *rest = hole + b->control_size;
	size_t size = b->reserve + b->reserve_size - rest;

	munmap(b->reserve, hole - b->reserve);
	if (size)
		munmap(rest, size);
}

void shmbuf_unmap(struct shmbuf *b)
{
	struct shmbuf_hot *hot = shmbuf_hot(b);
	char *control = (char *)hot->control;

	pthread_mutex_lock(&hot->mutex);
	__atomic_store_n(&hot->fast.serial, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&hot->fast.table, 0, __ATOMIC_RELAXED);
	hot->fast.words = NULL;
	hot->control = NULL;
	hot->process_id = 0;
	shmbuf_row_unmap_all(b);
	pthread_mutex_unlock(&hot->mutex);
	if (control == control_home(b)) {
		shmbuf_sys_munmap(b->reserve, b->reserve_size);
		return;
	}
	if (control)
		shmbuf_sys_munmap(control, b->control_size);
	unmap_around(b);
}

/* A child of fork() uses the handle for the first time. */
int shmbuf_revive(struct shmbuf *b)
{
	struct shmbuf_hot *hot = shmbuf_hot(b);
	int ret = 0;

	pthread_mutex_lock(&hot->mutex);
	if (!shmbuf_serial(b))
		ret = map_control(b, NULL);
	pthread_mutex_unlock(&hot->mutex);
	return ret;
}

/* NULL where there is no such object, or its word can't be mapped. */
__u64 *shmbuf_word(struct shmbuf *b, __u32 index)
{
	if (unlikely(!shmbuf_serial(b)) && shmbuf_revive(b))
		return NULL;
	if (index >= b->nr_objects)
		return NULL;
	return shmbuf_fast_word(b, index);
}

/* Only QUERY tells the size: the control area is anybody's to write. */
static int refresh(struct shmbuf *b)
{
	struct shmbuf_hot *hot = shmbuf_hot(b);
	struct shmbuf_query query = {};
	__u64 hint;
	int ret;

	pthread_mutex_lock(&hot->mutex);
	hint = __atomic_load_n(&hot->control->generation, __ATOMIC_ACQUIRE);
	ret = shmbuf_ask(b->fd, &query);
	if (!ret)
		ret = map_data(b, query.data_size);
	if (!ret)
		__atomic_store_n(&b->seen_generation, hint, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&hot->mutex);
	return ret;
}

SHMBUF_EXPORT void *shmbuf_data(const struct shmbuf *b)
{
	return b->data;
}

SHMBUF_EXPORT uint64_t shmbuf_size(struct shmbuf *b)
{
	struct shmbuf_control *control;

	if (shmbuf_serial(b) || !shmbuf_revive(b)) {
		control = shmbuf_hot(b)->control;
		if (__atomic_load_n(&control->generation, __ATOMIC_ACQUIRE) !=
		    __atomic_load_n(&b->seen_generation, __ATOMIC_RELAXED))
			refresh(b);
	}
	return __atomic_load_n(&b->data_size, __ATOMIC_ACQUIRE);
}

SHMBUF_EXPORT int shmbuf_grow(struct shmbuf *b, uint64_t size)
{
	struct shmbuf_grow argument = {
		.size = sizeof(argument),
		.data_size = size,
	};
	int ret;

	if (!shmbuf_serial(b)) {
		ret = shmbuf_revive(b);
		if (ret)
			return ret;
	}
	ret = shmbuf_sys_ioctl(b->fd, SHMBUF_IOC_GROW, &argument);
	return ret ? ret : refresh(b);
}
