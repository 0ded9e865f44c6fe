/* SPDX-License-Identifier: MIT */
/* How deaths are told. */
#ifndef CTL_DEATH_H
#define CTL_DEATH_H

#include <shmbuf.h>
#include <stddef.h>

#include "column.h"

#define DEATH_TEXT	256

/* Of rows that are a struct shmbuf_death. */
extern const struct column death_columns[];

/* "signal", "exit" and so on: as JSON has it. */
const char *death_how(const struct shmbuf_death *death);

/* "pid 7 (worker), killed by signal 9, 3.2s ago"; fit for a terminal. */
void death_text(char *to, size_t room, const struct shmbuf_death *death);

/* "pid 7 (worker)"; "an unknown process" */
void process_text(char *to, size_t room, uint32_t pid, uint32_t tid, const char *comm);

#endif
