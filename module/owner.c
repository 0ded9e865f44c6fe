// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/rcupdate_wait.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "handle.h"
#include "claim.h"
#include "death.h"
#include "lock.h"
#include "member.h"
#include "owner.h"
#include "peers.h"
#include "point.h"
#include "process.h"
#include "row.h"
#include "sweep.h"
#include "user.h"

static void shmbuf_owner_free_rcu(struct rcu_head *rcu)
{
	struct shmbuf_owner *owner = container_of(rcu, struct shmbuf_owner, rcu);

	/* Whoever looked the owner up may be about to look at the pid. */
	put_pid(owner->pid);
	kfree(owner);
}

static void shmbuf_owner_free(struct shmbuf_owner *owner)
{
	shmbuf_member_put(owner->member);
	shmbuf_process_put(owner->process);
	mmdrop(owner->mm);
	if (owner->row) {
		shmbuf_row_leave(owner->row, owner->user);
	} else {
		shmbuf_user_uncharge(owner->user, SHMBUF_QUOTA_OWNERS, 1);
		shmbuf_user_put(owner->user);
	}
	call_rcu(&owner->rcu, shmbuf_owner_free_rcu);
}

void shmbuf_owner_put(struct shmbuf_owner *owner)
{
	if (refcount_dec_and_test(&owner->ref))
		shmbuf_owner_free(owner);
}

static struct shmbuf_owner *shmbuf_owner_create(struct shmbuf_buffer *buffer,
						bool process_bound)
{
	struct shmbuf_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!owner)
		return ERR_PTR(-ENOMEM);
	owner->user = shmbuf_user_get_current();
	if (!owner->user) {
		ret = -ENOMEM;
		goto err_free;
	}
	ret = shmbuf_user_charge(owner->user, SHMBUF_QUOTA_OWNERS, 1);
	if (ret)
		goto err_user;
	owner->process = shmbuf_process_get_current();
	if (IS_ERR(owner->process)) {
		ret = PTR_ERR(owner->process);
		goto err_uncharge;
	}
	owner->member = shmbuf_member_join(buffer);
	if (IS_ERR(owner->member)) {
		ret = PTR_ERR(owner->member);
		goto err_process;
	}
	refcount_set(&owner->ref, 1);
	owner->buffer = buffer;
	owner->mm = current->mm;
	mmgrab(owner->mm);
	owner->pid = get_task_pid(current, process_bound ? PIDTYPE_TGID : PIDTYPE_PID);
	owner->process_bound = process_bound;
	INIT_LIST_HEAD(&owner->node);
	INIT_LIST_HEAD(&owner->process_node);
	return owner;

err_process:
	shmbuf_process_put(owner->process);
err_uncharge:
	shmbuf_user_uncharge(owner->user, SHMBUF_QUOTA_OWNERS, 1);
err_user:
	shmbuf_user_put(owner->user);
err_free:
	kfree(owner);
	return ERR_PTR(ret);
}

static void shmbuf_owner_publish(struct shmbuf_handle *handle, struct shmbuf_owner *owner,
				 u32 slot)
{
	struct shmbuf_buffer *buffer = handle->buffer;

	spin_lock(&buffer->owners_lock);
	list_add(&owner->node, &handle->owners);
	spin_unlock(&buffer->owners_lock);
	shmbuf_point(owner_listed);
	shmbuf_process_add(owner->process, owner);
	/*
	 * Can't fail: the slot is allocated.  The reference is the table's from
	 * here, and another thread may unregister the id at once.
	 */
	xa_store(&buffer->owners, slot, owner, GFP_KERNEL_ACCOUNT);
}

