// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../selftests/ioctls.h"
#include "file.h"
#include "value.h"

static struct handle *entry(struct task *task)
{
	return &task->slot->fds[draw_below(&task->seed, FDS)];
}

struct handle file_handle(struct task *task)
{
	int wanted = (task->focus >> 4) % BUFFERS, at = draw_below(&task->seed, FDS), i;
	struct handle *fds = task->slot->fds;

	if (draw_once_in(&task->seed, 24))
		return fds[at];
	if (draw_once_in(&task->seed, 12))
		wanted = draw_below(&task->seed, OTHER_BUFFER + 1);
	for (i = 0; i < FDS; i++)
		if (fds[(at + i) % FDS].fd >= 0 && fds[(at + i) % FDS].buffer == wanted)
			return fds[(at + i) % FDS];
	for (i = 0; i < FDS; i++)
		if (fds[(at + i) % FDS].fd >= 0 && fds[(at + i) % FDS].buffer != NO_BUFFER)
			return fds[(at + i) % FDS];
	return fds[at];
}

/* @fd takes an entry; what was there is closed. */
void file_keep(struct task *task, int fd, int buffer)
{
	struct handle *old = entry(task);
	int closed = old->fd;

	*old = (struct handle){ .fd = fd, .buffer = buffer };
	if (closed >= 0)
		close(closed);
}

static int flags_to_open(struct task *task)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	int f = draw_below(&task->seed, 8) ? O_RDWR : flags[draw_below(&task->seed, 5)];

	return f | (draw_once_in(&task->seed, 2) ? O_CLOEXEC : 0);
}

static int open_device(struct task *task)
{
	int fd = counted(task, open(DEVICE, flags_to_open(task)));

	if (fd >= 0)
		file_keep(task, fd, NO_BUFFER);
	return fd;
}

struct handle file_fresh(struct task *task)
{
	int fd;

	if (draw_once_in(&task->seed, 4))
		return file_handle(task);
	fd = open_device(task);
	return (struct handle){ .fd = fd, .buffer = OTHER_BUFFER };
}

void file_attached(struct task *task, int fd, const char *name)
{
	int buffer = OTHER_BUFFER, i;

	for (i = 0; name && i < BUFFERS; i++)
		if (!strncmp(name, world->buffers[i].name, NAME_LEN))
			buffer = i;
	for (i = 0; i < FDS; i++)
		if (task->slot->fds[i].fd == fd)
			task->slot->fds[i].buffer = buffer;
}

__u32 file_eventfd(struct task *task)
{
	int fd = draw_below(&task->seed, 8) ? eventfd(0, EFD_NONBLOCK) : entry(task)->fd;

	if (fd >= 0)
		file_keep(task, fd, NO_BUFFER);
	return fd;
}

/* Whether it is there or not: with the same objects each time. */
static int attach_shared(int fd, int buffer)
{
	struct shmbuf_range ranges[SHMBUF_KIND_BARRIER];
	struct shmbuf_create create = {
		.size = sizeof(create), .name = address(world->buffers[buffer].name),
		.name_len = strlen(world->buffers[buffer].name), .mode = 0666,
		.data_size = world->buffers[buffer].data_size,
		.max_size = world->buffers[buffer].data_size * 4,
		.nr_objects = OBJECTS, .layout = buffer % 2, .ranges = address(ranges),
		.nr_ranges = SHMBUF_KIND_BARRIER,
	};
	__u32 kind;

	for (kind = SHMBUF_KIND_LOCK; kind <= SHMBUF_KIND_BARRIER; kind++) {
		ranges[kind - 1] = (struct shmbuf_range){ .kind = kind };
		objects_of(kind, &ranges[kind - 1].first, &ranges[kind - 1].count);
		if (kind == SHMBUF_KIND_BARRIER)
			ranges[kind - 1].value = 2;
		else if (kind == SHMBUF_KIND_SEMAPHORE)
			ranges[kind - 1].value = 4ULL << 32 | 1;
	}
	return call(fd, SHMBUF_IOC_CREATE, &create);
}

int file_open_shared(struct task *task, int buffer, int flags)
{
	int fd = counted(task, open(DEVICE, flags)), ret;

	if (fd < 0)
		return fd;
	ret = (flags & O_ACCMODE) == O_RDWR ? attach_shared(fd, buffer) :
					      do_open(fd, world->buffers[buffer].name);
	/* Sealed, or somebody else's. */
	if (ret == -EPERM || ret == -EACCES || ret == -EINVAL) {
		do_unlink(fd, world->buffers[buffer].name);
		ret = attach_shared(fd, buffer);
	}
	__atomic_add_fetch(&task->slot->calls, 1, __ATOMIC_RELAXED);
	if (ret >= 0)
		return fd;
	close(fd);
	return ret;
}

