// SPDX-License-Identifier: MIT
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "text.h"

static uint64_t digits(const char *what, const char *text, char **end, int base)
{
	unsigned long long value;

	errno = 0;
	value = strtoull(text, end, base);
	if (!isdigit((unsigned char)*text))
		usage_error("%s isn't numeric: '%s'", what, text_safe(text));
	if (errno)
		usage_error("%s is too large: '%s'", what, text_safe(text));
	return value;
}

uint64_t number(const char *what, const char *text, uint64_t least, uint64_t most)
{
	char *end;
	uint64_t value = digits(what, text, &end, 10);

	if (*end)
		usage_error("%s isn't numeric: '%s'", what, text_safe(text));
	if (value < least || value > most)
		usage_error("%s is %" PRIu64 " to %" PRIu64 ", not %s", what, least, most, text);
	return value;
}

uint64_t number_bytes(const char *what, const char *text)
{
	static const char units[] = "KMGT";
	const char *unit = NULL;
	char *end;
	uint64_t value = digits(what, text, &end, 10);
	unsigned int shift = 0;

	if (*end)
		unit = strchr(units, toupper((unsigned char)*end));
	if (unit) {
		shift = 10 * (unit - units + 1);
		end++;
		if (!strcmp(end, "iB"))
			end += 2;
	}
	if (*end)
		usage_error("%s is a number of bytes, or of K, M, G, T: '%s'", what,
			    text_safe(text));
	if (value > UINT64_MAX >> shift)
		usage_error("%s is too large: '%s'", what, text);
	return value << shift;
}

unsigned int number_mode(const char *text)
{
	char *end;
	uint64_t value = digits("the mode", text, &end, 8);

	if (*end || value > 0777)
		usage_error("the mode is 1 to 777 in octal digits: '%s'", text_safe(text));
	if (!value)
		usage_error("a buffer of mode 0 could be opened by nobody: give 600, say");
	return value;
}

uint64_t number_ns(const char *what, const char *text)
{
	static const struct { const char *name; double ns; } units[] = {
		{ "", 1e9 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	char *end;
	double value = strtod(text, &end);

	if ((isdigit((unsigned char)*text) || *text == '.') && end > text && isfinite(value)) {
		for (unsigned int i = 0; i < sizeof(units) / sizeof(*units); i++) {
			if (strcmp(end, units[i].name))
				continue;
			if (value * units[i].ns > (double)(INT64_MAX / 2))
				usage_error("%s is too long: '%s'", what, text_safe(text));
			return value * units[i].ns;
		}
	}
	usage_error("%s is a number of seconds, or of ms, s, m, h: '%s'", what, text_safe(text));
}

struct timespec deadline_in(uint64_t ns)
{
	uint64_t at = now_ns() + ns;

	return (struct timespec) { at / 1000000000, at % 1000000000 };
}
