// SPDX-License-Identifier: MIT
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "fail.h"

/* Bytes of the character at @from, if it can be shown as it is; else 0. */
static size_t showable(const char *from, mbstate_t *state)
{
	wchar_t wide;
	size_t length;

	if (from[0] == '\\' && from[1] == 'x')
		return 0;
	if (from[0] >= 0x20 && from[0] < 0x7f)
		return 1;
	length = mbrtowc(&wide, from, MB_CUR_MAX, state);
	if (length == (size_t)-1 || length == (size_t)-2) {
		memset(state, 0, sizeof(*state));
		return 0;
	}
	return wcwidth(wide) > 0 ? length : 0;
}

char *text_safe(const char *from)
{
	char *safe = malloc(4 * strlen(from) + 1), *to = safe;
	mbstate_t state = {};
	size_t length;

	if (!safe)
		fail_memory();
	while (*from) {
		length = showable(from, &state);
		if (length) {
			to = mempcpy(to, from, length);
			from += length;
		} else {
			to += sprintf(to, "\\x%02x", (unsigned char)*from++);
		}
	}
	*to = '\0';
	return safe;
}

size_t text_fit(const char *safe, unsigned int width)
{
	const char *at = safe;
	mbstate_t state = {};
	unsigned int used = 0;
	wchar_t wide;
	size_t length;

	while (*at) {
		length = mbrtowc(&wide, at, MB_CUR_MAX, &state);
		if ((ssize_t)length <= 0)
			break;
		used += wcwidth(wide);
		if (used > width)
			break;
		at += length;
	}
	return at - safe;
}

unsigned int text_width(const char *safe)
{
	mbstate_t state = {};
	unsigned int width = 0;
	wchar_t wide;
	size_t length;

	for (; *safe; safe += length) {
		if ((unsigned char)*safe < 0x80) {
			length = 1;
			width++;
			continue;
		}
		length = mbrtowc(&wide, safe, MB_CUR_MAX, &state);
		if ((ssize_t)length <= 0)
			break;
		width += wcwidth(wide);
	}
	return width;
}

size_t text_utf8(const char *from)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *at = (const unsigned char *)from;
	unsigned int length, code, i;

	if (*at < 0x80)
		return 1;
	length = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc0 ? 2 : 0;
	if (!length || *at >= 0xf8)
		return 0;
	code = *at & (0x7f >> length);
	for (i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return length;
}

bool text_is_utf8(const char *from)
{
	size_t length;

	for (; *from; from += length) {
		length = text_utf8(from);
		if (!length)
			return false;
	}
	return true;
}

void text_bytes(char *to, size_t room, uint64_t bytes, bool exact)
{
	static const char units[] = "BKMGTPE";
	uint64_t whole = bytes, tenths = 0;
	unsigned int unit = 0;

	if (exact || bytes < 1024) {
		snprintf(to, room, exact ? "%" PRIu64 : "%" PRIu64 "B", bytes);
		return;
	}
	for (; whole >= 1024; unit++) {
		tenths = (whole % 1024) * 10 / 1024;
		whole /= 1024;
	}
	if (tenths)
		snprintf(to, room, "%" PRIu64 ".%" PRIu64 "%c", whole, tenths, units[unit]);
	else
		snprintf(to, room, "%" PRIu64 "%c", whole, units[unit]);
}

void text_ns(char *to, size_t room, uint64_t ns)
{
	uint64_t s = ns / 1000000000;

	if (ns < 1000)
		snprintf(to, room, "%" PRIu64 "ns", ns);
	else if (ns < 1000000)
		snprintf(to, room, "%" PRIu64 "us", ns / 1000);
	else if (!s)
		snprintf(to, room, "%" PRIu64 "ms", ns / 1000000);
	else if (s < 60)
		snprintf(to, room, "%" PRIu64 ".%" PRIu64 "s", s, ns / 100000000 % 10);
	else if (s < 3600)
		snprintf(to, room, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(to, room, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(to, room, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

uint64_t age_ns(uint64_t then)
{
	uint64_t now = now_ns();

	return now > then ? now - then : 0;
}
