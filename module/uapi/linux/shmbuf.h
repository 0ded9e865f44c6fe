/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * shmbuf: shared-memory buffers with crash-safe synchronization
 *
 * A handle is an open file of /dev/shmbuf.  CREATE or OPEN attaches it to one
 * buffer, for good.  A handle opened O_RDONLY may map (read-only), QUERY and
 * WAIT; whatever changes something needs a handle opened O_RDWR.
 *
 * Every argument struct starts with its own size, as the caller knows it.  One that is
 * as long as it first was reads as if it went on with zeros; a shorter one is EINVAL; a
 * longer one is accepted as long as what the kernel doesn't know is zero.  Reserved
 * fields must be 0.  Fields that are marked "out" aren't looked at, reserved or not.
 * Layouts are the same for 32-bit callers.  Pointers are carried in __u64.
 *
 * Since 1.0 nothing here changes or goes: numbers, values, names, layouts, what the
 * calls do, and the user_* steps of linux/shmbuf_word.h, which are compiled into programs.
 * A later module has more: commands, flags, kinds, fields in place of reserved ones, and at
 * the end of structs that tell their size.  SHMBUF_ABI_VERSION counts that; who asks an
 * older module for it gets ENOTTY, E2BIG, EOPNOTSUPP or EINVAL.
 *
 * All calls return a value >= 0 on success.  Errors have one meaning each:
 *
 *	EACCES		the buffer's mode denies it
 *	EBADF		the handle is read-only, or a descriptor in the struct isn't open
 *	EBUSY		TRY found the lock held, or no unit; the object is in use; the
 *			handle is attached already
 *	EDEADLK		waiting would never end: the caller's owner id holds this
 *			lock itself (with TRY: EBUSY), or who holds it waits,
 *			directly or through others, for the caller
 *	EDQUOT		a limit of the calling user is reached; GROW: of the buffer's
 *	E2BIG		the struct has a non-zero tail that this kernel
 *			doesn't know, or is larger than a page
 *	EEXIST		EXCL and the name exists; INIT of an object that has a
 *			kind; WATCH by an eventfd where the queue has one
 *	EFAULT		a pointer leads nowhere
 *	EINTR		a signal came first
 *	EINVAL		understood, but wrong: a size, index, kind, value or a
 *			reserved field
 *	ENFILE		the system has too many open files
 *	ENAMETOOLONG	the name is longer than SHMBUF_NAME_MAX
 *	ENOENT		no buffer of that name in this IPC namespace; REMOVE of a
 *			watch, or BARRIER_LEAVE, where there is nothing to end
 *	ENOMEM		no memory
 *	ENOSPC		the limit of all users together is reached
 *	ENOTCONN	the handle is attached to no buffer
 *	ENOTRECOVERABLE	a holder died and the next one unlocked without
 *			CONSISTENT, or a party of the barrier died: RESET and
 *			INIT the object
 *	ENOTTY		no such command; WAIT_ANY: a descriptor is no handle
 *	EOPNOTSUPP	a flag, or seal, that this kernel doesn't know
 *	EOVERFLOW	a number doesn't fit
 *	EOWNERDEAD	the lock is yours, but its last holder died: repair the
 *			data, then CONSISTENT.  From a wait with PEERS, or at a
 *			barrier: one of the others died
 *	EPERM		not the owner: of the lock, of the id, of the unit, of the
 *			buffer; or a seal forbids it
 *	ESRCH		RECOVER: who was named doesn't hold the lock
 *	EPIPE		with PEERS: no other process is joined that could end the wait
 *	ETIMEDOUT	the deadline passed
 *
 * open() gives EINVAL for O_WRONLY.  mmap() gives ENOTCONN; EINVAL for what is
 * beyond the present size, or not the whole of the control area or of a row, or a
 * private map of these; EPERM for an executable map that a seal forbids, or of the
 * control area or a row, or for a row that isn't the caller's; EACCES for a writable map
 * of a read-only handle, or a row by it; ENOMEM.
 */
#ifndef _UAPI_LINUX_SHMBUF_H
#define _UAPI_LINUX_SHMBUF_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SHMBUF_ABI_VERSION	3

/* Longest name in bytes, without the terminating NUL. */
#define SHMBUF_NAME_MAX		255

/* The control area starts here; data areas end before. */
#define SHMBUF_CONTROL_OFFSET	(1ULL << 43)

/*
 * Here, by owner id, is each owner's row: counts of its own that let it read under
 * locks without the kernel, by the user_* steps of linux/shmbuf_word.h.  Map one
 * page at SHMBUF_ROW_OFFSET + slot * page size (the slot is the low SHMBUF_OWNER_SLOT_BITS
 * of the id), MAP_SHARED.  Only the owner's process can, and whatever it writes there,
 * it harms nobody else.  Who maps no row has LOCK and UNLOCK all the same.
 */
#define SHMBUF_ROW_OFFSET	(3ULL << 42)

/* A deadline that never comes. */
#define SHMBUF_DEADLINE_NEVER	(~0ULL)

#define SHMBUF_IOC_TYPE		0xBD

#define SHMBUF_IOC_QUERY	_IO(SHMBUF_IOC_TYPE, 0x00)
#define SHMBUF_IOC_CREATE	_IO(SHMBUF_IOC_TYPE, 0x01)
#define SHMBUF_IOC_OPEN		_IO(SHMBUF_IOC_TYPE, 0x02)
#define SHMBUF_IOC_UNLINK	_IO(SHMBUF_IOC_TYPE, 0x03)
#define SHMBUF_IOC_INIT		_IO(SHMBUF_IOC_TYPE, 0x04)
#define SHMBUF_IOC_RESET	_IO(SHMBUF_IOC_TYPE, 0x05)
#define SHMBUF_IOC_GROW		_IO(SHMBUF_IOC_TYPE, 0x06)
#define SHMBUF_IOC_SEAL		_IO(SHMBUF_IOC_TYPE, 0x07)
#define SHMBUF_IOC_REGISTER	_IO(SHMBUF_IOC_TYPE, 0x10)
#define SHMBUF_IOC_UNREGISTER	_IO(SHMBUF_IOC_TYPE, 0x11)
#define SHMBUF_IOC_LOCK		_IO(SHMBUF_IOC_TYPE, 0x20)
#define SHMBUF_IOC_UNLOCK	_IO(SHMBUF_IOC_TYPE, 0x21)
#define SHMBUF_IOC_CONSISTENT	_IO(SHMBUF_IOC_TYPE, 0x22)
#define SHMBUF_IOC_DOWNGRADE	_IO(SHMBUF_IOC_TYPE, 0x23)
#define SHMBUF_IOC_RECOVER	_IO(SHMBUF_IOC_TYPE, 0x24)
#define SHMBUF_IOC_WAIT		_IO(SHMBUF_IOC_TYPE, 0x28)
#define SHMBUF_IOC_WAKE		_IO(SHMBUF_IOC_TYPE, 0x29)
#define SHMBUF_IOC_WAIT_ANY	_IO(SHMBUF_IOC_TYPE, 0x2a)
#define SHMBUF_IOC_WATCH	_IO(SHMBUF_IOC_TYPE, 0x2b)
#define SHMBUF_IOC_MOVED	_IO(SHMBUF_IOC_TYPE, 0x2c)
#define SHMBUF_IOC_SEM_WAIT	_IO(SHMBUF_IOC_TYPE, 0x30)
#define SHMBUF_IOC_SEM_POST	_IO(SHMBUF_IOC_TYPE, 0x31)
#define SHMBUF_IOC_BARRIER_WAIT	_IO(SHMBUF_IOC_TYPE, 0x38)
#define SHMBUF_IOC_BARRIER_LEAVE _IO(SHMBUF_IOC_TYPE, 0x39)
#define SHMBUF_IOC_OWNER_INFO	_IO(SHMBUF_IOC_TYPE, 0x40)
#define SHMBUF_IOC_DEATHS	_IO(SHMBUF_IOC_TYPE, 0x41)
#define SHMBUF_IOC_STATS	_IO(SHMBUF_IOC_TYPE, 0x42)
#define SHMBUF_IOC_LIST		_IO(SHMBUF_IOC_TYPE, 0x43)
#define SHMBUF_IOC_OBJECTS	_IO(SHMBUF_IOC_TYPE, 0x44)
#define SHMBUF_IOC_WAITERS	_IO(SHMBUF_IOC_TYPE, 0x45)

