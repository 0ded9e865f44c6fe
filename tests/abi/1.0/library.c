// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of release 1.0: each call of the library, by the header beside it. It is never changed,
 * and each later library has to do what it asks for. Prints TAP.
 */
#include <errno.h>
#include <shmbuf.h>
#include <shmbuf_guard.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME	"abi-1.0-library"
#define PAGE	4096

enum { LOCK, OTHER, QUEUE, SEM, BARRIER, FREE, OBJECTS };

static const struct timespec past;

static int tests, failed;

static void expect(const char *what, long long want, long long got)
{
	tests++;
	if (want == got) {
		printf("ok %d - %s\n", tests, what);
		return;
	}
	failed = 1;
	printf("not ok %d - %s: %lld, not %lld\n", tests, what, got, want);
}

static struct shmbuf *create(void)
{
	struct shmbuf_options options = {
		.flags = SHMBUF_EXCL, .mode = 0640, .max_size = 2 * PAGE, .nr_locks = 2,
		.nr_queues = 1, .nr_objects = OBJECTS,
	};
	struct shmbuf *b = NULL;

	expect("shmbuf_create", 0, shmbuf_create(&b, NAME, PAGE, &options));
	expect("... of a name that exists", -EEXIST, shmbuf_create(&b, NAME, PAGE, &options));
	return b;
}

static void buffer(struct shmbuf *b)
{
	struct shmbuf_info info;

	expect("shmbuf_init", 0, shmbuf_init(b, SEM, 1, SHMBUF_KIND_SEMAPHORE,
					     SHMBUF_SEM_VALUE(1, 3)));
	expect("... of a barrier", 0, shmbuf_init(b, BARRIER, 1, SHMBUF_KIND_BARRIER, 1));
	expect("... of a queue", 0, shmbuf_init(b, FREE, 1, SHMBUF_KIND_QUEUE, 7));
	expect("shmbuf_reset", 0, shmbuf_reset(b, FREE, 1));
	expect("shmbuf_grow", 0, shmbuf_grow(b, 2 * PAGE));
	expect("shmbuf_size", 2 * PAGE, shmbuf_size(b));
	expect("shmbuf_seal", 0, shmbuf_seal(b, SHMBUF_SEAL_EXEC));
	expect("shmbuf_query", 0, shmbuf_query(b, &info));
	expect("... the size", 2 * PAGE, info.data_size);
	expect("... the mode", 0640, info.mode);
	expect("... the seals", SHMBUF_SEAL_EXEC, info.seals);
	expect("... the name", 0, strcmp(NAME, info.name));
	expect("... of the module", 0, shmbuf_query(NULL, &info));
	expect("... which is as new as the header", 1, info.abi_version >= SHMBUF_ABI_VERSION);
	expect("shmbuf_strerror", 0, strcmp("success", shmbuf_strerror(0)));
}

static void handles(struct shmbuf *b)
{
	struct shmbuf *other, *observer;

	expect("shmbuf_from_fd, shmbuf_fd", 0, shmbuf_from_fd(&other, shmbuf_fd(b)));
	expect("shmbuf_open", 0, shmbuf_open(&observer, NAME, SHMBUF_RDONLY));
	strcpy(shmbuf_data(other), "seen");
	expect("shmbuf_data", 0, strcmp("seen", shmbuf_data(observer)));
	expect("what a read-only handle can't", -EBADF, shmbuf_lock(observer, LOCK));
	expect("... by any call", -EBADF, shmbuf_join(observer));
	shmbuf_close(observer);
	shmbuf_close(other);
}

static void guards(struct shmbuf *b)
{
	{
		shmbuf_guard(guard, b, LOCK);
		shmbuf_try_guard(other, b, LOCK);
		expect("shmbuf_guard", 0, guard.result);
		expect("shmbuf_try_guard of what is held", -EBUSY, other.result);
	}
	{
		shmbuf_read_guard(guard, b, LOCK);
		expect("shmbuf_read_guard", 0, guard.result);
		shmbuf_guard_end(&guard);
		expect("... that has ended", -EPERM, guard.result);
	}
	shmbuf_timed_guard(guard, b, LOCK, &past);
	expect("shmbuf_timed_guard", 0, guard.result);
}

