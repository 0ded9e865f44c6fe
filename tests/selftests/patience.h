/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The harness, with time limits that go by how slow the machine is: emulated ones with other
 * work beside are slow, and SLOWNESS=n in the environment says that this one is n times slower.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdlib.h>
#include <unistd.h>

static inline unsigned int slowness(void)
{
	const char *text = getenv("SLOWNESS");
	int times = text ? atoi(text) : 1;

	return times > 0 ? times : 1;
}

static inline unsigned int alarm_by_slowness(unsigned int seconds)
{
	return alarm(seconds * slowness());
}

#define alarm alarm_by_slowness

#include "kselftest_harness.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	180

/* Of @n times as many as there is time for: an eighth at least. */
static inline int fewer(int n)
{
	int by = slowness() < 8 ? slowness() : 8;

	return (n + by - 1) / by;
}

/* How long to wait for what is to come, in seconds. */
#define PATIENCE_S	(60 * slowness())

#endif /* PATIENCE_H */
