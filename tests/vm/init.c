// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the test guest: sets the system up, loads the module, runs one command, sends
 * /out home, unloads the module and tells the host what came of it all.
 *
 * Virtio ports: 1 the command's stdout, 2 its stderr, 3 /out as a tar stream, 4 the report.
 * The report is one line a fact; the last one is "exit N" or "fail TEXT". An interactive
 * command gets the console hvc0 instead of ports 1 and 2.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONF		"/etc/vm/"
#define MAX_ARGS	1024
#define UNLOAD_SECONDS	20
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

static int report_fd = -1;

static void say(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(report_fd < 0 ? STDERR_FILENO : report_fd, line, n) < 0)
		perror("report");
}

/* QEMU ends at a reboot, which needs no ACPI. */
static noreturn void power_off(void)
{
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static noreturn void give_up(const char *what, int err)
{
	say("fail %s: %s", what, strerror(err));
	power_off();
}

static void mount_on(const char *type, const char *dir, const char *opts)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, MS_NOSUID | MS_NODEV * !!strcmp(type, "devtmpfs"), opts) &&
	    errno != EBUSY && errno != ENODEV)
		give_up(dir, errno);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		say("note %s: %s", path, strerror(errno));
	close(fd);
}

/* Reads a small file of the initramfs whole, NUL-terminated; NULL if it isn't there. */
static char *read_file(const char *path, size_t *len)
{
	struct stat st;
	char *text;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return NULL;
	text = malloc(st.st_size + 1);
	if (!text)
		give_up(path, ENOMEM);
	n = read(fd, text, st.st_size);
	if (n < 0)
		give_up(path, errno);
	text[n] = 0;
	if (len)
		*len = n;
	close(fd);
	return text;
}

static void mount_all(void)
{
	mount_on("proc", "/proc", "");
	mount_on("sysfs", "/sys", "");
	mount_on("devtmpfs", "/dev", "mode=0755");
	mount_on("devpts", "/dev/pts", "mode=0620,ptmxmode=0666");
	mount_on("tmpfs", "/dev/shm", "mode=1777");
	mount_on("debugfs", "/sys/kernel/debug", "");
	if (!access("/sys/kernel/tracing", F_OK))
		mount_on("tracefs", "/sys/kernel/tracing", "");
	mount_on("cgroup2", "/sys/fs/cgroup", "");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	mkdir("/out", 0777);
	chmod("/out", 0777);
	mkdir("/tmp", 01777);
	chmod("/tmp", 01777);
	chmod("/", 0755);
	/* From here on all that the kernel says goes to the log, not only warnings. */
	klogctl(8, NULL, 8);
	write_file("/proc/sys/kernel/printk_ratelimit", "0");
	write_file("/proc/sys/kernel/printk_devkmsg", "on\n");
	write_file("/proc/sys/kernel/hung_task_timeout_secs", "60");
	write_file("/proc/sys/kernel/hung_task_warnings", "-1");
}

static void insmod(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		give_up(path, errno);
	close(fd);
}

static void insmod_list(const char *path)
{
	char *list = read_file(path, NULL), *save, *line;

	if (!list)
		return;
	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		insmod(line);
	free(list);
}

static int open_port(int nr, int flags)
{
	char path[32];
	int fd, tries;

	snprintf(path, sizeof(path), "/dev/vport0p%d", nr);
	/* The host announces the ports one by one after the driver is up. */
	for (tries = 0; tries < 3000; tries++) {
		fd = open(path, flags | O_CLOEXEC);
		if (fd >= 0 || (errno != ENOENT && errno != ENXIO))
			break;
		poll(NULL, 0, 10);
	}
	if (fd < 0)
		give_up(path, errno);
	return fd;
}

/* What udev does on a real system: /dev/shmbuf belongs to group shmbuf. */
static void load_shmbuf(void)
{
	char *path = read_file(CONF "shmbuf", NULL);

	if (!path)
		return;
	path[strcspn(path, "\n")] = 0;
	say("loading");
	insmod(path);
	free(path);
	if (chown("/dev/shmbuf", 0, SHMBUF_GID))
		give_up("/dev/shmbuf", errno);
}

