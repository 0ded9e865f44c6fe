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

static void asked_of_the_handle(struct view *v)
{
	static const int ops[] = {
		IORING_OP_WRITE, IORING_OP_FALLOCATE, IORING_OP_URING_CMD, OP_FTRUNCATE,
		IORING_OP_FSYNC,
	};
	struct io_uring *ring = new_ring();
	struct io_uring_sqe *sqe;
	int ends[2];
	size_t i;

	if (!ring)
		lacks(v, "io_uring");
	CHECK(!pipe(ends) && write(ends[1], "xxxx", 4) == 4);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		sqe = io_uring_get_sqe(ring);
		io_uring_prep_rw(ops[i], sqe, v->fd, v->lacks, 4, 0);
		CHECK(result_of(ring) < 0);
	}
	io_uring_prep_splice(io_uring_get_sqe(ring), ends[0], -1, v->fd, -1, 4, 0);
	CHECK(result_of(ring) < 0);
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
