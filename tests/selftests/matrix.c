// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kill matrix: each kind of waiting x what the victim is doing x how it ends x who else
 * waits.  One line of TAP for each cell that can exist; the others are named with a reason.
 * A new kind is a row of kinds[] in matrix_kinds.h, a way to end one of ways[] below;
 * "matrix TEXT" runs the cells with TEXT in their names.
 */
#include "matrix_kinds.h"

static const struct way ways[] = {
	{ "exit", by_exit, true },
	{ "SIGKILL", by_sigkill, true },
	{ "SIGSEGV", by_sigsegv, true },
	{ "exec", by_exec, true },
	{ "release of the handle", by_release, true },
	{ "munmap", by_munmap },
	{ "pthread_exit", by_pthread_exit, true, .thread = true },
	{ "raw exit of the thread", by_raw_exit, true, .thread = true },
	{ "exit of a fork child", by_childs_exit },
	/* Once per kind, from here on. */
	{ "SIGKILL with much memory", by_sigkill, true, .large = true },
	{ "exit of a vfork child", by_vforked_childs_exit, .once = true },
	{ "exec of a vfork child", by_vforked_childs_exec, .once = true },
	{ "exit of a process with the same memory", by_sharers_exit, .once = true },
};

/* Why there can be no such cell, or NULL. */
static const char *impossible(const struct cell *cell)
{
	const struct way *way = cell->way;

	if (cell->role == HOLDER && cell->kind->no_holder)
		return cell->kind->no_holder;
	if (cell->role != HOLDER && way->thread)
		return "a thread that is in a call can't end itself";
	if (cell->role != HOLDER && way->end == by_release)
		return "a call under way keeps its handle";
	if ((way->large || way->once) && (cell->nr_others != 1 || cell->timed ||
					  cell->role != (cell->kind->no_holder ? WAITER : HOLDER)))
		return "once per kind is enough";
	return NULL;
}

/* The parties */

/*
 * Who waits for a lock of somebody whom the hog keeps from running lends him his priority.  What
 * a kernel keeps of each second for others than SCHED_FIFO isn't the victim's, who is below the
 * hog, but SCHED_FIFO.
 */
