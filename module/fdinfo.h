/* SPDX-License-Identifier: GPL-2.0-only */
/* What /proc/PID/fdinfo shows of a handle. */
#ifndef SHMBUF_FDINFO_H
#define SHMBUF_FDINFO_H

struct file;
struct seq_file;

void shmbuf_show_fdinfo(struct seq_file *m, struct file *file);

#endif /* SHMBUF_FDINFO_H */
