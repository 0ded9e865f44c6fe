// SPDX-License-Identifier: MIT
/*
 * A device fake: stands in for sys.c, so that the library runs where there is no
 * module: under sanitizers, and at native speed.  Linked or included before
 * libshmbuf.a.
 *
 * A buffer is a memfd with the areas at the offsets that the module has.  Words
 * take the module's steps.  What it doesn't do: readers, permissions, limits, the
 * release of a handle (an id ends with its thread or by UNREGISTER), names that
 * end by themselves.  Waiters poll.
 */
#include "internal.h"
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAKE_PAGE		4096ULL
#define FAKE_POLL_NS		20000

static struct fake *fake;
static pthread_once_t fake_once = PTHREAD_ONCE_INIT;

static void fake_init(void)
{
	pthread_mutexattr_t attr;

	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fake == MAP_FAILED)
		abort();
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&fake->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	fake->abi_version = SHMBUF_ABI_VERSION;
}

struct fake *shmbuf_fake(void)
{
	pthread_once(&fake_once, fake_init);
	return fake;
}

static void fake_enter(void)
{
	if (pthread_mutex_lock(&fake->mutex) == EOWNERDEAD)
		pthread_mutex_consistent(&fake->mutex);
}

static void fake_leave(void)
{
	pthread_mutex_unlock(&fake->mutex);
}

static __u64 fake_pages(__u64 size)
{
	return (size + FAKE_PAGE - 1) & ~(FAKE_PAGE - 1);
}

static __u32 fake_stride(const struct fake_buffer *f)
{
	return f->layout == SHMBUF_LAYOUT_PACKED ? 8 : 64;
}

static __u64 fake_control_size(const struct fake_buffer *f)
{
	return fake_pages(sizeof(struct shmbuf_control) + f->nr_objects * fake_stride(f));
}

static bool fake_readonly(int fd)
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

static struct fake_buffer *fake_find_fd(int fd)
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

/* As the kernel does: its own mapping of the control area, whatever @fd may. */
static char *fake_map_kernel(const struct fake_buffer *f, int fd)
{
	char path[64], *p;
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_RDWR | O_CLOEXEC);
	if (own < 0)
		abort();
	p = mmap(NULL, fake_control_size(f), PROT_READ | PROT_WRITE, MAP_SHARED, own,
		 SHMBUF_CONTROL_OFFSET);
	if (p == MAP_FAILED)
		abort();
	close(own);
	return p;
}

static __u64 *fake_kernel_word(const struct fake_buffer *f, char *control, __u32 index)
{
	return (__u64 *)(control + sizeof(struct shmbuf_control) + index * fake_stride(f));
}

/* Take the word from user space, and give it back with its new value. */
static __u64 fake_word_take(__u64 *word)
{
	return __atomic_fetch_or(word, SHMBUF_WORD_WAITERS, __ATOMIC_ACQ_REL);
}

static void fake_word_give(__u64 *word, __u64 new)
{
	__atomic_store_n(word, new, __ATOMIC_RELEASE);
}

static bool fake_task_alive(const struct fake_owner *o)
{
	char path[64], text[512], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", o->pid, o->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	end = strrchr(text, ')');
	return end && !strchr("ZX", end[2]);
}

static struct fake_owner *fake_find_owner(struct fake_buffer *f, __u64 id)
{
	int i;

	for (i = 0; id && i < FAKE_OWNERS; i++)
		if (f->owners[i].id == id)
			return &f->owners[i];
	return NULL;
}

static bool fake_owner_alive(struct fake_buffer *f, __u64 id)
{
	struct fake_owner *o = fake_find_owner(f, id);

	return o && fake_task_alive(o);
}

static bool fake_owner_is_caller(struct fake_buffer *f, __u64 id)
{
	struct fake_owner *o = fake_find_owner(f, id);

	return o && o->pid == getpid() && o->tid == gettid();
}

