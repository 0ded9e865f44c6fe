// SPDX-License-Identifier: GPL-2.0-only
/* The registry of names: who finds which buffer, for how long, and who may. */
#include <kunit/test.h>

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/ipc_namespace.h>
#include <linux/nsproxy.h>
#include <linux/proc_ns.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <linux/shmbuf.h>

#include "buffer.h"
#include "name.h"
#include "registry.h"
#include "scene.h"
#include "user.h"

/* A buffer that has no name yet; the reference is the caller's. */
static struct shmbuf_buffer *fresh(struct kunit *test, u32 flags, u32 mode)
{
	struct shmbuf_create args = {
		.size = sizeof(args),
		.flags = flags,
		.mode = mode,
		.data_size = PAGE_SIZE,
	};
	struct shmbuf_user *user = shmbuf_user_get_current();
	struct shmbuf_buffer *buffer;

	KUNIT_ASSERT_NOT_NULL(test, user);
	buffer = shmbuf_buffer_create(&args, user);
	shmbuf_user_put(user);
	KUNIT_ASSERT_FALSE(test, IS_ERR(buffer));
	return buffer;
}

static struct shmbuf_buffer *give(struct kunit *test, struct shmbuf_buffer *buffer,
				  const char *name, bool excl)
{
	char *copy = kstrdup(name, GFP_KERNEL);
	struct shmbuf_buffer *named;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	named = shmbuf_name_add(buffer, copy, strlen(name), excl);
	if (named != buffer)
		kfree(copy);
	return named;
}

static struct shmbuf_buffer *named(struct kunit *test, const char *name, u32 flags)
{
	struct shmbuf_buffer *buffer = fresh(test, flags, 0);

	KUNIT_ASSERT_PTR_EQ(test, give(test, buffer, name, true), buffer);
	return buffer;
}

static void leads_to(struct kunit *test, const char *name, struct shmbuf_buffer *want)
{
	struct shmbuf_buffer *buffer = shmbuf_name_find(name, strlen(name));

	KUNIT_EXPECT_PTR_EQ_MSG(test, buffer, want, "\"%s\"", name);
	if (!IS_ERR(buffer))
		shmbuf_buffer_put(buffer);
}

static void leads_nowhere(struct kunit *test, const char *name)
{
	leads_to(test, name, ERR_PTR(-ENOENT));
}

static void copied(struct kunit *test, const char *bytes, u32 len, int want)
{
	void __user *user = scene_user(test);
	char *name;

	KUNIT_ASSERT_EQ(test, copy_to_user(user, bytes, len), 0);
	name = shmbuf_name_copy((unsigned long)user, len);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(name), want);
	if (IS_ERR(name))
		return;
	KUNIT_EXPECT_MEMEQ(test, name, bytes, len);
	KUNIT_EXPECT_EQ(test, name[len], 0);
	kfree(name);
}

static void copy(struct kunit *test)
{
	void __user *user = scene_user(test);
	char *bytes = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 'x', PAGE_SIZE);
	copied(test, bytes, 1, 0);
	copied(test, bytes, SHMBUF_NAME_MAX, 0);
	copied(test, bytes, SHMBUF_NAME_MAX + 1, -ENAMETOOLONG);
	copied(test, bytes, PAGE_SIZE, -ENAMETOOLONG);
	copied(test, "", 0, -EINVAL);
	copied(test, "a/b", 3, -EINVAL);
	copied(test, "/", 1, -EINVAL);
	copied(test, "ab/", 3, -EINVAL);
	copied(test, "a\0b", 3, -EINVAL);
	copied(test, "ab", 3, -EINVAL);
	copied(test, "..", 2, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(shmbuf_name_copy(0, 1)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(shmbuf_name_copy((unsigned long)user + PAGE_SIZE - 1, 255)),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, PTR_ERR(shmbuf_name_copy(~0ULL, 5)), -EFAULT);
}

/* A name is all of its bytes, and leads to one buffer. */
static void find(struct kunit *test)
{
	struct shmbuf_buffer *one = named(test, "kunit", 0), *two = named(test, "kunit2", 0);
	struct shmbuf_buffer *again, *third = fresh(test, 0, 0);

	KUNIT_EXPECT_FALSE(test, shmbuf_name_exists(third));
	leads_to(test, "kunit", one);
	leads_to(test, "kunit2", two);
	leads_nowhere(test, "kuni");
	leads_nowhere(test, "kunit3");
	leads_nowhere(test, "Kunit");
	KUNIT_EXPECT_EQ(test, PTR_ERR(give(test, third, "kunit", true)), -EEXIST);
	again = give(test, third, "kunit", false);
	KUNIT_EXPECT_PTR_EQ(test, again, one);
	KUNIT_EXPECT_FALSE(test, shmbuf_name_exists(third));
	shmbuf_buffer_put(third);
	/* Of two references one keeps it. */
	shmbuf_buffer_put(one);
	leads_to(test, "kunit", one);
	KUNIT_EXPECT_TRUE(test, shmbuf_name_exists(one));
	shmbuf_buffer_put(again);
	leads_nowhere(test, "kunit");
	leads_to(test, "kunit2", two);
	shmbuf_buffer_put(two);
	leads_nowhere(test, "kunit2");
}

