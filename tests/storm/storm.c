// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm [KILLS [SEED]]: start processes, kill them at random moments, and see that
 * nothing and nobody is left behind.  Prints TAP.
 */
#include "kinds.h"
#include <sys/resource.h>

#define PROCESSES	6
#define THREADS		2	/* of a process at most */
#define KILLERS_NICE	(-15)
#define SHOWN_NS	(5 * NSEC_PER_SEC)

struct storm {
	char name[64];
	int fd;
	char *data;
	int *stop;
	unsigned long *steps;
	struct worker self;		/* of the process that kills */
	pid_t pids[PROCESSES];
	pid_t dying[PROCESSES];		/* killed, and not yet reaped */
	__u64 seed;
	unsigned long kills, threads;
	unsigned long looks, asleep, unkillable;
	int tests, failed;
};

static void result(struct storm *s, const char *name, const char *wrong)
{
	s->tests++;
	s->failed += !!wrong;
	printf("%s %d - %s%s%s\n", wrong ? "not ok" : "ok", s->tests, name, wrong ? ": " : "",
	       wrong ?: "");
}

static void *data_of(const struct storm *s, size_t kind)
{
	return s->data + kind * STORM_DATA;
}

static __u32 first_of(size_t kind)
{
	__u32 first = 0;
	int i;

	while (kind--)
		for (i = 0; i < STORM_PARTS; i++)
			first += storm_kinds[kind].parts[i].count;
	return first;
}

/* Return: how many they are. */
static __u32 fill_ranges(struct shmbuf_range *ranges)
{
	const struct storm_part *part;
	__u32 nr = 0, first;
	size_t kind;

	for (kind = 0; kind < storm_nr_kinds; kind++) {
		first = first_of(kind);
		for (part = storm_kinds[kind].parts;
		     part < storm_kinds[kind].parts + STORM_PARTS && part->count; part++) {
			ranges[nr++] = (struct shmbuf_range){
				.first = first, .count = part->count, .kind = part->kind,
				.value = part->value,
			};
			first += part->count;
		}
	}
	return nr;
}

static void work(const struct storm *s, struct worker *w)
{
	w->owner = new_owner(w->fd);
	w->row = map_row(w->fd, w->owner);
	while (!__atomic_load_n(s->stop, __ATOMIC_SEQ_CST)) {
		size_t kind = draw(&w->seed) % storm_nr_kinds;

		storm_kinds[kind].step(w, first_of(kind), data_of(s, kind));
		__atomic_add_fetch(s->steps, 1, __ATOMIC_RELAXED);
	}
}

struct in_thread {
	const struct storm *storm;
	struct worker worker;
};

static void *work_in_thread(void *arg)
{
	struct in_thread *t = arg;

	work(t->storm, &t->worker);
	return NULL;
}

static void live(const struct storm *s, __u64 seed, int threads)
{
	struct worker w = { .fd = s->fd, .seed = seed };
	struct in_thread t = { .storm = s };
	pthread_t thread;

	/* By a handle of its own, or by the one that it has inherited. */
	if (draw(&w.seed) % 2)
		w.fd = open_buffer(s->name, O_RDWR);
	w.c = map_control(w.fd, PROT_READ | PROT_WRITE);
	t.worker = w;
	t.worker.seed = ~w.seed;
	if (threads > 1)
		CHECK(!pthread_create(&thread, NULL, work_in_thread, &t));
	work(s, &w);
	if (threads > 1)
		pthread_join(thread, NULL);
	_exit(0);
}

static pid_t start(struct storm *s)
{
	int threads = 1 + draw(&s->seed) % THREADS;
	__u64 seed = draw(&s->seed);
	pid_t pid = spawn();

	if (!pid) {
		CHECK(!setpriority(PRIO_PROCESS, 0, 0));
		live(s, seed, threads);
	}
	s->threads += threads;
	return pid;
}

/*
 * Whether it is in a call that waits for others, and not, for a moment, for one of the
 * module's mutexes: those are killable, and yet show as D.
 */
