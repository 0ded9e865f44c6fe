// SPDX-License-Identifier: MIT
#include "pipeline_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BLOCK_SIZE	0x40000000ULL
#define MAX_SLOTS	4096
#define MAX_WORKERS	256
#define MAX_KILLS	1000

static const char help[] =
"Usage: pipeline [OPTION]... FILE [OUT]\n"
"Copies FILE to OUT through a ring of blocks in a shared buffer: a producer\n"
"reads blocks, workers compute their SHA-256, a collector writes them in order.\n"
"On the way workers that hold the ring's lock are killed with SIGKILL; the\n"
"others repair the ring and go on. Without OUT the output is only hashed.\n"
"If pipeline itself is killed, its processes hear of that and end.\n"
"\n"
"  -w, --workers N   workers [4]\n"
"  -k, --kills N     workers to kill while they hold the lock [1]\n"
"  -b, --block SIZE  bytes of a block; K, M, G are powers of 1024 [16K]\n"
"  -r, --ring N      blocks of the ring [64]\n"
"  -s, --size SIZE   read that many bytes of FILE [all]\n"
"  -c, --sha256 HEX  what sha256sum says of FILE, where it has been run already\n"
"  -h, --help        this text\n"
"\n"
"Exit status: 0 the output's digest is FILE's, and every kill hit a holder;\n"
"1 it isn't, or a kill found no holder, or something failed; 2 bad usage.\n"
"An empty FILE is no excuse: workers take the lock to look for work, too.\n";

static void usage_error(const char *what, const char *value)
{
	fprintf(stderr, "pipeline: %s%s%s (see --help)\n", what, value ? ": " : "",
		value ? value : "");
	exit(2);
}

static uint64_t number(const char *what, const char *text, uint64_t least, uint64_t most)
{
	static const char suffixes[] = "KMG";
	unsigned long long value;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	for (int i = 0; suffixes[i]; i++) {
		if (*end == suffixes[i]) {
			shift = 10 * (i + 1);
			end++;
			break;
		}
	}
	if (errno || *text < '0' || *text > '9' || *end || value > UINT64_MAX >> shift)
		usage_error(what, text);
	value <<= shift;
	if (value < least || value > most) {
		fprintf(stderr, "pipeline: %s must be %llu to %llu, not %s\n", what,
			(unsigned long long)least, (unsigned long long)most, text);
		exit(2);
	}
	return value;
}

static const struct option long_options[] = {
	{ "workers", required_argument, NULL, 'w' },
	{ "kills", required_argument, NULL, 'k' },
	{ "block", required_argument, NULL, 'b' },
	{ "ring", required_argument, NULL, 'r' },
	{ "size", required_argument, NULL, 's' },
	{ "sha256", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void set_option(struct options *o, int c)
{
	switch (c) {
	case 'w':
		o->workers = number("--workers", optarg, 1, MAX_WORKERS);
		break;
	case 'k':
		o->kills = number("--kills", optarg, 1, MAX_KILLS);
		break;
	case 'b':
		o->block_size = number("--block", optarg, 1, MAX_BLOCK_SIZE);
		break;
	case 'r':
		o->slots = number("--ring", optarg, 1, MAX_SLOTS);
		break;
	case 's':
		o->size = number("--size", optarg, 0, INT64_MAX);
		o->size_given = true;
		break;
	case 'c':
		if (strlen(optarg) != 64 || optarg[strspn(optarg, "0123456789abcdef")])
			usage_error("--sha256", optarg);
		o->sha256 = optarg;
		break;
	case 'h':
		fputs(help, stdout);
		exit(0);
	default:
		exit(2);
	}
}

void options_parse(struct options *o, int argc, char **argv)
{
	int c;

	*o = (struct options){ .block_size = 16384, .slots = 64, .workers = 4, .kills = 1 };
	while ((c = getopt_long(argc, argv, "w:k:b:r:s:c:h", long_options, NULL)) != -1)
		set_option(o, c);
	if (optind == argc)
		usage_error("no FILE given", NULL);
	o->input = argv[optind++];
	if (optind < argc)
		o->output = argv[optind++];
	if (optind < argc)
		usage_error("too many arguments", argv[optind]);
}
