// SPDX-License-Identifier: GPL-2.0-only
/* mmap of the data and the control area: bounds, flags, and what can't be undone. */
#include "shmbuf_test.h"
#include <linux/futex.h>
#include <sys/uio.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE	4096UL
#define DATA	(16 * PAGE)

static void *try_map(int fd, size_t size, int prot, int flags, __u64 offset)
{
	errno = 0;
	return mmap(NULL, size, prot, flags, fd, offset);
}

#define EXPECT_NO_MAP(error, fd, size, prot, flags, offset) do {	\
	EXPECT_EQ(MAP_FAILED, try_map(fd, size, prot, flags, offset));	\
	EXPECT_EQ(error, errno);					\
} while (0)

/* The signal that a child dies of when it writes or reads there; 0 for none. */
static int access_signal(char *p, bool write)
{
	pid_t pid = spawn();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		if (write)
			__atomic_store_n(p, 1, __ATOMIC_RELAXED);
		else
			__atomic_load_n(p, __ATOMIC_RELAXED);
		_exit(0);
	}
	pid = reap(pid);
	return pid ? pid - 128 : 0;
}

FIXTURE(data)
{
	char name[64];
	int fd;
	int ro;
};

FIXTURE_SETUP(data)
{
	self->fd = open_device(O_RDWR);
	ASSERT_EQ(0, do_create(self->fd, new_name(self->name), 0, DATA, 1, 1, 0));
	self->ro = open_buffer(self->name, O_RDONLY);
}

FIXTURE_TEARDOWN(data)
{
	close(self->ro);
	close(self->fd);
}

TEST_F(data, bounds)
{
	const int rw = PROT_READ | PROT_WRITE;

	EXPECT_NO_MAP(EINVAL, self->fd, DATA + PAGE, rw, MAP_SHARED, 0);
	EXPECT_NO_MAP(EINVAL, self->fd, DATA, rw, MAP_SHARED, PAGE);
	EXPECT_NO_MAP(EINVAL, self->fd, PAGE, rw, MAP_SHARED, DATA);
	EXPECT_NO_MAP(EINVAL, self->fd, PAGE, rw, MAP_PRIVATE, DATA);
	EXPECT_NO_MAP(EINVAL, self->fd, PAGE, rw, MAP_SHARED, 100);
	EXPECT_NO_MAP(EINVAL, self->fd, 0, rw, MAP_SHARED, 0);
	EXPECT_NO_MAP(EINVAL, self->fd, PAGE, rw, MAP_SHARED, SHMBUF_CONTROL_OFFSET - PAGE);
	EXPECT_NE(MAP_FAILED, try_map(self->fd, PAGE, rw, MAP_SHARED, DATA - PAGE));
	EXPECT_NE(MAP_FAILED, try_map(self->fd, DATA - 1, rw, MAP_SHARED, 0));
}

TEST_F(data, hostile_offsets)
{
	static const __u64 sizes[] = { PAGE, DATA, 1ULL << 32, 1ULL << 46 };
	__u64 offset;
	size_t s;
	int bit;

	for (bit = 13; bit < 64; bit++) {
		for (s = 0; s < ARRAY_SIZE(sizes); s++) {
			offset = 1ULL << bit;
			if (sizes[s] == PAGE && offset < DATA)
				continue;
			if (offset == SHMBUF_CONTROL_OFFSET)
				offset += PAGE;
			EXPECT_EQ(MAP_FAILED, try_map(self->fd, sizes[s], PROT_READ, MAP_SHARED,
						      offset));
			EXPECT_EQ(MAP_FAILED, try_map(self->fd, sizes[s], PROT_READ, MAP_SHARED,
						      -offset));
			EXPECT_EQ(MAP_FAILED, try_map(self->fd, sizes[s], PROT_READ, MAP_PRIVATE,
						      ~0ULL << bit));
		}
	}
	EXPECT_EQ(MAP_FAILED, try_map(self->fd, ~0UL & ~(PAGE - 1), PROT_READ, MAP_SHARED, 0));
}

TEST_F(data, unattached_handle)
{
	int fd = open_device(O_RDWR);

	EXPECT_NO_MAP(ENOTCONN, fd, PAGE, PROT_READ, MAP_SHARED, 0);
	EXPECT_NO_MAP(ENOTCONN, fd, PAGE, PROT_READ, MAP_SHARED, SHMBUF_CONTROL_OFFSET);
	close(fd);
}