/**
 * enum shmbuf_area_type - what is mapped at an area's offset
 * @SHMBUF_AREA_DATA: the buffer's memory
 * @SHMBUF_AREA_CONTROL: a struct shmbuf_control, then the words of the sync
 *	objects; MAP_SHARED only, and only as a whole.  Always one of the first 8 areas.
 */
enum shmbuf_area_type {
	SHMBUF_AREA_DATA = 1,
	SHMBUF_AREA_CONTROL = 2,
};

/**
 * enum shmbuf_layout - where the words of sync objects stand
 * @SHMBUF_LAYOUT_SPREAD: 64 bytes apart, a cache line each
 * @SHMBUF_LAYOUT_PACKED: 8 bytes apart, for large tables
 */
enum shmbuf_layout {
	SHMBUF_LAYOUT_SPREAD = 0,
	SHMBUF_LAYOUT_PACKED = 1,
};

/**
 * enum shmbuf_kind - what a sync object is
 * @SHMBUF_KIND_NONE: free; INIT gives it a kind
 * @SHMBUF_KIND_LOCK: a robust lock, exclusive or shared by readers
 * @SHMBUF_KIND_QUEUE: a wait queue with a sequence
 * @SHMBUF_KIND_SEMAPHORE: a counting semaphore
 * @SHMBUF_KIND_BARRIER: a barrier for a number of parties
 */
enum shmbuf_kind {
	SHMBUF_KIND_NONE = 0,
	SHMBUF_KIND_LOCK = 1,
	SHMBUF_KIND_QUEUE = 2,
	SHMBUF_KIND_SEMAPHORE = 3,
	SHMBUF_KIND_BARRIER = 4,
};

/* What struct shmbuf_query's @features can hold. */
#define SHMBUF_FEATURE_LOCK	(1ULL << 0)	/* robust exclusive locks */
#define SHMBUF_FEATURE_QUEUE	(1ULL << 1)	/* wait queues */
#define SHMBUF_FEATURE_PROMPT	(1ULL << 2)	/* deaths are seen at once, not by polling */
#define SHMBUF_FEATURE_SEMAPHORE (1ULL << 3)	/* semaphores */
#define SHMBUF_FEATURE_BARRIER	(1ULL << 4)	/* barriers */
#define SHMBUF_FEATURE_SHARED	(1ULL << 5)	/* locks shared by readers, and rows */
#define SHMBUF_FEATURE_HUGE	(1ULL << 6)	/* CREATE_HUGE is more than a wish */

/**
 * struct shmbuf_area - one mappable area of the buffer
 * @type: enum shmbuf_area_type
 * @reserved: 0
 * @offset: bytes, for mmap()
 * @size: bytes, whole pages
 */
struct shmbuf_area {
	__u32 type;
	__u32 reserved;
	__u64 offset;
	__u64 size;
};

/* struct shmbuf_query.handle_flags */
#define SHMBUF_HANDLE_ATTACHED	(1U << 0)
#define SHMBUF_HANDLE_READONLY	(1U << 1)

/**
 * struct shmbuf_query - ask what the module offers and what the handle is
 * @size: sizeof(struct shmbuf_query)
 * @flags: in: 0
 * @areas: in: address of an array of struct shmbuf_area, or 0
 * @nr_areas: in: how many @areas has room for; out: how many there are.  No
 *	more than there is room for are written.
 * @name_size: in: bytes at @name; out: bytes of the name with its NUL, 0 for an
 *	anonymous or unlinked buffer.  A name that doesn't fit isn't written.
 * @name: in: address for the name, or 0
 * @abi_version: out: SHMBUF_ABI_VERSION of the module
 * @handle_flags: out: SHMBUF_HANDLE_*
 * @features: out: SHMBUF_FEATURE_*
 * @limit_total_bytes: out: bytes of all data areas together, at most
 * @limit_user_bytes: out: bytes of data areas that a user may have
 * @limit_user_buffers: out: buffers that a user may have
 * @limit_user_objects: out: sync objects that a user may have
 * @limit_user_owners: out: owner ids that a user may have, with those whose rows are
 *	still mapped
 * @limit_user_waiters: out: threads of a user that may wait at once
 * @limit_user_claims: out: objects of which owners of a user may have a part:
 *	locks that they read under, semaphores of which they have units with UNDO,
 *	barriers at which they are parties; and queues that handles watch
 * @buffer_id: out: a number for the attached buffer, never reused while the
 *	module is loaded; 0 and all below 0 where the handle isn't attached
 * @data_size: out: present bytes of the data area
 * @max_size: out: bytes up to which GROW goes
 * @generation: out: how often the buffer has grown
 * @nr_objects: out: sync objects in the table
 * @layout: out: enum shmbuf_layout
 * @object_offset: out: bytes from the start of the control area to the word of
 *	object 0
 * @object_stride: out: bytes from one object's word to the next; in each layout a power
 *	of 2, 8 or more
 * @mode: out: permission bits
 * @uid: out: the buffer's owner, as the caller's user namespace knows it
 * @gid: out: the buffer's group, likewise
 * @seals: out: SHMBUF_SEAL_*
 * @create_flags: out: SHMBUF_CREATE_PERSIST, SHMBUF_CREATE_PREALLOC and
 *	SHMBUF_CREATE_HUGE as given
 * @reserved: 0
 *
 * Works on every handle.  Errors: EFAULT, EINVAL, E2BIG, EOPNOTSUPP.
 */
