// SPDX-License-Identifier: MIT
/*
 * What TSan has to be told of the device fake.  The fake works on words at addresses of its
 * own, and TSan takes each address for another word: it would see no order between who
 * releases a lock in user space and who gets it by a call.  So each atomic step of the fake
 * is told for the addresses that user space has the word at.
 */
#include "fake_call.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>

/* Nothing is read or written through @at, but TSan keeps what it knows in pages of its own. */
static struct fake_mapping {
	const struct fake_buffer *f;
	__u64 offset;
	size_t size;
	char *at;
} fake_mappings[1024];
static unsigned int fake_nr_mappings;
static const struct fake_call *fake_current;

void fake_tsan_call(const struct fake_call *c)
{
	fake_current = c;
}

void fake_tsan_mapped(int fd, __u64 offset, size_t size, void *at)
{
	fake_mappings[fake_nr_mappings++ % ARRAY_SIZE(fake_mappings)] = (struct fake_mapping) {
		.f = fake_find_fd(fd), .offset = offset, .size = size, .at = at,
	};
}

void fake_tsan_unmapped(const void *at, size_t size)
{
	const char *from = at;
	struct fake_mapping *m;

	for (m = fake_mappings; m < fake_mappings + ARRAY_SIZE(fake_mappings); m++)
		if (m->at && m->at < from + size && from < m->at + m->size)
			*m = (struct fake_mapping) { };
}

static __u64 fake_offset(const struct fake_call *c, const __u64 *word)
{
	const char *p = (const char *)word;

	if (c->rows && p >= c->rows && p < c->rows + FAKE_ROWS_SIZE)
		return SHMBUF_ROW_OFFSET + (p - c->rows);
	return SHMBUF_CONTROL_OFFSET + (p - c->control);
}

void fake_tsan_step(const __u64 *word)
{
	const struct fake_call *c = fake_current;
	__u64 offset = c ? fake_offset(c, word) : 0;
	const struct fake_mapping *m;

	for (m = fake_mappings; c && m < fake_mappings + ARRAY_SIZE(fake_mappings); m++) {
		if (m->f != c->f || offset - m->offset >= m->size)
			continue;
		__tsan_acquire(m->at + (offset - m->offset));
		__tsan_release(m->at + (offset - m->offset));
	}
}
#endif