static bool waits(pid_t pid, const char *where)
{
	static const unsigned long calls[] = {
		SHMBUF_IOC_LOCK, SHMBUF_IOC_WAIT, SHMBUF_IOC_WAIT_ANY, SHMBUF_IOC_SEM_WAIT,
		SHMBUF_IOC_BARRIER_WAIT,
	};
	unsigned long fd, cmd;
	char path[64], line[256] = "";
	size_t i;
	FILE *f;
	long nr;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		*line = 0;
	fclose(f);
	if (sscanf(line, "%ld %lx %lx", &nr, &fd, &cmd) != 3 || nr != __NR_ioctl)
		return false;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (cmd == calls[i])
			return strcmp(where, "shmbuf_objects_settle");
	return false;
}

/* Its state, and in which function of the kernel it sleeps; 0 where it is gone. */
static char state_in(pid_t pid, char where[64])
{
	char state = state_of(pid), path[64];
	FILE *f;

	*where = 0;
	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(where, 64, f))
		*where = 0;
	fclose(f);
	return state_of(pid) == state ? state : 0;
}

/* Who sleeps in one of our calls sleeps so that he can be killed. */
static void look_at(struct storm *s, pid_t pid)
{
	char where[64], then[64];
	char state = state_in(pid, where);

	s->looks++;
	if ((state != 'S' && state != 'D') || strncmp(where, "shmbuf_", 7))
		return;
	s->asleep += state == 'S';
	if (state != 'D' || !waits(pid, where))
		return;
	/* It may have gone from one call to the next between these looks. */
	if (state_in(pid, then) != state || strcmp(where, then))
		return;
	s->unkillable++;
	printf("# state D in %s\n", where);
}

static void reap_one(pid_t *pid)
{
	int status = *pid ? reap(*pid) : 128 + SIGKILL;

	if (status != 128 + SIGKILL)
		fatal("a worker ended by itself, with %d", status);
	*pid = 0;
}

static void kill_one(struct storm *s)
{
	int i = draw(&s->seed) % PROCESSES;

	usleep(draw(&s->seed) % 2000);
	look_at(s, s->pids[draw(&s->seed) % PROCESSES]);
	kill(s->pids[i], SIGKILL);
	/* Others go on while it dies. */
	reap_one(&s->dying[s->kills++ % PROCESSES]);
	s->dying[(s->kills - 1) % PROCESSES] = s->pids[i];
	s->pids[i] = start(s);
}

static void rage(struct storm *s, unsigned long kills)
{
	__u64 began = now(), shown = began;
	int i;

	/* Or the dozen that work and die leave this one hardly a turn where all is slow. */
	CHECK(!setpriority(PRIO_PROCESS, 0, KILLERS_NICE));
	for (i = 0; i < PROCESSES; i++)
		s->pids[i] = start(s);
	while (s->kills < kills) {
		kill_one(s);
		if (now() - shown > SHOWN_NS) {
			shown = now();
			printf("# %lu of %lu killed, %llu a second\n", s->kills, kills,
			       s->kills * NSEC_PER_SEC / (shown - began));
		}
	}
	for (i = 0; i < PROCESSES; i++)
		reap_one(&s->dying[i]);
	printf("# %lu killed, %llu a second, with %lu steps; %lu heard of a holder's death\n",
	       s->kills, s->kills * NSEC_PER_SEC / (now() - began), *s->steps, *storm_told);
}

/* Everybody comes to his end, once nobody is killed any more. */
static void calm(struct storm *s)
{
	__u64 end = now() + PATIENCE;
	int left = PROCESSES, i, status;
	size_t kind;

	__atomic_store_n(s->stop, 1, __ATOMIC_SEQ_CST);
	while (left && now() < end) {
		for (kind = 0; kind < storm_nr_kinds; kind++)
			if (storm_kinds[kind].nudge)
				storm_kinds[kind].nudge(&s->self, first_of(kind), data_of(s, kind));
		for (i = 0; i < PROCESSES; i++) {
			if (!s->pids[i] || waitpid(s->pids[i], &status, WNOHANG) <= 0)
				continue;
			if (status)
				fatal("a worker ended with status %#x", status);
			s->pids[i] = 0;
			left--;
		}
		usleep(1000);
	}
	result(s, "nobody is stuck", left ? "somebody doesn't come back" : NULL);
}

