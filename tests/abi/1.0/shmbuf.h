/* SPDX-License-Identifier: MIT */
/*
 * libshmbuf: shared-memory buffers with crash-safe synchronization
 *
 * A buffer is memory that processes share, with a table of sync objects (locks,
 * wait queues, semaphores, barriers) that are named by their index.  A process that dies while it
 * holds a lock blocks nobody: the next one to lock gets the lock together with
 * -EOWNERDEAD, repairs the data and calls shmbuf_consistent().
 *
 * Results: functions that return int return 0 (or a count) on success and a
 * negative errno value on failure; shmbuf_strerror() says what to do about it.
 * errno itself means nothing after a call.  Nothing is printed, no thread is
 * started and no signal handler installed.
 *
 * Threads: any number of threads may use a handle at the same time.
 * shmbuf_close() is the exception: whoever calls it sees to it that no other
 * thread is in a call with that handle, or enters one later.  Locks belong to the
 * thread that took them; only that thread can unlock.
 *
 * fork(): the child may go on with the handles it inherited, the data area
 * stays where it is.  It owns no lock: what the parent holds, the parent holds.
 * That is noticed without pthread_atfork(), so after a bare clone() as well.  A
 * child that shares its parent's memory (vfork(), CLONE_VM) mustn't call in here.
 *
 * Signals: no function but shmbuf_sem_post() may be called from a signal handler that
 * may have interrupted another one of them.
 *
 * Deadlines are absolute times on CLOCK_MONOTONIC; NULL means never.  Sizes are
 * in bytes.  Indexes count from 0.
 *
 * A call on an object of another kind gives -EINVAL and changes nothing.
 *
 * Since 1.0 this interface is frozen: a program of 64 bits that was compiled with it runs,
 * as it was compiled, with each later libshmbuf.so.1.  Later releases add calls and flags.
 * For 32 bits sources stay good, but programs may have to be compiled anew, with the width
 * of time_t that the library has.
 *
 * A handle belongs to the copy of the library that made it, where a process has several.
 */
#ifndef SHMBUF_H
#define SHMBUF_H

#include <linux/shmbuf.h>
#include <linux/shmbuf_word.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct timespec;

/* A handle.  From shmbuf_create(), shmbuf_open() or shmbuf_from_fd(); given
 * back by shmbuf_close().
 */
struct shmbuf;

/* struct shmbuf_options.flags */
#define SHMBUF_EXCL		SHMBUF_CREATE_EXCL	/* fail where the name exists */
#define SHMBUF_PERSIST		SHMBUF_CREATE_PERSIST	/* the name stays until shmbuf_unlink() */
#define SHMBUF_PREALLOC		SHMBUF_CREATE_PREALLOC	/* allocate all pages now */
#define SHMBUF_HUGE		SHMBUF_CREATE_HUGE	/* huge pages, as far as there are any */
#define SHMBUF_PACKED		(1U << 31)	/* sync objects of 8 bytes rather than 64 */

/* shmbuf_open(), flags */
#define SHMBUF_RDONLY		(1U << 0)	/* look and wait, change nothing */

/* shmbuf_lock_flags(), flags */
#define SHMBUF_SPIN		SHMBUF_LOCK_SPIN	/* never sleep while it is held */
#define SHMBUF_NOSPIN		SHMBUF_LOCK_NOSPIN	/* sleep at once while it is held */
#define SHMBUF_INTERRUPTIBLE	SHMBUF_LOCK_INTERRUPTIBLE /* -EINTR after a signal */
#define SHMBUF_NODETECT		SHMBUF_LOCK_NODETECT	/* wait even in a deadlock with others */
#define SHMBUF_SHARED		SHMBUF_LOCK_SHARED	/* as a reader: as shmbuf_rdlock() */

/* shmbuf_sem_wait_flags(), shmbuf_sem_post_flags(), flags */
#define SHMBUF_UNDO		SHMBUF_SEM_UNDO	/* the unit comes back if the process dies */

/**
 * struct shmbuf_options - what shmbuf_create() is to make; zero it, then set
 *	what you need
 * @flags: SHMBUF_EXCL, SHMBUF_PERSIST, SHMBUF_PREALLOC, SHMBUF_HUGE, SHMBUF_PACKED
 * @mode: permission bits for others' shmbuf_open(), 0 to 0777; the umask
 *	doesn't apply; 0 means 0600
 * @max_size: bytes up to which shmbuf_grow() goes; 0 means the size at creation
 * @nr_locks: objects 0 to @nr_locks - 1 are locks
 * @nr_queues: the next @nr_queues objects are wait queues
 * @nr_objects: size of the table; 0 means @nr_locks + @nr_queues.  The rest is
 *	free for shmbuf_init().
 * @reserved0: 0
 * @reserved: 0
 */
struct shmbuf_options {
	unsigned int flags;
	unsigned int mode;
	uint64_t max_size;
	uint32_t nr_locks;
	uint32_t nr_queues;
	uint32_t nr_objects;
	uint32_t reserved0;
	uint64_t reserved[4];
};

/**
 * struct shmbuf_info - what shmbuf_query() tells
 * @abi_version: SHMBUF_ABI_VERSION of the module
 * @handle_flags: SHMBUF_HANDLE_*
 * @features: SHMBUF_FEATURE_*
 * @limit_total_bytes: bytes of all data areas together, at most
 * @limit_user_bytes: bytes of data areas that a user may have
 * @limit_user_buffers: buffers that a user may have
 * @limit_user_objects: sync objects that a user may have
 * @limit_user_owners: owner ids that a user may have
 * @limit_user_waiters: threads of a user that may wait at once
 * @limit_user_claims: objects of which owners of a user may have a part: locks that
 *	they read under, semaphores of which they have units, barriers, and queues that
 *	handles watch
 * @buffer_id: a number for the buffer, not reused while the module is loaded; it
 *	and all below are 0 where no buffer was asked about
 * @data_size: present bytes of the data area
 * @max_size: bytes up to which it can grow
 * @generation: how often it has grown
 * @nr_objects: size of the table of sync objects
 * @layout: SHMBUF_LAYOUT_SPREAD or SHMBUF_LAYOUT_PACKED
 * @mode: permission bits
 * @uid: the buffer's user
 * @gid: the buffer's group
 * @seals: SHMBUF_SEAL_*
 * @flags: SHMBUF_PERSIST, SHMBUF_PREALLOC and SHMBUF_HUGE as given at creation
 * @reserved0: 0
 * @reserved: 0
 * @name: the name; empty for an anonymous or unlinked buffer
 */
struct shmbuf_info {
	uint32_t abi_version;
	uint32_t handle_flags;
	uint64_t features;
	uint64_t limit_total_bytes;
	uint64_t limit_user_bytes;
	uint64_t limit_user_buffers;
	uint64_t limit_user_objects;
	uint64_t limit_user_owners;
	uint64_t limit_user_waiters;
	uint64_t limit_user_claims;
	uint64_t buffer_id;
	uint64_t data_size;
	uint64_t max_size;
	uint64_t generation;
	uint32_t nr_objects;
	uint32_t layout;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t seals;
	uint32_t flags;
	uint32_t reserved0;
	uint64_t reserved[7];
	char name[SHMBUF_NAME_MAX + 1];
};

