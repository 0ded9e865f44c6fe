// SPDX-License-Identifier: MIT
#include "death.h"

#include <stdio.h>
#include <stdlib.h>

#include "text.h"

const char *death_how(const struct shmbuf_death *death)
{
	static const char *const hows[] = {
		[SHMBUF_DEATH_UNKNOWN] = "unknown", [SHMBUF_DEATH_UNREGISTER] = "unregister",
		[SHMBUF_DEATH_HANDLE] = "handle", [SHMBUF_DEATH_EXIT] = "exit",
		[SHMBUF_DEATH_SIGNAL] = "signal", [SHMBUF_DEATH_EXEC] = "exec",
		[SHMBUF_DEATH_THREAD] = "thread",
	};

	return death->how < sizeof(hows) / sizeof(*hows) ? hows[death->how] : "unknown";
}

static void end_text(char *to, size_t room, const struct shmbuf_death *death)
{
	static const char *const ends[] = {
		[SHMBUF_DEATH_UNKNOWN] = "ended unseen",
		[SHMBUF_DEATH_UNREGISTER] = "gave its id back",
		[SHMBUF_DEATH_HANDLE] = "closed its handle",
		[SHMBUF_DEATH_EXEC] = "ran another program",
		[SHMBUF_DEATH_THREAD] = "the thread ended, its process lives",
	};

	if (death->how == SHMBUF_DEATH_EXIT)
		snprintf(to, room, "exited with status %u", death->code);
	else if (death->how == SHMBUF_DEATH_SIGNAL)
		snprintf(to, room, "killed by signal %u", death->code);
	else
		snprintf(to, room, "%s", death->how < sizeof(ends) / sizeof(*ends) ?
			 ends[death->how] : "ended");
}

void process_text(char *to, size_t room, uint32_t pid, uint32_t tid, const char *comm)
{
	char *shown = text_safe(comm), thread[24] = "";

	if (tid && tid != pid)
		snprintf(thread, sizeof(thread), ", thread %u", tid);
	if (pid)
		snprintf(to, room, "pid %u (%s)%s", pid, shown, thread);
	else
		snprintf(to, room, "a process of another PID namespace%s%s%s",
			 *shown ? " (" : "", shown, *shown ? ")" : "");
	free(shown);
}

void death_text(char *to, size_t room, const struct shmbuf_death *death)
{
	char process[128], end[64], age[32];

	process_text(process, sizeof(process), death->pid, death->tid, death->comm);
	end_text(end, sizeof(end), death);
	text_ns(age, sizeof(age), age_ns(death->time));
	snprintf(to, room, "%s, %s, %s ago", process, end, age);
}

static const struct shmbuf_death *death_of(const void *row)
{
	return row;
}

static struct value get_sequence(const void *row)
{
	return value_number(death_of(row)->sequence);
}

static struct value get_pid(const void *row)
{
	return value_some(value_number(death_of(row)->pid));
}

static struct value get_tid(const void *row)
{
	return value_some(value_number(death_of(row)->tid));
}

static struct value get_comm(const void *row)
{
	return value_text(death_of(row)->comm);
}

static struct value get_how(const void *row)
{
	return value_text(death_how(row));
}

static struct value get_code(const void *row)
{
	return value_number(death_of(row)->code);
}

static struct value get_process(const void *row)
{
	return value_text(death_of(row)->flags & SHMBUF_DEATH_OF_PROCESS ? "process" : "thread");
}

static struct value get_owner(const void *row)
{
	return value_number(death_of(row)->owner);
}

static struct value get_age(const void *row)
{
	return value_ns(age_ns(death_of(row)->time));
}

const struct column death_columns[] = {
	{ "DEATH", "sequence", "the buffer's deaths, counted", get_sequence, SHOWN | RIGHT },
	{ "PID", "pid", "of the process", get_pid, SHOWN | RIGHT },
	{ "TID", "tid", "of the thread", get_tid, SHOWN | RIGHT },
	{ "COMM", "comm", "the process's name", get_comm, SHOWN },
	{ "WHAT", "what", "the last of a process's ids, or one of them", get_process, SHOWN },
	{ "HOW", "how", "exit, signal, exec, thread, handle, unregister", get_how, SHOWN },
	{ "CODE", "code", "exit status or signal", get_code, SHOWN | RIGHT },
	{ "AGO", "age_ns", "how long ago", get_age, SHOWN | RIGHT },
	{ "ID", "owner", "owner id", get_owner, RIGHT },
	{},
};
