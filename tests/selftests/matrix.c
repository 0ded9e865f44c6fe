// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kill matrix: each kind of waiting x what the victim is doing x how it ends x who else
 * waits.  One line of TAP for each cell that can exist; the others are named with a reason.
 * A new kind is a row of kinds[]; "matrix TEXT" runs the cells with TEXT in their names.
 */
#include "shmbuf_test.h"
#include <pthread.h>

#define MAX_OTHERS	3
#define OBJECT		0
#define SOON		(100 * NSEC_PER_MSEC)

enum role { HOLDER, WAITER, WOKEN, NR_ROLES };

static const char * const roles[] = { "holder", "waiter", "woken but not yet running" };

/**
 * struct party - the victim, or one of the others who wait
 * @pid: of its process
 * @tid: of the thread that holds or waits
 * @ready: it holds
 * @go: 1: now end; 2: to a holder that lives on: let go
 * @done: it has done what it calls its end, and lives
 * @result: of its call, once @returned
 */
struct party {
	pid_t pid, tid;
	int ready, go, done, returned, result;
};

struct cell {
	const struct kind *kind;
	const struct way *way;
	enum role role;
	int nr_others;
	bool timed;
	char name[64];		/* the buffer's */
	int fd;			/* the test's own handle, and id */
	__u64 owner;
	struct party *victim, *others;
	/* Of this process, where it is a party: */
	int my_fd;
	struct control c;
	void *data;
	size_t touched;
};

/**
 * struct way - how the victim ends
 * @death: its id ends by it
 * @thread: its thread ends itself; else its process's first thread sees to it
 * @large: once per kind, with much memory touched
 */
struct way {
	const char *name;
	void (*end)(struct cell *cell);
	bool death, thread, large;
};

/**
 * struct kind - a row
 * @cmd: the ioctl in which its waiters sleep
 * @no_holder: why nobody holds it, or NULL
 * @create: the buffer with OBJECT
 * @hold: take it, in the victim; @let_go: the opposite
 * @wait: wait for it, and give it back when it came.  What the wait returned.
 * @close: before somebody can wait, in the test; @open: so that the first one who
 *	waits goes on
 * @after: what the others hear (by cell->others), and that the object is as good as new;
 *	the victim is gone or has what it waited for
 */
struct kind {
	const char *name;
	unsigned long cmd;
	const char *no_holder;
	int (*create)(const char *name);
	void (*hold)(struct cell *cell);
	void (*let_go)(struct cell *cell);
	int (*wait)(struct cell *cell, __u64 deadline);
	void (*close)(struct cell *cell);
	void (*open)(struct cell *cell);
	void (*after)(struct cell *cell);
};