static long op_open(struct task *task, const struct op *op)
{
	char path[32];
	int fd;

	if (draw_below(&task->seed, 4))
		return open_device(task);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_handle(task).fd);
	fd = counted(task, open(path, flags_to_open(task)));
	if (fd >= 0)
		file_keep(task, fd, NO_BUFFER);
	return fd;
}

static long op_close(struct task *task, const struct op *op)
{
	struct handle *handle = entry(task);
	int fd = handle->fd;

	handle->fd = -1;
	return counted(task, close(fd));
}

static long op_dup(struct task *task, const struct op *op)
{
	struct handle handle = file_handle(task);
	int to = 64 + draw_below(&task->seed, 32), fd;

	if (draw_once_in(&task->seed, 2))
		fd = counted(task, dup(handle.fd));
	else
		fd = counted(task, dup2(handle.fd, to));
	if (fd >= 0)
		file_keep(task, fd, handle.buffer);
	return fd;
}

/* Into the socket that all share, or out of it: somebody else's then. */
static long pass(struct task *task, bool send)
{
	struct handle handle = file_handle(task);
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {};
	struct iovec iov = { &handle.buffer, sizeof(handle.buffer) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = &control.header;
	long ret;

	if (!send) {
		ret = counted(task, recvmsg(POST_FD_OTHER, &msg, MSG_DONTWAIT));
		if (ret >= 0 && msg.msg_controllen >= sizeof(control) &&
		    handle.buffer >= 0 && handle.buffer <= OTHER_BUFFER)
			file_keep(task, *(int *)CMSG_DATA(header), handle.buffer);
		return ret;
	}
	*header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(header), &handle.fd, sizeof(int));
	return counted(task, sendmsg(POST_FD, &msg, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static long op_send(struct task *task, const struct op *op)
{
	return pass(task, true);
}

static long op_receive(struct task *task, const struct op *op)
{
	return pass(task, false);
}

static long op_poll(struct task *task, const struct op *op)
{
	struct timespec in = { .tv_nsec = draw_below(&task->seed, 300) * NSEC_PER_USEC };
	int i, nr = 1 + draw_below(&task->seed, 3);
	struct pollfd fds[3];

	for (i = 0; i < nr; i++)
		fds[i] = (struct pollfd){ .fd = file_handle(task).fd,
					  .events = draw(&task->seed) & (POLLIN | POLLOUT) };
	return counted(task, ppoll(fds, nr, &in, NULL));
}

/* What device files mostly have, and this one hasn't. */
static long op_io(struct task *task, const struct op *op)
{
	__u64 *seed = &task->seed;
	int fd = file_handle(task).fd;
	struct stat st;
	char buf[256] = "";

	switch (draw_below(seed, 8)) {
	case 0:
		return counted(task, read(fd, buf, sizeof(buf)));
	case 1:
		return counted(task, write(fd, buf, draw_below(seed, sizeof(buf))));
	case 2:
		return counted(task, lseek(fd, value_odd(seed), draw_below(seed, 3)));
	case 3:
		return counted(task, fcntl(fd, F_SETFL, draw(seed) & (O_NONBLOCK | O_ASYNC)));
	case 4:
		return counted(task, fcntl(fd, F_SETFD, draw(seed) & FD_CLOEXEC));
	case 5:
		return counted(task, fstat(fd, &st));
	case 6:
		return counted(task, ftruncate(fd, value_odd(seed)));
	default:
		return counted(task, fallocate(fd, draw_below(seed, 4), 0, value_odd(seed)));
	}
}

/* Commands that aren't, and right ones with another direction or size. */
static long op_unknown(struct task *task, const struct op *op)
{
	unsigned long nr = draw_once_in(&task->seed, 2) ? 0xbd00 + draw_below(&task->seed, 256) :
							  draw(&task->seed) & 0xffffffff;
	struct pointed pointed;

	memset(&pointed, (int)draw(&task->seed), sizeof(pointed));
	/* What does exist comes with a size of its own. */
	pointed.array[0] = 1;
	if (nr >> 8 != 0xbd)
		nr = (nr & 0xc0ff0000) | 0xbd00 | (nr & 0xff);
	return counted(task, ioctl(file_handle(task).fd, nr, &pointed));
}

static long op_fdinfo(struct task *task, const struct op *op)
{
	char path[40], text[4096];
	long ret;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", file_handle(task).fd);
	fd = counted(task, open(path, O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return fd;
	ret = counted(task, read(fd, text, sizeof(text)));
	close(fd);
	return ret;
}

const struct op file_ops[] = {
	{ "open", 3, op_open },
	{ "close", 3, op_close },
	{ "dup", 2, op_dup },
	{ "send", 2, op_send },
	{ "receive", 3, op_receive },
	{ "poll", 4, op_poll },
	{ "io", 2, op_io },
	{ "unknown", 2, op_unknown },
	{ "fdinfo", 1, op_fdinfo },
};

const int nr_file_ops = ARRAY_SIZE(file_ops);
