// SPDX-License-Identifier: GPL-2.0-only
/* Quotas: what users are charged, the limits, and that all is given back. */
#include <kunit/test.h>

#include <linux/err.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include <linux/shmbuf.h>

#include "buffer.h"
#include "scene.h"
#include "user.h"

#define SOMEBODY	4242
#define ELSE		4243

static const char * const parameters[SHMBUF_NR_QUOTAS] = {
	[SHMBUF_QUOTA_BYTES] = "max_user_bytes",
	[SHMBUF_QUOTA_BUFFERS] = "max_user_buffers",
	[SHMBUF_QUOTA_OBJECTS] = "max_user_objects",
	[SHMBUF_QUOTA_OWNERS] = "max_user_owners",
	[SHMBUF_QUOTA_WAITERS] = "max_user_waiters",
	[SHMBUF_QUOTA_CLAIMS] = "max_user_claims",
};

static void user_put(void *user)
{
	shmbuf_user_put(user);
}

static struct shmbuf_user *user_of(struct kunit *test, uid_t uid)
{
	const struct cred *old = scene_enter_user(test, uid, uid);
	struct shmbuf_user *user = shmbuf_user_get_current();

	scene_leave_user(old);
	KUNIT_ASSERT_NOT_NULL(test, user);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, user_put, user), 0);
	return user;
}

/* @user is charged @n of the quota's limit, and not one more or less. */
static bool user_has(struct shmbuf_user *user, enum shmbuf_quota quota, u64 n)
{
	u64 left = shmbuf_user_limit(quota) - n;

	if (shmbuf_user_charge(user, quota, left))
		return false;
	if (shmbuf_user_charge(user, quota, 1) != -EDQUOT) {
		shmbuf_user_uncharge(user, quota, left + 1);
		return false;
	}
	shmbuf_user_uncharge(user, quota, left);
	return true;
}

static void nothing_but(struct kunit *test, struct shmbuf_user *user, enum shmbuf_quota quota,
			u64 n)
{
	int i;

	for (i = 0; i < SHMBUF_NR_QUOTAS; i++)
		KUNIT_EXPECT_TRUE_MSG(test, user_has(user, i, i == quota ? n : 0),
				      "after %llu of %s: %s", n, parameters[quota], parameters[i]);
}

/* Each quota has a limit of its own, which is met to the last one. */
static void up_to_the_limit(struct kunit *test)
{
	struct shmbuf_user *user = user_of(test, SOMEBODY);
	int quota;

	for (quota = 0; quota < SHMBUF_NR_QUOTAS; quota++) {
		scene_set_parameter(test, parameters[quota], 1000 + quota);
		KUNIT_EXPECT_EQ(test, shmbuf_user_limit(quota), 1000 + quota);
	}
	for (quota = 0; quota < SHMBUF_NR_QUOTAS; quota++) {
		KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, 1001 + quota), -EDQUOT);
		KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, 1000 + quota), 0);
		KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, 1), -EDQUOT);
		nothing_but(test, user, quota, 1000 + quota);
		shmbuf_user_uncharge(user, quota, 1000 + quota);
		nothing_but(test, user, quota, 0);
	}
	KUNIT_EXPECT_EQ(test, shmbuf_user_limit(SHMBUF_NR_QUOTAS), 0);
}

/* No number is so large that the sum becomes small. */
static void no_overflow(struct kunit *test)
{
	static const u64 large[] = { ~0ULL, ~0ULL - 9, 1ULL << 63, (1ULL << 63) - 1 };
	struct shmbuf_user *user = user_of(test, SOMEBODY);
	int quota, i;

	for (quota = 0; quota < SHMBUF_NR_QUOTAS; quota++) {
		KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, 10), 0);
		for (i = 0; i < ARRAY_SIZE(large); i++)
			KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, large[i]), -EDQUOT);
		nothing_but(test, user, quota, 10);
		shmbuf_user_uncharge(user, quota, 10);
	}
}

/* Who has more than a limit that was lowered since gets no more, until he has less. */
static void lowered(struct kunit *test)
{
	struct shmbuf_user *user = user_of(test, SOMEBODY);
	int quota;

	for (quota = 0; quota < SHMBUF_NR_QUOTAS; quota++) {
		KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, 100), 0);
		scene_set_parameter(test, parameters[quota], 50);
		KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, 1), -EDQUOT);
		shmbuf_user_uncharge(user, quota, 50);
		KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, 1), -EDQUOT);
		shmbuf_user_uncharge(user, quota, 1);
		KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, quota, 1), 0);
		shmbuf_user_uncharge(user, quota, 50);
		KUNIT_EXPECT_TRUE(test, user_has(user, quota, 0));
	}
}