struct shmbuf_query {
	__u32 size;
	__u32 flags;
	__u64 areas;
	__u32 nr_areas;
	__u32 name_size;
	__u64 name;
	__u32 abi_version;
	__u32 handle_flags;
	__u64 features;
	__u64 limit_total_bytes;
	__u64 limit_user_bytes;
	__u64 limit_user_buffers;
	__u64 limit_user_objects;
	__u64 limit_user_owners;
	__u64 limit_user_waiters;
	__u64 limit_user_claims;
	__u64 buffer_id;
	__u64 data_size;
	__u64 max_size;
	__u64 generation;
	__u32 nr_objects;
	__u32 layout;
	__u32 object_offset;
	__u32 object_stride;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 seals;
	__u32 create_flags;
	__u32 reserved;
};

/**
 * struct shmbuf_range - a run of sync objects of one kind
 * @first: index of the first object
 * @count: number of objects, 1 or more
 * @kind: SHMBUF_KIND_*, but not NONE
 * @reserved: 0
 * @value: a lock: 0.  A queue: its first sequence, 0 to SHMBUF_SEQUENCE_MASK.  A
 *	semaphore: its first count, with the most that it can count in the upper
 *	32 bits; both up to SHMBUF_SEM_MAX, 0 for the most means that.  A barrier:
 *	its parties, 1 to SHMBUF_BARRIER_MAX.
 */
struct shmbuf_range {
	__u32 first;
	__u32 count;
	__u32 kind;
	__u32 reserved;
	__u64 value;
};

#define SHMBUF_SEM_MAX		((1U << 28) - 1)
#define SHMBUF_BARRIER_MAX	((1U << 16) - 1)

/* Most ranges that one CREATE takes. */
#define SHMBUF_CREATE_RANGES_MAX	64

/* struct shmbuf_create.flags */
#define SHMBUF_CREATE_EXCL	(1U << 0)	/* fail where the name exists */
#define SHMBUF_CREATE_PERSIST	(1U << 1)	/* the name stays until UNLINK */
#define SHMBUF_CREATE_PREALLOC	(1U << 2)	/* allocate all pages now */
#define SHMBUF_CREATE_HUGE	(1U << 3)	/* by huge pages, as far as there are any */

/**
 * struct shmbuf_create - make a buffer and attach the handle to it
 * @size: sizeof(struct shmbuf_create)
 * @flags: SHMBUF_CREATE_*; EXCL and PERSIST need a name
 * @name: address of the name, or 0 for an anonymous buffer
 * @name_len: bytes of the name, 1 to SHMBUF_NAME_MAX, without a NUL; no '/' and
 *	no NUL within.  0 for an anonymous buffer.
 * @mode: permission bits (0 to 0777) for OPEN by others; the umask
 *	doesn't apply.  0 means 0600.
 * @data_size: bytes, 1 or more; rounded up to whole pages
 * @max_size: bytes up to which the buffer may GROW, rounded up to whole pages;
 *	0 means @data_size
 * @nr_objects: capacity of the table of sync objects, 0 to the limit
 * @layout: enum shmbuf_layout
 * @ranges: address of an array of struct shmbuf_range, or 0: what the objects
 *	are from the start, so that nobody can open the buffer before they are.
 *	Ranges mustn't overlap.
 * @nr_ranges: elements of @ranges, 0 to SHMBUF_CREATE_RANGES_MAX
 * @reserved: 0
 *
 * HUGE is a wish: each stretch of @data_size that a huge page fits into exactly gets one
 * when it is first touched, or allocated, if the kernel has one to give; the rest, and
 * all where SHMBUF_FEATURE_HUGE isn't set, is of ordinary pages.  No more memory is used than
 * @data_size says.
 *
 * Where the name exists and EXCL isn't set, the handle is attached to the
 * existing buffer as by OPEN, provided it is at least @data_size bytes and
 * @nr_objects objects large, else EINVAL.
 *
 * Return: 0 where the buffer was made, 1 where it existed.  Errors: EACCES,
 * EBADF, EBUSY, EDQUOT, E2BIG, EEXIST, EFAULT, EINTR, EINVAL, ENAMETOOLONG,
 * ENFILE, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM (the existing buffer is sealed).
 */
struct shmbuf_create {
	__u32 size;
	__u32 flags;
	__u64 name;
	__u32 name_len;
	__u32 mode;
	__u64 data_size;
	__u64 max_size;
	__u32 nr_objects;
	__u32 layout;
	__u64 ranges;
	__u32 nr_ranges;
	__u32 reserved;
};

/**
 * struct shmbuf_name - OPEN attaches to, UNLINK removes a name
 * @size: sizeof(struct shmbuf_name)
 * @flags: 0
 * @name: address of the name
 * @name_len: bytes of the name, as in struct shmbuf_create
 * @reserved: 0
 *
 * OPEN needs read permission by the buffer's mode, and write permission unless
 * the handle is read-only.  UNLINK is for the buffer's owner and for
 * CAP_FOWNER in the IPC namespace; who is attached stays so.  Names are scoped
 * to the IPC namespace of the caller.
 *
 * Errors: EACCES, EBADF (UNLINK), EBUSY (OPEN), E2BIG, EFAULT, EINTR, EINVAL,
 * ENAMETOOLONG, ENOENT, ENOMEM, EOPNOTSUPP, EPERM.
 */
struct shmbuf_name {
	__u32 size;
	__u32 flags;
	__u64 name;
	__u32 name_len;
	__u32 reserved;
};

/**
 * struct shmbuf_init - INIT gives a range of free sync objects a kind, RESET
 *	frees a range of idle ones
 * @size: sizeof(struct shmbuf_init)
 * @flags: 0
 * @range: which objects; for RESET its @kind and @value are 0
 *
 * All of the range or nothing.  Idle is a lock that no live owner holds and
 * nobody waits for, a queue that nobody waits on or watches, a semaphore that nobody
 * waits for and no live process has units of with UNDO, a barrier at which nobody waits.
 *
 * Errors: EBADF, EBUSY (RESET), E2BIG, EEXIST (INIT), EFAULT, EINTR, EINVAL,
 * ENOMEM, ENOTCONN, EOPNOTSUPP.
 */
struct shmbuf_init {
	__u32 size;
	__u32 flags;
	struct shmbuf_range range;
};

/**
 * struct shmbuf_grow - make the data area larger
 * @size: sizeof(struct shmbuf_grow)
 * @flags: 0
 * @data_size: bytes, from the present size to max_size; rounded up to pages
 *
 * New bytes are 0.  The generation moves, unless the size stays.
 *
 * Errors: EBADF, EDQUOT, E2BIG, EFAULT, EINTR, EINVAL, ENOMEM, ENOSPC,
 * ENOTCONN, EOPNOTSUPP, EPERM (sealed).
 */
struct shmbuf_grow {
	__u32 size;
	__u32 flags;
	__u64 data_size;
};

