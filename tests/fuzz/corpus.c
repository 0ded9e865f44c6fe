// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "corpus.h"
#include "world.h"

void corpus_add(const struct program *program)
{
	struct corpus *corpus = &world->corpus;
	__u32 at;

	if (__atomic_load_n(&corpus->nr, __ATOMIC_RELAXED) >= CORPUS)
		return;
	at = __atomic_fetch_add(&corpus->nr, 1, __ATOMIC_RELAXED);
	if (at >= CORPUS)
		return;
	/* Who is killed in here leaves an entry that is never ready. */
	corpus->entries[at].program = *program;
	__atomic_store_n(&corpus->entries[at].ready, 1, __ATOMIC_RELEASE);
}

__u32 corpus_count(void)
{
	__u32 nr = __atomic_load_n(&world->corpus.nr, __ATOMIC_RELAXED);

	return nr < CORPUS ? nr : CORPUS;
}

static const struct program *entry(__u32 at)
{
	if (!__atomic_load_n(&world->corpus.entries[at].ready, __ATOMIC_ACQUIRE))
		return NULL;
	return &world->corpus.entries[at].program;
}

bool corpus_draw(struct program *program, __u64 *seed)
{
	const struct program *old, *other;
	__u32 nr = corpus_count();

	if (!nr)
		return false;
	old = entry(draw_below(seed, nr));
	other = entry(draw_below(seed, nr));
	if (!old || !other)
		return false;
	*program = *old;
	program_mutate(program, other, seed);
	return true;
}

void corpus_load(const char *dir)
{
	char path[512], text[PROGRAM_TEXT];
	struct program program;
	struct dirent *file;
	DIR *d = opendir(dir);
	FILE *f;

	while (d && (file = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, file->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(text, sizeof(text), f) && program_parse(&program, text))
			corpus_add(&program);
		fclose(f);
	}
	if (d)
		closedir(d);
}

void corpus_save(const char *dir)
{
	char path[512], text[PROGRAM_TEXT];
	__u32 nr = corpus_count(), i;
	FILE *f;

	for (i = 0; i < nr; i++) {
		if (!entry(i))
			continue;
		snprintf(path, sizeof(path), "%s/%04u", dir, i);
		f = fopen(path, "w");
		if (!f) {
			perror(path);
			return;
		}
		program_print(entry(i), text);
		fprintf(f, "%s\n", text);
		fclose(f);
	}
}
