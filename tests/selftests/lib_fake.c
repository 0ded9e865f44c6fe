// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library with the device fake, which needs no module: its promises, and what
 * only a fake can show: which calls it makes, and what it does when they fail.
 */
#define LIB_FAKE
#include "../../userspace/lib/fake.h"
#include "../../userspace/lib/internal.h"

#include "lib_api.h"

#define CALLS(command)	(shmbuf_fake()->calls[_IOC_NR(SHMBUF_IOC_##command)])
#define FAIL(command, error_)	\
	(shmbuf_fake()->error[_IOC_NR(SHMBUF_IOC_##command)] = (error_))

static __u64 *words(struct shmbuf *b)
{
	return shmbuf_word(b, 0);
}

static void stride_of_24(struct shmbuf_query *q)
{
	q->object_stride = 24;
}

static void stride_of_4(struct shmbuf_query *q)
{
	q->object_stride = 4;
}

static void stride_of_0(struct shmbuf_query *q)
{
	q->object_stride = 0;
}

static void crooked_words(struct shmbuf_query *q)
{
	q->object_offset += 4;
}

static void words_beyond_the_area(struct shmbuf_query *q)
{
	q->object_offset = 1U << 30;
}

static void more_words_than_room(struct shmbuf_query *q)
{
	q->nr_objects = 1U << 30;
}

/* Programs have the way to a word compiled in: no buffer whose words are elsewhere is used. */
TEST_F(api, unknown_layouts)
{
	void (*const strange[])(struct shmbuf_query *q) = {
		stride_of_24, stride_of_4, stride_of_0, crooked_words, words_beyond_the_area,
		more_words_than_room,
	};
	struct shmbuf *b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strange); i++) {
		shmbuf_fake()->queried = strange[i];
		EXPECT_EQ(-EPROTONOSUPPORT, shmbuf_from_fd(&b, shmbuf_fd(self->b)))
			TH_LOG("%zu", i);
	}
	shmbuf_fake()->queried = NULL;
	ASSERT_EQ(0, shmbuf_from_fd(&b, shmbuf_fd(self->b)));
	shmbuf_close(b);
}

TEST_F(api, node_errors)
{
	struct shmbuf *b = NULL;

	shmbuf_fake()->open_error = ENODEV;
	EXPECT_EQ(-ENODEV, shmbuf_create(&b, NULL, 1, NULL));
	EXPECT_EQ(-ENODEV, shmbuf_open(&b, "x", 0));
	EXPECT_EQ(-ENODEV, shmbuf_unlink("x"));
	EXPECT_EQ(-ENODEV, shmbuf_query(NULL, &(struct shmbuf_info) {}));
	shmbuf_fake()->open_error = 0;
	shmbuf_fake()->abi_version = SHMBUF_ABI_OLDEST - 1;
	EXPECT_EQ(-EPROTONOSUPPORT, shmbuf_create(&b, NULL, 1, NULL));
	EXPECT_EQ(-EPROTONOSUPPORT, shmbuf_from_fd(&b, shmbuf_fd(self->b)));
	shmbuf_fake()->abi_version = SHMBUF_ABI_OLDEST;
	ASSERT_EQ(0, shmbuf_create(&b, NULL, 1, NULL));
	shmbuf_close(b);
	b = NULL;
	shmbuf_fake()->abi_version = SHMBUF_ABI_VERSION;
	FAIL(CREATE, ENOTTY);
	EXPECT_EQ(-EPROTONOSUPPORT, shmbuf_create(&b, NULL, 1, NULL));
	EXPECT_EQ(NULL, b);
}

/* A name that a failed creation made doesn't stay behind. */
TEST(create_undone)
{
	struct shmbuf_options o = { .flags = SHMBUF_PERSIST };
	struct shmbuf *b;

	FAIL(QUERY, ENOMEM);
	EXPECT_EQ(-ENOMEM, shmbuf_create(&b, "undone", 1, &o));
	EXPECT_EQ(-ENOENT, shmbuf_open(&b, "undone", 0));
	ASSERT_EQ(0, shmbuf_create(&b, "kept", 1, &o));
	shmbuf_close(b);
	FAIL(QUERY, ENOMEM);
	EXPECT_EQ(-ENOMEM, shmbuf_create(&b, "kept", 1, &o));
	EXPECT_EQ(0, shmbuf_open(&b, "kept", 0));
	shmbuf_close(b);
}

TEST_F(api, no_call_without_contention)
{
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, shmbuf_lock(self->b, 0));
		ASSERT_EQ(0, shmbuf_unlock(self->b, 0));
		ASSERT_EQ(0, shmbuf_trylock(self->b, 0));
		ASSERT_EQ(0, shmbuf_unlock(self->b, 0));
		ASSERT_EQ(0, shmbuf_wake(self->b, QUEUE, 1));
		ASSERT_EQ(0, shmbuf_wait(self->b, QUEUE, ~0ULL, NULL));
		ASSERT_EQ(self->page, shmbuf_size(self->b));
	}
	EXPECT_EQ(1, CALLS(REGISTER));
	EXPECT_EQ(0, CALLS(LOCK) + CALLS(UNLOCK) + CALLS(WAIT) + CALLS(WAKE));
	EXPECT_EQ(1, CALLS(QUERY));
	shmbuf_lock(self->b, 0);
	EXPECT_EQ(-EBUSY, shmbuf_trylock(self->b, 0));
	EXPECT_EQ(1, CALLS(LOCK));
}

