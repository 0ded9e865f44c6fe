// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "user.h"

static unsigned long max_total_bytes;
module_param(max_total_bytes, ulong, 0644);
MODULE_PARM_DESC(max_total_bytes, "bytes of all data areas together (default: half of RAM)");

static unsigned long max_user_bytes;
module_param(max_user_bytes, ulong, 0644);
MODULE_PARM_DESC(max_user_bytes, "bytes of data areas per user (default: a quarter of max_total_bytes)");

static unsigned long max_user_buffers = 16384;
module_param(max_user_buffers, ulong, 0644);
MODULE_PARM_DESC(max_user_buffers, "buffers per user");

static unsigned long max_user_objects = 1UL << 20;
module_param(max_user_objects, ulong, 0644);
MODULE_PARM_DESC(max_user_objects, "sync objects per user");

static unsigned long max_user_owners = 65536;
module_param(max_user_owners, ulong, 0644);
MODULE_PARM_DESC(max_user_owners, "owner ids per user");

static unsigned long max_user_waiters = 16384;
module_param(max_user_waiters, ulong, 0644);
MODULE_PARM_DESC(max_user_waiters, "threads per user that wait at once");

static unsigned long max_user_claims = 1UL << 18;
module_param(max_user_claims, ulong, 0644);
MODULE_PARM_DESC(max_user_claims, "objects of which owners of a user have a part: readers' locks, UNDO units, barriers, watched queues");

/**
 * struct shmbuf_user - what one user has
 * @node: in shmbuf_users; under shmbuf_users_lock
 * @uid: constant
 * @ref: handles, buffers, data areas, owners and rows of the user; the last put
 *	frees it.  Falls to 0 only under shmbuf_users_lock.
 * @used: changed by compare-and-swap, never above the limit in force then
 */
struct shmbuf_user {
	struct hlist_node node;
	kuid_t uid;
	refcount_t ref;
	atomic64_t used[SHMBUF_NR_QUOTAS];
};

static DEFINE_HASHTABLE(shmbuf_users, 6);
static DEFINE_SPINLOCK(shmbuf_users_lock);
static atomic64_t shmbuf_total_bytes;

static struct shmbuf_user *shmbuf_user_find(kuid_t uid)
{
	struct shmbuf_user *user;

	lockdep_assert_held(&shmbuf_users_lock);
	hash_for_each_possible(shmbuf_users, user, node, __kuid_val(uid)) {
		if (uid_eq(user->uid, uid)) {
			refcount_inc(&user->ref);
			return user;
		}
	}
	return NULL;
}

struct shmbuf_user *shmbuf_user_get_current(void)
{
	struct shmbuf_user *user, *fresh;
	kuid_t uid = current_uid();

	spin_lock(&shmbuf_users_lock);
	user = shmbuf_user_find(uid);
	spin_unlock(&shmbuf_users_lock);
	if (user)
		return user;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	fresh->uid = uid;
	refcount_set(&fresh->ref, 1);

	spin_lock(&shmbuf_users_lock);
	user = shmbuf_user_find(uid);
	if (!user)
		hash_add(shmbuf_users, &fresh->node, __kuid_val(uid));
	spin_unlock(&shmbuf_users_lock);
	if (!user)
		return fresh;
	kfree(fresh);
	return user;
}

struct shmbuf_user *shmbuf_user_get(struct shmbuf_user *user)
{
	refcount_inc(&user->ref);
	return user;
}

struct shmbuf_user *shmbuf_user_get_caller(struct shmbuf_user *guess)
{
	return uid_eq(guess->uid, current_uid()) ? shmbuf_user_get(guess) :
						   shmbuf_user_get_current();
}

void shmbuf_user_put(struct shmbuf_user *user)
{
	if (!refcount_dec_and_lock(&user->ref, &shmbuf_users_lock))
		return;
	/* Taken above, which sparse can't see. */
	__acquire(&shmbuf_users_lock);
	hash_del(&user->node);
	spin_unlock(&shmbuf_users_lock);
	kfree(user);
}

u64 shmbuf_total_limit(void)
{
	return READ_ONCE(max_total_bytes);
}

u64 shmbuf_user_limit(enum shmbuf_quota quota)
{
	switch (quota) {
	case SHMBUF_QUOTA_BYTES:
		return READ_ONCE(max_user_bytes);
	case SHMBUF_QUOTA_BUFFERS:
		return READ_ONCE(max_user_buffers);
	case SHMBUF_QUOTA_OBJECTS:
		return READ_ONCE(max_user_objects);
	case SHMBUF_QUOTA_OWNERS:
		return READ_ONCE(max_user_owners);
	case SHMBUF_QUOTA_WAITERS:
		return READ_ONCE(max_user_waiters);
	case SHMBUF_QUOTA_CLAIMS:
		return READ_ONCE(max_user_claims);
	default:
		return 0;
	}
}

static bool shmbuf_add_up_to(atomic64_t *used, u64 n, u64 limit)
{
	s64 old = atomic64_read(used);

	do {
		if ((u64)old > limit || n > limit - old)
			return false;
	} while (!atomic64_try_cmpxchg(used, &old, old + n));
	return true;
}

int shmbuf_user_charge(struct shmbuf_user *user, enum shmbuf_quota quota, u64 n)
{
	if (!shmbuf_add_up_to(&user->used[quota], n, shmbuf_user_limit(quota)))
		return -EDQUOT;
	if (quota == SHMBUF_QUOTA_BYTES &&
	    !shmbuf_add_up_to(&shmbuf_total_bytes, n, shmbuf_total_limit())) {
		atomic64_sub(n, &user->used[quota]);
		return -ENOSPC;
	}
	return 0;
}

void shmbuf_user_uncharge(struct shmbuf_user *user, enum shmbuf_quota quota, u64 n)
{
	atomic64_sub(n, &user->used[quota]);
	if (quota == SHMBUF_QUOTA_BYTES)
		atomic64_sub(n, &shmbuf_total_bytes);
}

u64 shmbuf_users_used(enum shmbuf_quota quota)
{
	struct shmbuf_user *user;
	u64 used = 0;
	int bucket;

	spin_lock(&shmbuf_users_lock);
	hash_for_each(shmbuf_users, bucket, user, node)
		used += atomic64_read(&user->used[quota]);
	spin_unlock(&shmbuf_users_lock);
	return used;
}

void shmbuf_user_init(void)
{
	if (!max_total_bytes)
		max_total_bytes = totalram_pages() / 2 << PAGE_SHIFT;
	if (!max_user_bytes)
		max_user_bytes = max_total_bytes / 4;
}
