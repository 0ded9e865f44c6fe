// SPDX-License-Identifier: GPL-2.0-only
/* Mappings of a handle: which there are, what they may, and how long what is mapped lives. */
#include <kunit/test.h>

#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "handle.h"
#include "scene.h"
#include "user.h"

#define RW (PROT_READ | PROT_WRITE)

static unsigned long map(struct kunit *test, struct file *file, u64 offset, size_t size,
			 unsigned long prot, unsigned long flags)
{
	return kunit_vm_mmap(test, file, 0, size, prot, flags, offset);
}

static void refuses(struct kunit *test, int want, struct file *file, u64 offset, size_t size,
		    unsigned long prot, unsigned long flags)
{
	KUNIT_EXPECT_EQ_MSG(test, (long)map(test, file, offset, size, prot, flags), want,
			    "offset %llx, size %zx, prot %lx, flags %lx", offset, size, prot,
			    flags);
}

static unsigned long maps(struct kunit *test, struct file *file, u64 offset, size_t size,
			  unsigned long prot, unsigned long flags)
{
	unsigned long addr = map(test, file, offset, size, prot, flags);

	KUNIT_ASSERT_FALSE_MSG(test, !addr || IS_ERR_VALUE(addr), "offset %llx, size %zx: %ld",
			       offset, size, (long)addr);
	return addr;
}

static unsigned long flags_at(unsigned long addr)
{
	struct vm_area_struct *vma;
	unsigned long flags = 0;

	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, addr);
	if (vma && vma->vm_start <= addr)
		flags = vma->vm_flags;
	mmap_read_unlock(current->mm);
	return flags;
}

static u64 at(struct kunit *test, unsigned long addr)
{
	u64 value = ~0ULL;

	KUNIT_EXPECT_EQ(test, get_user(value, (u64 __user *)addr), 0);
	return value;
}

static void put(struct kunit *test, unsigned long addr, u64 value)
{
	KUNIT_EXPECT_EQ(test, put_user(value, (u64 __user *)addr), 0);
}

static struct shmbuf_buffer *create(struct kunit *test, struct file *file, u32 nr_objects)
{
	struct shmbuf_create args = {
		.size = sizeof(args),
		.data_size = 2 * PAGE_SIZE,
		.max_size = 4 * PAGE_SIZE,
		.nr_objects = nr_objects,
	};

	KUNIT_ASSERT_EQ(test, SCENE_IOCTL(test, file, SHMBUF_IOC_CREATE, &args), 0);
	return shmbuf_handle(file)->buffer;
}

static void data(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer;
	unsigned long one, two;

	refuses(test, -ENOTCONN, file, 0, PAGE_SIZE, RW, MAP_SHARED);
	buffer = create(test, file, 0);
	refuses(test, -EINVAL, file, 0, 3 * PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EINVAL, file, PAGE_SIZE, 2 * PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EINVAL, file, 2 * PAGE_SIZE, PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EINVAL, file, SHMBUF_CONTROL_OFFSET - PAGE_SIZE, PAGE_SIZE, RW, MAP_SHARED);
	one = maps(test, file, 0, 2 * PAGE_SIZE, RW, MAP_SHARED);
	two = maps(test, file, PAGE_SIZE, PAGE_SIZE, PROT_READ, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, at(test, two + 8), 0);
	put(test, one + PAGE_SIZE + 8, 0x1234);
	KUNIT_EXPECT_EQ(test, at(test, two + 8), 0x1234);

	KUNIT_EXPECT_EQ(test, shmbuf_buffer_grow(buffer, 3 * PAGE_SIZE), 0);
	two = maps(test, file, 0, 3 * PAGE_SIZE, RW, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, at(test, two + PAGE_SIZE + 8), 0x1234);
	KUNIT_EXPECT_EQ(test, at(test, two + 2 * PAGE_SIZE), 0);
	refuses(test, -EINVAL, file, 0, 4 * PAGE_SIZE, RW, MAP_SHARED);

	/* A copy of its own. */
	two = maps(test, file, PAGE_SIZE, PAGE_SIZE, RW, MAP_PRIVATE);
	put(test, two + 8, 0x5678);
	KUNIT_EXPECT_EQ(test, at(test, one + PAGE_SIZE + 8), 0x1234);
}

