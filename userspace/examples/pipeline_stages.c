// SPDX-License-Identifier: MIT
#include "pipeline_stages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int stage_failed(const struct pipeline *p, const char *what, const char *path,
			const char *why)
{
	fprintf(stderr, "pipeline: %s: %s %s: %s\n", actor_name(&p->me), what, path, why);
	return 1;
}

int producer_run(struct pipeline *p, int input)
{
	uint64_t left = p->options->size;

	while (left) {
		struct slot *s = ring_fill(p);
		size_t size = left < p->options->block_size ? left : p->options->block_size;

		for (size_t done = 0; done < size;) {
			ssize_t n = read(input, ring_block(p, s) + done, size - done);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return stage_failed(p, "reading", p->options->input,
						    n ? strerror(errno) : "it ended too early");
			done += n;
		}
		ring_filled(p, s, size);
		left -= size;
	}
	ring_finish(p);
	/* More may come until the end is announced: have the workers look, who lock for that. */
	while (!load(&p->ring->closed)) {
		ring_wake(p, QUEUE_WORK(p), SHMBUF_WAKE_ALL);
		ring_look_after_deaths(p);
		ring_need_supervisor(p);
	}
	return 0;
}

static void sha256(const void *data, size_t size, uint8_t *digest)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, size, data);
	sha256_digest(&ctx, SHA256_DIGEST_SIZE, digest);
}

int worker_run(struct pipeline *p, int unused)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct slot *s;

	(void)unused;
	ring_join(p);
	while ((s = ring_take(p))) {
		sha256(ring_block(p, s), s->size, digest);
		ring_pass(p, s, digest);
	}
	return 0;
}

static int write_all(struct pipeline *p, int output, const unsigned char *data, size_t size)
{
	while (size) {
		ssize_t n = write(output, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return stage_failed(p, "writing", p->options->output, strerror(errno));
		data += n;
		size -= n;
	}
	return 0;
}

int collector_run(struct pipeline *p, int output)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx whole;
	struct slot *s;

	sha256_init(&whole);
	while ((s = ring_collect(p))) {
		const unsigned char *block = ring_block(p, s);

		sha256(block, s->size, digest);
		if (memcmp(digest, s->digest, sizeof(digest)))
			actor_fail(p, "a block isn't what its entry of the table says", 0);
		sha256_update(&whole, s->size, block);
		if (output >= 0 && write_all(p, output, block, s->size))
			return 1;
		ring_collected(p, s);
	}
	if (output >= 0 && close(output))
		return stage_failed(p, "writing", p->options->output, strerror(errno));
	sha256_digest(&whole, sizeof(p->ring->digest), p->ring->digest);
	return 0;
}

void digest_print(const uint8_t *digest, char *text)
{
	for (int i = 0; i < SHA256_DIGEST_SIZE; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
}
