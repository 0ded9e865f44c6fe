/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking after everybody who waits in a buffer. */
#ifndef SHMBUF_SWEEP_H
#define SHMBUF_SWEEP_H

struct shmbuf_buffer;
struct work_struct;

/* Have each contended lock whose owner is dead tried for, each word told of waiters. */
void shmbuf_sweep(struct shmbuf_buffer *buffer);

/* The same again and again while anybody waits. */
void shmbuf_sweep_later(struct shmbuf_buffer *buffer);

/* As soon as may be: more could go on than fit in one batch.  From any context. */
void shmbuf_sweep_soon(struct shmbuf_buffer *buffer);

void shmbuf_sweep_work(struct work_struct *work);

#endif /* SHMBUF_SWEEP_H */
