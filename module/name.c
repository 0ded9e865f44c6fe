// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/ipc_namespace.h>
#include <linux/nsproxy.h>
#include <linux/proc_ns.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "compat.h"
#include "name.h"

/* How often namespaces are looked at that may have been left behind. */
#define SHMBUF_NS_PERIOD (5 * HZ)

/*
 * A buffer is in the table as long as its name exists.  A reference to it falls
 * to 0 only under this lock, so what is found in the table can be taken.
 */
static DEFINE_MUTEX(shmbuf_names_lock);
static DEFINE_HASHTABLE(shmbuf_names, 10);

static void shmbuf_names_expire(struct work_struct *work);
static DECLARE_DELAYED_WORK(shmbuf_expire, shmbuf_names_expire);

/**
 * struct shmbuf_ns - an IPC namespace in which we have buffers
 * @node: in shmbuf_namespaces; all under shmbuf_names_lock
 * @ns: the one reference that we have to it
 * @buffers: that were made in it; with the last this goes
 * @persist: how many PERSIST names there are
 */
struct shmbuf_ns {
	struct list_head node;
	struct ns_common *ns;
	unsigned long buffers;
	unsigned long persist;
};

static LIST_HEAD(shmbuf_namespaces);

static struct ns_common *shmbuf_current_ns(void)
{
	return &current->nsproxy->ipc_ns->ns;
}

static struct shmbuf_ns *shmbuf_ns_get(void)
{
	struct shmbuf_ns *ns;

	lockdep_assert_held(&shmbuf_names_lock);
	list_for_each_entry(ns, &shmbuf_namespaces, node) {
		if (ns->ns == shmbuf_current_ns())
			goto found;
	}
	ns = kzalloc(sizeof(*ns), GFP_KERNEL_ACCOUNT);
	if (!ns)
		return NULL;
	ns->ns = shmbuf_current_ns()->ops->get(current);
	list_add(&ns->node, &shmbuf_namespaces);
found:
	ns->buffers++;
	return ns;
}

static void shmbuf_ns_put(struct shmbuf_ns *ns)
{
	lockdep_assert_held(&shmbuf_names_lock);
	if (--ns->buffers)
		return;
	list_del(&ns->node);
	ns->ns->ops->put(ns->ns);
	kfree(ns);
}

char *shmbuf_name_copy(u64 addr, u32 len)
{
	char *name;

	if (!addr || !len)
		return ERR_PTR(-EINVAL);
	if (len > SHMBUF_NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	name = kzalloc(len + 1, GFP_KERNEL_ACCOUNT);
	if (!name)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(name, u64_to_user_ptr(addr), len)) {
		kfree(name);
		return ERR_PTR(-EFAULT);
	}
	if (memchr(name, 0, len) || memchr(name, '/', len)) {
		kfree(name);
		return ERR_PTR(-EINVAL);
	}
	return name;
}

static struct shmbuf_buffer *shmbuf_name_lookup(const char *name, u32 len)
{
	struct ns_common *ns = shmbuf_current_ns();
	struct shmbuf_buffer *buffer;

	lockdep_assert_held(&shmbuf_names_lock);
	hash_for_each_possible(shmbuf_names, buffer, name_node,
			       full_name_hash(ns, name, len)) {
		if (buffer->ns->ns == ns && buffer->name_len == len &&
		    !memcmp(buffer->name, name, len))
			return buffer;
	}
	return NULL;
}

struct shmbuf_buffer *shmbuf_name_find(const char *name, u32 len)
{
	struct shmbuf_buffer *buffer;

	if (mutex_lock_killable(&shmbuf_names_lock))
		return ERR_PTR(-EINTR);
	buffer = shmbuf_name_lookup(name, len);
	if (buffer)
		shmbuf_buffer_get(buffer);
	mutex_unlock(&shmbuf_names_lock);
	return buffer ?: ERR_PTR(-ENOENT);
}

static int shmbuf_name_give(struct shmbuf_buffer *buffer, char *name, u32 len)
{
	struct shmbuf_ns *ns = shmbuf_ns_get();

	if (!ns)
		return -ENOMEM;
	buffer->ns = ns;
	buffer->name = name;
	buffer->name_len = len;
	hash_add(shmbuf_names, &buffer->name_node, full_name_hash(ns->ns, name, len));
	if (buffer->create_flags & SHMBUF_CREATE_PERSIST) {
		shmbuf_buffer_get(buffer);
		ns->persist++;
		schedule_delayed_work(&shmbuf_expire, SHMBUF_NS_PERIOD);
	}
	return 0;
}

struct shmbuf_buffer *shmbuf_name_add(struct shmbuf_buffer *fresh, char *name,
				      u32 len, bool excl)
{
	struct shmbuf_buffer *buffer;
	int ret;

	if (mutex_lock_killable(&shmbuf_names_lock))
		return ERR_PTR(-EINTR);
	buffer = shmbuf_name_lookup(name, len);
	if (buffer && excl) {
		buffer = ERR_PTR(-EEXIST);
	} else if (buffer) {
		shmbuf_buffer_get(buffer);
	} else {
		ret = shmbuf_name_give(fresh, name, len);
		buffer = ret ? ERR_PTR(ret) : fresh;
	}
	mutex_unlock(&shmbuf_names_lock);
	return buffer;
}

