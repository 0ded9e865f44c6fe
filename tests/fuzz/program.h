/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program: a few steps, each an op and a seed from which its arguments are drawn.  The
 * steps have a focus, so that what they do has to do with each other.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "fuzz.h"

#define OPS_MAX		96
#define STEPS		24

struct step {
	__u16 op;
	__u64 seed;
};

/**
 * struct program
 * @focus: which buffer and which objects most of its steps are about
 * @nr: of @steps
 */
struct program {
	__u64 focus;
	__u16 nr;
	struct step steps[STEPS];
};

void program_draw(struct program *program, __u64 *seed);
/* Something about it becomes other; @other is where steps may come from. */
void program_mutate(struct program *program, const struct program *other, __u64 *seed);

/* As text, a line: FOCUS OP:SEED ... */
#define PROGRAM_TEXT	(STEPS * 48)
void program_print(const struct program *program, char *text);
bool program_parse(struct program *program, char *text);

#endif /* PROGRAM_H */