/*
 * Errors of all functions that open the device (create, open, unlink, and query
 * without a handle), besides those named at each:
 *	-ENODEV		there is no /dev/shmbuf: the module isn't loaded
 *	-ECONNREFUSED	/dev/shmbuf may not be opened: not in group shmbuf
 *	-EPROTONOSUPPORT the module is from before release 1.0, or hasn't got the call yet
 *	-EMFILE, -ENFILE, -ENOMEM, -EINTR
 */

/**
 * shmbuf_create() - make a buffer, or open the one of that name
 * @out: where the handle goes; untouched on failure
 * @name: 1 to SHMBUF_NAME_MAX bytes without '/', or NULL for an anonymous
 *	buffer, which others get by its file descriptor.  Names are scoped to the
 *	IPC namespace.
 * @size: bytes, 1 or more; rounded up to whole pages, all 0
 * @options: NULL for the defaults: mode 0600, no growth, no sync objects
 *
 * The sync objects are what @options says before anyone else can open the
 * buffer.  A name that exists is opened as it is, unless SHMBUF_EXCL is set, if
 * it has at least @size bytes and as large a table.  The name goes with the last handle,
 * in whatever process that is, unless SHMBUF_PERSIST is set.  The caller gives the handle
 * back by shmbuf_close().
 *
 * SHMBUF_HUGE is a wish: what a huge page (2 MiB on most machines) fits into exactly gets
 * one, so that first use and access cost less, if the kernel has one to give; the rest is
 * of ordinary pages.  No more memory is used for it.  SHMBUF_FEATURE_HUGE in
 * shmbuf_query() tells whether the kernel has huge pages at all.
 *
 * Return: 0 where the buffer was made, 1 where it existed, or
 *	-EACCES (the existing buffer's mode), -EDQUOT (a limit of this user),
 *	-EEXIST (SHMBUF_EXCL), -EINTR (a signal came first, with PREALLOC),
 *	-EINVAL (a size, mode or count; an existing buffer that is too small),
 *	-ENAMETOOLONG, -ENOMEM, -ENOSPC (the limit of all users together),
 *	-EOPNOTSUPP (unknown flag), -EOVERFLOW (more than the address space or a
 *	table can hold), -EPERM (the existing buffer is sealed).
 */
int shmbuf_create(struct shmbuf **out, const char *name, size_t size,
		  const struct shmbuf_options *options);

/**
 * shmbuf_open() - open a buffer by its name
 * @out: where the handle goes; untouched on failure
 * @name: as in shmbuf_create()
 * @flags: 0, or SHMBUF_RDONLY for a handle that maps read-only, can wait on
 *	queues, and can neither lock, wake nor change anything
 *
 * Others hear of this process's death once it is joined, which it isn't by this call:
 * see shmbuf_join().  The caller gives the handle back by shmbuf_close().
 *
 * Return: 0, or -EACCES (the buffer's mode), -EINVAL (the name),
 *	-ENAMETOOLONG, -ENOENT (no such buffer in this IPC namespace), -ENOMEM,
 *	-EOPNOTSUPP (unknown flag), -EOVERFLOW (larger than the address space),
 *	-EPERM (sealed against new writers).
 */
int shmbuf_open(struct shmbuf **out, const char *name, unsigned int flags);

/**
 * shmbuf_from_fd() - use a buffer whose file descriptor one was given
 * @out: where the handle goes; untouched on failure
 * @fd: as another process got it from shmbuf_fd().  It is duplicated; the caller
 *	keeps and closes its own.
 *
 * Return: 0, or -EBADF (not open), -EMFILE, -ENOMEM, -ENOTCONN (attached to no
 *	buffer), -ENOTTY (no shmbuf handle), -EOVERFLOW, -EPROTONOSUPPORT.
 */
int shmbuf_from_fd(struct shmbuf **out, int fd);

/**
 * shmbuf_fd() - the handle's file descriptor
 * @b: the handle
 *
 * For sending it to another process, for fdinfo, and for poll() and epoll with
 * shmbuf_watch().  It belongs to the handle:
 * the caller mustn't close it, and it is closed by shmbuf_close().  It is
 * close-on-exec.
 *
 * Return: the descriptor.
 */
int shmbuf_fd(const struct shmbuf *b);

/**
 * shmbuf_join() - have others hear of it when this process dies
 * @b: the handle
 *
 * A process is joined to a buffer as long as it has an owner id there: one for each of its
 * threads from that one's first lock or barrier to its end, and one for all of them from this
 * call, or from their first unit with SHMBUF_UNDO.  Without this call one that has only opened
 * the buffer, or uses nothing but queues and units without UNDO, isn't joined: shmbuf_deaths()
 * doesn't tell of its death, and others' waits with deaths, such as shmbuf_wait_peers(),
 * neither end by that nor count on it to wake them.
 *
 * It lasts until shmbuf_close() of @b, the end of the process, or exec, whichever thread made
 * the call and whether that still runs.  To join again changes nothing.  A child of fork() is
 * not joined by its parent's call, and makes its own.  When the process dies its id's death is
 * logged beside those of its threads that had one, as SHMBUF_DEATH_EXIT, _SIGNAL or _EXEC.
 *
 * If the process dies in here, it had joined and its death is told of, or it hadn't and
 * nothing is left of the call.
 *
 * Return: 0, or -EBADF (read-only handle), -EDQUOT (the user's owner ids), -ENOMEM.
 */
int shmbuf_join(struct shmbuf *b);

/**
 * shmbuf_close() - give a handle back
 * @b: the handle, or NULL
 *
 * Unmaps the data area; pointers into it are dead.  Locks that the calling
 * thread still holds through the handle have a dead owner from here.  So have
 * those of other threads, unless the descriptor was duplicated or inherited
 * by a child: then theirs last until that is closed too, or the thread ends.  Threads
 * that hold nothing, and are no party of a barrier, just leave: nobody is told of a
 * death.  No thread may be in a call with @b or make one later.
 */
void shmbuf_close(struct shmbuf *b);

/**
 * shmbuf_unlink() - remove a name
 * @name: as in shmbuf_create()
 *
 * Handles stay; the name is free for a new buffer.
 *
 * Return: 0, or -EINVAL, -ENAMETOOLONG, -ENOENT, -EPERM (not its owner).
 */
int shmbuf_unlink(const char *name);

/**
 * shmbuf_data() - the data area
 * @b: the handle
 *
 * The address differs from process to process, and stays as it is when the
 * buffer grows.  Read-only where the handle is: writing is SIGSEGV.
 *
 * Return: the address of the first byte.
 */
void *shmbuf_data(const struct shmbuf *b);

/**
 * shmbuf_size() - how many bytes of the data area there are
 * @b: the handle
 *
 * Where the buffer was grown by someone else, the new bytes are mapped here
 * first.  (Where that fails for lack of memory the old size is returned.)  A
 * program that never calls this sees the size it began with.
 *
 * Return: bytes that may be accessed at shmbuf_data().
 */
uint64_t shmbuf_size(struct shmbuf *b);