enum { BELOW_HOG = 1, HOG = 50, ABOVE_HOG };

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	CHECK(!sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void join(struct cell *cell)
{
	cell->m.fd = open_buffer(cell->name, O_RDWR);
	cell->m.c = map_control(cell->m.fd, PROT_READ | PROT_WRITE);
	cell->m.data = map_data(cell->m.fd, 4096);
}

static void become_fifo(int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	CHECK(!sched_setscheduler(0, SCHED_FIFO, &param));
}

static void let_go(struct cell *cell)
{
	UNTIL(get(&cell->victim->go) == 2);
	cell->kind->let_go(cell);
	set(&cell->victim->returned, 1);
	stay();
}

static void *suffer(void *arg)
{
	struct cell *cell = arg;
	struct party *victim = cell->victim;

	if (cell->role == WOKEN) {
		pin(0);
		become_fifo(BELOW_HOG);
	}
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
		cell->way->end(&cell->m);
	let_go(cell);
	return NULL;
}

/* Memory in small pages, which take long to give back: who is to die with it inherits it. */
static void *ballast;
static size_t ballast_size;

static void fill_ballast(void)
{
	size_t pages = sysconf(_SC_AVPHYS_PAGES) / 2, page = sysconf(_SC_PAGESIZE), i;

	ballast_size = pages * page < 1UL << 30 ? pages * page : 1UL << 30;
	ballast = mmap(NULL, ballast_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	CHECK(ballast != MAP_FAILED);
	madvise(ballast, ballast_size, MADV_NOHUGEPAGE);
	for (i = 0; i < ballast_size; i += page)
		__atomic_store_n((char *)ballast + i, 1, __ATOMIC_RELAXED);
}

static pid_t spawn_with_ballast(void)
{
	pid_t pid;

	if (!ballast)
		fill_ballast();
	CHECK(!madvise(ballast, ballast_size, MADV_DOFORK));
	pid = spawn();
	/* Nobody else gets it. */
	CHECK(!madvise(ballast, ballast_size, MADV_DONTFORK));
	return pid;
}

/* The victim is the second thread; the first one does what ends processes. */
static void spawn_victim(struct cell *cell)
{
	pid_t pid = cell->way->large ? spawn_with_ballast() : spawn();
	pthread_t thread;

	if (pid) {
		cell->victim->pid = pid;
		return;
	}
	if (cell->role == WOKEN)
		pin(1);
	join(cell);
	if (cell->kind->by_process)
		new_owner(cell->m.fd);
	CHECK(!pthread_create(&thread, NULL, suffer, cell));
	if (cell->role == WOKEN)
		become_fifo(ABOVE_HOG);
	while (!get(&cell->victim->go))
		usleep(100);
	if (cell->way->thread && cell->kind->by_process)
		let_go(cell);
	if (cell->way->thread)
		stay();
	cell->way->end(&cell->m);
	set(&cell->victim->done, 1);
	stay();
}

static void spawn_other(struct cell *cell, int i, __u64 deadline)
{
	struct party *other = &cell->others[i];
	pid_t pid = spawn();

	if (!pid) {
		join(cell);
		cell->me = i + 1;
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
	cell->m.fd = cell->fd;
	cell->m.c = cell->c;
	CHECK(cell->kind->wait(cell, now() + SOON) == -ETIMEDOUT);
	set(&cell->victim->go, 2);
}

static void run_holder(struct cell *cell)
{
	if (cell->kind->waiters_first)
		spawn_others(cell);
	spawn_victim(cell);
	UNTIL(get(&cell->victim->ready));
	if (!cell->kind->waiters_first)
		spawn_others(cell);
	set(&cell->victim->go, 1);
	if (!is_death(cell)) {
		UNTIL(over(cell));
		still_held(cell);
	}
}

static void spawn_waiters(struct cell *cell)
{
	if (cell->kind->close)
		cell->kind->close(cell);
	spawn_victim(cell);
	UNTIL(get(&cell->victim->tid) && asleep_in(cell->victim->tid, cell->kind->cmd));
	spawn_others(cell);
}

static void run_waiter(struct cell *cell)
{
	spawn_waiters(cell);
	set(&cell->victim->go, 1);
	if (is_death(cell))
		UNTIL(ended(cell->victim->tid));
	else
		UNTIL(over(cell));
	cell->kind->open(cell);
}

/* Whoever ends a process, or execs, has each thread killed. */
static bool is_killed(pid_t tid)
{
	unsigned long long pending = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "r");
	if (!f)
		return true;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "SigPnd: %llx", &pending) == 1)
			break;
	fclose(f);
	return pending & 1ULL << (SIGKILL - 1);
}

/* Locked by the one cell that has CPU 0 for itself. */
static int alone_on_cpu;

/*
 * Takes CPU 0 until @flag is 2.  It makes no system call meanwhile: with PREEMPT_RT any of
 * them may sleep for a lock.
 */
static pid_t spawn_hog(int *flag)
{
	pid_t cell = getpid(), pid;

	set(flag, 0);
	pid = spawn();
	if (pid) {
		UNTIL(get(flag));
		return pid;
	}
	CHECK(!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == cell);
	/* Who ends is heard of only when it is through with its memory, which may need CPU 0. */
	alarm(TEST_TIMEOUT_DEFAULT);
	pin(0);
	become_fifo(HOG);
	set(flag, 1);
	while (get(flag) == 1)
		;
	_exit(0);
}

/*
 * The victim can't run on its CPU; the thread that ends it is on another one.  No other cell may
 * have a victim on CPU 0 meanwhile, who could be kept from running with the lock of a file's
 * mappings in hand, which all of them need.
 */
static void run_woken(struct cell *cell)
{
	const struct sched_param normal = {};
	int *flag = shared_memory(4096);
	pid_t hog;

	CHECK(!lockf(alone_on_cpu, F_LOCK, 0));
	pin(0);
	spawn_waiters(cell);
	pin(1);
	hog = spawn_hog(flag);
	become_fifo(ABOVE_HOG);
	cell->kind->open(cell);
	set(&cell->victim->go, 1);
	UNTIL(over(cell) || is_killed(cell->victim->tid));
	CHECK(!get(&cell->victim->returned));
	set(flag, 2);
	CHECK(reap(hog) == 0);
	CHECK(!sched_setscheduler(0, SCHED_OTHER, &normal));
	CHECK(!lockf(alone_on_cpu, F_ULOCK, 0));
	/* As long as it is there it may be given a lock, and gives it back. */
	if (is_death(cell))
		UNTIL(ended(cell->victim->tid));
}

