// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kill matrix: each kind of waiting x what the victim is doing x how it ends x who else
 * waits.  One line of TAP for each cell that can exist; the others are named with a reason.
 * A new kind is a row of kinds[] in matrix_kinds.h, a way to end one of ways[] in
 * matrix_ways.h; "matrix TEXT" runs the cells with TEXT in their names.
 */
#include "matrix_kinds.h"
#include "matrix_ways.h"

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
	cell->my_fd = cell->fd;
	CHECK(cell->kind->wait(cell, now() + SOON) == -ETIMEDOUT);
	set(&cell->victim->go, 2);
	UNTIL(get(&cell->victim->returned));
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
	struct control c;
	int i;

	cell->fd = new_buffer(new_name(cell->name), 1, 2, 1);
	cell->owner = new_owner(cell->fd);
	if (cell->kind->init)
		cell->kind->init(cell);
	cell->victim = shared_memory(4096);
	cell->others = cell->victim + 1;
	by_role[cell->role](cell);
	cell->kind->after(cell);
	c = map_control(cell->fd, PROT_READ);
	UNTIL(read_word(&c, STILL) == SHMBUF_WORD_QUEUE);
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