static void locks(struct shmbuf *b)
{
	int round, reads;

	/* The first one needs the kernel, the next ones don't. */
	for (round = 0; round < 3; round++) {
		expect("shmbuf_lock", 0, shmbuf_lock(b, LOCK));
		expect("... again", -EDEADLK, shmbuf_lock(b, LOCK));
		expect("shmbuf_trylock", -EBUSY, shmbuf_trylock(b, LOCK));
		expect("shmbuf_unlock", 0, shmbuf_unlock(b, LOCK));
		expect("... again", -EPERM, shmbuf_unlock(b, LOCK));
		expect("the library's own shmbuf_lock", 0, (shmbuf_lock)(b, LOCK));
		expect("... and shmbuf_unlock", 0, (shmbuf_unlock)(b, LOCK));
		expect("shmbuf_rdlock", 0, shmbuf_rdlock(b, LOCK));
		expect("shmbuf_tryrdlock", 0, shmbuf_tryrdlock(b, LOCK));
		expect("shmbuf_timedrdlock", 0, shmbuf_timedrdlock(b, LOCK, &past));
		for (reads = 0; reads < 3; reads++)
			expect("shmbuf_unlock of a reader", 0, shmbuf_unlock(b, LOCK));
	}
	expect("shmbuf_timedlock", 0, shmbuf_timedlock(b, LOCK, &past));
	expect("shmbuf_downgrade", 0, shmbuf_downgrade(b, LOCK));
	expect("shmbuf_unlock", 0, shmbuf_unlock(b, LOCK));
	expect("shmbuf_lock_flags", 0, shmbuf_lock_flags(b, LOCK, SHMBUF_NOSPIN | SHMBUF_NODETECT,
							 NULL));
	expect("shmbuf_consistent of what is", -EINVAL, shmbuf_consistent(b, LOCK));
	expect("shmbuf_unlock", 0, shmbuf_unlock(b, LOCK));
}

static void queues(struct shmbuf *b)
{
	uint64_t sequence = shmbuf_sequence(b, QUEUE), deaths = UINT64_MAX;
	struct shmbuf_moved_queue moved = {};
	int fd = eventfd(0, EFD_NONBLOCK), why = 1;

	expect("shmbuf_sequence", 0, sequence);
	expect("shmbuf_watch", 0, shmbuf_watch(b, QUEUE, sequence));
	expect("shmbuf_watch_eventfd", 0, shmbuf_watch_eventfd(b, QUEUE, fd));
	expect("shmbuf_wake", 0, shmbuf_wake(b, QUEUE, SHMBUF_WAKE_ALL));
	expect("shmbuf_moved", 1, shmbuf_moved(b, &moved, 1));
	expect("... the queue", QUEUE, moved.index);
	expect("... its sequence", 1, moved.sequence);
	expect("shmbuf_unwatch", 0, shmbuf_unwatch(b, QUEUE));
	expect("shmbuf_unwatch_eventfd", 0, shmbuf_unwatch_eventfd(b, QUEUE));
	expect("shmbuf_wait for what has come", 0, shmbuf_wait(b, QUEUE, sequence, NULL));
	expect("... for what hasn't", -ETIMEDOUT, shmbuf_wait(b, QUEUE, 1, &past));
	expect("shmbuf_wait_peers", -EPIPE, shmbuf_wait_peers(b, QUEUE, 1, NULL, deaths));
	expect("shmbuf_lock", 0, shmbuf_lock(b, LOCK));
	expect("shmbuf_wait_locked", 0, shmbuf_wait_locked(b, QUEUE, LOCK, NULL, &deaths, &why));
	expect("... why", -EPIPE, why);
	expect("shmbuf_unlock", 0, shmbuf_unlock(b, LOCK));
	close(fd);
}

