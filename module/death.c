// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <linux/shmbuf_word.h>

#include "buffer.h"
#include "counter.h"
#include "death.h"
#include "member.h"
#include "owner.h"
#include "queue.h"
#include "trace.h"
#include "waiter.h"

/*
 * SHMBUF_INDEX_DEATHS is a queue whose word is the kernel's own.  A death moves it
 * under owners_lock and its bucket's lock, together with nr_deaths and the log, so
 * that none of the three is ever seen to be ahead of the others; who waits is woken
 * once the locks are dropped.
 */

static struct shmbuf_death_entry *shmbuf_death_entry(struct shmbuf_buffer *buffer, u64 sequence)
{
	return &buffer->deaths->entries[sequence % SHMBUF_DEATHS_MAX];
}

int shmbuf_deaths_prepare(struct shmbuf_buffer *buffer)
{
	struct shmbuf_death_log *log;

	BUILD_BUG_ON(sizeof(*log) > 2048);
	if (READ_ONCE(buffer->deaths))
		return 0;
	log = kzalloc(sizeof(*log), GFP_KERNEL_ACCOUNT);
	if (!log)
		return -ENOMEM;
	if (cmpxchg(&buffer->deaths, NULL, log))
		kfree(log);
	return 0;
}

static void shmbuf_death_entry_put(struct shmbuf_death_entry *entry)
{
	put_pid(entry->tid);
	if (entry->member)
		shmbuf_member_put(entry->member);
}

void shmbuf_deaths_free(struct shmbuf_buffer *buffer)
{
	int i;

	if (!buffer->deaths)
		return;
	for (i = 0; i < SHMBUF_DEATHS_MAX; i++)
		shmbuf_death_entry_put(&buffer->deaths->entries[i]);
	kfree(buffer->deaths);
}

static struct shmbuf_cause shmbuf_cause_of_exit(int code)
{
	if (code & 0x7f)
		return (struct shmbuf_cause){ SHMBUF_DEATH_SIGNAL, code & 0x7f };
	return (struct shmbuf_cause){ SHMBUF_DEATH_EXIT, (code >> 8) & 0xff };
}

struct shmbuf_cause shmbuf_cause_find(const struct shmbuf_owner *owner)
{
	struct task_struct *leader = pid_task(owner->member->pid, PIDTYPE_TGID);
	struct task_struct *thread;

	/* Its parent has heard of it, and we haven't. */
	if (!leader)
		return (struct shmbuf_cause){ SHMBUF_DEATH_UNKNOWN, 0 };
	if (READ_ONCE(leader->signal->flags) & SIGNAL_GROUP_EXIT)
		return shmbuf_cause_of_exit(READ_ONCE(leader->signal->group_exit_code));
	for_each_thread(leader, thread) {
		if (READ_ONCE(thread->flags) & PF_EXITING)
			continue;
		if (READ_ONCE(thread->mm) != owner->mm ||
		    READ_ONCE(leader->signal->group_exec_task))
			return (struct shmbuf_cause){ SHMBUF_DEATH_EXEC, 0 };
		return (struct shmbuf_cause){ SHMBUF_DEATH_THREAD, 0 };
	}
	return shmbuf_cause_of_exit(READ_ONCE(leader->exit_code));
}

void shmbuf_death_record(struct shmbuf_owner *owner)
{
	struct shmbuf_buffer *buffer = owner->buffer;
	struct shmbuf_bucket *bucket = shmbuf_bucket(buffer, SHMBUF_INDEX_DEATHS);
	u64 word, sequence = buffer->nr_deaths + 1;
	struct shmbuf_death_entry old, *entry = shmbuf_death_entry(buffer, sequence);

	lockdep_assert_held(&buffer->owners_lock);
	spin_lock(&bucket->lock);
	spin_lock(&buffer->deaths_lock);
	old = *entry;
	*entry = (struct shmbuf_death_entry){
		.owner = owner->id,
		.time = owner->died,
		.member = shmbuf_member_get(owner->member),
		.tid = owner->process_bound ? NULL : get_pid(owner->pid),
		.cause = owner->cause,
		.flags = owner->last ? SHMBUF_DEATH_OF_PROCESS : 0,
	};
	WRITE_ONCE(buffer->nr_deaths, sequence);
	word = atomic64_read(&buffer->deaths_word);
	atomic64_set_release(&buffer->deaths_word,
			     shmbuf_queue_word(sequence, !!(word & SHMBUF_WORD_WAITERS)));
	spin_unlock(&buffer->deaths_lock);
	spin_unlock(&bucket->lock);
	shmbuf_death_entry_put(&old);
	shmbuf_count(SHMBUF_COUNT_DEATHS);
	trace_shmbuf_owner_died(owner);
}

void shmbuf_deaths_tell(struct shmbuf_buffer *buffer)
{
	shmbuf_queue_moved(buffer, SHMBUF_INDEX_DEATHS);
}

/* The note that was made @age notes before the last one. */
static struct shmbuf_death_note *shmbuf_death_note_at(struct shmbuf_buffer *buffer, u32 age)
{
	u32 at = buffer->nr_death_notes - 1 - age;

	lockdep_assert_held(&buffer->deaths_lock);
	return &buffer->deaths->notes[at % SHMBUF_DEATH_NOTES];
}

