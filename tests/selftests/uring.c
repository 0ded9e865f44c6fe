// SPDX-License-Identifier: GPL-2.0-only
/* What io_uring does with handles and mappings: nothing that its user may not do otherwise. */
#include "observer.h"
#include <sys/uio.h>

#ifndef WITH_LIBURING
TEST(all)
{
	SKIP(return, "it was built without liburing");
}
#else
#include <liburing.h>

/* A ring, or NULL where there is no io_uring, or an administrator has forbidden it. */
static struct io_uring *new_ring(void)
{
	static struct io_uring ring;
	int ret = io_uring_queue_init(4, &ring, 0);

	errno = -ret;
	return ret ? NULL : &ring;
}

/* What came of the one request that was prepared. */
static int result_of(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int ret;

	CHECK(io_uring_submit(ring) == 1);
	CHECK(io_uring_wait_cqe(ring, &cqe) == 0);
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

static void read_into_it(struct view *v)
{
	struct io_uring *ring = new_ring();
	struct iovec iovs[] = { { v->data, PAGE }, { v->c.base, PAGE } };
	int zero = open("/dev/zero", O_RDONLY), ends[2];
	size_t i;

	if (!ring)
		lacks(v, "io_uring");
	CHECK(zero >= 0 && !pipe(ends) && write(ends[1], "xxxx", 4) == 4);
	for (i = 0; i < ARRAY_SIZE(iovs); i++) {
		io_uring_prep_read(io_uring_get_sqe(ring), zero, iovs[i].iov_base, 4, 0);
		CHECK(result_of(ring) < 0);
		io_uring_prep_read(io_uring_get_sqe(ring), ends[0], iovs[i].iov_base, 4, 0);
		CHECK(result_of(ring) < 0);
		io_uring_prep_readv(io_uring_get_sqe(ring), zero, &iovs[i], 1, 0);
		CHECK(result_of(ring) < 0);
	}
}

TEST_OBSERVER(read_into_it)

/* Buffers that are registered are pinned for writing. */
static void registered_as_buffer(struct view *v)
{
	struct io_uring *ring = new_ring();
	struct iovec data = { v->data, PAGE }, control = { v->c.base, PAGE };

	if (!ring)
		lacks(v, "io_uring");
	CHECK(io_uring_register_buffers(ring, &data, 1) < 0);
	CHECK(io_uring_register_buffers(ring, &control, 1) < 0);
}

TEST_OBSERVER(registered_as_buffer)

/* By number, where the headers are older than the kernel may be. */
#define OP_FTRUNCATE 55

enum { WRITE, ALLOCATE, PUNCH, TRUNCATE, FLUSH, SPLICE, NR_REQUESTS };

/* What changes a file, or has its changes written; @from is a pipe with something in it. */
static void prepare(struct io_uring_sqe *sqe, int request, int fd, int from)
{
	switch (request) {
	case WRITE:
		io_uring_prep_write(sqe, fd, "xxxx", 4, 0);
		break;
	case ALLOCATE:
		io_uring_prep_fallocate(sqe, fd, 0, 0, PAGE);
		break;
	case PUNCH:
		io_uring_prep_fallocate(sqe, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
					PAGE);
		break;
	case TRUNCATE:
		io_uring_prep_rw(OP_FTRUNCATE, sqe, fd, NULL, 0, 0);
		break;
	case FLUSH:
		io_uring_prep_fsync(sqe, fd, 0);
		break;
	default:
		io_uring_prep_splice(sqe, from, -1, fd, -1, 4, 0);
	}
}

/* Of an ordinary file's memory all of that can be asked, so nothing else is wrong with it. */
static void asked_of_the_handle(struct view *v)
{
	int ends[2], file = memfd_create("ordinary", 0), request, ret;
	struct io_uring *ring = new_ring();

	if (!ring)
		lacks(v, "io_uring");
	CHECK(file >= 0 && !pipe(ends) && write(ends[1], "xxxxxxxx", 8) == 8);
	for (request = 0; request < NR_REQUESTS; request++) {
		prepare(io_uring_get_sqe(ring), request, file, ends[0]);
		ret = result_of(ring);
		CHECK(ret >= 0 || (request == TRUNCATE && ret == -EINVAL));
		prepare(io_uring_get_sqe(ring), request, v->fd, ends[0]);
		CHECK(result_of(ring) < 0);
	}
	io_uring_prep_rw(IORING_OP_URING_CMD, io_uring_get_sqe(ring), v->fd, NULL, 0, 0);
	CHECK(result_of(ring) == -EOPNOTSUPP);
}

TEST_OBSERVER(asked_of_the_handle)

/* Nor are the words, or a row, pinned for whoever may write them: they are kernel memory. */
TEST_F(observer, words_are_never_pinned)
{
	struct io_uring *ring = new_ring();
	struct iovec data = { self->data, PAGE }, control = { self->c.base, PAGE };
	struct iovec row = { map_row(self->fd, new_owner(self->fd)), PAGE };
	int ends[2];

	if (!ring)
		SKIP(return, "io_uring: %s", strerror(errno));
	EXPECT_GT(0, io_uring_register_buffers(ring, &control, 1));
	EXPECT_GT(0, io_uring_register_buffers(ring, &row, 1));
	EXPECT_EQ(0, io_uring_register_buffers(ring, &data, 1));
	io_uring_queue_exit(ring);
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(-1, vmsplice(ends[1], &control, 1, 0));
	EXPECT_EQ(-1, vmsplice(ends[1], &row, 1, 0));
	expect_untouched(_metadata, self);
}

#endif /* WITH_LIBURING */

TEST_HARNESS_MAIN
