// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold map:       keep nothing but a mapping of a buffer, until killed
 * hold NAME:      leave a buffer behind that stays
 * hold -u NAME:   unlink it
 */
#include <err.h>
#include <fcntl.h>
#include <linux/shmbuf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static void create(int fd, const char *name)
{
	struct shmbuf_create create = {
		.size = sizeof(create),
		.flags = name ? SHMBUF_CREATE_PERSIST | SHMBUF_CREATE_EXCL : 0,
		.name = (uintptr_t)name,
		.name_len = name ? strlen(name) : 0,
		.data_size = 4096,
	};

	if (ioctl(fd, SHMBUF_IOC_CREATE, &create))
		err(1, "CREATE");
}

static void unlink_name(int fd, const char *name)
{
	struct shmbuf_name unlink = {
		.size = sizeof(unlink),
		.name = (uintptr_t)name,
		.name_len = strlen(name),
	};

	if (ioctl(fd, SHMBUF_IOC_UNLINK, &unlink))
		err(1, "UNLINK");
}

int main(int argc, char **argv)
{
	int fd = open("/dev/shmbuf", O_RDWR);

	if (fd < 0 || argc < 2)
		err(1, "/dev/shmbuf");
	if (argc == 3) {
		unlink_name(fd, argv[2]);
		return 0;
	}
	if (strcmp(argv[1], "map")) {
		create(fd, argv[1]);
		return 0;
	}
	create(fd, NULL);
	if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		err(1, "mmap");
	close(fd);
	puts("mapped");
	fflush(stdout);
	pause();
	return 0;
}
