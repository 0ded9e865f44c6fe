/* SPDX-License-Identifier: MIT */
/*
 * What the files of the library share.
 *
 * A handle has two halves.  struct shmbuf is plain memory; struct shmbuf_hot
 * stands SHMBUF_WIPED bytes behind it, in pages that are MADV_WIPEONFORK.  So in
 * a child of fork() (or clone(), where no pthread_atfork() handler runs) the hot
 * half is all zero: the child's threads find an empty table, leave the fast path
 * and set the handle up anew, for a test that the fast path makes anyway.
 * The same goes for a handle that was closed.
 */
#ifndef SHMBUF_INTERNAL_H
#define SHMBUF_INTERNAL_H

/* The functions themselves are made here. */
#define SHMBUF_NO_INLINE

#include <assert.h>
#include <linux/shmbuf_word.h>
#include <pthread.h>
#include <shmbuf.h>
#include <stdbool.h>
#include <stddef.h>

/* The ABI of the modules of release 1.0, which every library works on. */
#define SHMBUF_ABI_OLDEST	3

#define SHMBUF_EXPORT	__attribute__((visibility("default")))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#pragma GCC visibility push(hidden)

/* A constant, for the fast path's sake, and a multiple of any page size. */
#define SHMBUF_WIPED	SHMBUF_FAST_OFFSET
#define SHMBUF_SLOT	128

struct shmbuf {
	int fd;
	bool readonly;
	/* The address range: padding, max_size of data, control_size, padding. */
	char *reserve;
	size_t reserve_size;
	char *data;
	size_t max_size;
	size_t control_size;
	/* Written under the hot half's mutex, read without. */
	size_t data_size;
	__u64 seen_generation;
	/* What the control area looks like. */
	__u64 control_offset;
	__u32 nr_objects;
	__u32 object_offset;
	__u32 object_stride;
	struct shmbuf *next_free;
};

struct shmbuf_hot {
	/*
	 * @fast.serial says which opening of which handle this is; never used
	 * twice in a process and its children.  0: closed, or not set up in this
	 * child.  Written last, under @mutex.
	 */
	struct shmbuf_fast fast;
	struct shmbuf_control *control;
	/* The id that all threads share, or 0 until it is needed; under @mutex. */
	__u64 process_id;
	/* The rows of all threads, under @mutex: a mapping would keep the file open. */
	struct shmbuf_row_map *rows;
	/* All zero is an unlocked one: what a fork leaves is usable. */
	pthread_mutex_t mutex;
};

static_assert(sizeof(struct shmbuf) <= SHMBUF_SLOT, "plain half");
static_assert(sizeof(struct shmbuf_hot) <= SHMBUF_SLOT, "hot half");

static inline struct shmbuf_hot *shmbuf_hot(const struct shmbuf *b)
{
	return (struct shmbuf_hot *)((char *)b + SHMBUF_WIPED);
}

static inline __u64 shmbuf_serial(const struct shmbuf *b)
{
	return __atomic_load_n(&shmbuf_hot(b)->fast.serial, __ATOMIC_ACQUIRE);
}

/* slot.c: memory for handles */
int shmbuf_slot_get(struct shmbuf **out);
void shmbuf_slot_put(struct shmbuf *b);

/* map.c: the areas */
int shmbuf_map(struct shmbuf *b);
void shmbuf_unmap(struct shmbuf *b);
int shmbuf_revive(struct shmbuf *b);
__u64 *shmbuf_word(struct shmbuf *b, __u32 index);

/* owner.c: the calling thread's owner ids */
#define SHMBUF_NO_SERIAL	(~0ULL)

struct shmbuf_owner {
	__u64 serial;
	__u64 id;
	struct shmbuf *b;
	/* Its counts as a reader; NULL before it first reads, or where there are none. */
	__u64 *row;
	bool row_tried;
};

#define SHMBUF_OWNERS_INLINE	4

/* All ids of a thread.  The one used last is in struct shmbuf_fast_thread, too. */
struct shmbuf_thread {
	/* Hashed by serial; serial 0 is free. */
	struct shmbuf_owner *owners;
	__u32 mask;
	__u32 used;
	struct shmbuf_owner first[SHMBUF_OWNERS_INLINE];
};

int shmbuf_self(struct shmbuf *b, __u64 *id);
int shmbuf_self_process(struct shmbuf *b, __u64 *id);
int shmbuf_self_reader(struct shmbuf *b, __u64 *id);
void shmbuf_forget(struct shmbuf *b);

/* contended.c: by the kernel, after a short spin */
int shmbuf_contended(struct shmbuf *b, __u32 index, unsigned int flags,
		     const struct timespec *deadline);
int shmbuf_contended_read(struct shmbuf *b, __u32 index, unsigned int flags,
			  const struct timespec *deadline);
int shmbuf_holder_call(struct shmbuf *b, __u32 index, unsigned long command);

/* row.c: readers' counts, one page for each owner id */
__u64 *shmbuf_row_map(struct shmbuf *b, __u64 serial, __u64 id);
void shmbuf_row_unmap(struct shmbuf *b, __u64 *row);
void shmbuf_row_unmap_all(struct shmbuf *b);

/* handle.c */
int shmbuf_ask(int fd, struct shmbuf_query *query);

/* deadline.c */
int shmbuf_deadline(const struct timespec *deadline, __u64 *ns);

/* sys.c: all that goes to the device; fake.c does the same without one */
int shmbuf_sys_open(int flags);
int shmbuf_sys_ioctl(int fd, unsigned long command, void *argument);
void *shmbuf_sys_mmap(void *address, size_t size, int prot, int flags, int fd,
		      __u64 offset);
void shmbuf_sys_munmap(void *address, size_t size);

#pragma GCC visibility pop

#endif /* SHMBUF_INTERNAL_H */
