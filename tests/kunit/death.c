// SPDX-License-Identifier: GPL-2.0-only
/* The scan for the dead: what it finds, what it makes of their words, and what is known after. */
#include <kunit/test.h>

#include <linux/err.h>
#include <linux/file.h>
#include <linux/rcupdate.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "death.h"
#include "handle.h"
#include "owner.h"
#include "scene.h"

#define NR_LOCKS 200

static u64 word(struct shmbuf_buffer *buffer, u32 index)
{
	return atomic64_read(shmbuf_word(buffer, index));
}

static void set(struct shmbuf_buffer *buffer, u32 index, u64 word)
{
	atomic64_set(shmbuf_word(buffer, index), word);
}

static u64 deaths(struct shmbuf_buffer *buffer)
{
	u64 sequence = word(buffer, SHMBUF_INDEX_DEATHS) & SHMBUF_SEQUENCE_MASK;

	return sequence == READ_ONCE(buffer->nr_deaths) ? sequence : ~0ULL;
}

/* @id is dead, and its slot free again. */
static bool is_buried(struct shmbuf_buffer *buffer, u64 id)
{
	return !shmbuf_owner_alive(buffer, id) &&
	       !xa_load(&buffer->owners, id & SHMBUF_OWNER_SLOT_MASK);
}

/* The thread just isn't there any more: whoever looks finds it out, once. */
static void without_a_word(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 2);
	struct scene_thread *thread = scene_thread(test, file, 0);
	struct shmbuf_death death;

	set(buffer, 0, thread->id);
	KUNIT_EXPECT_FALSE(test, shmbuf_owners_find_dead(buffer));
	scene_thread_end(thread);
	KUNIT_EXPECT_EQ(test, word(buffer, 0), thread->id);
	KUNIT_EXPECT_TRUE(test, shmbuf_owners_find_dead(buffer));
	KUNIT_EXPECT_FALSE(test, shmbuf_owners_find_dead(buffer));
	KUNIT_EXPECT_EQ(test, deaths(buffer), 1);
	KUNIT_EXPECT_FALSE(test, is_buried(buffer, thread->id));
	shmbuf_owners_reap(buffer);
	KUNIT_EXPECT_EQ(test, word(buffer, 0), SHMBUF_WORD_OWNER_DIED);
	KUNIT_EXPECT_EQ(test, word(buffer, 1), 0);
	KUNIT_EXPECT_TRUE(test, is_buried(buffer, thread->id));
	KUNIT_EXPECT_EQ(test, shmbuf_death_holder(buffer, 0), thread->id);
	KUNIT_EXPECT_EQ(test, shmbuf_death_holder(buffer, 1), 0);

	KUNIT_ASSERT_TRUE(test, shmbuf_death_find(buffer, thread->id, &death));
	KUNIT_EXPECT_EQ(test, death.sequence, 1);
	KUNIT_EXPECT_EQ(test, death.owner, thread->id);
	/* It has been collected: nobody can tell. */
	KUNIT_EXPECT_EQ(test, death.how, SHMBUF_DEATH_UNKNOWN);
	KUNIT_EXPECT_EQ(test, death.flags, SHMBUF_DEATH_OF_PROCESS);
	KUNIT_EXPECT_STREQ(test, death.comm, "shmbuf_scene");
}

/* The end of an address space is told, and buried before its thread is gone. */
static void with_its_memory(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 2);
	struct scene_thread *thread;
	struct shmbuf_death death;

	if (!IS_ENABLED(CONFIG_MMU_NOTIFIER))
		kunit_skip(test, "this kernel has no MMU notifiers");
	thread = scene_thread(test, file, SCENE_OWN_MM);
	set(buffer, 1, thread->id | SHMBUF_WORD_READERS);
	scene_thread_end(thread);
	KUNIT_EXPECT_EQ(test, deaths(buffer), 1);
	KUNIT_EXPECT_TRUE(test, is_buried(buffer, thread->id));
	KUNIT_EXPECT_EQ(test, word(buffer, 1), SHMBUF_WORD_OWNER_DIED | SHMBUF_WORD_READERS);
	KUNIT_ASSERT_TRUE(test, shmbuf_death_find(buffer, thread->id, &death));
	KUNIT_EXPECT_EQ(test, death.how, SHMBUF_DEATH_EXIT);
	KUNIT_EXPECT_EQ(test, death.code, 0);
}

