// SPDX-License-Identifier: GPL-2.0-only
/* The C library knows only those functions of the vDSO that it uses itself. */
#include "vdso.h"

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

struct image {
	const char *base;
	const Elf64_Sym *symbols;
	const char *names;
	const uint32_t *hash;
};

static void look_into(struct image *image, const Elf64_Dyn *dynamic)
{
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const void *at = image->base + dynamic->d_un.d_ptr;

		switch (dynamic->d_tag) {
		case DT_SYMTAB:
			image->symbols = at;
			break;
		case DT_STRTAB:
			image->names = at;
			break;
		case DT_HASH:
			image->hash = at;
			break;
		}
	}
}

void *vdso_function(const char *name)
{
	struct image image = { .base = (const char *)getauxval(AT_SYSINFO_EHDR) };
	const Elf64_Ehdr *head = (const void *)image.base;
	const Elf64_Phdr *part;

	if (!head)
		return NULL;
	part = (const void *)(image.base + head->e_phoff);
	for (int i = 0; i < head->e_phnum; i++) {
		if (part[i].p_type == PT_DYNAMIC)
			look_into(&image, (const void *)(image.base + part[i].p_offset));
	}
	if (!image.symbols || !image.names || !image.hash)
		return NULL;
	/* The hash table's second number is that of the symbols. */
	for (uint32_t i = 0; i < image.hash[1]; i++) {
		const Elf64_Sym *symbol = &image.symbols[i];

		if (symbol->st_shndx && !strcmp(image.names + symbol->st_name, name))
			return (void *)(image.base + symbol->st_value);
	}
	return NULL;
}
