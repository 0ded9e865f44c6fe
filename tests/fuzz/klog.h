/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel complains of, as soon as it does. */
#ifndef KLOG_H
#define KLOG_H

#include <stdbool.h>

void klog_start(void);
/* Whether something has come; then it is bad. */
bool klog_look(void);

#endif /* KLOG_H */
