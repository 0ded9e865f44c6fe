// SPDX-License-Identifier: GPL-2.0-only
/* Guards, with the device fake. */
#define LIB_FAKE
#include "lib_guard.c"