/* struct shmbuf_seal.seals */
#define SHMBUF_SEAL_GROW	(1U << 0)	/* no GROW */
#define SHMBUF_SEAL_WRITERS	(1U << 1)	/* no new writing handles */
#define SHMBUF_SEAL_EXEC	(1U << 2)	/* no new executable mappings */

/**
 * struct shmbuf_seal - forbid something, for all and for good
 * @size: sizeof(struct shmbuf_seal)
 * @flags: 0
 * @seals: SHMBUF_SEAL_* to add
 * @reserved: 0
 *
 * What was mapped before a seal stays mapped: such a mapping may still be made
 * executable by mprotect(), and be written to.
 *
 * Errors: EBADF, E2BIG, EFAULT, EINTR, EINVAL, ENOTCONN, EOPNOTSUPP.
 */
struct shmbuf_seal {
	__u32 size;
	__u32 flags;
	__u32 seals;
	__u32 reserved;
};

/* struct shmbuf_register.flags */
#define SHMBUF_REGISTER_PROCESS	(1U << 0)	/* any thread of the process may use the id */

/**
 * struct shmbuf_register - get or give back an owner id
 * @size: sizeof(struct shmbuf_register)
 * @flags: REGISTER: SHMBUF_REGISTER_*; UNREGISTER: 0
 * @owner: REGISTER: in: 0, out: the id; UNREGISTER: the id
 *
 * The id is the caller's thread's, or with SHMBUF_REGISTER_PROCESS its
 * process's; it is good in the buffer of this handle, for the caller's address
 * space, until UNREGISTER, the end of the thread (or process), exec, or the
 * release of this handle.  Locks it holds by then have a dead owner.  A child
 * of fork, vfork or clone owns nothing until it registers.
 *
 * Errors: EBADF, EDQUOT, E2BIG, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN,
 * EOPNOTSUPP, EPERM (UNREGISTER of an id that isn't the caller's).
 */
struct shmbuf_register {
	__u32 size;
	__u32 flags;
	__u64 owner;
};

/* struct shmbuf_lock.flags */
#define SHMBUF_LOCK_TRY			(1U << 0)	/* EBUSY rather than wait */
#define SHMBUF_LOCK_SPIN		(1U << 1)	/* never sleep while it is held */
#define SHMBUF_LOCK_NOSPIN		(1U << 2)	/* sleep at once while it is held */
#define SHMBUF_LOCK_INTERRUPTIBLE	(1U << 3)	/* EINTR rather than go on after a signal */
#define SHMBUF_LOCK_SHARED		(1U << 4)	/* as a reader, beside others */
#define SHMBUF_LOCK_NODETECT		(1U << 5)	/* wait even in a deadlock with others */

/**
 * struct shmbuf_lock - LOCK, UNLOCK, CONSISTENT, DOWNGRADE
 * @size: sizeof(struct shmbuf_lock)
 * @flags: LOCK: SHMBUF_LOCK_*, of SPIN and NOSPIN at most one; else 0
 * @owner: an id that REGISTER gave the caller
 * @index: the lock
 * @reserved: 0
 * @deadline: LOCK: absolute, ns on CLOCK_MONOTONIC, or SHMBUF_DEADLINE_NEVER;
 *	not looked at with TRY or where the lock is free.  Else 0.
 *
 * A killed LOCK leaves nothing behind.  EOWNERDEAD from LOCK means that the
 * lock is held; UNLOCK without CONSISTENT then makes it ENOTRECOVERABLE.
 *
 * Threads that share a process-bound id are one owner, and can't wait for each
 * other: EDEADLK.
 *
 * With SHARED the lock is held beside other readers, as often as it was taken; each
 * UNLOCK gives one back.  New readers pass a writer that waits, until it has waited
 * for some milliseconds; one who reads already always may once more.
 * Readers that waited for a writer come before the next writer.  A reader that wants to
 * write gets EDEADLK, with TRY EBUSY.  A reader that dies has given back all, and nobody
 * hears of it.  DOWNGRADE makes a reader of who holds the lock, without a moment between.
 *
 * A reader can't repair: where a writer has died, SHARED also returns EOWNERDEAD, and
 * the lock is held exclusively.  CONSISTENT, and then DOWNGRADE or UNLOCK.  DOWNGRADE
 * before CONSISTENT is EPERM.
 *
 * Errors: EBADF, EBUSY (TRY), EDEADLK (LOCK), EDQUOT, E2BIG, EFAULT, EINTR,
 * EINVAL (also CONSISTENT of a lock that is consistent), ENOMEM (SHARED, DOWNGRADE),
 * ENOTCONN, ENOTRECOVERABLE, EOPNOTSUPP, EOVERFLOW (SHARED: taken SHMBUF_ROW_COUNT_MASK
 * times), EOWNERDEAD, EPERM (id not the caller's; UNLOCK, CONSISTENT or
 * DOWNGRADE of a lock that the id doesn't hold), ETIMEDOUT.
 */
struct shmbuf_lock {
	__u32 size;
	__u32 flags;
	__u64 owner;
	__u32 index;
	__u32 reserved;
	__u64 deadline;
};

/**
 * struct shmbuf_recover - RECOVER takes a lock from who holds it, as if that had died
 * @size: sizeof(struct shmbuf_recover)
 * @flags: 0
 * @index: the lock
 * @reserved: 0
 * @owner: the id that holds it exclusively, as OWNER_INFO tells
 *
 * For a holder that lives and will never give it back.  It isn't asked and doesn't notice:
 * it may be in the midst of a change, its UNLOCK will be EPERM.  The next one who takes the
 * lock gets EOWNERDEAD.  For the buffer's owner and for CAP_FOWNER in the IPC namespace.
 *
 * Errors: EBADF, E2BIG, EFAULT, EINVAL, ENOTCONN, EOPNOTSUPP, EPERM (the buffer isn't the
 * caller's), ESRCH (@owner doesn't hold the lock).
 */
struct shmbuf_recover {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 reserved;
	__u64 owner;
};

/* A queue that every buffer has beside its table: it moves on at each death of a
 * joined process or of an owner.  WAIT, WAIT_ANY and WATCH take it; no WAKE.
 */
#define SHMBUF_INDEX_DEATHS		(~0U)

/* struct shmbuf_wait.flags */
#define SHMBUF_WAIT_LOCK		(1U << 0)	/* give @lock up while asleep */
#define SHMBUF_WAIT_PEERS		(1U << 1)	/* end when a joined process dies */
#define SHMBUF_WAIT_RELEASED		(1U << 2)	/* LOCK: @lock is given up already */

/* What WAIT with LOCK returns: a sum of these, with the lock held again. */
#define SHMBUF_WAITED_OWNERDEAD		(1U << 0)	/* its last holder died: EOWNERDEAD */
#define SHMBUF_WAITED_TIMEDOUT		(1U << 1)	/* the deadline passed */
#define SHMBUF_WAITED_INTERRUPTED	(1U << 2)	/* a signal came */
#define SHMBUF_WAITED_PEERDEAD		(1U << 3)	/* PEERS: a joined process died */
#define SHMBUF_WAITED_ALONE		(1U << 4)	/* PEERS: nobody else is joined */

