/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that came where none had been before: later ones are made of them. */
#ifndef CORPUS_H
#define CORPUS_H

#include "program.h"

void corpus_add(const struct program *program);
/* A new program, of an old one; false where there is none. */
bool corpus_draw(struct program *program, __u64 *seed);
__u32 corpus_count(void);
/* As files, a program each. */
void corpus_load(const char *dir);
void corpus_save(const char *dir);

#endif /* CORPUS_H */
