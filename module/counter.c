// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/sysfs.h>

#include "counter.h"
#include "user.h"

/* Of what there is, users know best; what happens is counted where it does. */

DEFINE_PER_CPU(struct shmbuf_counters, shmbuf_counters);

static u64 shmbuf_counter_sum(enum shmbuf_counter counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(shmbuf_counters, cpu).count[counter]);
	return sum;
}

#define SHMBUF_ATTRIBUTE(name, value)					\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%llu\n", value);			\
}									\
static DEVICE_ATTR_RO(name)

SHMBUF_ATTRIBUTE(buffers, shmbuf_users_used(SHMBUF_QUOTA_BUFFERS));
SHMBUF_ATTRIBUTE(bytes, shmbuf_users_used(SHMBUF_QUOTA_BYTES));
SHMBUF_ATTRIBUTE(objects, shmbuf_users_used(SHMBUF_QUOTA_OBJECTS));
SHMBUF_ATTRIBUTE(owners, shmbuf_users_used(SHMBUF_QUOTA_OWNERS));
SHMBUF_ATTRIBUTE(waiters, shmbuf_users_used(SHMBUF_QUOTA_WAITERS));
SHMBUF_ATTRIBUTE(deaths, shmbuf_counter_sum(SHMBUF_COUNT_DEATHS));
SHMBUF_ATTRIBUTE(contentions, shmbuf_counter_sum(SHMBUF_COUNT_CONTENTIONS));
SHMBUF_ATTRIBUTE(recoveries, shmbuf_counter_sum(SHMBUF_COUNT_RECOVERIES));
SHMBUF_ATTRIBUTE(deadlocks, shmbuf_counter_sum(SHMBUF_COUNT_DEADLOCKS));

static struct attribute *shmbuf_counter_attrs[] = {
	&dev_attr_buffers.attr,
	&dev_attr_bytes.attr,
	&dev_attr_objects.attr,
	&dev_attr_owners.attr,
	&dev_attr_waiters.attr,
	&dev_attr_deaths.attr,
	&dev_attr_contentions.attr,
	&dev_attr_recoveries.attr,
	&dev_attr_deadlocks.attr,
	NULL
};

static const struct attribute_group shmbuf_counter_group = {
	.attrs = shmbuf_counter_attrs,
};

const struct attribute_group *shmbuf_counter_groups[] = {
	&shmbuf_counter_group,
	NULL
};
