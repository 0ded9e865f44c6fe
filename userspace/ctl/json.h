/* SPDX-License-Identifier: MIT */
/* Writes JSON to standard output. */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>

/* What is written from here on stands on one line, and so does each document after it. */
void json_lines(void);

/* @key is NULL in an array, and for the outermost.  @bracket: '{' or '['. */
void json_open(const char *key, char bracket);
void json_close(void);

/* Bytes that are no UTF-8 become U+FFFD. */
void json_text(const char *key, const char *text);
void json_number(const char *key, uint64_t number);
void json_real(const char *key, double number);
void json_bool(const char *key, bool is);
void json_null(const char *key);

#endif
