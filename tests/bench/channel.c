// SPDX-License-Identifier: GPL-2.0-only
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_mq(struct channel *c, struct bench_subject *s)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 1 };
	char name[64];

	snprintf(name, sizeof(name), "/shmbuf-bench-%d", getpid());
	c->in = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attr);
	c->out = c->in;
	if (c->in < 0)
		return errno == ENOSYS ? bench_absent(s, "POSIX message queues") : -errno;
	return mq_unlink(name) ? -errno : 0;
}

static int open_ends(struct channel *c, int ret, const int ends[2])
{
	c->in = ends[0];
	c->out = ends[1];
	return ret ? -errno : 0;
}

static int open_kind(struct channel *c, struct bench_subject *s)
{
	int ends[2] = { -1, -1 };

	switch (c->kind) {
	case CHANNEL_EVENTFD:
		ends[0] = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
		ends[1] = ends[0];
		return open_ends(c, ends[0] < 0, ends);
	case CHANNEL_PIPE:
		return open_ends(c, pipe2(ends, O_CLOEXEC), ends);
	case CHANNEL_UNIX:
		return open_ends(c, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
				 ends);
	case CHANNEL_MQ:
		return open_mq(c, s);
	}
	return -EINVAL;
}

int channel_open(struct channel *c, enum channel_kind kind, struct bench_subject *s)
{
	int err;

	c->kind = kind;
	err = open_kind(c, s);
	c->opened = !err;
	return err;
}

void channel_close(struct channel *c)
{
	if (!c->opened)
		return;
	close(c->in);
	if (c->out != c->in)
		close(c->out);
}

int channel_send(const struct channel *c)
{
	static const uint64_t one = 1;
	ssize_t size = c->kind == CHANNEL_EVENTFD ? sizeof(one) : 1;

	if (c->kind == CHANNEL_MQ)
		return mq_send(c->out, (const char *)&one, 1, 0) ? -errno : 0;
	return write(c->out, &one, size) == size ? 0 : -EIO;
}

int channel_receive(const struct channel *c)
{
	uint64_t message;
	ssize_t size = c->kind == CHANNEL_EVENTFD ? sizeof(message) : 1;

	if (c->kind == CHANNEL_MQ)
		return mq_receive(c->in, (char *)&message, sizeof(message), NULL) == 1 ?
		       0 : -errno;
	return read(c->in, &message, size) == size ? 0 : -EIO;
}
