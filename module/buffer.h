/* SPDX-License-Identifier: GPL-2.0-only */
/* A buffer: data area, control area, kinds of its sync objects, who owns it. */
#ifndef SHMBUF_BUFFER_H
#define SHMBUF_BUFFER_H

#include <linux/atomic.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/shmbuf.h>

#include "spin.h"

struct file;
struct inode;
struct pid;
struct shmbuf_contentions;
struct shmbuf_death_log;
struct shmbuf_ns;
struct shmbuf_user;

#define SHMBUF_NR_BUCKETS 32

/**
 * struct shmbuf_bucket - the sync objects whose index falls here, and their waiters
 * @lock: held for each step that the kernel takes with the words of these
 *	objects.  Innermost but for the locks of the xarray and of RCU; nothing
 *	is allocated, copied or woken under it.
 * @nr_spinners: threads that spin for a lock of this bucket
 * @wait_spins: whether it pays to look out for a wake
 * @read_spins: and for the last reader
 * @run_kind: of the run of objects that one was looked up in last, SHMBUF_KIND_NONE where
 *	that isn't known; under @lock, as @run_first and @run_last
 * @nr_waiters: in @waiters; changed under @lock, read anywhere
 * @waiters: struct shmbuf_waiter by index, then by arrival; under @lock
 * @claims: struct shmbuf_claim by index, then by holder; under @lock
 * @watchers: struct shmbuf_watcher by index, then by arrival; under @lock
 * @run_first: index of the first of that run
 * @run_last: and of the last
 */
struct shmbuf_bucket {
	spinlock_t lock; /* the trees, and the words */
	atomic_t nr_spinners;
	struct shmbuf_spin wait_spins;
	struct shmbuf_spin read_spins;
	u8 run_kind;
	u32 nr_waiters;
	struct rb_root waiters;
	struct rb_root claims;
	struct rb_root watchers;
	u32 run_first;
	u32 run_last;
};

/**
 * struct shmbuf_buffer - one buffer
 * @ref: one for each attached handle, one for a PERSIST name, and short ones of
 *	deaths under way; with the last go the name, the data and what its user is charged
 * @pins: one for all of these, and short ones of who was told of the buffer by the registry;
 *	the last unpin frees it
 * @id: never reused
 * @user: charged for the buffer and its objects
 * @ns: that it was made in; constant, given back with the last pin
 * @name: the name it was made with, or NULL; constant
 * @name_len: bytes; constant
 * @name_node: in the registry while the name exists; under shmbuf_names_lock
 * @mode: permission bits; constant, as @uid and @gid
 * @uid: owner
 * @gid: group
 * @create_flags: SHMBUF_CREATE_*; constant
 * @config: mutex of GROW, SEAL, INIT and RESET
 * @data: shmem file; constant, its size changes under @config, given back with the last
 *	reference
 * @data_inode: its inode while there is a reference, for who has but a pin; read under RCU
 * @data_size: whole pages, written under @config, read anywhere
 * @max_size: whole pages; constant
 * @generation: written under @config, read anywhere
 * @seals: written under @config, read anywhere
 * @control: the kernel's mapping of the control area, hostile content
 * @control_size: whole pages; constant
 * @nr_objects: constant, as @layout and @stride_shift
 * @layout: enum shmbuf_layout
 * @stride_shift: log2 of the bytes from word to word
 * @created: when, ns; constant, as @creator and @creator_comm
 * @creator: the process that made it, a reference
 * @creator_comm: its name
 * @kinds: kind by range of indexes; changed under @config while the words of
 *	the range are UNUSED, read under RCU
 * @owners: live and not yet reaped owners by slot; read under RCU
 * @owners_lock: protects each owner's list and death, @dead_owners, @members and @peers.
 *	Outside of it: nothing but @config and @reap_lock.
 * @dead_owners: to be reaped
 * @nr_dead: so many; changed under @owners_lock, read anywhere
 * @deaths_lock: innermost; protects the log of deaths
 * @deaths: the log, made with the first owner
 * @nr_death_notes: made of locks of the dead; under @deaths_lock
 * @nr_deaths: of owners, but for those who gave their ids back and had nothing; under
 *	@owners_lock and @deaths_lock, read anywhere
 * @contentions: of locks, made with the first; under the buckets' locks
 * @nr_contentions: so often a LOCK had to sleep
 * @waited: for so many ns
 * @deaths_word: of SHMBUF_INDEX_DEATHS, a queue with @nr_deaths as its sequence; in
 *	the kernel alone, changed under its bucket's lock
 * @members: processes that are joined; under @owners_lock
 * @nr_members: so many; changed under @owners_lock, read anywhere, as @nr_owners
 * @nr_owners: that they have
 * @last_member: id of the last that was
 * @peers: struct shmbuf_peers, waits that deaths end; under @owners_lock
 * @owner_slot: where the search for a free slot goes on; under @owners' lock
 * @owner_generation: of the last owner id
 * @reap_lock: mutex of those who scan the words for dead owners
 * @reap: work that does so
 * @check: work that looks after what nobody told us, while anybody waits or watches
 * @last_waiter: serial number of the last waiter
 * @nr_waiters: who are in any bucket, watchers and @peers too
 * @buckets: by index
 */
