// SPDX-License-Identifier: GPL-2.0-only
/* Shared memory is made, found by another name for it and mapped, and let go of. */
#include "bench.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <shmbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

/* In a round, of which the median counts. */
#define TIMES		25

#define NAME_SIZE	64
#define SYSV_KEY	0x5b000000
/* More than this mapped by attaching is data that nobody has asked for. */
#define MAPPED_KIB_MAX	1024

/* One end of the memory. */
struct end {
	struct shmbuf *buffer;
	void *memory;
	int fd;
	int id;
};

struct attachment {
	const struct method *method;
	size_t size;
	int prealloc;
	char name[NAME_SIZE];
	char second[NAME_SIZE];	/* of another beside it */
	key_t key;
	struct end maker;	/* of what is there all the time */
};

/* What takes how long; all return 0 or -errno. */
struct method {
	int (*create)(const struct attachment *a, struct end *e);	/* new, and mapped */
	int (*attach)(const struct attachment *a, struct end *e);	/* to what there is */
	int (*detach)(const struct attachment *a, struct end *e);
	int (*destroy)(const struct attachment *a, struct end *e);	/* by its maker */
};

static int create_shmbuf(const struct attachment *a, struct end *e)
{
	struct shmbuf_options options = {
		.nr_locks = 1,
		.flags = SHMBUF_EXCL | (a->prealloc ? SHMBUF_PREALLOC : 0),
	};

	return shmbuf_create(&e->buffer, a->name, a->size, &options);
}

static int attach_shmbuf(const struct attachment *a, struct end *e)
{
	return shmbuf_open(&e->buffer, a->name, 0);
}

static int close_shmbuf(const struct attachment *a, struct end *e)
{
	(void)a;
	shmbuf_close(e->buffer);
	return 0;
}

static const struct method by_shmbuf = {
	create_shmbuf, attach_shmbuf, close_shmbuf, close_shmbuf
};

static int map(const struct attachment *a, struct end *e)
{
	e->memory = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_SHARED, e->fd, 0);
	return e->memory == MAP_FAILED ? -errno : 0;
}

static int unmap(const struct attachment *a, struct end *e)
{
	return munmap(e->memory, a->size) ? -errno : 0;
}

static int size_and_map(const struct attachment *a, struct end *e)
{
	if (e->fd < 0 || ftruncate(e->fd, a->size))
		return -errno;
	if (a->prealloc && fallocate(e->fd, 0, 0, a->size))
		return -errno;
	return map(a, e);
}

/* Asks for the size, as who didn't make it must. */
static int map_and_close(const struct attachment *a, struct end *e)
{
	struct stat st;
	int err;

	if (e->fd < 0 || fstat(e->fd, &st))
		return -errno;
	err = map(a, e);
	close(e->fd);
	return err;
}

static int create_shm(const struct attachment *a, struct end *e)
{
	int err;

	e->fd = shm_open(a->name, O_RDWR | O_CREAT | O_EXCL, 0600);
	err = size_and_map(a, e);
	if (e->fd >= 0)
		close(e->fd);
	if (err)
		shm_unlink(a->name);
	return err;
}

static int attach_shm(const struct attachment *a, struct end *e)
{
	e->fd = shm_open(a->name, O_RDWR, 0);
	return map_and_close(a, e);
}

static int destroy_shm(const struct attachment *a, struct end *e)
{
	int err = unmap(a, e);

	return shm_unlink(a->name) ? -errno : err;
}

static const struct method by_shm = { create_shm, attach_shm, unmap, destroy_shm };

static int create_memfd(const struct attachment *a, struct end *e)
{
	e->fd = memfd_create("bench", MFD_CLOEXEC);
	return size_and_map(a, e);
}

/* It has no name: others have its descriptor already. */
static int attach_memfd(const struct attachment *a, struct end *e)
{
	e->fd = dup(a->maker.fd);
	return map_and_close(a, e);
}

static int destroy_memfd(const struct attachment *a, struct end *e)
{
	close(e->fd);
	return unmap(a, e);
}

static const struct method by_memfd = { create_memfd, attach_memfd, unmap, destroy_memfd };

static int attach_sysv(const struct attachment *a, struct end *e)
{
	e->id = shmget(a->key, a->size, 0);
	if (e->id < 0)
		return -errno;
	e->memory = shmat(e->id, NULL, 0);
	return e->memory == (void *)-1 ? -errno : 0;
}

static int create_sysv(const struct attachment *a, struct end *e)
{
	e->id = shmget(a->key, a->size, IPC_CREAT | IPC_EXCL | 0600);
	if (e->id < 0)
		return -errno;
	e->memory = shmat(e->id, NULL, 0);
	return e->memory == (void *)-1 ? -errno : 0;
}