/* Disks stand in /host under the name of the file behind them, with its exact size beside them. */
static void link_disk(const char *id, const char *name, const char *size)
{
	char path[PATH_MAX], dev[64];
	struct dirent *entry;
	char *serial = NULL;
	DIR *dir;

	dir = opendir("/sys/block");
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/block/%s/serial", entry->d_name);
		serial = read_file(path, NULL);
		if (serial && !strcmp(serial, id))
			break;
		free(serial);
		serial = NULL;
	}
	if (!serial)
		give_up(name, ENODEV);
	free(serial);
	mkdir("/host", 0755);
	snprintf(dev, sizeof(dev), "/dev/%.48s", entry->d_name);
	chmod(dev, 0644);
	snprintf(path, sizeof(path), "/host/%s", name);
	if (symlink(dev, path))
		give_up(path, errno);
	snprintf(path, sizeof(path), "/host/%s.size", name);
	write_file(path, size);
	closedir(dir);
}

static void link_disks(void)
{
	char *list = read_file(CONF "disks", NULL), *save, *line;
	char id[24], size[24], name[NAME_MAX];

	if (!list)
		return;
	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%23s %23s %254[^\n]", id, size, name) == 3)
			link_disk(id, name, size);
	free(list);
}

static char **command(void)
{
	static char *argv[MAX_ARGS + 1];
	size_t len, n = 0;
	char *args = read_file(CONF "argv", &len), *arg;

	for (arg = args; args && arg < args + len && n < MAX_ARGS; arg += strlen(arg) + 1)
		argv[n++] = arg;
	if (!n)
		give_up("nothing to run", EINVAL);
	return argv;
}

static void take_console(void)
{
	int fd = open("/dev/hvc0", O_RDWR);

	if (fd < 0 || ioctl(fd, TIOCSCTTY, 1))
		perror("/dev/hvc0");
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
}

static pid_t start(char **argv, bool tty, int out, int err)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (tty) {
		take_console();
	} else {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(out, 1);
		dup2(err, 2);
	}
	if (chdir("/root"))
		perror("/root");
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Passes on what is in a pipe; false once there is nothing more to come. */
static bool forward(int from, int to)
{
	char buf[65536], *at = buf;
	ssize_t n = read(from, buf, sizeof(buf)), done;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	for (; n > 0; n -= done, at += done) {
		done = write(to, at, n);
		if (done <= 0)
			return false;
	}
	return at != buf;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void reap(int sigchld, pid_t pid, int *status, bool *done)
{
	struct signalfd_siginfo info;
	pid_t got;
	int st;

	if (read(sigchld, &info, sizeof(info)) < 0)
		return;
	while ((got = waitpid(-1, &st, WNOHANG)) > 0)
		if (got == pid) {
			*status = st;
			*done = true;
		}
}

static int sigchld_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Passes output on until the pipes end, the command is gone and all it started with it. */
static bool follow(pid_t pid, struct pollfd *fds, const int *to, long long deadline, int *status)
{
	bool done = false, ended = false, dead = false;
	int i;

	while (fds[0].fd >= 0 || fds[1].fd >= 0 || !dead) {
		long long left = deadline - now_ms();

		if (left > 0)
			poll(fds, 3, left < 1000 ? left : 1000);
		for (i = 0; i < 2; i++)
			if (fds[i].fd >= 0 && fds[i].revents && !forward(fds[i].fd, to[i]))
				fds[i].fd = -1;
		reap(fds[2].fd, pid, status, &done);
		if (!dead && (done || left <= 0)) {
			ended = done;
			if (!ended)
				write_file("/proc/sysrq-trigger", "w");
			kill(-1, SIGKILL);
			dead = true;
			deadline = now_ms() + 10000;
		} else if (dead && left <= 0) {
			say("note a process that can't be killed, or a full pipe, is left");
			break;
		}
	}
	return ended;
}

/* Runs the command to its end or the time limit; true if it ended, with *status. */
static bool run(char **argv, bool tty, long seconds, int *status)
{
	int out[2], err[2], to[2] = { -1, -1 };
	struct pollfd fds[3];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		give_up("pipe", errno);
	if (!tty) {
		to[0] = open_port(1, O_WRONLY);
		to[1] = open_port(2, O_WRONLY);
	}
	fds[0] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = err[0], .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = sigchld_fd(), .events = POLLIN };
	say("up");
	pid = start(argv, tty, out[1], err[1]);
	if (pid < 0)
		give_up("fork", errno);
	close(out[1]);
	close(err[1]);
	return follow(pid, fds, to, now_ms() + seconds * 1000, status);
}

