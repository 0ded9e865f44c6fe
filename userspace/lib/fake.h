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
#define FAKE_OBJECTS	1024
#define FAKE_OWNERS	2048
#define FAKE_COMMANDS	128

struct fake_owner {
	__u64 id;
	pid_t pid;
	pid_t tid;
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
	struct fake_owner owners[FAKE_OWNERS];
	__u32 kinds[FAKE_OBJECTS];
	__u32 waiters[FAKE_OBJECTS];
};

/* Shared by all processes that are forked after the first call of the library. */
struct fake {
	pthread_mutex_t mutex;
	/* To set: opening the node fails so, the next command of a number does. */
	int open_error;
	int error[FAKE_COMMANDS];
	__u32 abi_version;
	/* To look at: commands by number. */
	unsigned int calls[FAKE_COMMANDS];
	struct fake_buffer buffers[FAKE_BUFFERS];
};

struct fake *shmbuf_fake(void);

#endif /* SHMBUF_FAKE_H */
