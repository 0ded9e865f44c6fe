/* SPDX-License-Identifier: GPL-2.0-only */
/* What each user has of us, and the most that he may have. */
#ifndef SHMBUF_USER_H
#define SHMBUF_USER_H

#include <linux/types.h>

struct shmbuf_user;

enum shmbuf_quota {
	SHMBUF_QUOTA_BYTES,
	SHMBUF_QUOTA_BUFFERS,
	SHMBUF_QUOTA_OBJECTS,
	SHMBUF_QUOTA_OWNERS,
	SHMBUF_QUOTA_WAITERS,
	SHMBUF_QUOTA_CLAIMS,
	SHMBUF_NR_QUOTAS,
};

/* The caller's; the reference is dropped by shmbuf_user_put(). */
struct shmbuf_user *shmbuf_user_get_current(void);
struct shmbuf_user *shmbuf_user_get(struct shmbuf_user *user);
/* The caller's likewise, quickly if that is @guess. */
struct shmbuf_user *shmbuf_user_get_caller(struct shmbuf_user *guess);
void shmbuf_user_put(struct shmbuf_user *user);

/* 0, -EDQUOT, or for bytes -ENOSPC where all users together have too many. */
int shmbuf_user_charge(struct shmbuf_user *user, enum shmbuf_quota quota, u64 n);
void shmbuf_user_uncharge(struct shmbuf_user *user, enum shmbuf_quota quota, u64 n);

u64 shmbuf_user_limit(enum shmbuf_quota quota);
u64 shmbuf_total_limit(void);

/* What all users have together. */
u64 shmbuf_users_used(enum shmbuf_quota quota);

void shmbuf_user_init(void);

#endif /* SHMBUF_USER_H */
