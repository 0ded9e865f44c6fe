// SPDX-License-Identifier: MIT
/*
 * Rows: where an owner id counts what it reads, for itself alone.  All of a handle's
 * are in its hot half's list, so that closing it, or the thread's end, leaves none behind.
 */
#include "internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct shmbuf_row_map {
	struct shmbuf_row_map *next;
	__u64 *row;
};

static size_t row_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static void row_free(struct shmbuf_row_map *map)
{
	shmbuf_sys_munmap(map->row, row_size());
	free(map);
}

/* NULL where there is none to be had: then the kernel counts. */
__u64 *shmbuf_row_map(struct shmbuf *b, __u64 serial, __u64 id)
{
	struct shmbuf_row_map *map = malloc(sizeof(*map));
	struct shmbuf_hot *hot = shmbuf_hot(b);
	__u64 offset = (id & SHMBUF_OWNER_SLOT_MASK) * row_size();
	__u64 *row = NULL;

	if (!map)
		return NULL;
	map->row = shmbuf_sys_mmap(NULL, row_size(), PROT_READ | PROT_WRITE, MAP_SHARED, b->fd,
				   SHMBUF_ROW_OFFSET + offset);
	if (map->row == MAP_FAILED) {
		free(map);
		return NULL;
	}
	pthread_mutex_lock(&hot->mutex);
	if (shmbuf_serial(b) == serial) {
		map->next = hot->rows;
		hot->rows = map;
		row = map->row;
	}
	pthread_mutex_unlock(&hot->mutex);
	/* The handle was closed meanwhile: nobody else would unmap it. */
	if (!row)
		row_free(map);
	return row;
}

/* Needs the mutex. */
void shmbuf_row_unmap(struct shmbuf *b, __u64 *row)
{
	struct shmbuf_row_map **at = &shmbuf_hot(b)->rows, *map;

	while (*at && (*at)->row != row)
		at = &(*at)->next;
	map = *at;
	if (!map)
		return;
	*at = map->next;
	row_free(map);
}

/* Needs the mutex. */
void shmbuf_row_unmap_all(struct shmbuf *b)
{
	struct shmbuf_hot *hot = shmbuf_hot(b);
	struct shmbuf_row_map *map;

	while ((map = hot->rows)) {
		hot->rows = map->next;
		row_free(map);
	}
}
