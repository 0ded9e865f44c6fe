/* SPDX-License-Identifier: GPL-2.0-only */
/* A buffer, and another user who has nothing of it but a read-only handle and what that maps. */
#ifndef OBSERVER_H
#define OBSERVER_H

#include "others.h"

#define PAGE	4096UL
#define DATA	(4 * PAGE)
#define LOCKS	1
#define QUEUES	1

/**
 * struct view - what an observer has
 * @fd: its handle
 * @data: of the data area, DATA bytes
 * @c: of the control area
 * @lacks: what this kernel hasn't got, for who tries to use it
 */
struct view {
	int fd;
	char *data;
	struct control c;
	char *lacks;
};

/* The kernel lacks it: nothing was tried. */
static void lacks(struct view *v, const char *what)
{
	snprintf(v->lacks, PAGE, "%s: %s", what, strerror(errno));
	_exit(0);
}

FIXTURE(observer)
{
	char name[64];
	int fd;
	int ro;
	char *data;
	struct control c;
	char *lacks;
	char before[DATA];
	__u64 words[LOCKS + QUEUES];
};

FIXTURE_SETUP(observer)
{
	size_t i;

	self->fd = new_buffer_of(OWNER, new_name(self->name), 0644, DATA, LOCKS, QUEUES);
	self->data = map_data(self->fd, DATA);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->lacks = shared_memory(PAGE);
	for (i = 0; i < DATA; i++)
		self->before[i] = i / PAGE + i % 251 + 1;
	memcpy(self->data, self->before, DATA);
	for (i = 0; i < LOCKS + QUEUES; i++)
		self->words[i] = read_word(&self->c, i);
	self->ro = open_buffer(self->name, O_RDONLY);
}

FIXTURE_TEARDOWN(observer)
{
	munmap(self->c.base, self->c.size);
	munmap(self->data, DATA);
	close(self->ro);
	close(self->fd);
}

static void expect_untouched(struct __test_metadata *_metadata, FIXTURE_DATA(observer) *self)
{
	size_t i;

	EXPECT_EQ(0, memcmp(self->before, self->data, DATA));
	for (i = 0; i < LOCKS + QUEUES; i++)
		EXPECT_EQ(self->words[i], read_word(&self->c, i));
}

static void look_and_try(FIXTURE_DATA(observer) *self, void (*attempt)(struct view *v), __u64 caps)
{
	struct view v = { .fd = self->ro, .lacks = self->lacks };

	close(self->fd);
	munmap(self->data, DATA);
	become_with(STRANGER, caps);
	v.data = mmap(NULL, DATA, PROT_READ, MAP_SHARED, v.fd, 0);
	CHECK(v.data != MAP_FAILED);
	CHECK(v.data[1] == self->before[1]);
	v.c = map_control(v.fd, PROT_READ);
	attempt(&v);
}

/* An observer with capabilities @caps makes @attempt, and nothing comes of it. */
static void observe(struct __test_metadata *_metadata, FIXTURE_DATA(observer) *self,
		    void (*attempt)(struct view *v), __u64 caps)
{
	pid_t pid = spawn();

	if (!pid) {
		look_and_try(self, attempt, caps);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	expect_untouched(_metadata, self);
}

/* The same without capabilities, and skipped where the kernel lacks what it takes. */
#define TEST_OBSERVER(attempt)						\
	TEST_F(observer, attempt)					\
	{								\
		observe(_metadata, self, attempt, 0);			\
		if (*self->lacks)					\
			SKIP(return, "%s", self->lacks);		\
	}

#endif /* OBSERVER_H */
