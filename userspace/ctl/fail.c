// SPDX-License-Identifier: MIT
#include "fail.h"

#include <errno.h>
#include <shmbuf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static const char *command;
static int all_with;
void (*fail_before)(void);

void fail_with(int status)
{
	all_with = status;
}

void fail_command(const char *name)
{
	command = name;
}

static void begin(void)
{
	if (fail_before)
		fail_before();
	fflush(stdout);
	fputs("shmbufctl: ", stderr);
}

void say(const char *format, ...)
{
	va_list args;

	begin();
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int fail(enum ctl_status status, const char *format, ...)
{
	va_list args;

	begin();
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return all_with ? all_with : (int)status;
}

static enum ctl_status status_of(int err)
{
	switch (-err) {
	case ENODEV:
	case EPROTONOSUPPORT:
		return CTL_NO_MODULE;
	case ECONNREFUSED:
	case EACCES:
	case EPERM:
		return CTL_DENIED;
	case ENOENT:
		return CTL_ABSENT;
	case ETIMEDOUT:
		return CTL_TIMEOUT;
	case EOWNERDEAD:
		return CTL_DIED;
	case EPIPE:
		return CTL_ALONE;
	default:
		return CTL_FAILED;
	}
}

int fail_err(int err, const char *format, ...)
{
	va_list args;

	begin();
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", shmbuf_strerror(err));
	return all_with ? all_with : (int)status_of(err);
}

/* The library speaks of calls, where this tool has options. */
int fail_buffer(int err, const char *name)
{
	char *shown = text_safe(name);
	int status;

	if (err == -ENOENT)
		status = fail(CTL_ABSENT,
			      "there is no buffer '%s' in this IPC namespace: see shmbufctl list",
			      shown);
	else if (err == -EACCES)
		status = fail(CTL_DENIED, "buffer '%s': its mode denies it to you: ask its owner",
			      shown);
	else if (err == -EPERM)
		status = fail(CTL_DENIED,
			      "buffer '%s' is sealed: nobody can open it to write any more", shown);
	else if (err == -EINVAL || err == -ENAMETOOLONG)
		status = fail(CTL_ABSENT,
			      "there is no buffer '%s': a name has 1 to %u bytes, and no '/'",
			      shown, SHMBUF_NAME_MAX);
	else
		status = fail_err(err, "buffer '%s'", shown);
	free(shown);
	return status;
}

int fail_object(int err, const char *name, uint32_t index, const char *kind)
{
	char *shown = text_safe(name);
	int status;

	if (index == SHMBUF_INDEX_DEATHS)
		status = fail_err(err, "buffer '%s', queue of deaths", shown);
	else if (err == -EINVAL)
		status = fail(CTL_ABSENT,
			      "buffer '%s' has no %s %u: shmbufctl show says what it has",
			      shown, kind, index);
	else
		status = fail_err(err, "buffer '%s', %s %u", shown, kind, index);
	free(shown);
	return status;
}

void usage_error(const char *format, ...)
{
	va_list args;

	begin();
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr,
		" (see shmbufctl %s%s--help)\n",
		command ? command : "", command ? " " : "");
	exit(all_with ? all_with : CTL_USAGE);
}

void fail_memory(void)
{
	exit(fail(CTL_FAILED, "there is not enough memory"));
}

int flushed(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	return fail(CTL_FAILED, "standard output: %s", strerror(errno));
}