/* What stands in a lock's word, and what the scan leaves of it. */
struct scanned {
	u64 before;
	u64 after;
};

/* Of all locks those of the dead are changed, once and in one way. */
static void scan(struct kunit *test)
{
	const u64 died = SHMBUF_WORD_OWNER_DIED;
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, NR_LOCKS);
	struct scene_thread *thread = scene_thread(test, file, 0);
	u64 dead = thread->id, mine = scene_register(test, file, false);
	u64 stale = mine + (1ULL << SHMBUF_OWNER_SLOT_BITS);
	struct scanned words[] = {
		{ 0, 0 }, { dead, died }, { mine, mine }, { died, died },
		{ dead | died, died }, { mine | died, mine | died },
		{ SHMBUF_WORD_READERS, SHMBUF_WORD_READERS },
		{ dead | SHMBUF_WORD_READERS, died | SHMBUF_WORD_READERS },
		{ SHMBUF_WORD_NOTRECOVERABLE, SHMBUF_WORD_NOTRECOVERABLE },
		/* Nobody waits. */
		{ dead | SHMBUF_WORD_WAITERS, died },
		/* A peer's: an id of another generation, of no slot at all. */
		{ stale, died }, { SHMBUF_OWNER_MASK, died },
	};
	int i;

	for (i = 0; i < NR_LOCKS; i++)
		set(buffer, i, words[i % ARRAY_SIZE(words)].before);
	scene_thread_end(thread);
	KUNIT_EXPECT_TRUE(test, shmbuf_owners_find_dead(buffer));
	shmbuf_owners_reap(buffer);
	for (i = 0; i < NR_LOCKS; i++)
		KUNIT_EXPECT_EQ_MSG(test, word(buffer, i), words[i % ARRAY_SIZE(words)].after,
				    "lock %d, which was %llx", i,
				    words[i % ARRAY_SIZE(words)].before);
	/* An id that nobody had is not told of as a dead holder. */
	for (i = NR_LOCKS - ARRAY_SIZE(words); i < NR_LOCKS; i++)
		KUNIT_EXPECT_TRUE(test, shmbuf_death_holder(buffer, i) != stale);
}

/* However many free locks lie between, before and behind. */
static void scan_far(struct kunit *test)
{
	/* Each is the first behind a batch that has none, as far as batches are of 4096. */
	static const u32 held[] = { 4096, 4096 + 4097, 4096 + 2 * 4097, 19999 };
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 20000);
	struct scene_thread *thread = scene_thread(test, file, 0);
	u32 i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(held); i++)
		set(buffer, held[i], thread->id);
	scene_thread_end(thread);
	KUNIT_EXPECT_TRUE(test, shmbuf_owners_find_dead(buffer));
	shmbuf_owners_reap(buffer);
	for (i = 0; i < 20000; i++)
		nr += !!word(buffer, i);
	KUNIT_EXPECT_EQ(test, nr, ARRAY_SIZE(held));
	for (i = 0; i < ARRAY_SIZE(held); i++)
		KUNIT_EXPECT_EQ_MSG(test, word(buffer, held[i]), SHMBUF_WORD_OWNER_DIED,
				    "lock %u", held[i]);
}

