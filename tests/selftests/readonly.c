// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways around read-only. Who has no more than a read-only handle, or a mapping by one, tries
 * all that the kernel offers to change what he sees.
 */
#include "observer.h"
#include <linux/userfaultfd.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static bool cannot_become_writable(void *at, size_t size)
{
	return mprotect(at, size, PROT_READ | PROT_WRITE) && errno == EACCES &&
	       mprotect(at, size, PROT_WRITE) && errno == EACCES;
}

static void copies_made_by_mremap(struct view *v)
{
	char *p = mremap(v->data, 0, DATA, MREMAP_MAYMOVE);

	CHECK(p == MAP_FAILED || cannot_become_writable(p, DATA));
	p = mremap(v->data, DATA, DATA, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	CHECK(p == MAP_FAILED || (cannot_become_writable(p, DATA) &&
				  cannot_become_writable(v->data, DATA)));
	p = mremap(p == MAP_FAILED ? v->data : p, DATA, 2 * DATA, MREMAP_MAYMOVE);
	CHECK(p == MAP_FAILED || cannot_become_writable(p, 2 * DATA));
	CHECK(mremap(v->c.base, 0, v->c.size, MREMAP_MAYMOVE) == MAP_FAILED);
}

TEST_OBSERVER(copies_made_by_mremap)

/* It maps the file anew, and that is open for writing. */
static void mapped_anew_by_remap_file_pages(struct view *v)
{
	CHECK(syscall(SYS_remap_file_pages, v->data, DATA, 0, 0, 0));
	CHECK(cannot_become_writable(v->data, DATA));
	CHECK(syscall(SYS_remap_file_pages, v->c.base, v->c.size, 0, 0, 0));
	CHECK(cannot_become_writable(v->c.base, v->c.size));
}

TEST_OBSERVER(mapped_anew_by_remap_file_pages)

/* What is opened there is the device, and leads to no buffer. */
static void reopened_through_proc(struct view *v)
{
	char path[64];
	int fd;

	CHECK(!(fcntl(v->fd, F_GETFL) & O_ACCMODE));
	CHECK(!fcntl(v->fd, F_SETFL, O_RDWR));
	CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, v->fd, 0) == MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", v->fd);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENOTCONN);
	CHECK(do_wake(fd, LOCKS, 1) == -ENOTCONN);
	CHECK(open(path, O_WRONLY) < 0 && errno == EINVAL);
	CHECK(open(path, O_ACCMODE) < 0 && errno == EINVAL);
	/* The writer's own, if only one could. */
	snprintf(path, sizeof(path), "/proc/%d/fd", getppid());
	CHECK(open(path, O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
}

TEST_OBSERVER(reopened_through_proc)

/* Even by who may: root, and the writer's own handle. */
TEST_F(observer, reopened_by_root)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), self->fd);
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOTCONN, do_grow(fd, DATA));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(0, do_open(fd, self->name));
}

static void any_advice(struct view *v)
{
	const struct { char *at; size_t size; } maps[] = {
		{ v->data, DATA }, { v->c.base, v->c.size },
	};
	int advice;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		CHECK(madvise(maps[i].at, maps[i].size, MADV_REMOVE));
		for (advice = 0; advice < 128; advice++)
			madvise(maps[i].at, maps[i].size, advice);
		CHECK(cannot_become_writable(maps[i].at, maps[i].size));
	}
}

TEST_OBSERVER(any_advice)

