// SPDX-License-Identifier: MIT
/*
 * A device fake: stands in for sys.c, so that the library runs where there is no
 * module: under sanitizers, and at native speed.  Linked, with the other fake_*.c, before
 * libshmbuf.a.
 *
 * A buffer is a memfd with the areas at the offsets that the module has.  Words
 * take the module's steps.  Waiters poll, in no order, and who is dead is found by
 * whoever calls next.
 *
 * What it doesn't do: permissions, limits, the release of a handle (an id ends with its
 * thread or by UNREGISTER), names that end by themselves, cycles of waiters; who is killed
 * while he waits still counts as waiting.  A command that it doesn't know (WAIT_ANY, WATCH,
 * MOVED, OWNER_INFO, DEATHS, RECOVER, STATS, LIST, OBJECTS, WAITERS) fails with ENOTTY, a flag
 * with EOPNOTSUPP.
 */
#include "fake_call.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAKE_POLL_NS		20000

struct fake *fake;
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

__u64 *fake_word(const struct fake_call *c, __u32 index)
{
	return (__u64 *)(c->control + sizeof(struct shmbuf_control) +
			 index * fake_stride(c->f));
}

__u64 *fake_word_of(const struct fake_call *c, __u32 index, __u32 kind)
{
	if (index >= c->f->nr_objects || c->f->kinds[index] != kind)
		return NULL;
	return fake_word(c, index);
}

/* Take the word from user space, and give it back with its new value. */
__u64 fake_word_take(__u64 *word)
{
	__u64 old = __atomic_fetch_or(word, SHMBUF_WORD_WAITERS, __ATOMIC_ACQ_REL);

	fake_tsan_step(word);
	return old;
}

void fake_word_give(__u64 *word, __u64 new)
{
	fake_tsan_step(word);
	__atomic_store_n(word, new, __ATOMIC_RELEASE);
}

__u64 *fake_row(struct fake_call *c, __u64 id)
{
	if (!c->rows)
		c->rows = fake_map_kernel(c->fd, SHMBUF_ROW_OFFSET, FAKE_ROWS_SIZE);
	return (__u64 *)(c->rows + (id & SHMBUF_OWNER_SLOT_MASK) * FAKE_PAGE);
}

/*
 * The commands of a buffer.
 * @step: tries it
 * @give_up: where it leaves more behind than its place among those who wait
 * @readonly: for handles that are, too
 */
static const struct fake_command {
	unsigned long number;
	int (*step)(struct fake_call *c, struct fake_sleeper *s);
	int (*give_up)(struct fake_call *c, struct fake_sleeper *s);
	bool readonly;
} fake_commands[] = {
	{ .number = SHMBUF_IOC_INIT, .step = fake_init_objects },
	{ .number = SHMBUF_IOC_RESET, .step = fake_reset },
	{ .number = SHMBUF_IOC_GROW, .step = fake_grow },
	{ .number = SHMBUF_IOC_SEAL, .step = fake_seal },
	{ .number = SHMBUF_IOC_REGISTER, .step = fake_register },
	{ .number = SHMBUF_IOC_UNREGISTER, .step = fake_unregister },
	{ .number = SHMBUF_IOC_LOCK, .step = fake_lock },
	{ .number = SHMBUF_IOC_UNLOCK, .step = fake_unlock },
	{ .number = SHMBUF_IOC_CONSISTENT, .step = fake_consistent },
	{ .number = SHMBUF_IOC_DOWNGRADE, .step = fake_downgrade },
	{ .number = SHMBUF_IOC_WAIT, .step = fake_wait, .give_up = fake_wait_give_up,
	  .readonly = true },
	{ .number = SHMBUF_IOC_WAKE, .step = fake_wake },
	{ .number = SHMBUF_IOC_SEM_WAIT, .step = fake_sem_wait },
	{ .number = SHMBUF_IOC_SEM_POST, .step = fake_sem_post },
	{ .number = SHMBUF_IOC_BARRIER_WAIT, .step = fake_barrier_wait,
	  .give_up = fake_barrier_give_up },
	{ .number = SHMBUF_IOC_BARRIER_LEAVE, .step = fake_barrier_leave },
};

static const struct fake_command *fake_command(unsigned long number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fake_commands); i++)
		if (fake_commands[i].number == number)
			return &fake_commands[i];
	return NULL;
}

static int fake_call_begin(struct fake_call *c, int fd, const struct fake_command *command)
{
	*c = (struct fake_call) { .f = fake_find_fd(fd), .fd = fd };
	if (!c->f)
		return -ENOTCONN;
	if (fake_readonly(fd) && !command->readonly)
		return -EBADF;
	c->control = fake_map_kernel(fd, SHMBUF_CONTROL_OFFSET, fake_control_size(c->f));
	fake_tsan_call(c);
	return 0;
}

static void fake_call_end(struct fake_call *c)
{
	fake_tsan_call(NULL);
	munmap(c->control, fake_control_size(c->f));
	if (c->rows)
		munmap(c->rows, FAKE_ROWS_SIZE);
}

static __u32 fake_slot(__u32 index)
{
	return index == SHMBUF_INDEX_DEATHS ? FAKE_OBJECTS : index;
}

static void fake_uncount(struct fake_call *c, struct fake_sleeper *s)
{
	if (!s->counted)
		return;
	c->f->waiters[fake_slot(s->counted_index)]--;
	c->f->writers[fake_slot(s->counted_index)] -= s->counted_writer;
	s->counted = false;
}

