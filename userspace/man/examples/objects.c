// SPDX-License-Identifier: MIT
#include <error.h>
#include <shmbuf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOCK, QUEUE, SEMAPHORE };

static void tell(const struct shmbuf_object *object)
{
	if (object->kind == SHMBUF_KIND_LOCK)
		printf("%u: a lock%s\n", object->index,
		       object->state & SHMBUF_OWNER_HELD ? ", held" : "");
	else if (object->kind == SHMBUF_KIND_SEMAPHORE)
		printf("%u: a semaphore, %ju of %ju\n", object->index,
		       (uintmax_t)object->value, (uintmax_t)object->most);
	else
		printf("%u: of kind %u\n", object->index, object->kind);
}

int main(void)
{
	struct shmbuf_options options = {
		.nr_locks = 1,
		.nr_queues = 1,
		.nr_objects = 3,
	};
	struct shmbuf_object objects[3];
	struct shmbuf_waiter_info waiter;
	struct shmbuf *buffer;
	pid_t child;
	int i, n;

	n = shmbuf_create(&buffer, NULL, 4096, &options);
	if (n >= 0)
		n = shmbuf_init(buffer, SEMAPHORE, 1, SHMBUF_KIND_SEMAPHORE,
				SHMBUF_SEM_VALUE(2, 5));
	if (n >= 0)
		n = shmbuf_lock(buffer, LOCK);
	if (n >= 0)
		n = shmbuf_objects(buffer, 0, objects, 3);
	if (n < 0)
		error(1, 0, "%s", shmbuf_strerror(n));
	for (i = 0; i < n; i++)
		tell(&objects[i]);
	fflush(stdout);

	child = fork();
	if (!child)
		return -shmbuf_lock(buffer, LOCK);
	do
		n = shmbuf_waiters(buffer, LOCK, &waiter, 1);
	while (!n);
	if (n == 1)
		printf("%s waits\n", waiter.pid == (__u32)child ?
		       "the child" : "?");
	kill(child, SIGKILL);
	wait(NULL);
	return 0;
}
