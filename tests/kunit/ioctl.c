// SPDX-License-Identifier: GPL-2.0-only
/* The dispatcher of ioctls: sizes, tails, flags, and what a command needs of its handle. */
#include <kunit/test.h>

#include <linux/err.h>
#include <linux/file.h>
#include <linux/uaccess.h>

#include <linux/shmbuf.h>

#include "buffer.h"
#include "handle.h"
#include "scene.h"

#define NEEDS_BUFFER	BIT(0)
#define NEEDS_WRITE	BIT(1)
#define BOTH		(NEEDS_BUFFER | NEEDS_WRITE)

/* The ABI as programs have been built by it: numbers, for once, and no names. */
static const struct abi {
	u32 cmd;
	u32 size;
	u32 flags;
	u32 needs;
} abi[] = {
	{ 0xbd00, 176, 0, 0 },			/* QUERY */
	{ 0xbd01, 64, 0xf, NEEDS_WRITE },	/* CREATE */
	{ 0xbd02, 24, 0, 0 },			/* OPEN */
	{ 0xbd03, 24, 0, NEEDS_WRITE },		/* UNLINK */
	{ 0xbd04, 32, 0, BOTH },		/* INIT */
	{ 0xbd05, 32, 0, BOTH },		/* RESET */
	{ 0xbd06, 16, 0, BOTH },		/* GROW */
	{ 0xbd07, 16, 0, BOTH },		/* SEAL */
	{ 0xbd10, 16, 0x1, BOTH },		/* REGISTER */
	{ 0xbd11, 16, 0, BOTH },		/* UNREGISTER */
	{ 0xbd20, 32, 0x3f, BOTH },		/* LOCK */
	{ 0xbd21, 32, 0, BOTH },		/* UNLOCK */
	{ 0xbd22, 32, 0, BOTH },		/* CONSISTENT */
	{ 0xbd23, 32, 0, BOTH },		/* DOWNGRADE */
	{ 0xbd24, 24, 0, BOTH },		/* RECOVER */
	{ 0xbd28, 48, 0x7, NEEDS_BUFFER },	/* WAIT */
	{ 0xbd29, 16, 0, BOTH },		/* WAKE */
	{ 0xbd2a, 40, 0x2, NEEDS_BUFFER },	/* WAIT_ANY */
	{ 0xbd2b, 24, 0x3, NEEDS_BUFFER },	/* WATCH */
	{ 0xbd2c, 24, 0, NEEDS_BUFFER },	/* MOVED */
	{ 0xbd30, 40, 0x7, BOTH },		/* SEM_WAIT */
	{ 0xbd31, 40, 0x2, BOTH },		/* SEM_POST */
	{ 0xbd38, 32, 0, BOTH },		/* BARRIER_WAIT */
	{ 0xbd39, 32, 0, BOTH },		/* BARRIER_LEAVE */
	{ 0xbd40, 184, 0, NEEDS_BUFFER },	/* OWNER_INFO */
	{ 0xbd41, 32, 0, NEEDS_BUFFER },	/* DEATHS */
	{ 0xbd42, 208, 0, NEEDS_BUFFER },	/* STATS */
	{ 0xbd43, 32, 0, 0 },			/* LIST */
	{ 0xbd44, 24, 0, NEEDS_BUFFER },	/* OBJECTS */
	{ 0xbd45, 24, 0, NEEDS_BUFFER },	/* WAITERS */
};

/* A struct of any size, all of its fields 0xff unless they are set. */
struct args {
	u32 size;
	u32 flags;
	u8 rest[PAGE_SIZE - 8];
};

static struct args *args_of(struct kunit *test, u32 size, u32 flags, u8 fill)
{
	struct args *args = kunit_kzalloc(test, sizeof(*args), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, args);
	memset(args->rest, fill, sizeof(args->rest));
	args->size = size;
	args->flags = flags;
	return args;
}

static const struct abi *abi_of(u32 cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(abi); i++) {
		if (abi[i].cmd == cmd)
			return &abi[i];
	}
	return NULL;
}

static void unknown(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct args *args = args_of(test, 256, 0, 0);
	u32 nr;

	for (nr = 0; nr < 256; nr++) {
		if (!abi_of(0xbd00 | nr))
			KUNIT_EXPECT_EQ_MSG(test, SCENE_IOCTL(test, file, 0xbd00 | nr, args),
					    -ENOTTY, "%x", nr);
		/* Of another type; with a direction or a size in its number. */
		KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, 0xbc00 | nr, args), -ENOTTY);
		KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, nr, args), -ENOTTY);
		KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, _IOC(_IOC_READ, 0xbd, nr, 0), args),
				-ENOTTY);
		KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, _IOC(0, 0xbd, nr, 8), args), -ENOTTY);
	}
}

