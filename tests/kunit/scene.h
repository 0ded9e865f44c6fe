/* SPDX-License-Identifier: GPL-2.0-only */
/* What suites share: user memory, handles, buffers, and threads that have owner ids. */
#ifndef SHMBUF_KUNIT_SCENE_H
#define SHMBUF_KUNIT_SCENE_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/types.h>

#include "user.h"

struct cred;
struct kunit;
struct mm_struct;
struct shmbuf_buffer;
struct shmbuf_owner;
struct task_struct;

/* A suite's .init: the test's thread gets an address space, with a page to talk to ioctls by. */
int scene_init(struct kunit *test);

/* That page. */
void __user *scene_user(struct kunit *test);

/* A handle, O_RDWR or O_RDONLY, that is released with the test, or by scene_close(). */
struct file *scene_open(struct kunit *test, int flags);
void scene_close(struct kunit *test, struct file *file);

/* The ioctl with @args of @size bytes, which come back as the call left them. */
long scene_ioctl(struct kunit *test, struct file *file, unsigned int cmd, void *args, size_t size);
#define SCENE_IOCTL(test, file, cmd, args) scene_ioctl(test, file, cmd, args, sizeof(*(args)))

/* CREATE an anonymous buffer of a page with so many locks, for that handle. */
struct shmbuf_buffer *scene_create(struct kunit *test, struct file *file, u32 nr_locks);

/**
 * struct scene_thread - a thread that has an owner id until it is told to end
 * @test: its test
 * @file: handle that it registers by
 * @process_bound: kind of its id
 * @mm: the test's, which it shares, or NULL: it has its own
 * @task: itself, a reference
 * @id: its id
 * @owner: its, a reference
 * @second: another handle that it registers by, or NULL
 * @second_id: its id there
 * @ret: of REGISTER
 * @registered: or failed
 * @leave: told to end
 */
struct scene_thread {
	struct kunit *test;
	struct file *file;
	bool process_bound;
	struct mm_struct *mm;
	struct task_struct *task;
	u64 id;
	struct shmbuf_owner *owner;
	struct file *second;
	u64 second_id;
	int ret;
	struct completion registered;
	struct completion leave;
};

#define SCENE_PROCESS_BOUND	BIT(0)	/* its id is its process's */
#define SCENE_OWN_MM		BIT(1)	/* it shares no memory with the test */

struct scene_thread *scene_thread(struct kunit *test, struct file *file, unsigned int flags);
/* With an id in the buffer of @second as well. */
struct scene_thread *scene_thread_in(struct kunit *test, struct file *file, struct file *second,
				     unsigned int flags);
/* It ends, without a word; returns once it is gone for everybody. */
void scene_thread_end(struct scene_thread *thread);

/* REGISTER for the test's own thread; an error where it fails. */
u64 scene_register(struct kunit *test, struct file *file, bool process_bound);

/* What the module's parameter says, as sysfs would set it; as it was with the test's end. */
void scene_set_parameter(struct kunit *test, const char *name, u64 value);

/*
 * Wait until the caller can be charged all of the quota: what earlier tests had may go with the
 * end of their threads, a moment after them.
 */
void scene_wait_unused(struct kunit *test, enum shmbuf_quota quota);

/* From here until scene_leave_user() the thread is another user's, without capabilities. */
const struct cred *scene_enter_user(struct kunit *test, uid_t uid, gid_t gid);
void scene_leave_user(const struct cred *old);

/* What deaths have left to be done later is done. */
void scene_settle(struct shmbuf_buffer *buffer);

#endif /* SHMBUF_KUNIT_SCENE_H */
