// SPDX-License-Identifier: GPL-2.0-only
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <linux/shmbuf.h>

#include "any.h"
#include "attach.h"
#include "barrier.h"
#include "buffer.h"
#include "condition.h"
#include "death.h"
#include "handle.h"
#include "info.h"
#include "inspect.h"
#include "ioctl.h"
#include "lock.h"
#include "name.h"
#include "object.h"
#include "owner.h"
#include "query.h"
#include "queue.h"
#include "sem.h"
#include "stats.h"
#include "watch.h"

/* Every argument, so that the dispatcher can hold any of them. */
union shmbuf_args {
	struct {
		u32 size;
		u32 flags;
	};
	struct shmbuf_query query;
	struct shmbuf_create create;
	struct shmbuf_name name;
	struct shmbuf_init init;
	struct shmbuf_grow grow;
	struct shmbuf_seal seal;
	struct shmbuf_register reg;
	struct shmbuf_lock lock;
	struct shmbuf_wait wait;
	struct shmbuf_wake wake;
	struct shmbuf_sem sem;
	struct shmbuf_barrier barrier;
	struct shmbuf_watch watch;
	struct shmbuf_moved moved;
	struct shmbuf_deaths deaths;
	struct shmbuf_owner_info owner_info;
	struct shmbuf_wait_any wait_any;
	struct shmbuf_recover recover;
	struct shmbuf_stats stats;
	struct shmbuf_list list;
	struct shmbuf_objects objects;
	struct shmbuf_waiters waiters;
};

/**
 * struct shmbuf_call - one call under way
 * @file: the handle's
 * @handle: the handle
 * @buffer: what it is attached to, for commands with SHMBUF_CMD_ATTACHED
 * @args: checked for size, unknown flags and tail
 * @args_user: where @args came from
 */
struct shmbuf_call {
	struct file *file;
	struct shmbuf_handle *handle;
	struct shmbuf_buffer *buffer;
	union shmbuf_args *args;
	void __user *args_user;
};

static int shmbuf_cmd_query(struct shmbuf_call *call)
{
	return shmbuf_query(call->file, &call->args->query, call->args_user);
}

static int shmbuf_cmd_create(struct shmbuf_call *call)
{
	return shmbuf_attach_create(call->handle, &call->args->create);
}

static int shmbuf_cmd_open(struct shmbuf_call *call)
{
	return shmbuf_attach_open(call->handle, &call->args->name,
				  shmbuf_file_writable(call->file));
}

static int shmbuf_cmd_unlink(struct shmbuf_call *call)
{
	const struct shmbuf_name *args = &call->args->name;
	char *name;
	int ret;

	if (args->reserved)
		return -EINVAL;
	name = shmbuf_name_copy(args->name, args->name_len);
	if (IS_ERR(name))
		return PTR_ERR(name);
	ret = shmbuf_name_unlink(name, args->name_len);
	kfree(name);
	return ret;
}

static int shmbuf_cmd_init(struct shmbuf_call *call)
{
	return shmbuf_objects_init(call->buffer, &call->args->init.range);
}

static int shmbuf_cmd_reset(struct shmbuf_call *call)
{
	return shmbuf_objects_reset(call->buffer, &call->args->init.range);
}

static int shmbuf_cmd_grow(struct shmbuf_call *call)
{
	return shmbuf_buffer_grow(call->buffer, call->args->grow.data_size);
}

static int shmbuf_cmd_seal(struct shmbuf_call *call)
{
	const struct shmbuf_seal *args = &call->args->seal;

	if (args->reserved)
		return -EINVAL;
	if (args->seals & ~(SHMBUF_SEAL_GROW | SHMBUF_SEAL_WRITERS | SHMBUF_SEAL_EXEC))
		return -EOPNOTSUPP;
	return shmbuf_buffer_seal(call->buffer, args->seals);
}

static int shmbuf_cmd_register(struct shmbuf_call *call)
{
	struct shmbuf_register __user *args_user = call->args_user;

	if (call->args->reg.owner)
		return -EINVAL;
	return shmbuf_owner_register(call->handle,
				     call->args->flags & SHMBUF_REGISTER_PROCESS,
				     &args_user->owner);
}

static int shmbuf_cmd_unregister(struct shmbuf_call *call)
{
	return shmbuf_owner_unregister(call->buffer, call->args->reg.owner);
}