TEST_F(data, private_map)
{
	char *data = map_data(self->fd, DATA);
	char *copy = try_map(self->fd, DATA, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);

	ASSERT_NE(MAP_FAILED, (void *)copy);
	strcpy(data, "shared");
	EXPECT_STREQ("shared", copy);
	strcpy(copy, "mine");
	EXPECT_STREQ("shared", data);
	EXPECT_EQ(0, munmap(copy, DATA));
}

TEST_F(data, read_only_handle)
{
	char *data = map_data(self->fd, DATA), *p, *copy;

	EXPECT_NO_MAP(EACCES, self->ro, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	EXPECT_NO_MAP(EACCES, self->ro, PAGE, PROT_WRITE, MAP_SHARED, 0);
	p = try_map(self->ro, DATA, PROT_READ, MAP_SHARED, 0);
	ASSERT_NE(MAP_FAILED, (void *)p);
	strcpy(data, "seen");
	EXPECT_STREQ("seen", p);
	EXPECT_EQ(-1, mprotect(p, DATA, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(p + PAGE, PAGE, PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(SIGSEGV, access_signal(p, true));
	copy = try_map(self->ro, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	ASSERT_NE(MAP_FAILED, (void *)copy);
	strcpy(copy, "mine");
	EXPECT_STREQ("seen", data);
}

TEST_F(data, cannot_be_cut_by_its_fd)
{
	char *p = map_data(self->fd, DATA);

	EXPECT_EQ(-1, ftruncate(self->fd, 0));
	EXPECT_EQ(-1, fallocate(self->fd, 0, 0, PAGE));
	EXPECT_EQ(-1, write(self->fd, "x", 1));
	EXPECT_EQ(0, access_signal(p + DATA - 1, true));
}

TEST_F(data, remap_and_partial_unmap)
{
	char *p = map_data(self->fd, DATA), *q;

	strcpy(p, "first");
	strcpy(p + 8 * PAGE, "ninth");
	strcpy(p + 15 * PAGE, "last");
	ASSERT_EQ(0, munmap(p + PAGE, 3 * PAGE));
	EXPECT_EQ(SIGSEGV, access_signal(p + PAGE, false));
	EXPECT_STREQ("ninth", p + 8 * PAGE);
	q = mremap(p + 8 * PAGE, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	if (q == MAP_FAILED)	/* for shared maps from 5.13 */
		q = mremap(p + 8 * PAGE, 8 * PAGE, 4 * PAGE, 0);
	ASSERT_NE(MAP_FAILED, (void *)q);
	EXPECT_STREQ("ninth", q);
	/* Made longer than the buffer it leads nowhere. */
	q = mremap(p, PAGE, 32 * PAGE, MREMAP_MAYMOVE);
	if (q != MAP_FAILED) {
		EXPECT_STREQ("first", q);
		EXPECT_EQ(SIGBUS, access_signal(q + DATA, true));
	}
}

TEST_F(data, fixed_over_another)
{
	char *p = map_data(self->fd, DATA);

	strcpy(p + PAGE, "second");
	ASSERT_EQ(p, mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, self->fd, PAGE));
	EXPECT_STREQ("second", p);
	ASSERT_EQ(p, mmap(p, DATA, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, p[PAGE]);
	EXPECT_STREQ("second", (char *)map_data(self->fd, DATA) + PAGE);
}

TEST_F(data, fork_inherits)
{
	char *p = map_data(self->fd, DATA);
	pid_t pid = spawn();

	if (!pid) {
		strcpy(p, "from the child");
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("from the child", p);
}

TEST_F(data, outlives_the_handle)
{
	char *p = map_data(self->fd, DATA), *q;

	strcpy(p, "still here");
	close(self->ro);
	close(self->fd);
	EXPECT_EQ(-ENOENT, do_open(open_device(O_RDWR), self->name));
	EXPECT_STREQ("still here", p);
	p[DATA - 1] = 1;
	q = mremap(p, DATA, DATA, MREMAP_MAYMOVE | MREMAP_FIXED, p + 64 * DATA);
	EXPECT_EQ(p + 64 * DATA, q);
	/* The handles of the teardown. */
	self->ro = open_device(O_RDONLY);
	self->fd = open_device(O_RDWR);
	EXPECT_EQ(0, do_create(self->fd, self->name, 0, PAGE, 0, 0, 0));
	EXPECT_EQ(0, *(char *)map_data(self->fd, PAGE));
}

static long futex(int *p, int op, int value)
{
	struct timespec patience = { .tv_sec = 60 };

	return syscall(SYS_futex, p, op, value, &patience, NULL, 0);
}

TEST_F(data, futexes_inside)
{
	int *p = map_data(self->fd, DATA);
	pid_t pid = spawn();

	if (!pid) {
		int *q = map_data(self->fd, DATA);	/* at another address */

		while (!__atomic_load_n(&q[1], __ATOMIC_SEQ_CST))
			futex(&q[1], FUTEX_WAIT, 0);
		__atomic_store_n(&q[2], 1, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	UNTIL(futex(&p[1], FUTEX_WAKE, 1) == 1 || p[2]);
	__atomic_store_n(&p[1], 1, __ATOMIC_SEQ_CST);
	futex(&p[1], FUTEX_WAKE, 1);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, p[2]);
}

FIXTURE(control)
{
	char name[64];
	int fd;
	int ro;
	size_t size;
	struct control c;
};

FIXTURE_SETUP(control)
{
	struct shmbuf_query query;

	self->fd = new_buffer(new_name(self->name), 200, 1, 0);
	self->ro = open_buffer(self->name, O_RDONLY);
	self->size = control_size(self->fd, &query);
	ASSERT_LE(4 * PAGE, self->size);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
}

FIXTURE_TEARDOWN(control)
{
	/* The area is whole, whatever was tried. */
	write_word(&self->c, 199, 7);
	EXPECT_EQ(7, read_word(&self->c, 199));
	EXPECT_EQ(0, read_word(&self->c, 0));
	EXPECT_EQ(0, munmap(self->c.base, self->c.size));
	close(self->ro);
	close(self->fd);
}

TEST_F(control, only_as_a_whole)
{
	const int rw = PROT_READ | PROT_WRITE;
	const __u64 at = SHMBUF_CONTROL_OFFSET;

	EXPECT_NO_MAP(EINVAL, self->fd, PAGE, rw, MAP_SHARED, at);
	EXPECT_NO_MAP(EINVAL, self->fd, self->size - PAGE, rw, MAP_SHARED, at);
	EXPECT_NO_MAP(EINVAL, self->fd, self->size + PAGE, rw, MAP_SHARED, at);
	EXPECT_NO_MAP(EINVAL, self->fd, self->size, rw, MAP_SHARED, at + PAGE);
	EXPECT_NO_MAP(EINVAL, self->fd, self->size, rw, MAP_SHARED, at - PAGE);
	EXPECT_NO_MAP(EINVAL, self->fd, PAGE, rw, MAP_SHARED, at + self->size - PAGE);
}

TEST_F(control, shared_and_never_executable)
{
	const __u64 at = SHMBUF_CONTROL_OFFSET;

	EXPECT_NO_MAP(EINVAL, self->fd, self->size, PROT_READ, MAP_PRIVATE, at);
	EXPECT_NO_MAP(EINVAL, self->fd, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, at);
	EXPECT_NO_MAP(EINVAL, self->ro, self->size, PROT_READ, MAP_PRIVATE, at);
	EXPECT_EQ(MAP_FAILED, try_map(self->fd, self->size, PROT_READ | PROT_EXEC, MAP_SHARED, at));
	EXPECT_EQ(-1, mprotect(self->c.base, self->size, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(control, is_never_split)
{
	EXPECT_EQ(-1, munmap(self->c.base + PAGE, PAGE));
	EXPECT_EQ(-1, munmap(self->c.base, PAGE));
	EXPECT_EQ(-1, munmap(self->c.base + PAGE, self->size - PAGE));
	EXPECT_EQ(-1, mprotect(self->c.base, PAGE, PROT_READ));
	EXPECT_EQ(-1, mprotect(self->c.base + PAGE, PAGE, PROT_NONE));
	EXPECT_EQ(MAP_FAILED, mmap(self->c.base + PAGE, PAGE, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, mprotect(self->c.base, self->size, PROT_READ));
	EXPECT_EQ(SIGSEGV, access_signal(self->c.base, true));
	EXPECT_EQ(0, mprotect(self->c.base, self->size, PROT_READ | PROT_WRITE));
}

TEST_F(control, is_never_moved)
{
	size_t size = self->size;

	EXPECT_EQ(MAP_FAILED, mremap(self->c.base, size, size + PAGE, MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mremap(self->c.base, size, size - PAGE, 0));
	EXPECT_EQ(MAP_FAILED, mremap(self->c.base, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
				     self->c.base + (1L << 30)));
	EXPECT_EQ(MAP_FAILED, mremap(self->c.base, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
	EXPECT_EQ(MAP_FAILED, mremap(self->c.base, 0, size, MREMAP_MAYMOVE));
}

TEST_F(control, is_not_inherited)
{
	EXPECT_EQ(SIGSEGV, access_signal(self->c.base, false));
	madvise(self->c.base, self->size, MADV_DOFORK);
	EXPECT_EQ(SIGSEGV, access_signal(self->c.base, false));
	EXPECT_EQ(SIGSEGV, access_signal(self->c.base, true));
}

/* A page that the parent has not yet touched must not come to the child either. */
TEST_F(control, child_maps_its_own)
{
	pid_t pid = spawn();

	if (!pid) {
		struct control c = map_control(self->fd, PROT_READ | PROT_WRITE);

		write_word(&c, 5, 55);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(55, read_word(&self->c, 5));
}

TEST_F(control, read_only_handle)
{
	struct control c = map_control(self->ro, PROT_READ);

	EXPECT_NO_MAP(EACCES, self->ro, self->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      SHMBUF_CONTROL_OFFSET);
	write_word(&self->c, 3, 33);
	EXPECT_EQ(33, read_word(&c, 3));
	EXPECT_EQ(-1, mprotect(c.base, c.size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(c.base, c.size, PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, mprotect(c.base, c.size, PROT_NONE));
	EXPECT_EQ(-1, mprotect(c.base, c.size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, munmap(c.base, c.size));
}

TEST_F(control, outlives_the_handle)
{
	int fd = new_buffer(NULL, 1, 0, 0);
	struct control c = map_control(fd, PROT_READ | PROT_WRITE);
	__u64 owner = new_owner(fd);

	EXPECT_EQ(true, fast_lock(&c, owner, 0));
	close(fd);
	EXPECT_EQ(owner, read_word(&c, 0) & SHMBUF_OWNER_MASK);
	write_word(&c, 0, 1);
	EXPECT_EQ(1, read_word(&c, 0));
	EXPECT_EQ(0, munmap(c.base, c.size));
}

TEST_F(control, debuggers_see_it)
{
	struct iovec local, remote = { word_of(&self->c, 9), 8 };
	int mem = open("/proc/self/mem", O_RDWR);
	__u64 value = 0;

	ASSERT_LE(0, mem);
	write_word(&self->c, 9, 0x1234567);
	EXPECT_EQ(8, pread(mem, &value, 8, (off_t)address(word_of(&self->c, 9))));
	EXPECT_EQ(0x1234567, value);
	value = 0x7654321;
	EXPECT_EQ(8, pwrite(mem, &value, 8, (off_t)address(word_of(&self->c, 9))));
	EXPECT_EQ(0x7654321, read_word(&self->c, 9));
	/* Kernel memory isn't pinned: an error, no crash. */
	local = (struct iovec){ &value, 8 };
	EXPECT_EQ(-1, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	/* From the last bytes on, past the end; what lies behind it is somebody else's. */
	EXPECT_LE(4, pread(mem, &value, 8, (off_t)address(self->c.base + self->size - 4)));
	EXPECT_EQ(0, memcmp(&value, (char *)self->c.base + self->size - 4, 4));
	EXPECT_EQ(4, pwrite(mem, &value, 4, (off_t)address(self->c.base + self->size - 4)));
	close(mem);
}

TEST_F(control, system_calls_use_it_as_memory)
{
	int ends[2];

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(8, write(ends[1], "\1\0\0\0\0\0\0\0", 8));
	EXPECT_EQ(8, read(ends[0], word_of(&self->c, 4), 8));
	EXPECT_EQ(1, read_word(&self->c, 4));
	EXPECT_EQ(-EINVAL, call(self->fd, SHMBUF_IOC_QUERY, word_of(&self->c, 4)));
}

TEST_HARNESS_MAIN
