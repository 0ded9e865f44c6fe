/* SPDX-License-Identifier: MIT */
/*
 * What the files of the device fake share.  All of it happens under the fake's mutex.
 */
#ifndef SHMBUF_FAKE_CALL_H
#define SHMBUF_FAKE_CALL_H

#include "fake.h"
#include "internal.h"

#define FAKE_PAGE	4096ULL
#define FAKE_ROWS_SIZE	(FAKE_OWNERS * FAKE_PAGE)

#pragma GCC visibility push(hidden)

/*
 * One look at a buffer.
 * @control, @rows: as the kernel would have them mapped, whatever @fd may; @rows only
 *	once they are needed
 */
struct fake_call {
	struct fake_buffer *f;
	int fd;
	char *control;
	char *rows;
};

/*
 * A command that may have to wait: it is tried over and over while it says -EBUSY.
 * @sleeps: that it may; set by its step, as all below
 * @index: for what
 * @writer: for a lock, alone
 * @deadline: until when; not looked at where it is @stubborn
 * @stubborn: nothing but success ends it
 * @peers: it ends when one of the others dies, or none is left
 * @deaths: that it knows of, as the caller says; @known once it @compares
 * @stage: how far it has come, by its step's count; @expected, @waited likewise its step's
 */
struct fake_sleeper {
	void *argument;
	bool sleeps;
	bool counted;
	bool counted_writer;
	bool writer;
	bool stubborn;
	bool peers;
	bool compares;
	__u32 counted_index;
	__u32 index;
	__u64 deadline;
	__u64 deaths;
	__u64 known;
	int stage;
	int result;
	int waited;
	__u64 expected;
};

/*
 * A command's step is tried for @s, once.  -EBUSY: it isn't done, and is tried again if @s
 * sleeps.  Where it has a second one, that is told that @s gives up, for @s->result.
 */

/* fake.c */
extern struct fake *fake;
__u64 *fake_word(const struct fake_call *c, __u32 index);
__u64 fake_word_take(__u64 *word);
void fake_word_give(__u64 *word, __u64 new);
/* The word of an object of that kind; NULL where it is none. */
__u64 *fake_word_of(const struct fake_call *c, __u32 index, __u32 kind);
__u64 *fake_row(struct fake_call *c, __u64 id);

/* fake_buffer.c */
struct fake_buffer *fake_find_fd(int fd);
bool fake_readonly(int fd);
__u64 fake_control_size(const struct fake_buffer *f);
__u32 fake_stride(const struct fake_buffer *f);
void *fake_map_kernel(int fd, __u64 offset, size_t size);
int fake_query(int fd, struct shmbuf_query *q);
int fake_create(int fd, const struct shmbuf_create *create);
int fake_name(int fd, const struct shmbuf_name *n, bool unlink);
int fake_grow(struct fake_call *c, struct fake_sleeper *s);
int fake_seal(struct fake_call *c, struct fake_sleeper *s);

/* fake_object.c */
int fake_set_kinds(struct fake_call *c, const struct shmbuf_range *r);
int fake_init_objects(struct fake_call *c, struct fake_sleeper *s);
int fake_reset(struct fake_call *c, struct fake_sleeper *s);

/* fake_owner.c */
struct fake_owner *fake_find_owner(struct fake_buffer *f, __u64 id);
bool fake_owner_alive(struct fake_buffer *f, __u64 id);
/* Whether the caller may use it: its thread, or any of its process. */
bool fake_owner_is_caller(struct fake_buffer *f, __u64 id);
/* Finds who has died, and gives back what they had. */
void fake_reap(struct fake_call *c);
/* 0, -EOWNERDEAD or -EPIPE. */
int fake_peers(struct fake_call *c, __u64 deaths);
int fake_register(struct fake_call *c, struct fake_sleeper *s);
int fake_unregister(struct fake_call *c, struct fake_sleeper *s);

/* fake_claim.c */
struct fake_claim *fake_claim_find(struct fake_buffer *f, __u32 index, __u64 holder);
/* The same, or a new one; NULL where there is no room. */
struct fake_claim *fake_claim_get(struct fake_buffer *f, __u32 index, __u64 holder);
void fake_claim_free(struct fake_buffer *f, struct fake_claim *claim);
struct fake_claim *fake_claim_next(struct fake_buffer *f, struct fake_claim *claim,
				   __u32 index);
/* @holder is dead.  Whether it had anything. */
bool fake_claims_bury(struct fake_call *c, __u64 holder);

/* fake_reader.c */
__u64 fake_reader_count(struct fake_call *c, const struct fake_claim *claim);
/* All rows are closed to the lock; true where there still are readers. */
bool fake_readers_stop(struct fake_call *c, __u32 index);
int fake_reader_add(struct fake_call *c, __u32 index, __u64 id);
int fake_reader_release(struct fake_call *c, __u32 index, __u64 id);

/* fake_lock.c */
/* For a condition's wait: the lock as by LOCK, and back again. */
int fake_lock_take(struct fake_call *c, __u32 index, __u64 id);
int fake_lock_put(struct fake_call *c, __u32 index, __u64 id);
int fake_lock(struct fake_call *c, struct fake_sleeper *s);
int fake_unlock(struct fake_call *c, struct fake_sleeper *s);
int fake_consistent(struct fake_call *c, struct fake_sleeper *s);
int fake_downgrade(struct fake_call *c, struct fake_sleeper *s);

/* fake_queue.c */
int fake_wait(struct fake_call *c, struct fake_sleeper *s);
int fake_wait_give_up(struct fake_call *c, struct fake_sleeper *s);
int fake_wake(struct fake_call *c, struct fake_sleeper *s);

/* fake_sem.c */
int fake_sem_wait(struct fake_call *c, struct fake_sleeper *s);
int fake_sem_post(struct fake_call *c, struct fake_sleeper *s);

/* fake_barrier.c */
int fake_barrier_wait(struct fake_call *c, struct fake_sleeper *s);
int fake_barrier_give_up(struct fake_call *c, struct fake_sleeper *s);
int fake_barrier_leave(struct fake_call *c, struct fake_sleeper *s);

/* fake_tsan.c: the call that goes on, or NULL; a map of user space's; a step on a word of it */
#ifdef __SANITIZE_THREAD__
void fake_tsan_call(const struct fake_call *c);
void fake_tsan_mapped(int fd, __u64 offset, size_t size, void *at);
void fake_tsan_unmapped(const void *at, size_t size);
void fake_tsan_step(const __u64 *word);
#else
#define fake_tsan_call(c)			((void)(c))
#define fake_tsan_mapped(fd, offset, size, at)	((void)(fd))
#define fake_tsan_unmapped(at, size)		((void)(at))
#define fake_tsan_step(word)			((void)(word))
#endif

#pragma GCC visibility pop

#endif /* SHMBUF_FAKE_CALL_H */
