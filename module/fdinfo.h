/* SPDX-License-Identifier: GPL-2.0-only */
/* What /proc/PID/fdinfo shows of a handle. */
#ifndef SHMBUF_FDINFO_H
#define SHMBUF_FDINFO_H

/* What a name of somebody else's must not put on a terminal, or end a field with. */
#define SHMBUF_NOT_IN_FDINFO						\
	"\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020"	\
	"\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037\177 \\"

struct file;
struct seq_file;

void shmbuf_show_fdinfo(struct seq_file *m, struct file *file);

#endif /* SHMBUF_FDINFO_H */
