// SPDX-License-Identifier: GPL-2.0-only
/* Rows of readers' counts: mapping, counting in user space, death, and scribbling. */
#include "shmbuf_test.h"

#define SHARED	SHMBUF_LOCK_SHARED

static __u64 value(const __u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

FIXTURE(rows)
{
	int fd;
	__u64 owner, other;
	struct control c;
	__u64 *row;
	size_t page;
};

FIXTURE_SETUP(rows)
{
	self->fd = new_buffer(NULL, 1200, 0, 0);
	self->owner = new_owner(self->fd);
	self->other = new_owner(self->fd);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
	self->row = map_row(self->fd, self->owner);
	self->page = sysconf(_SC_PAGESIZE);
}

FIXTURE_TEARDOWN(rows)
{
	close(self->fd);
}

TEST_F(rows, counted_in_user_space)
{
	EXPECT_EQ(false, fast_read(self->row, 0));
	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(shmbuf_row_entry(0) + 1, self->row[0]);
	EXPECT_EQ(true, fast_read(self->row, 0));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	EXPECT_EQ(true, fast_unread(self->row, 0));
	EXPECT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(true, fast_unread(self->row, 0));
	EXPECT_EQ(false, fast_unread(self->row, 0));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
	/* A writer closes it, and opens it again. */
	EXPECT_EQ(0, do_trylock(self->fd, self->other, 0));
	EXPECT_EQ(false, fast_read(self->row, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->other, 0));
	EXPECT_EQ(shmbuf_row_entry(0), self->row[0]);
	EXPECT_EQ(0, do_tryread(self->fd, self->owner, 0));
	EXPECT_EQ(true, fast_read(self->row, 0));
	EXPECT_EQ((shmbuf_row_entry(0) | SHMBUF_ROW_USED) + 2, self->row[0]);
}

/* Whatever its owner calls meanwhile: else a writer would wait for ever. */
TEST_F(rows, revoked_while_a_writer_waits)
{
	pid_t pid;

	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	pid = spawn();
	if (!pid) {
		CHECK(do_lock(self->fd, new_owner(self->fd), 0, 0, NEVER) == 0);
		_exit(0);
	}
	UNTIL(asleep_in(pid, SHMBUF_IOC_LOCK));
	EXPECT_EQ(false, fast_read(self->row, 0));
	EXPECT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(false, fast_read(self->row, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(false, fast_read(self->row, 0));
	EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
	EXPECT_EQ(0, reap(pid));
}

/* The kernel takes over a count that user space made, also if it was mapped late. */
TEST_F(rows, mapped_while_reading)
{
	__u64 *row;

	ASSERT_EQ(0, do_read(self->fd, self->other, 7, 0, NEVER));
	row = map_row(self->fd, self->other);
	EXPECT_EQ(false, fast_read(row, 7));
	EXPECT_EQ(0, do_read(self->fd, self->other, 7, 0, NEVER));
	EXPECT_EQ(true, fast_read(row, 7));
	EXPECT_EQ(true, fast_unread(row, 7));
	EXPECT_EQ(true, fast_unread(row, 7));
	EXPECT_EQ(false, fast_unread(row, 7));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 7));
	EXPECT_EQ(0, do_unlock(self->fd, self->other, 7));
	EXPECT_EQ(-EPERM, do_unlock(self->fd, self->other, 7));
	/* Unmapped, it is counted on. */
	EXPECT_EQ(0, do_read(self->fd, self->other, 7, 0, NEVER));
	EXPECT_EQ(0, munmap(row, self->page));
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 7));
	EXPECT_EQ(0, do_unlock(self->fd, self->other, 7));
	EXPECT_EQ(0, do_trylock(self->fd, self->owner, 7));
}

