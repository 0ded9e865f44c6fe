/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: TRACING.md says what they tell. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM shmbuf

#if !defined(SHMBUF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SHMBUF_TRACE_H

#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "member.h"
#include "owner.h"

/*
 * Events take no locks and follow no pointers but those that the caller holds.  But for deaths
 * they come outside of all spinlocks, from the thread that they are about.
 */

TRACE_DEFINE_ENUM(SHMBUF_KIND_NONE);
TRACE_DEFINE_ENUM(SHMBUF_KIND_QUEUE);
TRACE_DEFINE_ENUM(SHMBUF_KIND_SEMAPHORE);
TRACE_DEFINE_ENUM(SHMBUF_KIND_BARRIER);

#define shmbuf_trace_kind(kind)						\
	__print_symbolic(kind,						\
			 { SHMBUF_KIND_NONE,		"any" },	\
			 { SHMBUF_KIND_QUEUE,		"queue" },	\
			 { SHMBUF_KIND_SEMAPHORE,	"semaphore" },	\
			 { SHMBUF_KIND_BARRIER,		"barrier" })

TRACE_DEFINE_ENUM(SHMBUF_DEATH_UNKNOWN);
TRACE_DEFINE_ENUM(SHMBUF_DEATH_UNREGISTER);
TRACE_DEFINE_ENUM(SHMBUF_DEATH_HANDLE);
TRACE_DEFINE_ENUM(SHMBUF_DEATH_EXIT);
TRACE_DEFINE_ENUM(SHMBUF_DEATH_SIGNAL);
TRACE_DEFINE_ENUM(SHMBUF_DEATH_EXEC);
TRACE_DEFINE_ENUM(SHMBUF_DEATH_THREAD);

#define shmbuf_trace_how(how)						\
	__print_symbolic(how,						\
			 { SHMBUF_DEATH_UNKNOWN,	"unknown" },	\
			 { SHMBUF_DEATH_UNREGISTER,	"unregister" },	\
			 { SHMBUF_DEATH_HANDLE,		"handle" },	\
			 { SHMBUF_DEATH_EXIT,		"exit" },	\
			 { SHMBUF_DEATH_SIGNAL,		"signal" },	\
			 { SHMBUF_DEATH_EXEC,		"exec" },	\
			 { SHMBUF_DEATH_THREAD,		"thread" })

#ifndef SHMBUF_TRACE_HELPERS
#define SHMBUF_TRACE_HELPERS
/* Names are their makers': no line of a trace ends with one, and no field. */
static inline void shmbuf_trace_name(char *to, const char *name)
{
	for (; name && *name; name++)
		*to++ = *name > ' ' && *name < '\177' ? *name : '?';
	*to = '\0';
}

static inline u64 shmbuf_trace_holder(struct shmbuf_buffer *buffer, u32 index)
{
	return shmbuf_lock_word_owner(atomic64_read(shmbuf_word(buffer, index)));
}

/* 0: when the wait began wasn't recorded, or there was none. */
static inline u64 shmbuf_trace_waited(u64 since)
{
	return since ? ktime_get_ns() - since : 0;
}
#endif

TRACE_EVENT(shmbuf_create,
	TP_PROTO(const struct shmbuf_buffer *buffer, const char *name),
	TP_ARGS(buffer, name),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(u64, size)
		__field(u32, objects)
		__field(u32, flags)
		__field(pid_t, pid)
		__dynamic_array(char, name, name ? strlen(name) + 1 : 1)
	),
	TP_fast_assign(
		__entry->buffer = buffer->id;
		__entry->size = buffer->data_size;
		__entry->objects = buffer->nr_objects;
		__entry->flags = buffer->create_flags;
		__entry->pid = current->tgid;
		shmbuf_trace_name(__get_dynamic_array(name), name);
	),
	TP_printk("buffer=%llu size=%llu objects=%u flags=0x%x pid=%d name=%s", __entry->buffer,
		  __entry->size, __entry->objects, __entry->flags, __entry->pid,
		  __get_str(name))
);

