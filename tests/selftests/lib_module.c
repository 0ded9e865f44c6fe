// SPDX-License-Identifier: GPL-2.0-only
/* The library with the module: its promises, and how the node's errors look. */
#include "lib_api.h"

#include <fcntl.h>
#include <sys/stat.h>

TEST(node_not_allowed)
{
	struct shmbuf *b;
	pid_t pid = spawn();

	if (!pid) {
		CHECK(!setgid(65534) && !setuid(65534));
		CHECK(shmbuf_create(&b, NULL, 1, NULL) == -ECONNREFUSED);
		CHECK(shmbuf_open(&b, "x", 0) == -ECONNREFUSED);
		CHECK(shmbuf_unlink("x") == -ECONNREFUSED);
		CHECK(shmbuf_query(NULL, &(struct shmbuf_info) {}) == -ECONNREFUSED);
		CHECK(shmbuf_list(&(struct shmbuf_listing) {}, 1, 0) == -ECONNREFUSED);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST(no_node)
{
	struct shmbuf *b;
	pid_t pid = spawn();

	if (!pid) {
		CHECK(!chroot("/proc/self/fdinfo"));
		CHECK(shmbuf_create(&b, NULL, 1, NULL) == -ENODEV);
		CHECK(shmbuf_open(&b, "x", 0) == -ENODEV);
		CHECK(shmbuf_list(&(struct shmbuf_listing) {}, 1, 0) == -ENODEV);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST(not_attached)
{
	struct shmbuf *b;
	int fd = open("/dev/shmbuf", O_RDWR);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOTCONN, shmbuf_from_fd(&b, fd));
	close(fd);
}

TEST_HARNESS_MAIN
