/* SPDX-License-Identifier: MIT */
/* What doctor looks after, and what it found. */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include <stdbool.h>
#include <stddef.h>

enum verdict {
	VERDICT_GOOD,
	VERDICT_NOTE,	/* to be known; nothing to do */
	VERDICT_CARE,	/* it works, but may not for long */
	VERDICT_BAD,
};

/**
 * struct check - one thing
 * @name: of it
 * @found: what is so
 * @advice: what to do; empty where there is nothing
 */
struct check {
	const char *name;
	enum verdict verdict;
	char found[256];
	char advice[320];
};

#define CHECKS_MAX	40

struct checks {
	struct check checks[CHECKS_MAX];
	size_t nr;
};

/* The new check, for check_advise(). */
struct check *check_add(struct checks *checks, const char *name, enum verdict verdict,
			const char *format, ...) __attribute__((format(printf, 4, 5)));
void check_advise(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void check_module(struct checks *checks);
void check_signing(struct checks *checks);
void check_access(struct checks *checks);
void check_limits(struct checks *checks);

/* Whether /dev/shmbuf is there, and is the loaded module's. */
bool node_is_of_module(void);

/* The first line of a file without its end, empty where it can't be read; whether it could. */
bool read_line(const char *path, char *text, size_t room);

#endif
