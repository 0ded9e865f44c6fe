// SPDX-License-Identifier: GPL-2.0-only
/* The rounds in which a benchmark's subjects take turns. */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <shmbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_NS	2000000000ULL

uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int bench_pin(unsigned int n)
{
	cpu_set_t allowed, one;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
	}
	return -EINVAL;
}

static int failed(const struct bench *b, const struct bench_subject *s, const char *step, int err)
{
	char params[128];

	report_params(s, params, sizeof(params));
	fprintf(stderr, "bench: %s: %s (%s): %s: %s\n", b->name, s->system, params, step,
		strcmp(s->system, "shmbuf") ? strerror(-err) : shmbuf_strerror(err));
	return err;
}

static int one_round(const struct bench *b, unsigned int round)
{
	for (size_t i = 0; i < b->nr_subjects; i++) {
		struct bench_subject *s = &b->subjects[i];
		double values[BENCH_METRICS_MAX] = { };
		int err = s->round(s, values);

		if (err)
			return failed(b, s, "measuring", err);
		for (size_t m = 0; m < BENCH_METRICS_MAX; m++)
			s->values[m][round] = values[m];
	}
	return 0;
}

static int some_rounds(const struct bench *b, unsigned int from, unsigned int to,
		       unsigned int rounds)
{
	uint64_t shown = bench_now_ns();

	for (unsigned int round = from; round < to; round++) {
		int err = one_round(b, round);

		if (err)
			return err;
		if (bench_now_ns() - shown < PROGRESS_NS)
			continue;
		shown = bench_now_ns();
		fprintf(stderr, "bench: %s: round %u of %u\n", b->name, round + 1, rounds);
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double l = *(const double *)a, r = *(const double *)b;

	return l < r ? -1 : l > r;
}

double median_of(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

static void sort_values(const struct bench *b, unsigned int rounds)
{
	for (size_t i = 0; i < b->nr_subjects; i++) {
		for (size_t m = 0; m < BENCH_METRICS_MAX; m++)
			qsort(b->subjects[i].values[m], rounds, sizeof(double), by_value);
	}
}

int bench_absent(struct bench_subject *s, const char *what)
{
	s->absent = what;
	return BENCH_ABSENT;
}

/* Says so once for each system. */
static void tell_absent(const struct bench *b, const struct bench_subject *s)
{
	size_t rows = 1;

	for (const struct bench_subject *o = b->subjects; o < b->subjects + b->nr_subjects; o++) {
		if (o == s || !o->absent || strcmp(o->system, s->system) ||
		    strcmp(o->absent, s->absent))
			continue;
		if (o < s)
			return;
		rows++;
	}
	fprintf(stderr, "bench: %s: %s is left out (rows: %zu): this system has no %s\n", b->name,
		s->system, rows, s->absent);
}

static void drop_absent(struct bench *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->nr_subjects; i++) {
		if (b->subjects[i].absent)
			tell_absent(b, &b->subjects[i]);
	}
	for (size_t i = 0; i < b->nr_subjects; i++) {
		if (!b->subjects[i].absent)
			b->subjects[n++] = b->subjects[i];
	}
	b->nr_subjects = n;
}

static void tear_down(struct bench *b, size_t ready)
{
	while (ready--) {
		if (!b->subjects[ready].absent)
			b->subjects[ready].teardown(&b->subjects[ready]);
	}
}

static int set_up(struct bench *b)
{
	size_t ready;
	int err;

	for (ready = 0; ready < b->nr_subjects; ready++) {
		err = b->subjects[ready].setup(&b->subjects[ready]);
		if (err && err != BENCH_ABSENT) {
			failed(b, &b->subjects[ready], "setting up", err);
			tear_down(b, ready);
			return err;
		}
	}
	drop_absent(b);
	return 0;
}

/* Moves what is mapped from here on by some pages. */
static void *shift_mappings(size_t *size)
{
	*size = (1 + bench_now_ns() % 997) * 4096;
	return mmap(NULL, *size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int measure_part(struct bench *b, unsigned int from, unsigned int to, unsigned int rounds)
{
	size_t size;
	void *shift = shift_mappings(&size);
	int err = set_up(b);

	if (!err) {
		err = some_rounds(b, from, to, rounds);
		tear_down(b, b->nr_subjects);
	}
	if (shift != MAP_FAILED)
		munmap(shift, size);
	return err;
}

/*
 * In an emulator it costs twice as much where two pages that a loop needs meet in the TLB.  So each
 * third of the rounds has processes and mappings of its own.
 */
#define PARTS	3

int bench_measure(struct bench *b, unsigned int rounds)
{
	int err = 0;

	for (unsigned int part = 0; part < PARTS && !err; part++)
		err = measure_part(b, part * rounds / PARTS, (part + 1) * rounds / PARTS, rounds);
	if (!err)
		sort_values(b, rounds);
	return err;
}
