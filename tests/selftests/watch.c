// SPDX-License-Identifier: GPL-2.0-only
/* Queues that are watched: poll(), epoll and eventfds. */
#include "shmbuf_test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define QUEUES	40
#define LOCK	0		/* then the queues */
#define DEATHS	SHMBUF_INDEX_DEATHS

/* What poll() says within @ms. */
static int polled(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

static __u64 signalled(int eventfd)
{
	__u64 count;

	return read(eventfd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	if (fd < 0)
		fatal("eventfd: %s", strerror(errno));
	return fd;
}

FIXTURE(watch)
{
	char name[64];
	int fd;
	int other;
	struct control c;
	struct shmbuf_moved_queue q[QUEUES + 2];
};

FIXTURE_SETUP(watch)
{
	self->fd = new_buffer(new_name(self->name), 1, QUEUES, 1);
	self->other = open_buffer(self->name, O_RDWR);
	self->c = map_control(self->other, PROT_READ | PROT_WRITE);
	EXPECT_EQ(0, polled(self->fd, 0));
}

FIXTURE_TEARDOWN(watch)
{
	close(self->fd);
	close(self->other);
}

/* As the library wakes: in user space, if it may. */
static void wake(struct control *c, int fd, __u32 index)
{
	if (!fast_wake(c, index) && do_wake(fd, index, 1) < 0)
		fatal("WAKE failed");
}

static pid_t poller(int fd, short events)
{
	pid_t pid = spawn();

	if (!pid) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		CHECK(poll(&p, 1, -1) == 1);
		_exit(p.revents != events);
	}
	/* Within poll(), or ppoll() where there is no other. */
	UNTIL(state_of(pid) == 'S' || ended(pid));
	return pid;
}

TEST_F(watch, level)
{
	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(0, polled(self->fd, 0));
	wake(&self->c, self->other, 1);
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	ASSERT_EQ(1, do_moved(self->fd, self->q, 2));
	EXPECT_EQ(1, self->q[0].index);
	EXPECT_EQ(1, self->q[0].sequence);
	EXPECT_EQ(0, self->q[0].reserved);
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	ASSERT_EQ(0, do_watch(self->fd, 1, 1));
	EXPECT_EQ(0, polled(self->fd, 0));
	EXPECT_EQ(0, do_moved(self->fd, self->q, 2));
	/* What has passed already. */
	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	ASSERT_EQ(0, do_watch(self->fd, 1, ~0ULL));
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	EXPECT_EQ(0, polled(self->other, 0));
	ASSERT_EQ(0, do_unwatch(self->fd, 1));
	EXPECT_EQ(0, polled(self->fd, 0));
}

TEST_F(watch, wakes_are_the_kernels)
{
	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_FALSE(fast_wake(&self->c, 1));
	EXPECT_TRUE(fast_wake(&self->c, 2));
	EXPECT_EQ(0, do_wake(self->other, 1, 1));
	EXPECT_FALSE(fast_wake(&self->c, 1));
	ASSERT_EQ(0, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, new_eventfd(), 0));
	ASSERT_EQ(0, do_unwatch(self->fd, 1));
	EXPECT_FALSE(fast_wake(&self->c, 1));
	ASSERT_EQ(0, do_watch_flags(self->fd, SHMBUF_WATCH_REMOVE | SHMBUF_WATCH_EVENTFD, 1,
				    0, 0));
	EXPECT_TRUE(fast_wake(&self->c, 1));
	EXPECT_EQ(2, read_sequence(&self->c, 1));
}

TEST_F(watch, poll_wakes)
{
	pid_t pid;

	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	ASSERT_EQ(0, do_watch(self->fd, 5, 0));
	pid = poller(self->fd, POLLIN);
	wake(&self->c, self->other, 3);
	wake(&self->c, self->other, 5);
	EXPECT_EQ(0, reap(pid));
}

