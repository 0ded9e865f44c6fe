/* SPDX-License-Identifier: GPL-2.0-only */
/* File systems by which the kernel shows itself, and what stands in their files. */
#ifndef KERNEL_FS_H
#define KERNEL_FS_H

#include "shmbuf_test.h"
#include <sys/mount.h>
#include <sys/stat.h>

/* False where the kernel has none of @type. */
static bool mounted(const char *type, const char *dir, const char *probe)
{
	if (!access(probe, F_OK))
		return true;
	return !mount(type, dir, type, 0, NULL) && !access(probe, F_OK);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fatal("%s: %s", path, strerror(errno));
	close(fd);
}

/* All of a file, to be freed. */
static char *read_text(const char *path)
{
	size_t len = 0, size = 0;
	char *text = NULL;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		fatal("%s: %s", path, strerror(errno));
	do {
		if (size - len < 4096)
			text = realloc(text, size = 2 * size + 65536);
		n = read(fd, text + len, size - len - 1);
		if (n < 0)
			fatal("%s: %s", path, strerror(errno));
		len += n;
	} while (n);
	text[len] = '\0';
	close(fd);
	return text;
}

static __u64 id_of(int fd)
{
	struct shmbuf_query query;

	memset(&query, 0, sizeof(query));
	if (do_query(fd, &query))
		fatal("QUERY: %s", strerror(errno));
	return query.buffer_id;
}

#endif /* KERNEL_FS_H */
