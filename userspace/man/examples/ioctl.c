// SPDX-License-Identifier: MIT
#include <err.h>
#include <fcntl.h>
#include <linux/shmbuf.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
	struct shmbuf_range locks = {
		.count = 1,
		.kind = SHMBUF_KIND_LOCK,
	};
	struct shmbuf_create create = {
		.size = sizeof(create),
		.data_size = 1,
		.nr_objects = 1,
		.ranges = (unsigned long)&locks,
		.nr_ranges = 1,
	};
	struct shmbuf_query query = { .size = sizeof(query) };
	struct shmbuf_register self = { .size = sizeof(self) };
	struct shmbuf_lock lock = {
		.size = sizeof(lock),
		.deadline = SHMBUF_DEADLINE_NEVER,
	};
	int fd = open("/dev/shmbuf", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "/dev/shmbuf");
	if (ioctl(fd, SHMBUF_IOC_CREATE, &create) < 0)
		err(1, "CREATE");
	if (ioctl(fd, SHMBUF_IOC_QUERY, &query) < 0)
		err(1, "QUERY");
	printf("ABI %u, %u object\n", query.abi_version, query.nr_objects);

	if (ioctl(fd, SHMBUF_IOC_REGISTER, &self) < 0)
		err(1, "REGISTER");
	lock.owner = self.owner;
	if (ioctl(fd, SHMBUF_IOC_LOCK, &lock) < 0)
		err(1, "LOCK");
	puts("locked");
	lock.deadline = 0;
	if (ioctl(fd, SHMBUF_IOC_UNLOCK, &lock) < 0)
		err(1, "UNLOCK");
	puts("unlocked");
	return 0;
}
