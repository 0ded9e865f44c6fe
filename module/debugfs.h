/* SPDX-License-Identifier: GPL-2.0-only */
/* All buffers, with who has and who wants what, in /sys/kernel/debug/shmbuf: for developers. */
#ifndef SHMBUF_DEBUGFS_H
#define SHMBUF_DEBUGFS_H

#ifdef CONFIG_DEBUG_FS
void shmbuf_debugfs_init(void);
void shmbuf_debugfs_exit(void);
#else
static inline void shmbuf_debugfs_init(void)
{
}

static inline void shmbuf_debugfs_exit(void)
{
}
#endif

#endif /* SHMBUF_DEBUGFS_H */