/**
 * shmbuf_grow() - make the data area larger
 * @b: the handle
 * @size: bytes, from the present size to max_size; rounded up to whole pages
 *
 * New bytes are 0.  Others see them by shmbuf_size().
 *
 * Return: 0, or -EBADF (read-only handle), -EDQUOT, -EINTR, -EINVAL (@size),
 *	-ENOMEM (also where the buffer grew, but couldn't be mapped here),
 *	-ENOSPC, -EPERM (sealed).
 */
int shmbuf_grow(struct shmbuf *b, uint64_t size);

/**
 * shmbuf_seal() - forbid something, for everybody and for good
 * @b: the handle
 * @seals: SHMBUF_SEAL_GROW, SHMBUF_SEAL_WRITERS, SHMBUF_SEAL_EXEC
 *
 * Return: 0, or -EBADF (read-only handle), -EINTR, -EOPNOTSUPP (unknown seal).
 */
int shmbuf_seal(struct shmbuf *b, unsigned int seals);

/**
 * shmbuf_init() - give free sync objects a kind
 * @b: the handle
 * @first: index of the first object
 * @count: how many, 1 or more
 * @kind: SHMBUF_KIND_LOCK, SHMBUF_KIND_QUEUE, SHMBUF_KIND_SEMAPHORE or
 *	SHMBUF_KIND_BARRIER
 * @value: a queue's first sequence, 0 to SHMBUF_SEQUENCE_MASK; 0 for locks; for a
 *	semaphore SHMBUF_SEM_VALUE(count, most); a barrier's parties, 1 to
 *	SHMBUF_BARRIER_MAX
 *
 * All of them or none.
 *
 * Return: 0, or -EBADF (read-only handle), -EEXIST (one has a kind), -EINTR,
 *	-EINVAL (range, kind or value), -ENOMEM.
 */
int shmbuf_init(struct shmbuf *b, uint32_t first, uint32_t count,
		unsigned int kind, uint64_t value);

/*
 * shmbuf_init(), @value of a semaphore: its first count, and the most that it counts,
 * both 0 to SHMBUF_SEM_MAX; 0 for the most means that.
 */
#define SHMBUF_SEM_VALUE(count, most)	((uint64_t)(most) << 32 | (uint32_t)(count))

/**
 * shmbuf_reset() - take the kind from idle sync objects
 * @b: the handle
 * @first: index of the first object
 * @count: how many, 1 or more
 *
 * All of them or none.  Then shmbuf_init() is possible again, which is the way
 * back from -ENOTRECOVERABLE.
 *
 * Return: 0, or -EBADF (read-only handle), -EBUSY (one is held by somebody alive, or
 *	waited for or watched, or has units with SHMBUF_UNDO), -EINTR, -EINVAL (range),
 *	-ENOMEM.
 */
int shmbuf_reset(struct shmbuf *b, uint32_t first, uint32_t count);

/**
 * shmbuf_lock() - take a lock, waiting as long as it takes
 * @b: the handle
 * @index: the lock
 *
 * A thread's first lock through a handle registers it with the kernel; that is
 * undone when the thread ends.  Signals don't end the wait.
 *
 * If the holder dies (exit, SIGKILL, exec, the end of its thread, the end of its
 * handle) the next one to lock gets -EOWNERDEAD: it HOLDS THE LOCK, and
 * the data may be half changed.  It repairs them, calls shmbuf_consistent() and
 * goes on.  If it unlocks without, the lock is -ENOTRECOVERABLE for all, until
 * shmbuf_reset() and shmbuf_init().
 *
 * -EDEADLK: the wait would never end, because this thread holds the lock itself, or
 * because the thread that holds it waits for a lock of this one, directly or through
 * any number of threads, processes and buffers.  Of those who wait for each
 * other one is told, the last to come: it gives up what it holds, so that the
 * others go on, and begins again.
 *
 * Return: 0 or -EOWNERDEAD with the lock held; else not held:
 *	-EBADF (read-only handle), -EDEADLK (a deadlock), -EDQUOT (the
 *	user's owner ids or waiters), -EINVAL (no such lock), -ENOMEM,
 *	-ENOTRECOVERABLE.
 */