int shmbuf_owner_register(struct shmbuf_handle *handle, bool process_bound,
			  u64 __user *id_user)
{
	struct shmbuf_buffer *buffer = handle->buffer;
	struct shmbuf_owner *owner;
	u32 slot;
	int ret;

	ret = shmbuf_deaths_prepare(buffer);
	if (ret)
		return ret;
	owner = shmbuf_owner_create(buffer, process_bound);
	if (owner == ERR_PTR(-EDQUOT)) {
		/* Threads may have gone without a word. */
		shmbuf_owners_find_dead(buffer);
		shmbuf_owners_reap(buffer);
		owner = shmbuf_owner_create(buffer, process_bound);
	}
	if (IS_ERR(owner))
		return PTR_ERR(owner);

	shmbuf_point(owner_made);
	/* Cyclic: the slot that has been free for longest comes first. */
	ret = xa_alloc_cyclic(&buffer->owners, &slot, NULL,
			      XA_LIMIT(1, SHMBUF_OWNER_SLOT_MASK), &buffer->owner_slot,
			      GFP_KERNEL_ACCOUNT);
	if (ret < 0) {
		ret = ret == -EBUSY ? -EDQUOT : ret;
		goto err_put;
	}
	owner->id = (u64)(u32)atomic_inc_return(&buffer->owner_generation) <<
		    SHMBUF_OWNER_SLOT_BITS | slot;
	if (put_user(owner->id, id_user)) {
		ret = -EFAULT;
		goto err_slot;
	}

	shmbuf_point(owner_numbered);
	shmbuf_owner_publish(handle, owner, slot);
	return 0;

err_slot:
	xa_erase(&buffer->owners, slot);
err_put:
	spin_lock(&buffer->owners_lock);
	shmbuf_member_leave(buffer, owner->member);
	spin_unlock(&buffer->owners_lock);
	shmbuf_owner_put(owner);
	return ret;
}

static struct shmbuf_owner *shmbuf_owner_lookup(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner = xa_load(&buffer->owners, id & SHMBUF_OWNER_SLOT_MASK);

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "owners are freed by RCU");
	return owner && owner->id == id ? owner : NULL;
}

static bool shmbuf_owner_is_current(const struct shmbuf_owner *owner)
{
	struct pid *pid = owner->process_bound ? task_tgid(current) : task_pid(current);

	return owner->pid == pid && owner->mm == current->mm && !READ_ONCE(owner->dead);
}

struct shmbuf_owner *shmbuf_owner_get_current(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner;

	rcu_read_lock();
	owner = shmbuf_owner_lookup(buffer, id);
	if (!owner || !shmbuf_owner_is_current(owner) || !refcount_inc_not_zero(&owner->ref))
		owner = ERR_PTR(-EPERM);
	rcu_read_unlock();
	return owner;
}

struct shmbuf_owner *shmbuf_owner_get(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner;

	rcu_read_lock();
	owner = shmbuf_owner_lookup(buffer, id);
	if (owner && !refcount_inc_not_zero(&owner->ref))
		owner = NULL;
	rcu_read_unlock();
	return owner;
}

struct shmbuf_owner *shmbuf_owner_get_slot(struct shmbuf_buffer *buffer, u32 slot)
{
	struct shmbuf_owner *owner;

	rcu_read_lock();
	owner = xa_load(&buffer->owners, slot);
	if (!owner || owner->mm != current->mm || READ_ONCE(owner->dead) ||
	    !refcount_inc_not_zero(&owner->ref))
		owner = ERR_PTR(-EPERM);
	rcu_read_unlock();
	return owner;
}

static bool shmbuf_task_lives(struct task_struct *task, const struct mm_struct *mm)
{
	return !(READ_ONCE(task->flags) & PF_EXITING) && READ_ONCE(task->mm) == mm;
}

/*
 * Neither a fatal signal nor a group exit under way is death: the task may still
 * run in user mode and write.  Under RCU.
 */
static bool shmbuf_owner_lives(const struct shmbuf_owner *owner)
{
	struct task_struct *task, *thread;

	if (READ_ONCE(owner->dead))
		return false;
	if (!owner->process_bound) {
		task = pid_task(owner->pid, PIDTYPE_PID);
		return task && shmbuf_task_lives(task, owner->mm);
	}
	task = pid_task(owner->pid, PIDTYPE_TGID);
	if (!task)
		return false;
	for_each_thread(task, thread) {
		if (shmbuf_task_lives(thread, owner->mm))
			return true;
	}
	return false;
}

bool shmbuf_owner_alive(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner;
	bool alive;

	rcu_read_lock();
	owner = shmbuf_owner_lookup(buffer, id);
	alive = owner && shmbuf_owner_lives(owner);
	rcu_read_unlock();
	return alive;
}

