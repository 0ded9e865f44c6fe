// SPDX-License-Identifier: GPL-2.0-only
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "debugfs.h"
#include "fdinfo.h"
#include "info.h"
#include "member.h"
#include "name.h"
#include "object.h"
#include "owner.h"
#include "registry.h"
#include "stats.h"
#include "waiter.h"

/* Lines of each sort that are shown of a buffer; what is left out is said. */
#define SHMBUF_DEBUGFS_LINES 64

static struct dentry *shmbuf_debugfs;

static void shmbuf_debugfs_buffer(struct seq_file *m, struct shmbuf_buffer *buffer)
{
	seq_printf(m, "buffer %llu name=", buffer->id);
	if (shmbuf_name_exists(buffer))
		seq_escape(m, buffer->name, SHMBUF_NOT_IN_FDINFO);
	seq_printf(m, " uid=%u gid=%u mode=%04o flags=0x%x seals=0x%x size=%llu max=%llu",
		   __kuid_val(buffer->uid), __kgid_val(buffer->gid), buffer->mode,
		   shmbuf_buffer_flags(buffer), READ_ONCE(buffer->seals),
		   READ_ONCE(buffer->data_size), buffer->max_size);
	seq_printf(m, " objects=%u refs=%u owners=%u unburied=%u waiters=%u deaths=%llu contentions=%llu\n",
		   buffer->nr_objects, refcount_read(&buffer->ref), READ_ONCE(buffer->nr_owners),
		   READ_ONCE(buffer->nr_dead), shmbuf_stats_waiters(buffer),
		   READ_ONCE(buffer->nr_deaths), (u64)atomic64_read(&buffer->nr_contentions));
}

static void shmbuf_debugfs_members(struct seq_file *m, struct shmbuf_buffer *buffer)
{
	struct shmbuf_member *member;
	int left = SHMBUF_DEBUGFS_LINES;

	spin_lock(&buffer->owners_lock);
	list_for_each_entry(member, &buffer->members, node) {
		if (!left--) {
			seq_puts(m, "  process ...\n");
			break;
		}
		seq_printf(m, "  process pid=%d owners=%u comm=", pid_nr(member->pid),
			   member->nr_owners);
		seq_escape(m, member->comm, SHMBUF_NOT_IN_FDINFO);
		seq_putc(m, '\n');
	}
	spin_unlock(&buffer->owners_lock);
}

/* Held or odd: what isn't just free. */
static void shmbuf_debugfs_lock(struct seq_file *m, struct shmbuf_buffer *buffer, u32 index,
				u64 word)
{
	u64 id = shmbuf_lock_word_owner(word);

	seq_printf(m, "  lock %u word=0x%llx owner=0x%llx pid=%d readers=%u\n", index, word, id,
		   shmbuf_owner_pid_nr(buffer, id, &init_pid_ns),
		   shmbuf_info_readers(buffer, index, NULL, 0));
}

static void shmbuf_debugfs_locks(struct seq_file *m, struct shmbuf_buffer *buffer)
{
	int left = SHMBUF_DEBUGFS_LINES;
	u32 first, last, i;
	u64 word;

	for (first = 0; shmbuf_objects_next(buffer, SHMBUF_KIND_LOCK, &first, &last);
	     first = last + 1) {
		for (i = first; i <= last; i++) {
			word = atomic64_read(shmbuf_word(buffer, i));
			if (word && !left--) {
				seq_puts(m, "  lock ...\n");
				return;
			}
			if (word)
				shmbuf_debugfs_lock(m, buffer, i, word);
			cond_resched();
			if (fatal_signal_pending(current))
				return;
		}
	}
}

static const char *shmbuf_debugfs_kind(u32 kind)
{
	static const char *const names[] = {
		[SHMBUF_KIND_NONE] = "none",
		[SHMBUF_KIND_LOCK] = "lock",
		[SHMBUF_KIND_QUEUE] = "queue",
		[SHMBUF_KIND_SEMAPHORE] = "semaphore",
		[SHMBUF_KIND_BARRIER] = "barrier",
	};

	return names[kind];
}

/* Under its bucket's lock, so that the task sleeps in a call of ours. */
static void shmbuf_debugfs_waiter(struct seq_file *m, const struct shmbuf_waiter *waiter)
{
	char comm[TASK_COMM_LEN];

	get_task_comm(comm, waiter->task);
	seq_printf(m, "  waiter index=%u kind=%s%s owner=0x%llx pid=%d tid=%d waited_us=%llu",
		   waiter->index, shmbuf_debugfs_kind(waiter->kind), waiter->any ? ",any" : "",
		   waiter->owner ? waiter->owner->id : 0, task_tgid_nr(waiter->task),
		   task_pid_nr(waiter->task),
		   div_u64(ktime_get_ns() - waiter->since, NSEC_PER_USEC));
	seq_printf(m, "%s%s%s comm=", waiter->shared ? " shared" : "",
		   waiter->trying ? " trying" : "", waiter->moved ? " moved" : "");
	seq_escape(m, comm, SHMBUF_NOT_IN_FDINFO);
	seq_putc(m, '\n');
}

static void shmbuf_debugfs_waiters(struct seq_file *m, struct shmbuf_buffer *buffer)
{
	int i, left = SHMBUF_DEBUGFS_LINES;
	struct shmbuf_bucket *bucket;
	struct rb_node *node;

	for (i = 0; i < SHMBUF_NR_BUCKETS && left >= 0; i++) {
		bucket = &buffer->buckets[i];
		spin_lock(&bucket->lock);
		for (node = rb_first(&bucket->waiters); node && left-- > 0; node = rb_next(node))
			shmbuf_debugfs_waiter(m, rb_entry(node, struct shmbuf_waiter, node));
		spin_unlock(&bucket->lock);
		cond_resched();
	}
	if (left < 0)
		seq_puts(m, "  waiter ...\n");
}

static int shmbuf_debugfs_show(struct seq_file *m, void *v)
{
	struct shmbuf_buffer *buffer = v;

	shmbuf_debugfs_buffer(m, buffer);
	shmbuf_debugfs_members(m, buffer);
	shmbuf_debugfs_locks(m, buffer);
	shmbuf_debugfs_waiters(m, buffer);
	return 0;
}

/* *@pos: behind the last buffer's id, so that none is shown twice. */
static void *shmbuf_debugfs_start(struct seq_file *m, loff_t *pos)
{
	return shmbuf_registry_next(*pos);
}

static void *shmbuf_debugfs_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct shmbuf_buffer *buffer = v;

	*pos = buffer->id;
	shmbuf_buffer_unpin(buffer);
	return shmbuf_registry_next(*pos);
}

static void shmbuf_debugfs_stop(struct seq_file *m, void *v)
{
	if (v)
		shmbuf_buffer_unpin(v);
}

static const struct seq_operations shmbuf_debugfs_sops = {
	.start = shmbuf_debugfs_start,
	.next = shmbuf_debugfs_next,
	.stop = shmbuf_debugfs_stop,
	.show = shmbuf_debugfs_show,
};

DEFINE_SEQ_ATTRIBUTE(shmbuf_debugfs);

/* Whatever fails here is only missed by who looks. */
void shmbuf_debugfs_init(void)
{
	shmbuf_debugfs = debugfs_create_dir("shmbuf", NULL);
	debugfs_create_file("buffers", 0400, shmbuf_debugfs, NULL, &shmbuf_debugfs_fops);
}

void shmbuf_debugfs_exit(void)
{
	debugfs_remove(shmbuf_debugfs);
}
