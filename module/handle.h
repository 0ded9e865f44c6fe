/* SPDX-License-Identifier: GPL-2.0-only */
/* A handle: an open file of /dev/shmbuf. */
#ifndef SHMBUF_HANDLE_H
#define SHMBUF_HANDLE_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/wait.h>

struct shmbuf_buffer;
struct shmbuf_user;

/**
 * struct shmbuf_handle - one open file
 * @ref: one of the file, one of each watcher; the last put frees the memory, all else
 *	goes with the file
 * @attach: mutex of CREATE and OPEN
 * @buffer: NULL until attached, then constant, with a reference that goes with
 *	the handle; written under @attach by shmbuf_handle_attach()
 * @user: who opened the file, a reference
 * @owners: registered through this handle; under the buffer's owners_lock
 * @watching: mutex of WATCH, MOVED and poll(); outside of the buffer's locks
 * @watchers: struct shmbuf_watcher by index, then by kind; under @watching
 * @pollers: who sleeps in poll()
 */
struct shmbuf_handle {
	refcount_t ref;
	struct mutex attach; /* CREATE, OPEN */
	struct shmbuf_buffer *buffer;
	struct shmbuf_user *user;
	struct list_head owners;
	struct mutex watching; /* WATCH, MOVED, poll() */
	struct rb_root watchers;
	wait_queue_head_t pollers;
};

extern const struct file_operations shmbuf_fops;

static inline struct shmbuf_handle *shmbuf_handle(const struct file *file)
{
	return file->private_data;
}

static inline struct shmbuf_handle *shmbuf_handle_get(struct shmbuf_handle *handle)
{
	refcount_inc(&handle->ref);
	return handle;
}

static inline void shmbuf_handle_put(struct shmbuf_handle *handle)
{
	if (refcount_dec_and_test(&handle->ref))
		kfree(handle);
}

static inline bool shmbuf_file_writable(const struct file *file)
{
	return file->f_mode & FMODE_WRITE;
}

/* The buffer, or NULL before the handle is attached. */
static inline struct shmbuf_buffer *shmbuf_handle_buffer(const struct shmbuf_handle *handle)
{
	/* Pairs with shmbuf_handle_attach(). */
	return smp_load_acquire(&handle->buffer);
}

#endif /* SHMBUF_HANDLE_H */
