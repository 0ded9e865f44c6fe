// SPDX-License-Identifier: GPL-2.0-only
/* A benchmark's results, as a table and as JSON. */
#include "bench.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../userspace/lib/fake.h"

/* Only a program that is linked with the fake has it. */
#pragma weak shmbuf_fake

#define OURS	"shmbuf"
#define NATIVE	"-native"
#define ICOUNT	"-icount"

/* How the machine runs, from the kernel's command line where a VM runner says so. */
static void accelerator(char *text, size_t size)
{
	static const char key[] = "shmbuf_accel=";
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "r");
	char *found;

	snprintf(text, size, "none");
	if (!f)
		return;
	if (fgets(line, sizeof(line), f)) {
		found = strstr(line, key);
		if (found) {
			found += strlen(key);
			found[strcspn(found, "\n ")] = 0;
			snprintf(text, size, "%s", found);
		}
	}
	fclose(f);
}

const char *report_mode(void)
{
	char accel[32];

	if (shmbuf_fake)
		return NATIVE;
	accelerator(accel, sizeof(accel));
	return strcmp(accel, "icount") ? "" : ICOUNT;
}

bool bench_counts(void)
{
	return !strcmp(report_mode(), ICOUNT);
}

static const char *unit(const struct bench_metric *m)
{
	return !strcmp(m->unit, "ns") && bench_counts() ? "instructions" : m->unit;
}

/* The rounds' values are sorted by now. */
static double median(const struct bench_subject *s, size_t metric, unsigned int rounds)
{
	return s->values[metric][rounds / 2];
}

static bool same_params(const struct bench_subject *a, const struct bench_subject *b)
{
	for (size_t i = 0; i < BENCH_PARAMS_MAX; i++) {
		const struct bench_param *p = &a->params[i], *q = &b->params[i];

		if (!p->key || !q->key)
			return !p->key && !q->key;
		if (strcmp(p->key, q->key) || p->number != q->number || !p->text != !q->text ||
		    (p->text && strcmp(p->text, q->text)))
			return false;
	}
	return true;
}

/* The best peer under the same conditions, NULL for none. */
static const struct bench_subject *best_peer(const struct bench *b, const struct bench_subject *s,
					     size_t metric, unsigned int rounds)
{
	bool lower = !strcmp(b->metrics[metric].better, "lower");
	const struct bench_subject *best = NULL;

	for (size_t i = 0; i < b->nr_subjects; i++) {
		const struct bench_subject *peer = &b->subjects[i];

		if (!strcmp(peer->system, OURS) || !same_params(peer, s))
			continue;
		if (!best || (median(peer, metric, rounds) < median(best, metric, rounds)) == lower)
			best = peer;
	}
	return best;
}

void report_params(const struct bench_subject *s, char *text, size_t size)
{
	size_t used = 0;

	*text = 0;
	for (const struct bench_param *p = s->params; p->key && used < size; p++) {
		const char *space = p == s->params ? "" : " ";
		char number[24];

		snprintf(number, sizeof(number), "%ld", p->number);
		used += snprintf(text + used, size - used, "%s%s=%s", space, p->key,
				 p->text ? p->text : number);
	}
}

static void print_metric(const struct bench *b, size_t metric, unsigned int rounds)
{
	const struct bench_metric *m = &b->metrics[metric];

	printf("%-16s %-32s %12s %12s %12s  of best peer\n", m->name ? m->name : "system", "params",
	       "median", "min", "max");
	for (size_t i = 0; i < b->nr_subjects; i++) {
		const struct bench_subject *s = &b->subjects[i];
		const struct bench_subject *best = best_peer(b, s, metric, rounds);
		char params[128];

		report_params(s, params, sizeof(params));
		printf("%-16s %-32s %12.1f %12.1f %12.1f", s->system, params,
		       median(s, metric, rounds), s->values[metric][0],
		       s->values[metric][rounds - 1]);
		if (best)
			printf("  %.2f (%s)", median(s, metric, rounds) /
			       median(best, metric, rounds), best->system);
		putchar('\n');
	}
}

void report_print(const struct bench *b, unsigned int rounds)
{
	for (size_t m = 0; m < BENCH_METRICS_MAX && b->metrics[m].unit; m++) {
		printf("%s%s: %s; %s, %s is better; %u rounds\n", b->name, report_mode(), b->title,
		       unit(&b->metrics[m]), b->metrics[m].better, rounds);
		print_metric(b, m, rounds);
	}
}

static json_t *json_params(const struct bench_subject *s)
{
	json_t *params = json_object();

	for (const struct bench_param *p = s->params; p->key; p++)
		json_object_set_new(params, p->key,
				    p->text ? json_string(p->text) : json_integer(p->number));
	return params;
}

static json_t *json_results(const struct bench *b, unsigned int rounds)
{
	json_t *results = json_array();

	for (size_t m = 0; m < BENCH_METRICS_MAX && b->metrics[m].unit; m++) {
		const struct bench_metric *metric = &b->metrics[m];

		for (size_t i = 0; i < b->nr_subjects; i++) {
			const struct bench_subject *s = &b->subjects[i];
			json_t *row = json_pack("{s:s, s:o, s:f, s:f, s:f}", "system", s->system,
						"params", json_params(s),
						"median", median(s, m, rounds),
						"min", s->values[m][0],
						"max", s->values[m][rounds - 1]);

			if (metric->name)
				json_object_update_new(row, json_pack("{s:s, s:s, s:s}",
								      "metric", metric->name,
								      "unit", unit(metric),
								      "better", metric->better));
			json_array_append_new(results, row);
		}
	}
	return results;
}

int report_write(const struct bench *b, unsigned int rounds, const char *directory)
{
	char path[4096], name[64], accel[32];
	struct utsname u;
	json_t *report;
	int err;

	uname(&u);
	accelerator(accel, sizeof(accel));
	snprintf(name, sizeof(name), "%s%s", b->name, report_mode());
	snprintf(path, sizeof(path), "%s/%s.json", directory, name);
	report = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:o}", "bench", name,
			   "kernel", u.release, "accel", accel,
			   "cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "rounds", (int)rounds,
			   "unit", unit(&b->metrics[0]), "better", b->metrics[0].better,
			   "results", json_results(b, rounds));
	if (!report) {
		fprintf(stderr, "bench: %s: out of memory\n", b->name);
		return -ENOMEM;
	}
	errno = 0;
	err = json_dump_file(report, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	if (err) {
		err = errno ? -errno : -EIO;
		fprintf(stderr, "bench: %s: %s\n", path, strerror(-err));
	}
	json_decref(report);
	return err;
}