TEST_F(rows, locks_that_meet_in_an_entry)
{
	static const __u32 locks[] = { 3, 3 + 512, 3 + 1024 };
	int i, k;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, do_read(self->fd, self->owner, locks[i], 0, NEVER));
	EXPECT_EQ(true, fast_read(self->row, 3));
	EXPECT_EQ(false, fast_read(self->row, 3 + 512));
	EXPECT_EQ(true, fast_unread(self->row, 3));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, locks[i]));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, locks[i]));
		EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, locks[i]));
		EXPECT_EQ(0, do_trylock(self->fd, self->other, locks[i]));
		EXPECT_EQ(0, do_unlock(self->fd, self->other, locks[i]));
	}
	/* In turn, the entry goes to who reads. */
	for (k = 0; k < 4; k++) {
		for (i = 0; i < 3; i++) {
			ASSERT_EQ(0, do_read(self->fd, self->owner, locks[i], 0, NEVER));
			EXPECT_EQ(true, fast_read(self->row, locks[i]));
			EXPECT_EQ(true, fast_unread(self->row, locks[i]));
			EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, locks[i]));
			EXPECT_EQ(true, fast_unread(self->row, locks[i]));
		}
	}
	for (i = 0; i < 1200; i++)
		ASSERT_EQ(0, do_read(self->fd, self->owner, i, 0, NEVER));
	for (i = 0; i < 1200; i++)
		ASSERT_EQ(-EBUSY, do_trylock(self->fd, self->other, i));
	for (i = 0; i < 1200; i++)
		ASSERT_EQ(true, fast_unread(self->row, i) ||
			  !do_unlock(self->fd, self->owner, i));
	for (i = 0; i < 1200; i++)
		ASSERT_EQ(0, do_trylock(self->fd, self->other, i));
}

static int map_errno(int fd, size_t size, int prot, int flags, __u64 offset)
{
	void *p = mmap(NULL, size, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, size);
	return 0;
}