/* Who is in poll() already sees a queue that is watched, or watched anew, later. */
TEST_F(watch, watched_while_polled)
{
	pid_t pid = poller(self->fd, POLLIN);

	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	wake(&self->c, self->other, 1);
	EXPECT_EQ(0, reap(pid));
	ASSERT_EQ(0, do_watch(self->fd, 1, 1));
	pid = poller(self->fd, POLLIN);
	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(watch, moved_in_order)
{
	int victim;
	__u32 i;

	ASSERT_EQ(0, do_watch(self->fd, DEATHS, 0));
	for (i = QUEUES; i; i--)
		ASSERT_EQ(0, do_watch(self->fd, i, 0));
	for (i = 1; i <= QUEUES; i++)
		if (i % 2)
			wake(&self->c, self->other, i);
	EXPECT_EQ(QUEUES / 2, do_moved(self->fd, self->q, QUEUES + 2));
	for (i = 0; i < QUEUES / 2; i++) {
		EXPECT_EQ(2 * i + 1, self->q[i].index);
		EXPECT_EQ(1, self->q[i].sequence);
	}
	memset(self->q, 0x55, sizeof(self->q));
	EXPECT_EQ(3, do_moved(self->fd, self->q, 3));
	EXPECT_EQ(5, self->q[2].index);
	EXPECT_EQ(0x55555555, self->q[3].index);
	EXPECT_EQ(0, do_moved(self->fd, NULL, 0));
	EXPECT_EQ(-EFAULT, do_moved(self->fd, NULL, 1));
	EXPECT_EQ(17, do_moved(self->fd, self->q, 17));
	EXPECT_EQ(33, self->q[16].index);
	EXPECT_EQ(QUEUES / 2, do_moved(self->fd, self->q, ~0U));
	victim = open_buffer(self->name, O_RDWR);
	EXPECT_EQ(0, do_lock(victim, new_owner(victim), 0, 0, NEVER));
	close(victim);
	EXPECT_EQ(QUEUES / 2 + 1, do_moved(self->fd, self->q, QUEUES + 2));
	EXPECT_EQ(DEATHS, self->q[QUEUES / 2].index);
	EXPECT_EQ(1, self->q[QUEUES / 2].sequence);
}

TEST_F(watch, epoll_is_level_triggered)
{
	struct epoll_event e = { .events = EPOLLIN }, got[2];
	int epoll = epoll_create1(0);

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &e));
	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(0, epoll_wait(epoll, got, 2, 0));
	wake(&self->c, self->other, 1);
	EXPECT_EQ(1, epoll_wait(epoll, got, 2, -1));
	EXPECT_EQ(EPOLLIN, got[0].events);
	EXPECT_EQ(1, epoll_wait(epoll, got, 2, -1));
	ASSERT_EQ(0, do_watch(self->fd, 1, 1));
	EXPECT_EQ(0, epoll_wait(epoll, got, 2, 0));
	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(1, epoll_wait(epoll, got, 2, -1));
	close(epoll);
}

TEST_F(watch, deaths)
{
	int observer = open_buffer(self->name, O_RDONLY);
	int event = new_eventfd();
	pid_t pid, victim;

	ASSERT_EQ(0, do_watch(observer, DEATHS, 0));
	ASSERT_EQ(0, do_watch_flags(observer, SHMBUF_WATCH_EVENTFD, DEATHS, event, 0));
	pid = poller(observer, POLLIN);
	victim = spawn();
	if (!victim) {
		new_owner(self->fd);
		_exit(0);
	}
	EXPECT_EQ(0, reap(victim));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, signalled(event));
	EXPECT_EQ(1, do_moved(observer, self->q, 2));
	EXPECT_EQ(DEATHS, self->q[0].index);
	ASSERT_EQ(0, do_watch(observer, DEATHS, 1));
	EXPECT_EQ(0, polled(observer, 0));
	close(observer);
}

static void *leave_without_a_word(void *arg)
{
	new_owner(*(int *)arg);
	syscall(SYS_exit, 0);
	return NULL;
}

