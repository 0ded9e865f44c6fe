/* SPDX-License-Identifier: MIT */
/*
 * libshmbuf: shared-memory buffers with crash-safe synchronization
 *
 * A buffer is memory that processes share, with a table of sync objects (locks
 * and wait queues) that are named by their index.  A process that dies while it
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
 * Signals: no function may be called from a signal handler that may have
 * interrupted another one of them.
 *
 * Deadlines are absolute times on CLOCK_MONOTONIC; NULL means never.  Sizes are
 * in bytes.  Indexes count from 0.
 *
 * A lock call on an object that is a queue, or a queue call on a lock, gives -EINVAL
 * and changes nothing.
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
#define SHMBUF_PACKED		(1U << 31)	/* sync objects of 8 bytes rather than 64 */

/* shmbuf_open(), flags */
#define SHMBUF_RDONLY		(1U << 0)	/* look and wait, change nothing */

/* shmbuf_lock_flags(), flags */
#define SHMBUF_SPIN		SHMBUF_LOCK_SPIN	/* never sleep while it is held */
#define SHMBUF_NOSPIN		SHMBUF_LOCK_NOSPIN	/* sleep at once while it is held */
#define SHMBUF_INTERRUPTIBLE	SHMBUF_LOCK_INTERRUPTIBLE /* -EINTR after a signal */
#define SHMBUF_SHARED		SHMBUF_LOCK_SHARED	/* as a reader: as shmbuf_rdlock() */

/**
 * struct shmbuf_options - what shmbuf_create() is to make; zero it, then set
 *	what you need
 * @flags: SHMBUF_EXCL, SHMBUF_PERSIST, SHMBUF_PREALLOC, SHMBUF_PACKED
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
 *	they read under, semaphores of which they have units, barriers
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
 * @flags: SHMBUF_PERSIST and SHMBUF_PREALLOC as given at creation
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
 *	-EPROTONOSUPPORT the module is older than this library
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
 * it has at least @size bytes and @options' objects.  The name goes with
 * the last handle and the last process that used a lock through it, unless
 * SHMBUF_PERSIST is set.  The caller gives the handle back by shmbuf_close().
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
 * The caller gives the handle back by shmbuf_close().
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
 * For sending it to another process or for fdinfo.  It belongs to the handle:
 * the caller mustn't close it, and it is closed by shmbuf_close().  It is
 * close-on-exec.
 *
 * Return: the descriptor.
 */
int shmbuf_fd(const struct shmbuf *b);

/**
 * shmbuf_close() - give a handle back
 * @b: the handle, or NULL
 *
 * Unmaps the data area; pointers into it are dead.  Locks that the calling
 * thread still holds through the handle have a dead owner from here.  So have
 * those of other threads, unless the descriptor was duplicated or inherited
 * by a child: then theirs last until that is closed too, or the thread ends.  No
 * thread may be in a call with @b or make one later.
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
 * Return: 0, or -EBADF (read-only handle), -EINTR, -EINVAL (unknown seal).
 */
int shmbuf_seal(struct shmbuf *b, unsigned int seals);

/**
 * shmbuf_init() - give free sync objects a kind
 * @b: the handle
 * @first: index of the first object
 * @count: how many, 1 or more
 * @kind: SHMBUF_KIND_LOCK or SHMBUF_KIND_QUEUE
 * @value: a queue's first sequence, 0 to SHMBUF_SEQUENCE_MASK; 0 for locks
 *
 * All of them or none.
 *
 * Return: 0, or -EBADF (read-only handle), -EEXIST (one has a kind), -EINTR,
 *	-EINVAL (range, kind or value), -ENOMEM.
 */
int shmbuf_init(struct shmbuf *b, uint32_t first, uint32_t count,
		unsigned int kind, uint64_t value);

/**
 * shmbuf_reset() - take the kind from idle sync objects
 * @b: the handle
 * @first: index of the first object
 * @count: how many, 1 or more
 *
 * All of them or none.  Then shmbuf_init() is possible again, which is the way
 * back from -ENOTRECOVERABLE.
 *
 * Return: 0, or -EBADF (read-only handle), -EBUSY (one is held by somebody alive,
 *	or waited for), -EINTR, -EINVAL (range).
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
 * Return: 0 or -EOWNERDEAD with the lock held; else not held:
 *	-EBADF (read-only handle), -EDEADLK (this thread holds it), -EDQUOT (the
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
 * @flags: SHMBUF_SPIN or SHMBUF_NOSPIN, SHMBUF_INTERRUPTIBLE, SHMBUF_SHARED.  0: spin
 *	while the holder runs on another CPU, then sleep.
 * @deadline: as in shmbuf_timedlock()
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
 * A thread may take it several times, and unlocks it as often.  A writer that waits comes
 * before new readers, a thread that reads already may once more, and readers
 * that waited for a writer come before the next one.  Where nobody writes, readers don't
 * disturb each other.
 *
 * A reader that dies has given back all; nobody is told.  Where a writer died the
 * data may be half changed, and a reader can't repair: the call then returns
 * -EOWNERDEAD and the lock is HELD EXCLUSIVELY.  Repair, shmbuf_consistent(), then
 * shmbuf_downgrade() or shmbuf_unlock().
 *
 * Return: 0; or -EOWNERDEAD with the lock held exclusively; else not held:
 *	-EBADF (read-only handle), -EDEADLK (this thread holds it exclusively), -EDQUOT
 *	(the user's owner ids, waiters or claims), -EINVAL (no such lock), -ENOMEM,
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
 * From here on nothing is an interface: it is how shmbuf_lock(), shmbuf_trylock()
 * and shmbuf_unlock() are compiled into the program, as the calls would cost
 * as much as the rest.  The functions are in the library as well, for debuggers,
 * other languages, and programs that define SHMBUF_NO_INLINE.  What is
 * described here doesn't change before libshmbuf.so.2.
 */

/*
 * Stands SHMBUF_FAST_OFFSET bytes behind the handle, in memory that is all zero
 * once the handle is closed, and in a child of fork().
 * @serial: of this opening of the handle, never used again in the process
 * @words: the word of object 0
 * @table: number of objects, above the binary logarithm of their distance
 */
struct shmbuf_fast {
	uint64_t serial;
	char *words;
	uint64_t table;
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

#ifdef __GNUC__

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
	return __builtin_expect(shmbuf_fast_thread.serial ==
				__atomic_load_n(&shmbuf_fast(b)->serial,
						__ATOMIC_RELAXED), 1);
}

static inline int shmbuf_fast_ready(const struct shmbuf *b, uint32_t index)
{
	return shmbuf_fast_current(b) &&
	       __builtin_expect(index < shmbuf_fast(b)->table >>
				SHMBUF_FAST_TABLE_SHIFT, 1);
}

static inline __u64 *shmbuf_fast_word(const struct shmbuf *b, uint32_t index)
{
	return (__u64 *)(shmbuf_fast(b)->words +
			 ((size_t)index << (shmbuf_fast(b)->table & 63)));
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
#define shmbuf_lock(b, index)		shmbuf_inline_lock(b, index)
#define shmbuf_trylock(b, index)	shmbuf_inline_trylock(b, index)
#define shmbuf_unlock(b, index)		shmbuf_inline_unlock(b, index)
#define shmbuf_rdlock(b, index)		shmbuf_inline_rdlock(b, index)
#define shmbuf_tryrdlock(b, index)	shmbuf_inline_tryrdlock(b, index)
#endif
#endif

#ifdef __cplusplus
}
#endif

#endif /* SHMBUF_H */
