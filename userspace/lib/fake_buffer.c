// SPDX-License-Identifier: MIT
/* The device fake's buffers and their names. */
#include "fake_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static __u64 fake_pages(__u64 size)
{
	return (size + FAKE_PAGE - 1) & ~(FAKE_PAGE - 1);
}

__u32 fake_stride(const struct fake_buffer *f)
{
	return f->layout == SHMBUF_LAYOUT_PACKED ? 8 : 64;
}

__u64 fake_control_size(const struct fake_buffer *f)
{
	return fake_pages(sizeof(struct shmbuf_control) + f->nr_objects * fake_stride(f));
}

bool fake_readonly(int fd)
{
	return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

/* The buffer that @fd is attached to; a free entry for inode 0. */
static struct fake_buffer *fake_find_inode(ino_t inode)
{
	int i;

	for (i = 0; i < FAKE_BUFFERS; i++)
		if (fake->buffers[i].inode == inode)
			return &fake->buffers[i];
	return NULL;
}

struct fake_buffer *fake_find_fd(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? NULL : fake_find_inode(st.st_ino);
}

static struct fake_buffer *fake_find_name(const char *name)
{
	int i;

	for (i = 0; i < FAKE_BUFFERS; i++)
		if (*name && !strcmp(fake->buffers[i].name, name))
			return &fake->buffers[i];
	return NULL;
}

/* As the kernel does: a mapping of its own, whatever @fd may. */
void *fake_map_kernel(int fd, __u64 offset, size_t size)
{
	char path[64], *p;
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_RDWR | O_CLOEXEC);
	if (own < 0)
		abort();
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, own, (off_t)offset);
	if (p == MAP_FAILED)
		abort();
	close(own);
	return p;
}

/* The file behind @fd becomes the buffer's, the number and the mode stay. */
static int fake_attach(int fd, const struct fake_buffer *f)
{
	int mode = fake_readonly(fd) ? O_RDONLY : O_RDWR;
	char path[64];
	int other;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", f->keeper, f->keeper_fd);
	other = open(path, mode | O_CLOEXEC);
	if (other < 0)
		return -errno;
	if (dup3(other, fd, O_CLOEXEC) < 0)
		abort();
	close(other);
	return 0;
}

static int fake_new_objects(struct fake_buffer *f, const struct shmbuf_create *create)
{
	const struct shmbuf_range *ranges = (void *)(uintptr_t)create->ranges;
	struct fake_call c = { .f = f, .fd = f->keeper_fd };
	int ret = 0;
	__u32 i;

	c.control = fake_map_kernel(c.fd, SHMBUF_CONTROL_OFFSET, fake_control_size(f));
	for (i = 0; i < f->nr_objects; i++)
		fake_word_give(fake_word(&c, i), SHMBUF_WORD_UNUSED);
	for (i = 0; i < create->nr_ranges && !ret; i++)
		ret = fake_set_kinds(&c, &ranges[i]);
	munmap(c.control, fake_control_size(f));
	return ret;
}

static int fake_new_buffer(int fd, struct fake_buffer *f, const struct shmbuf_create *create)
{
	struct stat st;
	int ret;

	memset(f, 0, sizeof(*f));
	f->keeper = getpid();
	f->keeper_fd = memfd_create("shmbuf-fake", MFD_CLOEXEC);
	if (f->keeper_fd < 0)
		return -errno;
	f->data_size = fake_pages(create->data_size);
	f->max_size = create->max_size ? fake_pages(create->max_size) : f->data_size;
	f->nr_objects = create->nr_objects;
	f->layout = create->layout;
	f->mode = create->mode ? create->mode : 0600;
	f->flags = create->flags & ~SHMBUF_CREATE_EXCL;
	if (ftruncate(f->keeper_fd, SHMBUF_ROW_OFFSET + FAKE_OWNERS * FAKE_PAGE))
		return -errno;
	ret = fake_new_objects(f, create);
	if (!ret)
		ret = fake_attach(fd, f);
	if (ret)
		return ret;
	if (create->name)
		memcpy(f->name, (void *)(uintptr_t)create->name, create->name_len);
	fstat(f->keeper_fd, &st);
	f->inode = st.st_ino;
	return 0;
}

static int fake_copy_name(char *name, __u64 from, __u32 len)
{
	if (len > SHMBUF_NAME_MAX)
		return -ENAMETOOLONG;
	if (!len || memchr((void *)(uintptr_t)from, '/', len))
		return -EINVAL;
	memcpy(name, (void *)(uintptr_t)from, len);
	name[len] = 0;
	return 0;
}

