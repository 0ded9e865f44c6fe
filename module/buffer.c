// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "data.h"
#include "death.h"
#include "name.h"
#include "owner.h"
#include "registry.h"
#include "sweep.h"
#include "user.h"

struct workqueue_struct *shmbuf_workqueue;

static struct kmem_cache *shmbuf_buffer_cache;
static atomic64_t shmbuf_last_id;

/* Pages in a row, if there happen to be some, need no page tables and no table of pages. */
static void *shmbuf_control_alloc(size_t size)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN;
	void *control = alloc_pages_exact(size, gfp & ~__GFP_DIRECT_RECLAIM);

	return control ?: __vmalloc(size, gfp);
}

static void shmbuf_control_free(void *control, size_t size)
{
	if (is_vmalloc_addr(control))
		vfree(control);
	else if (control)
		free_pages_exact(control, size);
}

unsigned long shmbuf_control_pfn(const struct shmbuf_buffer *buffer, size_t offset)
{
	const void *at = buffer->control + offset;

	return is_vmalloc_addr(at) ? vmalloc_to_pfn(at) : page_to_pfn(virt_to_page(at));
}

static int shmbuf_control_create(struct shmbuf_buffer *buffer)
{
	u32 i;

	buffer->control_size = PAGE_ALIGN(sizeof(struct shmbuf_control) +
					  ((size_t)buffer->nr_objects << buffer->stride_shift));
	buffer->control = shmbuf_control_alloc(buffer->control_size);
	if (!buffer->control)
		return -ENOMEM;
	for (i = 0; i < buffer->nr_objects; i++) {
		atomic64_set(shmbuf_word(buffer, i), SHMBUF_WORD_UNUSED);
		cond_resched();
	}
	return 0;
}

static void shmbuf_buffer_free(struct shmbuf_buffer *buffer)
{
	int i;

	cancel_delayed_work_sync(&buffer->check);
	cancel_work_sync(&buffer->reap);
	WARN_ON(!xa_empty(&buffer->owners));
	for (i = 0; i < SHMBUF_NR_BUCKETS; i++)
		WARN_ON(!RB_EMPTY_ROOT(&buffer->buckets[i].claims));
	xa_destroy(&buffer->owners);
	shmbuf_deaths_free(buffer);
	kfree(buffer->contentions);
	put_pid(buffer->creator);
	mtree_destroy(&buffer->kinds);
	if (!IS_ERR_OR_NULL(buffer->data))
		fput(buffer->data);
	shmbuf_control_free(buffer->control, buffer->control_size);
	shmbuf_user_uncharge(buffer->user, SHMBUF_QUOTA_OBJECTS, buffer->nr_objects);
	shmbuf_user_uncharge(buffer->user, SHMBUF_QUOTA_BUFFERS, 1);
	shmbuf_user_put(buffer->user);
	shmbuf_name_forget(buffer);
	kmem_cache_free(shmbuf_buffer_cache, buffer);
}

static struct shmbuf_buffer *shmbuf_buffer_alloc(const struct shmbuf_create *args)
{
	struct shmbuf_buffer *buffer = kmem_cache_zalloc(shmbuf_buffer_cache,
							 GFP_KERNEL_ACCOUNT);
	int i;

	if (!buffer)
		return NULL;
	refcount_set(&buffer->ref, 1);
	refcount_set(&buffer->pins, 1);
	buffer->id = atomic64_inc_return(&shmbuf_last_id);
	buffer->mode = args->mode ?: 0600;
	buffer->uid = current_fsuid();
	buffer->gid = current_fsgid();
	buffer->create_flags = args->flags;
	buffer->created = ktime_get_ns();
	buffer->data_size = PAGE_ALIGN(args->data_size);
	buffer->max_size = max(PAGE_ALIGN(args->max_size), buffer->data_size);
	buffer->nr_objects = args->nr_objects;
	buffer->layout = args->layout;
	buffer->stride_shift = args->layout == SHMBUF_LAYOUT_PACKED ? 3 : 6;
	mutex_init(&buffer->config);
	mutex_init(&buffer->reap_lock);
	mt_init_flags(&buffer->kinds, MT_FLAGS_USE_RCU);
	xa_init_flags(&buffer->owners, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	spin_lock_init(&buffer->owners_lock);
	spin_lock_init(&buffer->deaths_lock);
	atomic64_set(&buffer->deaths_word, shmbuf_queue_word(0, false));
	INIT_LIST_HEAD(&buffer->dead_owners);
	INIT_LIST_HEAD(&buffer->members);
	INIT_LIST_HEAD(&buffer->peers);
	INIT_WORK(&buffer->reap, shmbuf_owners_reap_work);
	INIT_DELAYED_WORK(&buffer->check, shmbuf_sweep_work);
	for (i = 0; i < SHMBUF_NR_BUCKETS; i++)
		spin_lock_init(&buffer->buckets[i].lock);
	return buffer;
}

struct shmbuf_buffer *shmbuf_buffer_create(const struct shmbuf_create *args,
					   struct shmbuf_user *user)
{
	struct shmbuf_buffer *buffer = shmbuf_buffer_alloc(args);
	int ret;

