// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "program.h"

#define SPACE	" \t\n"

static struct step draw_step(__u64 *seed)
{
	struct step step = { .op = ops_draw(seed) };

	step.seed = draw(seed);
	return step;
}

void program_draw(struct program *program, __u64 *seed)
{
	int i;

	program->focus = draw(seed);
	program->nr = 2 + draw_below(seed, STEPS - 1);
	for (i = 0; i < program->nr; i++)
		program->steps[i] = draw_step(seed);
}

static void insert(struct program *program, struct step step, __u64 *seed)
{
	int at = draw_below(seed, program->nr + 1);

	if (program->nr == STEPS)
		program->nr--;
	if (at > program->nr)
		at = program->nr;
	memmove(&program->steps[at + 1], &program->steps[at],
		(program->nr - at) * sizeof(step));
	program->steps[at] = step;
	program->nr++;
}

static void remove_one(struct program *program, __u64 *seed)
{
	int at = draw_below(seed, program->nr);

	if (program->nr == 1)
		return;
	program->nr--;
	memmove(&program->steps[at], &program->steps[at + 1],
		(program->nr - at) * sizeof(program->steps[0]));
}

void program_mutate(struct program *program, const struct program *other, __u64 *seed)
{
	do {
		switch (draw_below(seed, 6)) {
		case 0: case 1:
			insert(program, draw_step(seed), seed);
			break;
		case 2:
			insert(program, other->steps[draw_below(seed, other->nr)], seed);
			break;
		case 3:
			remove_one(program, seed);
			break;
		case 4:
			program->steps[draw_below(seed, program->nr)].seed = draw(seed);
			break;
		default:
			program->focus = draw(seed);
		}
	} while (draw_once_in(seed, 2));
}

void program_print(const struct program *program, char *text)
{
	int i;

	text += sprintf(text, "%#llx", program->focus);
	for (i = 0; i < program->nr; i++)
		text += sprintf(text, " %s:%llx", ops[program->steps[i].op].name,
				program->steps[i].seed);
}

bool program_parse(struct program *program, char *text)
{
	char *save, *word = strtok_r(text, SPACE, &save), *colon;
	int op;

	if (!word)
		return false;
	*program = (struct program){ .focus = strtoull(word, NULL, 0) };
	while ((word = strtok_r(NULL, SPACE, &save)) && program->nr < STEPS) {
		colon = strchr(word, ':');
		if (!colon)
			return false;
		*colon = 0;
		op = ops_find(word);
		if (op < 0)
			return false;
		program->steps[program->nr++] = (struct step){
			.op = op, .seed = strtoull(colon + 1, NULL, 16) };
	}
	return program->nr;
}
