// SPDX-License-Identifier: GPL-2.0-only
#include "peer_robust.h"
#include "vdso.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FUTEX_FREE_AND_WAKE	(FUTEX_WAKE | 512)	/* FUTEX_UNLOCK_WAKE_LIST64 */

struct robust_self robust_self;
static struct robust_list_head *library;

int robust_enter(void)
{
	size_t size;

	robust_self.unlock = vdso_function("__vdso_futex_robust_list64_try_unlock");
	if (!robust_self.unlock)
		return -EOPNOTSUPP;
	if (!library && syscall(SYS_get_robust_list, 0, &library, &size))
		return -errno;
	robust_self.tid = syscall(SYS_gettid);
	robust_self.head.list.next = &robust_self.head.list;
	robust_self.head.futex_offset = offsetof(struct robust_lock, futex);
	robust_self.head.list_op_pending = NULL;
	return syscall(SYS_set_robust_list, &robust_self.head, sizeof(robust_self.head)) ?
	       -errno : 0;
}

void robust_leave(void)
{
	if (library)
		syscall(SYS_set_robust_list, library, sizeof(*library));
}

/* Who has waited leaves the bit set: there may be others. */
int robust_wait(struct robust_lock *lock)
{
	for (;;) {
		uint32_t old = __atomic_load_n(&lock->futex, __ATOMIC_RELAXED);
		bool free = !(old & FUTEX_TID_MASK);
		uint32_t new = free ? robust_self.tid | FUTEX_WAITERS : old | FUTEX_WAITERS;

		if (old != new &&
		    !__atomic_compare_exchange_n(&lock->futex, &old, new, false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		if (free)
			return old & FUTEX_OWNER_DIED ? -EOWNERDEAD : 0;
		syscall(SYS_futex, &lock->futex, FUTEX_WAIT, new, NULL, NULL, 0);
	}
}

/* The kernel frees it, takes it from the list, and wakes one who waits. */
int robust_unlock_contended(struct robust_lock *lock)
{
	return syscall(SYS_futex, &lock->futex, FUTEX_FREE_AND_WAKE, 1, NULL,
		       &robust_self.head.list_op_pending, 0) < 0 ? -errno : 0;
}