/* The control area is the kernel's own words, and only as a whole. */
static void control(struct kunit *test)
{
	const u64 offset = SHMBUF_CONTROL_OFFSET;
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = create(test, file, 2 * PAGE_SIZE / 64);
	size_t size = buffer->control_size;
	unsigned long addr, words, flags;

	KUNIT_ASSERT_EQ(test, size, 3 * PAGE_SIZE);
	refuses(test, -EINVAL, file, offset, size - PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EINVAL, file, offset, size + PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EINVAL, file, offset + PAGE_SIZE, size - PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EINVAL, file, offset, size, RW, MAP_PRIVATE);
	refuses(test, -EPERM, file, offset, size, PROT_READ | PROT_EXEC, MAP_SHARED);
	addr = maps(test, file, offset, size, RW, MAP_SHARED);
	flags = flags_at(addr);
	KUNIT_EXPECT_EQ(test, ~flags & (VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND |
					VM_DONTDUMP | VM_WRITE | VM_MAYWRITE), 0);
	KUNIT_EXPECT_EQ(test, flags & (VM_EXEC | VM_MAYEXEC), 0);

	words = addr + sizeof(struct shmbuf_control);
	KUNIT_EXPECT_EQ(test, at(test, words), SHMBUF_WORD_UNUSED);
	put(test, words + 100 * 64, 77);
	KUNIT_EXPECT_EQ(test, atomic64_read(shmbuf_word(buffer, 100)), 77);
	atomic64_set(shmbuf_word(buffer, buffer->nr_objects - 1), 78);
	KUNIT_EXPECT_EQ(test, at(test, words + (buffer->nr_objects - 1) * 64), 78);

	/* Not in parts. */
	KUNIT_EXPECT_EQ(test, vm_munmap(addr, PAGE_SIZE), -EINVAL);
	KUNIT_EXPECT_EQ(test, vm_munmap(addr + PAGE_SIZE, PAGE_SIZE), -EINVAL);
	KUNIT_EXPECT_EQ(test, at(test, words + 100 * 64), 77);
	KUNIT_EXPECT_EQ(test, vm_munmap(addr, size), 0);
	KUNIT_EXPECT_EQ(test, flags_at(addr), 0);
}

/* By a read-only handle nothing is written, now or after mprotect(). */
static void read_only(struct kunit *test)
{
	struct file *made = scene_open(test, O_RDWR), *file = scene_open(test, O_RDONLY);
	struct shmbuf_buffer *buffer = create(test, made, 1);
	const u64 offsets[] = { 0, SHMBUF_CONTROL_OFFSET };
	unsigned long addr;
	int i;

	shmbuf_handle(file)->buffer = shmbuf_buffer_get(buffer);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		size_t size = i ? buffer->control_size : 2 * PAGE_SIZE;

		refuses(test, -EACCES, file, offsets[i], size, RW, MAP_SHARED);
		addr = maps(test, file, offsets[i], size, PROT_READ, MAP_SHARED);
		KUNIT_EXPECT_EQ(test, flags_at(addr) & (VM_WRITE | VM_MAYWRITE), 0);
		KUNIT_EXPECT_EQ(test, put_user(1ULL, (u64 __user *)(addr + 64)), -EFAULT);
		at(test, addr + 64);
	}
}

/* What a seal forbids to be executed can't be, by any mapping from then on. */
static void no_exec(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	struct shmbuf_buffer *buffer = create(test, file, 0);
	unsigned long addr;

	maps(test, file, 0, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED);
	addr = maps(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED);
	KUNIT_EXPECT_TRUE(test, flags_at(addr) & VM_MAYEXEC);
	KUNIT_EXPECT_EQ(test, shmbuf_buffer_seal(buffer, SHMBUF_SEAL_EXEC), 0);
	refuses(test, -EPERM, file, 0, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED);
	addr = maps(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED);
	KUNIT_EXPECT_FALSE(test, flags_at(addr) & VM_MAYEXEC);
}

