/* SPDX-License-Identifier: GPL-2.0-only */
/* Owner ids: who may stand in a lock word, and whether he still lives. */
#ifndef SHMBUF_OWNER_H
#define SHMBUF_OWNER_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "death.h"

struct mm_struct;
struct pid;
struct shmbuf_buffer;
struct shmbuf_handle;
struct shmbuf_member;
struct shmbuf_process;
struct shmbuf_row;
struct shmbuf_user;
struct task_struct;
struct work_struct;

/* So many given-back ids are left to the worker; then who gives one back reaps. */
#define SHMBUF_DEAD_MOST 64

/**
 * struct shmbuf_owner - one owner id of one buffer
 * @rcu: frees it
 * @ref: the buffer's table, until reaped, and short ones of calls; the last put
 *	frees it
 * @id: slot and generation; constant, as all without another word
 * @buffer: alive as long as this is in @process's list or in the table
 * @user: charged for it, a reference
 * @process: its address space, a reference
 * @member: its process as one that is joined to @buffer, a reference
 * @mm: of @process, pinned by mmgrab(); compared, and never looked into
 * @pid: of the thread, or of the thread group where @process_bound; a reference
 * @process_bound: any thread of the group may use it
 * @row: its counts as a reader, a reference; NULL until the first who maps it sets it
 * @dead: set once, under the buffer's owners_lock; read anywhere
 * @cause: how it died; set before @dead, as @died and @last
 * @died: when, ns on CLOCK_MONOTONIC
 * @last: it was the last of its process
 * @leaves: it died and had something, so that even UNREGISTER, or the release of its handle,
 *	is a death; set under the bucket's lock of what it had, read by the reaper once it has
 *	taken them all
 * @node: in the handle's list, then in the buffer's dead_owners; under the
 *	buffer's owners_lock
 * @process_node: in @process's list; under @process's lock
 */
struct shmbuf_owner {
	struct rcu_head rcu;
	refcount_t ref;
	u64 id;
	struct shmbuf_buffer *buffer;
	struct shmbuf_user *user;
	struct shmbuf_process *process;
	struct shmbuf_member *member;
	struct mm_struct *mm;
	struct pid *pid;
	struct shmbuf_row *row;
	bool process_bound;
	bool dead;
	bool last;
	bool leaves;
	struct shmbuf_cause cause;
	u64 died;
	struct list_head node;
	struct list_head process_node;
};

/* A new id for the caller, written to *@id_user.  No reference is returned. */
int shmbuf_owner_register(struct shmbuf_handle *handle, bool process_bound,
			  u64 __user *id_user);
int shmbuf_owner_unregister(struct shmbuf_buffer *buffer, u64 id);

/* The owner, if the caller may use the id, with a reference; else -EPERM. */
struct shmbuf_owner *shmbuf_owner_get_current(struct shmbuf_buffer *buffer, u64 id);
/* The live owner in @slot, if it is of the caller's address space; likewise. */
struct shmbuf_owner *shmbuf_owner_get_slot(struct shmbuf_buffer *buffer, u32 slot);
void shmbuf_owner_put(struct shmbuf_owner *owner);
/* Anybody's, with a reference, or NULL. */
struct shmbuf_owner *shmbuf_owner_get(struct shmbuf_buffer *buffer, u64 id);

/* Whether the id is good and its owner lives. */
bool shmbuf_owner_alive(struct shmbuf_buffer *buffer, u64 id);

/* The task of a thread-bound live owner, or NULL.  Under RCU. */
struct task_struct *shmbuf_owner_task(struct shmbuf_buffer *buffer, u64 id);

/* The thread of a thread-bound live owner, a reference, or NULL. */
struct pid *shmbuf_owner_thread(struct shmbuf_buffer *buffer, u64 id);

/* The pid of a live owner as @ns sees it, or 0. */
pid_t shmbuf_owner_pid_nr(struct shmbuf_buffer *buffer, u64 id, struct pid_namespace *ns);

/*
 * @owner, who lives no more, is dead from here; true where it wasn't before: then
 * shmbuf_deaths_tell() is next.  Under RCU.
 */
bool shmbuf_owner_die(struct shmbuf_owner *owner);

/* Dead @id was found to have something; false where there is no such id. */
bool shmbuf_owner_leaves(struct shmbuf_buffer *buffer, u64 id);

/* All that were registered through the handle die and are reaped. */
void shmbuf_owners_release(struct shmbuf_handle *handle);

/* Put deaths on record in the words, then free what the dead had. */
void shmbuf_owners_reap(struct shmbuf_buffer *buffer);
void shmbuf_owners_reap_work(struct work_struct *work);

/* Look for deaths that nobody told us of; true where there are any to reap. */
bool shmbuf_owners_find_dead(struct shmbuf_buffer *buffer);
/* The same, and have them reaped soon. */
void shmbuf_owners_look(struct shmbuf_buffer *buffer);

#endif /* SHMBUF_OWNER_H */
