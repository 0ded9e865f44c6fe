// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/sched.h>

#include "buffer.h"
#include "member.h"
#include "peers.h"
#include "sweep.h"
#include "waiter.h"

/*
 * Deaths are counted, processes join and leave, and waits begin and end under the same
 * lock, so that a wait that began before a death stands in the list when the death is
 * swept for.  What is told is no decision about what is waited for: like a signal it
 * makes the waiter leave, if it isn't chosen meanwhile.  So what can be had comes first, also
 * where the death is older than the call.
 */

static int shmbuf_peers_look(struct shmbuf_buffer *buffer, struct task_struct *task, u64 deaths)
{
	lockdep_assert_held(&buffer->owners_lock);
	if (deaths != buffer->nr_deaths)
		return -EOWNERDEAD;
	return shmbuf_member_has_peers(buffer, task) ? 0 : -EPIPE;
}

void shmbuf_peers_begin(struct shmbuf_buffer *buffer, struct shmbuf_peers *peers, u64 deaths)
{
	INIT_LIST_HEAD(&peers->node);
	peers->task = current;
	spin_lock(&buffer->owners_lock);
	peers->deaths = deaths == ~0ULL ? buffer->nr_deaths : deaths;
	peers->result = shmbuf_peers_look(buffer, current, peers->deaths);
	if (!peers->result)
		list_add_tail(&peers->node, &buffer->peers);
	spin_unlock(&buffer->owners_lock);
	/* Counts as one who waits here: what is waited for may be in another buffer. */
	if (atomic_inc_return(&buffer->nr_waiters) == 1)
		shmbuf_sweep_later(buffer);
}

void shmbuf_peers_end(struct shmbuf_buffer *buffer, struct shmbuf_peers *peers)
{
	spin_lock(&buffer->owners_lock);
	list_del_init(&peers->node);
	spin_unlock(&buffer->owners_lock);
	atomic_dec(&buffer->nr_waiters);
}

/* Up to a batch; true where there may be more. */
static bool shmbuf_peers_tell(struct shmbuf_buffer *buffer, struct shmbuf_wakeups *wakeups)
{
	struct shmbuf_peers *peers, *next;
	int ret;

	lockdep_assert_held(&buffer->owners_lock);
	list_for_each_entry_safe(peers, next, &buffer->peers, node) {
		if (wakeups->nr == SHMBUF_WAKE_BATCH)
			return true;
		ret = shmbuf_peers_look(buffer, peers->task, peers->deaths);
		if (!ret)
			continue;
		list_del_init(&peers->node);
		WRITE_ONCE(peers->result, ret);
		shmbuf_wakeups_add(wakeups, peers->task);
	}
	return false;
}

void shmbuf_peers_sweep(struct shmbuf_buffer *buffer)
{
	DEFINE_SHMBUF_WAKEUPS(wakeups);
	bool more;

	do {
		spin_lock(&buffer->owners_lock);
		more = shmbuf_peers_tell(buffer, &wakeups);
		spin_unlock(&buffer->owners_lock);
		shmbuf_wakeups_flush(&wakeups);
		cond_resched();
	} while (more);
}
