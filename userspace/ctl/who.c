// SPDX-License-Identifier: MIT
#include "who.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>

/* Asking costs reading files, and thousands of buffers have few users. */
#define REMEMBERED	64

struct name {
	bool known;
	uint32_t id;
	char text[64];
};

/* Where the name of @id stands, or goes. */
static struct name *remembered(struct name *names, uint32_t id)
{
	struct name *name = &names[id % REMEMBERED];

	if (name->known && name->id == id)
		return name;
	*name = (struct name) { .id = id };
	return name;
}

static const char *remember(struct name *name, const char *text)
{
	name->known = true;
	if (text)
		snprintf(name->text, sizeof(name->text), "%s", text);
	else
		snprintf(name->text, sizeof(name->text), "%u", name->id);
	return name->text;
}

const char *user_name(uint32_t uid)
{
	static struct name names[REMEMBERED];
	struct name *name = remembered(names, uid);
	const struct passwd *user;

	if (name->known)
		return name->text;
	user = getpwuid(uid);
	return remember(name, user ? user->pw_name : NULL);
}

const char *group_name(uint32_t gid)
{
	static struct name names[REMEMBERED];
	struct name *name = remembered(names, gid);
	const struct group *group;

	if (name->known)
		return name->text;
	group = getgrgid(gid);
	return remember(name, group ? group->gr_name : NULL);
}
