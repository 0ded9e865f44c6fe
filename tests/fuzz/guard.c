// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "world.h"

static __thread sigjmp_buf back;
static __thread volatile bool guarded;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	if (guarded)
		siglongjmp(back, 1);
	world_is_bad("the fuzzer itself got signal %d at %p", sig, info->si_addr);
	_exit(1);
}

static void ignore(int sig)
{
}

void guard_init(void)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction interrupt = { .sa_handler = ignore };
	struct sigaction restart = { .sa_handler = ignore, .sa_flags = SA_RESTART };

	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGUSR1, &interrupt, NULL);
	sigaction(SIGUSR2, &restart, NULL);
	sigaction(SIGIO, &restart, NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

bool guarded_copy(void *to, const void *from, size_t size)
{
	/* Without the signal mask: that would be a system call each time. */
	if (sigsetjmp(back, 0)) {
		guarded = false;
		return false;
	}
	guarded = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(to, from, size);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	guarded = false;
	return true;
}

bool guarded_swap(__u64 *word, __u64 old, __u64 value)
{
	bool swapped;

	if (sigsetjmp(back, 0)) {
		guarded = false;
		return false;
	}
	guarded = true;
	swapped = __atomic_compare_exchange_n(word, &old, value, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED);
	guarded = false;
	return swapped;
}