/* Words of other kinds are numbers, whatever ids they look like. */
static void other_kinds(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_create create = {
		.size = sizeof(create), .data_size = PAGE_SIZE, .nr_objects = 8,
	};
	struct shmbuf_init init = { .size = sizeof(init), .range = { .count = 2, .value = 1 } };
	struct scene_thread *thread;
	struct shmbuf_buffer *buffer;
	int i;

	KUNIT_ASSERT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_CREATE, &create), 0);
	buffer = shmbuf_handle(file)->buffer;
	for (i = SHMBUF_KIND_QUEUE; i <= SHMBUF_KIND_BARRIER; i++) {
		init.range.first = 2 * (i - SHMBUF_KIND_QUEUE);
		init.range.kind = i;
		KUNIT_ASSERT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_INIT, &init), 0);
	}
	thread = scene_thread(test, file, 0);
	for (i = 0; i < 8; i++)
		set(buffer, i, thread->id);
	scene_thread_end(thread);
	KUNIT_EXPECT_TRUE(test, shmbuf_owners_find_dead(buffer));
	shmbuf_owners_reap(buffer);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ_MSG(test, word(buffer, i), thread->id, "object %d", i);
}

/* Its handle is released: a death, of whoever lives and holds something. */
static void with_its_handle(struct kunit *test)
{
	struct file *keep = scene_open(test, O_RDWR), *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, keep, 3);
	struct shmbuf_death death;
	u64 kept, id, idle;

	/* As OPEN would attach it, if the buffer had a name. */
	shmbuf_handle(file)->buffer = shmbuf_buffer_get(buffer);
	kept = scene_register(test, keep, false);
	id = scene_register(test, file, false);
	idle = scene_register(test, file, false);
	set(buffer, 0, id);
	set(buffer, 1, kept);
	scene_close(test, file);
	KUNIT_EXPECT_EQ(test, word(buffer, 0), SHMBUF_WORD_OWNER_DIED);
	KUNIT_EXPECT_EQ(test, word(buffer, 1), kept);
	KUNIT_EXPECT_TRUE(test, is_buried(buffer, id));
	KUNIT_EXPECT_TRUE(test, is_buried(buffer, idle));
	KUNIT_EXPECT_TRUE(test, shmbuf_owner_alive(buffer, kept));
	KUNIT_EXPECT_FALSE(test, shmbuf_death_find(buffer, idle, &death));
	KUNIT_ASSERT_TRUE(test, shmbuf_death_find(buffer, id, &death));
	KUNIT_EXPECT_EQ(test, death.how, SHMBUF_DEATH_HANDLE);
	KUNIT_EXPECT_EQ(test, death.flags, 0);
	KUNIT_EXPECT_EQ(test, deaths(buffer), 1);
}

/* To give an id back is no death, but for who holds something. */
static void given_back(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 2);
	struct shmbuf_register args = { .size = sizeof(args) };
	struct shmbuf_death death;
	u64 id;

	args.owner = scene_register(test, file, false);
	KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_UNREGISTER, &args), 0);
	scene_settle(buffer);
	KUNIT_EXPECT_EQ(test, deaths(buffer), 0);
	KUNIT_EXPECT_FALSE(test, shmbuf_death_find(buffer, args.owner, &death));

	id = scene_register(test, file, false);
	args.owner = id;
	set(buffer, 1, id);
	KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_UNREGISTER, &args), 0);
	scene_settle(buffer);
	KUNIT_EXPECT_EQ(test, word(buffer, 1), SHMBUF_WORD_OWNER_DIED);
	KUNIT_EXPECT_EQ(test, deaths(buffer), 1);
	KUNIT_ASSERT_TRUE(test, shmbuf_death_find(buffer, id, &death));
	KUNIT_EXPECT_EQ(test, death.how, SHMBUF_DEATH_UNREGISTER);
	KUNIT_EXPECT_EQ(test, shmbuf_death_holder(buffer, 1), id);
}

static bool die(struct shmbuf_buffer *buffer, u64 id)
{
	struct shmbuf_owner *owner = shmbuf_owner_get(buffer, id);
	bool died;

	if (!owner)
		return false;
	rcu_read_lock();
	died = shmbuf_owner_die(owner);
	rcu_read_unlock();
	shmbuf_owner_put(owner);
	return died;
}

