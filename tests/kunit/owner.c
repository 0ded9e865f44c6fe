// SPDX-License-Identifier: GPL-2.0-only
/* Owner ids: slots and generations, whose they are, and how long they are good. */
#include <kunit/test.h>

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "handle.h"
#include "owner.h"
#include "scene.h"

#define GENERATION BIT_ULL(SHMBUF_OWNER_SLOT_BITS)

static u32 slot_of(u64 id)
{
	return id & SHMBUF_OWNER_SLOT_MASK;
}

static u64 generation_of(u64 id)
{
	return id >> SHMBUF_OWNER_SLOT_BITS;
}

/* What an id always is, whatever came before. */
static void is_an_id(struct kunit *test, u64 id)
{
	KUNIT_EXPECT_FALSE(test, IS_ERR_VALUE((unsigned long)id));
	KUNIT_EXPECT_EQ(test, id & ~SHMBUF_OWNER_MASK, 0);
	KUNIT_EXPECT_NE(test, slot_of(id), 0);
	KUNIT_EXPECT_LE(test, generation_of(id), U32_MAX);
}

static long unregister(struct kunit *test, struct file *file, u64 id)
{
	struct shmbuf_register args = { .size = sizeof(args), .owner = id };

	return SCENE_IOCTL(test, file, SHMBUF_IOC_UNREGISTER, &args);
}

/* The caller gives its id back, and all that comes of it is done. */
static void give_back(struct kunit *test, struct file *file, u64 id)
{
	KUNIT_EXPECT_EQ(test, unregister(test, file, id), 0);
	scene_settle(shmbuf_handle(file)->buffer);
}

/* Whether the caller may use the id. */
static bool usable(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner = shmbuf_owner_get_current(buffer, id);

	if (IS_ERR(owner))
		return false;
	shmbuf_owner_put(owner);
	return true;
}

static void ids(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	u64 id[4];
	int i;

	for (i = 0; i < ARRAY_SIZE(id); i++) {
		id[i] = scene_register(test, file, i % 2);
		is_an_id(test, id[i]);
		KUNIT_EXPECT_TRUE(test, shmbuf_owner_alive(buffer, id[i]));
		KUNIT_EXPECT_TRUE(test, usable(buffer, id[i]));
		if (i)
			KUNIT_EXPECT_TRUE(test, slot_of(id[i]) != slot_of(id[i - 1]) &&
					  generation_of(id[i]) != generation_of(id[i - 1]));
	}
	/* Another generation, another slot, no slot. */
	KUNIT_EXPECT_FALSE(test, usable(buffer, id[0] + GENERATION));
	KUNIT_EXPECT_FALSE(test, shmbuf_owner_alive(buffer, id[0] - GENERATION));
	KUNIT_EXPECT_FALSE(test, usable(buffer, slot_of(id[0]) | generation_of(id[1]) *
					GENERATION));
	KUNIT_EXPECT_FALSE(test, usable(buffer, id[3] + 1));
	KUNIT_EXPECT_FALSE(test, usable(buffer, 0));
	KUNIT_EXPECT_FALSE(test, usable(buffer, id[0] | SHMBUF_WORD_WAITERS));
	for (i = 0; i < ARRAY_SIZE(id); i++)
		give_back(test, file, id[i]);
}

/* An id that was given back is good for nothing, and to nobody else. */
static void given_back(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	u64 id = scene_register(test, file, false), other = scene_register(test, file, true);

	KUNIT_EXPECT_EQ(test, unregister(test, file, id), 0);
	KUNIT_EXPECT_FALSE(test, shmbuf_owner_alive(buffer, id));
	KUNIT_EXPECT_FALSE(test, usable(buffer, id));
	KUNIT_EXPECT_EQ(test, unregister(test, file, id), -EPERM);
	KUNIT_EXPECT_TRUE(test, usable(buffer, other));
	scene_settle(buffer);
	KUNIT_EXPECT_NULL(test, xa_load(&buffer->owners, slot_of(id)));
	KUNIT_EXPECT_EQ(test, unregister(test, file, id), -EPERM);
	KUNIT_EXPECT_TRUE(test, shmbuf_owner_alive(buffer, other));
	KUNIT_EXPECT_EQ(test, unregister(test, file, other), 0);
}

static unsigned int nr_owners(struct shmbuf_buffer *buffer)
{
	struct shmbuf_owner *owner;
	unsigned long slot;
	unsigned int nr = 0;

	xa_for_each(&buffer->owners, slot, owner)
		nr++;
	return nr;
}

static void no_time(struct work_struct *work)
{
}