/* So many names that some share a chain of the table: all are found, and go. */
static void many(struct kunit *test)
{
	const int nr = 100;
	struct shmbuf_buffer **buffers = kunit_kcalloc(test, nr, sizeof(*buffers), GFP_KERNEL);
	char name[16];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, buffers);
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "kunit-%d", i);
		buffers[i] = named(test, name, 0);
	}
	for (i = 0; i < nr; i += 2)
		shmbuf_buffer_put(buffers[i]);
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "kunit-%d", i);
		leads_to(test, name, i % 2 ? buffers[i] : ERR_PTR(-ENOENT));
	}
	for (i = 1; i < nr; i += 2)
		shmbuf_buffer_put(buffers[i]);
	flush_delayed_fput();
}

static void persists(struct kunit *test)
{
	struct shmbuf_buffer *buffer = named(test, "kunit", SHMBUF_CREATE_PERSIST);

	shmbuf_buffer_put(buffer);
	leads_to(test, "kunit", buffer);
	KUNIT_EXPECT_EQ(test, shmbuf_name_unlink("kunit", 5), 0);
	leads_nowhere(test, "kunit");
	KUNIT_EXPECT_EQ(test, shmbuf_name_unlink("kunit", 5), -ENOENT);
}

/* What is unlinked lives on for those who have it, and the name is free. */
static void unlinked(struct kunit *test)
{
	static const u32 flags[] = { 0, SHMBUF_CREATE_PERSIST };
	struct shmbuf_buffer *old, *new;
	int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		old = named(test, "kunit", flags[i]);
		KUNIT_EXPECT_EQ(test, shmbuf_name_unlink("kunit", 5), 0);
		KUNIT_EXPECT_FALSE(test, shmbuf_name_exists(old));
		leads_nowhere(test, "kunit");
		new = named(test, "kunit", 0);
		leads_to(test, "kunit", new);
		KUNIT_EXPECT_PTR_NE(test, old, new);
		KUNIT_EXPECT_EQ(test, refcount_read(&old->ref), 1);
		shmbuf_buffer_put(old);
		leads_to(test, "kunit", new);
		shmbuf_buffer_put(new);
	}
}

/* Whether one of @who's class, as a file's mode has it, may. */
static bool may(u32 mode, int shift, bool write)
{
	return (mode >> shift & 4) && (!write || (mode >> shift & 2));
}

#define OWNER	5001
#define GROUP	5002
#define OTHER	5003

/* Every mode, for the owner, for the group, and for others. */
static void permissions(struct kunit *test)
{
	static const struct {
		uid_t uid;
		gid_t gid;
		int shift;
	} who[] = {
		{ OWNER, GROUP, 6 }, { OWNER, OTHER, 6 }, { OTHER, GROUP, 3 }, { OTHER, OTHER, 0 },
	};
	const struct cred *old = scene_enter_user(test, OWNER, GROUP);
	struct shmbuf_buffer *buffer = named(test, "kunit", 0);
	int i, write;
	u32 mode;

	KUNIT_EXPECT_EQ(test, buffer->mode, 0600);
	scene_leave_user(old);
	for (i = 0; i < ARRAY_SIZE(who); i++) {
		old = scene_enter_user(test, who[i].uid, who[i].gid);
		for (mode = 0; mode <= 0777; mode++) {
			buffer->mode = mode;
			for (write = 0; write < 2; write++)
				KUNIT_EXPECT_EQ_MSG(test, shmbuf_name_permission(buffer, write),
						    may(mode, who[i].shift, write) ? 0 : -EACCES,
						    "mode %o, class %d", mode, who[i].shift / 3);
		}
		scene_leave_user(old);
	}
	/* CAP_DAC_OVERRIDE. */
	buffer->mode = 0;
	KUNIT_EXPECT_EQ(test, shmbuf_name_permission(buffer, true), 0);
	old = scene_enter_user(test, OTHER, GROUP);
	KUNIT_EXPECT_EQ(test, shmbuf_name_unlink("kunit", 5), -EPERM);
	scene_leave_user(old);
	leads_to(test, "kunit", buffer);
	old = scene_enter_user(test, OWNER, OTHER);
	KUNIT_EXPECT_EQ(test, shmbuf_name_unlink("kunit", 5), 0);
	scene_leave_user(old);
	shmbuf_buffer_put(buffer);
}