int fake_create(int fd, const struct shmbuf_create *create)
{
	char name[SHMBUF_NAME_MAX + 1] = "";
	struct fake_buffer *f;
	int ret;

	if (fake_find_fd(fd))
		return -EBUSY;
	if (!create->data_size || create->data_size >= SHMBUF_CONTROL_OFFSET ||
	    create->nr_objects > FAKE_OBJECTS ||
	    (create->max_size && create->max_size < create->data_size))
		return -EINVAL;
	ret = create->name ? fake_copy_name(name, create->name, create->name_len) : 0;
	if (ret)
		return ret;
	f = fake_find_name(name);
	if (f && (create->flags & SHMBUF_CREATE_EXCL))
		return -EEXIST;
	if (f && (f->data_size < create->data_size || f->nr_objects < create->nr_objects))
		return -EINVAL;
	if (f) {
		ret = fake_attach(fd, f);
		return ret ? ret : 1;
	}
	f = fake_find_inode(0);
	if (!f)
		return -EDQUOT;
	ret = fake_new_buffer(fd, f, create);
	if (ret)
		f->inode = 0;
	return ret;
}

int fake_name(int fd, const struct shmbuf_name *n, bool unlink)
{
	char name[SHMBUF_NAME_MAX + 1];
	int ret = fake_copy_name(name, n->name, n->name_len);
	struct fake_buffer *f;

	if (ret)
		return ret;
	f = fake_find_name(name);
	if (!f)
		return -ENOENT;
	if (!unlink)
		return fake_find_fd(fd) ? -EBUSY : fake_attach(fd, f);
	f->name[0] = 0;
	return 0;
}

static void fake_query_buffer(const struct fake_buffer *f, struct shmbuf_query *q)
{
	struct shmbuf_area *areas = (void *)(uintptr_t)q->areas;
	size_t name_size = strlen(f->name) + 1;

	q->handle_flags |= SHMBUF_HANDLE_ATTACHED;
	q->buffer_id = f->inode;
	q->data_size = f->data_size;
	q->max_size = f->max_size;
	q->generation = f->generation;
	q->nr_objects = f->nr_objects;
	q->layout = f->layout;
	q->object_offset = sizeof(struct shmbuf_control);
	q->object_stride = fake_stride(f);
	q->mode = f->mode;
	q->uid = getuid();
	q->gid = getgid();
	q->seals = f->seals;
	q->create_flags = f->flags;
	if (areas && q->nr_areas >= 2) {
		areas[0] = (struct shmbuf_area) {
			.type = SHMBUF_AREA_DATA,
			.size = f->data_size,
		};
		areas[1] = (struct shmbuf_area) {
			.type = SHMBUF_AREA_CONTROL,
			.offset = SHMBUF_CONTROL_OFFSET,
			.size = fake_control_size(f),
		};
	}
	q->nr_areas = 2;
	if (q->name && f->name[0] && q->name_size >= name_size)
		memcpy((void *)(uintptr_t)q->name, f->name, name_size);
	q->name_size = f->name[0] ? name_size : 0;
}

int fake_query(int fd, struct shmbuf_query *q)
{
	struct fake_buffer *f = fake_find_fd(fd);

	q->abi_version = fake->abi_version;
	q->handle_flags = fake_readonly(fd) ? SHMBUF_HANDLE_READONLY : 0;
	q->features = SHMBUF_FEATURE_LOCK | SHMBUF_FEATURE_QUEUE | SHMBUF_FEATURE_SEMAPHORE |
		      SHMBUF_FEATURE_BARRIER | SHMBUF_FEATURE_SHARED;
	q->limit_user_owners = FAKE_OWNERS;
	if (f)
		fake_query_buffer(f, q);
	if (fake->queried)
		fake->queried(q);
	return 0;
}

int fake_grow(struct fake_call *c, struct fake_sleeper *s)
{
	const struct shmbuf_grow *g = s->argument;
	__u64 size = fake_pages(g->data_size);
	struct fake_buffer *f = c->f;

	if (f->seals & SHMBUF_SEAL_GROW)
		return -EPERM;
	if (size < f->data_size || size > f->max_size)
		return -EINVAL;
	if (size == f->data_size)
		return 0;
	f->data_size = size;
	f->generation++;
	fake_word_give(&((struct shmbuf_control *)c->control)->generation, f->generation);
	return 0;
}

int fake_seal(struct fake_call *c, struct fake_sleeper *s)
{
	c->f->seals |= ((const struct shmbuf_seal *)s->argument)->seals;
	return 0;
}
