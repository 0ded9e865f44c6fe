// SPDX-License-Identifier: GPL-2.0-only
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "fdinfo.h"
#include "handle.h"
#include "info.h"
#include "name.h"
#include "object.h"
#include "owner.h"
#include "stats.h"

/* Held locks that are listed, and readers; all are counted. */
#define SHMBUF_FDINFO_LOCKS 16

/* Who holds locks, in one of the two ways: how many, and the first of them. */
struct shmbuf_shown {
	u32 nr;
	struct {
		u32 index;
		pid_t pid;
	} locks[SHMBUF_FDINFO_LOCKS];
};

static void shmbuf_shown_add(struct seq_file *m, struct shmbuf_buffer *buffer,
			     struct shmbuf_shown *shown, u32 index, u64 id)
{
	struct pid_namespace *ns = proc_pid_ns(file_inode(m->file)->i_sb);

	if (shown->nr < SHMBUF_FDINFO_LOCKS) {
		shown->locks[shown->nr].index = index;
		shown->locks[shown->nr].pid = shmbuf_owner_pid_nr(buffer, id, ns);
	}
	shown->nr++;
}

static void shmbuf_shown_add_readers(struct seq_file *m, struct shmbuf_buffer *buffer,
				     struct shmbuf_shown *shown, u32 index)
{
	u64 ids[SHMBUF_FDINFO_LOCKS];
	u32 i, nr = shmbuf_info_readers(buffer, index, ids, SHMBUF_FDINFO_LOCKS);

	for (i = 0; i < min_t(u32, nr, SHMBUF_FDINFO_LOCKS); i++)
		shmbuf_shown_add(m, buffer, shown, index, ids[i]);
	shown->nr += nr - i;
}

static void shmbuf_shown_list(struct seq_file *m, const struct shmbuf_shown *shown,
			      const char *name)
{
	u32 i;

	for (i = 0; i < min_t(u32, shown->nr, SHMBUF_FDINFO_LOCKS); i++)
		seq_printf(m, "shmbuf-%s:\t%u %d\n", name, shown->locks[i].index,
			   shown->locks[i].pid);
}

static void shmbuf_show_locks(struct seq_file *m, struct shmbuf_buffer *buffer)
{
	struct shmbuf_shown held = {}, readers = {};
	u32 first, last, i;
	u64 word, id;

	for (first = 0; shmbuf_objects_next(buffer, SHMBUF_KIND_LOCK, &first, &last);
	     first = last + 1) {
		for (i = first; i <= last; i++) {
			word = atomic64_read(shmbuf_word(buffer, i));
			id = shmbuf_lock_word_owner(word);
			cond_resched();
			if (fatal_signal_pending(current))
				return;
			if (id)
				shmbuf_shown_add(m, buffer, &held, i, id);
			else if (word & SHMBUF_WORD_READERS)
				shmbuf_shown_add_readers(m, buffer, &readers, i);
		}
	}
	seq_printf(m, "shmbuf-locks-held:\t%u\n", held.nr);
	shmbuf_shown_list(m, &held, "lock");
	seq_printf(m, "shmbuf-readers:\t%u\n", readers.nr);
	shmbuf_shown_list(m, &readers, "reader");
}

void shmbuf_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct shmbuf_buffer *buffer = shmbuf_handle_buffer(shmbuf_handle(file));

	if (!buffer)
		return;
	seq_printf(m, "shmbuf-id:\t%llu\n", buffer->id);
	if (shmbuf_name_exists(buffer)) {
		seq_puts(m, "shmbuf-name:\t");
		seq_escape(m, buffer->name, SHMBUF_NOT_IN_FDINFO);
		seq_putc(m, '\n');
	}
	seq_printf(m, "shmbuf-size:\t%llu\n", READ_ONCE(buffer->data_size));
	seq_printf(m, "shmbuf-max-size:\t%llu\n", buffer->max_size);
	seq_printf(m, "shmbuf-mode:\t%04o\n", buffer->mode);
	seq_printf(m, "shmbuf-flags:\t0x%x\n", shmbuf_buffer_flags(buffer));
	seq_printf(m, "shmbuf-seals:\t0x%x\n", READ_ONCE(buffer->seals));
	seq_printf(m, "shmbuf-objects:\t%u\n", buffer->nr_objects);
	seq_printf(m, "shmbuf-joined:\t%u\n", READ_ONCE(buffer->nr_members));
	seq_printf(m, "shmbuf-waiters:\t%u\n", shmbuf_stats_waiters(buffer));
	seq_printf(m, "shmbuf-deaths:\t%llu\n", READ_ONCE(buffer->nr_deaths));
	shmbuf_show_locks(m, buffer);
}