	if (!buffer)
		return ERR_PTR(-ENOMEM);
	ret = shmbuf_user_charge(user, SHMBUF_QUOTA_BUFFERS, 1);
	if (ret)
		goto err_free;
	ret = shmbuf_user_charge(user, SHMBUF_QUOTA_OBJECTS, buffer->nr_objects);
	if (ret)
		goto err_uncharge;
	buffer->user = shmbuf_user_get(user);
	buffer->creator = get_task_pid(current, PIDTYPE_TGID);
	get_task_comm(buffer->creator_comm, current->group_leader);

	/* From here shmbuf_buffer_free() undoes all. */
	ret = shmbuf_registry_reserve(buffer);
	if (!ret)
		ret = shmbuf_control_create(buffer);
	if (ret)
		goto err_put;
	buffer->data = shmbuf_data_create(user, buffer->data_size, args->flags);
	if (IS_ERR(buffer->data)) {
		ret = PTR_ERR(buffer->data);
		goto err_put;
	}
	return buffer;

err_put:
	shmbuf_buffer_put(buffer);
	return ERR_PTR(ret);
err_uncharge:
	shmbuf_user_uncharge(user, SHMBUF_QUOTA_BUFFERS, 1);
err_free:
	kmem_cache_free(shmbuf_buffer_cache, buffer);
	return ERR_PTR(ret);
}

struct shmbuf_buffer *shmbuf_buffer_get(struct shmbuf_buffer *buffer)
{
	refcount_inc(&buffer->ref);
	return buffer;
}

void shmbuf_buffer_put(struct shmbuf_buffer *buffer)
{
	if (!shmbuf_name_put(buffer))
		return;
	shmbuf_registry_remove(buffer);
	shmbuf_buffer_unpin(buffer);
}

void shmbuf_buffer_unpin(struct shmbuf_buffer *buffer)
{
	if (refcount_dec_and_test(&buffer->pins))
		shmbuf_buffer_free(buffer);
}

int shmbuf_buffer_grow(struct shmbuf_buffer *buffer, u64 size)
{
	struct shmbuf_control *control = buffer->control;
	int ret;

	if (!size || size > buffer->max_size)
		return -EINVAL;
	size = PAGE_ALIGN(size);
	if (mutex_lock_killable(&buffer->config))
		return -EINTR;
	if (buffer->seals & SHMBUF_SEAL_GROW) {
		ret = -EPERM;
	} else if (size < buffer->data_size) {
		ret = -EINVAL;
	} else if (size == buffer->data_size) {
		ret = 0;
	} else {
		ret = shmbuf_data_grow(buffer->data, buffer->data_size, size,
				       buffer->create_flags & SHMBUF_CREATE_PREALLOC);
		if (!ret) {
			/* After the file's size: pairs with shmbuf_mmap_data(). */
			smp_store_release(&buffer->data_size, size);
			/* After the size: pairs with shmbuf_query_buffer(). */
			smp_store_release(&buffer->generation, buffer->generation + 1);
			/* Last: who sees it move gets the new size from QUERY. */
			smp_store_release(&control->generation, buffer->generation);
		}
	}
	mutex_unlock(&buffer->config);
	return ret;
}

int shmbuf_buffer_seal(struct shmbuf_buffer *buffer, u32 seals)
{
	if (mutex_lock_killable(&buffer->config))
		return -EINTR;
	WRITE_ONCE(buffer->seals, buffer->seals | seals);
	mutex_unlock(&buffer->config);
	return 0;
}

int shmbuf_buffer_init(void)
{
	shmbuf_buffer_cache = KMEM_CACHE(shmbuf_buffer, SLAB_ACCOUNT);
	if (!shmbuf_buffer_cache)
		return -ENOMEM;
	shmbuf_workqueue = alloc_workqueue("shmbuf", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (shmbuf_workqueue)
		return 0;
	kmem_cache_destroy(shmbuf_buffer_cache);
	return -ENOMEM;
}

void shmbuf_buffer_exit(void)
{
	destroy_workqueue(shmbuf_workqueue);
	kmem_cache_destroy(shmbuf_buffer_cache);
}
