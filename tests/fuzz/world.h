/* SPDX-License-Identifier: GPL-2.0-only */
/* What all processes of the fuzzer see, the killed and the living: memory that they share. */
#ifndef WORLD_H
#define WORLD_H

#include <linux/shmbuf.h>
#include <sys/types.h>

#include "fuzz.h"
#include "program.h"

#define SLOTS		8
#define BUFFERS		3
/* Of a handle: it is attached to none of these, or to something else. */
#define NO_BUFFER	BUFFERS
#define OTHER_BUFFER	(BUFFERS + 1)
#define NAME_LEN	8
#define FDS		16
#define IDS		64
#define LAST		24

/* How the objects of each buffer are of what kind at first. */
#define LOCKS		12
#define QUEUES		8
#define SEMAPHORES	6
#define BARRIERS	4
#define FREE		2
#define OBJECTS		(LOCKS + QUEUES + SEMAPHORES + BARRIERS + FREE)

/* Descriptors that stay where they are, above all that programs come by. */
#define WORLD_FD	200
#define POST_FD		201	/* a socket's two ends, for passing descriptors */
#define POST_FD_OTHER	202

/**
 * struct handle - a descriptor that a slot's processes may use
 * @fd: -1 for none
 * @buffer: which buffer it is a handle of
 */
struct handle {
	int fd;
	int buffer;
};

/**
 * struct done - a step that was made
 * @op: in ops[]
 * @buffer: of the last handle it took
 * @ret: what came of it
 * @seed: of the step
 */
struct done {
	__u16 op;
	__s16 buffer;
	int ret;
	__u64 seed;
};

/**
 * struct slot - where one process lives after the other
 * @pid: of the present one, leader of its process group; 0 for none
 * @life: how many there were before
 * @nr_steps: moves with each step of the main thread
 * @unbounded: the present step may rightly last for ever
 * @calls: of all its processes and threads
 * @stream: seed of the present life's programs; moved on with each
 * @left: steps that this life has yet to make
 * @program: the present one
 * @fds: survive exec
 * @sequence: of a queue, as a call told it last
 * @last: the latest steps of the main thread, a ring
 * @nr_last: how many there were
 */
struct slot {
	pid_t pid;
	__u64 life;
	__u64 nr_steps;
	bool unbounded;
	__u64 calls;
	__u64 stream;
	__s64 left;
	struct program program;
	struct handle fds[FDS];
	__u64 sequence;
	struct done last[LAST];
	__u64 nr_last;
};

struct buffer {
	char name[NAME_LEN];
	__u64 control_size;
	__u64 data_size;
	__u32 object_offset;
	__u32 object_stride;
};

#define CORPUS		1024
#define COVERAGE_BITS	(256U * 1024)

/**
 * struct corpus - programs that came where none had been before
 * @nr: entries that were begun
 * @entries: @ready once whole
 * @bits: hashed addresses that were reached
 * @nr_bits: how many are set
 */
struct corpus {
	__u32 nr;
	__u32 nr_bits;
	struct {
		__u32 ready;
		struct program program;
	} entries[CORPUS];
	__u64 bits[COVERAGE_BITS / 64];
};

/**
 * struct world
 * @seed: of the whole run
 * @patience: ns that what has to happen at last may take
 * @epoch: processes of an epoch share buffers
 * @fair: nobody scribbles in this one
 * @slots_on: bits: which slots have processes
 * @ops_on: which ops are carried out
 * @kcov: the kernel tells what was reached
 * @done: steps by op: those that went well, and others
 * @ids: owner ids of anybody, live or dead
 * @over: everybody is being killed
 * @witnessed: rounds of those who harm nobody
 * @nr_bad, @bad: what was wrong, once somebody set it
 */
struct world {
	__u64 seed;
	__u64 patience;
	__u64 epoch;
	bool fair;
	__u32 slots_on;
	bool ops_on[OPS_MAX];
	bool kcov;
	struct buffer buffers[BUFFERS];
	__u64 done[OPS_MAX][2];
	__u64 ids[IDS];
	struct slot slots[SLOTS];
	bool over;
	__u64 witnessed;
	__u32 nr_bad;
	char bad[256];
	struct corpus corpus;
};

extern struct world *world;

void world_create(void);
/* After exec. */
void world_find(void);
/* Something is wrong; the first word of it is kept. */
void __attribute__((format(printf, 1, 2))) world_is_bad(const char *fmt, ...);
__u64 world_calls(void);

/* First index, and number, of the objects of a kind; all of them for no kind. */
void objects_of(__u32 kind, __u32 *first, __u32 *count);

static inline bool is_bad(void)
{
	return __atomic_load_n(&world->nr_bad, __ATOMIC_RELAXED);
}

#endif /* WORLD_H */