static u64 row_of(u64 id)
{
	return SHMBUF_ROW_OFFSET + (id & SHMBUF_OWNER_SLOT_MASK) * PAGE_SIZE;
}

/* A row is one page of one owner of the calling process. */
static void rows(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR), *file2 = scene_open(test, O_RDONLY);
	struct shmbuf_buffer *buffer = create(test, file, 1);
	u64 id = scene_register(test, file, false);
	struct scene_thread *other = scene_thread(test, file, SCENE_OWN_MM);
	unsigned long addr;

	shmbuf_handle(file2)->buffer = shmbuf_buffer_get(buffer);
	refuses(test, -EPERM, file, row_of(other->id), PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EPERM, file, row_of(id + 100), PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EINVAL, file, row_of(id), 2 * PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EINVAL, file, row_of(id), PAGE_SIZE, RW, MAP_PRIVATE);
	refuses(test, -EPERM, file, row_of(id), PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED);
	refuses(test, -EACCES, file2, row_of(id), PAGE_SIZE, RW, MAP_SHARED);
	refuses(test, -EACCES, file2, row_of(id), PAGE_SIZE, PROT_READ, MAP_SHARED);
	addr = maps(test, file, row_of(id), PAGE_SIZE, RW, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, at(test, addr), 0);
	KUNIT_EXPECT_EQ(test, flags_at(addr) & (VM_EXEC | VM_MAYEXEC), 0);
	put(test, addr + 8, 5);
	addr = maps(test, file, row_of(id), PAGE_SIZE, RW, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, at(test, addr + 8), 5);
}

static bool charged(struct kunit *test, u64 bytes)
{
	struct shmbuf_user *user = shmbuf_user_get_current();
	u64 left = shmbuf_user_limit(SHMBUF_QUOTA_BYTES) - bytes;
	bool right;

	KUNIT_ASSERT_NOT_NULL(test, user);
	flush_delayed_fput();
	right = !shmbuf_user_charge(user, SHMBUF_QUOTA_BYTES, left);
	if (right) {
		right = shmbuf_user_charge(user, SHMBUF_QUOTA_BYTES, 1) == -EDQUOT;
		shmbuf_user_uncharge(user, SHMBUF_QUOTA_BYTES, right ? left : left + 1);
	}
	shmbuf_user_put(user);
	return right;
}

/* Data is there, and charged, until the last mapping has gone. */
static void outlives(struct kunit *test)
{
	struct file *file = scene_open(test, O_RDWR);
	unsigned long addr;

	scene_wait_unused(test, SHMBUF_QUOTA_BYTES);
	KUNIT_EXPECT_TRUE(test, charged(test, 0));
	create(test, file, 0);
	addr = maps(test, file, 0, 2 * PAGE_SIZE, RW, MAP_SHARED);
	put(test, addr, 99);
	scene_close(test, file);
	KUNIT_EXPECT_TRUE(test, charged(test, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, at(test, addr), 99);
	KUNIT_EXPECT_EQ(test, vm_munmap(addr, PAGE_SIZE), 0);
	KUNIT_EXPECT_TRUE(test, charged(test, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, vm_munmap(addr + PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_EXPECT_TRUE(test, charged(test, 0));
}

static struct kunit_case mmap_cases[] = {
	KUNIT_CASE(data),
	KUNIT_CASE(control),
	KUNIT_CASE(read_only),
	KUNIT_CASE(no_exec),
	KUNIT_CASE(rows),
	KUNIT_CASE(outlives),
	{}
};

static struct kunit_suite mmap_suite = {
	.name = "shmbuf_mmap",
	.init = scene_init,
	.test_cases = mmap_cases,
};

kunit_test_suite(mmap_suite);
