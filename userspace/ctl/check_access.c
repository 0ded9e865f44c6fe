// SPDX-License-Identifier: MIT
/*
 * The device's node, its group, and whether this user is in it.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "container.h"
#include "who.h"

#define NODE	"/dev/shmbuf"
#define NUMBER	"/sys/class/misc/shmbuf/dev"
#define GROUP	"shmbuf"

static const struct group *check_group(struct checks *checks)
{
	const struct group *group = getgrnam(GROUP);
	struct check *check;

	if (group) {
		check_add(checks, "group", VERDICT_GOOD, "group shmbuf is there (%u)",
			  (unsigned int)group->gr_gid);
		return group;
	}
	/* What counts there is the node's, which has a number. */
	if (in_container())
		return NULL;
	check = check_add(checks, "group", VERDICT_CARE, "there is no group shmbuf");
	check_advise(check,
		     "systemd-sysusers, or: addgroup --system shmbuf; then udevadm control --reload; udevadm trigger /dev/shmbuf");
	return NULL;
}

bool node_is_of_module(void)
{
	unsigned int major_nr, minor_nr;
	struct stat node;
	char line[32];

	return !stat(NODE, &node) &&
	       (!read_line(NUMBER, line, sizeof(line)) ||
		sscanf(line, "%u:%u", &major_nr, &minor_nr) != 2 ||
		makedev(major_nr, minor_nr) == node.st_rdev);
}

/* It was made for a module that was loaded before, say. */
static void check_other(struct checks *checks, dev_t device)
{
	struct check *check;
	char number[32];

	read_line(NUMBER, number, sizeof(number));
	check = check_add(checks, "device", VERDICT_BAD,
			  "/dev/shmbuf is device %u:%u, but the loaded module's is %s",
			  major(device), minor(device), number);
	if (in_container()) {
		check_advise(check,
			     "the module was loaded anew: start the container anew, so that it gets the present device");
		return;
	}
	number[strcspn(number, ":")] = ' ';
	check_advise(check,
		     "rm /dev/shmbuf; mknod -m 660 /dev/shmbuf c %s; chgrp shmbuf /dev/shmbuf",
		     number);
}

/* Whether there is a node that could be opened. */
static bool check_node(struct checks *checks, const struct group *group)
{
	struct check *check;
	struct stat node;

	if (stat(NODE, &node)) {
		if (access("/sys/module/shmbuf", F_OK))
			return false;
		check = check_add(checks, "device", VERDICT_BAD,
				  "there is no /dev/shmbuf, though the module is loaded");
		check_advise(check,
			     "in a container: pass the device in (--device /dev/shmbuf); else rmmod shmbuf; modprobe shmbuf");
		return false;
	}
	if (!S_ISCHR(node.st_mode)) {
		check = check_add(checks, "device", VERDICT_BAD, "/dev/shmbuf is no device");
		check_advise(check, "rm /dev/shmbuf; rmmod shmbuf; modprobe shmbuf");
		return false;
	}
	if (!node_is_of_module()) {
		check_other(checks, node.st_rdev);
		return false;
	}
	if (in_container()) {
		check_add(checks, "device", VERDICT_GOOD,
			  "/dev/shmbuf has mode %04o and group %s",
			  (unsigned int)node.st_mode & 0777, group_name(node.st_gid));
		return true;
	}
	if ((node.st_mode & 0777) == 0660 && group && node.st_gid == group->gr_gid) {
		check_add(checks, "device", VERDICT_GOOD,
			  "/dev/shmbuf has mode 0660 and group shmbuf");
		return true;
	}
	check = check_add(checks, "device", VERDICT_CARE,
			  "/dev/shmbuf has mode %04o and group %s, not 0660 and shmbuf",
			  (unsigned int)node.st_mode & 0777, group_name(node.st_gid));
	check_advise(check,
		     "install the udev rule 60-shmbuf.rules, then udevadm control --reload; udevadm trigger /dev/shmbuf");
	return true;
}

static bool in_session(gid_t gid)
{
	int nr = getgroups(0, NULL);
	gid_t *groups = calloc(nr > 0 ? nr : 1, sizeof(*groups));
	bool in = getegid() == gid;

	nr = groups ? getgroups(nr, groups) : 0;
	for (int i = 0; i < nr; i++)
		in |= groups[i] == gid;
	free(groups);
	return in;
}

static bool is_member(const struct group *group, const char *user)
{
	for (char **member = group->gr_mem; *member; member++)
		if (!strcmp(*member, user))
			return true;
	return false;
}

/* The device's mode denies it to who isn't in the group. */
static void advise_denied(struct check *check, const char *user)
{
	const struct group *group = getgrnam(GROUP);
	unsigned int outside;
	struct stat node;

	if (in_user_namespace(&outside))
		check_advise(check,
			     "%s is user %u outside of this user namespace: put that one into group shmbuf there, and have the groups kept (podman: --group-add keep-groups)",
			     user, outside);
	else if (in_container() && !stat(NODE, &node))
		check_advise(check,
			     "run the container with its user in the device's group: --group-add %u",
			     (unsigned int)node.st_gid);
	else if (group && in_session(group->gr_gid))
		check_advise(check, "%s is in group shmbuf: mend the device's mode", user);
	else if (group && is_member(group, user))
		check_advise(check,
			     "%s was put into group shmbuf after this session began: log in again",
			     user);
	else if (group)
		check_advise(check, "adduser %s shmbuf, and log in again", user);
}

/* Nobody needs to be in the group who may open the device anyway. */
static void check_user(struct checks *checks)
{
	const char *user = user_name(geteuid());
	int fd = open(NODE, O_RDWR | O_CLOEXEC), err = errno;
	struct check *check;

	if (fd >= 0) {
		close(fd);
		check_add(checks, "user", VERDICT_GOOD, "%s may use /dev/shmbuf", user);
		return;
	}
	check = check_add(checks, "user", VERDICT_BAD, "%s can't open /dev/shmbuf: %s", user,
			  strerror(err));
	if (err == EPERM)
		check_advise(check,
			     "its mode isn't why: in a container pass the device in (--device /dev/shmbuf)");
	else if (err == EACCES)
		advise_denied(check, user);
}

void check_access(struct checks *checks)
{
	const struct group *group = check_group(checks);

	if (check_node(checks, group))
		check_user(checks);
}
