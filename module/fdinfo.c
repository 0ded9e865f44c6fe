// SPDX-License-Identifier: GPL-2.0-only
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "fdinfo.h"
#include "handle.h"
#include "name.h"
#include "object.h"
#include "owner.h"

/* What a name of somebody else's must not put on a terminal, or end a field with. */
#define SHMBUF_NOT_IN_FDINFO						\
	"\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"	\
	"\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037\177 \\"

/* Held locks that are listed; all are counted. */
#define SHMBUF_FDINFO_LOCKS 16

static void shmbuf_show_locks(struct seq_file *m, struct shmbuf_buffer *buffer)
{
	struct pid_namespace *ns = proc_pid_ns(file_inode(m->file)->i_sb);
	struct { u32 index; pid_t pid; } held[SHMBUF_FDINFO_LOCKS];
	u32 first, last, i, total = 0;

	for (first = 0; shmbuf_objects_next(buffer, SHMBUF_KIND_LOCK, &first, &last);
	     first = last + 1) {
		for (i = first; i <= last; i++) {
			u64 id = shmbuf_lock_word_owner(atomic64_read(shmbuf_word(buffer, i)));

			cond_resched();
			if (fatal_signal_pending(current))
				return;
			if (!id)
				continue;
			if (total < SHMBUF_FDINFO_LOCKS) {
				held[total].index = i;
				held[total].pid = shmbuf_owner_pid_nr(buffer, id, ns);
			}
			total++;
		}
	}
	seq_printf(m, "shmbuf-locks-held:\t%u\n", total);
	for (i = 0; i < min_t(u32, total, SHMBUF_FDINFO_LOCKS); i++)
		seq_printf(m, "shmbuf-lock:\t%u %d\n", held[i].index, held[i].pid);
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
	shmbuf_show_locks(m, buffer);
}