/* Nobody waits or calls: the watch alone keeps the sweep going. */
TEST_F(watch, death_of_a_thread)
{
	pthread_t thread;
	pid_t pid;

	ASSERT_EQ(0, do_watch(self->fd, DEATHS, 0));
	pid = poller(self->fd, POLLIN);
	ASSERT_EQ(0, pthread_create(&thread, NULL, leave_without_a_word, &self->other));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(watch, eventfd_counts_each_wake)
{
	int event = new_eventfd(), second = new_eventfd(), i;

	ASSERT_EQ(0, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, event, 0));
	EXPECT_EQ(-EEXIST, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, event, 0));
	EXPECT_EQ(-EEXIST, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, second, 0));
	/* Another handle's, and another queue's. */
	ASSERT_EQ(0, do_watch_flags(self->other, SHMBUF_WATCH_EVENTFD, 1, second, 0));
	ASSERT_EQ(0, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 2, second, 0));
	EXPECT_EQ(0, signalled(event));
	for (i = 0; i < 7; i++)
		wake(&self->c, self->other, 1);
	EXPECT_EQ(7, signalled(event));
	EXPECT_EQ(7, signalled(second));
	wake(&self->c, self->fd, 2);
	EXPECT_EQ(0, signalled(event));
	EXPECT_EQ(1, signalled(second));
	/* No poll watch of theirs. */
	EXPECT_EQ(0, polled(self->fd, 0));
	EXPECT_EQ(0, do_moved(self->fd, self->q, 2));
	EXPECT_EQ(-ENOENT, do_unwatch(self->fd, 1));
	ASSERT_EQ(0, do_watch_flags(self->fd, SHMBUF_WATCH_REMOVE | SHMBUF_WATCH_EVENTFD, 1,
				    0, 0));
	wake(&self->c, self->other, 1);
	EXPECT_EQ(0, signalled(event));
	EXPECT_EQ(1, signalled(second));
	close(self->fd);
	wake(&self->c, self->other, 2);
	EXPECT_EQ(0, signalled(second));
	self->fd = open_buffer(self->name, O_RDWR);
}

TEST_F(watch, eventfd_closed_before)
{
	int event = new_eventfd(), kept = dup(event);

	ASSERT_EQ(0, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, event, 0));
	close(event);
	wake(&self->c, self->other, 1);
	EXPECT_EQ(1, signalled(kept));
	close(kept);
	wake(&self->c, self->other, 1);
	EXPECT_EQ(2, read_sequence(&self->c, 1));
}

/* More than one batch of watchers for one queue. */
#define HANDLES	50

TEST_F(watch, many_handles)
{
	int event = new_eventfd(), fds[HANDLES], i;

	for (i = 0; i < HANDLES; i++) {
		fds[i] = open_buffer(self->name, i % 2 ? O_RDONLY : O_RDWR);
		ASSERT_EQ(0, do_watch(fds[i], 1, 0));
		ASSERT_EQ(0, do_watch_flags(fds[i], SHMBUF_WATCH_EVENTFD, 1, event, 0));
	}
	wake(&self->c, self->other, 1);
	EXPECT_EQ(HANDLES, signalled(event));
	for (i = 0; i < HANDLES; i++) {
		EXPECT_EQ(POLLIN, polled(fds[i], 0));
		close(fds[i]);
	}
	EXPECT_TRUE(fast_wake(&self->c, 1) || fast_wake(&self->c, 1));
}

/* Beside sleepers, each gets what is his. */
TEST_F(watch, with_sleepers)
{
	pid_t pid = spawn();
	__u64 sequence = 0;

	if (!pid)
		_exit(do_wait(self->other, 1, &sequence, NEVER));
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_FALSE(fast_wake(&self->c, 1));
	EXPECT_EQ(1, do_wake(self->other, 1, 1));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	pid = spawn();
	if (!pid) {
		sequence = 1;
		_exit(do_wait(self->other, 1, &sequence, NEVER));
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_WAIT));
	ASSERT_EQ(0, do_unwatch(self->fd, 1));
	EXPECT_FALSE(fast_wake(&self->c, 1));
	EXPECT_EQ(1, do_wake(self->other, 1, 1));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(watch, closed_while_polled)
{
	struct epoll_event e = { .events = EPOLLIN }, got;
	int copy = dup(self->fd), epoll = epoll_create1(0);
	pid_t pid;

	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &e));
	/* The duplicate keeps the handle: nothing ends. */
	close(self->fd);
	wake(&self->c, self->other, 1);
	EXPECT_EQ(1, epoll_wait(epoll, &got, 1, -1));
	ASSERT_EQ(0, do_watch(copy, 1, 1));
	pid = poller(copy, POLLIN);
	close(copy);
	/* In poll() of another process it lives on. */
	wake(&self->c, self->other, 1);
	EXPECT_EQ(0, reap(pid));
	UNTIL(fast_wake(&self->c, 1) || do_wake(self->other, 1, 1) < 0);
	EXPECT_EQ(0, epoll_wait(epoll, &got, 1, 0));
	close(epoll);
	self->fd = open_buffer(self->name, O_RDWR);
}

