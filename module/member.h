/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that are joined to a buffer. */
#ifndef SHMBUF_MEMBER_H
#define SHMBUF_MEMBER_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/types.h>

struct mm_struct;
struct pid;
struct shmbuf_buffer;

/**
 * struct shmbuf_member - a process that is joined to a buffer
 * @ref: one for each of its owners and of their logged deaths; the last put frees it
 * @id: of this joining, never reused in the buffer; constant, as @mm, @pid, @comm
 * @mm: its address space, pinned by its owners; compared, and never looked into
 * @pid: its thread group, a reference
 * @comm: the name it joined with
 * @node: in the buffer's members while it is joined; under the buffer's owners_lock
 * @nr_owners: its ids that aren't dead; under the buffer's owners_lock
 * @dead: none is left; set once, under the buffer's owners_lock, read anywhere
 */
struct shmbuf_member {
	refcount_t ref;
	u64 id;
	struct mm_struct *mm;
	struct pid *pid;
	char comm[TASK_COMM_LEN];
	struct list_head node;
	u32 nr_owners;
	bool dead;
};

/*
 * The caller's process has one owner more: joined by it, if it wasn't.  With a
 * reference, dropped by shmbuf_member_put().  May sleep; -ENOMEM.
 */
struct shmbuf_member *shmbuf_member_join(struct shmbuf_buffer *buffer);
/* One less, under owners_lock; true where that was the last. */
bool shmbuf_member_leave(struct shmbuf_buffer *buffer, struct shmbuf_member *member);
void shmbuf_member_put(struct shmbuf_member *member);

static inline struct shmbuf_member *shmbuf_member_get(struct shmbuf_member *member)
{
	refcount_inc(&member->ref);
	return member;
}

/* Under owners_lock: whether any process is joined but that of @task, which is in a call. */
bool shmbuf_member_has_peers(struct shmbuf_buffer *buffer, struct task_struct *task);

#endif /* SHMBUF_MEMBER_H */
