/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel tells of the pages of mappings, and of all. */
#ifndef PAGES_H
#define PAGES_H

#include "shmbuf_test.h"

/* KiB of what /proc/meminfo calls @key, "Shmem" for example. */
static long system_kib(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	size_t len = strlen(key);
	char line[128];
	long kib = -1;

	while (f && kib < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, len) && line[len] == ':')
			kib = atol(line + len + 1);
	}
	if (kib < 0)
		fatal("/proc/meminfo has no %s", key);
	fclose(f);
	return kib;
}

#endif /* PAGES_H */
