/* SPDX-License-Identifier: MIT */
/* What the pipeline was asked to do. */
#ifndef PIPELINE_OPTIONS_H
#define PIPELINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *input;
	const char *output;	/* NULL: nowhere, the digest is all that stays */
	const char *sha256;	/* of the input, in hex; NULL: sha256sum is to say it */
	uint64_t size;		/* bytes of the input to read */
	bool size_given;
	uint64_t block_size;
	unsigned int slots;
	unsigned int workers;
	unsigned int kills;
};

/* Fills *o, or ends the program with a message: status 2, or 0 after --help. */
void options_parse(struct options *o, int argc, char **argv);

#endif
