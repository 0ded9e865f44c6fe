// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world.h"

struct world *world;

static void map_world(void)
{
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED, WORLD_FD, 0);
	if (world == MAP_FAILED) {
		perror("fuzz: shared memory");
		exit(1);
	}
}

void world_create(void)
{
	int fd = memfd_create("fuzz", 0);

	if (fd < 0 || ftruncate(fd, sizeof(*world)) || dup2(fd, WORLD_FD) < 0) {
		perror("fuzz: memfd");
		exit(1);
	}
	close(fd);
	map_world();
}

void world_find(void)
{
	map_world();
}

void world_is_bad(const char *fmt, ...)
{
	va_list ap;

	if (__atomic_fetch_add(&world->nr_bad, 1, __ATOMIC_SEQ_CST))
		return;
	va_start(ap, fmt);
	vsnprintf(world->bad, sizeof(world->bad), fmt, ap);
	va_end(ap);
}

__u64 world_calls(void)
{
	__u64 calls = 0;
	int i;

	for (i = 0; i < SLOTS; i++)
		calls += __atomic_load_n(&world->slots[i].calls, __ATOMIC_RELAXED);
	return calls;
}

void objects_of(__u32 kind, __u32 *first, __u32 *count)
{
	static const __u32 counts[] = {
		[SHMBUF_KIND_LOCK] = LOCKS, [SHMBUF_KIND_QUEUE] = QUEUES,
		[SHMBUF_KIND_SEMAPHORE] = SEMAPHORES, [SHMBUF_KIND_BARRIER] = BARRIERS,
	};
	__u32 i;

	*first = 0;
	*count = OBJECTS;
	if (kind == SHMBUF_KIND_NONE || kind >= ARRAY_SIZE(counts))
		return;
	for (i = 1; i < kind; i++)
		*first += counts[i];
	*count = counts[kind];
}
