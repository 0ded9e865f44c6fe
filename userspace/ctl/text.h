/* SPDX-License-Identifier: MIT */
/* Text for people: others' bytes made harmless, sizes, times. */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What can't be printed, or takes no room of its own on the line, becomes \xNN, byte by byte,
 * and a backslash before an x too, so that it can be told apart.  The caller frees it.
 */
char *text_safe(const char *from);

/* Columns on a terminal that text_safe()'s result takes. */
unsigned int text_width(const char *safe);

/* Bytes of its beginning that take at most @width columns. */
size_t text_fit(const char *safe, unsigned int width);

/* Bytes of the UTF-8 character at @from, 0 where there is none. */
size_t text_utf8(const char *from);

bool text_is_utf8(const char *from);

void text_bytes(char *to, size_t room, uint64_t bytes, bool exact);
void text_ns(char *to, size_t room, uint64_t ns);

uint64_t now_ns(void);

/* ns since @then, 0 where that is still to come. */
uint64_t age_ns(uint64_t then);

#endif