TEST_F(api, interrupted_calls)
{
	FAIL(REGISTER, EINTR);
	ASSERT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(2, CALLS(REGISTER));
	words(self->b)[0] |= SHMBUF_WORD_WAITERS;
	FAIL(UNLOCK, EINTR);
	EXPECT_EQ(0, shmbuf_unlock(self->b, 0));
	EXPECT_EQ(2, CALLS(UNLOCK));
	words(self->b)[0] |= SHMBUF_WORD_WAITERS;
	FAIL(LOCK, EINTR);
	EXPECT_EQ(-EINTR, shmbuf_lock_flags(self->b, 0, SHMBUF_INTERRUPTIBLE, NULL));
	FAIL(LOCK, EINTR);
	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
	EXPECT_EQ(3, CALLS(LOCK));
}

/* The flag of a word is no part of the sequence. */
TEST_F(api, sequence_while_somebody_waits)
{
	__u64 *word = shmbuf_word(self->b, QUEUE);

	ASSERT_EQ(0, shmbuf_wake(self->b, QUEUE, 1));
	__atomic_fetch_or(word, SHMBUF_WORD_WAITERS, __ATOMIC_RELAXED);
	EXPECT_EQ(1, shmbuf_sequence(self->b, QUEUE));
	EXPECT_EQ(0, shmbuf_wake(self->b, QUEUE, 1));
	EXPECT_EQ(1, CALLS(WAKE));
	EXPECT_EQ(2, shmbuf_sequence(self->b, QUEUE));
}

/* No more ids than the kernel gives; nothing is left of a failed attempt. */
TEST_F(api, register_fails)
{
	FAIL(REGISTER, EDQUOT);
	EXPECT_EQ(-EDQUOT, shmbuf_lock(self->b, 0));
	EXPECT_EQ(0, words(self->b)[0]);
	EXPECT_EQ(0, shmbuf_lock(self->b, 0));
}

static void *lock_and_end(void *argument)
{
	CHECK(!shmbuf_lock(argument, 0));
	CHECK(!shmbuf_unlock(argument, 0));
	return NULL;
}

TEST_F(api, thread_end_unregisters)
{
	run_thread(lock_and_end, self->b);
	EXPECT_EQ(1, CALLS(REGISTER));
	EXPECT_EQ(1, CALLS(UNREGISTER));
}

