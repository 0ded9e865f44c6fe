/* SPDX-License-Identifier: MIT */
/* Numbers in what the user typed; what is none is a usage error. */
#ifndef CTL_NUMBER_H
#define CTL_NUMBER_H

#include <stdint.h>
#include <time.h>

uint64_t number(const char *what, const char *text, uint64_t least, uint64_t most);

/* Bytes: K, M, G, T are powers of 1024, with iB behind them or not. */
uint64_t number_bytes(const char *what, const char *text);

unsigned int number_mode(const char *text);

/* Seconds with a fraction, or with ms, s, m, h behind them; in ns. */
uint64_t number_ns(const char *what, const char *text);

/* That long from now, on CLOCK_MONOTONIC. */
struct timespec deadline_in(uint64_t ns);

#endif
