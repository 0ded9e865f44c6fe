// SPDX-License-Identifier: GPL-2.0-only
/* The library's shared locks, with the device fake. */
#define LIB_FAKE
#include "lib_readers.c"