static void written_and_cut_by_the_fd(struct view *v)
{
	int ends[2], zero = open("/dev/zero", O_RDONLY);
	loff_t at = 0;

	CHECK(!pipe(ends) && zero >= 0 && write(ends[1], "xxxx", 4) == 4);
	CHECK(write(v->fd, "x", 1) < 0);
	CHECK(pwrite(v->fd, "x", 1, 0) < 0);
	CHECK(ftruncate(v->fd, 0));
	CHECK(fallocate(v->fd, 0, 0, PAGE));
	CHECK(fallocate(v->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	CHECK(splice(ends[0], NULL, v->fd, NULL, 4, 0) < 0);
	CHECK(splice(ends[0], NULL, v->fd, &at, 4, 0) < 0);
	CHECK(sendfile(v->fd, zero, NULL, PAGE) < 0);
	CHECK(syscall(SYS_copy_file_range, zero, NULL, v->fd, NULL, PAGE, 0) < 0);
	CHECK(fcntl(v->fd, F_ADD_SEALS, F_SEAL_WRITE) < 0);
	CHECK(fchmod(v->fd, 0666) && errno == EPERM);
}

TEST_OBSERVER(written_and_cut_by_the_fd)

/* The kernel writes there for a process: what it reads, and what ioctls tell. */
static void results_written_into_it(struct view *v)
{
	struct shmbuf_query *query = (void *)v->data;
	struct shmbuf_deaths deaths = {
		.size = sizeof(deaths), .deaths = address(v->data), .nr_deaths = 4, .after = ~0ULL,
	};
	struct shmbuf_query to = {
		.size = sizeof(to), .areas = address(v->data), .nr_areas = 2,
	};
	struct shmbuf_listing *listings = (void *)v->data;
	struct iovec iov = { .iov_base = v->data, .iov_len = 4 };
	int ends[2];

	CHECK(!pipe(ends) && write(ends[1], "xxxx", 4) == 4);
	CHECK(read(ends[0], v->data, 4) < 0 && errno == EFAULT);
	CHECK(read(ends[0], word_of(&v->c, 0), 4) < 0 && errno == EFAULT);
	CHECK(vmsplice(ends[0], &iov, 1, 0) < 0);
	CHECK(call(v->fd, SHMBUF_IOC_QUERY, query) < 0);
	CHECK(call(v->fd, SHMBUF_IOC_QUERY, &to) == -EFAULT);
	CHECK(call(v->fd, SHMBUF_IOC_DEATHS, &deaths) >= -EFAULT);
	CHECK(call(v->fd, SHMBUF_IOC_STATS, v->data) < 0);
	CHECK(do_list(v->fd, listings, 1, 0) == -EFAULT);
	CHECK(do_objects(v->fd, (void *)v->data, 1, 0) == -EFAULT);
	CHECK(do_waiters(v->fd, 1, (void *)v->data, 1) == 0);
}

TEST_OBSERVER(results_written_into_it)

/* As debuggers write, who may break into read-only mappings. */
static void forced_through_proc_mem(struct view *v)
{
	char *copy = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, v->fd, 0);
	int mem = open("/proc/self/mem", O_RDWR);

	CHECK(copy != MAP_FAILED);
	if (mem < 0)
		lacks(v, "/proc/self/mem");
	CHECK(pwrite(mem, "x", 1, (off_t)address(v->data)) < 0);
	CHECK(pwrite(mem, "x", 1, (off_t)address(word_of(&v->c, 0))) < 0);
	/* A private map's page becomes a copy, if anything. */
	if (pwrite(mem, "x", 1, (off_t)address(copy)) == 1)
		CHECK(copy[0] == 'x' && v->data[0] != 'x');
	CHECK(!mprotect(v->data, DATA, PROT_NONE));
	CHECK(pwrite(mem, "x", 1, (off_t)address(v->data)) < 0);
}

TEST_OBSERVER(forced_through_proc_mem)

static void written_by_process_vm_writev(struct view *v)
{
	char byte = 'x';
	struct iovec local = { &byte, 1 }, data = { v->data, 1 }, word = { word_of(&v->c, 0), 1 };
	pid_t pid = spawn();

	if (!pid) {
		/* Nor by a child of his, whom nothing forbids to. */
		CHECK(process_vm_writev(getppid(), &local, 1, &data, 1, 0) < 0);
		CHECK(process_vm_writev(getppid(), &local, 1, &word, 1, 0) < 0);
		_exit(0);
	}
	CHECK(reap(pid) == 0);
	CHECK(process_vm_writev(getpid(), &local, 1, &data, 1, 0) < 0);
	CHECK(process_vm_writev(getpid(), &local, 1, &word, 1, 0) < 0);
}

TEST_OBSERVER(written_by_process_vm_writev)

static int new_userfaultfd(__u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void registered_with_userfaultfd(struct view *v)
{
	static const __u64 modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
		UFFDIO_REGISTER_MODE_MINOR,
	};
	struct uffdio_copy copy = {
		.dst = address(v->data), .src = address(shared_memory(PAGE)), .len = PAGE,
	};
	struct uffdio_writeprotect wp = { .range = { .start = address(v->data), .len = DATA } };
	int fd = new_userfaultfd(0);
	size_t i;

	if (fd < 0)
		lacks(v, "userfaultfd");
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		struct uffdio_register reg = {
			.range = { .start = address(v->data), .len = DATA }, .mode = modes[i],
		};

		CHECK(ioctl(fd, UFFDIO_REGISTER, &reg));
		reg.range.start = address(v->c.base);
		reg.range.len = v->c.size;
		CHECK(ioctl(fd, UFFDIO_REGISTER, &reg));
	}
	CHECK(ioctl(fd, UFFDIO_COPY, &copy));
	CHECK(ioctl(fd, UFFDIO_WRITEPROTECT, &wp));
	CHECK(cannot_become_writable(v->data, DATA));
}