static void set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static int get(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void stay(void)
{
	for (;;)
		pause();
}

/* The ways to end. */

static void by_exit(struct cell *cell)
{
	(void)cell;
	_exit(0);
}

static void by_signal(int sig)
{
	signal(sig, SIG_DFL);
	kill(getpid(), sig);
	stay();
}

static void by_sigkill(struct cell *cell)
{
	(void)cell;
	by_signal(SIGKILL);
}

static void by_sigsegv(struct cell *cell)
{
	(void)cell;
	by_signal(SIGSEGV);
}

static void by_exec(struct cell *cell)
{
	/* The handle stays open: exec alone is the death. */
	CHECK(!fcntl(cell->my_fd, F_SETFD, 0));
	exec_idle();
}

static void by_munmap(struct cell *cell)
{
	CHECK(!munmap(cell->c.base, cell->c.size));
	CHECK(!munmap(cell->data, 4096));
}

static void by_release(struct cell *cell)
{
	by_munmap(cell);
	close(cell->my_fd);
	stay();
}

static void by_pthread_exit(struct cell *cell)
{
	(void)cell;
	pthread_exit(NULL);
}

static void by_raw_exit(struct cell *cell)
{
	(void)cell;
	syscall(SYS_exit, 0);
}

static void by_childs_exit(struct cell *cell)
{
	pid_t pid = spawn();

	(void)cell;
	if (!pid)
		_exit(0);
	CHECK(reap(pid) == 0);
}

static const struct way ways[] = {
	{ "exit", by_exit, true, false, false },
	{ "SIGKILL", by_sigkill, true, false, false },
	{ "SIGSEGV", by_sigsegv, true, false, false },
	{ "exec", by_exec, true, false, false },
	{ "release of the handle", by_release, true, false, false },
	{ "munmap", by_munmap, false, false, false },
	{ "pthread_exit", by_pthread_exit, true, true, false },
	{ "raw exit of the thread", by_raw_exit, true, true, false },
	{ "exit of a fork child", by_childs_exit, false, false, false },
	{ "SIGKILL with much memory", by_sigkill, true, false, true },
};

/* Exclusive locks */

static int lock_create(const char *name)
{
	return new_buffer(name, 1, 0, 0);
}

static void lock_hold(struct cell *cell)
{
	cell->owner = new_owner(cell->my_fd);
	CHECK(do_lock(cell->my_fd, cell->owner, OBJECT, 0, NEVER) == 0);
}

static void lock_let_go(struct cell *cell)
{
	CHECK(do_unlock(cell->my_fd, cell->owner, OBJECT) == 0);
}

static int lock_wait(struct cell *cell, __u64 deadline)
{
	__u64 owner = new_owner(cell->my_fd);
	int ret = do_lock(cell->my_fd, owner, OBJECT, SHMBUF_LOCK_NOSPIN, deadline);

	if (ret == -EOWNERDEAD)
		CHECK(do_consistent(cell->my_fd, owner, OBJECT) == 0);
	if (ret == 0 || ret == -EOWNERDEAD)
		CHECK(do_unlock(cell->my_fd, owner, OBJECT) == 0);
	return ret;
}

static void lock_close(struct cell *cell)
{
	CHECK(do_lock(cell->fd, cell->owner, OBJECT, 0, NEVER) == 0);
}

static void lock_open(struct cell *cell)
{
	CHECK(do_unlock(cell->fd, cell->owner, OBJECT) == 0);
}

/* Exactly one hears of a holder's death, of a waiter's nobody. */
static void lock_after(struct cell *cell)
{
	int expected = cell->role == HOLDER && cell->way->death, told = 0, i, ret;

	for (i = 0; i < cell->nr_others; i++) {
		UNTIL(get(&cell->others[i].returned));
		told += cell->others[i].result == -EOWNERDEAD;
		CHECK(cell->others[i].result == 0 || cell->others[i].result == -EOWNERDEAD);
	}
	UNTIL((ret = do_trylock(cell->fd, cell->owner, OBJECT)) != -EBUSY);
	CHECK(ret == 0 || ret == -EOWNERDEAD);
	if (ret) {
		told++;
		CHECK(do_consistent(cell->fd, cell->owner, OBJECT) == 0);
	}
	CHECK(told == expected);
	CHECK(do_unlock(cell->fd, cell->owner, OBJECT) == 0);
	CHECK(do_trylock(cell->fd, cell->owner, OBJECT) == 0);
}

/* Waits on a queue: a wake is one waiter's, and none gets lost with who died. */

static int queue_create(const char *name)
{
	return new_buffer(name, 0, 1, 0);
}

static int queue_wait(struct cell *cell, __u64 deadline)
{
	__u64 sequence = read_sequence(&cell->c, OBJECT);

	return do_wait(cell->my_fd, OBJECT, &sequence, deadline);
}

static void queue_close(struct cell *cell)
{
	(void)cell;
}

static void queue_open(struct cell *cell)
{
	CHECK(do_wake(cell->fd, OBJECT, 1) >= 0);
}

static int nr_returned(const struct cell *cell)
{
	int i, n = 0;

	for (i = 0; i < cell->nr_others; i++)
		n += get(&cell->others[i].returned);
	return n;
}

static void queue_after(struct cell *cell)
{
	struct control c = map_control(cell->fd, PROT_READ);
	/* One wake was given: where the victim didn't use it, one of the others did. */
	int n = cell->way->death && cell->nr_others ? 1 : 0;

	UNTIL(nr_returned(cell) >= n);
	for (; n < cell->nr_others; n++) {
		CHECK(nr_returned(cell) == n);
		queue_open(cell);
		UNTIL(nr_returned(cell) > n);
	}
	for (n = 0; n < cell->nr_others; n++)
		CHECK(cell->others[n].result == 0);
	UNTIL(!(read_word(&c, OBJECT) & SHMBUF_WORD_WAITERS));
}

static const struct kind kinds[] = {
	{ "exclusive lock", SHMBUF_IOC_LOCK, NULL, lock_create, lock_hold, lock_let_go, lock_wait,
	  lock_close, lock_open, lock_after },
	{ "queue wait", SHMBUF_IOC_WAIT, "nobody holds a queue", queue_create, NULL, NULL,
	  queue_wait, queue_close, queue_open, queue_after },
};

/* Why there can be no such cell, or NULL. */
static const char *impossible(const struct cell *cell)
{
	if (cell->role == HOLDER && cell->kind->no_holder)
		return cell->kind->no_holder;
	if (cell->role != HOLDER && cell->way->thread)
		return "a thread that is in a call can't end itself";
	if (cell->role != HOLDER && cell->way->end == by_release)
		return "a call under way keeps its handle";
	if (cell->way->large && (cell->nr_others != 1 || cell->timed ||
				 cell->role != (cell->kind->no_holder ? WAITER : HOLDER)))
		return "much memory once per kind is enough";
	return NULL;
}

/* The parties */

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	CHECK(!sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void join(struct cell *cell)
{
	cell->my_fd = open_buffer(cell->name, O_RDWR);
	cell->c = map_control(cell->my_fd, PROT_READ | PROT_WRITE);
	cell->data = map_data(cell->my_fd, 4096);
}

static void *suffer(void *arg)
{
	struct cell *cell = arg;
	struct party *victim = cell->victim;

	if (cell->role == WOKEN)
		pin(0);
	set(&victim->tid, syscall(SYS_gettid));
	if (cell->role != HOLDER) {
		victim->result = cell->kind->wait(cell, NEVER);
		set(&victim->returned, 1);
		stay();
	}
	cell->kind->hold(cell);
	set(&victim->ready, 1);
	UNTIL(get(&victim->go));
	if (cell->way->thread)
		cell->way->end(cell);
	UNTIL(get(&victim->go) == 2);
	cell->kind->let_go(cell);
	set(&victim->returned, 1);
	stay();
	return NULL;
}

static size_t much_memory(void)
{
	size_t pages = sysconf(_SC_AVPHYS_PAGES) / 2;

	return (pages < 262144 ? pages : 262144) * 4096;
}

static void touch(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 1, size);
}

/* The victim is the second thread; the first one does what ends processes. */
static void spawn_victim(struct cell *cell)
{
	pid_t pid = spawn();
	pthread_t thread;

	cell->victim->pid = pid ?: cell->victim->pid;
	if (pid)
		return;
	if (cell->role == WOKEN)
		pin(1);
	join(cell);
	if (cell->way->large)
		touch(much_memory());
	CHECK(!pthread_create(&thread, NULL, suffer, cell));
	while (!get(&cell->victim->go))
		usleep(100);
	if (cell->way->thread)
		stay();
	cell->way->end(cell);
	set(&cell->victim->done, 1);
	stay();
}

static void spawn_other(struct cell *cell, int i, __u64 deadline)
{
	struct party *other = &cell->others[i];
	pid_t pid = spawn();

	if (!pid) {
		join(cell);
		other->result = cell->kind->wait(cell, deadline);
		set(&other->returned, 1);
		_exit(0);
	}
	other->pid = pid;
	UNTIL(asleep_in(pid, cell->kind->cmd));
}

static void spawn_others(struct cell *cell)
{
	int i;

	for (i = 0; i < cell->nr_others; i++)
		spawn_other(cell, i, cell->timed ? now() + PATIENCE : NEVER);
}

/* The victim has ended, or only its process has, or it has done what is no death. */
static bool over(const struct cell *cell)
{
	const struct party *victim = cell->victim;

	return get(&victim->done) || ended(victim->pid) ||
	       (cell->way->thread && ended(victim->tid));
}

/* A holder that lives still holds: who can't wait for ever times out. */
static void still_held(struct cell *cell)
{
	int i;

	for (i = 0; i < cell->nr_others; i++)
		CHECK(asleep_in(cell->others[i].pid, cell->kind->cmd));
	cell->my_fd = cell->fd;
	CHECK(cell->kind->wait(cell, now() + SOON) == -ETIMEDOUT);
	set(&cell->victim->go, 2);
	UNTIL(get(&cell->victim->returned));
}

static void run_holder(struct cell *cell)
{
	spawn_victim(cell);
	UNTIL(get(&cell->victim->ready));
	spawn_others(cell);
	set(&cell->victim->go, 1);
	if (!cell->way->death) {
		UNTIL(over(cell));
		still_held(cell);
	}
}

static void run_waiter(struct cell *cell)
{
	cell->kind->close(cell);
	spawn_victim(cell);
	UNTIL(get(&cell->victim->tid) && asleep_in(cell->victim->tid, cell->kind->cmd));
	spawn_others(cell);
	set(&cell->victim->go, 1);
	if (cell->way->death)
		UNTIL(ended(cell->victim->tid));
	else
		UNTIL(over(cell));
	cell->kind->open(cell);
	if (!cell->way->death) {
		UNTIL(get(&cell->victim->returned));
		CHECK(cell->victim->result == 0);
	}
}

/* Exit leaves a zombie, exec waits for the other threads: both have killed the victim by then. */
static bool is_doomed(const struct cell *cell)
{
	return over(cell) || state_of(cell->victim->pid) == 'D';
}

/* On this CPU the victim can't run; the thread that ends it is on another one. */
static void run_woken(struct cell *cell)
{
	struct sched_param fifo = { .sched_priority = 50 }, normal = {};
	__u64 end;

	pin(0);
	cell->kind->close(cell);
	spawn_victim(cell);
	UNTIL(get(&cell->victim->tid) && asleep_in(cell->victim->tid, cell->kind->cmd));
	spawn_others(cell);
	CHECK(!sched_setscheduler(0, SCHED_FIFO, &fifo));
	cell->kind->open(cell);
	set(&cell->victim->go, 1);
	for (end = now() + PATIENCE; !is_doomed(cell) && now() < end;)
		;
	CHECK(!get(&cell->victim->returned));
	CHECK(!sched_setscheduler(0, SCHED_OTHER, &normal));
	/* As long as it is there it may be given a lock, and gives it back. */
	if (cell->way->death) {
		UNTIL(ended(cell->victim->tid));
	} else {
		UNTIL(get(&cell->victim->returned));
		CHECK(cell->victim->result == 0);
	}
}

static void run(struct cell *cell)
{
	static void (* const by_role[])(struct cell *cell) = { run_holder, run_waiter, run_woken };
	int i;

	cell->fd = cell->kind->create(new_name(cell->name));
	cell->owner = new_owner(cell->fd);
	cell->victim = shared_memory(4096);
	cell->others = cell->victim + 1;
	by_role[cell->role](cell);
	cell->kind->after(cell);
	for (i = 0; i < cell->nr_others; i++)
		CHECK(reap(cell->others[i].pid) == 0);
	kill_and_reap(cell->victim->pid);
	close(cell->fd);
}

/* In a process of its own, so that a cell that fails takes nobody along. */
static bool passes(struct cell *cell)
{
	pid_t pid = spawn();

	if (!pid) {
		alarm(TEST_TIMEOUT_DEFAULT);
		run(cell);
		_exit(0);
	}
	return reap(pid) == 0;
}

static const struct {
	const char *name;
	int nr;
	bool timed;
} companies[] = {
	{ "no other waiter", 0, false },
	{ "one", 1, false },
	{ "several", MAX_OTHERS, false },
	{ "a timed one", 1, true },
};

#define NR_CELLS	(ARRAY_SIZE(kinds) * NR_ROLES * ARRAY_SIZE(ways) * ARRAY_SIZE(companies))

static struct cell cell_of(size_t n, char name[160])
{
	size_t company = n % ARRAY_SIZE(companies);
	struct cell cell = {
		.nr_others = companies[company].nr, .timed = companies[company].timed,
		.way = &ways[n / ARRAY_SIZE(companies) % ARRAY_SIZE(ways)],
		.role = n / ARRAY_SIZE(companies) / ARRAY_SIZE(ways) % NR_ROLES,
		.kind = &kinds[n / ARRAY_SIZE(companies) / ARRAY_SIZE(ways) / NR_ROLES],
	};

	snprintf(name, 160, "%s, %s, %s, %s", cell.kind->name, roles[cell.role], cell.way->name,
		 companies[company].name);
	return cell;
}

int main(int argc, char **argv)
{
	const char *wanted = argc > 1 ? argv[1] : "";
	int tests = 0, failed = 0;
	char name[160];
	size_t n;

	for (n = 0; n < NR_CELLS; n++) {
		struct cell cell = cell_of(n, name);

		tests += strstr(name, wanted) && !impossible(&cell);
	}
	printf("TAP version 13\n1..%d\n", tests);
	for (n = 0, tests = 0; n < NR_CELLS; n++) {
		struct cell cell = cell_of(n, name);
		bool ok;

		if (!strstr(name, wanted))
			continue;
		if (impossible(&cell)) {
			printf("# %s: no such cell: %s\n", name, impossible(&cell));
			continue;
		}
		ok = passes(&cell);
		failed += !ok;
		printf("%s %d - %s\n", ok ? "ok" : "not ok", ++tests, name);
	}
	return failed ? KSFT_FAIL : KSFT_PASS;
}
