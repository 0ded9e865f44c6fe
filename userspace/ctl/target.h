/* SPDX-License-Identifier: MIT */
/* The buffer that an operand means. */
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include <shmbuf.h>
#include <stdbool.h>
#include <stdint.h>

/* --name was given: numbers are names, too. */
extern bool target_is_name;

enum target_use {
	TARGET_READ,	/* a read-only handle does, and is asked for */
	TARGET_WRITE,
	TARGET_EITHER,	/* a writing one, or if that is denied a read-only one */
};

/**
 * struct target - an open buffer
 * @b: its handle
 * @name: the operand, for messages
 * @borrowed: the handle is another process's as well, and its watches are
 */
struct target {
	struct shmbuf *b;
	const char *name;
	bool borrowed;
};

/* 0, or what went wrong is said and it is the status to end with. */
int target_open(struct target *target, const char *operand, enum target_use use);

/* An index, or with @deaths also "deaths" for SHMBUF_INDEX_DEATHS. */
uint32_t target_index(const char *text, bool deaths);

/*
 * A descriptor of the buffer of that id from a process that has one: the descriptor, -ENOENT
 * where none is seen, or -EPERM where there is one that may not be had (*@pid).
 */
int borrow(uint64_t id, int *pid);

#endif