/* Sends /out home. A child does it, so that busybox's tar can be used. */
static void send_out(void)
{
	int fd, st;
	pid_t pid;

	if (access(CONF "out", F_OK))
		return;
	fd = open_port(3, O_WRONLY);
	pid = fork();
	if (!pid) {
		dup2(fd, 1);
		execl("/usr/bin/busybox", "tar", "-C", "/out", "-cf", "-", ".", NULL);
		_exit(127);
	}
	close(fd);
	if (waitpid(pid, &st, 0) != pid || st)
		say("note /out could not be packed");
}

/* Puts what kmemleak has found into the log, a line each, and has it forgotten. */
static void tell_leaks(void)
{
	int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	FILE *leaks = fopen(KMEMLEAK, "r");
	char line[256];

	if (!leaks || kmsg < 0)
		give_up(KMEMLEAK, errno);
	while (fgets(line, sizeof(line), leaks))
		if (write(kmsg, line, strlen(line)) < 0)
			say("note /dev/kmsg: %s", strerror(errno));
	fclose(leaks);
	close(kmsg);
	write_file(KMEMLEAK, "clear");
}

/*
 * Looks for leaks where the kernel can. It tells of no object that isn't 5 s old, nor of one
 * that has changed since the scan before.
 */
static void scan_leaks(void)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
	/* That is on; with kmemleak=off nothing but "clear" is allowed. */
	bool off = fd < 0 || (write(fd, "stack=on", 8) < 0 && errno == EPERM);

	if (fd >= 0)
		close(fd);
	if (off)
		return;
	write_file(KMEMLEAK, "clear");
	poll(NULL, 0, 5500);
	write_file(KMEMLEAK, "scan");
	write_file(KMEMLEAK, "scan");
	tell_leaks();
}

/* The references of the dead may take a moment to go; a module that stays is a leak. */
static void unload_shmbuf(void)
{
	long long deadline = now_ms() + UNLOAD_SECONDS * 1000;

	while (!access("/sys/module/shmbuf", F_OK) &&
	       syscall(SYS_delete_module, "shmbuf", O_NONBLOCK)) {
		if (now_ms() > deadline) {
			say("unload %s", strerror(errno));
			return;
		}
		poll(NULL, 0, 50);
	}
}

int main(void)
{
	char *limit, *env;
	int status = 0;
	bool ended;

	mount_all();
	insmod_list(CONF "modules");
	report_fd = open_port(4, O_WRONLY);
	load_shmbuf();
	link_disks();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	env = read_file(CONF "term", NULL);
	setenv("TERM", env ? env : "dumb", 1);
	limit = read_file(CONF "limit", NULL);
	ended = run(command(), !access(CONF "tty", F_OK), limit ? atol(limit) : 600, &status);
	send_out();
	/* As long as the module is there its functions have names. */
	scan_leaks();
	if (!access(CONF "shmbuf", F_OK)) {
		unload_shmbuf();
		scan_leaks();
	}
	if (!ended)
		say("exit timeout");
	else if (WIFSIGNALED(status))
		say("exit %d", 128 + WTERMSIG(status));
	else
		say("exit %d", WEXITSTATUS(status));
	power_off();
}