TEST_F(watch, killed_poller)
{
	pid_t pid;

	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	pid = poller(self->fd, POLLIN);
	EXPECT_EQ(128 + SIGKILL, kill_and_reap(pid));
	wake(&self->c, self->other, 1);
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
}

/* A child of fork has the same handle; one that watches by its own leaves nothing. */
TEST_F(watch, fork)
{
	int event = new_eventfd();
	pid_t pid = spawn();

	if (!pid) {
		int own = open_buffer(self->name, O_RDONLY);

		CHECK(!do_watch(self->fd, 1, 0));
		CHECK(!do_watch(own, 2, 0));
		CHECK(!do_watch_flags(own, SHMBUF_WATCH_EVENTFD, 2, event, 0));
		raise(SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, reap(pid));
	EXPECT_TRUE(fast_wake(&self->c, 2));
	EXPECT_FALSE(fast_wake(&self->c, 1));
	EXPECT_EQ(0, do_wake(self->other, 1, 1));
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	EXPECT_EQ(0, signalled(event));
}

TEST_F(watch, reset)
{
	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(-EBUSY, do_reset(self->other, 1, 1));
	EXPECT_EQ(-EBUSY, do_reset(self->other, 1, 2));
	wake(&self->c, self->other, 1);
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	ASSERT_EQ(0, do_unwatch(self->fd, 1));
	EXPECT_EQ(0, do_reset(self->other, 1, 1));
	EXPECT_EQ(-EINVAL, do_watch(self->fd, 1, 0));
	ASSERT_EQ(0, do_init(self->other, 1, 1, SHMBUF_KIND_QUEUE, 7));
	ASSERT_EQ(0, do_watch(self->fd, 1, 7));
	EXPECT_EQ(0, polled(self->fd, 0));
}

/* A peer that writes over the word hides nothing from who watches, for long. */
TEST_F(watch, hostile_word)
{
	int event = new_eventfd();
	pid_t pid;

	ASSERT_EQ(0, do_watch(self->fd, 1, 0));
	ASSERT_EQ(0, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, event, 0));
	pid = poller(self->fd, POLLIN);
	write_word(&self->c, 1, shmbuf_queue_word(5, 0));
	EXPECT_EQ(0, reap(pid));
	UNTIL(signalled(event));
	EXPECT_EQ(1, do_moved(self->fd, self->q, 1));
	EXPECT_EQ(5, self->q[0].sequence);
	/* WAITERS comes back, so that the next wake is seen. */
	UNTIL(read_word(&self->c, 1) & SHMBUF_WORD_WAITERS);
	ASSERT_EQ(0, do_watch(self->fd, 1, 5));
	write_word(&self->c, 1, ~0ULL);
	pid = poller(self->fd, POLLIN);
	write_word(&self->c, 1, 0);
	EXPECT_EQ(0, reap(pid));
	write_word(&self->c, 1, SHMBUF_WORD_UNUSED);
	EXPECT_EQ(POLLIN, polled(self->fd, 0));
	ASSERT_EQ(0, do_unwatch(self->fd, 1));
}

/* Said by a peer, or by who left in the midst of INIT. */
TEST_F(watch, a_word_says_unused)
{
	write_word(&self->c, 1, SHMBUF_WORD_UNUSED);
	EXPECT_EQ(-EINVAL, do_watch(self->fd, 1, 0));
	EXPECT_EQ(SHMBUF_WORD_UNUSED, read_word(&self->c, 1));
	write_word(&self->c, 1, 0);
	EXPECT_EQ(0, do_watch(self->fd, 1, 0));
}