static int shmbuf_cmd_lock(struct shmbuf_call *call)
{
	const struct shmbuf_lock *args = &call->args->lock;
	const u32 both = SHMBUF_LOCK_SPIN | SHMBUF_LOCK_NOSPIN;

	if (args->reserved || (args->flags & both) == both)
		return -EINVAL;
	return shmbuf_lock(call->buffer, args);
}

static int shmbuf_cmd_unlock(struct shmbuf_call *call)
{
	const struct shmbuf_lock *args = &call->args->lock;

	if (args->reserved || args->deadline)
		return -EINVAL;
	return shmbuf_unlock(call->buffer, args);
}

static int shmbuf_cmd_consistent(struct shmbuf_call *call)
{
	const struct shmbuf_lock *args = &call->args->lock;

	if (args->reserved || args->deadline)
		return -EINVAL;
	return shmbuf_consistent(call->buffer, args);
}

static int shmbuf_cmd_downgrade(struct shmbuf_call *call)
{
	const struct shmbuf_lock *args = &call->args->lock;

	if (args->reserved || args->deadline)
		return -EINVAL;
	return shmbuf_downgrade(call->buffer, args);
}

static int shmbuf_cmd_wait(struct shmbuf_call *call)
{
	struct shmbuf_wait __user *args_user = call->args_user;
	const struct shmbuf_wait *args = &call->args->wait;

	if (args->deaths && !(args->flags & SHMBUF_WAIT_PEERS))
		return -EINVAL;
	if ((args->flags & SHMBUF_WAIT_RELEASED) && !(args->flags & SHMBUF_WAIT_LOCK))
		return -EINVAL;
	if (args->flags & SHMBUF_WAIT_LOCK) {
		if (!shmbuf_file_writable(call->file))
			return -EBADF;
		return shmbuf_condition_wait(call->buffer, args);
	}
	if (args->lock || args->owner)
		return -EINVAL;
	return shmbuf_wait(call->buffer, call->handle->user, !shmbuf_file_writable(call->file),
			   &call->args->wait, &args_user->sequence);
}

static int shmbuf_cmd_wake(struct shmbuf_call *call)
{
	return shmbuf_wake(call->buffer, &call->args->wake);
}

static int shmbuf_cmd_sem_wait(struct shmbuf_call *call)
{
	const struct shmbuf_sem *args = &call->args->sem;

	if (args->reserved || (args->deaths && !(args->flags & SHMBUF_SEM_PEERS)) ||
	    (args->owner && !(args->flags & SHMBUF_SEM_UNDO)))
		return -EINVAL;
	return shmbuf_sem_wait(call->buffer, call->handle->user, args);
}

static int shmbuf_cmd_sem_post(struct shmbuf_call *call)
{
	const struct shmbuf_sem *args = &call->args->sem;

	if (args->reserved || args->deaths || args->deadline ||
	    (args->owner && !(args->flags & SHMBUF_SEM_UNDO)))
		return -EINVAL;
	return shmbuf_sem_post(call->buffer, args);
}

static int shmbuf_cmd_barrier_wait(struct shmbuf_call *call)
{
	const struct shmbuf_barrier *args = &call->args->barrier;

	if (args->reserved)
		return -EINVAL;
	return shmbuf_barrier_wait(call->buffer, call->handle->user, args);
}

static int shmbuf_cmd_barrier_leave(struct shmbuf_call *call)
{
	const struct shmbuf_barrier *args = &call->args->barrier;

	if (args->reserved || args->deadline)
		return -EINVAL;
	return shmbuf_barrier_leave(call->buffer, args);
}

static int shmbuf_cmd_watch(struct shmbuf_call *call)
{
	return shmbuf_watch(call->handle, &call->args->watch);
}

static int shmbuf_cmd_moved(struct shmbuf_call *call)
{
	return shmbuf_moved(call->handle, &call->args->moved);
}

static int shmbuf_cmd_deaths(struct shmbuf_call *call)
{
	return shmbuf_deaths(call->buffer, &call->args->deaths);
}

static int shmbuf_cmd_owner_info(struct shmbuf_call *call)
{
	return shmbuf_owner_info(call->buffer, &call->args->owner_info, call->args_user);
}

static int shmbuf_cmd_wait_any(struct shmbuf_call *call)
{
	const struct shmbuf_wait_any *args = &call->args->wait_any;

	if (args->reserved || (args->deaths && !(args->flags & SHMBUF_WAIT_PEERS)))
		return -EINVAL;
	return shmbuf_wait_any(call->buffer, call->handle->user, args);
}