static void run(struct cell *cell)
{
	static void (* const by_role[])(struct cell *cell) = { run_holder, run_waiter, run_woken };
	int i;

	cell->fd = new_buffer(new_name(cell->name), 1, 2, 1);
	cell->owner = new_owner(cell->fd);
	cell->c = map_control(cell->fd, PROT_READ);
	if (cell->kind->init)
		cell->kind->init(cell);
	cell->victim = shared_memory(4096);
	cell->others = cell->victim + 1;
	by_role[cell->role](cell);
	cell->kind->after(cell);
	if (!is_death(cell)) {
		UNTIL(get(&cell->victim->returned));
		CHECK(cell->victim->result == 0);
	}
	for (i = 0; i < cell->nr_others; i++)
		CHECK(reap(cell->others[i].pid) == 0);
	kill_and_reap(cell->victim->pid);
	cell->kind->at_last(cell);
	CHECK(read_word(&cell->c, STILL) == SHMBUF_WORD_QUEUE);
	close(cell->fd);
}

/* The cells, several at once: they mostly wait. */

#define MAX_RUNNING	8

struct test {
	size_t n;		/* of the cell */
	pid_t pid;
	int log;		/* what it has to say */
	bool ended, passed;
};

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

static struct cell cell_of(size_t n)
{
	size_t company = n % ARRAY_SIZE(companies);

	return (struct cell) {
		.nr_others = companies[company].nr, .timed = companies[company].timed,
		.way = &ways[n / ARRAY_SIZE(companies) % ARRAY_SIZE(ways)],
		.role = n / ARRAY_SIZE(companies) / ARRAY_SIZE(ways) % NR_ROLES,
		.kind = &kinds[n / ARRAY_SIZE(companies) / ARRAY_SIZE(ways) / NR_ROLES],
	};
}

static const char *name_of(size_t n)
{
	const struct cell cell = cell_of(n);
	static char name[160];

	snprintf(name, sizeof(name), "%s, %s, %s, %s", cell.kind->name, roles[cell.role],
		 cell.way->name, companies[n % ARRAY_SIZE(companies)].name);
	return name;
}

/* In a process of its own, so that a cell that fails takes nobody along. */
static void start(struct test *test)
{
	struct cell cell = cell_of(test->n);

	test->log = memfd_create("log", MFD_CLOEXEC);
	test->pid = cell.way->large ? spawn_with_ballast() : spawn();
	if (test->pid)
		return;
	alarm(TEST_TIMEOUT_DEFAULT);
	CHECK(dup2(test->log, STDERR_FILENO) >= 0);
	run(&cell);
	_exit(0);
}

static void await_one(struct test *tests, int started)
{
	int status, i;
	pid_t pid = wait(&status);

	if (pid < 0)
		fatal("wait: %s", strerror(errno));
	for (i = started - 1; tests[i].pid != pid || tests[i].ended;)
		i--;
	tests[i].ended = true;
	tests[i].passed = WIFEXITED(status) && !WEXITSTATUS(status);
}

static void print(const struct test *test, int number)
{
	char text[4096];
	ssize_t len = pread(test->log, text, sizeof(text), 0);

	if (len > 0)
		printf("%.*s", (int)len, text);
	close(test->log);
	printf("%s %d - %s\n", test->passed ? "ok" : "not ok", number, name_of(test->n));
}

static bool run_all(struct test *tests, int nr)
{
	int started = 0, running = 0, printed = 0;
	bool passed = true;

	while (printed < nr) {
		while (started < nr && running < MAX_RUNNING) {
			start(&tests[started++]);
			running++;
		}
		await_one(tests, started);
		running--;
		for (; printed < started && tests[printed].ended; printed++) {
			print(&tests[printed], printed + 1);
			passed &= tests[printed].passed;
		}
	}
	return passed;
}

int main(int argc, char **argv)
{
	static struct test tests[NR_CELLS];
	const char *wanted = argc > 1 ? argv[1] : "";
	int nr = 0;
	size_t n;

	printf("TAP version 13\n");
	for (n = 0; n < NR_CELLS; n++) {
		const struct cell cell = cell_of(n);

		if (!strstr(name_of(n), wanted))
			continue;
		if (impossible(&cell))
			printf("# %s: no such cell: %s\n", name_of(n), impossible(&cell));
		else
			tests[nr++] = (struct test){ .n = n };
	}
	printf("1..%d\n", nr);
	alone_on_cpu = memfd_create("alone", MFD_CLOEXEC);
	return run_all(tests, nr) ? KSFT_PASS : KSFT_FAIL;
}
