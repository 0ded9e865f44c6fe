/* SPDX-License-Identifier: GPL-2.0-only */
/* A case of points.c: its objects, its processes, and what is armed. */
#ifndef POINT_SCENE_H
#define POINT_SCENE_H

#include "shmbuf_test.h"
#include <poll.h>
#include <sys/eventfd.h>

/* The objects of each case's buffer.  STILL: a queue that nobody wakes. */
enum { LOCK, QUEUE, STILL, SEM, BARRIER, SEM2, NR_OBJECTS };

#define POINT_PARAMETER	PARAMETERS "point"
#define MAX_ACTORS	24

struct scene;

/**
 * struct part - what a process does in a case
 * @cmd: the ioctl in which it sleeps, or 0
 * @hold: what it has before, or NULL
 * @call: what it does, and gives back what it got.  Returns what the call returned
 * @bare: it registers no id
 */
struct part {
	unsigned long cmd;
	void (*hold)(struct scene *s);
	int (*call)(struct scene *s);
	bool bare;
};

/**
 * struct actor - who does it
 * @held: it has what its part holds
 * @go: now call; @leave: now exit
 * @result: of the call, once @returned
 */
struct actor {
	pid_t pid;
	int held, go, returned, result, leave;
};

/**
 * struct scene - a case, as one process sees it
 * @name: the buffer's
 * @fd: this process's handle; @owner, @c: through it
 * @victim: the actor of whom it is about
 * @holder: one beside: who holds, or who grants
 * @others: those who survive, @nr_others of them
 * @eventfd: that watches QUEUE, where a case has one
 */
struct scene {
	char name[64];
	int fd;
	__u64 owner;
	struct control c;
	struct actor *victim, *holder, *others;
	int nr_others, eventfd;
};

/* Points */

static void arm(const char *point, const char *action, pid_t tid, int pass)
{
	int fd = open(POINT_PARAMETER, O_WRONLY), len;
	char text[80];

	len = snprintf(text, sizeof(text), "%s %s %d %d", point, action, tid, pass);
	if (fd < 0 || write(fd, text, len) != len)
		fatal("%s isn't taken: %s", text, strerror(errno));
	close(fd);
}

static void disarm(const char *point)
{
	arm(point, "off", 0, 0);
}

/* The whole parameter, a line "NAME HITS" each, after a newline. */
static void read_points(char text[4096])
{
	int fd = open(POINT_PARAMETER, O_RDONLY);
	ssize_t len = read(fd, text + 1, 4094);

	if (fd < 0 || len <= 0)
		fatal("%s can't be read: %s", POINT_PARAMETER, strerror(errno));
	close(fd);
	text[0] = '\n';
	text[len + 1] = '\0';
}

static int hits(const char *point)
{
	char text[4096], line[64], *at;
	int len = snprintf(line, sizeof(line), "\n%s ", point);

	read_points(text);
	at = strstr(text, line);
	if (!at)
		fatal("there is no point %s", point);
	return atoi(at + len);
}

/* Processes */

static void set(int *p, int value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static int get(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void act(struct scene *s, struct actor *a, const struct part *part)
{
	s->fd = open_buffer(s->name, O_RDWR);
	s->owner = part->bare ? 0 : new_owner(s->fd);
	s->c = map_control(s->fd, PROT_READ | PROT_WRITE);
	if (part->hold)
		part->hold(s);
	set(&a->held, 1);
	UNTIL(get(&a->go));
	a->result = part->call(s);
	set(&a->returned, 1);
	while (!get(&a->leave))
		usleep(300);
	_exit(0);
}

/* It has what it holds, and hasn't called yet. */
static void spawn_actor(struct scene *s, struct actor *a, const struct part *part)
{
	pid_t pid = spawn();

	if (!pid)
		act(s, a, part);
	a->pid = pid;
	UNTIL(get(&a->held));
}

/* It calls, and sleeps. */
static void put_to_sleep(struct actor *a, const struct part *part)
{
	set(&a->go, 1);
	UNTIL(asleep_in(a->pid, part->cmd));
}

static void spawn_other(struct scene *s, const struct part *part)
{
	struct actor *a = &s->others[s->nr_others++];

	CHECK(a < s->victim + MAX_ACTORS);
	spawn_actor(s, a, part);
	put_to_sleep(a, part);
}

static int nr_returned(const struct scene *s)
{
	int i, n = 0;

	for (i = 0; i < s->nr_others; i++)
		n += get(&s->others[i].returned);
	return n;
}

static void kill_holder(struct scene *s)
{
	kill(s->holder->pid, SIGKILL);
	UNTIL(ended(s->holder->pid));
}

static void begin(struct scene *s, int parties)
{
	s->fd = new_buffer(new_name(s->name), 1, 2, 3);
	s->owner = new_owner(s->fd);
	s->c = map_control(s->fd, PROT_READ | PROT_WRITE);
	new_sem(s->fd, SEM, 0, 10);
	new_sem(s->fd, SEM2, 0, 10);
	CHECK(do_init(s->fd, BARRIER, 1, SHMBUF_KIND_BARRIER, parties) == 0);
	s->victim = shared_memory(4096);
	s->holder = s->victim + 1;
	s->others = s->victim + 2;
}

/* Nobody is left asleep, and the test's process has all that it began with. */
static void end(struct scene *s)
{
	int i;

	arm("all", "off", 0, 0);
	for (i = 0; i < MAX_ACTORS; i++)
		set(&s->victim[i].leave, 1);
	for (i = 0; i < s->nr_others; i++)
		CHECK(reap(s->others[i].pid) == 0);
	if (s->holder->pid)
		kill_and_reap(s->holder->pid);
	kill_and_reap(s->victim->pid);
	close(s->fd);
}

/* How many of the others heard of a death; the rest heard nothing bad. */
static int nr_told(const struct scene *s)
{
	int i, told = 0;

	for (i = 0; i < s->nr_others; i++) {
		int result = s->others[i].result;

		CHECK(result == 0 || result == -EOWNERDEAD);
		told += result == -EOWNERDEAD;
	}
	return told;
}

/* Give back a lock that came with @ret, if it came. */
static int give_back(struct scene *s, int ret)
{
	if (ret == -EOWNERDEAD)
		CHECK(do_consistent(s->fd, s->owner, LOCK) == 0);
	if (ret == 0 || ret == -EOWNERDEAD)
		CHECK(do_unlock(s->fd, s->owner, LOCK) == 0);
	return ret;
}

/* All objects are free; how often taking the lock told of a death. */
static int try_objects(struct scene *s, __u64 units)
{
	__u32 i;
	int ret;

	UNTIL((ret = do_trylock(s->fd, s->owner, LOCK)) != -EBUSY);
	CHECK(ret == 0 || ret == -EOWNERDEAD);
	give_back(s, ret);
	for (i = 0; i < NR_OBJECTS; i++)
		UNTIL(!(read_word(&s->c, i) & SHMBUF_WORD_WAITERS));
	UNTIL(read_count(&s->c, SEM) == units);
	return ret == -EOWNERDEAD;
}

#endif /* POINT_SCENE_H */
