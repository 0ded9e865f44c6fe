// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <linux/shmbuf_word.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "file.h"
#include "memory.h"
#include "value.h"

/* The first pages are where a life finds control areas, rows and data; of others' say. */
#define SHARE		(ARENA_PAGES / 4)

void memory_init(void)
{
	mmap(ARENA, ARENA_PAGES * FUZZ_PAGE, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

char *memory_control(int buffer)
{
	return ARENA + buffer * 32 * FUZZ_PAGE;
}

char *memory_row(int buffer)
{
	return memory_control(buffer) + 16 * FUZZ_PAGE;
}

static char *memory_data(int buffer)
{
	return memory_control(buffer) + 24 * FUZZ_PAGE;
}

static long map(struct task *task, void *at, size_t size, int prot, int flags, int fd,
		__u64 offset)
{
	void *got = mmap(at, size, prot, flags | MAP_FIXED, fd, offset);

	return counted(task, got == MAP_FAILED ? -1 : 0);
}

static __u64 row_offset(__u64 owner)
{
	return SHMBUF_ROW_OFFSET + (owner & SHMBUF_OWNER_SLOT_MASK) * FUZZ_PAGE;
}

void memory_map_shared(struct task *task, struct handle handle)
{
	const struct buffer *buffer = &world->buffers[handle.buffer];
	char *at = memory_control(handle.buffer);

	map(task, at, buffer->control_size, PROT_READ | PROT_WRITE, MAP_SHARED, handle.fd,
	    SHMBUF_CONTROL_OFFSET);
	map(task, memory_row(handle.buffer), FUZZ_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    handle.fd, row_offset(task->ids[handle.buffer]));
	map(task, memory_data(handle.buffer), buffer->data_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    handle.fd, 0);
}

/* Just what a life has mapped of the buffer that the program is about. */
static char *area(struct task *task, size_t *size)
{
	int buffer = (task->focus >> 4) % BUFFERS;

	switch (draw_below(&task->seed, 4)) {
	case 0:
		*size = world->buffers[buffer].control_size;
		return memory_control(buffer);
	case 1:
		*size = world->buffers[buffer].data_size;
		return memory_data(buffer);
	default:
		*size = FUZZ_PAGE;
		return memory_row(buffer);
	}
}

/* A whole area once in @areas times, else anything. */
static char *place(struct task *task, size_t *size, int areas)
{
	__u64 *seed = &task->seed, at, pages;

	if (draw_once_in(seed, areas))
		return area(task, size);
	at = draw_below(seed, 8) ? SHARE + draw_below(seed, ARENA_PAGES - SHARE) :
				   draw_below(seed, SHARE);
	pages = 1 + draw_below(seed, draw_once_in(seed, 4) ? 64 : 4);
	if (pages > ARENA_PAGES - at)
		pages = ARENA_PAGES - at;
	*size = pages * FUZZ_PAGE;
	return ARENA + at * FUZZ_PAGE;
}

static int protection(struct task *task)
{
	static const int some[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE,
				    PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC };

	return some[draw_below(&task->seed, 2) ? 0 : draw_below(&task->seed, ARRAY_SIZE(some))];
}

static long op_mmap(struct task *task, const struct op *op)
{
	struct handle handle = file_handle(task);
	__u64 *seed = &task->seed, offset;
	int flags = draw_below(seed, 8) ? MAP_SHARED : MAP_PRIVATE;
	size_t size;
	char *at = place(task, &size, 64);

	task->buffer = handle.buffer;
	switch (draw_below(seed, 8)) {
	case 0: case 1:
		offset = SHMBUF_CONTROL_OFFSET;
		if (handle.buffer >= 0 && handle.buffer < BUFFERS && draw_below(seed, 8))
			size = world->buffers[handle.buffer].control_size;
		break;
	case 2: case 3:
		offset = row_offset(value_owner(task));
		if (draw_below(seed, 8))
			size = FUZZ_PAGE;
		break;
	case 4:
		offset = value_odd(seed) & ~(FUZZ_PAGE - 1);
		break;
	default:
		offset = draw_below(seed, 4) * FUZZ_PAGE;
	}
	if (at + size > ARENA + ARENA_PAGES * FUZZ_PAGE)
		at = ARENA;
	if (draw_once_in(seed, 8))
		flags |= MAP_POPULATE;
	return map(task, at, size, protection(task), flags, handle.fd, offset);
}

static long op_munmap(struct task *task, const struct op *op)
{
	size_t size;
	char *at = place(task, &size, 32);

	/* What is unmapped stays reserved, so that nobody else comes to be there. */
	if (draw_once_in(&task->seed, 2))
		return map(task, at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			   -1, 0);
	return counted(task, munmap(at, size));
}

static long op_mremap(struct task *task, const struct op *op)
{
	__u64 *seed = &task->seed;
	size_t size, new_size;
	char *at = place(task, &size, 2), *to = place(task, &new_size, 64);
	void *got;

	switch (draw_below(seed, 5)) {
	case 0:
		/* Only where it is. */
		got = mremap(at, size, new_size, 0);
		break;
	case 1:
		/* A second one of the same. */
		got = mremap(at, 0, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		break;
	case 2:
		got = mremap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to);
		break;
	case 3:
		got = mremap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		break;
	default:
		got = mremap(at, size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	}
	return counted(task, got == MAP_FAILED ? -1 : 0);
}

static long op_mprotect(struct task *task, const struct op *op)
{
	size_t size;
	char *at = place(task, &size, 4);

	return counted(task, mprotect(at, size, protection(task)));
}

static long op_madvise(struct task *task, const struct op *op)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_REMOVE, MADV_DOFORK, MADV_DONTFORK, MADV_DODUMP,
		MADV_DONTDUMP, MADV_FREE, MADV_WILLNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_COLD, MADV_PAGEOUT, MADV_MERGEABLE, MADV_WIPEONFORK,
	};
	size_t size;
	char *at = place(task, &size, 4);

	return counted(task, madvise(at, size,
				     advices[draw_below(&task->seed, ARRAY_SIZE(advices))]));
}

static long op_sync(struct task *task, const struct op *op)
{
	__u64 *seed = &task->seed;
	unsigned char in_core[64];
	size_t size;
	char *at = place(task, &size, 4);

	switch (draw_below(seed, 4)) {
	case 0:
		return counted(task, msync(at, size, draw_below(seed, 8)));
	case 1:
		return counted(task, mlock(at, size));
	case 2:
		return counted(task, munlock(at, size));
	default:
		return counted(task, mincore(at, size, in_core));
	}
}

/* As a program does, and as a debugger does it. */
static long op_touch(struct task *task, const struct op *op)
{
	__u64 *seed = &task->seed, value = draw(seed);
	__u64 page = draw_below(seed, draw_below(seed, 4) ? SHARE : ARENA_PAGES);
	char *at = ARENA + page * FUZZ_PAGE + draw_below(seed, FUZZ_PAGE - sizeof(value));
	bool writes = !world->fair && draw_once_in(seed, 2);
	long ret;
	int fd;

	if (draw_below(seed, 4)) {
		if (writes)
			return guarded_copy(at, &value, sizeof(value)) ? 0 : -EFAULT;
		return guarded_copy(&value, at, sizeof(value)) ? 0 : -EFAULT;
	}
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (writes)
		ret = counted(task, pwrite(fd, &value, sizeof(value), (off_t)(uintptr_t)at));
	else
		ret = counted(task, pread(fd, &value, sizeof(value), (off_t)(uintptr_t)at));
	close(fd);
	return ret;
}

const struct op memory_ops[] = {
	{ "mmap", 5, op_mmap },
	{ "munmap", 2, op_munmap },
	{ "mremap", 2, op_mremap },
	{ "mprotect", 2, op_mprotect },
	{ "madvise", 2, op_madvise },
	{ "sync", 1, op_sync },
	{ "touch", 4, op_touch },
};

const int nr_memory_ops = ARRAY_SIZE(memory_ops);