/* Each size that is too small, down to none; larger than a page. */
static void sizes(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct args *args = args_of(test, 0, 0, 0);
	int i;

	scene_create(test, file, 1);
	for (i = 0; i < ARRAY_SIZE(abi); i++) {
		for (args->size = 0; args->size < abi[i].size; args->size++)
			KUNIT_EXPECT_EQ_MSG(test, SCENE_IOCTL(test, file, abi[i].cmd, args),
					    -EINVAL, "%x with size %u", abi[i].cmd, args->size);
		args->size = PAGE_SIZE + 1;
		KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, abi[i].cmd, args), -E2BIG);
		args->size = ~0U;
		KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, abi[i].cmd, args), -E2BIG);
	}
}

/* With a flag that is unknown the call goes as far as its flags: so size and tail were right. */
static long as_far_as_flags(struct kunit *test, struct file *file, const struct abi *one,
			    struct args *args)
{
	args->flags = 1U << 31;
	return SCENE_IOCTL(test, file, one->cmd, args);
}

/* What is beyond the struct is nothing, or refused, be it the first byte of it or the last. */
static void tails(struct kunit *test)
{
	static const u32 more[] = { 1, 7, 8, 64, 1000 };
	struct file *file = scene_open(test, O_RDWR);
	struct args *args = args_of(test, 0, 0, 0);
	u8 *bytes = (u8 *)args;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(abi); i++) {
		args->size = abi[i].size;
		/* Behind what the caller says there may be anything. */
		bytes[abi[i].size] = 1;
		KUNIT_EXPECT_EQ(test, as_far_as_flags(test, file, &abi[i], args), -EOPNOTSUPP);
		bytes[abi[i].size] = 0;
		for (j = 0; j < ARRAY_SIZE(more); j++) {
			u32 last = abi[i].size + more[j] - 1;

			args->size = abi[i].size + more[j];
			KUNIT_EXPECT_EQ(test, as_far_as_flags(test, file, &abi[i], args),
					-EOPNOTSUPP);
			bytes[last] = 0x80;
			KUNIT_EXPECT_EQ_MSG(test, as_far_as_flags(test, file, &abi[i], args),
					    -E2BIG, "%x with a tail of %u", abi[i].cmd, more[j]);
			bytes[last] = 0;
			bytes[abi[i].size] = 1;
			KUNIT_EXPECT_EQ(test, as_far_as_flags(test, file, &abi[i], args), -E2BIG);
			bytes[abi[i].size] = 0;
		}
		args->size = PAGE_SIZE;
		KUNIT_EXPECT_EQ(test, as_far_as_flags(test, file, &abi[i], args), -EOPNOTSUPP);
	}
}

/* All flags that the ABI has, one by one, and none else. */
static void flags(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct args *args = args_of(test, 0, 0, 0xff);
	int i, bit;

	for (i = 0; i < ARRAY_SIZE(abi); i++) {
		args->size = abi[i].size;
		for (bit = 0; bit < 32; bit++) {
			bool known = abi[i].flags & BIT(bit);
			long ret;

			/* No buffer, and nonsense: what is known comes to an error anyway. */
			args->flags = BIT(bit);
			ret = SCENE_IOCTL(test, file, abi[i].cmd, args);
			KUNIT_EXPECT_EQ_MSG(test, ret == -EOPNOTSUPP, !known, "%x, flag %d: %ld",
					    abi[i].cmd, bit, ret);
			KUNIT_EXPECT_LT(test, ret, 0);
		}
		args->flags = abi[i].flags;
		KUNIT_EXPECT_NE(test, SCENE_IOCTL(test, file, abi[i].cmd, args), -EOPNOTSUPP);
	}
}