int shmbuf_name_none(struct shmbuf_buffer *fresh)
{
	if (mutex_lock_killable(&shmbuf_names_lock))
		return -EINTR;
	fresh->ns = shmbuf_ns_get();
	mutex_unlock(&shmbuf_names_lock);
	return fresh->ns ? 0 : -ENOMEM;
}

bool shmbuf_name_is_near(const struct shmbuf_buffer *buffer)
{
	return buffer->ns->ns == shmbuf_current_ns();
}

/* True where the name held a reference, which is now the caller's. */
static bool shmbuf_name_remove(struct shmbuf_buffer *buffer)
{
	lockdep_assert_held(&shmbuf_names_lock);
	hash_del(&buffer->name_node);
	if (!(buffer->create_flags & SHMBUF_CREATE_PERSIST))
		return false;
	buffer->ns->persist--;
	return true;
}

static struct user_namespace *shmbuf_user_ns(const struct shmbuf_buffer *buffer)
{
	return container_of(buffer->ns->ns, struct ipc_namespace, ns)->user_ns;
}

int shmbuf_name_permission(const struct shmbuf_buffer *buffer, bool write)
{
	umode_t want = write ? 06 : 04;
	umode_t have = buffer->mode;

	if (uid_eq(current_fsuid(), buffer->uid))
		have >>= 6;
	else if (in_group_p(buffer->gid))
		have >>= 3;
	if ((have & want) == want)
		return 0;
	return ns_capable(shmbuf_user_ns(buffer), CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

bool shmbuf_name_is_own(const struct shmbuf_buffer *buffer)
{
	return uid_eq(current_fsuid(), buffer->uid) ||
	       ns_capable(shmbuf_user_ns(buffer), CAP_FOWNER);
}

int shmbuf_name_unlink(const char *name, u32 len)
{
	struct shmbuf_buffer *buffer;
	bool persist = false;
	int ret = 0;

	if (mutex_lock_killable(&shmbuf_names_lock))
		return -EINTR;
	buffer = shmbuf_name_lookup(name, len);
	if (!buffer)
		ret = -ENOENT;
	else if (!shmbuf_name_is_own(buffer))
		ret = -EPERM;
	else
		persist = shmbuf_name_remove(buffer);
	mutex_unlock(&shmbuf_names_lock);
	if (persist)
		shmbuf_buffer_put(buffer);
	return ret;
}

bool shmbuf_name_exists(struct shmbuf_buffer *buffer)
{
	bool exists;

	mutex_lock(&shmbuf_names_lock);
	exists = hash_hashed(&buffer->name_node);
	mutex_unlock(&shmbuf_names_lock);
	return exists;
}

bool shmbuf_name_put(struct shmbuf_buffer *buffer)
{
	if (!refcount_dec_and_mutex_lock(&buffer->ref, &shmbuf_names_lock))
		return false;
	hash_del(&buffer->name_node);
	mutex_unlock(&shmbuf_names_lock);
	return true;
}

void shmbuf_name_forget(struct shmbuf_buffer *buffer)
{
	kfree(buffer->name);
	if (!buffer->ns)
		return;
	mutex_lock(&shmbuf_names_lock);
	shmbuf_ns_put(buffer->ns);
	mutex_unlock(&shmbuf_names_lock);
}

static bool shmbuf_ns_expired(const struct shmbuf_ns *ns)
{
	return ns->ns->inum != PROC_IPC_INIT_INO && shmbuf_ns_abandoned(ns->ns);
}

/*
 * A PERSIST name holds its IPC namespace, and nobody can UNLINK it once nobody
 * else does.  Namespaces announce their end to no module, hence the look.
 */
static struct shmbuf_buffer *shmbuf_name_expired(void)
{
	struct shmbuf_buffer *buffer;
	int bucket;

	lockdep_assert_held(&shmbuf_names_lock);
	hash_for_each(shmbuf_names, bucket, buffer, name_node) {
		if ((buffer->create_flags & SHMBUF_CREATE_PERSIST) &&
		    shmbuf_ns_expired(buffer->ns))
			return buffer;
	}
	return NULL;
}

static bool shmbuf_names_may_expire(void)
{
	struct shmbuf_ns *ns;

	lockdep_assert_held(&shmbuf_names_lock);
	list_for_each_entry(ns, &shmbuf_namespaces, node) {
		if (ns->persist && ns->ns->inum != PROC_IPC_INIT_INO)
			return true;
	}
	return false;
}

static void shmbuf_names_expire(struct work_struct *work)
{
	struct shmbuf_buffer *buffer;
	bool again;

	do {
		mutex_lock(&shmbuf_names_lock);
		again = shmbuf_names_may_expire();
		buffer = again ? shmbuf_name_expired() : NULL;
		if (buffer)
			shmbuf_name_remove(buffer);
		mutex_unlock(&shmbuf_names_lock);
		if (buffer)
			shmbuf_buffer_put(buffer);
	} while (buffer);
	if (again)
		schedule_delayed_work(&shmbuf_expire, SHMBUF_NS_PERIOD);
}

void shmbuf_name_exit(void)
{
	cancel_delayed_work_sync(&shmbuf_expire);
}