/* Once for each handle and process, however often it is asked for. */
TEST_F(api, join)
{
	struct timespec past = {};
	pid_t pid;

	FAIL(REGISTER, EDQUOT);
	EXPECT_EQ(-EDQUOT, shmbuf_join(self->b));
	FAIL(REGISTER, EINTR);
	ASSERT_EQ(0, shmbuf_join(self->b));
	EXPECT_EQ(3, CALLS(REGISTER));
	ASSERT_EQ(0, shmbuf_join(self->b));
	EXPECT_EQ(3, CALLS(REGISTER));
	EXPECT_EQ(-EPIPE, shmbuf_wait_peers(self->b, QUEUE, 0, &past, UINT64_MAX));
	pid = spawn();
	if (!pid) {
		CHECK(shmbuf_wait_peers(self->b, QUEUE, 0, &past, UINT64_MAX) == -ETIMEDOUT);
		CHECK(!shmbuf_join(self->b));
		CHECK(CALLS(REGISTER) == 4);
		for (;;)
			pause();
	}
	UNTIL(shmbuf_wait_peers(self->b, QUEUE, 0, &past, 0) == -ETIMEDOUT);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_EQ(-EOWNERDEAD, shmbuf_wait_peers(self->b, QUEUE, 0, &past, 0));
	EXPECT_EQ(0, CALLS(UNREGISTER));
	shmbuf_close(self->b);
	EXPECT_EQ(1, CALLS(UNREGISTER));
	self->b = NULL;
}

static struct shmbuf *shared_handle;
static pthread_barrier_t barrier;

static void *lock_outlive(void *argument)
{
	lock_and_end(shared_handle);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return argument;
}

/* A closed handle's fd may be something else by the thread's end. */
TEST(close_before_thread_end)
{
	struct shmbuf_options o = { .nr_locks = 1 };
	struct shmbuf *old, *new;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	ASSERT_EQ(0, shmbuf_create(&shared_handle, NULL, 1, &o));
	old = shared_handle;
	ASSERT_EQ(0, pthread_create(&thread, NULL, lock_outlive, NULL));
	pthread_barrier_wait(&barrier);
	shmbuf_close(old);
	ASSERT_EQ(0, shmbuf_create(&new, NULL, 1, &o));
	EXPECT_EQ(old, new);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, CALLS(UNREGISTER));
	EXPECT_EQ(1, CALLS(REGISTER));
	EXPECT_EQ(0, shmbuf_lock(new, 0));
	EXPECT_EQ(2, CALLS(REGISTER));
	shmbuf_close(new);
	EXPECT_EQ(1, CALLS(UNREGISTER));
}

static void *close_shared(void *argument)
{
	shmbuf_close(shared_handle);
	return argument;
}

static void close_by_another(void)
{
	run_thread(close_shared, NULL);
}

/* How many mappings of handles the process has. */
static int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	int nr = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		nr += !!strstr(line, "memfd:shmbuf-fake");
	fclose(f);
	return nr;
}

/* A row that comes when its handle has gone is nobody's to unmap later: it goes at once. */
TEST(closed_while_a_row_is_mapped)
{
	struct shmbuf_options o = { .nr_locks = 1 };

	ASSERT_EQ(0, shmbuf_create(&shared_handle, NULL, 1, &o));
	EXPECT_LT(0, mappings());
	shmbuf_fake()->row_mapped = close_by_another;
	EXPECT_EQ(-EBADF, shmbuf_rdlock(shared_handle, 0));
	EXPECT_EQ(NULL, shmbuf_fake()->row_mapped);
	EXPECT_EQ(0, mappings());
}

TEST_F(api, handle_in_the_same_place)
{
	struct shmbuf_options o = { .nr_locks = 1 };
	struct shmbuf *a, *b;

	ASSERT_EQ(0, shmbuf_create(&a, NULL, 1, &o));
	ASSERT_EQ(0, shmbuf_lock(a, 0));
	shmbuf_close(a);
	ASSERT_EQ(0, shmbuf_create(&b, NULL, 1, &o));
	ASSERT_EQ(a, b);
	EXPECT_EQ(-EPERM, shmbuf_unlock(b, 0));
	EXPECT_EQ(0, shmbuf_lock(b, 0));
	EXPECT_EQ(2, CALLS(REGISTER));
	shmbuf_close(b);
}

