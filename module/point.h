/* SPDX-License-Identifier: GPL-2.0-only */
/* Places where tests kill threads, or hold them up: only in a module with SHMBUF_POINTS=y. */
#ifndef SHMBUF_POINT_H
#define SHMBUF_POINT_H

#define POINT(name_) SHMBUF_POINT_##name_,
#define POINT_LOCKED(name_) POINT(name_)
enum shmbuf_point {
#include "points.h"
	SHMBUF_NR_POINTS
};

#undef POINT
#undef POINT_LOCKED

#ifdef SHMBUF_POINTS
void shmbuf_point_reach(enum shmbuf_point point);
#else
static inline void shmbuf_point_reach(enum shmbuf_point point)
{
}
#endif

#define shmbuf_point(name) shmbuf_point_reach(SHMBUF_POINT_##name)

#endif /* SHMBUF_POINT_H */
