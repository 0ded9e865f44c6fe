// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of shmbufctl need others to do: see main().
 */
#include <errno.h>
#include <error.h>
#include <pty.h>
#include <shmbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shmbuf *create(const char *name, unsigned int flags, unsigned int locks)
{
	struct shmbuf_options options = { .flags = flags, .mode = 0666, .nr_locks = locks,
					  .nr_queues = 1 };
	struct shmbuf *b;
	int err = shmbuf_create(&b, name, 4096, &options);

	if (err < 0)
		error(1, 0, "%s: %s", name ? name : "anonymous", shmbuf_strerror(err));
	return b;
}

static void many(int nr, const char *prefix)
{
	char name[64];

	for (int i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		shmbuf_close(create(name, SHMBUF_PERSIST, 2));
	}
}

static void unlink_many(int nr, const char *prefix)
{
	char name[64];

	for (int i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		shmbuf_unlink(name);
	}
}

/* Prints the buffer's id and stays, with lock 1 held. */
static void anonymous(void)
{
	struct shmbuf *b = create(NULL, 0, 2);
	struct shmbuf_info info;

	shmbuf_query(b, &info);
	shmbuf_lock(b, 1);
	printf("%llu\n", (unsigned long long)info.buffer_id);
	fclose(stdout);
	pause();
}

/* Two processes that want one lock, and sleep for it. */
static void contend(const char *name, int rounds)
{
	struct shmbuf *b = create(name, SHMBUF_PERSIST, 1);

	fork();
	for (int i = 0; i < rounds; i++) {
		if (shmbuf_lock_flags(b, 0, SHMBUF_NOSPIN, NULL))
			exit(1);
		usleep(2000);
		shmbuf_unlock(b, 0);
	}
	wait(NULL);
}

/* Runs a program on a terminal of its own, whose output is this one's. */
static int terminal(char **argv)
{
	char bytes[4096];
	int master, status;
	ssize_t got;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	if (pid < 0)
		error(1, errno, "forkpty");
	if (!pid) {
		execvp(*argv, argv);
		error(127, errno, "%s", *argv);
	}
	/* Once nobody has the other side it is an error. */
	while ((got = read(master, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, got, stdout);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "many"))
		many(atoi(argv[2]), argv[3]);
	else if (argc == 4 && !strcmp(argv[1], "unlink"))
		unlink_many(atoi(argv[2]), argv[3]);
	else if (argc == 2 && !strcmp(argv[1], "anonymous"))
		anonymous();
	else if (argc == 4 && !strcmp(argv[1], "contend"))
		contend(argv[2], atoi(argv[3]));
	else if (argc <= 2 || strcmp(argv[1], "terminal"))
		error(2, 0,
		      "many N PREFIX; unlink N PREFIX; anonymous; contend NAME ROUNDS; terminal CMD");
	else
		return terminal(argv + 2);
	return 0;
}
