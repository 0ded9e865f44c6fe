// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "buffer.h"
#include "member.h"
#include "point.h"

static struct shmbuf_member *shmbuf_member_alloc(struct shmbuf_buffer *buffer)
{
	struct shmbuf_member *member = kzalloc(sizeof(*member), GFP_KERNEL_ACCOUNT);

	if (!member)
		return NULL;
	refcount_set(&member->ref, 1);
	member->id = atomic64_inc_return(&buffer->last_member);
	member->mm = current->mm;
	member->pid = get_task_pid(current, PIDTYPE_TGID);
	get_task_comm(member->comm, current->group_leader);
	member->nr_owners = 1;
	return member;
}

/* Processes that share an address space are joined one by one. */
static struct shmbuf_member *shmbuf_member_find(struct shmbuf_buffer *buffer,
						struct task_struct *task)
{
	struct shmbuf_member *member;

	lockdep_assert_held(&buffer->owners_lock);
	list_for_each_entry(member, &buffer->members, node) {
		if (member->mm == task->mm && member->pid == task_tgid(task))
			return member;
	}
	return NULL;
}

static struct shmbuf_member *shmbuf_member_again(struct shmbuf_buffer *buffer)
{
	struct shmbuf_member *member = shmbuf_member_find(buffer, current);

	if (member) {
		member->nr_owners++;
		WRITE_ONCE(buffer->nr_owners, buffer->nr_owners + 1);
		refcount_inc(&member->ref);
	}
	return member;
}

struct shmbuf_member *shmbuf_member_join(struct shmbuf_buffer *buffer)
{
	struct shmbuf_member *member, *fresh;

	spin_lock(&buffer->owners_lock);
	member = shmbuf_member_again(buffer);
	spin_unlock(&buffer->owners_lock);
	if (member)
		return member;

	fresh = shmbuf_member_alloc(buffer);
	if (!fresh)
		return ERR_PTR(-ENOMEM);
	shmbuf_point(member_new);
	spin_lock(&buffer->owners_lock);
	member = shmbuf_member_again(buffer);
	if (!member) {
		list_add_tail(&fresh->node, &buffer->members);
		WRITE_ONCE(buffer->nr_members, buffer->nr_members + 1);
		WRITE_ONCE(buffer->nr_owners, buffer->nr_owners + 1);
	}
	spin_unlock(&buffer->owners_lock);
	if (!member)
		return fresh;
	shmbuf_member_put(fresh);
	return member;
}

bool shmbuf_member_leave(struct shmbuf_buffer *buffer, struct shmbuf_member *member)
{
	lockdep_assert_held(&buffer->owners_lock);
	WRITE_ONCE(buffer->nr_owners, buffer->nr_owners - 1);
	if (--member->nr_owners)
		return false;
	list_del(&member->node);
	WRITE_ONCE(buffer->nr_members, buffer->nr_members - 1);
	WRITE_ONCE(member->dead, true);
	return true;
}

void shmbuf_member_put(struct shmbuf_member *member)
{
	if (!refcount_dec_and_test(&member->ref))
		return;
	put_pid(member->pid);
	kfree(member);
}

bool shmbuf_member_has_peers(struct shmbuf_buffer *buffer, struct task_struct *task)
{
	lockdep_assert_held(&buffer->owners_lock);
	if (list_empty(&buffer->members))
		return false;
	/* A process is in the list once. */
	return !list_is_singular(&buffer->members) || !shmbuf_member_find(buffer, task);
}
