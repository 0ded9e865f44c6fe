// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz CALLS SEED: processes do random things with /dev/shmbuf and each other. Prints TAP, a
 * test for each epoch. See README.md.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "corpus.h"
#include "epoch.h"
#include "kcov.h"
#include "klog.h"
#include "life.h"
#include "ops.h"

#define EPOCH_CALLS	200000

static noreturn void usage(void)
{
	fprintf(stderr,
		"Usage: fuzz [OPTION]... CALLS SEED\n"
		"  --epoch N      only the N-th of the epochs that this would be, counted from 0\n"
		"  --per-epoch N  calls of each [%d]\n"
		"  --slots N,...  only these processes, of 0 to %d\n"
		"  --ops NAME,... only these steps; the others are left out of the programs\n"
		"  --load DIR     programs that came somewhere, to begin with (with KCOV)\n"
		"  --save DIR     keep them there\n"
		"  --programs N   print the first N programs of each process instead\n"
		"  --list-ops     print what steps there are\n", EPOCH_CALLS, SLOTS - 1);
	exit(2);
}

static __u64 number(const char *text)
{
	char *end;
	__u64 value = strtoull(text, &end, 0);

	if (!*text || *end)
		usage();
	return value;
}

static __u32 slots_of(char *list)
{
	char *save, *word;
	__u32 slots = 0;

	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (number(word) >= SLOTS)
			usage();
		slots |= 1U << number(word);
	}
	return slots;
}

static void choose_ops(char *list)
{
	char *save, *word;

	memset(world->ops_on, 0, sizeof(world->ops_on));
	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (ops_find(word) < 0)
			usage();
		world->ops_on[ops_find(word)] = true;
	}
}

static void print_programs(__u64 nr)
{
	struct program program;
	char text[PROGRAM_TEXT];
	__u64 stream, i;
	int slot;

	for (slot = 0; slot < SLOTS; slot++) {
		stream = life_stream(world->seed, world->epoch, slot, 0);
		for (i = 0; i < nr; i++) {
			life_draw_program(&stream, &program);
			program_print(&program, text);
			printf("%d %s\n", slot, text);
		}
	}
}

static void list_ops(void)
{
	int i;

	for (i = 0; i < nr_ops; i++)
		printf("%s\n", ops[i].name);
}

static void show_done(void)
{
	int i;

	printf("# steps that went well, of all:");
	for (i = 0; i < nr_ops; i++)
		if (world->ops_on[i])
			printf(" %s %llu/%llu", ops[i].name, world->done[i][0],
			       world->done[i][0] + world->done[i][1]);
	printf("\n");
}

struct options {
	__u64 calls, per_epoch, programs;
	__s64 epoch;
	const char *save;
	bool list_ops;
};

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "epoch", 1, NULL, 'e' }, { "per-epoch", 1, NULL, 'p' },
		{ "slots", 1, NULL, 's' }, { "ops", 1, NULL, 'o' }, { "load", 1, NULL, 'l' },
		{ "save", 1, NULL, 'w' }, { "programs", 1, NULL, 'n' },
		{ "list-ops", 0, NULL, 'L' }, {}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'e':
			o->epoch = number(optarg);
			break;
		case 'p':
			o->per_epoch = number(optarg);
			break;
		case 's':
			world->slots_on = slots_of(optarg);
			break;
		case 'o':
			choose_ops(optarg);
			break;
		case 'l':
			corpus_load(optarg);
			break;
		case 'w':
			o->save = optarg;
			break;
		case 'n':
			o->programs = number(optarg);
			break;
		case 'L':
			o->list_ops = true;
			break;
		default:
			usage();
		}
	}
	if (o->list_ops)
		return;
	if (argc - optind != 2)
		usage();
	o->calls = number(argv[optind]);
	world->seed = number(argv[optind + 1]);
	if (!o->calls || !o->per_epoch)
		usage();
}

/* Return: how many of them failed. */
static int run_epochs(const struct options *o)
{
	__u64 epochs = (o->calls + o->per_epoch - 1) / o->per_epoch, nr = 0, calls, before;

	world->epoch = o->epoch >= 0 ? o->epoch : 0;
	do {
		before = world_calls();
		calls = o->calls - nr * o->per_epoch;
		epoch_run(calls < o->per_epoch ? calls : o->per_epoch);
		printf("%s %llu - epoch %llu, %llu calls%s%s\n", is_bad() ? "not ok" : "ok", ++nr,
		       world->epoch, world_calls() - before, is_bad() ? ": " : "",
		       is_bad() ? world->bad : "");
		fflush(stdout);
		world->epoch++;
	} while (nr < epochs && o->epoch < 0 && !is_bad());
	printf("1..%llu\n# %llu calls\n", nr, world_calls());
	return is_bad();
}

/* SLOWNESS=n says that the machine is n times slower than most. */
static __u64 patience(void)
{
	const char *slowness = getenv("SLOWNESS");

	return 60 * NSEC_PER_SEC * (slowness && *slowness ? number(slowness) : 1);
}

int main(int argc, char **argv)
{
	struct options o = { .per_epoch = EPOCH_CALLS, .epoch = -1 };
	const struct rlimit none = {};
	int failed;

	ops_init();
	if (argc > 1 && !strcmp(argv[1], "--nothing"))
		return 0;
	if (argc > 2 && !strcmp(argv[1], "--after-exec")) {
		world_find();
		life_go_on(&world->slots[atoi(argv[2]) % SLOTS]);
	}
	world_create();
	world->patience = patience();
	world->slots_on = (1U << SLOTS) - 1;
	memset(world->ops_on, 1, sizeof(world->ops_on));
	parse(argc, argv, &o);
	if (o.list_ops) {
		list_ops();
		return 0;
	}
	if (o.programs) {
		print_programs(o.programs);
		return 0;
	}
	if (access(DEVICE, F_OK) || geteuid()) {
		fprintf(stderr, "fuzz: this needs " DEVICE ", and root\n");
		return 4;
	}
	setrlimit(RLIMIT_CORE, &none);
	setvbuf(stdout, NULL, _IOLBF, 0);
	world->kcov = kcov_there();
	printf("TAP version 13\n# SEED=%#llx%s\n", world->seed,
	       world->kcov ? ", guided by KCOV" : "");
	klog_start();
	failed = run_epochs(&o);
	show_done();
	if (o.save)
		corpus_save(o.save);
	return failed;
}
