/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that a benchmark starts, and the machine that they find. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PATIENCE_NS	60000000000ULL

/* A child that goes when its parent goes, and ends with @run's result.  Its pid or -errno. */
pid_t process_start(int (*run)(void *arg), void *arg);

/* 0 where it ended with status 0, else -errno. */
int process_end(pid_t pid);

/* Ends it at once; 0 and less is no process. */
void process_kill(pid_t pid);

/* Keeps the caller on the n-th CPU of all, the first again after the last.  0 or -errno. */
int process_pin(unsigned int n);

bool process_asleep(pid_t pid);

/* 0 once it sleeps, or -ETIMEDOUT. */
int process_await_sleep(pid_t pid);

/* 0 once @p isn't 0, or -ETIMEDOUT.  Others set it by process_set(). */
int process_await(const int *p);

static inline void process_set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

/* Zeroed memory that children share; NULL where there is none. */
void *process_share(size_t size);

/* What @path, a file of lines as "KEY: 123 kB", says of @key; 0 where it doesn't. */
long process_kib(const char *path, const char *key);

long available_mib(void);

#endif
