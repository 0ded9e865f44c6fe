// SPDX-License-Identifier: MIT
#include "internal.h"

#include <errno.h>

#define NS_PER_SEC	1000000000LL

/* What is before time 0 has passed; what 64 bits can't hold never comes. */
int shmbuf_deadline(const struct timespec *deadline, __u64 *ns)
{
	*ns = SHMBUF_DEADLINE_NEVER;
	if (!deadline)
		return 0;
	if (deadline->tv_nsec < 0 || deadline->tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	if (deadline->tv_sec < 0)
		*ns = 0;
	else if (deadline->tv_sec < INT64_MAX / NS_PER_SEC)
		*ns = deadline->tv_sec * NS_PER_SEC + deadline->tv_nsec;
	return 0;
}
