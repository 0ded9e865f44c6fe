/* SPDX-License-Identifier: GPL-2.0-only */
/* Being somebody else: another user, with this capability or that, in another namespace. */
#ifndef OTHERS_H
#define OTHERS_H

#include "shmbuf_test.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define OWNER		61201
#define GROUP		61202
/* And more after him. */
#define STRANGER	61203

/* The calling process becomes @uid, who has no privileges, but may open the device. */
static void become(uid_t uid)
{
	struct stat st;

	CHECK(!stat(DEVICE, &st));
	CHECK(!setgroups(1, &st.st_gid));
	CHECK(!setresgid(uid, uid, uid));
	CHECK(!setresuid(uid, uid, uid));
	/* For asleep_in(), and for what belongs to it in /proc. */
	CHECK(!prctl(PR_SET_DUMPABLE, 1));
	go_with_parent();
}

static pid_t spawn_as(uid_t uid)
{
	pid_t pid = spawn();

	if (!pid)
		become(uid);
	return pid;
}

static void set_capabilities(__u64 caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	CHECK(!syscall(SYS_capset, &header, data));
}

static int last_capability(void)
{
	int cap = 0;

	while (prctl(PR_CAPBSET_READ, cap + 1) >= 0)
		cap++;
	return cap;
}

/* As become(), but with the capabilities @caps. */
static void become_with(uid_t uid, __u64 caps)
{
	CHECK(!prctl(PR_SET_KEEPCAPS, 1));
	become(uid);
	set_capabilities(caps);
	CHECK(!prctl(PR_SET_DUMPABLE, 1));
}

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = {}, byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	CHECK(sendmsg(sock, &msg, 0) == 1);
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	CHECK(recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* On @uid's account, which is kept as long as there is such a handle, with all that is charged. */
static int open_device_of(uid_t uid)
{
	int fd;

	CHECK(!setresuid(uid, -1, -1));
	fd = open_device(O_RDWR);
	CHECK(!setresuid(0, -1, -1));
	return fd;
}

static int create_mode(int fd, const char *name, __u32 mode, __u64 size, __u32 locks, __u32 queues)
{
	struct shmbuf_range ranges[] = {
		{ .first = 0, .count = locks, .kind = SHMBUF_KIND_LOCK },
		{ .first = locks, .count = queues, .kind = SHMBUF_KIND_QUEUE },
	};
	struct shmbuf_create arg = {
		.size = sizeof(arg), .flags = SHMBUF_CREATE_EXCL, .name = address(name),
		.name_len = strlen(name), .mode = mode, .data_size = size,
		.nr_objects = locks + queues, .ranges = address(locks ? ranges : ranges + 1),
		.nr_ranges = !!locks + !!queues,
	};

	return call(fd, SHMBUF_IOC_CREATE, &arg);
}

/* A buffer of @uid's, by a handle that comes back over a socket. */
static int new_buffer_of(uid_t uid, const char *name, __u32 mode, __u64 size, __u32 locks,
			 __u32 queues)
{
	int socks[2], fd;
	pid_t pid;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = spawn_as(uid);
	if (!pid) {
		fd = open_device(O_RDWR);
		CHECK(create_mode(fd, name, mode, size, locks, queues) == 0);
		send_fd(socks[0], fd);
		_exit(0);
	}
	close(socks[0]);
	fd = receive_fd(socks[1]);
	CHECK(reap(pid) == 0);
	close(socks[1]);
	return fd;
}

#endif /* OTHERS_H */
