// SPDX-License-Identifier: GPL-2.0-only
/* Which object is of what kind, through INIT and RESET of ranges. */
#include <kunit/test.h>

#include <linux/prandom.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "handle.h"
#include "object.h"
#include "scene.h"

/* Some for each bucket, so that neighbours in a bucket are of several kinds. */
#define NR_OBJECTS (4 * SHMBUF_NR_BUCKETS)
#define STEPS 400

static struct shmbuf_buffer *create(struct kunit *test, struct file *file)
{
	struct shmbuf_create create = {
		.size = sizeof(create), .data_size = PAGE_SIZE, .nr_objects = NR_OBJECTS,
	};

	KUNIT_ASSERT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_CREATE, &create), 0);
	return shmbuf_handle(file)->buffer;
}

/* What every step on a word asks first. */
static bool is_of_kind(struct shmbuf_buffer *buffer, u32 index, u32 kind)
{
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, index);
	u64 old;
	int ret;

	spin_lock(&bucket->lock);
	ret = shmbuf_word_take(buffer, index, kind, &old);
	if (!ret)
		shmbuf_word_put(buffer, index, old);
	spin_unlock(&bucket->lock);
	return !ret;
}

static void expect_kinds(struct kunit *test, struct shmbuf_buffer *buffer, const u8 *kinds)
{
	u32 i, kind;

	for (i = 0; i < NR_OBJECTS; i++) {
		for (kind = SHMBUF_KIND_LOCK; kind <= SHMBUF_KIND_BARRIER; kind++)
			KUNIT_ASSERT_EQ_MSG(test, is_of_kind(buffer, i, kind), kinds[i] == kind,
					    "object %u, kind %u", i, kind);
	}
}

static bool all_are(const u8 *kinds, u32 count, bool none)
{
	while (count && !kinds[count - 1] == none)
		count--;
	return !count;
}

/* By random ranges: what is free is given a kind, what has one is reset, all or none. */
static void kinds(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = create(test, file);
	u8 *kinds = kunit_kzalloc(test, NR_OBJECTS, GFP_KERNEL);
	struct shmbuf_init args;
	struct rnd_state rnd;
	u32 first, count, kind;
	bool init;
	int step;

	KUNIT_ASSERT_NOT_NULL(test, kinds);
	prandom_seed_state(&rnd, 1);
	for (step = 0; step < STEPS; step++) {
		first = prandom_u32_state(&rnd) % NR_OBJECTS;
		count = 1 + prandom_u32_state(&rnd) % min(24U, NR_OBJECTS - first);
		kind = SHMBUF_KIND_LOCK + prandom_u32_state(&rnd) % SHMBUF_KIND_BARRIER;
		init = prandom_u32_state(&rnd) % 2;
		args = (struct shmbuf_init){
			.size = sizeof(args),
			.range = { .first = first, .count = count },
		};
		if (init) {
			args.range.kind = kind;
			args.range.value = kind == SHMBUF_KIND_BARRIER;
			KUNIT_ASSERT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_INIT, &args),
					all_are(kinds + first, count, true) ? 0 : -EEXIST);
			if (all_are(kinds + first, count, true))
				memset(kinds + first, kind, count);
		} else {
			KUNIT_ASSERT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_RESET, &args),
					all_are(kinds + first, count, false) ? 0 : -EINVAL);
			if (all_are(kinds + first, count, false))
				memset(kinds + first, 0, count);
		}
		expect_kinds(test, buffer, kinds);
	}
}

static struct kunit_case object_cases[] = {
	KUNIT_CASE(kinds),
	{}
};

static struct kunit_suite object_suite = {
	.name = "shmbuf_object",
	.init = scene_init,
	.test_cases = object_cases,
};

kunit_test_suite(object_suite);