/* The file behind @fd becomes @other's, the number and the mode stay. */
static int fake_attach(int fd, const char *path)
{
	int mode = fake_readonly(fd) ? O_RDONLY : O_RDWR;
	int other = open(path, mode | O_CLOEXEC);

	if (other < 0)
		return -errno;
	if (dup3(other, fd, O_CLOEXEC) < 0)
		abort();
	close(other);
	return 0;
}

static int fake_attach_buffer(int fd, const struct fake_buffer *f)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", f->keeper, f->keeper_fd);
	return fake_attach(fd, path);
}

static int fake_set_kinds(struct fake_buffer *f, char *control,
			  const struct shmbuf_range *r)
{
	__u32 i;

	if (!r->count || r->first > f->nr_objects ||
	    r->count > f->nr_objects - r->first ||
	    (r->kind != SHMBUF_KIND_LOCK && r->kind != SHMBUF_KIND_QUEUE))
		return -EINVAL;
	for (i = r->first; i < r->first + r->count; i++)
		if (f->kinds[i])
			return -EEXIST;
	for (i = r->first; i < r->first + r->count; i++) {
		f->kinds[i] = r->kind;
		fake_word_give(fake_kernel_word(f, control, i),
			       r->kind == SHMBUF_KIND_QUEUE ?
			       shmbuf_queue_word(r->value, 0) : 0);
	}
	return 0;
}

