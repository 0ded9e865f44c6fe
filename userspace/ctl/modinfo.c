// SPDX-License-Identifier: MIT
#include "modinfo.h"

#include <stdio.h>
#include <string.h>

bool module_field(const char *field, char *text, size_t room)
{
	char command[128];
	FILE *said;

	/* It knows where modules are, and how they are compressed. */
	snprintf(command, sizeof(command),
		 "PATH=$PATH:/usr/sbin:/sbin; exec modinfo -F %s shmbuf 2>/dev/null", field);
	*text = '\0';
	said = popen(command, "re");
	if (!said)
		return false;
	if (!fgets(text, room, said))
		*text = '\0';
	pclose(said);
	text[strcspn(text, "\n")] = '\0';
	return *text;
}
