// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of words that are compiled into a release's programs: each that they take is one
 * of the present header's. old.h is the release's headers, with old_ before its names. Prints TAP.
 */
#include "old.h"

#include <linux/shmbuf_word.h>
#include <stdio.h>

#define NR_STEPS	7
#define ROUNDS		200000

typedef int step_fn(__u64 word, __u64 argument, __u64 *new_word);

/* Steps of words that belong to nobody have no argument. */
#define WITHOUT(name)								\
static int old_##name##_step(__u64 word, __u64 argument, __u64 *new_word)	\
{										\
	return argument ? 0 : old_##name(word, new_word);			\
}										\
static int name##_step(__u64 word, __u64 argument, __u64 *new_word)		\
{										\
	return argument ? 0 : shmbuf_##name(word, new_word);			\
}

#define WITH(name)								\
static int old_##name##_step(__u64 word, __u64 argument, __u64 *new_word)	\
{										\
	return old_##name(word, argument, new_word);				\
}										\
static int name##_step(__u64 word, __u64 argument, __u64 *new_word)		\
{										\
	return shmbuf_##name(word, argument, new_word);				\
}

WITH(lock_user_acquire)
WITH(lock_user_release)
WITH(row_user_acquire)
WITH(row_user_release)
WITHOUT(queue_user_wake)
WITHOUT(sem_user_down)
WITHOUT(sem_user_up)

#define STEP(name)	{ #name, old_##name##_step, name##_step }

static const struct {
	const char *name;
	step_fn *release, *present;
} steps[NR_STEPS] = {
	STEP(lock_user_acquire), STEP(lock_user_release), STEP(row_user_acquire),
	STEP(row_user_release), STEP(queue_user_wake), STEP(sem_user_down), STEP(sem_user_up),
};

static __u64 random_bits(void)
{
	static __u64 state = 1;

	/* Of the full period, and the same each time. */
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 32 | state << 32;
}

/* A word as the release knows them, often with a bit of it turned. */
static __u64 some_word(__u64 argument)
{
	__u64 few = random_bits() % 4, word = 0;

	switch (random_bits() % 6) {
	case 0:
		word = argument;
		break;
	case 1:
		word = OLD_WORD_QUEUE | (random_bits() & OLD_SEQUENCE_MASK);
		break;
	case 2:
		word = OLD_WORD_SEMAPHORE | (few + random_bits() % 4) << OLD_SEM_BITS | few;
		break;
	case 3:
		word = old_row_entry(argument) | OLD_ROW_USED | few;
		break;
	case 4:
		word = old_row_entry(argument) | OLD_ROW_USED | (OLD_ROW_COUNT_MASK - few);
		break;
	}
	return random_bits() % 2 ? word : word ^ 1ULL << random_bits() % 64;
}

/* How often the release takes the step, or -1 where the present header wouldn't. */
static long compare(step_fn *release, step_fn *present)
{
	__u64 word, argument, old, new;
	long taken = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		argument = random_bits() % 3 ? random_bits() % 200 : 0;
		word = some_word(argument);
		old = 0;
		new = 0;
		if (!release(word, argument, &old))
			continue;
		taken++;
		if (present(word, argument, &new) && old == new)
			continue;
		printf("# of %#llx by %llu it makes %#llx\n", (unsigned long long)word,
		       (unsigned long long)argument, (unsigned long long)old);
		return -1;
	}
	return taken;
}

int main(void)
{
	int i, failed = 0;

	for (i = 0; i < NR_STEPS; i++) {
		long taken = compare(steps[i].release, steps[i].present);

		printf("%sok %d - %s, as often as %ld\n", taken > 0 ? "" : "not ", i + 1,
		       steps[i].name, taken);
		failed |= taken <= 0;
	}
	printf("1..%d\n", NR_STEPS);
	return failed;
}
