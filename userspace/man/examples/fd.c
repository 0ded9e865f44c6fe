// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr head;
};

static void send_fd(int socket, int fd)
{
	union control control = {
		.head.cmsg_len = CMSG_LEN(sizeof(int)),
		.head.cmsg_level = SOL_SOCKET,
		.head.cmsg_type = SCM_RIGHTS,
	};
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(socket, &message, 0) != 1)
		error(1, 0, "the descriptor can't be sent");
}

static int receive_fd(int socket)
{
	union control control;
	char room;
	struct iovec byte = { .iov_base = &room, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head;
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		error(1, 0, "nothing was sent");
	head = CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_type != SCM_RIGHTS)
		error(1, 0, "no descriptor was sent");
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

static int receive(int socket)
{
	struct shmbuf *buffer;
	int fd = receive_fd(socket);
	int err = shmbuf_from_fd(&buffer, fd);

	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	close(fd);	/* the handle has its own */
	printf("it says: %s\n", (char *)shmbuf_data(buffer));
	shmbuf_close(buffer);
	return 0;
}

int main(void)
{
	struct shmbuf *buffer;
	int sockets[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		error(1, 0, "there is no socket");
	/* The child begins before there is anything to inherit. */
	if (!fork())
		return receive(sockets[1]);
	err = shmbuf_create(&buffer, NULL, 4096, NULL);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	snprintf(shmbuf_data(buffer), shmbuf_size(buffer), "hello");
	send_fd(sockets[0], shmbuf_fd(buffer));
	shmbuf_close(buffer);
	wait(NULL);
	return 0;
}