struct task_struct *shmbuf_owner_task(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner = shmbuf_owner_lookup(buffer, id);

	if (!owner || owner->process_bound || !shmbuf_owner_lives(owner))
		return NULL;
	return pid_task(owner->pid, PIDTYPE_PID);
}

struct pid *shmbuf_owner_thread(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner;
	struct pid *pid = NULL;

	rcu_read_lock();
	owner = id ? shmbuf_owner_lookup(buffer, id) : NULL;
	if (owner && !owner->process_bound && shmbuf_owner_lives(owner))
		pid = get_pid(owner->pid);
	rcu_read_unlock();
	return pid;
}

pid_t shmbuf_owner_pid_nr(struct shmbuf_buffer *buffer, u64 id, struct pid_namespace *ns)
{
	struct shmbuf_owner *owner;
	pid_t nr = 0;

	rcu_read_lock();
	owner = shmbuf_owner_lookup(buffer, id);
	if (owner && shmbuf_owner_lives(owner))
		nr = pid_nr_ns(owner->pid, ns);
	rcu_read_unlock();
	return nr;
}

/* So it went by itself: a death only if it had something, which the reaper finds out. */
static bool shmbuf_cause_is_leave(struct shmbuf_cause cause)
{
	return cause.how == SHMBUF_DEATH_UNREGISTER || cause.how == SHMBUF_DEATH_HANDLE;
}

static void shmbuf_owner_set_dead(struct shmbuf_owner *owner, struct shmbuf_cause cause)
{
	struct shmbuf_buffer *buffer = owner->buffer;

	lockdep_assert_held(&buffer->owners_lock);
	owner->cause = cause;
	owner->died = ktime_get_ns();
	owner->last = shmbuf_member_leave(buffer, owner->member);
	WRITE_ONCE(owner->dead, true);
	list_move_tail(&owner->node, &buffer->dead_owners);
	WRITE_ONCE(buffer->nr_dead, buffer->nr_dead + 1);
	if (!shmbuf_cause_is_leave(cause))
		shmbuf_death_record(owner);
}

bool shmbuf_owner_die(struct shmbuf_owner *owner)
{
	struct shmbuf_buffer *buffer = owner->buffer;
	bool died;

	spin_lock(&buffer->owners_lock);
	died = !owner->dead;
	/* What isn't dead isn't reaped: its member is there. */
	if (died)
		shmbuf_owner_set_dead(owner, shmbuf_cause_find(owner));
	spin_unlock(&buffer->owners_lock);
	return died;
}

static bool shmbuf_owner_give_back(struct shmbuf_owner *owner)
{
	const struct shmbuf_cause cause = { SHMBUF_DEATH_UNREGISTER, 0 };
	struct shmbuf_buffer *buffer = owner->buffer;
	bool died;

	spin_lock(&buffer->owners_lock);
	died = !owner->dead;
	if (died)
		shmbuf_owner_set_dead(owner, cause);
	spin_unlock(&buffer->owners_lock);
	return died;
}

bool shmbuf_owner_leaves(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner;

	rcu_read_lock();
	owner = shmbuf_owner_lookup(buffer, id);
	if (owner) {
		WRITE_ONCE(owner->leaves, true);
		/* Gone without a word, and seen by its lock first. */
		if (!READ_ONCE(owner->dead))
			queue_work(shmbuf_workqueue, &buffer->reap);
	}
	rcu_read_unlock();
	return owner;
}

int shmbuf_owner_unregister(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner = shmbuf_owner_get_current(buffer, id);

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	if (!shmbuf_owner_give_back(owner)) {
		shmbuf_owner_put(owner);
		return -EPERM;
	}
	shmbuf_owner_put(owner);
	shmbuf_sweep(buffer);
	/* A worker spares the caller the scan, but is no match for many who come and go. */
	if (READ_ONCE(buffer->nr_dead) < SHMBUF_DEAD_MOST)
		queue_work(shmbuf_workqueue, &buffer->reap);
	else
		shmbuf_owners_reap(buffer);
	return 0;
}

