// SPDX-License-Identifier: GPL-2.0-only
#include "pshared.h"

int pshared_mutexattr(pthread_mutexattr_t *attr, int robust, int protocol)
{
	int err;

	pthread_mutexattr_init(attr);
	err = pthread_mutexattr_setpshared(attr, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_mutexattr_setrobust(attr, robust);
	if (!err)
		err = pthread_mutexattr_setprotocol(attr, protocol);
	return -err;
}

int pshared_mutex(pthread_mutex_t *mutex, int robust, int protocol)
{
	pthread_mutexattr_t attr;
	int err = pshared_mutexattr(&attr, robust, protocol);

	if (!err)
		err = -pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return err;
}

int pshared_condition(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	pthread_condattr_t attr;
	int err;

	pthread_condattr_init(&attr);
	err = pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return err ? -err : pshared_mutex(mutex, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
}