TEST_F(watch, errors)
{
	int event = new_eventfd(), fd = open_device(O_RDWR);
	const __u32 both = SHMBUF_WATCH_REMOVE | SHMBUF_WATCH_EVENTFD;

	EXPECT_EQ(POLLERR, polled(fd, 0));
	EXPECT_EQ(-ENOTCONN, do_watch(fd, 1, 0));
	EXPECT_EQ(-ENOTCONN, do_moved(fd, self->q, 1));
	EXPECT_EQ(-EINVAL, do_watch(self->fd, LOCK, 0));
	EXPECT_EQ(-EINVAL, do_watch(self->fd, QUEUES + 1, 0));
	EXPECT_EQ(-EINVAL, do_watch(self->fd, QUEUES + 2, 0));
	EXPECT_EQ(-EINVAL, do_watch(self->fd, DEATHS - 1, 0));
	EXPECT_EQ(-EINVAL, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, LOCK, event, 0));
	EXPECT_EQ(-EINVAL, do_watch_flags(self->fd, 0, 1, event, 0));
	EXPECT_EQ(-EINVAL, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, event, 1));
	EXPECT_EQ(-EINVAL, do_watch_flags(self->fd, SHMBUF_WATCH_REMOVE, 1, event, 0));
	EXPECT_EQ(-EINVAL, do_watch_flags(self->fd, SHMBUF_WATCH_REMOVE, 1, 0, 1));
	EXPECT_EQ(-EINVAL, do_watch_flags(self->fd, both, 1, event, 0));
	EXPECT_EQ(-EBADF, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, -1, 0));
	EXPECT_EQ(-EBADF, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, 9999, 0));
	EXPECT_EQ(-EINVAL, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, self->fd, 0));
	EXPECT_EQ(-ENOENT, do_unwatch(self->fd, 1));
	EXPECT_EQ(-ENOENT, do_watch_flags(self->fd, both, 1, 0, 0));
	EXPECT_EQ(-ENOENT, do_unwatch(self->fd, DEATHS - 1));
	EXPECT_TRUE(fast_wake(&self->c, 1));
	ASSERT_EQ(0, do_create(fd, NULL, 0, 1, 0, 1, 0));
	EXPECT_EQ(0, polled(fd, 0));
	close(fd);
}

TEST_F(watch, limit)
{
	__u64 limit = get_parameter("max_user_claims");
	int event = new_eventfd();

	set_parameter("max_user_claims", 2);
	EXPECT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(0, do_watch_flags(self->fd, SHMBUF_WATCH_EVENTFD, 1, event, 0));
	EXPECT_EQ(-EDQUOT, do_watch(self->fd, 2, 0));
	EXPECT_EQ(-EDQUOT, do_watch_flags(self->other, SHMBUF_WATCH_EVENTFD, 1, event, 0));
	EXPECT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(0, do_unwatch(self->fd, 1));
	EXPECT_EQ(0, do_watch(self->fd, 2, 0));
	close(self->fd);
	self->fd = open_buffer(self->name, O_RDWR);
	EXPECT_EQ(0, do_watch(self->fd, 1, 0));
	EXPECT_EQ(0, do_watch(self->fd, 2, 0));
	EXPECT_EQ(-EDQUOT, do_watch(self->fd, 3, 0));
	set_parameter("max_user_claims", limit);
}

/* Handles come and go while the queue is woken: no watcher is used after its end. */
TEST_F(watch, storm)
{
	__u64 end = now() + NSEC_PER_SEC;
	pid_t pids[4];
	int i;

	for (i = 0; i < 4; i++) {
		pids[i] = spawn();
		if (pids[i])
			continue;
		self->c = map_control(self->other, PROT_READ | PROT_WRITE);
		while (now() < end) {
			int fd, event;

			if (i < 2) {
				wake(&self->c, self->other, 1);
				continue;
			}
			fd = open_buffer(self->name, O_RDONLY);
			event = new_eventfd();
			CHECK(!do_watch(fd, 1, read_sequence(&self->c, 1)));
			CHECK(!do_watch_flags(fd, SHMBUF_WATCH_EVENTFD, 1, event, 0));
			polled(fd, 1);
			close(event);
			close(fd);
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_TRUE(fast_wake(&self->c, 1) || fast_wake(&self->c, 1));
}

TEST_HARNESS_MAIN
