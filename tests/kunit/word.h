/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHMBUF_KUNIT_WORD_H
#define SHMBUF_KUNIT_WORD_H

#include <linux/types.h>

/* All flags of a word are in its top byte: here, any of their sets. */
#define WORD_NR_FLAGS 256U

static inline u64 word_flags(unsigned int flags)
{
	return (u64)flags << 56;
}

#endif /* SHMBUF_KUNIT_WORD_H */
