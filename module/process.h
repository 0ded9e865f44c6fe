/* SPDX-License-Identifier: GPL-2.0-only */
/* Address spaces that have owner ids: how we hear of their end. */
#ifndef SHMBUF_PROCESS_H
#define SHMBUF_PROCESS_H

struct shmbuf_owner;
struct shmbuf_process;

/*
 * The caller's, with a reference that shmbuf_process_put() drops; NULL where the
 * kernel tells nobody of the end of address spaces.  May sleep, and take locks
 * of all of the mm: not from mmap.
 */
struct shmbuf_process *shmbuf_process_get_current(void);
void shmbuf_process_put(struct shmbuf_process *process);

/* @owner dies with the process. */
void shmbuf_process_add(struct shmbuf_process *process, struct shmbuf_owner *owner);
void shmbuf_process_remove(struct shmbuf_process *process, struct shmbuf_owner *owner);

/* Once no owner is left: wait for what is still under way. */
void shmbuf_process_exit(void);

#endif /* SHMBUF_PROCESS_H */
