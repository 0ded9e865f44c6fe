// SPDX-License-Identifier: MIT
/*
 * All that goes to the device, in one file that another can stand in for.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/*
 * The ioctls have meanings of their own for ENOENT and EACCES, so that the node's
 * are told apart here.
 */
int shmbuf_sys_open(int flags)
{
	int fd = open("/dev/shmbuf", flags | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return -ENODEV;
	case EACCES:
	case EPERM:
		return -ECONNREFUSED;
	default:
		return -errno;
	}
}

int shmbuf_sys_ioctl(int fd, unsigned long command, void *argument)
{
	int ret = ioctl(fd, command, argument);

	return ret < 0 ? -errno : ret;
}

void *shmbuf_sys_mmap(void *address, size_t size, int prot, int flags, int fd,
		      __u64 offset)
{
	return mmap(address, size, prot, flags, fd, (off_t)offset);
}

void shmbuf_sys_munmap(void *address, size_t size)
{
	munmap(address, size);
}