TEST_F(rows, mmap_errors)
{
	const int rw = PROT_READ | PROT_WRITE;
	__u64 gone = new_owner(self->fd), offset = row_offset(self->owner);
	char name[64];
	int fd, named;
	pid_t pid;

	EXPECT_EQ(0, map_errno(self->fd, self->page, rw, MAP_SHARED, offset));
	EXPECT_EQ(0, map_errno(self->fd, self->page, rw, MAP_SHARED | MAP_POPULATE, offset));
	EXPECT_EQ(-EINVAL, map_errno(self->fd, self->page, rw, MAP_PRIVATE, offset));
	EXPECT_EQ(-EINVAL, map_errno(self->fd, 2 * self->page, rw, MAP_SHARED, offset));
	EXPECT_EQ(-EPERM, map_errno(self->fd, self->page, rw | PROT_EXEC, MAP_SHARED, offset));
	EXPECT_EQ(0, do_unregister(self->fd, gone));
	EXPECT_EQ(-EPERM, map_errno(self->fd, self->page, rw, MAP_SHARED, row_offset(gone)));
	EXPECT_EQ(-EPERM, map_errno(self->fd, self->page, rw, MAP_SHARED, SHMBUF_ROW_OFFSET));
	EXPECT_EQ(-EPERM, map_errno(self->fd, self->page, rw, MAP_SHARED,
				    row_offset(SHMBUF_OWNER_SLOT_MASK)));
	EXPECT_EQ(-EINVAL, map_errno(self->fd, self->page, rw, MAP_SHARED,
				     row_offset(SHMBUF_OWNER_SLOT_MASK) + self->page));
	fd = open_device(O_RDWR);
	EXPECT_EQ(-ENOTCONN, map_errno(fd, self->page, rw, MAP_SHARED, offset));
	EXPECT_EQ(0, do_create(fd, NULL, 0, 4096, 1, 0, 0));
	EXPECT_EQ(-EPERM, map_errno(fd, self->page, rw, MAP_SHARED, offset));
	close(fd);
	named = new_buffer(new_name(name), 1, 0, 0);
	gone = new_owner(named);
	fd = open_buffer(name, O_RDONLY);
	EXPECT_EQ(-EACCES, map_errno(fd, self->page, PROT_READ, MAP_SHARED, row_offset(gone)));
	EXPECT_EQ(-EACCES, map_errno(fd, self->page, rw, MAP_SHARED, row_offset(gone)));
	close(fd);
	close(named);
	pid = spawn();
	if (!pid)
		_exit(-map_errno(self->fd, self->page, rw, MAP_SHARED, offset));
	EXPECT_EQ(EPERM, reap(pid));
	EXPECT_EQ(-1, mprotect(self->row, self->page, PROT_READ | PROT_EXEC));
	EXPECT_EQ(MAP_FAILED, mremap(self->row, self->page, 2 * self->page, MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mremap(self->row, self->page, self->page,
				     MREMAP_MAYMOVE | MREMAP_FIXED, (char *)self->row + (1 << 30)));
}

/* A child has no row of its parent's, and the mapping outlives owner and handle. */
TEST_F(rows, mapping_alone)
{
	pid_t pid;

	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	madvise(self->row, self->page, MADV_DOFORK);
	pid = spawn();
	if (!pid)
		_exit(value(self->row) != 0);
	EXPECT_LE(128 + SIGBUS, reap(pid));
	EXPECT_EQ(0, do_unregister(self->fd, self->owner));
	UNTIL(do_trylock(self->fd, self->other, 0) == 0);
	self->row[0] = ~0ULL;
	self->row[511] = 1;
	close(self->fd);
	EXPECT_EQ(~0ULL, self->row[0]);
	EXPECT_EQ(0, munmap(self->row, self->page));
	self->fd = open_device(O_RDWR);
}

/* What somebody writes to his own row by force is his own loss. */
TEST_F(rows, scribbled)
{
	static const __u64 junk[] = {
		0, ~0ULL, 1, SHMBUF_ROW_REVOKED, SHMBUF_ROW_OPEN,
		SHMBUF_ROW_OPEN | 512ULL << SHMBUF_ROW_INDEX_SHIFT,
		SHMBUF_ROW_OPEN | 513ULL << SHMBUF_ROW_INDEX_SHIFT,
		SHMBUF_ROW_OPEN | ~0U * 1ULL << SHMBUF_ROW_INDEX_SHIFT,
		SHMBUF_ROW_OPEN | 1ULL << 57,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(junk); i++) {
		ASSERT_EQ(0, do_read(self->fd, self->owner, 512, 0, NEVER));
		ASSERT_EQ(0, do_unlock(self->fd, self->owner, 512));
		ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
		self->row[0] = junk[i];
		/* Its count is lost, the lock isn't. */
		EXPECT_EQ(-EPERM, do_unlock(self->fd, self->owner, 0));
		ASSERT_EQ(0, do_trylock(self->fd, self->other, 0));
		ASSERT_EQ(0, do_unlock(self->fd, self->other, 0));
		ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
		EXPECT_EQ(true, fast_read(self->row, 0));
		EXPECT_EQ(true, fast_unread(self->row, 0));
		EXPECT_EQ(true, fast_unread(self->row, 0));
	}
	/* A count that was forged holds the lock as long as its owner lives. */
	ASSERT_EQ(0, do_read(self->fd, self->owner, 0, 0, NEVER));
	self->row[0] |= SHMBUF_ROW_COUNT_MASK;
	EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->other, 0));
	EXPECT_EQ(false, fast_read(self->row, 0));
	EXPECT_EQ(-EOVERFLOW, do_read(self->fd, self->owner, 0, 0, NEVER));
	EXPECT_EQ(0, do_unregister(self->fd, self->owner));
	UNTIL(do_trylock(self->fd, self->other, 0) == 0);
}

/* How a reader ends */
enum how { EXIT, KILL, EXEC, THREAD, RELEASE, UNREGISTER };

FIXTURE(death)
{
	int fd;
	__u64 owner;
};

FIXTURE_VARIANT(death)
{
	enum how how;
	bool rows;
	int count;
};