static int shmbuf_cmd_recover(struct shmbuf_call *call)
{
	const struct shmbuf_recover *args = &call->args->recover;

	return args->reserved ? -EINVAL : shmbuf_recover(call->buffer, args);
}

static int shmbuf_cmd_stats(struct shmbuf_call *call)
{
	return shmbuf_stats(call->buffer, &call->args->stats, call->args_user);
}

static int shmbuf_cmd_list(struct shmbuf_call *call)
{
	return shmbuf_list(&call->args->list);
}

static int shmbuf_cmd_objects(struct shmbuf_call *call)
{
	return shmbuf_objects(call->buffer, &call->args->objects);
}

static int shmbuf_cmd_waiters(struct shmbuf_call *call)
{
	return shmbuf_waiters(call->buffer, &call->args->waiters);
}

/* What a command needs of its handle. */
#define SHMBUF_CMD_ATTACHED	BIT(0)
#define SHMBUF_CMD_WRITE	BIT(1)

/**
 * struct shmbuf_cmd - one ioctl
 * @size: of its struct as of the first version that had it
 * @flags: of its struct that are known
 * @needs: SHMBUF_CMD_*
 * @func: called with checked arguments
 */
struct shmbuf_cmd {
	u32 size;
	u32 flags;
	u32 needs;
	int (*func)(struct shmbuf_call *call);
};

#define SHMBUF_CMD(cmd, type, flags_, needs_, func_)	\
	[_IOC_NR(cmd)] = {				\
		.size = sizeof(struct type) +		\
			BUILD_BUG_ON_ZERO(sizeof(struct type) > sizeof(union shmbuf_args)), \
		.flags = (flags_),			\
		.needs = (needs_),			\
		.func = func_,				\
	}

