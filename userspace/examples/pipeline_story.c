// SPDX-License-Identifier: MIT
#include "pipeline_story.h"

#include <stdio.h>
#include <string.h>

#define PROGRESS_NS	2000000000ULL
#define INDENT		"           "

static uint64_t began_ns;
static uint64_t progressed_ns;

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static double seconds(uint64_t ns)
{
	return (ns - began_ns) / 1e9;
}

void story_begin(const struct pipeline *p)
{
	const struct options *o = p->options;
	unsigned long long blocks = (o->size + o->block_size - 1) / o->block_size;

	began_ns = now_ns();
	progressed_ns = began_ns;
	printf("%s: %llu byte%s in %llu block%s of %llu bytes, through a ring of %u\n",
	       o->input, (unsigned long long)o->size, plural(o->size), blocks, plural(blocks),
	       (unsigned long long)o->block_size, o->slots);
	printf("%u worker%s; %u will be killed while holding the ring's lock\n", o->workers,
	       plural(o->workers), o->kills);
}

static void print_counts(const char *who, const unsigned int *counts)
{
	printf("%s %u free, %u filled, %u taken, %u hashed", who, counts[SLOT_FREE],
	       counts[SLOT_FILLED], counts[SLOT_TAKEN], counts[SLOT_HASHED]);
}

static void print_repair(const struct telling *t)
{
	bool miscounted = memcmp(t->counts, t->true_counts, sizeof(t->counts));

	if (miscounted) {
		print_counts(INDENT "found: half a step: the counts say", t->counts);
		print_counts("\n" INDENT "       the slots say", t->true_counts);
		puts("");
	}
	if (t->unsealed)
		puts(INDENT "found: half a step: the table of digests isn't what its seal says");
	if (!miscounted && !t->unsealed)
		puts(INDENT "found: no half step; counts and seal are right");
	printf(INDENT "repaired in %.0f us, said CONSISTENT, went on",
	       (t->repaired_ns - t->told_ns) / 1e3);
	if (t->handed_out)
		printf("; block %llu is handed out again\n", (unsigned long long)t->block);
	else
		puts("; the dead had taken no block");
}

void story_killed(const struct kill *k)
{
	printf("%8.3f s kill -9: worker %u (pid %d), holding the ring's lock, at block %llu\n",
	       seconds(k->killed_ns), k->worker, (int)k->pid, (unsigned long long)k->next_block);
}

void story_told(const struct kill *k, const struct telling *t)
{
	printf("%8.3f s told: %s (pid %d), by EOWNERDEAD, %.0f us after the kill\n",
	       seconds(t->told_ns), actor_name(&t->who), (int)t->who.pid,
	       (t->told_ns - k->killed_ns) / 1e3);
	print_repair(t);
}

void story_unexpected(const struct telling *t)
{
	printf("%8.3f s told: %s (pid %d), by EOWNERDEAD, of a death that wasn't planned\n",
	       seconds(t->told_ns), actor_name(&t->who), (int)t->who.pid);
	print_repair(t);
}

void story_replaced(unsigned int old, pid_t old_pid, int sig, unsigned int new, pid_t new_pid)
{
	printf("%8.3f s worker %u (pid %d) takes the place of worker %u (pid %d, signal %d)\n",
	       seconds(now_ns()), new, (int)new_pid, old, (int)old_pid, sig);
}

void story_progress(const struct pipeline *p)
{
	uint64_t now = now_ns(), bytes = load(&p->ring->bytes), size = p->options->size;

	if (now - progressed_ns < PROGRESS_NS || bytes == size)
		return;
	progressed_ns = now;
	fprintf(stderr, "pipeline: %.1f of %.1f MB (%.0f %%), %.1f MB/s\n", bytes / 1e6,
		size / 1e6, 100.0 * bytes / size, bytes / 1e6 / seconds(now));
}

void story_end(const struct pipeline *p, const struct killer *k)
{
	uint64_t bytes = p->ring->bytes;
	double took = seconds(now_ns());

	printf("%8.3f s done: %llu byte%s, %.1f MB/s; %u of %u kills hit a holder\n", took,
	       (unsigned long long)bytes, plural(bytes), bytes / 1e6 / took, k->made,
	       p->options->kills);
}
