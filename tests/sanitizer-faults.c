// SPDX-License-Identifier: GPL-2.0-only
/* Commits the fault that is named: the sanitizers must tell. */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static volatile int sink;

static void use_after_free(void)
{
	char *volatile p = malloc(1);

	free(p);
	sink = *p;
}

static void out_of_bounds(void)
{
	char *volatile p = malloc(13);

	sink = p[13];
	free(p);
}

static void shift(void)
{
	volatile int bits = 32;

	sink = 1 << bits;
}

static void overflow(void)
{
	volatile int most = INT_MAX;

	sink = most + 1;
}

static void misaligned(void)
{
	static long words[2];
	long *volatile p = (long *)((char *)words + 1);

	*p = 1;
}

static long counter;

static void *count(void *unused)
{
	int i;

	for (i = 0; i < 100000; i++)
		counter++;
	return unused;
}

static void race(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, count, NULL))
		exit(2);
	count(NULL);
	pthread_join(thread, NULL);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "use-after-free", use_after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "shift", shift },
	{ "overflow", overflow },
	{ "misaligned", misaligned },
	{ "race", race },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc == 2 && i < ARRAY_SIZE(faults); i++) {
		if (strcmp(argv[1], faults[i].name))
			continue;
		faults[i].commit();
		return 0;
	}
	return 2;
}
