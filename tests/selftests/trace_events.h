/* SPDX-License-Identifier: GPL-2.0-only */
/* A buffer, whose tracepoints tell of what is done with it, and a look at what they told. */
#ifndef TRACE_EVENTS_H
#define TRACE_EVENTS_H

#include "kernel_fs.h"
#include <stdarg.h>

#define TRACEFS		"/sys/kernel/tracing"
#define LOCK		0
#define QUEUE		1
#define SEM		2
#define BARRIER		3
#define LONG		(20 * NSEC_PER_MSEC)

/* A trace of our own, which nobody else's events come into the way of. */
FIXTURE(trace)
{
	char dir[128];
	char *text;
	int fd;
	__u64 buffer;
	__u64 owner;
};

static void trace_write(FIXTURE_DATA(trace) *self, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", self->dir, file);
	write_text(path, text);
}

static void __attribute__((constructor)) need_tracepoints(void)
{
	if (!mounted("tracefs", TRACEFS, TRACEFS "/instances") ||
	    access(TRACEFS "/events/shmbuf", F_OK)) {
		ksft_print_header();
		ksft_exit_skip("the kernel has no tracepoints\n");
	}
}

FIXTURE_SETUP(trace)
{
	snprintf(self->dir, sizeof(self->dir), TRACEFS "/instances/selftest-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0700));
	self->fd = new_buffer(NULL, 1, 1, 2);
	new_sem(self->fd, SEM, 0, 10);
	ASSERT_EQ(0, do_init(self->fd, BARRIER, 1, SHMBUF_KIND_BARRIER, 2));
	self->buffer = id_of(self->fd);
	self->owner = new_owner(self->fd);
	trace_write(self, "events/shmbuf/enable", "1");
}

FIXTURE_TEARDOWN(trace)
{
	trace_write(self, "events/enable", "0");
	rmdir(self->dir);
	free(self->text);
	close(self->fd);
}

/* From here on all that has been traced is looked at.  To read a trace can make events. */
static void look(FIXTURE_DATA(trace) *self)
{
	char path[256];

	trace_write(self, "events/enable", "0");
	snprintf(path, sizeof(path), "%s/trace", self->dir);
	free(self->text);
	self->text = read_text(path);
}

/* How often @event was traced with this, and no more fields, or with others behind. */
static int __attribute__((format(printf, 3, 4)))
count(FIXTURE_DATA(trace) *self, const char *event, const char *fmt, ...)
{
	char wanted[512];
	const char *at = self->text;
	size_t len;
	va_list ap;
	int nr = 0;

	len = snprintf(wanted, sizeof(wanted), ": shmbuf_%s: ", event);
	va_start(ap, fmt);
	len += vsnprintf(wanted + len, sizeof(wanted) - len, fmt, ap);
	va_end(ap);
	while ((at = strstr(at, wanted))) {
		at += len;
		nr += *at == ' ' || *at == '\n';
	}
	return nr;
}

/* What the first @event of that text has as @field. */
static __u64 field(FIXTURE_DATA(trace) *self, const char *event, const char *text,
		   const char *field)
{
	char wanted[512];
	const char *at, *end;

	snprintf(wanted, sizeof(wanted), ": shmbuf_%s: %s", event, text);
	at = strstr(self->text, wanted);
	if (!at)
		return ~0ULL;
	end = strchr(at, '\n');
	snprintf(wanted, sizeof(wanted), " %s=", field);
	at = strstr(at, wanted);
	return at && at < end ? strtoull(at + strlen(wanted), NULL, 0) : ~0ULL;
}

/* A child with an id of its own of @fd's buffer, that does @act and ends well. */
static pid_t child_of(int fd, void (*act)(int fd, __u64 owner), __u64 *owner)
{
	__u64 *shared = shared_memory(4096);
	pid_t pid = spawn();

	if (!pid) {
		__u64 id = new_owner(fd);

		__atomic_store_n(shared, id, __ATOMIC_SEQ_CST);
		act(fd, id);
		_exit(0);
	}
	UNTIL(__atomic_load_n(shared, __ATOMIC_SEQ_CST));
	*owner = *shared;
	return pid;
}

#endif /* TRACE_EVENTS_H */
