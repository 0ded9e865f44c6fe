/* SPDX-License-Identifier: GPL-2.0-only */
/* Waits that end when one of the processes that are joined dies, or none is left. */
#ifndef SHMBUF_PEERS_H
#define SHMBUF_PEERS_H

#include <linux/list.h>
#include <linux/types.h>

struct shmbuf_buffer;
struct task_struct;

/**
 * struct shmbuf_peers - one wait with PEERS, on its thread's stack
 * @node: in the buffer's peers, or empty once @result is set; under the buffer's
 *	owners_lock
 * @task: who waits; constant, as @deaths
 * @deaths: that it knows of
 * @result: 0, -EOWNERDEAD or -EPIPE; set once, under the buffer's owners_lock, at the
 *	beginning or before the thread is woken; read anywhere
 */
struct shmbuf_peers {
	struct list_head node;
	struct task_struct *task;
	u64 deaths;
	int result;
};

/*
 * The caller is about to wait, and knows of @deaths deaths, or ~0 for all so far.  There may
 * be a result at once: it ends the wait that follows before it sleeps, if there is nothing
 * to be had.
 */
void shmbuf_peers_begin(struct shmbuf_buffer *buffer, struct shmbuf_peers *peers, u64 deaths);
void shmbuf_peers_end(struct shmbuf_buffer *buffer, struct shmbuf_peers *peers);

/*
 * To be looked at before each sleep, after the task's state was set, and after it: why the
 * wait shall end, unless it has been decided otherwise.  @peers may be NULL.
 */
static inline int shmbuf_peers_result(const struct shmbuf_peers *peers)
{
	return peers ? READ_ONCE(peers->result) : 0;
}

/* Tell those who are to be told, after a death or a leave.  Part of shmbuf_sweep(). */
void shmbuf_peers_sweep(struct shmbuf_buffer *buffer);

#endif /* SHMBUF_PEERS_H */