/* One user is one, whoever asks; another one's charge is another's. */
static void by_user(struct kunit *test)
{
	struct shmbuf_user *user = user_of(test, SOMEBODY), *same = user_of(test, SOMEBODY);
	struct shmbuf_user *other = user_of(test, ELSE), *caller;
	const struct cred *old;

	KUNIT_EXPECT_PTR_EQ(test, user, same);
	KUNIT_EXPECT_PTR_NE(test, user, other);
	KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, SHMBUF_QUOTA_OWNERS, 7), 0);
	KUNIT_EXPECT_TRUE(test, user_has(same, SHMBUF_QUOTA_OWNERS, 7));
	KUNIT_EXPECT_TRUE(test, user_has(other, SHMBUF_QUOTA_OWNERS, 0));
	shmbuf_user_uncharge(user, SHMBUF_QUOTA_OWNERS, 7);

	old = scene_enter_user(test, ELSE, ELSE);
	caller = shmbuf_user_get_caller(user);
	KUNIT_EXPECT_PTR_EQ(test, caller, other);
	shmbuf_user_put(caller);
	caller = shmbuf_user_get_caller(other);
	KUNIT_EXPECT_PTR_EQ(test, caller, other);
	shmbuf_user_put(caller);
	scene_leave_user(old);
}

static void nobody_has_any(struct kunit *test)
{
	scene_set_parameter(test, "max_user_bytes", shmbuf_total_limit());
	scene_wait_unused(test, SHMBUF_QUOTA_BYTES);
}

/* All users together: who is refused for their sake isn't charged. */
static void total(struct kunit *test)
{
	struct shmbuf_user *user = user_of(test, SOMEBODY), *other = user_of(test, ELSE);

	nobody_has_any(test);
	scene_set_parameter(test, "max_user_bytes", 100);
	scene_set_parameter(test, "max_total_bytes", 150);
	KUNIT_EXPECT_EQ(test, shmbuf_total_limit(), 150);
	KUNIT_ASSERT_EQ(test, shmbuf_user_charge(user, SHMBUF_QUOTA_BYTES, 100), 0);
	KUNIT_EXPECT_EQ(test, shmbuf_user_charge(other, SHMBUF_QUOTA_BYTES, 51), -ENOSPC);
	KUNIT_EXPECT_EQ(test, shmbuf_user_charge(other, SHMBUF_QUOTA_BYTES, 101), -EDQUOT);
	KUNIT_EXPECT_EQ(test, shmbuf_user_charge(other, SHMBUF_QUOTA_BYTES, 50), 0);
	shmbuf_user_uncharge(user, SHMBUF_QUOTA_BYTES, 50);
	KUNIT_EXPECT_EQ(test, shmbuf_user_charge(other, SHMBUF_QUOTA_BYTES, 50), 0);
	KUNIT_EXPECT_EQ(test, shmbuf_user_charge(user, SHMBUF_QUOTA_BYTES, 1), -ENOSPC);
	shmbuf_user_uncharge(user, SHMBUF_QUOTA_BYTES, 50);
	shmbuf_user_uncharge(other, SHMBUF_QUOTA_BYTES, 100);
	KUNIT_EXPECT_TRUE(test, user_has(user, SHMBUF_QUOTA_BYTES, 0));
	KUNIT_EXPECT_TRUE(test, user_has(other, SHMBUF_QUOTA_BYTES, 0));
}

static const struct shmbuf_create two_pages = {
	.size = sizeof(two_pages),
	.data_size = PAGE_SIZE + 1,
	.max_size = 4 * PAGE_SIZE,
	.nr_objects = 5,
};