/* @s counts as waiting from here; false where it did already. */
static bool fake_count(struct fake_call *c, struct fake_sleeper *s)
{
	if (s->counted && s->counted_index == s->index)
		return false;
	fake_uncount(c, s);
	s->counted = true;
	s->counted_index = s->index;
	s->counted_writer = s->writer;
	c->f->waiters[fake_slot(s->index)]++;
	c->f->writers[fake_slot(s->index)] += s->writer;
	return true;
}

static __u64 fake_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Why @s shouldn't wait any longer, or 0. */
static int fake_why(struct fake_call *c, struct fake_sleeper *s, bool interrupted)
{
	int ret = 0;

	if (s->stubborn)
		return 0;
	if (s->peers && !s->compares) {
		s->compares = true;
		fake_reap(c);
		s->known = s->deaths == ~0ULL ? c->f->nr_deaths : s->deaths;
	}
	if (s->peers)
		ret = fake_peers(c, s->known);
	if (!ret && interrupted)
		ret = -EINTR;
	if (!ret && fake_now() >= s->deadline)
		ret = -ETIMEDOUT;
	return ret;
}

static int fake_try(struct fake_call *c, const struct fake_command *command,
		    struct fake_sleeper *s, bool interrupted)
{
	int ret;

	if (c->f->nr_claims)
		fake_reap(c);
	/* A handler has run, and may have brought about what is waited for: it came first. */
	ret = interrupted && !s->stubborn ? -EBUSY : command->step(c, s);
	/* Once more, so that the word shows that somebody waits. */
	if (ret == -EBUSY && s->sleeps && fake_count(c, s))
		ret = command->step(c, s);
	if (ret == -EBUSY && s->sleeps) {
		s->result = fake_why(c, s, interrupted);
		if (s->result)
			ret = command->give_up ? command->give_up(c, s) : s->result;
	}
	if (ret != -EBUSY || !s->sleeps)
		fake_uncount(c, s);
	return ret;
}

static int fake_attached(int fd, unsigned long number, void *argument, const sigset_t *signals)
{
	const struct fake_command *command = fake_command(number);
	struct timespec tick = { .tv_nsec = FAKE_POLL_NS };
	struct fake_sleeper s = { .argument = argument };
	bool interrupted = false;
	struct fake_call c;
	int ret;

	if (!command)
		return -ENOTTY;
	for (;;) {
		fake_enter();
		ret = fake_call_begin(&c, fd, command);
		if (!ret) {
			ret = fake_try(&c, command, &s, interrupted);
			fake_call_end(&c);
		}
		fake_leave();
		if (ret != -EBUSY || !s.sleeps)
			return ret;
		interrupted = ppoll(NULL, 0, &tick, signals) < 0;
	}
}

static int fake_command_of_handle(int fd, unsigned long number, void *argument)
{
	int ret;

	fake_enter();
	switch (number) {
	case SHMBUF_IOC_QUERY:
		ret = fake_query(fd, argument);
		break;
	case SHMBUF_IOC_CREATE:
		ret = fake_readonly(fd) ? -EBADF : fake_create(fd, argument);
		break;
	default:
		ret = fake_name(fd, argument, number == SHMBUF_IOC_UNLINK);
	}
	fake_leave();
	return ret;
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

static int fake_ioctl(int fd, unsigned long command, void *argument, const sigset_t *signals)
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
	fake_leave();
	if (ret)
		return ret;
	switch (command) {
	case SHMBUF_IOC_QUERY:
	case SHMBUF_IOC_CREATE:
	case SHMBUF_IOC_OPEN:
	case SHMBUF_IOC_UNLINK:
		return fake_command_of_handle(fd, command, argument);
	default:
		return fake_attached(fd, command, argument, signals);
	}
}

/* Handlers run before, after, or while it sleeps, as with the kernel: they may call, too. */
int shmbuf_sys_ioctl(int fd, unsigned long command, void *argument)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ret = fake_ioctl(fd, command, argument, &old);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/* A part of the data, all of the control area, or a row of the caller's. */
static bool fake_may_map(int fd, __u64 offset, size_t size)
{
	const struct fake_buffer *f = fake_find_fd(fd);
	__u64 slot = (offset - SHMBUF_ROW_OFFSET) / FAKE_PAGE;

	if (!f)
		return false;
	if (offset >= SHMBUF_ROW_OFFSET)
		return size == FAKE_PAGE && slot < FAKE_OWNERS && f->owners[slot].id &&
		       f->owners[slot].pid == getpid();
	if (offset >= SHMBUF_CONTROL_OFFSET)
		return offset == SHMBUF_CONTROL_OFFSET && size == fake_control_size(f);
	return offset <= f->data_size && size <= f->data_size - offset;
}

static void fake_row_mapped(void)
{
	void (*tell)(void);

	tell = __atomic_exchange_n(&fake->row_mapped, NULL, __ATOMIC_ACQ_REL);
	if (tell)
		tell();
}

void *shmbuf_sys_mmap(void *address, size_t size, int prot, int flags, int fd,
		      __u64 offset)
{
	bool may;
	void *p;

	fake_enter();
	may = fake_may_map(fd, offset, size);
	fake_leave();
	if (!may) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	p = mmap(address, size, prot, flags, fd, (off_t)offset);
	if (p == MAP_FAILED || offset < SHMBUF_CONTROL_OFFSET)
		return p;
	/* A child of fork() doesn't have it. */
	madvise(p, size, MADV_DONTFORK);
	fake_enter();
	fake_tsan_mapped(fd, offset, size, p);
	fake_leave();
	if (offset >= SHMBUF_ROW_OFFSET)
		fake_row_mapped();
	return p;
}

void shmbuf_sys_munmap(void *address, size_t size)
{
	fake_enter();
	fake_tsan_unmapped(address, size);
	fake_leave();
	munmap(address, size);
}
