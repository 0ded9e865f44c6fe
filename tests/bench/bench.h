/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a benchmark is: a table of subjects, each measured once a round, with the
 * subjects in turn, so that what disturbs the machine disturbs all of them.
 *
 * A new benchmark is one file that defines a struct bench, and a row in bench.c.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS_MAX	101
#define BENCH_METRICS_MAX	4
#define BENCH_PARAMS_MAX	8

/* What a subject's setup returns by bench_absent(): this system has no such thing. */
#define BENCH_ABSENT		1

/* A condition that a subject is measured under; text or number. */
struct bench_param {
	const char *key;	/* NULL: the end */
	const char *text;	/* NULL: it is the number */
	long number;
};

/* What is measured.  The first of a benchmark is its main one and has no name. */
struct bench_metric {
	const char *name;
	const char *unit;
	const char *better;	/* "lower" or "higher" */
};

struct bench_subject {
	const char *system;	/* "shmbuf" is ours; all others are peers */
	struct bench_param params[BENCH_PARAMS_MAX];
	int cpus;		/* so many at least, or it is left out */
	bool native;		/* never enters the kernel: can do without the module */

	/*
	 * These return 0 or -errno, and find in @arg what makes the subject.  Where setup()
	 * fails or returns BENCH_ABSENT it has taken back what it did.
	 */
	int (*setup)(struct bench_subject *s);
	int (*round)(struct bench_subject *s, double values[BENCH_METRICS_MAX]);
	void (*teardown)(struct bench_subject *s);
	const void *arg;

	void *state;		/* the subject's own, from setup to teardown */
	const char *absent;	/* why it is left out */
	double values[BENCH_METRICS_MAX][BENCH_ROUNDS_MAX];
};

struct bench {
	const char *name;
	const char *title;	/* what the figures are */
	struct bench_metric metrics[BENCH_METRICS_MAX];	/* up to a NULL unit */
	struct bench_subject *subjects;
	size_t nr_subjects;
};

extern const struct bench bench_uncontended;
extern const struct bench bench_contended;
extern const struct bench bench_semaphore;
extern const struct bench bench_condition;
extern const struct bench bench_wake;
extern const struct bench bench_barrier;
extern const struct bench bench_attach;
extern const struct bench bench_memory;
extern const struct bench bench_recovery;
extern const struct bench bench_scan;
extern const struct bench bench_readers;

/*
 * Fills the subjects' values, sorted; those that are absent are no longer among them
 * afterwards, with a message.  Returns 0, or -errno with a message.
 */
int bench_measure(struct bench *b, unsigned int rounds);

/* Returns BENCH_ABSENT, for lack of @what. */
int bench_absent(struct bench_subject *s, const char *what);

/*
 * What sets these results apart: "-native" over the library's device fake, "-icount" where a
 * nanosecond is an instruction, else "".
 */
const char *report_mode(void);

/* Whether it is instructions that are counted. */
bool bench_counts(void);

/* A subject's parameters, as "key=value key=value". */
void report_params(const struct bench_subject *s, char *text, size_t size);

/* Prints a table. */
void report_print(const struct bench *b, unsigned int rounds);

/*
 * Writes DIRECTORY/NAME.json, with report_mode() after the name.  Returns 0, or -errno with
 * a message.
 */
int report_write(const struct bench *b, unsigned int rounds, const char *directory);

uint64_t bench_now_ns(void);

/* Sorts them. */
double median_of(double *values, size_t n);

/* Keeps the calling thread on one CPU: the n-th that it may use.  0 or -errno. */
int bench_pin(unsigned int n);

#endif
