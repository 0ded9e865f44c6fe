// SPDX-License-Identifier: GPL-2.0-only
#include "process.h"
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t process_start(int (*run)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(getppid() != parent || run(arg));
}

int process_end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPROTO;
}

void process_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int process_pin(unsigned int n)
{
	cpu_set_t all;

	/* Whatever the benchmark before has left the parent on. */
	memset(&all, 0xff, sizeof(all));
	if (sched_setaffinity(0, sizeof(all), &all) || sched_getaffinity(0, sizeof(all), &all))
		return -errno;
	return bench_pin(n % CPU_COUNT(&all));
}

bool process_asleep(pid_t pid)
{
	char path[64], line[512], *state = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f))
		state = strrchr(line, ')');
	fclose(f);
	return state && state[2] == 'S';
}

int process_await_sleep(pid_t pid)
{
	uint64_t end = bench_now_ns() + PATIENCE_NS;

	while (!process_asleep(pid)) {
		if (bench_now_ns() > end)
			return -ETIMEDOUT;
		usleep(200);
	}
	return 0;
}

int process_await(const int *p)
{
	uint64_t end = bench_now_ns() + PATIENCE_NS;

	while (!__atomic_load_n(p, __ATOMIC_SEQ_CST)) {
		if (bench_now_ns() > end)
			return -ETIMEDOUT;
		usleep(200);
	}
	return 0;
}

void *process_share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

long process_kib(const char *path, const char *key)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)) &&
		    sscanf(line + strlen(key), ": %ld", &kib) == 1)
			break;
	}
	fclose(f);
	return kib;
}

long available_mib(void)
{
	return process_kib("/proc/meminfo", "MemAvailable") / 1024;
}
