// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/resource.h>
#include <kunit/test.h>

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <linux/shmbuf.h>

#include "buffer.h"
#include "handle.h"
#include "owner.h"
#include "scene.h"

/* A page of the address space of the calling thread, which has one from here. */
static unsigned long scene_page(struct kunit *test)
{
	return kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
}

int scene_init(struct kunit *test)
{
	unsigned long page = scene_page(test);

	if (!page || IS_ERR_VALUE(page))
		return -ENOMEM;
	test->priv = (void *)page;
	return 0;
}

void __user *scene_user(struct kunit *test)
{
	return (void __user *)test->priv;
}

/* Now, and not when some worker comes to it. */
static void scene_file_put(void *file)
{
	__fput_sync(file);
	flush_delayed_fput();
}

struct file *scene_open(struct kunit *test, int flags)
{
	struct file *file = anon_inode_getfile("shmbuf", &shmbuf_fops, NULL, flags);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, shmbuf_fops.open(file_inode(file), file), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, scene_file_put, file), 0);
	return file;
}

void scene_close(struct kunit *test, struct file *file)
{
	kunit_release_action(test, scene_file_put, file);
}

long scene_ioctl(struct kunit *test, struct file *file, unsigned int cmd, void *args, size_t size)
{
	void __user *user = scene_user(test);
	long ret;

	KUNIT_ASSERT_EQ(test, copy_to_user(user, args, size), 0);
	ret = file->f_op->unlocked_ioctl(file, cmd, (unsigned long)user);
	KUNIT_ASSERT_EQ(test, copy_from_user(args, user, size), 0);
	return ret;
}

struct shmbuf_buffer *scene_create(struct kunit *test, struct file *file, u32 nr_locks)
{
	struct shmbuf_create create = {
		.size = sizeof(create),
		.data_size = PAGE_SIZE,
		.nr_objects = nr_locks,
	};
	struct shmbuf_init init = {
		.size = sizeof(init),
		.range = { .count = nr_locks, .kind = SHMBUF_KIND_LOCK },
	};

	KUNIT_ASSERT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_CREATE, &create), 0);
	KUNIT_ASSERT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_INIT, &init), 0);
	return shmbuf_handle(file)->buffer;
}

static int scene_register_by(struct file *file, bool process_bound, u64 __user *id_user, u64 *id)
{
	int ret = shmbuf_owner_register(shmbuf_handle(file), process_bound, id_user);

	return ret ?: get_user(*id, id_user);
}

static int scene_thread_register(struct scene_thread *thread)
{
	unsigned long page;
	u64 __user *id;
	int ret;

	if (thread->mm)
		kthread_use_mm(thread->mm);
	page = scene_page(thread->test);
	if (!page || IS_ERR_VALUE(page))
		return -ENOMEM;
	id = (u64 __user *)page;
	ret = scene_register_by(thread->file, thread->process_bound, id, &thread->id);
	if (!ret && thread->second)
		ret = scene_register_by(thread->second, thread->process_bound, id,
					&thread->second_id);
	return ret;
}

static int scene_thread_fn(void *arg)
{
	struct scene_thread *thread = arg;

	thread->ret = scene_thread_register(thread);
	complete(&thread->registered);
	wait_for_completion(&thread->leave);
	if (thread->mm)
		kthread_unuse_mm(thread->mm);
	return 0;
}

static bool scene_pid_is_used(struct pid *pid)
{
	bool used;

	rcu_read_lock();
	used = pid_task(pid, PIDTYPE_PID);
	rcu_read_unlock();
	return used;
}

void scene_thread_end(struct scene_thread *thread)
{
	struct pid *pid;

	if (!thread->task)
		return;
	pid = get_task_pid(thread->task, PIDTYPE_PID);
	complete(&thread->leave);
	while (scene_pid_is_used(pid))
		schedule_timeout_uninterruptible(1);
	put_pid(pid);
	put_task_struct(thread->task);
	thread->task = NULL;
	if (thread->owner)
		shmbuf_owner_put(thread->owner);
	if (thread->mm)
		mmput(thread->mm);
}

static void scene_thread_action(void *thread)
{
	scene_thread_end(thread);
}

struct scene_thread *scene_thread(struct kunit *test, struct file *file, unsigned int flags)
{
	return scene_thread_in(test, file, NULL, flags);
}