/* The log has the last deaths, each with its number, and no others. */
static void last_deaths(struct kunit *test)
{
	const int nr = SHMBUF_DEATHS_MAX + 8;
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, 1);
	u64 *ids = kunit_kcalloc(test, nr, sizeof(*ids), GFP_KERNEL);
	struct shmbuf_death death;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, ids);
	for (i = 0; i < nr; i++)
		ids[i] = scene_register(test, file, false);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_TRUE(test, die(buffer, ids[i]));
		KUNIT_EXPECT_FALSE(test, die(buffer, ids[i]));
		KUNIT_EXPECT_EQ(test, deaths(buffer), i + 1);
	}
	for (i = 0; i < nr; i++) {
		bool kept = i >= nr - SHMBUF_DEATHS_MAX;

		KUNIT_EXPECT_EQ(test, shmbuf_death_find(buffer, ids[i], &death), kept);
		if (!kept)
			continue;
		KUNIT_EXPECT_EQ(test, death.sequence, i + 1);
		/* With the last of its ids a process is no more joined. */
		KUNIT_EXPECT_EQ(test, death.flags, i == nr - 1 ? SHMBUF_DEATH_OF_PROCESS : 0);
	}
	KUNIT_EXPECT_TRUE(test, list_empty(&buffer->members));
	shmbuf_owners_reap(buffer);
	KUNIT_EXPECT_TRUE(test, xa_empty(&buffer->owners));
}

static void note(struct shmbuf_buffer *buffer, u32 index, u64 id)
{
	spin_lock(&shmbuf_bucket(buffer, index)->lock);
	shmbuf_death_note(buffer, index, id);
	spin_unlock(&shmbuf_bucket(buffer, index)->lock);
}

/* Who died with which lock: runs are one note, the latest counts, RESET forgets. */
static void notes(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = scene_create(test, file, NR_LOCKS);
	u64 a = scene_register(test, file, false), b = scene_register(test, file, false);
	int i;

	for (i = 10; i < 60; i++)
		note(buffer, i, a);
	KUNIT_EXPECT_EQ(test, buffer->nr_death_notes, 1);
	note(buffer, 30, b);
	note(buffer, 70, b);
	note(buffer, 71, 12345);
	for (i = 0; i < NR_LOCKS; i++)
		KUNIT_EXPECT_EQ_MSG(test, shmbuf_death_holder(buffer, i),
				    i == 30 || i == 70 ? b : i >= 10 && i < 60 ? a : 0,
				    "lock %d", i);
	shmbuf_deaths_forget(buffer, 0, 15);
	shmbuf_deaths_forget(buffer, 50, 69);
	for (i = 0; i < NR_LOCKS; i++)
		KUNIT_EXPECT_EQ_MSG(test, shmbuf_death_holder(buffer, i),
				    i == 30 || i == 70 ? b : i > 15 && i < 50 ? a : 0,
				    "lock %d", i);
	/* As many as are kept, and the oldest are pushed out. */
	for (i = 0; i < SHMBUF_DEATH_NOTES; i++)
		note(buffer, 100 + 2 * i, a);
	KUNIT_EXPECT_EQ(test, shmbuf_death_holder(buffer, 30), 0);
	for (i = 0; i < SHMBUF_DEATH_NOTES; i++)
		KUNIT_EXPECT_EQ(test, shmbuf_death_holder(buffer, 100 + 2 * i), a);
}

static struct kunit_case death_cases[] = {
	KUNIT_CASE(without_a_word),
	KUNIT_CASE(with_its_memory),
	KUNIT_CASE(scan),
	KUNIT_CASE(scan_far),
	KUNIT_CASE(other_kinds),
	KUNIT_CASE(with_its_handle),
	KUNIT_CASE(given_back),
	KUNIT_CASE(last_deaths),
	KUNIT_CASE(notes),
	{}
};

static struct kunit_suite death_suite = {
	.name = "shmbuf_death",
	.init = scene_init,
	.test_cases = death_cases,
};

kunit_test_suite(death_suite);
