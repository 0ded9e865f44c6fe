/* SPDX-License-Identifier: MIT */
/* Are we in a container, where the kernel and its modules are somebody else's? */
#ifndef CTL_CONTAINER_H
#define CTL_CONTAINER_H

#include <stdbool.h>

bool in_container(void);

/* Whether users have other numbers outside; *@outside: this one's there. */
bool in_user_namespace(unsigned int *outside);

#endif
