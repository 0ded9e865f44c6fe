/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors: opened, duplicated, passed on, closed, polled, read. */
#ifndef FILE_H
#define FILE_H

#include "ops.h"

/* One of the slot's, of the buffer that the program is about if there is one. */
struct handle file_handle(struct task *task);
/* One that is most likely attached to nothing yet. */
struct handle file_fresh(struct task *task);
/* @fd now belongs to the buffer called @name, NULL for one without a name. */
void file_attached(struct task *task, int fd, const char *name);
__u32 file_eventfd(struct task *task);

/* Among the slot's; one of those it has makes room. */
void file_keep(struct task *task, int fd, int buffer);

/* A handle of one of the shared buffers, which is made if it isn't there; or -errno. */
int file_open_shared(struct task *task, int buffer, int flags);

extern const struct op file_ops[];
extern const int nr_file_ops;

#endif /* FILE_H */