struct shmbuf_buffer {
	refcount_t ref;
	refcount_t pins;
	u64 id;
	struct shmbuf_user *user;

	struct shmbuf_ns *ns;
	char *name;
	u32 name_len;
	struct hlist_node name_node;

	u16 mode;
	kuid_t uid;
	kgid_t gid;
	u32 create_flags;

	struct mutex config; /* GROW, SEAL, INIT, RESET */
	struct file *data;
	struct inode *data_inode;
	u64 data_size;
	u64 max_size;
	u64 generation;
	u32 seals;

	void *control;
	size_t control_size;
	u32 nr_objects;
	u32 layout;
	u32 stride_shift;
	u64 created;
	struct pid *creator;
	char creator_comm[TASK_COMM_LEN];
	struct maple_tree kinds;

	struct xarray owners;
	spinlock_t owners_lock; /* deaths */
	struct list_head dead_owners;
	u32 nr_dead;
	spinlock_t deaths_lock; /* the log, @nr_deaths */
	struct shmbuf_death_log *deaths;
	u32 nr_death_notes;
	u64 nr_deaths;
	struct shmbuf_contentions *contentions;
	atomic64_t nr_contentions;
	atomic64_t waited;
	atomic64_t deaths_word;
	struct list_head members;
	u32 nr_members;
	u32 nr_owners;
	struct list_head peers;
	atomic64_t last_member;
	u32 owner_slot;
	atomic_t owner_generation;
	struct mutex reap_lock; /* reaping */
	struct work_struct reap;

	struct delayed_work check;
	atomic64_t last_waiter;
	atomic_t nr_waiters;
	struct shmbuf_bucket buckets[SHMBUF_NR_BUCKETS];
};

/* @index has been found to be in the table, or is of no use to anybody. */
static inline atomic64_t *shmbuf_word(struct shmbuf_buffer *buffer, u32 index)
{
	if (index == SHMBUF_INDEX_DEATHS)
		return &buffer->deaths_word;
	index = array_index_nospec(index, buffer->nr_objects);
	return buffer->control + sizeof(struct shmbuf_control) +
	       ((size_t)index << buffer->stride_shift);
}

static inline struct shmbuf_bucket *shmbuf_bucket(struct shmbuf_buffer *buffer, u32 index)
{
	return &buffer->buckets[index % SHMBUF_NR_BUCKETS];
}

/*
 * A buffer as @args has it, but for its name and ranges.  @args has been checked.
 * The reference is the caller's.
 */
struct shmbuf_buffer *shmbuf_buffer_create(const struct shmbuf_create *args,
					   struct shmbuf_user *user);
struct shmbuf_buffer *shmbuf_buffer_get(struct shmbuf_buffer *buffer);
void shmbuf_buffer_put(struct shmbuf_buffer *buffer);
/* Of who has it from the registry. */
void shmbuf_buffer_unpin(struct shmbuf_buffer *buffer);

/* Bytes of the data area that are in memory; a pin is enough. */
u64 shmbuf_buffer_resident(const struct shmbuf_buffer *buffer);

/* Its SHMBUF_CREATE_* that say what it is, not how it was made. */
static inline u32 shmbuf_buffer_flags(const struct shmbuf_buffer *buffer)
{
	return buffer->create_flags &
	       (SHMBUF_CREATE_PERSIST | SHMBUF_CREATE_PREALLOC | SHMBUF_CREATE_HUGE);
}

/* What to map at @offset, a page's, of the control area. */
unsigned long shmbuf_control_pfn(const struct shmbuf_buffer *buffer, size_t offset);

int shmbuf_buffer_grow(struct shmbuf_buffer *buffer, u64 size);
int shmbuf_buffer_seal(struct shmbuf_buffer *buffer, u32 seals);

int shmbuf_buffer_init(void);
void shmbuf_buffer_exit(void);

extern struct workqueue_struct *shmbuf_workqueue;

#endif /* SHMBUF_BUFFER_H */