static void semaphores(struct shmbuf *b)
{
	int round;

	for (round = 0; round < 3; round++) {
		expect("shmbuf_sem_wait", 0, shmbuf_sem_wait(b, SEM));
		expect("shmbuf_sem_trywait", -EBUSY, shmbuf_sem_trywait(b, SEM));
		expect("shmbuf_sem_post", 0, shmbuf_sem_post(b, SEM));
	}
	expect("shmbuf_sem_timedwait", 0, shmbuf_sem_timedwait(b, SEM, &past));
	expect("shmbuf_sem_wait_peers", -EPIPE, shmbuf_sem_wait_peers(b, SEM, 0, NULL, UINT64_MAX));
	expect("shmbuf_sem_post", 0, shmbuf_sem_post(b, SEM));
	expect("shmbuf_sem_wait_flags", 0, shmbuf_sem_wait_flags(b, SEM, SHMBUF_UNDO, &past));
	expect("shmbuf_sem_post_flags", 0, shmbuf_sem_post_flags(b, SEM, SHMBUF_UNDO));
	expect("shmbuf_sem_value", 1, shmbuf_sem_value(b, SEM));
}

static void others(struct shmbuf *b)
{
	struct shmbuf_any any[] = {
		{ .b = b, .index = QUEUE, .kind = SHMBUF_KIND_QUEUE, .sequence = 1 },
		{ .b = b, .index = SEM, .kind = SHMBUF_KIND_SEMAPHORE },
	};

	expect("shmbuf_wait_any", 1, shmbuf_wait_any(any, 2, NULL, NULL));
	expect("shmbuf_sem_post", 0, shmbuf_sem_post(b, SEM));
	expect("shmbuf_barrier_wait", 1, shmbuf_barrier_wait(b, BARRIER, NULL));
	expect("shmbuf_barrier_leave", 0, shmbuf_barrier_leave(b, BARRIER));
}

static void looks(struct shmbuf *b)
{
	struct shmbuf_object objects[OBJECTS] = {};
	struct shmbuf_owner_info info;
	struct shmbuf_listing listing;
	struct shmbuf_stats stats;

	expect("shmbuf_lock", 0, shmbuf_lock(b, OTHER));
	expect("shmbuf_owner_info", 0, shmbuf_owner_info(b, OTHER, &info, NULL, 0));
	expect("... the holder", getpid(), info.pid);
	expect("shmbuf_stats", 0, shmbuf_stats(b, &stats));
	expect("... locks held", 1, stats.held);
	expect("... processes", 1, stats.joined);
	expect("shmbuf_list", 1, shmbuf_list(&listing, 1, stats.buffer_id - 1));
	expect("... the name", 0, strcmp(NAME, listing.name));
	expect("shmbuf_objects", 5, shmbuf_objects(b, 0, objects, OBJECTS));
	expect("... the queue's sequence", 1, objects[QUEUE].value);
	expect("shmbuf_waiters", 0, shmbuf_waiters(b, QUEUE, NULL, 0));
	expect("shmbuf_recover", 0, shmbuf_recover(b, OTHER, info.owner));
	expect("shmbuf_lock of what was taken away", -EOWNERDEAD, shmbuf_lock(b, OTHER));
	expect("shmbuf_consistent", 0, shmbuf_consistent(b, OTHER));
	expect("shmbuf_unlock", 0, shmbuf_unlock(b, OTHER));
}

/* A child that joins, locks, and ends. */
static void deaths(struct shmbuf *b)
{
	uint64_t before = shmbuf_sequence(b, SHMBUF_INDEX_DEATHS);
	struct shmbuf_death death[4] = {};
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(shmbuf_join(b) || shmbuf_lock(b, LOCK) ? 1 : 5);
	waitpid(pid, NULL, 0);
	expect("shmbuf_lock after a death", -EOWNERDEAD, shmbuf_lock(b, LOCK));
	expect("shmbuf_deaths, of shmbuf_join and of shmbuf_lock", 2,
	       shmbuf_deaths(b, death, 4, before));
	expect("... who", pid, death[0].pid);
	expect("... how", SHMBUF_DEATH_EXIT, death[1].how);
	expect("... with what status", 5, death[1].code);
	expect("shmbuf_consistent", 0, shmbuf_consistent(b, LOCK));
	expect("shmbuf_unlock", 0, shmbuf_unlock(b, LOCK));
}

int main(void)
{
	struct shmbuf *b = create();

	if (!b)
		return 4;
	buffer(b);
	handles(b);
	locks(b);
	queues(b);
	semaphores(b);
	others(b);
	looks(b);
	deaths(b);
	guards(b);
	expect("shmbuf_unlink", 0, shmbuf_unlink(NAME));
	shmbuf_close(b);
	printf("1..%d\n", tests);
	return failed;
}