static int detach_sysv(const struct attachment *a, struct end *e)
{
	(void)a;
	return shmdt(e->memory) ? -errno : 0;
}

static int destroy_sysv(const struct attachment *a, struct end *e)
{
	int err = detach_sysv(a, e);

	return shmctl(e->id, IPC_RMID, NULL) ? -errno : err;
}

static const struct method by_sysv = { create_sysv, attach_sysv, detach_sysv, destroy_sysv };

static double since(uint64_t began)
{
	return (double)(bench_now_ns() - began);
}

/* KiB of shared memory that this process has mapped pages of. */
static long mapped_kib(void)
{
	return process_kib("/proc/self/status", "RssShmem");
}

static int time_create(const struct attachment *all, double *took)
{
	struct attachment a = *all;
	struct end e = { };
	uint64_t began;
	int err;

	memcpy(a.name, a.second, sizeof(a.name));
	a.key = IPC_PRIVATE;
	began = bench_now_ns();
	err = a.method->create(&a, &e);
	*took = since(began);
	return err ? err : a.method->destroy(&a, &e);
}

static int time_attach(const struct attachment *a, double *took)
{
	struct end e = { };
	long before = a->prealloc ? mapped_kib() : 0, more = 0;
	uint64_t began = bench_now_ns();
	int err = a->method->attach(a, &e);

	*took = since(began);
	if (err)
		return err;
	if (a->prealloc)
		more = mapped_kib() - before;
	err = a->method->detach(a, &e);
	return more > MAPPED_KIB_MAX ? -EPROTO : err;
}

static int time_detach(const struct attachment *a, double *took)
{
	struct end e = { };
	int err = a->method->attach(a, &e);
	uint64_t began = bench_now_ns();

	if (err)
		return err;
	err = a->method->detach(a, &e);
	*took = since(began);
	return err;
}

static int measure(struct bench_subject *s, double *values)
{
	int (*measured)(const struct attachment *a, double *took) = time_detach;
	const char *op = s->params[0].text;
	double took[TIMES];
	int err = 0;

	if (!strcmp(op, "create"))
		measured = time_create;
	else if (!strcmp(op, "attach"))
		measured = time_attach;
	for (int i = 0; i < TIMES && !err; i++)
		err = measured(s->state, &took[i]);
	if (!err)
		values[0] = median_of(took, TIMES);
	return err;
}

static void teardown(struct bench_subject *s)
{
	struct attachment *a = s->state;

	a->method->destroy(a, &a->maker);
	free(a);
}

static int lacks_room(int err)
{
	return err == -ENOMEM || err == -ENOSPC || err == -EDQUOT;
}

static int setup(struct bench_subject *s)
{
	static int serial;
	struct attachment *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	s->state = a;
	a->method = s->arg;
	a->size = (size_t)s->params[1].number << 20;
	a->prealloc = a->size >> 30;
	/* Those of other subjects aren't to be found. */
	snprintf(a->name, sizeof(a->name), "shmbuf-bench-%d-%d", getpid(), ++serial);
	snprintf(a->second, sizeof(a->second), "shmbuf-bench-%d-%d+", getpid(), serial);
	a->key = SYSV_KEY | (getpid() & 0xffff) << 8 | serial;
	if (a->prealloc && available_mib() < s->params[1].number * 5 / 4)
		err = bench_absent(s, "memory for a preallocated GiB");
	else
		err = a->method->create(a, &a->maker);
	if (lacks_room(err) && a->prealloc)
		err = bench_absent(s, "preallocated GiB within the limits of module or tmpfs");
	if (err)
		free(a);
	return err;
}

#define SUBJECT(name, method, op_, mib_) {				\
	.system = name,							\
	.params = { { "op", op_, 0 }, { "mib", NULL, mib_ } },		\
	.setup = setup, .round = measure, .teardown = teardown,		\
	.arg = method,							\
}

#define SUBJECTS(op)							\
	SUBJECT("shmbuf", &by_shmbuf, op, 1),				\
	SUBJECT("shm_open", &by_shm, op, 1),				\
	SUBJECT("memfd", &by_memfd, op, 1),				\
	SUBJECT("sysv", &by_sysv, op, 1)

static struct bench_subject subjects[] = {
	SUBJECTS("create"), SUBJECTS("attach"), SUBJECTS("detach"),
	SUBJECT("shmbuf", &by_shmbuf, "attach", 1024),
	SUBJECT("shm_open", &by_shm, "attach", 1024),
};

const struct bench bench_attach = {
	.name = "attach",
	.title = "shared memory is made and mapped, found and mapped, let go of",
	.metrics = { { NULL, "ns", "lower" } },
	.subjects = subjects,
	.nr_subjects = sizeof(subjects) / sizeof(*subjects),
};
