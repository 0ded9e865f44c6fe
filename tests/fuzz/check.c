// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../selftests/ioctls.h"
#include "check.h"
#include "witness.h"
#include "world.h"

#define PARAMETERS	"/sys/module/shmbuf/parameters/"

/* While programs run, and when just one is looking. */
static struct limit {
	const char *name;
	__u64 fuzzing, looking, before;
} limits[] = {
	{ "max_total_bytes", 64 << 20, FUZZ_PAGE },
	{ "max_user_bytes", 32 << 20, FUZZ_PAGE },
	{ "max_user_buffers", 40, 1 },
	{ "max_user_objects", 100000, 1 },
	{ "max_user_owners", 200, 1 },
	{ "max_user_waiters", 24, 1 },
	{ "max_user_claims", 200, 1 },
};

static FILE *parameter(const char *name, const char *mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	f = fopen(path, mode);
	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

static void set_parameter(const char *name, __u64 value)
{
	FILE *f = parameter(name, "w");

	fprintf(f, "%llu", value);
	fclose(f);
}

void check_limit(void)
{
	size_t i;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		if (!limits[i].before) {
			f = parameter(limits[i].name, "r");
			if (fscanf(f, "%llu", &limits[i].before) != 1)
				exit(1);
			fclose(f);
		}
		set_parameter(limits[i].name, limits[i].fuzzing);
	}
}

void check_unlimit(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		set_parameter(limits[i].name, limits[i].before);
}

static bool lock_can_be_taken(int fd, int buffer, __u64 owner, __u32 index)
{
	int ret = do_lock(fd, owner, index, 0, now() + world->patience), end = 0;

	if (ret == -EINVAL || ret == -ENOTRECOVERABLE)
		return true;
	if (ret == -EOWNERDEAD)
		end = do_consistent(fd, owner, index);
	if ((ret == 0 || ret == -EOWNERDEAD) && !end)
		end = do_unlock(fd, owner, index);
	else if (ret)
		end = ret;
	if (end)
		world_is_bad("object %u of buffer %d: LOCK %d, then %d, though all are dead", index,
			     buffer, ret, end);
	return !end;
}

/* A handle that was in a socket may take a moment to go, and with it what it watches. */
static bool object_is_idle(int fd, int buffer, __u32 index)
{
	__u64 end = now() + world->patience;
	int ret;

	do {
		ret = do_reset(fd, index, 1);
		if (ret == 0 || ret == -EINVAL)
			return true;
		usleep(1000);
	} while (ret == -EBUSY && now() < end);
	world_is_bad("object %u of buffer %d: RESET %d, though all are dead", index, buffer, ret);
	return false;
}

void check_objects(const int *fds)
{
	__u64 owner;
	int ret, i;
	__u32 index;

	for (i = 0; i < BUFFERS; i++) {
		ret = do_register(fds[i], 0, &owner);
		if (ret) {
			world_is_bad("REGISTER %d, though all are dead", ret);
			return;
		}
		for (index = 0; index < OBJECTS; index++)
			if (!lock_can_be_taken(fds[i], i, owner, index) ||
			    !object_is_idle(fds[i], i, index))
				return;
		do_unregister(fds[i], owner);
	}
}

/* There is just room for what this takes, if nobody has anything else. NULL, or what is wrong. */
static const char *room_for_one(int fd)
{
	struct shmbuf_range range = { .count = 1, .kind = SHMBUF_KIND_SEMAPHORE, .value = 1 };
	struct shmbuf_create create = {
		.size = sizeof(create), .data_size = 1, .nr_objects = 1,
		.ranges = address(&range), .nr_ranges = 1,
	};
	__u64 owner;
	int ret = call(fd, SHMBUF_IOC_CREATE, &create);

	if (ret == -ENOSPC || ret == -EDQUOT)
		return ret == -ENOSPC ? "bytes" : "buffers, objects or bytes";
	if (ret)
		return "CREATE fails";
	if (do_register(fd, 0, &owner))
		return "owners";
	if (do_sem_try(fd, owner, 0))
		return "claims";
	if (do_sem_wait(fd, 0, 0, 0, 0) != -ETIMEDOUT)
		return "waiters";
	return NULL;
}

/* As user @uid. Return: whether all is well, else *what tells. */
static bool user_has_nothing(int uid, const char **what)
{
	int status = 0, out[2];
	pid_t pid;

	if (pipe(out)) {
		*what = "there is no pipe";
		return false;
	}
	pid = fork();
	if (!pid) {
		if (syscall(SYS_setresuid, uid, uid, uid))
			_exit(1);
		*what = room_for_one(open(DEVICE, O_RDWR));
		if (write(out[1], what, sizeof(*what)) < 0)
			_exit(1);
		_exit(!!*what);
	}
	close(out[1]);
	/* Of a static program: the address is the same here. */
	if (read(out[0], what, sizeof(*what)) != sizeof(*what))
		*what = "nobody could look";
	close(out[0]);
	waitpid(pid, &status, 0);
	return !status;
}

void check_nothing_left(void)
{
	static const int users[] = { 0, 1000, 65534, WITNESS_USER };
	__u64 end = now() + world->patience;
	const char *what = NULL;
	size_t i;
	bool well;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		set_parameter(limits[i].name, limits[i].looking);
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		while (!(well = user_has_nothing(users[i], &what)) && now() < end)
			usleep(10000);
		if (!well) {
			world_is_bad("user %d still has something, though all are dead: %s",
				     users[i], what);
			return;
		}
	}
}