FIXTURE_VARIANT_ADD(death, exit) { EXIT, true, 1 };
FIXTURE_VARIANT_ADD(death, kill_1) { KILL, true, 1 };
FIXTURE_VARIANT_ADD(death, kill_3) { KILL, true, 3 };
FIXTURE_VARIANT_ADD(death, kill_ioctl) { KILL, false, 2 };
FIXTURE_VARIANT_ADD(death, exec) { EXEC, true, 1 };
FIXTURE_VARIANT_ADD(death, exec_ioctl) { EXEC, false, 1 };
FIXTURE_VARIANT_ADD(death, thread) { THREAD, true, 3 };
FIXTURE_VARIANT_ADD(death, thread_ioctl) { THREAD, false, 1 };
FIXTURE_VARIANT_ADD(death, release) { RELEASE, true, 3 };
FIXTURE_VARIANT_ADD(death, release_ioctl) { RELEASE, false, 1 };
FIXTURE_VARIANT_ADD(death, unregister) { UNREGISTER, true, 2 };

FIXTURE_SETUP(death)
{
	char name[64];

	self->fd = new_buffer(new_name(name), 1, 0, 0);
	self->owner = new_owner(self->fd);
}

FIXTURE_TEARDOWN(death)
{
	close(self->fd);
}

struct reader {
	int fd, count, reads, go;
	bool rows;
	enum how how;
	__u64 owner, *row;
};

static void read_and_wait(struct reader *r)
{
	int i;

	r->owner = new_owner(r->fd);
	r->row = r->rows ? map_row(r->fd, r->owner) : NULL;
	for (i = 0; i < r->count; i++)
		CHECK((r->row && fast_read(r->row, 0)) ||
		      !do_read(r->fd, r->owner, 0, 0, NEVER));
	__atomic_store_n(&r->reads, 1, __ATOMIC_SEQ_CST);
	UNTIL(__atomic_load_n(&r->go, __ATOMIC_SEQ_CST));
}

static void *read_in_thread(void *arg)
{
	read_and_wait(arg);
	syscall(SYS_exit, 0);
	return NULL;
}

static void reader_main(struct reader *r)
{
	pthread_t thread;

	if (r->how == THREAD) {
		CHECK(!pthread_create(&thread, NULL, read_in_thread, r));
		for (;;)
			pause();
	}
	read_and_wait(r);
	if (r->how == EXEC)
		exec_idle();
	if (r->how == UNREGISTER)
		CHECK(!do_unregister(r->fd, r->owner));
	if (r->how == RELEASE) {
		/* A mapping keeps the handle. */
		if (r->row)
			munmap(r->row, sysconf(_SC_PAGESIZE));
		close(r->fd);
	}
	if (r->how != EXIT)
		for (;;)
			pause();
	_exit(0);
}

static int reopen(int fd)
{
	struct shmbuf_query query = {};
	char name[256];

	query.name = address(name);
	query.name_size = sizeof(name);
	CHECK(!do_query(fd, &query));
	return open_buffer(name, O_RDWR);
}

static pid_t start_reader(struct reader *r, int fd)
{
	pid_t pid = spawn();

	if (!pid) {
		r->fd = reopen(fd);
		close(fd);
		reader_main(r);
	}
	UNTIL(__atomic_load_n(&r->reads, __ATOMIC_SEQ_CST));
	return pid;
}

TEST_F(death, reader_never_blocks_a_writer)
{
	int waits;

	for (waits = 0; waits < 2; waits++) {
		struct reader *r = shared_memory(4096);
		pid_t pid, writer = 0;

		r->rows = variant->rows;
		r->count = variant->count;
		r->how = variant->how;
		pid = start_reader(r, self->fd);
		EXPECT_EQ(-EBUSY, do_trylock(self->fd, self->owner, 0));
		if (waits) {
			writer = spawn();
			if (!writer) {
				__u64 owner = new_owner(self->fd);

				CHECK(do_lock(self->fd, owner, 0, 0, now() + PATIENCE) == 0);
				_exit(-do_unlock(self->fd, owner, 0));
			}
			UNTIL(asleep_in(writer, SHMBUF_IOC_LOCK));
		}
		if (variant->how == KILL)
			kill(pid, SIGKILL);
		__atomic_store_n(&r->go, 1, __ATOMIC_SEQ_CST);
		if (waits)
			EXPECT_EQ(0, reap(writer));
		/* Nobody hears of it. */
		EXPECT_EQ(0, do_lock(self->fd, self->owner, 0, waits ? 0 : SHMBUF_LOCK_NOSPIN,
				     now() + PATIENCE));
		EXPECT_EQ(0, do_unlock(self->fd, self->owner, 0));
		kill_and_reap(pid);
	}
}