int shmbuf_lock(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_trylock() - take a lock if that is possible now
 * @b: the handle
 * @index: the lock
 *
 * A lock whose holder died counts as free: -EOWNERDEAD, as in shmbuf_lock().
 *
 * Return: as shmbuf_lock(), but -EBUSY where it is held by somebody alive, the
 *	calling thread included.
 */
int shmbuf_trylock(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_timedlock() - take a lock, waiting until a deadline
 * @b: the handle
 * @index: the lock
 * @deadline: absolute, CLOCK_MONOTONIC; NULL for never.  Not looked at where
 *	the lock is free.
 *
 * Return: as shmbuf_lock(), and -ETIMEDOUT, -EINVAL (tv_nsec).
 */
int shmbuf_timedlock(struct shmbuf *b, uint32_t index,
		     const struct timespec *deadline);

/**
 * shmbuf_lock_flags() - take a lock, saying how to wait
 * @b: the handle
 * @index: the lock
 * @flags: SHMBUF_SPIN or SHMBUF_NOSPIN, SHMBUF_INTERRUPTIBLE, SHMBUF_SHARED,
 *	SHMBUF_NODETECT.  0: spin while the holder runs on another CPU, then sleep.
 * @deadline: as in shmbuf_timedlock()
 *
 * With SHMBUF_NODETECT the call waits also where that closes a cycle of waiting
 * threads: for those who see to it by a deadline, or from outside.  -EDEADLK then
 * only says that this thread holds the lock.
 *
 * Return: as shmbuf_timedlock(), and -EINTR (only with SHMBUF_INTERRUPTIBLE),
 *	-EINVAL (SPIN with NOSPIN), -EOPNOTSUPP (unknown flag).
 */
int shmbuf_lock_flags(struct shmbuf *b, uint32_t index, unsigned int flags,
		      const struct timespec *deadline);

/**
 * shmbuf_rdlock() - take a lock as a reader, beside other readers
 * @b: the handle
 * @index: the lock
 *
 * A thread may take it several times, and unlocks it as often.  New readers pass a writer
 * that waits, but not once it has waited for some milliseconds; a thread that reads already
 * may once more, and readers that waited for a writer come before the next one.  Where
 * nobody writes, readers don't disturb each other.
 *
 * A reader that dies has given back all; nobody is told.  Where a writer died the
 * data may be half changed, and a reader can't repair: the call then returns
 * -EOWNERDEAD and the lock is HELD EXCLUSIVELY.  Repair, shmbuf_consistent(), then
 * shmbuf_downgrade() or shmbuf_unlock().
 *
 * Return: 0; or -EOWNERDEAD with the lock held exclusively; else not held:
 *	-EBADF (read-only handle), -EDEADLK (this thread holds it exclusively, or a
 *	deadlock as in shmbuf_lock()), -EDQUOT (the user's owner ids, waiters or
 *	claims), -EINVAL (no such lock), -ENOMEM,
 *	-ENOTRECOVERABLE, -EOVERFLOW (taken 16 million times).
 */
int shmbuf_rdlock(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_tryrdlock() - take a lock as a reader if that is possible now
 * @b: the handle
 * @index: the lock
 *
 * Return: as shmbuf_rdlock(), but -EBUSY where it is held exclusively, by the calling
 *	thread included, or somebody waits who comes first.
 */
int shmbuf_tryrdlock(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_timedrdlock() - take a lock as a reader, waiting until a deadline
 * @b: the handle
 * @index: the lock
 * @deadline: absolute, CLOCK_MONOTONIC; NULL for never.  Not looked at where it
 *	needn't wait.
 *
 * Return: as shmbuf_rdlock(), and -ETIMEDOUT, -EINVAL (tv_nsec).
 */
int shmbuf_timedrdlock(struct shmbuf *b, uint32_t index, const struct timespec *deadline);

/**
 * shmbuf_downgrade() - go on as a reader of a lock that is held exclusively
 * @b: the handle through which this thread took it
 * @index: the lock
 *
 * Nobody writes between.  Readers that wait go on, if no writer waits before them.  The
 * other way there is none: a reader that calls shmbuf_lock() gets -EDEADLK.
 *
 * Return: 0; else it is still held as it was: -EBADF (read-only handle), -EDQUOT, -EINVAL
 *	(no such lock), -ENOMEM, -EPERM (this thread doesn't hold it exclusively, or
 *	got it with -EOWNERDEAD and hasn't called shmbuf_consistent()).
 */
int shmbuf_downgrade(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_unlock() - release a lock, held exclusively or as a reader
 * @b: the handle through which this thread took it
 * @index: the lock
 *
 * What was written under the lock is seen by whoever locks next.  A process killed
 * in here has released the lock or died holding it; no waiter is forgotten.
 *
 * A thread that has used no lock through the handle before is registered first, which can
 * fail here as in shmbuf_lock(): -EAGAIN, -EDQUOT, -ENOMEM.
 *
 * Return: 0, or -EBADF (read-only handle), -EINVAL (no such lock), -EPERM (this
 *	thread doesn't hold it through this handle).
 */
int shmbuf_unlock(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_consistent() - say that what a dead holder left is repaired
 * @b: the handle
 * @index: a lock that this thread got with -EOWNERDEAD, and still holds
 *
 * If this thread dies before, the next one gets -EOWNERDEAD again.
 *
 * Return: 0, or -EBADF (read-only handle), -EINVAL (no such lock, or nobody died
 *	holding it), -EPERM (not held by this thread).
 */
int shmbuf_consistent(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_sequence() - a queue's present sequence
 * @b: the handle
 * @queue: the queue
 *
 * How to wait: under the lock that protects the condition, check the condition;
 * while it is false, take the sequence, unlock, shmbuf_wait(), lock and check
 * again.  The waker changes the condition under the lock, unlocks, and calls
 * shmbuf_wake(): whatever it changed after the sequence was taken ends the wait.
 *
 * Has acquire order: what was written before the wake that made this sequence is
 * seen.
 *
 * Return: 0 to SHMBUF_SEQUENCE_MASK; UINT64_MAX where there is no such object:
 *	shmbuf_wait() says -EINVAL then.
 */
uint64_t shmbuf_sequence(struct shmbuf *b, uint32_t queue);

/**
 * shmbuf_wait() - sleep on a queue while its sequence is as expected
 * @b: the handle; may be read-only
 * @queue: the queue
 * @sequence: what shmbuf_sequence() said
 * @deadline: absolute, CLOCK_MONOTONIC; NULL for never.  Not looked at where the
 *	sequence has moved.
 *
 * A wake that chose a waiter which is then killed goes to the next one.  If
 * everybody who could call shmbuf_wake() is dead, only the deadline helps.
 *
 * Return: 0 (the sequence has moved, or a wake came), or -EDQUOT (too many
 *	waiters of this user), -EINTR (a signal handler ran), -EINVAL (no such queue,
 *	tv_nsec), -ENOMEM, -ETIMEDOUT.
 */
int shmbuf_wait(struct shmbuf *b, uint32_t queue, uint64_t sequence,
		const struct timespec *deadline);

/**
 * shmbuf_wait_peers() - the same, as long as there is somebody who could wake
 * @b: the handle; may be read-only
 * @queue: the queue
 * @sequence: what shmbuf_sequence() said
 * @deadline: as in shmbuf_wait()
 * @deaths: how many deaths the caller knows of; UINT64_MAX for all so far
 *
 * A queue that has moved, or a wake that came, comes before deaths: the next call tells of
 * them, as long as @deaths doesn't count them.
 *
 * shmbuf_join() says who is joined to the buffer.
 *
 * Return: as shmbuf_wait(), and -EOWNERDEAD (another one died, be it since @deaths was
 *	counted), -EPIPE (no other process is joined).
 */
int shmbuf_wait_peers(struct shmbuf *b, uint32_t queue, uint64_t sequence,
		      const struct timespec *deadline, uint64_t deaths);

/**
 * shmbuf_wake() - move a queue's sequence on, and wake who sleeps on it
 * @b: the handle
 * @queue: the queue
 * @count: how many to wake, those first that wait longest; 1 or more, or
 *	SHMBUF_WAKE_ALL
 *
 * Return: how many were woken, or -EBADF (read-only handle), -EINVAL (no such
 *	queue, or count 0).
 */
int shmbuf_wake(struct shmbuf *b, uint32_t queue, unsigned int count);

/**
 * shmbuf_sem_wait() - take a unit of a semaphore, waiting as long as it takes
 * @b: the handle
 * @index: the semaphore
 *
 * Who waits longest is woken first.  Until it comes somebody else may take the unit; once it
 * came in vain and has waited for some milliseconds the next one is its own.  The unit
 * belongs to nobody: if this process dies, the unit is gone unless somebody posts it.  See
 * shmbuf_sem_wait_flags() for units that come back.  A unit that was given to a waiter who
 * is killed before he returns goes to the next one.
 *
 * What was written before the post that made the unit is seen.
 *
 * Return: 0 with the unit, or -EBADF (read-only handle), -EDQUOT (too many waiters of
 *	this user), -EINTR (a signal handler ran), -EINVAL (no such semaphore), -ENOMEM.
 */
int shmbuf_sem_wait(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_sem_trywait() - take a unit if there is one now
 * @b: the handle
 * @index: the semaphore
 *
 * If this process dies: as shmbuf_sem_wait().
 *
 * Return: as shmbuf_sem_wait(), but -EBUSY where there is none.
 */
int shmbuf_sem_trywait(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_sem_timedwait() - take a unit, waiting until a deadline
 * @b: the handle
 * @index: the semaphore
 * @deadline: absolute, CLOCK_MONOTONIC; NULL for never.  Not looked at where there
 *	is a unit.
 *
 * If this process dies: as shmbuf_sem_wait().
 *
 * Return: as shmbuf_sem_wait(), and -ETIMEDOUT, -EINVAL (tv_nsec).
 */
int shmbuf_sem_timedwait(struct shmbuf *b, uint32_t index,
			 const struct timespec *deadline);

/**
 * shmbuf_sem_wait_flags() - take a unit, saying whose it is
 * @b: the handle
 * @index: the semaphore
 * @flags: 0, or SHMBUF_UNDO: the unit belongs to this process.  It comes back, exactly
 *	once, when the process ends in any way, runs another program, or has closed
 *	its handles of the buffer, unless it was given back by shmbuf_sem_post_flags()
 *	with SHMBUF_UNDO.
 * @deadline: as in shmbuf_sem_timedwait()
 *
 * A unit with UNDO is taken by the kernel, which costs a system call.  The end of
 * the thread that took it changes nothing while the process lives.  A child of
 * fork() has none of its parent's units.
 *
 * Return: as shmbuf_sem_timedwait(), and -EOPNOTSUPP (unknown flag); with UNDO -EDQUOT
 *	also for the user's owner ids and claims, and -EPERM where another thread
 *	closes the handle.
 */
int shmbuf_sem_wait_flags(struct shmbuf *b, uint32_t index, unsigned int flags,
			  const struct timespec *deadline);

/**
 * shmbuf_sem_wait_peers() - the same, as long as there is somebody who could post
 * @b: the handle
 * @index: the semaphore
 * @flags: as in shmbuf_sem_wait_flags()
 * @deadline: as in shmbuf_sem_timedwait()
 * @deaths: how many deaths the caller knows of; UINT64_MAX for all so far.  Not looked
 *	at where there is a unit.
 *
 * shmbuf_join() says who is joined to the buffer; one that only posts isn't by that.
 *
 * Return: as shmbuf_sem_wait_flags(), and without a unit -EOWNERDEAD (a process that is
 *	joined died, be it since @deaths was counted), -EPIPE (no other process is joined).
 */
int shmbuf_sem_wait_peers(struct shmbuf *b, uint32_t index, unsigned int flags,
			  const struct timespec *deadline, uint64_t deaths);

/**
 * shmbuf_sem_post() - give a unit
 * @b: the handle
 * @index: the semaphore
 *
 * For a unit that was taken without UNDO, or a new one.  A process killed in here
 * has given the unit or not, and no waiter is forgotten.
 *
 * May be called from a signal handler, whatever that interrupted but shmbuf_close() of
 * this handle: it allocates nothing, takes no lock that a thread could hold, and
 * leaves errno as it was.
 *
 * Return: 0, or -EBADF (read-only handle), -EINVAL (no such semaphore), -EOVERFLOW (it
 *	counts no more: nothing is changed).
 */
int shmbuf_sem_post(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_sem_post_flags() - give a unit, saying whose it was
 * @b: the handle
 * @index: the semaphore
 * @flags: 0: as shmbuf_sem_post().  SHMBUF_UNDO: one of the units that this process
 *	took with SHMBUF_UNDO, whichever thread did.
 *
 * If the process dies in here, the unit comes back once.  With UNDO not from a
 * signal handler.
 *
 * Return: as shmbuf_sem_post(), and -EOPNOTSUPP (unknown flag); with UNDO -EDQUOT,
 *	-ENOMEM and -EPERM (the process has no such unit).
 */
int shmbuf_sem_post_flags(struct shmbuf *b, uint32_t index, unsigned int flags);

/**
 * shmbuf_sem_value() - how many units there are
 * @b: the handle; may be read-only
 * @index: the semaphore
 *
 * It may have changed by the time that this returns.  0 while anybody waits.
 *
 * Return: the count, or -EINVAL (no such semaphore).
 */
int shmbuf_sem_value(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_barrier_wait() - arrive at a barrier, and wait for the others
 * @b: the handle
 * @index: the barrier
 * @deadline: absolute, CLOCK_MONOTONIC; NULL for never.  Not looked at by who
 *	arrives last.
 *
 * When as many threads have arrived as the barrier has parties, all go on, and the
 * barrier is at once ready for the next time.  What they wrote before, each of
 * them sees.
 *
 * Arriving makes the calling thread a party.  When a party ends in any way, be it in
 * here or elsewhere, without shmbuf_barrier_leave() before (exit, SIGKILL, exec, the
 * end of its thread, the end of its handle), the barrier breaks: all who wait get
 * -EOWNERDEAD, and who comes later -ENOTRECOVERABLE, until shmbuf_reset() and
 * shmbuf_init().
 *
 * With -ETIMEDOUT and -EINTR the thread hasn't arrived, but is a party.
 *
 * Return: 1 for one of the threads, the last to arrive, and 0 for the others; or
 *	-EBADF (read-only handle), -EDQUOT (the user's owner ids, claims or waiters),
 *	-EINTR (a signal handler ran), -EINVAL (no such barrier, tv_nsec), -ENOMEM,
 *	-ENOTRECOVERABLE, -EOWNERDEAD, -ETIMEDOUT.
 */
int shmbuf_barrier_wait(struct shmbuf *b, uint32_t index,
			const struct timespec *deadline);

/**
 * shmbuf_barrier_leave() - be no party of a barrier any more
 * @b: the handle through which this thread has arrived there
 * @index: the barrier
 *
 * From here the end of this thread breaks nothing.  The barrier waits for as many
 * arrivals as before: somebody else takes the place.  A thread that is killed in
 * here has left, or its death breaks the barrier.
 *
 * Return: 0, or -EBADF (read-only handle), -EDQUOT (owner ids), -EINVAL (no such
 *	barrier), -ENOENT (this thread is no party), -ENOMEM.
 */
int shmbuf_barrier_leave(struct shmbuf *b, uint32_t index);

/**
 * shmbuf_watch() - have poll() tell when a queue moves
 * @b: the handle; may be read-only
 * @queue: the queue, or SHMBUF_INDEX_DEATHS
 * @sequence: what was last seen of it, as from shmbuf_sequence() or shmbuf_moved()
 *
 * shmbuf_fd() polls readable (POLLIN, level-triggered) as long as any queue that is
 * watched has another sequence than the one given.  Watching a queue again moves
 * that on, and so ends the readiness.  It stays until shmbuf_unwatch() or until the
 * last duplicate of the descriptor is closed; in a child of fork() it is the same
 * handle, and the same watch.  While it is watched each shmbuf_wake() of the queue is a
 * system call.  A process that dies while it watches leaves nothing behind.
 *
 * Return: 0, or -EDQUOT (the user watches too many), -EINTR, -EINVAL (no such queue),
 *	-ENOMEM.
 */
int shmbuf_watch(struct shmbuf *b, uint32_t queue, uint64_t sequence);

/**
 * shmbuf_unwatch() - have poll() tell of a queue no more
 * @b: the handle
 * @queue: the queue
 *
 * Return: 0, or -EINTR, -ENOENT (it isn't watched).
 */
int shmbuf_unwatch(struct shmbuf *b, uint32_t queue);

/**
 * shmbuf_moved() - which of the queues that are watched have moved
 * @b: the handle
 * @queues: room for @room of them: each index with its present sequence
 * @room: how many; those of the lowest indexes come first
 *
 * Changes nothing: shmbuf_watch() with the new sequence does.
 *
 * Return: how many were written, or -EFAULT, -EINTR.
 */
int shmbuf_moved(struct shmbuf *b, struct shmbuf_moved_queue *queues, uint32_t room);

/**
 * shmbuf_watch_eventfd() - have an eventfd signalled at each wake of a queue
 * @b: the handle; may be read-only
 * @queue: the queue, or SHMBUF_INDEX_DEATHS
 * @eventfd: the eventfd's descriptor; the caller may close it afterwards
 *
 * One eventfd for each queue of a handle, beside shmbuf_watch().  Stays until
 * shmbuf_unwatch_eventfd() or until the last duplicate of the handle's
 * descriptor is closed.
 *
 * Return: 0, or -EBADF (@eventfd isn't open), -EDQUOT, -EEXIST (the queue has one),
 *	-EINTR, -EINVAL (no such queue, or @eventfd is none), -ENOMEM.
 */
int shmbuf_watch_eventfd(struct shmbuf *b, uint32_t queue, int eventfd);

/**
 * shmbuf_unwatch_eventfd() - have the queue's eventfd signalled no more
 * @b: the handle
 * @queue: the queue
 *
 * Return: 0, or -EINTR, -ENOENT (the queue has none).
 */
int shmbuf_unwatch_eventfd(struct shmbuf *b, uint32_t queue);

/**
 * shmbuf_owner_info() - who holds a lock, since when, and who waits for it
 * @b: the handle; may be read-only
 * @index: the lock
 * @info: filled in; see struct shmbuf_owner_info.  Times are in ns on CLOCK_MONOTONIC,
 *	process and thread ids those of the caller's PID namespace, 0 where it knows none.
 * @waiters: room for @room of those who wait, the longest waiting first; NULL for
 *	room 0
 * @room: how many; no more than SHMBUF_WAITERS_MAX are written, and no more
 *	than @info->nr_waiters tells
 *
 * What is told was so a moment ago.  After -EOWNERDEAD @info->death tells who died
 * with the lock, how and when, if state has SHMBUF_OWNER_DEAD: as long as that is one of
 * the last deaths in the buffer.
 *
 * Return: 0, or -EFAULT, -EINTR, -EINVAL (no such lock), -ENOMEM.
 */
int shmbuf_owner_info(struct shmbuf *b, uint32_t index, struct shmbuf_owner_info *info,
		      struct shmbuf_waiter_info *waiters, uint32_t room);

/**
 * shmbuf_deaths() - who died lately
 * @b: the handle; may be read-only
 * @deaths: room for @room of them; the oldest comes first
 * @room: how many; no more than SHMBUF_DEATHS_MAX are sure to be kept
 * @after: only those with a later sequence: what was last seen; UINT64_MAX for all
 *
 * Every thread that used locks through a handle of the buffer, and every process that is
 * joined for all its threads by shmbuf_join(), is told of here when it ends, and its locks'
 * next holders get -EOWNERDEAD.  A thread that ends in good order and holds nothing isn't,
 * nor is one whose handle is closed while its process lives, if it holds nothing.  To hear
 * of deaths, shmbuf_wait() on the queue SHMBUF_INDEX_DEATHS: the sequence that it moved to is
 * @sequence of the last death.  Where the first one's isn't @after + 1, some were lost.
 *
 * Times are in ns on CLOCK_MONOTONIC, process and thread ids those of the caller's PID
 * namespace, 0 where it knows none.
 *
 * Return: how many were written, or -EFAULT, -ENOMEM.
 */
int shmbuf_deaths(struct shmbuf *b, struct shmbuf_death *deaths, uint32_t room,
		  uint64_t after);

/**
 * shmbuf_stats() - how a buffer fares: who is joined, waits, has died, what is in memory
 * @b: the handle; may be read-only
 * @stats: filled in; see struct shmbuf_stats
 *
 * It takes a look at each lock, and no lock itself.
 *
 * Return: 0, or -EINTR.
 */
int shmbuf_stats(struct shmbuf *b, struct shmbuf_stats *stats);

/**
 * shmbuf_list() - which buffers there are
 * @listings: room for @room of them, by rising @stats.buffer_id
 * @room: how many, 1 or more; at most SHMBUF_LIST_MAX are written
 * @after: only those with a larger id; 0 for all
 *
 * Those of the caller's IPC namespace, also those that the caller mayn't open.  To see all:
 *
 *	for (after = 0; (n = shmbuf_list(listings, room, after)) > 0;
 *	     after = listings[n - 1].stats.buffer_id)
 *
 * Return: how many were written, 0 where there are no more, or -EFAULT, -EINTR, -EINVAL
 *	(@room), -ENOMEM; or an error of opening the device.
 */
int shmbuf_list(struct shmbuf_listing *listings, uint32_t room, uint64_t after);

/**
 * shmbuf_objects() - what the sync objects of a buffer are, and their state
 * @b: the handle; may be read-only
 * @first: from this index on
 * @objects: room for @room of them, by rising index; see struct shmbuf_object
 * @room: how many, 1 or more; at most SHMBUF_OBJECTS_MAX are written
 *
 * Those that have no kind are left out.
 *
 * Return: how many were written, 0 where there are no more, or -EFAULT, -EINTR, -EINVAL
 *	(@room), -ENOMEM.
 */
int shmbuf_objects(struct shmbuf *b, uint32_t first, struct shmbuf_object *objects,
		   uint32_t room);

/**
 * shmbuf_waiters() - who waits for a sync object
 * @b: the handle; may be read-only
 * @index: the object, of any kind, or SHMBUF_INDEX_DEATHS
 * @waiters: room for @room of those who wait, the longest waiting first; NULL for room 0
 * @room: how many; at most SHMBUF_WAITERS_MAX are written
 *
 * Return: how many wait, which may be more than @room, or -EFAULT, -EINVAL (no such object),
 *	-ENOMEM.
 */
int shmbuf_waiters(struct shmbuf *b, uint32_t index, struct shmbuf_waiter_info *waiters,
		   uint32_t room);

/**
 * shmbuf_recover() - take a lock from a holder that lives, as if it had died
 * @b: the handle
 * @index: the lock
 * @owner: who must hold it exclusively for that, as shmbuf_owner_info() tells
 *
 * For a program that hangs and mustn't be killed.  It isn't asked: it may be in the midst of
 * a change, goes on writing if it ever wakes up, and its shmbuf_unlock() is -EPERM then.
 * The next one who takes the lock gets -EOWNERDEAD.  If this process dies in the call, the lock
 * is either taken away or not.
 *
 * Return: 0, or -EBADF (read-only handle), -EINVAL (no such lock), -EPERM (for the
 *	buffer's owner only), -ESRCH (@owner doesn't hold it, or no more).
 */
int shmbuf_recover(struct shmbuf *b, uint32_t index, uint64_t owner);

/**
 * shmbuf_wait_locked() - sleep until a condition that a lock protects may have changed
 * @b: the handle
 * @queue: the queue that is woken when the condition changes
 * @lock: the lock, which this thread holds exclusively through @b
 * @deadline: absolute, CLOCK_MONOTONIC; NULL for never
 * @deaths: NULL, or how many deaths the caller knows of, UINT64_MAX for all so far:
 *	then the wait also ends when a process dies that is joined to the buffer,
 *	or when no other is left that could wake.  A wake that came comes first.
 * @why: where it goes why the wait ended, or NULL.  0: a wake came.  -ETIMEDOUT; -EINTR:
 *	a signal came; -EOWNERDEAD: one of the others died; -EPIPE: there are no
 *	others; the last two only with @deaths.  Set whenever the lock is held
 *	afterwards: 0 where the call failed before it slept, or the error if the result is
 *	-EOWNERDEAD all the same.
 *
 * The lock is given up and the thread put to sleep, with no wake lost between, and the
 * lock is taken again before the call returns, however the sleep ended.  Other threads may
 * have had the lock in between, so:
 *
 *	shmbuf_lock(b, lock);
 *	while (!condition && !why)
 *		shmbuf_wait_locked(b, queue, lock, &deadline, NULL, &why);
 *
 * with both results looked at.  Whoever changes the condition does so under the lock
 * and calls shmbuf_wake() before or after he unlocks: sleepers aren't all
 * woken to struggle for the lock, they get it one after the other, whoever of them is
 * next on its CPU.
 *
 * The lock is waited for as long as it takes, past the deadline too; handlers of
 * signals that come meanwhile run when the call returns.  If the lock's holder dies
 * the result is -EOWNERDEAD, as from shmbuf_lock(), and @why tells its own story.  A wake
 * that chose a thread which is then killed goes to the next one.
 *
 * Return: 0 or -EOWNERDEAD with the lock held; -ENOTRECOVERABLE with the lock not held
 *	(also where it was reset meanwhile).  Else it hasn't slept, and what was held is,
 *	but others may have had it meanwhile: -EBADF (read-only handle), -EDQUOT, -EINVAL
 *	(no such queue or lock, tv_nsec), -ENOMEM, -EPERM (not held exclusively by this
 *	thread, or after -EOWNERDEAD without shmbuf_consistent()).
 */
int shmbuf_wait_locked(struct shmbuf *b, uint32_t queue, uint32_t lock,
		       const struct timespec *deadline, const uint64_t *deaths, int *why);

/**
 * struct shmbuf_any - one of the objects that shmbuf_wait_any() waits for
 * @b: a handle; may be read-only for a queue
 * @index: the object
 * @kind: SHMBUF_KIND_LOCK, SHMBUF_KIND_QUEUE or SHMBUF_KIND_SEMAPHORE
 * @flags: a lock: SHMBUF_SHARED as in shmbuf_lock_flags(); a semaphore: SHMBUF_UNDO as in
 *	shmbuf_sem_wait_flags()
 * @reserved: 0
 * @sequence: a queue: what shmbuf_sequence() said
 */
struct shmbuf_any {
	struct shmbuf *b;
	uint32_t index;
	unsigned int kind;
	unsigned int flags;
	uint32_t reserved;
	uint64_t sequence;
};

/**
 * shmbuf_wait_any() - sleep until one of several objects can be had, and take it
 * @items: the objects, of any buffers; none twice
 * @nr_items: of them, 1 to SHMBUF_WAIT_ANY_MAX
 * @deadline: absolute, CLOCK_MONOTONIC; NULL for never.  Not looked at where something
 *	can be had at once.
 * @deaths: NULL, or as in shmbuf_wait_locked(), for the buffer of the first item.  Not
 *	looked at where something can be had.
 *
 * Exactly one is won: a lock is held, a unit taken, or a queue has moved past @sequence.
 * Nothing is changed with the others.  Of several that can be had the one that stands
 * first.  A lock whose holder died can be had, as by shmbuf_lock().  If this thread is
 * killed, what it had won goes to the next.
 *
 * Return: the item, counted from 0; a lock that is won with its last holder dead, as with
 *	-EOWNERDEAD from shmbuf_lock(), has SHMBUF_WAIT_ANY_OWNERDEAD added.  Else
 *	nothing is won: -EBADF (a read-only handle, and no queue), -EDEADLK (this thread
 *	holds one of the locks), -EDQUOT, -EINTR (a signal handler ran), -EINVAL (no such
 *	object, an object twice, @nr_items, tv_nsec), -ENOMEM, -ENOTRECOVERABLE (one of
 *	the locks), -EOPNOTSUPP (unknown flag), -EOWNERDEAD, -EPIPE (with @deaths),
 *	-ETIMEDOUT.
 */
int shmbuf_wait_any(const struct shmbuf_any *items, unsigned int nr_items,
		    const struct timespec *deadline, const uint64_t *deaths);

/**
 * shmbuf_query() - what the module offers, and what a handle is
 * @b: the handle, or NULL to ask about the module alone
 * @info: filled in
 *
 * The caller's @info holds all of the answer: nothing is to be freed.
 *
 * Return: 0; with @b NULL an error of opening the device.
 */
int shmbuf_query(struct shmbuf *b, struct shmbuf_info *info);

/**
 * shmbuf_strerror() - what an error of this library means, and what to do
 * @err: as a function returned it; 0 and above are "success"
 *
 * Return: a sentence in English without a newline.  It is static: don't free.
 */
const char *shmbuf_strerror(int err);

/*
 * From here on nothing is an interface: it is how the steps of locks and semaphores that
 * need no kernel are compiled into the program, as the calls would cost as much as the
 * rest.  The functions are in the library as well, for debuggers, other languages, and
 * programs that define SHMBUF_NO_INLINE.  What is described here doesn't change before
 * libshmbuf.so.2.
 */

/*
 * Stands SHMBUF_FAST_OFFSET bytes behind the handle, in memory that is all zero
 * once the handle is closed, and in a child of fork().
 * @serial: of this opening of the handle, never used again in the process
 * @table: number of objects whose words may be written, above the binary logarithm of
 *	their distance
 * @words: the word of object 0
 */
struct shmbuf_fast {
	uint64_t serial;
	uint64_t table;
	char *words;
};

#define SHMBUF_FAST_OFFSET	65536
#define SHMBUF_FAST_TABLE_SHIFT	8

/*
 * What the thread used last.
 * @serial: of the handle
 * @id: the thread's owner id in the handle's buffer
 * @row: the id's counts as a reader; NULL where it hasn't read yet
 */
struct shmbuf_fast_thread {
	uint64_t serial;
	uint64_t id;
	__u64 *row;
};

/* Where the compiler changes 8 bytes at once by itself, not by a call that takes a lock. */
#if defined(__GNUC__) && __GCC_ATOMIC_LLONG_LOCK_FREE == 2

extern __thread struct shmbuf_fast_thread shmbuf_fast_thread
	__attribute__((__tls_model__("initial-exec")));

static inline const struct shmbuf_fast *shmbuf_fast(const struct shmbuf *b)
{
	return (const struct shmbuf_fast *)((const char *)b + SHMBUF_FAST_OFFSET);
}

/*
 * Whether the table has such an object and the thread's id is at hand: not where it
 * last used another handle, or never this one.
 */
static inline int shmbuf_fast_current(const struct shmbuf *b)
{
	return !!__builtin_expect(shmbuf_fast_thread.serial ==
				  __atomic_load_n(&shmbuf_fast(b)->serial,
						  __ATOMIC_RELAXED), 1);
}

static inline int shmbuf_fast_has(uint64_t table, uint32_t index)
{
	/* Where the index is a constant, so is what is compared. */
	return !!__builtin_expect(table >= ((uint64_t)index + 1) << SHMBUF_FAST_TABLE_SHIFT, 1);
}

static inline int shmbuf_fast_ready(const struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_current(b) && shmbuf_fast_has(shmbuf_fast(b)->table, index);
}

static inline __u64 *shmbuf_fast_word_by(const struct shmbuf *b, uint64_t table,
					 uint32_t index)
{
	return (__u64 *)(shmbuf_fast(b)->words + ((size_t)index << (table & 63)));
}

static inline __u64 *shmbuf_fast_word(const struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_word_by(b, shmbuf_fast(b)->table, index);
}

static inline int shmbuf_fast_acquire(__u64 *word, __u64 id)
{
	__u64 old = 0, changed = 0;

	return shmbuf_lock_user_acquire(old, id, &changed) &&
	       __builtin_expect(__atomic_compare_exchange_n(word, &old, changed, 0,
							    __ATOMIC_ACQUIRE,
							    __ATOMIC_RELAXED), 1);
}

static inline int shmbuf_fast_release(__u64 *word, __u64 id)
{
	__u64 old = id, changed = 0;

	return shmbuf_lock_user_release(old, id, &changed) &&
	       __builtin_expect(__atomic_compare_exchange_n(word, &old, changed, 0,
							    __ATOMIC_RELEASE,
							    __ATOMIC_RELAXED), 1);
}

static inline __u64 *shmbuf_fast_entry(uint32_t index)
{
	return &shmbuf_fast_thread.row[index % SHMBUF_ROW_ENTRIES];
}

static inline int shmbuf_fast_count(uint32_t index)
{
	__u64 *entry = shmbuf_fast_entry(index), old, changed = 0;

	old = __atomic_load_n(entry, __ATOMIC_RELAXED);
	return __builtin_expect(shmbuf_row_user_acquire(old, index, &changed), 1) &&
	       __builtin_expect(__atomic_compare_exchange_n(entry, &old, changed, 0,
							    __ATOMIC_ACQUIRE,
							    __ATOMIC_RELAXED), 1);
}

static inline int shmbuf_fast_uncount(uint32_t index)
{
	__u64 *entry = shmbuf_fast_entry(index), old, changed = 0;

	old = __atomic_load_n(entry, __ATOMIC_RELAXED);
	return shmbuf_row_user_release(old, index, &changed) &&
	       __builtin_expect(__atomic_compare_exchange_n(entry, &old, changed, 0,
							    __ATOMIC_RELEASE,
							    __ATOMIC_RELAXED), 1);
}

/* The kernel opens entries for objects that there are. */
static inline int shmbuf_fast_rdlock(const struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_current(b) && __builtin_expect(!!shmbuf_fast_thread.row, 1) &&
	       shmbuf_fast_count(index);
}

static inline int shmbuf_fast_lock(const struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_ready(b, index) &&
	       shmbuf_fast_acquire(shmbuf_fast_word(b, index), shmbuf_fast_thread.id);
}

static inline int shmbuf_fast_unlock(const struct shmbuf *b, uint32_t index)
{
	/* A reader doesn't look at the word, which others would have to fetch again. */
	if (shmbuf_fast_thread.row && shmbuf_fast_current(b) && shmbuf_fast_uncount(index))
		return 1;
	return shmbuf_fast_ready(b, index) &&
	       shmbuf_fast_release(shmbuf_fast_word(b, index), shmbuf_fast_thread.id);
}

/* A semaphore needs no id, and sets no handle up: a signal handler may post. */
static inline uint64_t shmbuf_fast_table(const struct shmbuf *b)
{
	/* Pairs with the library's release, once the words are at hand. */
	return __atomic_load_n(&shmbuf_fast(b)->table, __ATOMIC_ACQUIRE);
}

static inline int shmbuf_fast_down(const struct shmbuf *b, uint32_t index)
{
	uint64_t table = shmbuf_fast_table(b);
	__u64 *word, old, changed = 0;

	if (!shmbuf_fast_has(table, index))
		return 0;
	word = shmbuf_fast_word_by(b, table, index);
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	return __builtin_expect(shmbuf_sem_user_down(old, &changed), 1) &&
	       __builtin_expect(__atomic_compare_exchange_n(word, &old, changed, 0,
							    __ATOMIC_ACQUIRE,
							    __ATOMIC_RELAXED), 1);
}

static inline int shmbuf_fast_up(const struct shmbuf *b, uint32_t index)
{
	uint64_t table = shmbuf_fast_table(b);
	__u64 *word, old, changed = 0;

	if (!shmbuf_fast_has(table, index))
		return 0;
	word = shmbuf_fast_word_by(b, table, index);
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	return __builtin_expect(shmbuf_sem_user_up(old, &changed), 1) &&
	       __builtin_expect(__atomic_compare_exchange_n(word, &old, changed, 0,
							    __ATOMIC_RELEASE,
							    __ATOMIC_RELAXED), 1);
}

static inline int shmbuf_inline_sem_wait(struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_down(b, index) ? 0 : shmbuf_sem_wait(b, index);
}

static inline int shmbuf_inline_sem_trywait(struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_down(b, index) ? 0 : shmbuf_sem_trywait(b, index);
}

static inline int shmbuf_inline_sem_post(struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_up(b, index) ? 0 : shmbuf_sem_post(b, index);
}

static inline int shmbuf_inline_lock(struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_lock(b, index) ? 0 : shmbuf_lock(b, index);
}

static inline int shmbuf_inline_trylock(struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_lock(b, index) ? 0 : shmbuf_trylock(b, index);
}

static inline int shmbuf_inline_rdlock(struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_rdlock(b, index) ? 0 : shmbuf_rdlock(b, index);
}

static inline int shmbuf_inline_tryrdlock(struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_rdlock(b, index) ? 0 : shmbuf_tryrdlock(b, index);
}

static inline int shmbuf_inline_unlock(struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_unlock(b, index) ? 0 : shmbuf_unlock(b, index);
}

#ifndef SHMBUF_NO_INLINE
/* An argument of C++ may have commas. */
#define shmbuf_lock(...)	shmbuf_inline_lock(__VA_ARGS__)
#define shmbuf_trylock(...)	shmbuf_inline_trylock(__VA_ARGS__)
#define shmbuf_unlock(...)	shmbuf_inline_unlock(__VA_ARGS__)
#define shmbuf_rdlock(...)	shmbuf_inline_rdlock(__VA_ARGS__)
#define shmbuf_tryrdlock(...)	shmbuf_inline_tryrdlock(__VA_ARGS__)
#define shmbuf_sem_wait(...)	shmbuf_inline_sem_wait(__VA_ARGS__)
#define shmbuf_sem_trywait(...)	shmbuf_inline_sem_trywait(__VA_ARGS__)
#define shmbuf_sem_post(...)	shmbuf_inline_sem_post(__VA_ARGS__)
#endif
#endif

#ifdef __cplusplus
}
#endif

#endif /* SHMBUF_H */
