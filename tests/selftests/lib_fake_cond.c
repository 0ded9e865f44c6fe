// SPDX-License-Identifier: GPL-2.0-only
/* The library's condition waits, with the device fake. */
#define LIB_FAKE
#include "lib_cond.c"
