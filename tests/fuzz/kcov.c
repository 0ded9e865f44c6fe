// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kcov.h"
#include "world.h"

#define KCOV_FILE	"/sys/kernel/debug/kcov"
#define KCOV_WORDS	(16 * 1024)

static unsigned long *area;

bool kcov_there(void)
{
	return !access(KCOV_FILE, R_OK | W_OK);
}

void kcov_start(void)
{
	int fd = open(KCOV_FILE, O_RDWR | O_CLOEXEC);
	void *at;

	area = NULL;
	if (fd < 0)
		return;
	if (!ioctl(fd, KCOV_INIT_TRACE, KCOV_WORDS)) {
		at = mmap(NULL, KCOV_WORDS * sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED,
			  fd, 0);
		if (at != MAP_FAILED && !ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
			area = at;
	}
	/* The mapping keeps it; the thread's end ends it. */
	close(fd);
}

static bool is_new(unsigned long at)
{
	__u32 bit = seed_of(at, 0) % COVERAGE_BITS;
	__u64 mask = 1ULL << bit % 64, *word = &world->corpus.bits[bit / 64];

	if (__atomic_load_n(word, __ATOMIC_RELAXED) & mask)
		return false;
	return !(__atomic_fetch_or(word, mask, __ATOMIC_RELAXED) & mask);
}

int kcov_take(void)
{
	unsigned long nr, i;
	int fresh = 0;

	if (!area)
		return 0;
	nr = __atomic_load_n(&area[0], __ATOMIC_RELAXED);
	for (i = 0; i < nr && i < KCOV_WORDS - 1; i++)
		fresh += is_new(area[i + 1]);
	__atomic_store_n(&area[0], 0, __ATOMIC_RELAXED);
	if (fresh)
		__atomic_add_fetch(&world->corpus.nr_bits, fresh, __ATOMIC_RELAXED);
	return fresh;
}
