/* SPDX-License-Identifier: MIT */
/* How shmbufctl says that something went wrong, and ends. */
#ifndef CTL_FAIL_H
#define CTL_FAIL_H

#include <stdint.h>

enum ctl_status {
	CTL_FINE = 0,
	CTL_FAILED = 1,		/* it couldn't be done */
	CTL_USAGE = 2,
	CTL_ABSENT = 3,		/* no such buffer or object */
	CTL_DENIED = 4,
	CTL_NO_MODULE = 5,	/* not loaded, or too old */
	CTL_TIMEOUT = 6,
	CTL_DIED = 7,		/* somebody died who held or was waited for */
	CTL_ALONE = 8,		/* nobody is left who could wake */
};

/* From here on all failures end with @status: for who passes on the status of others. */
void fail_with(int status);

/* Which command speaks, for what usage errors point to. */
void fail_command(const char *name);

/* Called before anything is said, or NULL: what shows on the terminal until then is in the way. */
extern void (*fail_before)(void);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* They return the status to end with. */
int fail(enum ctl_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
int fail_err(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int fail_buffer(int err, const char *name);
int fail_object(int err, const char *name, uint32_t index, const char *kind);

void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* There is no memory left: says so, and ends. */
void fail_memory(void) __attribute__((noreturn));

/* What was printed has arrived, or the status says that it hasn't. */
int flushed(int status);

#endif