TRACE_EVENT(shmbuf_destroy,
	TP_PROTO(const struct shmbuf_buffer *buffer),
	TP_ARGS(buffer),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(u64, deaths)
	),
	TP_fast_assign(
		__entry->buffer = buffer->id;
		__entry->deaths = buffer->nr_deaths;
	),
	TP_printk("buffer=%llu deaths=%llu", __entry->buffer, __entry->deaths)
);

DECLARE_EVENT_CLASS(shmbuf_member,
	TP_PROTO(const struct shmbuf_buffer *buffer, const struct shmbuf_member *member),
	TP_ARGS(buffer, member),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(pid_t, pid)
		__array(char, comm, TASK_COMM_LEN)
	),
	TP_fast_assign(
		__entry->buffer = buffer->id;
		__entry->pid = pid_nr(member->pid);
		memcpy(__entry->comm, member->comm, TASK_COMM_LEN);
	),
	TP_printk("buffer=%llu pid=%d comm=%s", __entry->buffer, __entry->pid, __entry->comm)
);

DEFINE_EVENT(shmbuf_member, shmbuf_join,
	TP_PROTO(const struct shmbuf_buffer *buffer, const struct shmbuf_member *member),
	TP_ARGS(buffer, member)
);

DEFINE_EVENT(shmbuf_member, shmbuf_leave,
	TP_PROTO(const struct shmbuf_buffer *buffer, const struct shmbuf_member *member),
	TP_ARGS(buffer, member)
);

TRACE_EVENT(shmbuf_owner_died,
	TP_PROTO(const struct shmbuf_owner *owner),
	TP_ARGS(owner),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(u64, owner)
		__field(pid_t, pid)
		__field(pid_t, tid)
		__field(u32, how)
		__field(u32, code)
		__field(bool, last)
	),
	TP_fast_assign(
		__entry->buffer = owner->buffer->id;
		__entry->owner = owner->id;
		__entry->pid = pid_nr(owner->member->pid);
		__entry->tid = owner->process_bound ? 0 : pid_nr(owner->pid);
		__entry->how = owner->cause.how;
		__entry->code = owner->cause.code;
		__entry->last = owner->last;
	),
	TP_printk("buffer=%llu owner=0x%llx pid=%d tid=%d how=%s code=%u last=%d",
		  __entry->buffer, __entry->owner, __entry->pid, __entry->tid,
		  shmbuf_trace_how(__entry->how), __entry->code, __entry->last)
);

DECLARE_EVENT_CLASS(shmbuf_blocked,
	TP_PROTO(struct shmbuf_buffer *buffer, u32 index, u64 owner, bool shared),
	TP_ARGS(buffer, index, owner, shared),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(u64, owner)
		__field(u64, holder)
		__field(u32, index)
		__field(pid_t, pid)
		__field(bool, shared)
	),
	TP_fast_assign(
		__entry->buffer = buffer->id;
		__entry->owner = owner;
		__entry->holder = shmbuf_trace_holder(buffer, index);
		__entry->index = index;
		__entry->pid = current->tgid;
		__entry->shared = shared;
	),
	TP_printk("buffer=%llu index=%u owner=0x%llx pid=%d shared=%d holder=0x%llx",
		  __entry->buffer, __entry->index, __entry->owner, __entry->pid,
		  __entry->shared, __entry->holder)
);

DEFINE_EVENT(shmbuf_blocked, shmbuf_lock_contended,
	TP_PROTO(struct shmbuf_buffer *buffer, u32 index, u64 owner, bool shared),
	TP_ARGS(buffer, index, owner, shared)
);

DEFINE_EVENT(shmbuf_blocked, shmbuf_deadlock,
	TP_PROTO(struct shmbuf_buffer *buffer, u32 index, u64 owner, bool shared),
	TP_ARGS(buffer, index, owner, shared)
);