/* Faster than a worker buries them: the dead don't pile up for all that. */
static void given_back_without_end(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	unsigned int most = 0;
	int i;

	buffer->reap.func = no_time;
	for (i = 0; i < 10 * SHMBUF_DEAD_MOST; i++) {
		KUNIT_EXPECT_EQ(test, unregister(test, file, scene_register(test, file, i % 2)), 0);
		most = max(most, nr_owners(buffer));
	}
	/* So many are the worker's, and no more. */
	KUNIT_EXPECT_EQ(test, most, SHMBUF_DEAD_MOST - 1);
	KUNIT_EXPECT_LT(test, buffer->nr_dead, SHMBUF_DEAD_MOST);
	flush_work(&buffer->reap);
	buffer->reap.func = shmbuf_owners_reap_work;
	give_back(test, file, scene_register(test, file, false));
	KUNIT_EXPECT_EQ(test, nr_owners(buffer), 0);
	KUNIT_EXPECT_EQ(test, buffer->nr_dead, 0);
}

/* A slot comes again last of all, and never before its words have been scanned. */
static void slots_again(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	u64 a = scene_register(test, file, false), b = scene_register(test, file, false), c;

	give_back(test, file, a);
	c = scene_register(test, file, false);
	KUNIT_EXPECT_TRUE(test, slot_of(c) != slot_of(a) && slot_of(c) != slot_of(b));

	/* Where the table ends, the search goes on from its beginning. */
	give_back(test, file, c);
	buffer->owner_slot = SHMBUF_OWNER_SLOT_MASK;
	c = scene_register(test, file, false);
	is_an_id(test, c);
	KUNIT_EXPECT_EQ(test, slot_of(c), SHMBUF_OWNER_SLOT_MASK);
	mutex_lock(&buffer->reap_lock);
	KUNIT_EXPECT_EQ(test, unregister(test, file, c), 0);
	/* Dead, and not reaped: that slot is not free. */
	buffer->owner_slot = SHMBUF_OWNER_SLOT_MASK;
	c = scene_register(test, file, false);
	mutex_unlock(&buffer->reap_lock);
	is_an_id(test, c);
	KUNIT_EXPECT_EQ(test, slot_of(c), slot_of(a));
	KUNIT_EXPECT_NE(test, c, a);
	KUNIT_EXPECT_FALSE(test, shmbuf_owner_alive(buffer, a));
	KUNIT_EXPECT_FALSE(test, usable(buffer, a));
	KUNIT_EXPECT_TRUE(test, usable(buffer, b) && usable(buffer, c));
}

/* Generations wrap, and ids stay ids. */
static void generation_wraps(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	static const u64 want[] = { U32_MAX - 1, U32_MAX, 0, 1 };
	u64 id[ARRAY_SIZE(want)];
	int i, j;

	atomic_set(&buffer->owner_generation, U32_MAX - 2);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		id[i] = scene_register(test, file, false);
		is_an_id(test, id[i]);
		KUNIT_EXPECT_EQ(test, generation_of(id[i]), want[i]);
		for (j = 0; j <= i; j++)
			KUNIT_EXPECT_TRUE(test, usable(buffer, id[j]));
	}
	/* The same slot in the generation 0: an id like others, and not the one before. */
	for (i = 0; i < 2; i++) {
		give_back(test, file, id[i]);
		atomic_set(&buffer->owner_generation, i - 1);
		buffer->owner_slot = slot_of(id[i]);
		id[2] = scene_register(test, file, false);
		KUNIT_EXPECT_EQ(test, slot_of(id[2]), slot_of(id[i]));
		KUNIT_EXPECT_EQ(test, generation_of(id[2]), i);
		KUNIT_EXPECT_TRUE(test, usable(buffer, id[2]));
		KUNIT_EXPECT_FALSE(test, usable(buffer, id[i]));
		KUNIT_EXPECT_FALSE(test, shmbuf_owner_alive(buffer, id[i]));
	}
}

/* An id is its thread's or process's, in one buffer. */
static void whose(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR), *elsewhere = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	struct shmbuf_buffer *other = scene_create(test, elsewhere, 1);
	struct scene_thread *thread = scene_thread(test, file, 0);
	struct scene_thread *process = scene_thread(test, file, SCENE_PROCESS_BOUND | SCENE_OWN_MM);
	struct shmbuf_owner *owner;
	u64 id;

	KUNIT_EXPECT_TRUE(test, shmbuf_owner_alive(buffer, thread->id));
	KUNIT_EXPECT_TRUE(test, shmbuf_owner_alive(buffer, process->id));
	KUNIT_EXPECT_FALSE(test, usable(buffer, thread->id));
	KUNIT_EXPECT_FALSE(test, usable(buffer, process->id));
	KUNIT_EXPECT_EQ(test, unregister(test, file, thread->id), -EPERM);
	KUNIT_EXPECT_EQ(test, unregister(test, file, process->id), -EPERM);
	KUNIT_EXPECT_FALSE(test, shmbuf_owner_alive(other, thread->id));

	/* Rows go by address space. */
	owner = shmbuf_owner_get_slot(buffer, slot_of(thread->id));
	KUNIT_EXPECT_PTR_EQ(test, owner, thread->owner);
	if (!IS_ERR(owner))
		shmbuf_owner_put(owner);
	owner = shmbuf_owner_get_slot(buffer, slot_of(process->id));
	KUNIT_EXPECT_EQ(test, PTR_ERR(owner), -EPERM);
	owner = shmbuf_owner_get_slot(buffer, SHMBUF_OWNER_SLOT_MASK);
	KUNIT_EXPECT_EQ(test, PTR_ERR(owner), -EPERM);

	id = scene_register(test, elsewhere, false);
	KUNIT_EXPECT_TRUE(test, usable(other, id));
	KUNIT_EXPECT_FALSE(test, usable(buffer, id));
}

