/* SPDX-License-Identifier: MIT */
/* Users and groups by name. */
#ifndef CTL_WHO_H
#define CTL_WHO_H

#include <stdint.h>

/* The name, or the number where it has none; good until many others were asked for. */
const char *user_name(uint32_t uid);
const char *group_name(uint32_t gid);

#endif