struct scene_thread *scene_thread_in(struct kunit *test, struct file *file, struct file *second,
				     unsigned int flags)
{
	struct scene_thread *thread = kunit_kzalloc(test, sizeof(*thread), GFP_KERNEL);
	struct task_struct *task;

	KUNIT_ASSERT_NOT_NULL(test, thread);
	thread->test = test;
	thread->file = file;
	thread->second = second;
	thread->process_bound = flags & SCENE_PROCESS_BOUND;
	init_completion(&thread->registered);
	init_completion(&thread->leave);
	task = kthread_create(scene_thread_fn, thread, "shmbuf_scene");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	if (!(flags & SCENE_OWN_MM)) {
		thread->mm = current->mm;
		mmget(thread->mm);
	}
	thread->task = get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&thread->registered);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, scene_thread_action, thread), 0);
	KUNIT_ASSERT_EQ(test, thread->ret, 0);
	thread->owner = shmbuf_owner_get(shmbuf_handle(file)->buffer, thread->id);
	KUNIT_ASSERT_NOT_NULL(test, thread->owner);
	return thread;
}

u64 scene_register(struct kunit *test, struct file *file, bool process_bound)
{
	struct shmbuf_register args = {
		.size = sizeof(args),
		.flags = process_bound ? SHMBUF_REGISTER_PROCESS : 0,
	};
	long ret = SCENE_IOCTL(test, file, SHMBUF_IOC_REGISTER, &args);

	return ret < 0 ? ret : args.owner;
}

#ifdef MODULE
static const struct kernel_param *scene_parameter(const char *name)
{
	unsigned int i;

	for (i = 0; i < THIS_MODULE->num_kp; i++) {
		if (!strcmp(THIS_MODULE->kp[i].name, name))
			return &THIS_MODULE->kp[i];
	}
	return NULL;
}
#else
extern const struct kernel_param __start___param[], __stop___param[];

static const struct kernel_param *scene_parameter(const char *name)
{
	const struct kernel_param *parameter;
	size_t prefix = strlen("shmbuf.");

	for (parameter = __start___param; parameter < __stop___param; parameter++) {
		if (!strncmp(parameter->name, "shmbuf.", prefix) &&
		    !strcmp(parameter->name + prefix, name))
			return parameter;
	}
	return NULL;
}
#endif

/**
 * struct scene_setting - a parameter to be set back
 * @parameter: which
 * @old: its value
 */
struct scene_setting {
	const struct kernel_param *parameter;
	char old[24];
};

static void scene_reset_parameter(void *arg)
{
	struct scene_setting *setting = arg;

	setting->parameter->ops->set(setting->old, setting->parameter);
}

void scene_set_parameter(struct kunit *test, const char *name, u64 value)
{
	struct scene_setting *setting = kunit_kzalloc(test, sizeof(*setting), GFP_KERNEL);
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, setting && text);
	setting->parameter = scene_parameter(name);
	KUNIT_ASSERT_NOT_NULL_MSG(test, setting->parameter, "there is no parameter %s", name);
	KUNIT_ASSERT_GT(test, setting->parameter->ops->get(text, setting->parameter), 0);
	strscpy(setting->old, strim(text), sizeof(setting->old));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, scene_reset_parameter, setting), 0);
	snprintf(text, PAGE_SIZE, "%llu", value);
	KUNIT_ASSERT_EQ(test, setting->parameter->ops->set(text, setting->parameter), 0);
}

void scene_wait_unused(struct kunit *test, enum shmbuf_quota quota)
{
	struct shmbuf_user *user = shmbuf_user_get_current();
	u64 limit = shmbuf_user_limit(quota);
	unsigned long deadline = jiffies + 20 * HZ;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, user);
	do {
		flush_delayed_fput();
		rcu_barrier();
		ret = shmbuf_user_charge(user, quota, limit);
		if (ret)
			schedule_timeout_uninterruptible(1);
		else
			shmbuf_user_uncharge(user, quota, limit);
	} while (ret && time_before(jiffies, deadline));
	shmbuf_user_put(user);
	KUNIT_ASSERT_EQ_MSG(test, ret, 0, "somebody goes on using quota %d", quota);
}

const struct cred *scene_enter_user(struct kunit *test, uid_t uid, gid_t gid)
{
	struct cred *cred = prepare_creds();
	const struct cred *old;

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cred->uid = KUIDT_INIT(uid);
	cred->euid = cred->uid;
	cred->fsuid = cred->uid;
	cred->gid = KGIDT_INIT(gid);
	cred->egid = cred->gid;
	cred->fsgid = cred->gid;
	cap_clear(cred->cap_effective);
	old = override_creds(cred);
	put_cred(cred);
	return old;
}

void scene_leave_user(const struct cred *old)
{
	revert_creds(old);
}

void scene_settle(struct shmbuf_buffer *buffer)
{
	flush_work(&buffer->reap);
	flush_delayed_fput();
	rcu_barrier();
}
