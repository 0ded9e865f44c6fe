// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "klog.h"
#include "world.h"

/* The host looks for more, once it is over: see tests/vm/lib/klog.sh. */
static const char * const complaints[] = {
	"WARNING:", "BUG:", "kernel BUG", "Oops", "general protection fault", "unable to handle",
	"refcount_t:", "KASAN", "KCSAN", "UBSAN", "KFENCE", "ODEBUG", "list_add corruption",
	"list_del corruption", "blocked for more than", "detected stall", "self-detected stall",
	"soft lockup", "hard LOCKUP", "possible circular locking",
};

static int log_fd = -1;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Where it can't be changed, the log ends with the kernel. */
	if (write(fd, text, strlen(text)) < 0)
		close(fd);
	else
		close(fd);
}

void klog_start(void)
{
	/* An oops is told of, with what led to it, before the guest ends. */
	write_file("/proc/sys/kernel/panic_on_oops", "0");
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd >= 0)
		lseek(log_fd, 0, SEEK_END);
}

bool klog_look(void)
{
	char record[8192];
	ssize_t len;
	size_t i;

	if (log_fd < 0)
		return false;
	for (;;) {
		len = read(log_fd, record, sizeof(record) - 1);
		/* EPIPE: some were overwritten before they were read. */
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			return false;
		record[len] = 0;
		for (i = 0; i < ARRAY_SIZE(complaints); i++) {
			if (strstr(record, complaints[i])) {
				record[strcspn(record, "\n")] = 0;
				world_is_bad("the kernel says: %.180s", record);
				return true;
			}
		}
	}
}