static void of_a_thread(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	struct scene_thread *thread = scene_thread(test, file, 0);
	struct scene_thread *process = scene_thread(test, file, SCENE_PROCESS_BOUND);
	struct pid *pid = shmbuf_owner_thread(buffer, thread->id);

	KUNIT_EXPECT_PTR_EQ(test, pid, task_pid(thread->task));
	put_pid(pid);
	KUNIT_EXPECT_NULL(test, shmbuf_owner_thread(buffer, process->id));
	KUNIT_EXPECT_NULL(test, shmbuf_owner_thread(buffer, 0));
	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, shmbuf_owner_task(buffer, thread->id), thread->task);
	KUNIT_EXPECT_NULL(test, shmbuf_owner_task(buffer, process->id));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, shmbuf_owner_pid_nr(buffer, thread->id, &init_pid_ns),
			thread->task->pid);
	KUNIT_EXPECT_EQ(test, shmbuf_owner_pid_nr(buffer, process->id, &init_pid_ns),
			process->task->tgid);

	/* Gone without a word, it isn't alive to anybody who asks. */
	scene_thread_end(thread);
	KUNIT_EXPECT_FALSE(test, shmbuf_owner_alive(buffer, thread->id));
	KUNIT_EXPECT_NULL(test, shmbuf_owner_thread(buffer, thread->id));
	KUNIT_EXPECT_EQ(test, shmbuf_owner_pid_nr(buffer, thread->id, &init_pid_ns), 0);
	KUNIT_EXPECT_TRUE(test, shmbuf_owner_alive(buffer, process->id));
}

/* Of a REGISTER that fails nothing is left. */
static void fails(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	struct shmbuf_handle *handle = shmbuf_handle(file);
	u64 __user *nowhere = (u64 __user *)((unsigned long)scene_user(test) + PAGE_SIZE);
	u64 id;

	KUNIT_EXPECT_EQ(test, shmbuf_owner_register(handle, false, nowhere), -EFAULT);
	KUNIT_EXPECT_TRUE(test, xa_empty(&buffer->owners));
	KUNIT_EXPECT_TRUE(test, list_empty(&buffer->members));
	KUNIT_EXPECT_TRUE(test, list_empty(&handle->owners));

	scene_wait_unused(test, SHMBUF_QUOTA_OWNERS);
	scene_set_parameter(test, "max_user_owners", 1);
	id = scene_register(test, file, false);
	is_an_id(test, id);
	KUNIT_EXPECT_EQ(test, (long)scene_register(test, file, false), -EDQUOT);
	KUNIT_EXPECT_TRUE(test, usable(buffer, id));
	give_back(test, file, id);
	is_an_id(test, scene_register(test, file, false));
}

/* At the limit those who went without a word make room. */
static void quota_of_the_gone(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct scene_thread *thread;

	scene_create(test, file, 1);
	scene_wait_unused(test, SHMBUF_QUOTA_OWNERS);
	thread = scene_thread(test, file, 0);
	scene_set_parameter(test, "max_user_owners", 1);
	KUNIT_EXPECT_EQ(test, (long)scene_register(test, file, false), -EDQUOT);
	scene_thread_end(thread);
	is_an_id(test, scene_register(test, file, false));
}

static struct kunit_case owner_cases[] = {
	KUNIT_CASE(ids),
	KUNIT_CASE(given_back),
	KUNIT_CASE(given_back_without_end),
	KUNIT_CASE(slots_again),
	KUNIT_CASE(generation_wraps),
	KUNIT_CASE(whose),
	KUNIT_CASE(of_a_thread),
	KUNIT_CASE(fails),
	KUNIT_CASE(quota_of_the_gone),
	{}
};

static struct kunit_suite owner_suite = {
	.name = "shmbuf_owner",
	.init = scene_init,
	.test_cases = owner_cases,
};

kunit_test_suite(owner_suite);