TEST_OBSERVER(registered_with_userfaultfd)

/* Pages that are lent to a pipe aren't written through it. */
static void lent_to_a_pipe(struct view *v)
{
	struct iovec iov = { .iov_base = v->data, .iov_len = 100 };
	int ends[2], copy[2];

	CHECK(!pipe(ends) && !pipe(copy));
	CHECK(vmsplice(ends[1], &iov, 1, SPLICE_F_GIFT) == 100);
	CHECK(write(ends[1], "xxxx", 4) == 4);
	CHECK(tee(ends[0], copy[1], 100, 0) == 100);
	CHECK(write(copy[1], "xxxx", 4) == 4);
	CHECK(splice(ends[0], NULL, copy[1], NULL, 50, SPLICE_F_MOVE) == 50);
	CHECK(write(copy[1], "xxxx", 4) == 4);
}

TEST_OBSERVER(lent_to_a_pipe)

/* Nothing that changes a buffer works, not even with what would be right otherwise. */
static void calls_that_need_a_writer(struct view *v)
{
	static const unsigned long calls[] = {
		SHMBUF_IOC_CREATE, SHMBUF_IOC_UNLINK, SHMBUF_IOC_INIT, SHMBUF_IOC_RESET,
		SHMBUF_IOC_GROW, SHMBUF_IOC_SEAL, SHMBUF_IOC_REGISTER, SHMBUF_IOC_UNREGISTER,
		SHMBUF_IOC_LOCK, SHMBUF_IOC_UNLOCK, SHMBUF_IOC_CONSISTENT, SHMBUF_IOC_DOWNGRADE,
		SHMBUF_IOC_WAKE, SHMBUF_IOC_SEM_WAIT, SHMBUF_IOC_SEM_POST,
		SHMBUF_IOC_BARRIER_WAIT, SHMBUF_IOC_BARRIER_LEAVE, SHMBUF_IOC_RECOVER,
	};
	struct shmbuf_wait_item item = { .fd = v->fd, .kind = SHMBUF_KIND_LOCK };
	struct shmbuf_wait_any any = {
		.size = sizeof(any), .items = address(&item), .nr_items = 1,
	};
	__u32 args[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		memset(args, 0, sizeof(args));
		args[0] = sizeof(args);
		CHECK(call(v->fd, calls[i], args) == -EBADF);
	}
	CHECK(do_wait_locked(v->fd, 1, 0, LOCKS, 0, 0) == -EBADF);
	CHECK(call(v->fd, SHMBUF_IOC_WAIT_ANY, &any) == -EBADF);
	item.kind = SHMBUF_KIND_SEMAPHORE;
	CHECK(call(v->fd, SHMBUF_IOC_WAIT_ANY, &any) == -EBADF);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, v->fd, row_offset(1)) == MAP_FAILED &&
	      errno == EACCES);
}

TEST_OBSERVER(calls_that_need_a_writer)

/* A handle is what it was opened as, whoever has it. */
TEST_F(observer, handed_to_another_user)
{
	int socks[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = spawn_as(OWNER);
	if (!pid) {
		int fd = receive_fd(socks[1]);

		/* The very owner, who may open it for writing, but not through this one. */
		CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
		CHECK(do_wake(fd, LOCKS, 1) == -EBADF);
		CHECK(do_open(fd, self->name) == -EBUSY);
		CHECK(do_open(open_device(O_RDWR), self->name) == 0);
		_exit(0);
	}
	send_fd(socks[0], self->ro);
	EXPECT_EQ(0, reap(pid));
	expect_untouched(_metadata, self);
}

TEST_HARNESS_MAIN
