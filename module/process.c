// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "buffer.h"
#include "death.h"
#include "owner.h"
#include "point.h"
#include "process.h"
#include "sweep.h"

#ifdef CONFIG_MMU_NOTIFIER

/**
 * struct shmbuf_process - an address space with owner ids in any buffers
 * @notifier: one of its users for each owner; the last put frees this
 * @lock: innermost
 * @owners: not yet told of the end, or reaped; under @lock
 */
struct shmbuf_process {
	struct mmu_notifier notifier;
	spinlock_t lock; /* @owners */
	struct list_head owners;
};

static atomic_t shmbuf_nr_processes;

static struct mmu_notifier *shmbuf_process_alloc(struct mm_struct *mm)
{
	struct shmbuf_process *process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);

	if (!process)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&process->lock);
	INIT_LIST_HEAD(&process->owners);
	atomic_inc(&shmbuf_nr_processes);
	return &process->notifier;
}

static void shmbuf_process_free(struct mmu_notifier *notifier)
{
	kfree(container_of(notifier, struct shmbuf_process, notifier));
	/* The last touch: shmbuf_process_exit() may go on right after. */
	atomic_dec(&shmbuf_nr_processes);
}

static struct shmbuf_owner *shmbuf_process_pop(struct shmbuf_process *process)
{
	struct shmbuf_owner *owner;

	spin_lock(&process->lock);
	owner = list_first_entry_or_null(&process->owners, struct shmbuf_owner, process_node);
	if (owner) {
		/* It leaves the list before its last reference and its buffer go. */
		list_del_init(&owner->process_node);
		refcount_inc(&owner->ref);
		shmbuf_buffer_get(owner->buffer);
	}
	spin_unlock(&process->lock);
	return owner;
}

/*
 * Survivors are told first.  The rest is done right here: a worker that wakes now would
 * take the idle CPU that one of them wakes on.
 */
static void shmbuf_process_buried(struct shmbuf_buffer *buffer)
{
	shmbuf_point(death_set);
	shmbuf_sweep(buffer);
	shmbuf_deaths_tell(buffer);
	shmbuf_owners_reap(buffer);
	shmbuf_buffer_put(buffer);
}

/*
 * No thread can run in the address space any more, and its memory is still
 * there: with gigabytes, long before its files are closed.
 */
static void shmbuf_process_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct shmbuf_process *process =
		container_of(notifier, struct shmbuf_process, notifier);
	struct shmbuf_buffer *buffer = NULL;
	struct shmbuf_owner *owner;

	while ((owner = shmbuf_process_pop(process))) {
		/* One sweep for a run of owners in the same buffer. */
		if (buffer && buffer != owner->buffer) {
			shmbuf_process_buried(buffer);
			buffer = NULL;
		}
		rcu_read_lock();
		shmbuf_owner_die(owner);
		rcu_read_unlock();
		if (!buffer)
			buffer = owner->buffer;
		else
			shmbuf_buffer_put(buffer);
		shmbuf_owner_put(owner);
		cond_resched();
	}
	if (buffer)
		shmbuf_process_buried(buffer);
}

static const struct mmu_notifier_ops shmbuf_process_ops = {
	.alloc_notifier = shmbuf_process_alloc,
	.free_notifier = shmbuf_process_free,
	.release = shmbuf_process_release,
};

struct shmbuf_process *shmbuf_process_get_current(void)
{
	struct mmu_notifier *notifier = mmu_notifier_get(&shmbuf_process_ops, current->mm);

	if (IS_ERR(notifier))
		return ERR_CAST(notifier);
	return container_of(notifier, struct shmbuf_process, notifier);
}

void shmbuf_process_put(struct shmbuf_process *process)
{
	mmu_notifier_put(&process->notifier);
}

void shmbuf_process_add(struct shmbuf_process *process, struct shmbuf_owner *owner)
{
	spin_lock(&process->lock);
	list_add_tail(&owner->process_node, &process->owners);
	spin_unlock(&process->lock);
}

void shmbuf_process_remove(struct shmbuf_process *process, struct shmbuf_owner *owner)
{
	spin_lock(&process->lock);
	list_del_init(&owner->process_node);
	spin_unlock(&process->lock);
}

void shmbuf_process_exit(void)
{
	while (atomic_read(&shmbuf_nr_processes))
		schedule_timeout_uninterruptible(1);
	mmu_notifier_synchronize();
}

#else /* the sweep finds deaths while anybody waits */

struct shmbuf_process *shmbuf_process_get_current(void)
{
	return NULL;
}

void shmbuf_process_put(struct shmbuf_process *process)
{
}

void shmbuf_process_add(struct shmbuf_process *process, struct shmbuf_owner *owner)
{
}

void shmbuf_process_remove(struct shmbuf_process *process, struct shmbuf_owner *owner)
{
}

void shmbuf_process_exit(void)
{
}

#endif
