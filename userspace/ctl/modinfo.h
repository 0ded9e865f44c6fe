/* SPDX-License-Identifier: MIT */
/* What is known of the module that modprobe would load. */
#ifndef CTL_MODINFO_H
#define CTL_MODINFO_H

#include <stdbool.h>
#include <stddef.h>

/* Empty, and false, where there is no such module, or no modinfo. */
bool module_field(const char *field, char *text, size_t room);

#endif
