// SPDX-License-Identifier: MIT
#include "json.h"

#include <inttypes.h>
#include <stdio.h>

#include "text.h"

#define JSON_DEPTH	8

static char brackets[JSON_DEPTH];
static bool some[JSON_DEPTH];
static unsigned int depth;
static bool one_line;

void json_lines(void)
{
	one_line = true;
}

static void new_line(void)
{
	if (one_line)
		return;
	putchar('\n');
	for (unsigned int i = 0; i < depth; i++)
		fputs("   ", stdout);
}

static void quoted(const char *text)
{
	size_t length;

	putchar('"');
	for (; *text; text += length) {
		length = text_utf8(text);
		if (!length) {
			fputs("\\ufffd", stdout);
			length = 1;
		} else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			printf("\\u%04x", (unsigned char)*text);
		} else {
			if (*text == '"' || *text == '\\')
				putchar('\\');
			fwrite(text, length, 1, stdout);
		}
	}
	putchar('"');
}

static void begin(const char *key)
{
	if (depth) {
		if (some[depth - 1])
			putchar(',');
		some[depth - 1] = true;
		new_line();
	}
	if (key) {
		quoted(key);
		fputs(one_line ? ":" : ": ", stdout);
	}
}

void json_open(const char *key, char bracket)
{
	begin(key);
	putchar(bracket);
	some[depth] = false;
	brackets[depth++] = bracket;
}

void json_close(void)
{
	depth--;
	if (some[depth])
		new_line();
	putchar(brackets[depth] == '{' ? '}' : ']');
	if (!depth)
		putchar('\n');
}

void json_text(const char *key, const char *text)
{
	begin(key);
	quoted(text);
}

void json_number(const char *key, uint64_t number)
{
	begin(key);
	printf("%" PRIu64, number);
}

void json_real(const char *key, double number)
{
	begin(key);
	printf("%.3f", number);
}

void json_bool(const char *key, bool is)
{
	begin(key);
	fputs(is ? "true" : "false", stdout);
}

void json_null(const char *key)
{
	begin(key);
	fputs("null", stdout);
}
