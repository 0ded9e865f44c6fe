// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../selftests/ioctls.h"
#include "args.h"
#include "corpus.h"
#include "file.h"
#include "kcov.h"
#include "life.h"
#include "memory.h"

#define LIFE_STEPS	3000

__u64 life_stream(__u64 seed, __u64 epoch, int slot, __u64 life)
{
	return seed_of(seed_of(seed_of(seed, epoch), slot), life);
}

/* Part of the stream's choices, whether there is a corpus or not. */
void life_draw_program(__u64 *stream, struct program *program)
{
	__u64 seed = draw(stream);

	if (world->kcov && draw_once_in(&seed, 2) && corpus_draw(program, &seed))
		return;
	program_draw(program, &seed);
}

static void join(struct task *task, int buffer)
{
	__u64 *seed = &task->seed;
	int flags = draw_below(seed, 16) ? O_RDWR : O_RDONLY;
	int fd = file_open_shared(task, buffer, flags);
	__u64 owner;

	if (fd < 0)
		return;
	file_keep(task, fd, buffer);
	if (draw_below(seed, 8) &&
	    !do_register(fd, draw_once_in(seed, 4) ? SHMBUF_REGISTER_PROCESS : 0, &owner)) {
		task->ids[buffer] = owner;
		world->ids[draw_below(seed, IDS)] = owner;
	}
	__atomic_add_fetch(&task->slot->calls, 1, __ATOMIC_RELAXED);
	if (draw_below(seed, 8))
		memory_map_shared(task, (struct handle){ fd, buffer });
}

/* As most programs begin, so that what follows gets somewhere. */
static void prologue(struct task *task)
{
	static const int users[] = { 0, 0, 0, 0, 1000, 65534 };
	int user = users[draw_below(&task->seed, ARRAY_SIZE(users))], i;

	for (i = 0; i < FDS; i++)
		task->slot->fds[i] = (struct handle){ .fd = -1, .buffer = NO_BUFFER };
	for (i = 0; i < BUFFERS; i++)
		if (draw_below(&task->seed, 8))
			join(task, i);
	/* For this thread alone, which is enough: there is no other. */
	if (user)
		syscall(SYS_setresuid, user, user, user);
}

static noreturn void end(struct task *task, __u64 *stream)
{
	may_hang(task);
	switch (draw_below(stream, 4)) {
	case 0:
		kill(getpid(), SIGKILL);
		break;
	case 1:
		/* Its threads, if there are any, go on. */
		syscall(SYS_exit, 0);
	}
	_exit(0);
}

static noreturn void live(struct task *task)
{
	struct slot *slot = task->slot;

	while (slot->left > 0) {
		life_draw_program(&slot->stream, &slot->program);
		task_run(task, &slot->program, slot->left);
	}
	end(task, &slot->stream);
}

static void prepare(void)
{
	guard_init();
	args_init();
	memory_init();
	if (world->kcov)
		kcov_start();
}

void life_begin(struct slot *slot)
{
	struct task task = { .slot = slot };
	__u64 stream = life_stream(world->seed, world->epoch, slot - world->slots, slot->life);

	prepare();
	slot->left = draw_below(&stream, draw_once_in(&stream, 4) ? 32 : LIFE_STEPS);
	task.seed = draw(&stream);
	slot->stream = stream;
	prologue(&task);
	live(&task);
}

void life_go_on(struct slot *slot)
{
	struct task task = { .slot = slot };

	prepare();
	live(&task);
}
