// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(struct shmbuf *buffer, pid_t child)
{
	struct shmbuf_owner_info info;
	int err = shmbuf_owner_info(buffer, 0, &info, NULL, 0);

	if (err)
		error(1, 0, "%s", shmbuf_strerror(err));
	if (info.state & SHMBUF_OWNER_HELD)
		printf("held by %s\n", info.pid == (__u32)child ? "the child" : "?");
	if (info.state & SHMBUF_OWNER_DEAD)
		printf("its holder was killed by signal %u\n", info.death.code);
	if (info.state & SHMBUF_OWNER_INCONSISTENT)
		printf("and nobody has repaired anything\n");
}

int main(void)
{
	struct shmbuf_options options = { .nr_locks = 1, .nr_queues = 1 };
	struct shmbuf *buffer;
	pid_t child;
	int err;

	err = shmbuf_create(&buffer, NULL, 4096, &options);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	child = fork();
	if (!child) {
		shmbuf_lock(buffer, 0);
		shmbuf_wake(buffer, 1, 1);
		pause();
	}
	shmbuf_wait(buffer, 1, 0, NULL);
	tell(buffer, child);
	kill(child, SIGKILL);
	wait(NULL);
	tell(buffer, child);
	return 0;
}
