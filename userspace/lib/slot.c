// SPDX-License-Identifier: MIT
/*
 * Memory for handles.  It comes in arenas of a plain and a wiped half, and is
 * never given back: a thread that ends may look at the hot half of a handle that
 * was closed long ago, and learns from its serial that it was.
 */
#include "internal.h"

#include <errno.h>
#include <sys/mman.h>

/* Slot 0 of the plain half. */
struct arena {
	struct arena *next;
	struct shmbuf *free;
	__u32 used;
};

/* Slot 0 of the wiped half: a fork while another thread allocates does no harm. */
struct arena_hot {
	pthread_mutex_t mutex;
};

static struct arena *arenas;

static pthread_mutex_t *arena_mutex(struct arena *a)
{
	return &((struct arena_hot *)((char *)a + SHMBUF_WIPED))->mutex;
}

static int arena_new(struct arena **out)
{
	char *p = mmap(NULL, 2 * SHMBUF_WIPED, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (p == MAP_FAILED)
		return -errno;
	if (madvise(p + SHMBUF_WIPED, SHMBUF_WIPED, MADV_WIPEONFORK)) {
		ret = -errno;
		munmap(p, 2 * SHMBUF_WIPED);
		return ret;
	}
	*out = (struct arena *)p;
	(*out)->used = 1;
	return 0;
}

/* The arena that @link points to; a new one where it's the end of the list. */
static int arena_at(struct arena **link, struct arena **out)
{
	struct arena *a = __atomic_load_n(link, __ATOMIC_ACQUIRE), *old = NULL;
	int ret;

	if (!a) {
		ret = arena_new(&a);
		if (ret)
			return ret;
		if (!__atomic_compare_exchange_n(link, &old, a, 0, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			munmap(a, 2 * SHMBUF_WIPED);
			a = old;
		}
	}
	*out = a;
	return 0;
}

int shmbuf_slot_get(struct shmbuf **out)
{
	struct arena **link = &arenas, *a;
	struct shmbuf *b = NULL;
	int ret;

	for (; !b; link = &a->next) {
		ret = arena_at(link, &a);
		if (ret)
			return ret;
		pthread_mutex_lock(arena_mutex(a));
		b = a->free;
		if (b)
			a->free = b->next_free;
		else if (a->used < SHMBUF_WIPED / SHMBUF_SLOT)
			b = (struct shmbuf *)((char *)a + SHMBUF_SLOT * a->used++);
		pthread_mutex_unlock(arena_mutex(a));
	}
	*out = b;
	return 0;
}

void shmbuf_slot_put(struct shmbuf *b)
{
	struct arena *a;

	for (a = __atomic_load_n(&arenas, __ATOMIC_ACQUIRE);
	     (size_t)((char *)b - (char *)a) >= SHMBUF_WIPED;
	     a = __atomic_load_n(&a->next, __ATOMIC_ACQUIRE))
		;
	pthread_mutex_lock(arena_mutex(a));
	b->next_free = a->free;
	a->free = b;
	pthread_mutex_unlock(arena_mutex(a));
}
