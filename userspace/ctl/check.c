// SPDX-License-Identifier: MIT
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check *check_add(struct checks *checks, const char *name, enum verdict verdict,
			const char *format, ...)
{
	struct check *check = &checks->checks[checks->nr];
	va_list args;

	if (checks->nr + 1 < CHECKS_MAX)
		checks->nr++;
	*check = (struct check) { .name = name, .verdict = verdict };
	va_start(args, format);
	vsnprintf(check->found, sizeof(check->found), format, args);
	va_end(args);
	return check;
}

void check_advise(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->advice, sizeof(check->advice), format, args);
	va_end(args);
}

bool read_line(const char *path, char *text, size_t room)
{
	FILE *file = fopen(path, "re");
	bool got;

	*text = '\0';
	if (!file)
		return false;
	got = fgets(text, room, file);
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return got;
}