bool shmbuf_owners_find_dead(struct shmbuf_buffer *buffer)
{
	struct shmbuf_owner *owner;
	unsigned long slot;
	bool died = false;

	rcu_read_lock();
	xa_for_each(&buffer->owners, slot, owner) {
		if (!READ_ONCE(owner->dead) && !shmbuf_owner_lives(owner))
			died |= shmbuf_owner_die(owner);
		cond_resched_rcu();
	}
	rcu_read_unlock();
	if (died)
		shmbuf_deaths_tell(buffer);
	return died;
}

void shmbuf_owners_look(struct shmbuf_buffer *buffer)
{
	if (shmbuf_owners_find_dead(buffer))
		queue_work(shmbuf_workqueue, &buffer->reap);
}

/* Who left, and held something: true where that is so. */
static bool shmbuf_owner_record_late(struct shmbuf_owner *owner)
{
	if (!shmbuf_cause_is_leave(owner->cause) || !READ_ONCE(owner->leaves))
		return false;
	spin_lock(&owner->buffer->owners_lock);
	shmbuf_death_record(owner);
	spin_unlock(&owner->buffer->owners_lock);
	return true;
}

void shmbuf_owners_reap(struct shmbuf_buffer *buffer)
{
	struct shmbuf_owner *owner, *next;
	bool late = false;
	LIST_HEAD(dead);

	mutex_lock(&buffer->reap_lock);
	spin_lock(&buffer->owners_lock);
	list_splice_init(&buffer->dead_owners, &dead);
	WRITE_ONCE(buffer->nr_dead, 0);
	spin_unlock(&buffer->owners_lock);

	if (!list_empty(&dead)) {
		shmbuf_point(reap_begun);
		/* Claims first: a contended lock is found by the sweep as well. */
		shmbuf_claims_bury(buffer);
		shmbuf_point(claims_buried);
		shmbuf_locks_bury(buffer);
		shmbuf_point(locks_buried);
	}

	/* Dead owners' nodes are ours alone. */
	list_for_each_entry_safe(owner, next, &dead, node) {
		list_del_init(&owner->node);
		late |= shmbuf_owner_record_late(owner);
		shmbuf_process_remove(owner->process, owner);
		xa_erase(&buffer->owners, owner->id & SHMBUF_OWNER_SLOT_MASK);
		shmbuf_owner_put(owner);
	}
	if (late) {
		shmbuf_peers_sweep(buffer);
		shmbuf_deaths_tell(buffer);
	}
	mutex_unlock(&buffer->reap_lock);
}

void shmbuf_owners_reap_work(struct work_struct *work)
{
	struct shmbuf_buffer *buffer = container_of(work, struct shmbuf_buffer, reap);

	shmbuf_owners_find_dead(buffer);
	shmbuf_owners_reap(buffer);
}

/*
 * How @owner ends with its handle: by the end of its process, be that only begun, or by
 * that alone.  Under RCU.
 */
static struct shmbuf_cause shmbuf_cause_of_release(const struct shmbuf_owner *owner)
{
	const struct shmbuf_cause released = { SHMBUF_DEATH_HANDLE, 0 };
	struct task_struct *leader = pid_task(owner->member->pid, PIDTYPE_TGID);

	if (!leader || !shmbuf_owner_lives(owner) ||
	    READ_ONCE(leader->signal->flags) & SIGNAL_GROUP_EXIT ||
	    READ_ONCE(leader->signal->group_exec_task))
		return shmbuf_cause_find(owner);
	return released;
}

void shmbuf_owners_release(struct shmbuf_handle *handle)
{
	struct shmbuf_buffer *buffer = handle->buffer;
	struct shmbuf_owner *owner, *next;
	bool died;

	rcu_read_lock();
	spin_lock(&buffer->owners_lock);
	died = !list_empty(&handle->owners);
	list_for_each_entry_safe(owner, next, &handle->owners, node)
		shmbuf_owner_set_dead(owner, shmbuf_cause_of_release(owner));
	spin_unlock(&buffer->owners_lock);
	rcu_read_unlock();
	if (died) {
		shmbuf_sweep(buffer);
		shmbuf_deaths_tell(buffer);
	}
	/* Those that died before may still be in the works, and hold the buffer. */
	shmbuf_owners_reap(buffer);
}