/* An IPC namespace, as far as names look at it; how many references have been taken. */
static struct ipc_namespace *another;
static int another_refs;

static struct ns_common *another_get(struct task_struct *task)
{
	another_refs++;
	return &another->ns;
}

static void another_put(struct ns_common *ns)
{
	another_refs--;
}

static const struct proc_ns_operations another_ops = {
	.name = "ipc",
	.get = another_get,
	.put = another_put,
};

static struct nsproxy *swap_nsproxy(struct nsproxy *nsproxy)
{
	task_lock(current);
	swap(current->nsproxy, nsproxy);
	task_unlock(current);
	return nsproxy;
}

/* The same name in two namespaces is two; each namespace is held as long as it has any. */
static void namespaces(struct kunit *test)
{
	struct nsproxy *elsewhere = kunit_kzalloc(test, sizeof(*elsewhere), GFP_KERNEL), *here;
	struct shmbuf_buffer *buffer, *other, *persist;

	another = kunit_kzalloc(test, sizeof(*another), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, elsewhere && another);
	*elsewhere = *current->nsproxy;
	*another = *elsewhere->ipc_ns;
	elsewhere->ipc_ns = another;
	another->ns.ops = &another_ops;
	another->ns.inum = 1;
	another_refs = 0;

	buffer = named(test, "kunit", 0);
	here = swap_nsproxy(elsewhere);
	leads_nowhere(test, "kunit");
	KUNIT_EXPECT_EQ(test, shmbuf_name_unlink("kunit", 5), -ENOENT);
	KUNIT_EXPECT_EQ(test, another_refs, 0);
	other = named(test, "kunit", 0);
	persist = named(test, "kunit-persist", SHMBUF_CREATE_PERSIST);
	KUNIT_EXPECT_EQ(test, another_refs, 1);
	leads_to(test, "kunit", other);
	swap_nsproxy(here);

	leads_to(test, "kunit", buffer);
	leads_nowhere(test, "kunit-persist");
	shmbuf_buffer_put(other);
	shmbuf_buffer_put(persist);
	KUNIT_EXPECT_EQ(test, another_refs, 1);
	shmbuf_buffer_put(buffer);

	here = swap_nsproxy(elsewhere);
	leads_nowhere(test, "kunit");
	KUNIT_EXPECT_EQ(test, shmbuf_name_unlink("kunit-persist", 13), 0);
	swap_nsproxy(here);
	KUNIT_EXPECT_EQ(test, another_refs, 0);
}

static bool is_registered(const struct shmbuf_buffer *buffer)
{
	struct shmbuf_buffer *found = shmbuf_registry_next(buffer->id - 1);

	if (found)
		shmbuf_buffer_unpin(found);
	return found == buffer;
}

/* Who has found it by its id has it as it is, and keeps neither its name nor its data. */
static void registry(struct kunit *test)
{
	struct shmbuf_buffer *buffer = named(test, "kunit-pinned", 0);
	u64 id = buffer->id;

	/* Not from when it is made on, but when others may hear of it. */
	KUNIT_EXPECT_FALSE(test, is_registered(buffer));
	shmbuf_registry_add(buffer);
	KUNIT_ASSERT_PTR_EQ(test, shmbuf_registry_next(id - 1), buffer);
	shmbuf_buffer_put(buffer);
	leads_nowhere(test, "kunit-pinned");
	KUNIT_EXPECT_FALSE(test, shmbuf_name_exists(buffer));
	KUNIT_EXPECT_FALSE(test, is_registered(buffer));
	KUNIT_EXPECT_EQ(test, buffer->id, id);
	KUNIT_EXPECT_STREQ(test, buffer->name, "kunit-pinned");
	KUNIT_EXPECT_EQ(test, shmbuf_buffer_resident(buffer), 0);
	shmbuf_buffer_unpin(buffer);
}

static struct kunit_case name_cases[] = {
	KUNIT_CASE(copy),
	KUNIT_CASE(find),
	KUNIT_CASE(many),
	KUNIT_CASE(persists),
	KUNIT_CASE(unlinked),
	KUNIT_CASE(permissions),
	KUNIT_CASE(namespaces),
	KUNIT_CASE(registry),
	{}
};

static struct kunit_suite name_suite = {
	.name = "shmbuf_name",
	.init = scene_init,
	.test_cases = name_cases,
};

kunit_test_suite(name_suite);
