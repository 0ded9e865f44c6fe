/* SPDX-License-Identifier: MIT */
/*
 * What a test may see and set of the device fake (fake.c).
 */
#ifndef SHMBUF_FAKE_H
#define SHMBUF_FAKE_H

#include <linux/shmbuf.h>
#include <pthread.h>
#include <sys/types.h>

#define FAKE_BUFFERS	64
#define FAKE_OBJECTS	2048
#define FAKE_OWNERS	2048
#define FAKE_CLAIMS	4096
#define FAKE_COMMANDS	128

/* @tid 0: an id of the whole process. */
struct fake_owner {
	__u64 id;
	pid_t pid;
	pid_t tid;
};

/*
 * What somebody has of an object that its word doesn't tell: how often it reads under a
 * lock, beside what its row counts; that it is a party of a barrier; units of a semaphore.
 * @holder: an owner id; of units, which are the process's, a pid.  0: a free entry
 */
struct fake_claim {
	__u64 holder;
	__u32 index;
	__u32 count;
};

struct fake_buffer {
	/* The memfd: what names the buffer, and where others can open it. */
	ino_t inode;
	pid_t keeper;
	int keeper_fd;
	char name[SHMBUF_NAME_MAX + 1];
	__u64 data_size;
	__u64 max_size;
	__u64 generation;
	__u32 nr_objects;
	__u32 layout;
	__u32 mode;
	__u32 seals;
	__u32 flags;
	__u64 next_id;
	__u64 nr_deaths;
	struct fake_owner owners[FAKE_OWNERS];
	__u32 nr_claims;
	struct fake_claim claims[FAKE_CLAIMS];
	__u32 kinds[FAKE_OBJECTS];
	/* How many wait, and of those how many for a lock of their own; the last: for deaths. */
	__u32 waiters[FAKE_OBJECTS + 1];
	__u32 writers[FAKE_OBJECTS + 1];
};

/* Shared by all processes that are forked after the first call of the library. */
struct fake {
	pthread_mutex_t mutex;
	/* To set: opening the node fails so, the next command of a number does. */
	int open_error;
	int error[FAKE_COMMANDS];
	__u32 abi_version;
	/* To set: has QUERY say something else. */
	void (*queried)(struct shmbuf_query *query);
	/* To set: called once, by who has mapped a row, before the library knows of it. */
	void (*row_mapped)(void);
	/* To look at: commands by number. */
	unsigned int calls[FAKE_COMMANDS];
	struct fake_buffer buffers[FAKE_BUFFERS];
};

struct fake *shmbuf_fake(void);

#endif /* SHMBUF_FAKE_H */