/**
 * struct shmbuf_wait - sleep on a queue while its sequence is as expected
 * @size: sizeof(struct shmbuf_wait)
 * @flags: SHMBUF_WAIT_*
 * @index: the queue, or SHMBUF_INDEX_DEATHS
 * @lock: LOCK: a lock that @owner holds exclusively, or with RELEASED held; else 0
 * @sequence: in: what the caller last saw; out, on success without LOCK: the present one
 * @deadline: as in struct shmbuf_lock
 * @owner: LOCK: an id that REGISTER gave the caller; else 0
 * @deaths: PEERS: what the caller last saw as the sequence of SHMBUF_INDEX_DEATHS,
 *	so that no death between then and now is missed; ~0: from now on.  Else 0.
 *
 * Returns 0 at once where the sequence isn't @sequence, so that a WAIT with
 * ~0ULL reads it.  Else returns 0 when a WAKE chose this waiter.  A
 * woken waiter that is killed before it returns passes the wake on.  Waiters
 * through read-only handles observe: they wake when their turn comes, and
 * WAKE's count is for the others.
 *
 * With LOCK the caller sleeps and gives the lock up in one step, and holds it again
 * when the call returns 0 or more, be it for a wake, the deadline or a signal:
 * see SHMBUF_WAITED_*.  A wake moves it to those who wait for the lock; from there
 * on, and after the deadline or a signal, it waits for the lock as long as it takes.
 * Nothing is written to @sequence.  A signal that comes meanwhile is handled when the
 * call returns; one that kills ends it at once, and undoes what it had got.  A stop and
 * the like count as signals.  ENOTRECOVERABLE means that the lock couldn't be taken
 * back, be it that it is so, was reset, or that the process gave @owner back
 * meanwhile or took the lock by it.  All other errors mean that nothing has happened,
 * and that the lock is still held if it was.
 *
 * With LOCK and RELEASED the caller has given the lock up itself after it read @sequence: a
 * WAKE since then shows by that.  The lock is held when the call returns 0 or more, be it
 * at once, and isn't after an error.
 *
 * With PEERS the wait ends with EOWNERDEAD at a death in the buffer that @deaths doesn't count,
 * also of a thread whose process lives, and with EPIPE when no other process is joined (or,
 * with LOCK, with the values above).  What can be had comes first, here and in SEM_WAIT and
 * WAIT_ANY: where @sequence isn't the present one or a WAKE came, the wait returns that, and
 * the death is told by the next one, as @deaths doesn't count it yet.
 *
 * Errors: EBADF (LOCK), EDQUOT, E2BIG, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN,
 * ENOTRECOVERABLE (LOCK), EOPNOTSUPP, EOWNERDEAD (PEERS), EPERM (LOCK: not held, or
 * with its last holder's death not made CONSISTENT), EPIPE (PEERS), ETIMEDOUT.
 */
struct shmbuf_wait {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 lock;
	__u64 sequence;
	__u64 deadline;
	__u64 owner;
	__u64 deaths;
};

/* struct shmbuf_wake.count */
#define SHMBUF_WAKE_ALL		(~0U)

/**
 * struct shmbuf_wake - move a queue's sequence on and wake waiters
 * @size: sizeof(struct shmbuf_wake)
 * @flags: 0
 * @index: the queue
 * @count: how many to wake at most, the longest waiting first, observers not
 *	counted; 1 or more
 *
 * Return: how many were woken, observers too.  Errors: EBADF, E2BIG, EFAULT,
 * EINTR, EINVAL, ENOTCONN, EOPNOTSUPP.
 */
struct shmbuf_wake {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 count;
};

#define SHMBUF_WAIT_ANY_MAX		64

/* Set in what WAIT_ANY returns, beside the item: a lock was won, with EOWNERDEAD. */
#define SHMBUF_WAIT_ANY_OWNERDEAD	(1U << 16)

/* struct shmbuf_wait_item.flags */
#define SHMBUF_WAIT_ITEM_SHARED		(1U << 4)	/* a lock: as LOCK with SHARED */
#define SHMBUF_WAIT_ITEM_UNDO		(1U << 1)	/* a semaphore: as SEM_WAIT with UNDO */

/**
 * struct shmbuf_wait_item - one of the objects that WAIT_ANY waits for
 * @fd: a handle's file descriptor
 * @index: the object: a lock, semaphore or queue, or SHMBUF_INDEX_DEATHS
 * @kind: SHMBUF_KIND_LOCK, SHMBUF_KIND_SEMAPHORE or SHMBUF_KIND_QUEUE
 * @flags: SHMBUF_WAIT_ITEM_*
 * @owner: a lock, or with UNDO: an id that REGISTER gave the caller in the
 *	handle's buffer; else 0
 * @sequence: a queue: in: what the caller last saw, else 0
 */
struct shmbuf_wait_item {
	__s32 fd;
	__u32 index;
	__u32 kind;
	__u32 flags;
	__u64 owner;
	__u64 sequence;
};

/**
 * struct shmbuf_wait_any - wait until one of several objects can be had
 * @size: sizeof(struct shmbuf_wait_any)
 * @flags: 0, or SHMBUF_WAIT_PEERS: for the buffer of the handle that is called
 * @items: address of an array of struct shmbuf_wait_item; no object twice
 * @nr_items: of them, 1 to SHMBUF_WAIT_ANY_MAX
 * @reserved: 0
 * @deadline: as in struct shmbuf_lock
 * @deaths: as in struct shmbuf_wait
 *
 * One object is won: the lock taken, a unit taken, or the queue's sequence found to
 * have moved.  Nothing is changed with the others.  Of several that could be had, the
 * one that stands first.  With PEERS a death, or nobody else being joined, ends the wait if
 * none can be had, as in struct shmbuf_wait.
 *
 * Return: the item, counted from 0, with SHMBUF_WAIT_ANY_OWNERDEAD.  Errors:
 * EBADF (@fd isn't open, or read-only and @kind no queue), EDEADLK, EDQUOT, E2BIG,
 * EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, ENOTRECOVERABLE, ENOTTY (@fd is no handle),
 * EOPNOTSUPP, EOWNERDEAD (PEERS), EPERM, EPIPE (PEERS), ETIMEDOUT.
 */
struct shmbuf_wait_any {
	__u32 size;
	__u32 flags;
	__u64 items;
	__u32 nr_items;
	__u32 reserved;
	__u64 deadline;
	__u64 deaths;
};

/* struct shmbuf_watch.flags */
#define SHMBUF_WATCH_REMOVE		(1U << 0)	/* watch it no more */
#define SHMBUF_WATCH_EVENTFD		(1U << 1)	/* by @eventfd, not by poll() */