/* @since: when the wait began, ns, or 0. */
TRACE_EVENT(shmbuf_lock_acquired,
	TP_PROTO(const struct shmbuf_buffer *buffer, u32 index, u64 owner, bool shared, u64 since,
		 int ret),
	TP_ARGS(buffer, index, owner, shared, since, ret),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(u64, owner)
		__field(u64, waited)
		__field(u32, index)
		__field(pid_t, pid)
		__field(int, ret)
		__field(bool, shared)
	),
	TP_fast_assign(
		__entry->buffer = buffer->id;
		__entry->owner = owner;
		__entry->waited = shmbuf_trace_waited(since);
		__entry->index = index;
		__entry->pid = current->tgid;
		__entry->ret = ret;
		__entry->shared = shared;
	),
	TP_printk("buffer=%llu index=%u owner=0x%llx pid=%d shared=%d waited=%llu ret=%d",
		  __entry->buffer, __entry->index, __entry->owner, __entry->pid,
		  __entry->shared, __entry->waited, __entry->ret)
);

DECLARE_EVENT_CLASS(shmbuf_given_up,
	TP_PROTO(const struct shmbuf_buffer *buffer, u32 index, u64 owner),
	TP_ARGS(buffer, index, owner),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(u64, owner)
		__field(u32, index)
		__field(pid_t, pid)
	),
	TP_fast_assign(
		__entry->buffer = buffer->id;
		__entry->owner = owner;
		__entry->index = index;
		__entry->pid = current->tgid;
	),
	TP_printk("buffer=%llu index=%u owner=0x%llx pid=%d", __entry->buffer, __entry->index,
		  __entry->owner, __entry->pid)
);

DEFINE_EVENT(shmbuf_given_up, shmbuf_lock_released,
	TP_PROTO(const struct shmbuf_buffer *buffer, u32 index, u64 owner),
	TP_ARGS(buffer, index, owner)
);

DEFINE_EVENT(shmbuf_given_up, shmbuf_lock_recovered,
	TP_PROTO(const struct shmbuf_buffer *buffer, u32 index, u64 owner),
	TP_ARGS(buffer, index, owner)
);

/* @kind: SHMBUF_KIND_NONE for a WAIT_ANY, with how many items as @index. */
TRACE_EVENT(shmbuf_wait,
	TP_PROTO(const struct shmbuf_buffer *buffer, u32 index, u32 kind, u64 owner, u64 since,
		 int ret),
	TP_ARGS(buffer, index, kind, owner, since, ret),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(u64, owner)
		__field(u64, waited)
		__field(u32, index)
		__field(u32, kind)
		__field(pid_t, pid)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->buffer = buffer->id;
		__entry->owner = owner;
		__entry->waited = shmbuf_trace_waited(since);
		__entry->index = index;
		__entry->kind = kind;
		__entry->pid = current->tgid;
		__entry->ret = ret;
	),
	TP_printk("buffer=%llu index=%u kind=%s owner=0x%llx pid=%d waited=%llu ret=%d",
		  __entry->buffer, __entry->index, shmbuf_trace_kind(__entry->kind),
		  __entry->owner, __entry->pid, __entry->waited, __entry->ret)
);

TRACE_EVENT(shmbuf_wake,
	TP_PROTO(const struct shmbuf_buffer *buffer, u32 index, u32 kind, u32 woken),
	TP_ARGS(buffer, index, kind, woken),
	TP_STRUCT__entry(
		__field(u64, buffer)
		__field(u32, index)
		__field(u32, kind)
		__field(u32, woken)
		__field(pid_t, pid)
	),
	TP_fast_assign(
		__entry->buffer = buffer->id;
		__entry->index = index;
		__entry->kind = kind;
		__entry->woken = woken;
		__entry->pid = current->tgid;
	),
	TP_printk("buffer=%llu index=%u kind=%s woken=%u pid=%d", __entry->buffer, __entry->index,
		  shmbuf_trace_kind(__entry->kind), __entry->woken, __entry->pid)
);

/* The time if @event is enabled, else 0: for its @since. */
#define shmbuf_trace_since(event) (trace_shmbuf_##event##_enabled() ? ktime_get_ns() : 0)

#endif /* SHMBUF_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
