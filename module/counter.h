/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened since the module was loaded, in all buffers; see ABI-sysfs. */
#ifndef SHMBUF_COUNTER_H
#define SHMBUF_COUNTER_H

#include <linux/percpu.h>
#include <linux/types.h>

enum shmbuf_counter {
	SHMBUF_COUNT_DEATHS,
	SHMBUF_COUNT_CONTENTIONS,
	SHMBUF_COUNT_RECOVERIES,
	SHMBUF_COUNT_DEADLOCKS,
	SHMBUF_NR_COUNTERS,
};

struct shmbuf_counters {
	u64 count[SHMBUF_NR_COUNTERS];
};

DECLARE_PER_CPU(struct shmbuf_counters, shmbuf_counters);

static inline void shmbuf_count(enum shmbuf_counter counter)
{
	this_cpu_inc(shmbuf_counters.count[counter]);
}

/* Of the device. */
extern const struct attribute_group *shmbuf_counter_groups[];

#endif /* SHMBUF_COUNTER_H */