/**
 * struct shmbuf_watch - have poll() or an eventfd tell when a queue moves
 * @size: sizeof(struct shmbuf_watch)
 * @flags: SHMBUF_WATCH_*
 * @index: the queue, or SHMBUF_INDEX_DEATHS
 * @eventfd: EVENTFD: the eventfd's descriptor; else 0
 * @sequence: poll: what the caller last saw; else 0
 *
 * The handle polls readable (POLLIN) as long as any queue that it watches has another
 * sequence than the one given.  Watching a queue again moves that on.  A handle that is
 * attached to no buffer polls POLLERR.  An eventfd is signalled at each wake (deaths
 * that come at once may be one signal); there can be one for each queue of a handle.
 * Both end with REMOVE, where @eventfd and @sequence are 0, and with the handle.  A
 * queue that is watched isn't idle: RESET gives EBUSY.
 *
 * Errors: EBADF (@eventfd isn't open), EDQUOT, E2BIG, EEXIST (EVENTFD: there is one),
 * EFAULT, EINTR, EINVAL (also @eventfd is none), ENOENT (REMOVE), ENOMEM, ENOTCONN,
 * EOPNOTSUPP.
 */
struct shmbuf_watch {
	__u32 size;
	__u32 flags;
	__u32 index;
	__s32 eventfd;
	__u64 sequence;
};

/**
 * struct shmbuf_moved_queue - a queue that has moved
 * @index: the queue
 * @reserved: 0
 * @sequence: its present sequence
 */
struct shmbuf_moved_queue {
	__u32 index;
	__u32 reserved;
	__u64 sequence;
};

/**
 * struct shmbuf_moved - which of the queues that the handle polls for have moved
 * @size: sizeof(struct shmbuf_moved)
 * @flags: 0
 * @queues: address of an array of struct shmbuf_moved_queue
 * @nr_queues: how many @queues has room for
 * @reserved: 0
 *
 * Tells, and changes nothing: WATCH with the new sequence ends the readiness.
 *
 * Return: how many were written, those of the lowest indexes.  Errors: E2BIG, EFAULT,
 * EINTR, EINVAL, ENOTCONN, EOPNOTSUPP.
 */
struct shmbuf_moved {
	__u32 size;
	__u32 flags;
	__u64 queues;
	__u32 nr_queues;
	__u32 reserved;
};

/* struct shmbuf_sem.flags */
#define SHMBUF_SEM_TRY			(1U << 0)	/* EBUSY rather than wait */
#define SHMBUF_SEM_UNDO			(1U << 1)	/* it comes back if the process dies */
#define SHMBUF_SEM_PEERS		(1U << 2)	/* end when a joined process dies */

/**
 * struct shmbuf_sem - SEM_WAIT takes a unit of a semaphore, SEM_POST gives one
 * @size: sizeof(struct shmbuf_sem)
 * @flags: SEM_WAIT: SHMBUF_SEM_*; SEM_POST: 0 or SHMBUF_SEM_UNDO
 * @index: the semaphore
 * @reserved: 0
 * @owner: with UNDO: an id that REGISTER gave the caller; else 0
 * @deadline: SEM_WAIT: as in struct shmbuf_lock; SEM_POST: 0
 * @deaths: with PEERS: as in struct shmbuf_wait; else 0
 *
 * A unit that was taken with UNDO belongs to the process that @owner is of, until
 * the process gives it back by SEM_POST with UNDO, whatever thread of it does.  What
 * it has when its last id ends comes back.  Units without UNDO belong to nobody.
 * A unit that came to a waiter who is killed before he returns goes to the next.
 *
 * PEERS is for the time that the call sleeps: where there is a unit it is taken.
 *
 * Errors: EBADF, EBUSY (TRY), EDQUOT, E2BIG, EFAULT, EINTR (SEM_WAIT), EINVAL,
 * ENOMEM, ENOTCONN, EOPNOTSUPP, EOVERFLOW (SEM_POST: it counts no more), EOWNERDEAD
 * (PEERS), EPERM (id not the caller's; SEM_POST with UNDO: the process has no
 * unit), EPIPE (PEERS), ETIMEDOUT.
 */
struct shmbuf_sem {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 reserved;
	__u64 owner;
	__u64 deadline;
	__u64 deaths;
};

/**
 * struct shmbuf_barrier - BARRIER_WAIT arrives at a barrier and waits for the others,
 *	BARRIER_LEAVE is no party any more
 * @size: sizeof(struct shmbuf_barrier)
 * @flags: 0
 * @index: the barrier
 * @reserved: 0
 * @owner: an id that REGISTER gave the caller
 * @deadline: BARRIER_WAIT: as in struct shmbuf_lock; BARRIER_LEAVE: 0
 *
 * Arriving makes @owner a party, until BARRIER_LEAVE.  When a party's id ends, by
 * UNREGISTER as well, the barrier breaks: all who wait get EOWNERDEAD, who comes later
 * ENOTRECOVERABLE, until RESET and INIT.  A wait that ends with ETIMEDOUT or EINTR
 * takes the arrival back; @owner is a party nevertheless.
 *
 * Threads that share a process-bound id are one party; each of their calls is an arrival.
 * BARRIER_LEAVE doesn't end a wait of another thread by the same id.
 *
 * Return: 1 for the party that arrived last, 0 for the others.  Errors: EBADF, EDQUOT,
 * E2BIG, EFAULT, EINTR, EINVAL, ENOENT (BARRIER_LEAVE: no party), ENOMEM, ENOTCONN,
 * ENOTRECOVERABLE, EOPNOTSUPP, EOWNERDEAD, EPERM (id not the caller's), ETIMEDOUT.
 */
struct shmbuf_barrier {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 reserved;
	__u64 owner;
	__u64 deadline;
};

/**
 * enum shmbuf_death_how - how an owner or a process ended
 * @SHMBUF_DEATH_UNKNOWN: nobody saw it
 * @SHMBUF_DEATH_UNREGISTER: gave its id back, and had something
 * @SHMBUF_DEATH_HANDLE: the handle that it registered through was released, and it had
 *	something
 * @SHMBUF_DEATH_EXIT: the process exited; the code is its exit status
 * @SHMBUF_DEATH_SIGNAL: the process was killed; the code is the signal
 * @SHMBUF_DEATH_EXEC: the process runs another program
 * @SHMBUF_DEATH_THREAD: the thread ended, and its process lives
 */
enum shmbuf_death_how {
	SHMBUF_DEATH_UNKNOWN = 0,
	SHMBUF_DEATH_UNREGISTER = 1,
	SHMBUF_DEATH_HANDLE = 2,
	SHMBUF_DEATH_EXIT = 3,
	SHMBUF_DEATH_SIGNAL = 4,
	SHMBUF_DEATH_EXEC = 5,
	SHMBUF_DEATH_THREAD = 6,
};

#define SHMBUF_COMM_LEN			16

/* struct shmbuf_death.flags */
#define SHMBUF_DEATH_OF_PROCESS		(1U << 0)	/* the last id of its process */