/* Whatever stands in the control area, each call ends, and nothing crashes. */
TEST_F(api, hostile_control_area)
{
	struct timespec past = {};
	struct shmbuf_control *control = (void *)((char *)words(self->b) - sizeof(*control));
	__u64 *all = (__u64 *)control;
	size_t size = sizeof(*control) + 8 * 64;
	unsigned int seed = 1, round;
	size_t i;

	for (round = 0; round < 2000; round++) {
		for (i = 0; i < size / sizeof(*all); i++)
			__atomic_store_n(&all[i], (__u64)rand_r(&seed) << 33 ^
					 (__u64)rand_r(&seed) << 11 ^ (round & 1),
					 __ATOMIC_RELAXED);
		shmbuf_timedlock(self->b, round % 8, &past);
		shmbuf_trylock(self->b, round % 8);
		shmbuf_unlock(self->b, round % 8);
		shmbuf_consistent(self->b, round % 8);
		shmbuf_wake(self->b, QUEUE, 1);
		shmbuf_wait(self->b, QUEUE, shmbuf_sequence(self->b, QUEUE), &past);
		ASSERT_EQ(self->page, shmbuf_size(self->b));
	}
	/* A hint that is wrong once is asked about once. */
	round = CALLS(QUERY);
	shmbuf_size(self->b);
	shmbuf_size(self->b);
	EXPECT_EQ(round, CALLS(QUERY));
}

TEST_F(api, grow_cannot_map)
{
	struct shmbuf *other;

	ASSERT_EQ(0, shmbuf_from_fd(&other, shmbuf_fd(self->b)));
	ASSERT_EQ(0, shmbuf_grow(other, 2 * self->page));
	FAIL(QUERY, ENOMEM);
	EXPECT_EQ(self->page, shmbuf_size(self->b));
	EXPECT_EQ(2 * self->page, shmbuf_size(self->b));
	shmbuf_close(other);
}

TEST_F(api, calls_that_the_fake_does_not_know)
{
	struct shmbuf_any any = { .b = self->b, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE };
	struct shmbuf_moved_queue moved;
	struct shmbuf_owner_info info;
	struct shmbuf_listing listing;
	struct shmbuf_object object;
	struct shmbuf_stats stats;
	struct shmbuf_death death;

	EXPECT_EQ(-ENOTTY, shmbuf_wait_any(&any, 1, NULL, NULL));
	EXPECT_EQ(-ENOTTY, shmbuf_watch(self->b, QUEUE, 0));
	EXPECT_EQ(-ENOTTY, shmbuf_moved(self->b, &moved, 1));
	EXPECT_EQ(-ENOTTY, shmbuf_owner_info(self->b, 0, &info, NULL, 0));
	EXPECT_EQ(-ENOTTY, shmbuf_deaths(self->b, &death, 1, 0));
	EXPECT_EQ(-ENOTTY, shmbuf_stats(self->b, &stats));
	EXPECT_EQ(-EPROTONOSUPPORT, shmbuf_list(&listing, 1, 0));
	EXPECT_EQ(-ENOTTY, shmbuf_objects(self->b, 0, &object, 1));
	EXPECT_EQ(-ENOTTY, shmbuf_waiters(self->b, 0, NULL, 0));
	EXPECT_EQ(-ENOTTY, shmbuf_recover(self->b, 0, 1));
	/* The device wasn't there, or gave an error: as with every call that opens it. */
	shmbuf_fake()->open_error = ENODEV;
	EXPECT_EQ(-ENODEV, shmbuf_list(&listing, 1, 0));
	shmbuf_fake()->open_error = 0;
	FAIL(LIST, ENOMEM);
	EXPECT_EQ(-ENOMEM, shmbuf_list(&listing, 1, 0));
	FAIL(STATS, EINTR);
	EXPECT_EQ(-EINTR, shmbuf_stats(self->b, &stats));
}

TEST_HARNESS_MAIN
