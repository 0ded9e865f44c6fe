/* SPDX-License-Identifier: GPL-2.0-only */
/* The C library's locks in memory that processes share.  All return 0 or -errno. */
#ifndef PSHARED_H
#define PSHARED_H

#include <pthread.h>

/*
 * For many mutexes; to be destroyed also where it fails.
 * @robust: PTHREAD_MUTEX_STALLED or _ROBUST; @protocol: PTHREAD_PRIO_NONE or _INHERIT.
 */
int pshared_mutexattr(pthread_mutexattr_t *attr, int robust, int protocol);

int pshared_mutex(pthread_mutex_t *mutex, int robust, int protocol);

/* A condition, and the plain mutex that goes with it. */
int pshared_condition(pthread_cond_t *cond, pthread_mutex_t *mutex);

#endif
