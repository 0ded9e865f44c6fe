// SPDX-License-Identifier: MIT
/*
 * Does the kernel insist on signed modules, and is this one signed?
 */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SECURE_BOOT \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* Four bytes of attributes come first. */
static bool secure_boot(void)
{
	unsigned char value[5] = {};
	FILE *file = fopen(SECURE_BOOT, "re");
	bool on = file && fread(value, sizeof(value), 1, file) == 1 && value[4];

	if (file)
		fclose(file);
	return on;
}

static bool locked_down(void)
{
	char line[128];

	return read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	       !strstr(line, "[none]");
}

static bool enforced(void)
{
	char line[8];

	return read_line("/sys/module/module/parameters/sig_enforce", line, sizeof(line)) &&
	       *line == 'Y';
}

/* The kernel notes it of a module that was loaded without a signature that it knows. */
static bool loaded_unsigned(void)
{
	char line[32];

	return read_line("/sys/module/shmbuf/taint", line, sizeof(line)) && strchr(line, 'E');
}

static void check_required(struct checks *checks)
{
	const char *why = secure_boot() && locked_down() ? "Secure Boot is on" :
			  locked_down() ? "the kernel is locked down" :
			  enforced() ? "module.sig_enforce is set" : NULL;
	bool loaded = !access("/sys/module/shmbuf", F_OK);
	struct check *check;

	if (!why) {
		check_add(checks, "signature", VERDICT_GOOD, "none is needed: %s",
			  !access("/sys/firmware/efi", F_OK) ?
			  secure_boot() ? "Secure Boot is on, but the kernel isn't locked down" :
					  "Secure Boot is off" : "the machine has no Secure Boot");
	} else if (loaded && !loaded_unsigned()) {
		check_add(checks, "signature", VERDICT_GOOD, "%s, and the module is signed", why);
	} else {
		check = check_add(checks, "signature", VERDICT_CARE,
				  "%s, so the kernel takes signed modules only%s", why,
				  loaded ? ", and the loaded one isn't signed" : "");
		check_advise(check,
			     "%ssign it with a key that the firmware knows: make sign in the source tree; or have DKMS sign it: mokutil --import /var/lib/dkms/mok.pub, then reboot and confirm",
			     loaded ? "" : "if modprobe says that the key was rejected: ");
	}
}

void check_signing(struct checks *checks)
{
	char line[8];
	struct check *check;
	bool absent;

	check_required(checks);
	if (!read_line("/proc/sys/kernel/modules_disabled", line, sizeof(line)) || *line != '1')
		return;
	absent = access("/sys/module/shmbuf", F_OK);
	check = check_add(checks, "loading", absent ? VERDICT_BAD : VERDICT_NOTE,
			  "kernel.modules_disabled is set: no module can be loaded before the next boot");
	if (absent)
		check_advise(check, "reboot without that setting");
}
