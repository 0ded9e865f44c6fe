// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const struct shmbuf_death *death)
{
	if (death->how == SHMBUF_DEATH_EXIT)
		printf("one exited with %u\n", death->code);
	else if (death->how == SHMBUF_DEATH_SIGNAL)
		printf("one was killed by signal %u\n", death->code);
	else
		printf("one ended, see enum shmbuf_death_how: %u\n", death->how);
}

int main(void)
{
	struct shmbuf_death deaths[SHMBUF_DEATHS_MAX];
	struct shmbuf *buffer;
	uint64_t seen;
	int err, i, n;

	err = shmbuf_create(&buffer, NULL, 4096, NULL);
	if (err < 0)
		error(1, 0, "%s", shmbuf_strerror(err));
	seen = shmbuf_sequence(buffer, SHMBUF_INDEX_DEATHS);
	for (i = 0; i < 2; i++, wait(NULL)) {
		if (fork())
			continue;
		/* Whoever is joined is told of. */
		shmbuf_join(buffer);
		if (i)
			raise(SIGKILL);
		_exit(7);
	}

	shmbuf_wait(buffer, SHMBUF_INDEX_DEATHS, seen, NULL);
	n = shmbuf_deaths(buffer, deaths, SHMBUF_DEATHS_MAX, seen);
	for (i = 0; i < n; i++)
		tell(&deaths[i]);
	return 0;
}
