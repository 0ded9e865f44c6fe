/* SPDX-License-Identifier: GPL-2.0-only */
/* Ways to wake somebody by sending him something: the least that each can send. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "bench.h"

enum channel_kind { CHANNEL_EVENTFD, CHANNEL_PIPE, CHANNEL_UNIX, CHANNEL_MQ };

/* One direction; closed where @opened is 0. */
struct channel {
	enum channel_kind kind;
	int opened;
	int in, out;
};

/* 0, BENCH_ABSENT or -errno. */
int channel_open(struct channel *c, enum channel_kind kind, struct bench_subject *s);
void channel_close(struct channel *c);

/* 0 or -errno.  A message wakes one who receives. */
int channel_send(const struct channel *c);
int channel_receive(const struct channel *c);

#endif