/**
 * struct shmbuf_death - the end of an owner id
 * @sequence: of SHMBUF_INDEX_DEATHS, as this death made it
 * @owner: the id
 * @time: ns on CLOCK_MONOTONIC of the caller's time namespace
 * @pid: of the process, as the caller's PID namespace knows it; 0 for unknown
 * @tid: of the thread, likewise; 0 for a process-bound id
 * @how: enum shmbuf_death_how
 * @code: exit status or signal
 * @flags: SHMBUF_DEATH_*
 * @reserved0: 0
 * @comm: the process's name as it joined
 * @reserved: 0
 */
struct shmbuf_death {
	__u64 sequence;
	__u64 owner;
	__u64 time;
	__u32 pid;
	__u32 tid;
	__u32 how;
	__u32 code;
	__u32 flags;
	__u32 reserved0;
	char comm[SHMBUF_COMM_LEN];
	__u64 reserved[2];
};

/* So many deaths are kept of each buffer, at least. */
#define SHMBUF_DEATHS_MAX		32

/**
 * struct shmbuf_deaths - read the log of the last deaths
 * @size: sizeof(struct shmbuf_deaths)
 * @flags: 0
 * @deaths: address of an array of struct shmbuf_death
 * @nr_deaths: how many @deaths has room for
 * @reserved: 0
 * @after: only deaths with a later sequence than this; ~0 for all that are kept
 *
 * UNREGISTER is no death, nor is the release of the handle while the process lives, unless the
 * owner had something: a lock, or a part of a lock or barrier that its word doesn't tell.  That
 * is found out a moment after it.
 *
 * Return: how many were written, the oldest first.  A gap between @after and the first
 * one's sequence shows that some were lost.  Errors: E2BIG, EFAULT, EINVAL, ENOMEM, ENOTCONN,
 * EOPNOTSUPP.
 */
struct shmbuf_deaths {
	__u32 size;
	__u32 flags;
	__u64 deaths;
	__u32 nr_deaths;
	__u32 reserved;
	__u64 after;
};

/* The most waiters that OWNER_INFO and WAITERS tell of. */
#define SHMBUF_WAITERS_MAX		1024

/* struct shmbuf_owner_info.state */
#define SHMBUF_OWNER_HELD		(1U << 0)	/* exclusively, by @owner */
#define SHMBUF_OWNER_SHARED		(1U << 1)	/* by readers, @owner is one of them */
#define SHMBUF_OWNER_SINCE_BOUND	(1U << 2)	/* held since @since or earlier */
#define SHMBUF_OWNER_DEAD		(1U << 3)	/* @death is the last holder's that died */
#define SHMBUF_OWNER_INCONSISTENT	(1U << 4)	/* nobody said CONSISTENT since */
#define SHMBUF_OWNER_NOTRECOVERABLE	(1U << 5)	/* given up, until RESET */

/**
 * struct shmbuf_waiter_info - one who waits
 * @owner: its id, 0 for none
 * @since: when it began to wait, ns on CLOCK_MONOTONIC of the caller's time namespace
 * @pid: of its process, as the caller's PID namespace knows it; 0 for unknown
 * @tid: of its thread, likewise
 * @flags: SHMBUF_LOCK_SHARED where it wants to read
 * @reserved0: 0
 * @comm: the thread's name
 * @reserved: 0
 */
struct shmbuf_waiter_info {
	__u64 owner;
	__u64 since;
	__u32 pid;
	__u32 tid;
	__u32 flags;
	__u32 reserved0;
	char comm[SHMBUF_COMM_LEN];
	__u64 reserved[2];
};

/**
 * struct shmbuf_owner_info - who holds a lock, since when, and who waits for it
 * @size: sizeof(struct shmbuf_owner_info)
 * @flags: in: 0
 * @index: in: the lock
 * @state: out: SHMBUF_OWNER_*
 * @owner: out: the holder's id, 0 for none
 * @since: out: since when it holds the lock, ns on CLOCK_MONOTONIC of the caller's
 *	time namespace.  A lock that was taken in user space is known to be held since
 *	the kernel first saw it: SHMBUF_OWNER_SINCE_BOUND.  That its holder gave it up
 *	and took it again in user space isn't seen.
 * @pid: out: of the holder's process, as the caller's PID namespace knows it; 0 for
 *	unknown
 * @tid: out: of the holder's thread, likewise; 0 for a process-bound id
 * @comm: out: the holder's process's name as it joined
 * @nr_readers: out: owners that read
 * @nr_waiters: in: how many @waiters has room for; out: how many there are.  No
 *	more than there is room for are written, those first that wait longest; nor
 *	more than SHMBUF_WAITERS_MAX.
 * @waiters: in: address of an array of struct shmbuf_waiter_info, or 0
 * @death: out: with SHMBUF_OWNER_DEAD
 * @reserved: out: 0
 *
 * For any handle of the buffer, read-only ones as well.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, EOPNOTSUPP.
 */
struct shmbuf_owner_info {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 state;
	__u64 owner;
	__u64 since;
	__u32 pid;
	__u32 tid;
	char comm[SHMBUF_COMM_LEN];
	__u32 nr_readers;
	__u32 nr_waiters;
	__u64 waiters;
	struct shmbuf_death death;
	__u64 reserved[4];
};

/**
 * struct shmbuf_stats - STATS tells how a buffer fares
 * @size: sizeof(struct shmbuf_stats)
 * @flags: in: 0
 * @buffer_id: out: as in struct shmbuf_query
 * @data_size: out: present bytes of the data area
 * @max_size: out: bytes up to which GROW goes
 * @resident: out: bytes of the data area that are in memory
 * @created: out: when it was made, ns on CLOCK_MONOTONIC of the caller's time namespace
 * @deaths: out: the sequence of SHMBUF_INDEX_DEATHS
 * @contentions: out: how often a LOCK had to sleep
 * @waited: out: ns that these slept, all together
 * @nr_objects: out: sync objects in the table
 * @joined: out: processes that are joined
 * @owners: out: their owner ids
 * @waiters: out: threads that wait, for whatever it is; by WAIT_ANY for each of its objects
 * @held: out: locks that somebody holds exclusively
 * @shared: out: locks that are held by readers
 * @inconsistent: out: locks whose holder died, and nobody said CONSISTENT since
 * @notrecoverable: out: locks that were given up for good
 * @mode: out: permission bits
 * @uid: out: the buffer's owner, as the caller's user namespace knows it
 * @gid: out: the buffer's group, likewise
 * @seals: out: SHMBUF_SEAL_*
 * @create_flags: out: as in struct shmbuf_query
 * @creator_pid: out: of the process that made it, as the caller's PID namespace knows it; 0 for
 *	unknown
 * @creator: out: that process's name then
 * @reserved: out: 0
 *
 * For any handle of the buffer.  The counts are from one moment each, not all from the same.
 *
 * Errors: E2BIG, EFAULT, EINTR, EINVAL, ENOTCONN, EOPNOTSUPP.
 */