void shmbuf_death_note(struct shmbuf_buffer *buffer, u32 index, u64 id)
{
	struct shmbuf_death_note *note;

	/* An id that nobody ever had is a hostile peer's. */
	if (!shmbuf_owner_leaves(buffer, id))
		return;
	spin_lock(&buffer->deaths_lock);
	note = shmbuf_death_note_at(buffer, 0);
	if (note->owner == id && note->last + 1 == index) {
		note->last = index;
	} else if (note->owner != id || index < note->first || index > note->last) {
		buffer->nr_death_notes++;
		*shmbuf_death_note_at(buffer, 0) = (struct shmbuf_death_note){
			.owner = id,
			.first = index,
			.last = index,
		};
	}
	spin_unlock(&buffer->deaths_lock);
}

void shmbuf_deaths_forget(struct shmbuf_buffer *buffer, u32 first, u32 last)
{
	struct shmbuf_death_note *note;
	int i;

	if (!READ_ONCE(buffer->deaths))
		return;
	spin_lock(&buffer->deaths_lock);
	for (i = 0; i < SHMBUF_DEATH_NOTES; i++) {
		note = &buffer->deaths->notes[i];
		if (note->first > last || note->last < first)
			continue;
		/* Of what lies on both sides, one is kept. */
		if (note->first < first)
			note->last = first - 1;
		else if (note->last > last)
			note->first = last + 1;
		else
			note->owner = 0;
	}
	spin_unlock(&buffer->deaths_lock);
}

u64 shmbuf_death_holder(struct shmbuf_buffer *buffer, u32 index)
{
	struct shmbuf_death_note *note;
	u64 id = 0;
	u32 age;

	if (!READ_ONCE(buffer->deaths))
		return 0;
	spin_lock(&buffer->deaths_lock);
	for (age = 0; age < SHMBUF_DEATH_NOTES && !id; age++) {
		note = shmbuf_death_note_at(buffer, age);
		if (index >= note->first && index <= note->last)
			id = note->owner;
	}
	spin_unlock(&buffer->deaths_lock);
	return id;
}

/* For the caller's eyes, but for the time, which is still the host's. */
static void shmbuf_death_tell(struct shmbuf_buffer *buffer, u64 sequence,
			      struct shmbuf_death *death)
{
	const struct shmbuf_death_entry *entry = shmbuf_death_entry(buffer, sequence);
	struct pid_namespace *ns = task_active_pid_ns(current);

	lockdep_assert_held(&buffer->deaths_lock);
	*death = (struct shmbuf_death){
		.sequence = sequence,
		.owner = entry->owner,
		.time = entry->time,
		.pid = pid_nr_ns(entry->member->pid, ns),
		.tid = pid_nr_ns(entry->tid, ns),
		.how = entry->cause.how,
		.code = entry->cause.code,
		.flags = entry->flags,
	};
	memcpy(death->comm, entry->member->comm, sizeof(death->comm));
}

/* The sequences that the log has are those above this, up to nr_deaths. */
static u64 shmbuf_deaths_lost(u64 nr_deaths)
{
	return nr_deaths > SHMBUF_DEATHS_MAX ? nr_deaths - SHMBUF_DEATHS_MAX : 0;
}

bool shmbuf_death_find(struct shmbuf_buffer *buffer, u64 id, struct shmbuf_death *death)
{
	bool found = false;
	u64 sequence;

	if (!READ_ONCE(buffer->deaths))
		return false;
	spin_lock(&buffer->deaths_lock);
	for (sequence = buffer->nr_deaths;
	     sequence > shmbuf_deaths_lost(buffer->nr_deaths) && !found; sequence--) {
		found = shmbuf_death_entry(buffer, sequence)->owner == id;
		if (found)
			shmbuf_death_tell(buffer, sequence, death);
	}
	spin_unlock(&buffer->deaths_lock);
	if (found)
		death->time = shmbuf_time_of_caller(death->time);
	return found;
}

static u32 shmbuf_deaths_copy(struct shmbuf_buffer *buffer, u64 after, u32 room,
			      struct shmbuf_death *deaths)
{
	u64 sequence, last;
	u32 nr = 0;

	spin_lock(&buffer->deaths_lock);
	last = buffer->nr_deaths;
	sequence = shmbuf_deaths_lost(last);
	if (after != ~0ULL && after > sequence)
		sequence = after;
	while (sequence < last && nr < room)
		shmbuf_death_tell(buffer, ++sequence, &deaths[nr++]);
	spin_unlock(&buffer->deaths_lock);
	return nr;
}

int shmbuf_deaths(struct shmbuf_buffer *buffer, const struct shmbuf_deaths *args)
{
	u32 i, room = min_t(u32, args->nr_deaths, SHMBUF_DEATHS_MAX);
	struct shmbuf_death *deaths;
	int ret;

	if (args->reserved)
		return -EINVAL;
	/* Threads may have gone without a word. */
	shmbuf_owners_look(buffer);
	if (!room || !READ_ONCE(buffer->deaths))
		return 0;
	deaths = kcalloc(room, sizeof(*deaths), GFP_KERNEL_ACCOUNT);
	if (!deaths)
		return -ENOMEM;
	ret = shmbuf_deaths_copy(buffer, args->after, room, deaths);
	for (i = 0; i < ret; i++)
		deaths[i].time = shmbuf_time_of_caller(deaths[i].time);
	if (copy_to_user(u64_to_user_ptr(args->deaths), deaths, ret * sizeof(*deaths)))
		ret = -EFAULT;
	kfree(deaths);
	return ret;
}