/* A buffer costs a buffer, its objects and its whole pages; growing it the more. */
static void of_a_buffer(struct kunit *test)
{
	struct shmbuf_user *user = user_of(test, SOMEBODY);
	struct shmbuf_buffer *buffer = shmbuf_buffer_create(&two_pages, user);

	KUNIT_ASSERT_FALSE(test, IS_ERR(buffer));
	KUNIT_EXPECT_TRUE(test, user_has(user, SHMBUF_QUOTA_BUFFERS, 1));
	KUNIT_EXPECT_TRUE(test, user_has(user, SHMBUF_QUOTA_OBJECTS, 5));
	KUNIT_EXPECT_TRUE(test, user_has(user, SHMBUF_QUOTA_BYTES, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, shmbuf_buffer_grow(buffer, 3 * PAGE_SIZE), 0);
	KUNIT_EXPECT_TRUE(test, user_has(user, SHMBUF_QUOTA_BYTES, 3 * PAGE_SIZE));
	scene_set_parameter(test, "max_user_bytes", 4 * PAGE_SIZE - 1);
	KUNIT_EXPECT_EQ(test, shmbuf_buffer_grow(buffer, 4 * PAGE_SIZE), -EDQUOT);
	KUNIT_EXPECT_TRUE(test, user_has(user, SHMBUF_QUOTA_BYTES, 3 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, READ_ONCE(buffer->data_size), 3 * PAGE_SIZE);
	shmbuf_buffer_put(buffer);
	flush_delayed_fput();
	nothing_but(test, user, SHMBUF_QUOTA_BUFFERS, 0);
}

/* Where one of its limits is met, the others aren't charged. */
static void of_no_buffer(struct kunit *test)
{
	static const struct {
		const char *parameter;
		u64 enough;
		int ret;
	} limits[] = {
		{ "max_user_buffers", 1, -EDQUOT }, { "max_user_objects", 5, -EDQUOT },
		{ "max_user_bytes", 2 * PAGE_SIZE, -EDQUOT },
		{ "max_total_bytes", 2 * PAGE_SIZE, -ENOSPC },
	};
	struct shmbuf_user *user = user_of(test, SOMEBODY);
	struct shmbuf_buffer *buffer;
	int i;

	nobody_has_any(test);
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		scene_set_parameter(test, limits[i].parameter, limits[i].enough - 1);
		buffer = shmbuf_buffer_create(&two_pages, user);
		KUNIT_ASSERT_TRUE(test, IS_ERR(buffer));
		KUNIT_EXPECT_EQ(test, PTR_ERR(buffer), limits[i].ret);
		flush_delayed_fput();
		scene_set_parameter(test, limits[i].parameter, limits[i].enough);
		nothing_but(test, user, SHMBUF_QUOTA_BUFFERS, 0);
	}
	buffer = shmbuf_buffer_create(&two_pages, user);
	KUNIT_ASSERT_FALSE(test, IS_ERR(buffer));
	shmbuf_buffer_put(buffer);
}

/* What racing threads have together, and the most that it ever was. */
struct race {
	struct shmbuf_user *user;
	atomic_t has;
	atomic_t most;
	atomic_t running;
};

#define RACERS	4
#define RACES	2000

static int racer(void *arg)
{
	struct race *race = arg;
	int i, has, most;

	for (i = 0; i < RACES; i++) {
		if (shmbuf_user_charge(race->user, SHMBUF_QUOTA_CLAIMS, 1))
			continue;
		has = atomic_inc_return(&race->has);
		most = atomic_read(&race->most);
		while (has > most && !atomic_try_cmpxchg(&race->most, &most, has))
			;
		if (i % 7 == 0)
			schedule();
		atomic_dec(&race->has);
		shmbuf_user_uncharge(race->user, SHMBUF_QUOTA_CLAIMS, 1);
	}
	atomic_dec(&race->running);
	return 0;
}

/* However many charge at once, the limit isn't passed and the sum comes out right. */
static void races(struct kunit *test)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	struct task_struct *tasks[RACERS];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, race);
	race->user = user_of(test, SOMEBODY);
	scene_set_parameter(test, "max_user_claims", RACERS - 1);
	for (i = 0; i < RACERS; i++) {
		tasks[i] = kthread_create(racer, race, "shmbuf_racer");
		KUNIT_ASSERT_FALSE(test, IS_ERR(tasks[i]));
		get_task_struct(tasks[i]);
	}
	atomic_set(&race->running, RACERS);
	for (i = 0; i < RACERS; i++)
		wake_up_process(tasks[i]);
	while (atomic_read(&race->running))
		schedule_timeout_uninterruptible(1);
	for (i = 0; i < RACERS; i++) {
		kthread_stop(tasks[i]);
		put_task_struct(tasks[i]);
	}
	KUNIT_EXPECT_GT(test, atomic_read(&race->most), 0);
	KUNIT_EXPECT_LT(test, atomic_read(&race->most), RACERS);
	KUNIT_EXPECT_TRUE(test, user_has(race->user, SHMBUF_QUOTA_CLAIMS, 0));
}

static struct kunit_case user_cases[] = {
	KUNIT_CASE(up_to_the_limit),
	KUNIT_CASE(no_overflow),
	KUNIT_CASE(lowered),
	KUNIT_CASE(by_user),
	KUNIT_CASE(total),
	KUNIT_CASE(of_a_buffer),
	KUNIT_CASE(of_no_buffer),
	KUNIT_CASE(races),
	{}
};

static struct kunit_suite user_suite = {
	.name = "shmbuf_user",
	.test_cases = user_cases,
};

kunit_test_suite(user_suite);
