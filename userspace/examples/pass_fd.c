// SPDX-License-Identifier: MIT
/*
 * A buffer without a name goes to other processes as a file descriptor over a socket: who
 * isn't given it has no way to it.  The first one is killed while it writes.
 */
#include <errno.h>
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct note {
	int length;
	char text[100];
};

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void send_fd(int sock, int fd)
{
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union control control = { { 0 } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(sock, &message, 0) < 0)
		error(1, errno, "sendmsg");
}

static int receive_fd(int sock)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union control control;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t came = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = came == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	int fd;

	if (!header || header->cmsg_type != SCM_RIGHTS)
		error(1, 0, "no descriptor came");
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void append(struct note *note, const char *text, bool killed)
{
	memcpy(note->text + note->length, text, strlen(text) + 1);
	if (killed)
		raise(SIGKILL);	/* half way, and holding the lock */
	note->length += strlen(text);
}

/* All that a receiver has of the buffer is what comes over the socket. */
static int receive(int sock, const char *text, bool killed)
{
	int fd = receive_fd(sock);
	struct shmbuf *buffer;
	struct note *note;
	int err = shmbuf_from_fd(&buffer, fd);

	close(fd);
	if (!err)
		err = shmbuf_lock(buffer, 0);
	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	note = shmbuf_data(buffer);
	append(note, text, killed);
	printf("the second has: %s\n", note->text);
	return shmbuf_unlock(buffer, 0) || strcmp(note->text, "from the sender, from the second");
}

/* Forked before there is a buffer, so that it inherits none.  Returns its socket. */
static int receiver(const char *text, bool killed)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		error(1, errno, "socketpair");
	if (!fork()) {
		close(pair[0]);
		exit(receive(pair[1], text, killed));
	}
	close(pair[1]);
	return pair[0];
}

int main(void)
{
	int first = receiver("from the first", true), second = receiver("from the second", false);
	struct shmbuf_options options = { .nr_locks = 1 };
	struct shmbuf *buffer;
	struct note *note;
	int err = shmbuf_create(&buffer, NULL, sizeof(*note), &options), status;

	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	setlinebuf(stdout);
	note = shmbuf_data(buffer);
	append(note, "from the sender, ", false);
	send_fd(first, shmbuf_fd(buffer));
	wait(&status);

	err = shmbuf_lock(buffer, 0);
	printf("the first was killed with the lock, and left: %s\n", note->text);
	if (err != -EOWNERDEAD)
		error(1, 0, "the lock says: %s", shmbuf_strerror(err));
	note->text[note->length] = 0;	/* what it hasn't finished */
	if (shmbuf_consistent(buffer, 0) || shmbuf_unlock(buffer, 0))
		error(1, 0, "the repaired lock isn't free");

	/* The descriptor keeps the buffer, be it still on its way. */
	send_fd(second, shmbuf_fd(buffer));
	shmbuf_close(buffer);
	wait(&status);
	return status != 0;
}
