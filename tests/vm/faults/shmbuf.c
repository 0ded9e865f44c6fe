// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that has the device and commits the fault whose name is written to it: the
 * kernels that check themselves must tell, and the runner must notice.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/uaccess.h>

static int faults_use_after_free(void)
{
	int *p = kmalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(*p, 1);
	return 0;
}

static int faults_out_of_bounds(void)
{
	char *p = kmalloc(13, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[13], 1);
	kfree(p);
	return 0;
}

static int faults_shift(void)
{
	static int bits = 32, result;

	WRITE_ONCE(result, 1 << READ_ONCE(bits));
	return 0;
}

/* Past the array, and within the struct: nobody else has anything to say of it. */
static int faults_bounds(void)
{
	static struct {
		int array[4];
		int behind;
	} data;
	static int index = 4;

	/* Not by WRITE_ONCE(): the address of what is just behind may be taken. */
	data.array[READ_ONCE(index)] = 1;
	return 0;
}

static int faults_bool(void)
{
	static bool value;
	static int result;

	WRITE_ONCE(*(u8 *)&value, 2);
	WRITE_ONCE(result, READ_ONCE(value));
	return 0;
}

static DEFINE_SPINLOCK(faults_spinlock);

static int faults_sleep(void)
{
	spin_lock(&faults_spinlock);
	usleep_range(1000, 2000);
	spin_unlock(&faults_spinlock);
	return 0;
}

static DEFINE_MUTEX(faults_first);
static DEFINE_MUTEX(faults_second);

static int faults_inversion(void)
{
	mutex_lock(&faults_first);
	mutex_lock(&faults_second);
	mutex_unlock(&faults_second);
	mutex_unlock(&faults_first);
	mutex_lock(&faults_second);
	mutex_lock(&faults_first);
	mutex_unlock(&faults_first);
	mutex_unlock(&faults_second);
	return 0;
}

static DEFINE_RAW_SPINLOCK(faults_raw);

/* On PREEMPT_RT the inner one sleeps. */
static int faults_nesting(void)
{
	raw_spin_lock(&faults_raw);
	spin_lock(&faults_spinlock);
	spin_unlock(&faults_spinlock);
	raw_spin_unlock(&faults_raw);
	return 0;
}

static void faults_never(struct timer_list *timer)
{
}

static int faults_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return -ENOMEM;
	timer_setup(timer, faults_never, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
	return 0;
}

static int faults_leak(void)
{
	int i;

	/* A stale pointer to one or the other may be left somewhere. */
	for (i = 0; i < 10; i++) {
		void *p = kmalloc(100, GFP_KERNEL);

		if (!p)
			return -ENOMEM;
		OPTIMIZER_HIDE_VAR(p);
	}
	return 0;
}

static unsigned long faults_counter;

static int faults_count(void *arg)
{
	unsigned long end = jiffies + 10 * HZ;

	while (time_before(jiffies, end)) {
		faults_counter++;
		cond_resched();
	}
	return 0;
}

static int faults_race(void)
{
	struct task_struct *other = kthread_create(faults_count, NULL, "race");

	if (IS_ERR(other))
		return PTR_ERR(other);
	get_task_struct(other);
	wake_up_process(other);
	faults_count(NULL);
	kthread_stop(other);
	put_task_struct(other);
	return 0;
}

static const struct {
	const char *name;
	int (*commit)(void);
} faults[] = {
	{ "use-after-free", faults_use_after_free },
	{ "out-of-bounds", faults_out_of_bounds },
	{ "shift", faults_shift },
	{ "bounds", faults_bounds },
	{ "bool", faults_bool },
	{ "sleep", faults_sleep },
	{ "inversion", faults_inversion },
	{ "nesting", faults_nesting },
	{ "timer", faults_timer },
	{ "leak", faults_leak },
	{ "race", faults_race },
};

static ssize_t faults_write(struct file *file, const char __user *text, size_t len, loff_t *pos)
{
	char name[32];
	int i, ret;

	if (len >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, text, len))
		return -EFAULT;
	name[len] = 0;
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!sysfs_streq(name, faults[i].name))
			continue;
		pr_info("fault: %s\n", faults[i].name);
		ret = faults[i].commit();
		return ret ?: len;
	}
	return -EINVAL;
}

static const struct file_operations faults_fops = {
	.owner = THIS_MODULE,
	.write = faults_write,
};

static struct miscdevice faults_miscdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shmbuf",
	.fops = &faults_fops,
};

module_misc_device(faults_miscdev);

MODULE_DESCRIPTION("A stand-in for shmbuf that does what it must not");
MODULE_LICENSE("GPL");
