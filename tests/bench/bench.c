// SPDX-License-Identifier: GPL-2.0-only
/* Runs benchmarks, prints their tables, writes their JSON. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct bench *const benches[] = {
	&bench_uncontended,
	&bench_contended,
	&bench_semaphore,
	&bench_condition,
	&bench_wake,
	&bench_barrier,
	&bench_attach,
	&bench_memory,
	&bench_recovery,
	&bench_scan,
	&bench_readers,
};

#define NR_BENCHES	(sizeof(benches) / sizeof(*benches))

static const char help[] =
"Usage: bench [OPTION]... DIRECTORY [NAME[,NAME]...]\n"
"Runs the benchmarks named (all of them if none is), prints a table of each, and\n"
"writes DIRECTORY/NAME.json.  Where an emulator counts instructions it is NAME-icount.json;\n"
"the program bench-native needs no module, measures what never enters the kernel, and writes\n"
"NAME-native.json.\n"
"\n"
"  -r, --rounds N  rounds in which all subjects take turns; odd [9]\n"
"  -o, --only SYSTEM\n"
"                  leave all others out: for profiles, as nothing is compared then\n"
"  -l, --list      list the benchmarks\n"
"  -h, --help      this text\n";

static void list(void)
{
	for (size_t i = 0; i < NR_BENCHES; i++)
		printf("%-16s %s\n", benches[i]->name, benches[i]->title);
}

static const struct bench *find(const char *name)
{
	for (size_t i = 0; i < NR_BENCHES; i++) {
		if (!strcmp(benches[i]->name, name))
			return benches[i];
	}
	fprintf(stderr, "bench: there is no benchmark %s; these there are:\n", name);
	list();
	return NULL;
}

static unsigned int rounds_from(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || n < 1 || n > BENCH_ROUNDS_MAX || n % 2 == 0) {
		fprintf(stderr, "bench: --rounds: an odd number up to %d, not %s\n",
			BENCH_ROUNDS_MAX, text);
		exit(2);
	}
	return n;
}

/* Moves what can be measured here to the front; returns how many these are. */
static size_t keep_possible(const struct bench *b, const char *only)
{
	bool native = !strcmp(report_mode(), "-native");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = 0, lack = 0;

	for (size_t i = 0; i < b->nr_subjects; i++) {
		if (native && !b->subjects[i].native)
			continue;
		if (only && strcmp(b->subjects[i].system, only))
			continue;
		if (b->subjects[i].cpus <= cpus)
			b->subjects[n++] = b->subjects[i];
		else
			lack++;
	}
	if (lack)
		fprintf(stderr, "bench: %s: %zu of %zu rows need more CPUs, and are left out\n",
			b->name, lack, b->nr_subjects);
	return n;
}

/* @only: NULL for all systems */
struct order {
	unsigned int rounds;
	const char *only;
	const char *directory;
};

static int run(const struct bench *all, const struct order *order)
{
	struct bench b = *all;
	int err;

	b.nr_subjects = keep_possible(&b, order->only);
	err = b.nr_subjects ? bench_measure(&b, order->rounds) : 0;
	if (err)
		return err;
	if (!b.nr_subjects) {
		fprintf(stderr, "bench: %s: nothing of it can be measured here\n", b.name);
		return 0;
	}
	report_print(&b, order->rounds);
	return report_write(&b, order->rounds, order->directory);
}

static int run_named(char *names, const struct order *order)
{
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		const struct bench *b = find(name);

		if (!b)
			return 2;
		if (run(b, order))
			return 1;
	}
	return 0;
}

static const struct option options[] = {
	{ "rounds", required_argument, NULL, 'r' },
	{ "only", required_argument, NULL, 'o' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

int main(int argc, char **argv)
{
	struct order order = { .rounds = 9 };
	int c, status = 0;

	setlinebuf(stdout);
	while ((c = getopt_long(argc, argv, "r:o:lh", options, NULL)) != -1) {
		switch (c) {
		case 'r':
			order.rounds = rounds_from(optarg);
			break;
		case 'o':
			order.only = optarg;
			break;
		case 'l':
			list();
			return 0;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 2;
		}
	}
	/* Where it may: then nothing that has a name of System V's, or ours, outlives this. */
	if (unshare(CLONE_NEWIPC))
		errno = 0;
	if (optind == argc) {
		fputs("bench: no DIRECTORY given (see --help)\n", stderr);
		return 2;
	}
	if (mkdir(argv[optind], 0777) && errno != EEXIST) {
		fprintf(stderr, "bench: %s: %s\n", argv[optind], strerror(errno));
		return 1;
	}
	order.directory = argv[optind];
	if (optind + 1 == argc) {
		for (size_t i = 0; i < NR_BENCHES && !status; i++)
			status = run(benches[i], &order) ? 1 : 0;
		return status;
	}
	for (int i = optind + 1; i < argc && !status; i++)
		status = run_named(argv[i], &order);
	return status;
}