static void prepare(struct storm *s)
{
	struct shmbuf_range ranges[SHMBUF_CREATE_RANGES_MAX] = {};
	struct shmbuf_create create = {
		.size = sizeof(create), .flags = SHMBUF_CREATE_PERSIST,
		.name = address(new_name(s->name)), .name_len = strlen(s->name),
		.data_size = storm_nr_kinds * STORM_DATA, .ranges = address(ranges),
		.nr_ranges = fill_ranges(ranges),
	};
	unsigned long *shared = shared_memory(4096);

	create.nr_objects = first_of(storm_nr_kinds);
	s->fd = open_device(O_RDWR);
	if (call(s->fd, SHMBUF_IOC_CREATE, &create))
		fatal("CREATE: %s", strerror(errno));
	s->data = map_data(s->fd, create.data_size);
	s->stop = (int *)shared;
	s->steps = shared + 8;
	storm_told = shared + 16;
	s->self = (struct worker){
		.fd = s->fd, .owner = new_owner(s->fd), .seed = s->seed,
		.c = map_control(s->fd, PROT_READ | PROT_WRITE),
	};
}

static const char * const limits[] = {
	"max_user_buffers", "max_user_objects", "max_user_owners", "max_user_waiters",
};

/* There is just room for what this takes, if nobody has anything else. */
static bool room_for_one(int fd)
{
	__u64 owner, sequence = 0;
	int queue, ret = do_create(fd, NULL, 0, 4096, 0, 1, 0);

	if (ret == -EDQUOT || ret == -ENOSPC)
		return false;
	CHECK(ret == 0 || ret == -EBUSY);
	queue = do_wait(fd, 0, &sequence, 0);
	ret = do_register(fd, 0, &owner);
	CHECK(queue == -EDQUOT || queue == -ETIMEDOUT);
	CHECK(ret == -EDQUOT || ret == 0);
	if (!ret)
		do_unregister(fd, owner);
	return queue == -ETIMEDOUT && ret == 0;
}

static void clean_up(struct storm *s)
{
	__u64 old[ARRAY_SIZE(limits)], bytes = get_parameter("max_total_bytes");
	__u64 end = now() + PATIENCE;
	bool room;
	size_t i;
	int fd;

	munmap(s->data, storm_nr_kinds * STORM_DATA);
	munmap(s->self.c.base, s->self.c.size);
	close(s->fd);
	fd = open_device(O_RDWR);
	if (do_unlink(fd, s->name) || do_open(fd, s->name) != -ENOENT)
		result(s, "the name goes", "it is still there");
	else
		result(s, "the name goes", NULL);
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		old[i] = get_parameter(limits[i]);
		set_parameter(limits[i], 1);
	}
	set_parameter("max_total_bytes", 4096);
	while (!(room = room_for_one(fd)) && now() < end)
		usleep(1000);
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		set_parameter(limits[i], old[i]);
	set_parameter("max_total_bytes", bytes);
	result(s, "no byte, object, id or waiter is left", room ? NULL : "some count isn't 0");
}

int main(int argc, char **argv)
{
	unsigned long kills = argc > 1 ? strtoul(argv[1], NULL, 0) : 500;
	struct storm storm = {
		.seed = argc > 2 ? strtoull(argv[2], NULL, 0) : now() | 1,
	};
	size_t kind;

	if (!kills || !storm.seed)
		fatal("KILLS and SEED are numbers other than 0");
	printf("TAP version 13\n1..%zu\n# SEED=%#llx\n", storm_nr_kinds + 5, storm.seed);
	prepare(&storm);
	rage(&storm, kills);
	calm(&storm);
	for (kind = 0; kind < storm_nr_kinds; kind++)
		result(&storm, storm_kinds[kind].name,
		       storm_kinds[kind].check(&storm.self, first_of(kind), data_of(&storm, kind),
					       storm.threads));
	result(&storm, "holders died, and others heard of it",
	       *storm_told || kills < 100 ? NULL : "nobody did");
	printf("# %lu looks found %lu asleep in the module\n", storm.looks, storm.asleep);
	result(&storm, "who sleeps in the module can be killed",
	       storm.unkillable ? "state D" : storm.asleep || kills < 100 ? NULL : "never seen");
	clean_up(&storm);
	return storm.failed ? 1 : 0;
}
