// SPDX-License-Identifier: MIT
/*
 * A buffer without a name is reached by the descriptors of those who have it.
 */
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The id of the buffer of that descriptor, 0 where it is something else. */
static uint64_t id_of(const char *fdinfo)
{
	FILE *file = fopen(fdinfo, "re");
	unsigned long long id = 0;
	char line[512];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "shmbuf-id: %llu", &id) == 1)
			break;
	fclose(file);
	return id;
}

static int take(int pid, int fd)
{
	int process = syscall(SYS_pidfd_open, pid, 0), ret;

	if (process < 0)
		return -errno;
	ret = syscall(SYS_pidfd_getfd, process, fd, 0);
	if (ret < 0)
		ret = -errno;
	close(process);
	return ret;
}

/* As borrow(), of one process. */
static int borrow_from(uint64_t id, int pid)
{
	struct dirent *entry;
	int fd = -ENOENT;
	char path[300];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return -ENOENT;
	while (fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		if (*entry->d_name != '.' && id_of(path) == id)
			fd = take(pid, atoi(entry->d_name));
	}
	closedir(dir);
	return fd;
}

int borrow(uint64_t id, int *pid)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int found = -ENOENT, ret;

	if (!proc)
		return -ENOENT;
	while (found < 0 && (entry = readdir(proc))) {
		int other = atoi(entry->d_name);

		if (other <= 0 || other == getpid())
			continue;
		ret = borrow_from(id, other);
		/* Gone meanwhile, or never seen. */
		if (ret == -ENOENT || ret == -ESRCH || ret == -EBADF)
			continue;
		found = ret;
		*pid = other;
	}
	closedir(proc);
	return found;
}