static const struct shmbuf_cmd shmbuf_cmds[] = {
	SHMBUF_CMD(SHMBUF_IOC_QUERY, shmbuf_query, 0, 0, shmbuf_cmd_query),
	SHMBUF_CMD(SHMBUF_IOC_CREATE, shmbuf_create,
		   SHMBUF_CREATE_EXCL | SHMBUF_CREATE_PERSIST | SHMBUF_CREATE_PREALLOC |
		   SHMBUF_CREATE_HUGE,
		   SHMBUF_CMD_WRITE, shmbuf_cmd_create),
	SHMBUF_CMD(SHMBUF_IOC_OPEN, shmbuf_name, 0, 0, shmbuf_cmd_open),
	SHMBUF_CMD(SHMBUF_IOC_UNLINK, shmbuf_name, 0, SHMBUF_CMD_WRITE, shmbuf_cmd_unlink),
	SHMBUF_CMD(SHMBUF_IOC_INIT, shmbuf_init, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_init),
	SHMBUF_CMD(SHMBUF_IOC_RESET, shmbuf_init, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_reset),
	SHMBUF_CMD(SHMBUF_IOC_GROW, shmbuf_grow, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_grow),
	SHMBUF_CMD(SHMBUF_IOC_SEAL, shmbuf_seal, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_seal),
	SHMBUF_CMD(SHMBUF_IOC_REGISTER, shmbuf_register, SHMBUF_REGISTER_PROCESS,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_register),
	SHMBUF_CMD(SHMBUF_IOC_UNREGISTER, shmbuf_register, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_unregister),
	SHMBUF_CMD(SHMBUF_IOC_LOCK, shmbuf_lock,
		   SHMBUF_LOCK_TRY | SHMBUF_LOCK_SPIN | SHMBUF_LOCK_NOSPIN |
		   SHMBUF_LOCK_INTERRUPTIBLE | SHMBUF_LOCK_SHARED | SHMBUF_LOCK_NODETECT,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_lock),
	SHMBUF_CMD(SHMBUF_IOC_UNLOCK, shmbuf_lock, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_unlock),
	SHMBUF_CMD(SHMBUF_IOC_CONSISTENT, shmbuf_lock, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_consistent),
	SHMBUF_CMD(SHMBUF_IOC_DOWNGRADE, shmbuf_lock, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_downgrade),
	SHMBUF_CMD(SHMBUF_IOC_RECOVER, shmbuf_recover, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_recover),
	SHMBUF_CMD(SHMBUF_IOC_WAIT, shmbuf_wait,
		   SHMBUF_WAIT_LOCK | SHMBUF_WAIT_PEERS | SHMBUF_WAIT_RELEASED,
		   SHMBUF_CMD_ATTACHED, shmbuf_cmd_wait),
	SHMBUF_CMD(SHMBUF_IOC_WAIT_ANY, shmbuf_wait_any, SHMBUF_WAIT_PEERS, SHMBUF_CMD_ATTACHED,
		   shmbuf_cmd_wait_any),
	SHMBUF_CMD(SHMBUF_IOC_WAKE, shmbuf_wake, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_wake),
	SHMBUF_CMD(SHMBUF_IOC_SEM_WAIT, shmbuf_sem,
		   SHMBUF_SEM_TRY | SHMBUF_SEM_UNDO | SHMBUF_SEM_PEERS,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_sem_wait),
	SHMBUF_CMD(SHMBUF_IOC_SEM_POST, shmbuf_sem, SHMBUF_SEM_UNDO,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_sem_post),
	SHMBUF_CMD(SHMBUF_IOC_BARRIER_WAIT, shmbuf_barrier, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_barrier_wait),
	SHMBUF_CMD(SHMBUF_IOC_BARRIER_LEAVE, shmbuf_barrier, 0,
		   SHMBUF_CMD_ATTACHED | SHMBUF_CMD_WRITE, shmbuf_cmd_barrier_leave),
	SHMBUF_CMD(SHMBUF_IOC_WATCH, shmbuf_watch, SHMBUF_WATCH_REMOVE | SHMBUF_WATCH_EVENTFD,
		   SHMBUF_CMD_ATTACHED, shmbuf_cmd_watch),
	SHMBUF_CMD(SHMBUF_IOC_MOVED, shmbuf_moved, 0, SHMBUF_CMD_ATTACHED, shmbuf_cmd_moved),
	SHMBUF_CMD(SHMBUF_IOC_DEATHS, shmbuf_deaths, 0, SHMBUF_CMD_ATTACHED,
		   shmbuf_cmd_deaths),
	SHMBUF_CMD(SHMBUF_IOC_OWNER_INFO, shmbuf_owner_info, 0, SHMBUF_CMD_ATTACHED,
		   shmbuf_cmd_owner_info),
	SHMBUF_CMD(SHMBUF_IOC_STATS, shmbuf_stats, 0, SHMBUF_CMD_ATTACHED, shmbuf_cmd_stats),
	SHMBUF_CMD(SHMBUF_IOC_LIST, shmbuf_list, 0, 0, shmbuf_cmd_list),
	SHMBUF_CMD(SHMBUF_IOC_OBJECTS, shmbuf_objects, 0, SHMBUF_CMD_ATTACHED,
		   shmbuf_cmd_objects),
	SHMBUF_CMD(SHMBUF_IOC_WAITERS, shmbuf_waiters, 0, SHMBUF_CMD_ATTACHED,
		   shmbuf_cmd_waiters),
};

static const struct shmbuf_cmd *shmbuf_cmd_find(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (cmd != _IO(SHMBUF_IOC_TYPE, nr) || nr >= ARRAY_SIZE(shmbuf_cmds))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(shmbuf_cmds));
	return shmbuf_cmds[nr].func ? &shmbuf_cmds[nr] : NULL;
}

static int shmbuf_args_copy(const struct shmbuf_cmd *cmd, union shmbuf_args *args,
			    void __user *args_user)
{
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)args_user))
		return -EFAULT;
	if (size < cmd->size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(args, cmd->size, args_user, size);
	if (ret)
		return ret;
	/* It may have been changed since. */
	args->size = size;
	return args->flags & ~cmd->flags ? -EOPNOTSUPP : 0;
}

long shmbuf_ioctl(struct file *file, unsigned int cmd_nr, unsigned long arg)
{
	const struct shmbuf_cmd *cmd = shmbuf_cmd_find(cmd_nr);
	union shmbuf_args args;
	struct shmbuf_call call = {
		.file = file,
		.handle = shmbuf_handle(file),
		.args = &args,
		.args_user = (void __user *)arg,
	};
	int ret;

	if (!cmd)
		return -ENOTTY;
	ret = shmbuf_args_copy(cmd, &args, call.args_user);
	if (ret)
		return ret;
	call.buffer = shmbuf_handle_buffer(call.handle);
	if ((cmd->needs & SHMBUF_CMD_ATTACHED) && !call.buffer)
		return -ENOTCONN;
	if ((cmd->needs & SHMBUF_CMD_WRITE) && !shmbuf_file_writable(file))
		return -EBADF;
	return cmd->func(&call);
}