static int fake_new_buffer(int fd, struct fake_buffer *f, const struct shmbuf_create *c)
{
	const struct shmbuf_range *ranges = (void *)(uintptr_t)c->ranges;
	char *control;
	struct stat st;
	int ret = 0;
	__u32 i;

	memset(f, 0, sizeof(*f));
	f->keeper = getpid();
	f->keeper_fd = memfd_create("shmbuf-fake", MFD_CLOEXEC);
	if (f->keeper_fd < 0)
		return -errno;
	f->data_size = fake_pages(c->data_size);
	f->max_size = c->max_size ? fake_pages(c->max_size) : f->data_size;
	f->nr_objects = c->nr_objects;
	f->layout = c->layout;
	f->mode = c->mode ? c->mode : 0600;
	f->flags = c->flags & ~SHMBUF_CREATE_EXCL;
	if (ftruncate(f->keeper_fd, SHMBUF_CONTROL_OFFSET + fake_control_size(f)))
		return -errno;
	control = fake_map_kernel(f, f->keeper_fd);
	for (i = 0; i < f->nr_objects; i++)
		fake_word_give(fake_kernel_word(f, control, i), SHMBUF_WORD_UNUSED);
	for (i = 0; i < c->nr_ranges && !ret; i++)
		ret = fake_set_kinds(f, control, &ranges[i]);
	munmap(control, fake_control_size(f));
	if (!ret)
		ret = fake_attach_buffer(fd, f);
	if (ret)
		return ret;
	if (c->name)
		memcpy(f->name, (void *)(uintptr_t)c->name, c->name_len);
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

static int fake_create(int fd, struct shmbuf_create *c)
{
	char name[SHMBUF_NAME_MAX + 1] = "";
	struct fake_buffer *f;
	int ret;

	if (fake_find_fd(fd))
		return -EBUSY;
	if (!c->data_size || c->data_size >= SHMBUF_CONTROL_OFFSET ||
	    c->nr_objects > FAKE_OBJECTS ||
	    (c->max_size && c->max_size < c->data_size))
		return -EINVAL;
	ret = c->name ? fake_copy_name(name, c->name, c->name_len) : 0;
	if (ret)
		return ret;
	f = fake_find_name(name);
	if (f && (c->flags & SHMBUF_CREATE_EXCL))
		return -EEXIST;
	if (f && (f->data_size < c->data_size || f->nr_objects < c->nr_objects))
		return -EINVAL;
	if (f) {
		ret = fake_attach_buffer(fd, f);
		return ret ? ret : 1;
	}
	f = fake_find_inode(0);
	if (!f)
		return -EDQUOT;
	ret = fake_new_buffer(fd, f, c);
	if (ret)
		f->inode = 0;
	return ret;
}

static int fake_name(int fd, const struct shmbuf_name *n, bool unlink)
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
		return fake_find_fd(fd) ? -EBUSY : fake_attach_buffer(fd, f);
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

static int fake_query(int fd, struct shmbuf_query *q)
{
	struct fake_buffer *f = fake_find_fd(fd);

	q->abi_version = fake->abi_version;
	q->handle_flags = fake_readonly(fd) ? SHMBUF_HANDLE_READONLY : 0;
	q->features = SHMBUF_FEATURE_LOCK | SHMBUF_FEATURE_QUEUE;
	q->limit_user_owners = FAKE_OWNERS;
	if (f)
		fake_query_buffer(f, q);
	return 0;
}

static int fake_grow(struct fake_buffer *f, const struct shmbuf_grow *g, char *control)
{
	if (f->seals & SHMBUF_SEAL_GROW)
		return -EPERM;
	if (fake_pages(g->data_size) < f->data_size || fake_pages(g->data_size) > f->max_size)
		return -EINVAL;
	if (fake_pages(g->data_size) == f->data_size)
		return 0;
	f->data_size = fake_pages(g->data_size);
	f->generation++;
	fake_word_give(&((struct shmbuf_control *)control)->generation, f->generation);
	return 0;
}

static int fake_reset(struct fake_buffer *f, const struct shmbuf_range *r, char *control)
{
	__u64 old;
	__u32 i;

	if (!r->count || r->first > f->nr_objects ||
	    r->count > f->nr_objects - r->first)
		return -EINVAL;
	for (i = r->first; i < r->first + r->count; i++) {
		old = __atomic_load_n(fake_kernel_word(f, control, i), __ATOMIC_ACQUIRE);
		if (f->waiters[i] || (f->kinds[i] == SHMBUF_KIND_LOCK &&
				      fake_owner_alive(f, shmbuf_lock_word_owner(old))))
			return -EBUSY;
	}
	for (i = r->first; i < r->first + r->count; i++) {
		f->kinds[i] = SHMBUF_KIND_NONE;
		fake_word_give(fake_kernel_word(f, control, i), SHMBUF_WORD_UNUSED);
	}
	return 0;
}

static int fake_register(struct fake_buffer *f, struct shmbuf_register *r)
{
	int i;

	for (i = 0; i < FAKE_OWNERS; i++)
		if (!f->owners[i].id || !fake_task_alive(&f->owners[i]))
			break;
	if (i == FAKE_OWNERS)
		return -EDQUOT;
	f->owners[i] = (struct fake_owner) {
		.id = ++f->next_id << SHMBUF_OWNER_SLOT_BITS | i,
		.pid = getpid(),
		.tid = gettid(),
	};
	r->owner = f->owners[i].id;
	return 0;
}

static int fake_unregister(struct fake_buffer *f, const struct shmbuf_register *r)
{
	if (!fake_owner_is_caller(f, r->owner))
		return -EPERM;
	fake_find_owner(f, r->owner)->id = 0;
	return 0;
}

static int fake_lock(struct fake_buffer *f, const struct shmbuf_lock *l, char *control)
{
	__u64 *word = fake_kernel_word(f, control, l->index), old, new;
	int ret;

	if (l->flags & SHMBUF_LOCK_SHARED)
		return -EOPNOTSUPP;
	if (f->kinds[l->index] != SHMBUF_KIND_LOCK)
		return -EINVAL;
	if (!fake_owner_is_caller(f, l->owner))
		return -EPERM;
	old = fake_word_take(word);
	ret = shmbuf_lock_acquire(old, l->owner,
				  fake_owner_alive(f, shmbuf_lock_word_owner(old)),
				  f->waiters[l->index], &new);
	fake_word_give(word, new);
	return ret == -EDEADLK && (l->flags & SHMBUF_LOCK_TRY) ? -EBUSY : ret;
}

static int fake_release(struct fake_buffer *f, const struct shmbuf_lock *l,
			char *control, bool consistent)
{
	__u64 *word = fake_kernel_word(f, control, l->index), old, new;
	int waiters = f->waiters[l->index], ret;

	if (f->kinds[l->index] != SHMBUF_KIND_LOCK)
		return -EINVAL;
	if (!fake_owner_is_caller(f, l->owner))
		return -EPERM;
	old = fake_word_take(word);
	ret = consistent ? shmbuf_lock_consistent(old, l->owner, waiters, &new) :
			   shmbuf_lock_release(old, l->owner, 0, waiters, &new);
	fake_word_give(word, new);
	return ret == -ENOTRECOVERABLE ? 0 : ret;
}

static int fake_wait(struct fake_buffer *f, struct shmbuf_wait *w, char *control)
{
	__u64 *word = fake_kernel_word(f, control, w->index), old;

	if (f->kinds[w->index] != SHMBUF_KIND_QUEUE)
		return -EINVAL;
	old = fake_word_take(word) & SHMBUF_SEQUENCE_MASK;
	fake_word_give(word, shmbuf_queue_word(old, f->waiters[w->index]));
	if (old == w->sequence)
		return -EBUSY;
	w->sequence = old;
	return 0;
}

static int fake_wake(struct fake_buffer *f, const struct shmbuf_wake *w, char *control)
{
	__u64 *word = fake_kernel_word(f, control, w->index), new;

	if (f->kinds[w->index] != SHMBUF_KIND_QUEUE || !w->count)
		return -EINVAL;
	shmbuf_queue_wake(fake_word_take(word), f->waiters[w->index], &new);
	fake_word_give(word, new);
	return f->waiters[w->index] < w->count ? f->waiters[w->index] : w->count;
}

/* Which object the command is about; 0 where it is about none. */
static __u32 fake_object_of(unsigned long command, const void *argument)
{
	switch (command) {
	case SHMBUF_IOC_LOCK:
	case SHMBUF_IOC_UNLOCK:
	case SHMBUF_IOC_CONSISTENT:
		return ((const struct shmbuf_lock *)argument)->index;
	case SHMBUF_IOC_WAIT:
		return ((const struct shmbuf_wait *)argument)->index;
	case SHMBUF_IOC_WAKE:
		return ((const struct shmbuf_wake *)argument)->index;
	default:
		return 0;
	}
}

static int fake_buffer_command(struct fake_buffer *f, unsigned long command, void *argument,
			       char *control)
{
	__u32 index = fake_object_of(command, argument);

	if (index && index >= f->nr_objects)
		return -EINVAL;
	switch (command) {
	case SHMBUF_IOC_INIT:
		return fake_set_kinds(f, control, &((struct shmbuf_init *)argument)->range);
	case SHMBUF_IOC_RESET:
		return fake_reset(f, &((struct shmbuf_init *)argument)->range, control);
	case SHMBUF_IOC_GROW:
		return fake_grow(f, argument, control);
	case SHMBUF_IOC_SEAL:
		f->seals |= ((struct shmbuf_seal *)argument)->seals;
		return 0;
	case SHMBUF_IOC_REGISTER:
		return fake_register(f, argument);
	case SHMBUF_IOC_UNREGISTER:
		return fake_unregister(f, argument);
	case SHMBUF_IOC_LOCK:
		return fake_lock(f, argument, control);
	case SHMBUF_IOC_UNLOCK:
	case SHMBUF_IOC_CONSISTENT:
		return fake_release(f, argument, control,
				  command == SHMBUF_IOC_CONSISTENT);
	case SHMBUF_IOC_WAIT:
		return fake_wait(f, argument, control);
	case SHMBUF_IOC_WAKE:
		return fake_wake(f, argument, control);
	default:
		return -ENOTTY;
	}
}

static int fake_attached_command(int fd, unsigned long command, void *argument)
{
	struct fake_buffer *f = fake_find_fd(fd);
	char *control;
	int ret;

	if (!f)
		return -ENOTCONN;
	if (fake_readonly(fd) && command != SHMBUF_IOC_WAIT)
		return -EBADF;
	control = fake_map_kernel(f, fd);
	ret = fake_buffer_command(f, command, argument, control);
	munmap(control, fake_control_size(f));
	return ret;
}

static int fake_command_once(int fd, unsigned long command, void *argument)
{
	switch (command) {
	case SHMBUF_IOC_QUERY:
		return fake_query(fd, argument);
	case SHMBUF_IOC_CREATE:
		return fake_readonly(fd) ? -EBADF : fake_create(fd, argument);
	case SHMBUF_IOC_OPEN:
		return fake_name(fd, argument, false);
	case SHMBUF_IOC_UNLINK:
		return fake_name(fd, argument, true);
	default:
		return fake_attached_command(fd, command, argument);
	}
}

static __u64 fake_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* LOCK and WAIT while they would sleep: from here the word has a waiter. */
static int fake_sleep_command(int fd, unsigned long command, void *argument, __u64 deadline)
{
	struct timespec poll = { .tv_nsec = FAKE_POLL_NS };
	__u32 index = fake_object_of(command, argument);
	struct fake_buffer *f;
	int ret, interrupted = 0;

	for (;;) {
		fake_enter();
		f = fake_find_fd(fd);
		f->waiters[index]++;
		ret = fake_attached_command(fd, command, argument);
		if (ret == -EBUSY && fake_now() >= deadline)
			ret = -ETIMEDOUT;
		if (ret == -EBUSY && interrupted)
			ret = -EINTR;
		fake_leave();
		if (ret == -EBUSY)
			interrupted = nanosleep(&poll, NULL);
		fake_enter();
		f->waiters[index]--;
		fake_leave();
		if (ret != -EBUSY)
			return ret;
	}
}

static __u64 fake_deadline_of(unsigned long command, const void *argument)
{
	if (command == SHMBUF_IOC_WAIT)
		return ((const struct shmbuf_wait *)argument)->deadline;
	return ((const struct shmbuf_lock *)argument)->deadline;
}

int shmbuf_sys_open(int flags)
{
	char path[64];
	int fd, ret;

	if (shmbuf_fake()->open_error)
		return -fake->open_error;
	fd = memfd_create("shmbuf-fake-node", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = open(path, flags | O_CLOEXEC);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int shmbuf_sys_ioctl(int fd, unsigned long command, void *argument)
{
	unsigned int nr = _IOC_NR(command);
	int ret;

	if (fcntl(fd, F_GET_SEALS) < 0)
		return errno == EBADF ? -EBADF : -ENOTTY;
	shmbuf_fake();
	fake_enter();
	fake->calls[nr]++;
	ret = -fake->error[nr];
	fake->error[nr] = 0;
	if (!ret)
		ret = fake_command_once(fd, command, argument);
	fake_leave();
	if (ret != -EBUSY)
		return ret;
	if (command == SHMBUF_IOC_WAIT ||
	    (command == SHMBUF_IOC_LOCK &&
	     !(((struct shmbuf_lock *)argument)->flags & SHMBUF_LOCK_TRY)))
		return fake_sleep_command(fd, command, argument,
				     fake_deadline_of(command, argument));
	return ret;
}

void *shmbuf_sys_mmap(void *address, size_t size, int prot, int flags, int fd,
		      __u64 offset)
{
	struct fake_buffer *f;
	void *p;

	fake_enter();
	f = fake_find_fd(fd);
	if (!f || (offset < SHMBUF_CONTROL_OFFSET &&
		   (offset > f->data_size || size > f->data_size - offset)) ||
	    offset >= SHMBUF_ROW_OFFSET ||
	    (offset >= SHMBUF_CONTROL_OFFSET && size != fake_control_size(f))) {
		fake_leave();
		errno = EINVAL;
		return MAP_FAILED;
	}
	fake_leave();
	p = mmap(address, size, prot, flags, fd, (off_t)offset);
	/* A child of fork() doesn't have it. */
	if (p != MAP_FAILED && offset >= SHMBUF_CONTROL_OFFSET)
		madvise(p, size, MADV_DONTFORK);
	return p;
}
