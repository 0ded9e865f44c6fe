// SPDX-License-Identifier: MIT
#include "internal.h"

#include <errno.h>

static const char *const errors[] = {
	[ENODEV] =
		"there is no /dev/shmbuf: load the module (modprobe shmbuf), or install it first",
	[ECONNREFUSED] =
		"/dev/shmbuf may not be opened: add the user to group shmbuf (adduser USER shmbuf) and log in again",
	[EPROTONOSUPPORT] =
		"the loaded module is too old for this: install a newer one and reload it (rmmod shmbuf; modprobe shmbuf)",
	[ENOTTY] =
		"the file descriptor is no shmbuf handle: pass one",
	[EOPNOTSUPP] =
		"a flag isn't known: correct it, or install a newer module",
	[E2BIG] =
		"the module doesn't know all that the call asks for: install a newer module",
	[EACCES] =
		"the buffer's mode denies it: ask its owner for a wider mode, or open it with SHMBUF_RDONLY",
	[EAGAIN] =
		"this process has no key for data of threads left (pthread_key_create): free some",
	[EBADF] =
		"the handle is read-only or its descriptor isn't open: open the buffer without SHMBUF_RDONLY",
	[EBUSY] =
		"somebody alive holds or uses it: try again later",
	[EDEADLK] =
		"this thread holds the lock, or who holds it waits for this thread: unlock what this thread holds first",
	[EDQUOT] =
		"a limit of this user is reached: free buffers, objects or threads, or raise the module's parameter",
	[EEXIST] =
		"the name, the sync object or the watch exists already: choose another, or take the old one back first",
	[EFAULT] =
		"a pointer leads nowhere: correct the call",
	[EINTR] =
		"a signal came first: call again",
	[EINVAL] =
		"a size, index, kind, value or name is wrong: correct the call, or see whether the existing buffer is large enough",
	[EMFILE] =
		"this process has too many files open: close some, or raise its limit (ulimit -n)",
	[ENFILE] =
		"the system has too many files open: close some, or raise fs.file-max",
	[ENAMETOOLONG] =
		"the name is too long: at most 255 bytes",
	[ENOENT] =
		"there is no buffer of that name in this IPC namespace, or nothing of that kind to take back: create it first",
	[ENOMEM] =
		"there is not enough memory or address space: free some, or ask for less",
	[ENOSPC] =
		"the limit of all users together is reached: free buffers, or raise the module's parameter",
	[ENOTCONN] =
		"the handle is attached to no buffer: create or open one with it first",
	[ENOTRECOVERABLE] =
		"a holder of the lock died and nobody repaired the data, or a party of the barrier died: repair the data, then reset and init the object",
	[EOVERFLOW] =
		"a number is too large: ask for less, or post a semaphore no more often than it counts",
	[EOWNERDEAD] =
		"somebody died: if this was a lock it is yours, so repair the data, call shmbuf_consistent(), and go on; a barrier is broken: reset and init it; a wait for others' wakes: see what they left, and wait again",
	[ESRCH] =
		"who was named doesn't hold the lock, or no more: see who does, and whether it still has to be taken away",
	[EPIPE] =
		"no other process is joined who could end the wait: give up, or wait again once others have come",
	[EPERM] =
		"the caller isn't the owner, or a seal forbids it: only the thread that locked may unlock, only the buffer's owner may unlink",
	[ETIMEDOUT] =
		"the deadline passed: try again with a later one",
};

SHMBUF_EXPORT const char *shmbuf_strerror(int err)
{
	if (err >= 0)
		return "success";
	if (err > -(int)ARRAY_SIZE(errors) && errors[-err])
		return errors[-err];
	return "an error that this library doesn't know: see errno(3), and the kernel log";
}
