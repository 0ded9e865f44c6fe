/* SPDX-License-Identifier: GPL-2.0-only */
/* What holds once everybody is dead. */
#ifndef CHECK_H
#define CHECK_H

/* By handles of the shared buffers: all locks can be taken, all objects are idle. */
void check_objects(const int *fds);
/* No user has anything. */
void check_nothing_left(void);
/* Limits such that they are reached; what they were comes back. */
void check_limit(void);
void check_unlimit(void);

#endif /* CHECK_H */
