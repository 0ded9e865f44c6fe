/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VDSO_H
#define VDSO_H

/* A function of the vDSO by its name; NULL where this kernel has none. */
void *vdso_function(const char *name);

#endif