/* What is right but for the handle: attached to nothing, read-only, both. */
static void handles(struct kunit *test)
{
	struct file *none = scene_open(test, O_RDWR), *reads = scene_open(test, O_RDONLY);
	struct file *made = scene_open(test, O_RDWR), *observer = scene_open(test, O_RDONLY);
	struct shmbuf_buffer *buffer = scene_create(test, made, 1);
	int i;

	shmbuf_handle(observer)->buffer = shmbuf_buffer_get(buffer);
	for (i = 0; i < ARRAY_SIZE(abi); i++) {
		/* All reserved fields are wrong: what passes doesn't get far. */
		struct args *args = args_of(test, abi[i].size, 0, 0xff);
		bool attached = abi[i].needs & NEEDS_BUFFER, write = abi[i].needs & NEEDS_WRITE;
		long ret;

		ret = SCENE_IOCTL(test, none, abi[i].cmd, args);
		KUNIT_EXPECT_EQ_MSG(test, ret == -ENOTCONN, attached, "%x: %ld", abi[i].cmd, ret);
		KUNIT_EXPECT_NE(test, ret, -EBADF);
		ret = SCENE_IOCTL(test, reads, abi[i].cmd, args);
		KUNIT_EXPECT_EQ_MSG(test, ret == -ENOTCONN, attached, "%x: %ld", abi[i].cmd, ret);
		KUNIT_EXPECT_EQ_MSG(test, ret == -EBADF, write && !attached, "%x: %ld",
				    abi[i].cmd, ret);
		ret = SCENE_IOCTL(test, observer, abi[i].cmd, args);
		KUNIT_EXPECT_EQ_MSG(test, ret == -EBADF, write, "%x: %ld", abi[i].cmd, ret);
		KUNIT_EXPECT_NE(test, ret, -ENOTCONN);
	}
}

/* Where the struct can't be read, as a whole or in its last byte. */
static void faults(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	unsigned long page = (unsigned long)scene_user(test);
	unsigned int i;

	scene_create(test, file, 1);
	for (i = 0; i < ARRAY_SIZE(abi); i++) {
		unsigned long end = page + PAGE_SIZE, at = end - abi[i].size + 1;

		KUNIT_EXPECT_EQ(test, shmbuf_fops.unlocked_ioctl(file, abi[i].cmd, 0), -EFAULT);
		KUNIT_EXPECT_EQ(test, shmbuf_fops.unlocked_ioctl(file, abi[i].cmd, end - 2),
				-EFAULT);
		KUNIT_ASSERT_EQ(test, put_user(abi[i].size, (u32 __user *)at), 0);
		KUNIT_EXPECT_EQ(test, shmbuf_fops.unlocked_ioctl(file, abi[i].cmd, at), -EFAULT);
	}
}

/* A call that is right, in its own size and with an empty tail, does the same. */
static void right(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_query query = {};
	struct shmbuf_seal *seal;
	struct args *args;

	scene_create(test, file, 3);
	query.size = sizeof(query);
	KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_QUERY, &query), 0);
	KUNIT_EXPECT_EQ(test, query.nr_objects, 3);
	KUNIT_EXPECT_EQ(test, query.size, sizeof(query));
	KUNIT_EXPECT_EQ(test, query.abi_version, SHMBUF_ABI_VERSION);

	args = args_of(test, PAGE_SIZE, 0, 0);
	seal = (struct shmbuf_seal *)args;
	seal->seals = SHMBUF_SEAL_EXEC;
	KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_SEAL, args), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(shmbuf_handle(file)->buffer->seals), SHMBUF_SEAL_EXEC);
	seal->seals = 1U << 3;
	KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_SEAL, args), -EOPNOTSUPP);
	seal->seals = SHMBUF_SEAL_GROW;
	seal->reserved = 1;
	KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_SEAL, args), -EINVAL);
	KUNIT_EXPECT_EQ(test, READ_ONCE(shmbuf_handle(file)->buffer->seals), SHMBUF_SEAL_EXEC);

	/* The answer is as long as the kernel knows it, and tells what the caller said. */
	args = args_of(test, sizeof(query) + 8, 0, 0);
	KUNIT_EXPECT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_QUERY, args), 0);
	KUNIT_EXPECT_EQ(test, args->size, sizeof(query) + 8);
}

static struct kunit_case ioctl_cases[] = {
	KUNIT_CASE(unknown),
	KUNIT_CASE(sizes),
	KUNIT_CASE(tails),
	KUNIT_CASE(flags),
	KUNIT_CASE(handles),
	KUNIT_CASE(faults),
	KUNIT_CASE(right),
	{}
};

static struct kunit_suite ioctl_suite = {
	.name = "shmbuf_ioctl",
	.init = scene_init,
	.test_cases = ioctl_cases,
};

kunit_test_suite(ioctl_suite);