/* Writers make two numbers equal, readers see them equal, all ways mixed. */
FIXTURE(mix)
{
	int fd;
	struct control c;
};

FIXTURE_VARIANT(mix)
{
	int readers, writers, killed;
};

FIXTURE_VARIANT_ADD(mix, r2_w1) { 2, 1, 0 };
FIXTURE_VARIANT_ADD(mix, r8_w2) { 8, 2, 0 };
FIXTURE_VARIANT_ADD(mix, r4_w6) { 4, 6, 0 };
FIXTURE_VARIANT_ADD(mix, storm) { 6, 3, 300 };

FIXTURE_SETUP(mix)
{
	self->fd = new_buffer(NULL, 4, 0, 0);
	self->c = map_control(self->fd, PROT_READ | PROT_WRITE);
}

FIXTURE_TEARDOWN(mix)
{
	close(self->fd);
}

struct numbers {
	__u64 a[4], pad[60], b[4];
	__u64 reads, writes;
};

static void read_mixed(int fd, struct numbers *n, unsigned int seed, int rounds)
{
	__u64 owner = new_owner(fd), *row = seed & 1 ? map_row(fd, owner) : NULL;

	for (; rounds; rounds--) {
		unsigned int what = rand_r(&seed), i = what >> 8 & 3;
		bool twice = !(what & 0xf0);
		int ret;

		if (!row || !(what & 0x7000) || !fast_read(row, i)) {
			ret = do_read(fd, owner, i, what & 0xc0 ? 0 : SHMBUF_LOCK_NOSPIN, NEVER);
			CHECK(!ret || ret == -EOWNERDEAD);
			if (ret) {
				n->b[i] = n->a[i];
				CHECK(!do_consistent(fd, owner, i));
				CHECK(!do_downgrade(fd, owner, i));
			}
		}
		if (twice)
			CHECK((row && fast_read(row, i)) || !do_read(fd, owner, i, 0, NEVER));
		CHECK(value(&n->a[i]) == value(&n->b[i]));
		if (twice)
			CHECK((row && fast_unread(row, i)) || !do_unlock(fd, owner, i));
		CHECK((row && fast_unread(row, i)) || !do_unlock(fd, owner, i));
		__atomic_add_fetch(&n->reads, 1, __ATOMIC_RELAXED);
	}
}

static void write_mixed(int fd, const struct control *c, struct numbers *n, unsigned int seed,
			int rounds)
{
	__u64 owner = new_owner(fd);

	for (; rounds; rounds--) {
		unsigned int what = rand_r(&seed), i = what >> 8 & 3;

		if (!fast_lock(c, owner, i)) {
			int ret = do_lock(fd, owner, i, what & 0x10 ? 0 : SHMBUF_LOCK_NOSPIN,
					  what & 0x60 ? NEVER : now() + 200000);

			if (ret == -ETIMEDOUT)
				continue;
			CHECK(!ret || ret == -EOWNERDEAD);
			if (ret) {
				n->b[i] = n->a[i];
				CHECK(!do_consistent(fd, owner, i));
			}
		}
		__atomic_store_n(&n->a[i], n->a[i] + 1, __ATOMIC_RELAXED);
		if (!(what & 0xf000))
			sched_yield();
		__atomic_store_n(&n->b[i], n->b[i] + 1, __ATOMIC_RELAXED);
		if (!(what & 0x30000)) {
			CHECK(!do_downgrade(fd, owner, i));
			CHECK(value(&n->a[i]) == value(&n->b[i]));
			CHECK(!do_unlock(fd, owner, i));
		} else {
			CHECK(fast_unlock(c, owner, i) || !do_unlock(fd, owner, i));
		}
		__atomic_add_fetch(&n->writes, 1, __ATOMIC_RELAXED);
	}
}

