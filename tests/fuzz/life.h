/* SPDX-License-Identifier: GPL-2.0-only */
/* A process of a slot, from its start to its end. */
#ifndef LIFE_H
#define LIFE_H

#include <stdnoreturn.h>

#include "world.h"

/* In a process of its own: the slot's next life. */
noreturn void life_begin(struct slot *slot);
/* In the program that it has exec'd. */
noreturn void life_go_on(struct slot *slot);
/* The next program of the stream. */
void life_draw_program(__u64 *stream, struct program *program);
/* The seed of the programs of one life. */
__u64 life_stream(__u64 seed, __u64 epoch, int slot, __u64 life);

#endif /* LIFE_H */
