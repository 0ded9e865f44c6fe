// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of release 1.0: each call and struct, by the header beside it. It is never changed, and
 * each later module has to do what it asks for. Prints TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/shmbuf.h>
#include <linux/shmbuf_word.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME	"abi-1.0"
#define NEVER	SHMBUF_DEADLINE_NEVER
#define PAGE	4096
#define ADDRESS(p)	((__u64)(uintptr_t)(p))

enum { LOCK, QUEUE, SEM, BARRIER, FREE, NR_OBJECTS };

static int tests, failed, spoilt;

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

/* With a copy of the argument, so that what is written behind it is seen. */
static int call(int fd, unsigned long command, void *argument)
{
	size_t size = *(__u32 *)argument, i;
	__u64 copy[PAGE / 8];
	unsigned char *bytes = (unsigned char *)copy;
	int ret;

	memset(bytes, 0xa5, sizeof(copy));
	memcpy(bytes, argument, size);
	ret = ioctl(fd, command, bytes);
	ret = ret < 0 ? -errno : ret;
	memcpy(argument, bytes, size);
	for (i = size; i < sizeof(copy); i++)
		spoilt |= bytes[i] != 0xa5;
	return ret;
}

#define CALL(fd, command, type, ...)	\
	call(fd, SHMBUF_IOC_##command, &(struct type) { .size = sizeof(struct type), __VA_ARGS__ })

static int create(int fd)
{
	const struct shmbuf_range ranges[] = {
		{ .first = LOCK, .count = 1, .kind = SHMBUF_KIND_LOCK },
		{ .first = QUEUE, .count = 1, .kind = SHMBUF_KIND_QUEUE, .value = 7 },
		{ .first = SEM, .count = 1, .kind = SHMBUF_KIND_SEMAPHORE, .value = 1 },
		{ .first = BARRIER, .count = 1, .kind = SHMBUF_KIND_BARRIER, .value = 1 },
	};

	return CALL(fd, CREATE, shmbuf_create, .flags = SHMBUF_CREATE_EXCL,
		    .name = ADDRESS(NAME), .name_len = strlen(NAME), .mode = 0640,
		    .data_size = PAGE, .max_size = 2 * PAGE, .nr_objects = NR_OBJECTS,
		    .layout = SHMBUF_LAYOUT_SPREAD, .ranges = ADDRESS(ranges), .nr_ranges = 4);
}

static void buffer(int fd)
{
	struct shmbuf_range range = { .first = FREE, .count = 1, .kind = SHMBUF_KIND_LOCK };
	int other = open("/dev/shmbuf", O_RDONLY);

	expect("CREATE", 0, create(fd));
	expect("OPEN", 0, CALL(other, OPEN, shmbuf_name, .name = ADDRESS(NAME),
			       .name_len = strlen(NAME)));
	close(other);
	expect("INIT", 0, CALL(fd, INIT, shmbuf_init, .range = range));
	range.kind = 0;
	expect("RESET", 0, CALL(fd, RESET, shmbuf_init, .range = range));
	expect("GROW", 0, CALL(fd, GROW, shmbuf_grow, .data_size = 2 * PAGE));
	expect("SEAL", 0, CALL(fd, SEAL, shmbuf_seal, .seals = SHMBUF_SEAL_EXEC));
}

/* The words, which user space changes without the kernel, where QUERY says that they are. */
static void words(int fd, __u64 id)
{
	struct shmbuf_area areas[4] = {};
	struct shmbuf_query query = {
		.size = sizeof(query), .areas = ADDRESS(areas), .nr_areas = 4,
	};
	__u64 size = 0, offset = 0, new = 0, old, *word;
	char *control;
	__u32 i;

	expect("QUERY", 0, call(fd, SHMBUF_IOC_QUERY, &query));
	expect("... the buffer's size", 2 * PAGE, query.data_size);
	for (i = 0; i < query.nr_areas && i < 4; i++) {
		if (areas[i].type == SHMBUF_AREA_CONTROL) {
			offset = areas[i].offset;
			size = areas[i].size;
		}
	}
	control = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	expect("mmap of the control area", 1, control != MAP_FAILED);
	if (control == MAP_FAILED)
		return;
	word = (__u64 *)(control + query.object_offset + LOCK * query.object_stride);
	old = *word;
	expect("a free lock is taken", 1, shmbuf_lock_user_acquire(old, id, &new) &&
	       __sync_bool_compare_and_swap(word, old, new));
	expect("... which the kernel sees", 0, CALL(fd, UNLOCK, shmbuf_lock, .owner = id));
	munmap(control, size);
}

static void locks(int fd, __u64 id)
{
	struct shmbuf_owner_info info = { .size = sizeof(info) };

	expect("LOCK", 0, CALL(fd, LOCK, shmbuf_lock, .owner = id, .deadline = NEVER));
	expect("LOCK of one's own", -EBUSY, CALL(fd, LOCK, shmbuf_lock, .owner = id,
						 .flags = SHMBUF_LOCK_TRY));
	expect("OWNER_INFO", 0, call(fd, SHMBUF_IOC_OWNER_INFO, &info));
	expect("... the holder", id, info.owner);
	expect("CONSISTENT", -EINVAL, CALL(fd, CONSISTENT, shmbuf_lock, .owner = id));
	expect("DOWNGRADE", 0, CALL(fd, DOWNGRADE, shmbuf_lock, .owner = id));
	expect("UNLOCK", 0, CALL(fd, UNLOCK, shmbuf_lock, .owner = id));
	expect("RECOVER", -ESRCH, CALL(fd, RECOVER, shmbuf_recover, .owner = id));
}

static void queues(int fd)
{
	struct shmbuf_wait wait = { .size = sizeof(wait), .index = QUEUE, .sequence = ~0ULL };
	struct shmbuf_moved_queue moved = {};

	expect("WAIT", 0, call(fd, SHMBUF_IOC_WAIT, &wait));
	expect("... the sequence", 7, wait.sequence);
	expect("WATCH", 0, CALL(fd, WATCH, shmbuf_watch, .index = QUEUE, .sequence = 7));
	expect("WAKE", 0, CALL(fd, WAKE, shmbuf_wake, .index = QUEUE, .count = 1));
	expect("MOVED", 1, CALL(fd, MOVED, shmbuf_moved, .queues = ADDRESS(&moved),
				.nr_queues = 1));
	expect("... the sequence", 8, moved.sequence);
}

static void others(int fd, __u64 id)
{
	struct shmbuf_wait_item item = { .fd = fd, .index = SEM, .kind = SHMBUF_KIND_SEMAPHORE };

	expect("SEM_WAIT", 0, CALL(fd, SEM_WAIT, shmbuf_sem, .index = SEM, .owner = id,
				   .flags = SHMBUF_SEM_UNDO, .deadline = NEVER));
	expect("SEM_POST", 0, CALL(fd, SEM_POST, shmbuf_sem, .index = SEM, .owner = id,
				   .flags = SHMBUF_SEM_UNDO));
	expect("WAIT_ANY", 0, CALL(fd, WAIT_ANY, shmbuf_wait_any, .items = ADDRESS(&item),
				   .nr_items = 1, .deadline = NEVER));
	expect("BARRIER_WAIT", 1, CALL(fd, BARRIER_WAIT, shmbuf_barrier, .index = BARRIER,
				       .owner = id, .deadline = NEVER));
	expect("BARRIER_LEAVE", 0, CALL(fd, BARRIER_LEAVE, shmbuf_barrier, .index = BARRIER,
					.owner = id));
}

static void looks(int fd)
{
	struct shmbuf_object objects[NR_OBJECTS] = {};
	struct shmbuf_stats stats = { .size = sizeof(stats) };
	struct shmbuf_listing listing = {};
	struct shmbuf_death death;

	expect("DEATHS", 0, CALL(fd, DEATHS, shmbuf_deaths, .deaths = ADDRESS(&death),
				 .nr_deaths = 1, .after = ~0ULL));
	expect("STATS", 0, call(fd, SHMBUF_IOC_STATS, &stats));
	expect("... the buffer's mode", 0640, stats.mode);
	expect("LIST", 1, CALL(fd, LIST, shmbuf_list, .listings = ADDRESS(&listing),
			       .nr_listings = 1, .listing_size = sizeof(listing),
			       .after = stats.buffer_id - 1));
	expect("... the name", 0, strcmp(NAME, listing.name));
	listing.name[0] = 0;
	expect("LIST of names", 1, CALL(fd, LIST, shmbuf_list, .listings = ADDRESS(&listing),
					.nr_listings = 1, .listing_size = sizeof(listing.name),
					.after = stats.buffer_id - 1));
	expect("... the name", 0, strcmp(NAME, listing.name));
	expect("OBJECTS", 4, CALL(fd, OBJECTS, shmbuf_objects, .objects = ADDRESS(objects),
				  .nr_objects = NR_OBJECTS));
	expect("... the queue's sequence", 8, objects[QUEUE].value);
	expect("WAITERS", 0, CALL(fd, WAITERS, shmbuf_waiters, .index = QUEUE));
}

/* A process is joined by an id of its own, whichever of its threads has one beside it. */
static void joins(int fd)
{
	struct shmbuf_register process = {
		.size = sizeof(process), .flags = SHMBUF_REGISTER_PROCESS,
	};
	struct shmbuf_stats stats = { .size = sizeof(stats) };

	expect("REGISTER of the process", 0, call(fd, SHMBUF_IOC_REGISTER, &process));
	expect("STATS", 0, call(fd, SHMBUF_IOC_STATS, &stats));
	expect("... processes", 1, stats.joined);
	expect("... owner ids", 2, stats.owners);
	process.flags = 0;
	expect("UNREGISTER", 0, call(fd, SHMBUF_IOC_UNREGISTER, &process));
}

int main(void)
{
	struct shmbuf_register reg = { .size = sizeof(reg) };
	int fd = open("/dev/shmbuf", O_RDWR);

	if (fd < 0) {
		perror("/dev/shmbuf");
		return 4;
	}
	buffer(fd);
	expect("REGISTER", 0, call(fd, SHMBUF_IOC_REGISTER, &reg));
	words(fd, reg.owner);
	locks(fd, reg.owner);
	queues(fd);
	others(fd, reg.owner);
	looks(fd);
	joins(fd);
	expect("UNREGISTER", 0, call(fd, SHMBUF_IOC_UNREGISTER, &reg));
	expect("UNLINK", 0, CALL(fd, UNLINK, shmbuf_name, .name = ADDRESS(NAME),
				 .name_len = strlen(NAME)));
	expect("nothing behind the structs is changed", 0, spoilt);
	printf("1..%d\n", tests);
	return failed;
}