static pid_t start_mixed(int fd, struct numbers *n, int k, int readers, int rounds,
			 unsigned int seed)
{
	pid_t pid = spawn();

	if (!pid) {
		struct control c = map_control(fd, PROT_READ | PROT_WRITE);

		if (k < readers)
			read_mixed(fd, n, seed * 2 + (k & 1), rounds);
		else
			write_mixed(fd, &c, n, seed, rounds);
		_exit(0);
	}
	return pid;
}

TEST_F(mix, readers_see_what_writers_left)
{
	int i, k, parties = variant->readers + variant->writers;
	int rounds = variant->killed ? INT_MAX : fewer(1500);
	struct numbers *n = shared_memory(4096);
	unsigned int seed = getpid();
	pid_t pids[16];
	__u64 owner;

	for (i = 0; i < parties; i++)
		pids[i] = start_mixed(self->fd, n, i, variant->readers, rounds, i + 1);
	for (k = 0; k < fewer(variant->killed); k++) {
		i = rand_r(&seed) % parties;
		usleep(rand_r(&seed) % 4000);
		ASSERT_EQ(128 + SIGKILL, kill_and_reap(pids[i]));
		pids[i] = start_mixed(self->fd, n, i, variant->readers, rounds, k + 20);
	}
	for (i = 0; i < parties; i++)
		EXPECT_EQ(variant->killed ? 128 + SIGKILL : 0,
			  variant->killed ? kill_and_reap(pids[i]) : reap(pids[i]));
	owner = new_owner(self->fd);
	for (i = 0; i < 4; i++) {
		int ret = do_lock(self->fd, owner, i, 0, NEVER);

		EXPECT_EQ(true, !ret || ret == -EOWNERDEAD);
		if (!ret)
			EXPECT_EQ(n->a[i], n->b[i]);
	}
	EXPECT_LT(0, n->reads);
	EXPECT_LT(0, n->writes);
}

/* A peer that writes over the words, and one over its row: who they harm can be killed. */
TEST_F(mix, vandals)
{
	struct numbers *n = shared_memory(4096);
	unsigned int seed = getpid();
	int i, k, fd = self->fd;
	pid_t pids[8];

	for (i = 0; i < 8; i++) {
		pids[i] = spawn();
		if (pids[i])
			continue;
		for (seed = i + 1;;) {
			__u64 owner = new_owner(fd), *row = map_row(fd, owner);

			for (k = 0; k < 200; k++) {
				unsigned int what = rand_r(&seed), l = what >> 8 & 3;
				__u64 junk = (__u64)rand_r(&seed) << 33 ^ rand_r(&seed);
				__u64 flags = what & 64 ? ~0ULL : 3ULL << 62 | 1ULL << 58;
				__u64 flip = 1ULL << (what >> 16 & 63);

				if (i < 2)
					write_word(&self->c, l, junk & flags);
				else if (i < 4 && (what & 3))
					*entry_of(row, l) = what & 64 ? junk :
									*entry_of(row, l) ^ flip;
				do_lock(fd, owner, l, what & SHARED, now() + 100000);
				if (what & 128)
					do_downgrade(fd, owner, l);
				do_unlock(fd, owner, l);
				__atomic_add_fetch(&n->reads, 1, __ATOMIC_RELAXED);
			}
			do_unregister(fd, owner);
			munmap(row, sysconf(_SC_PAGESIZE));
		}
	}
	UNTIL(__atomic_load_n(&n->reads, __ATOMIC_SEQ_CST) > (unsigned int)fewer(20000));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(128 + SIGKILL, kill_and_reap(pids[i]));
}

TEST_HARNESS_MAIN