struct shmbuf_stats {
	__u32 size;
	__u32 flags;
	__u64 buffer_id;
	__u64 data_size;
	__u64 max_size;
	__u64 resident;
	__u64 created;
	__u64 deaths;
	__u64 contentions;
	__u64 waited;
	__u32 nr_objects;
	__u32 joined;
	__u32 owners;
	__u32 waiters;
	__u32 held;
	__u32 shared;
	__u32 inconsistent;
	__u32 notrecoverable;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 seals;
	__u32 create_flags;
	__u32 creator_pid;
	char creator[SHMBUF_COMM_LEN];
	__u64 reserved[8];
};

/**
 * struct shmbuf_listing - a buffer that LIST tells of
 * @name: with a NUL; empty for an anonymous or unlinked buffer
 * @stats: as STATS has it; its size is that of struct shmbuf_stats
 */
struct shmbuf_listing {
	char name[SHMBUF_NAME_MAX + 1];
	struct shmbuf_stats stats;
};

/* Most buffers that one LIST tells of. */
#define SHMBUF_LIST_MAX			64

/**
 * struct shmbuf_list - tell of the buffers in the caller's IPC namespace
 * @size: sizeof(struct shmbuf_list)
 * @flags: 0
 * @after: only buffers with a larger id
 * @listings: address of an array of struct shmbuf_listing
 * @nr_listings: how many @listings has room for, 1 or more
 * @listing_size: sizeof(struct shmbuf_listing), up to a page; what this kernel doesn't know of
 *	each is filled with 0, and of less than that the beginning is written, with @name at least
 *
 * Works on every handle.  Anonymous buffers belong to the namespace that they were made in.
 * All are told of, also those that the caller mayn't open, as in /proc/sysvipc/shm.
 *
 * Return: how many were written, by rising id, at most SHMBUF_LIST_MAX; 0 where there are no
 * more.  Errors: E2BIG, EFAULT, EINTR, EINVAL, ENOMEM, EOPNOTSUPP.
 */
struct shmbuf_list {
	__u32 size;
	__u32 flags;
	__u64 after;
	__u64 listings;
	__u32 nr_listings;
	__u32 listing_size;
};

/**
 * struct shmbuf_object - a sync object that OBJECTS tells of
 * @index: which
 * @kind: SHMBUF_KIND_*, not NONE
 * @state: a lock's: SHMBUF_OWNER_HELD, SHARED, INCONSISTENT, NOTRECOVERABLE; a barrier's:
 *	NOTRECOVERABLE where it is broken; else 0
 * @nr_waiters: threads that wait for it
 * @owner: a lock's: who holds it exclusively, else 0
 * @value: a queue's sequence, a semaphore's count, a barrier's parties; a lock's readers
 * @most: the most that a semaphore counts, how many have arrived at a barrier; else 0
 * @contentions: a lock's: how often a LOCK had to sleep.  Of all locks whose indexes are the
 *	same modulo 32 this is counted for the two that are contended most, if there was
 *	memory for it; for others it is 0.
 * @waited: ns that these slept
 * @longest: ns that the longest of these slept
 * @reserved: 0
 */
struct shmbuf_object {
	__u32 index;
	__u32 kind;
	__u32 state;
	__u32 nr_waiters;
	__u64 owner;
	__u64 value;
	__u64 most;
	__u64 contentions;
	__u64 waited;
	__u64 longest;
	__u64 reserved[4];
};

/* Most objects that one OBJECTS tells of. */
#define SHMBUF_OBJECTS_MAX		1024

/**
 * struct shmbuf_objects - tell of sync objects that have a kind
 * @size: sizeof(struct shmbuf_objects)
 * @flags: 0
 * @objects: address of an array of struct shmbuf_object
 * @first: from this index on
 * @nr_objects: how many @objects has room for, 1 or more
 *
 * For any handle of the buffer.
 *
 * Return: how many were written, by rising index, at most SHMBUF_OBJECTS_MAX; 0 where there are
 * no more.  Errors: E2BIG, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, EOPNOTSUPP.
 */
struct shmbuf_objects {
	__u32 size;
	__u32 flags;
	__u64 objects;
	__u32 first;
	__u32 nr_objects;
};

/**
 * struct shmbuf_waiters - tell who waits for a sync object of any kind
 * @size: sizeof(struct shmbuf_waiters)
 * @flags: 0
 * @waiters: address of an array of struct shmbuf_waiter_info
 * @index: the object, or SHMBUF_INDEX_DEATHS
 * @nr_waiters: how many @waiters has room for; no more than SHMBUF_WAITERS_MAX are written
 *
 * For any handle of the buffer.  Those come first that wait longest.
 *
 * Return: how many there are, which may be more than were written.  Errors: E2BIG, EFAULT,
 * EINVAL (the object has no kind), ENOMEM, ENOTCONN, EOPNOTSUPP.
 */
struct shmbuf_waiters {
	__u32 size;
	__u32 flags;
	__u64 waiters;
	__u32 index;
	__u32 nr_waiters;
};

/**
 * struct shmbuf_control - the head of the control area
 * @generation: moves when the buffer grows; QUERY then tells the new size
 * @reserved: 0
 *
 * Whoever may write the buffer may write here: a hint, never a fact.
 */
struct shmbuf_control {
	__u64 generation;
	__u64 reserved[7];
};

/*
 * The words of the control area, one __u64 per sync object.  Programs change
 * them by the user_* steps of linux/shmbuf_word.h only.
 */

/* What a word is these bits say together: a kind yet to come has more than one of them. */

/* The word belongs to the kernel: somebody waits, or it is being changed. */
#define SHMBUF_WORD_WAITERS		(1ULL << 63)
/* Lock: its holder died, and the data may be half changed. */
#define SHMBUF_WORD_OWNER_DIED		(1ULL << 62)
/* Lock: given up for good.  Barrier: broken. */
#define SHMBUF_WORD_NOTRECOVERABLE	(1ULL << 61)
/* The object has no kind. */
#define SHMBUF_WORD_UNUSED		(1ULL << 60)
/* A queue, always: so no kind takes itself for another. */
#define SHMBUF_WORD_QUEUE		(1ULL << 59)
/* Lock: readers may hold it by counts of their own, so that writers ask the kernel. */
#define SHMBUF_WORD_READERS		(1ULL << 58)
/* A semaphore, always. */
#define SHMBUF_WORD_SEMAPHORE		(1ULL << 57)
/* A barrier, always. */
#define SHMBUF_WORD_BARRIER		(1ULL << 56)

/* Lock: the holder's owner id, 0 for none. */
#define SHMBUF_OWNER_MASK		((1ULL << 56) - 1)
/* Queue: its sequence; it wraps. */
#define SHMBUF_SEQUENCE_MASK		((1ULL << 56) - 1)

#endif /* _UAPI_LINUX_SHMBUF_H */
