// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../selftests/ioctls.h"
#include "witness.h"
#include "world.h"

#define PAUSE_USEC	2000
#define NEVER	SHMBUF_DEADLINE_NEVER

enum { LOCK, QUEUE, THERE, BACK, BARRIER, NR_OBJECTS };

static void expect(const char *what, long want, long ret)
{
	/* At the end one of them is killed first. */
	if (want == ret || __atomic_load_n(&world->over, __ATOMIC_SEQ_CST))
		return;
	world_is_bad("of two who harm nobody one got %ld from %s", ret, what);
	_exit(1);
}

static int make_buffer(void)
{
	struct shmbuf_range ranges[] = {
		{ .first = LOCK, .count = 1, .kind = SHMBUF_KIND_LOCK },
		{ .first = QUEUE, .count = 1, .kind = SHMBUF_KIND_QUEUE },
		{ .first = THERE, .count = 2, .kind = SHMBUF_KIND_SEMAPHORE },
		{ .first = BARRIER, .count = 1, .kind = SHMBUF_KIND_BARRIER, .value = 2 },
	};
	struct shmbuf_create create = {
		.size = sizeof(create), .data_size = FUZZ_PAGE, .nr_objects = NR_OBJECTS,
		.ranges = address(ranges), .nr_ranges = ARRAY_SIZE(ranges),
	};
	int fd = open(DEVICE, O_RDWR), ret = fd < 0 ? -errno : call(fd, SHMBUF_IOC_CREATE, &create);

	/* Not by expect(), which ends the caller: this one is to tell what was wrong. */
	if (ret)
		world_is_bad("no buffer for the witnesses: %d", ret);
	return fd;
}

static void late(__u64 *seed)
{
	usleep(draw_below(seed, 500));
}

static void meet(int fd, __u64 owner)
{
	int ret = do_barrier_wait(fd, owner, BARRIER, NEVER);

	if (ret != 1)
		expect("BARRIER_WAIT", 0, ret);
}

/* Whoever waits is woken, be it that he waits already or not yet. */
static void play(int fd, __u64 owner, bool first, __u64 *seed)
{
	__u64 sequence = ~0ULL;

	expect("WAIT", 0, do_wait(fd, QUEUE, &sequence, NEVER));
	if (first)
		expect("LOCK", 0, do_lock(fd, owner, LOCK, SHMBUF_LOCK_NOSPIN, NEVER));
	meet(fd, owner);
	if (first) {
		late(seed);
		expect("UNLOCK", 0, do_unlock(fd, owner, LOCK));
		late(seed);
		do_wake(fd, QUEUE, SHMBUF_WAKE_ALL);
		late(seed);
		expect("SEM_POST", 0, do_sem_post(fd, 0, THERE));
		expect("SEM_WAIT", 0, do_sem_wait(fd, owner, BACK, 0, NEVER));
		expect("SEM_POST", 0, do_sem_post(fd, owner, BACK));
	} else {
		expect("LOCK", 0, do_lock(fd, owner, LOCK, 0, NEVER));
		expect("UNLOCK", 0, do_unlock(fd, owner, LOCK));
		expect("WAIT", 0, do_wait(fd, QUEUE, &sequence, NEVER));
		expect("SEM_WAIT", 0, do_sem_wait(fd, 0, THERE, 0, NEVER));
		late(seed);
		expect("SEM_POST", 0, do_sem_post(fd, 0, BACK));
	}
	meet(fd, owner);
	if (!first)
		expect("SEM_WAIT", 0, do_sem_wait(fd, 0, BACK, SHMBUF_SEM_TRY, 0));
	meet(fd, owner);
}

/* Limits go by the real id; what is to be done as root still can be. */
static void become(uid_t user)
{
	if (setreuid(user, -1))
		world_is_bad("no user of their own for the witnesses: %d", errno);
}

static noreturn void witness(int fd, bool first)
{
	__u64 seed = seed_of(world->seed, first), owner;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	expect("REGISTER", 0, do_register(fd, 0, &owner));
	for (;;) {
		play(fd, owner, first, &seed);
		if (first)
			usleep(PAUSE_USEC);
		__atomic_add_fetch(&world->witnessed, 1, __ATOMIC_RELAXED);
	}
}

void witness_start(pid_t pids[2])
{
	int fd, i;

	become(WITNESS_USER);
	fd = make_buffer();
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			witness(fd, i);
	}
	become(0);
	close(fd);
}
