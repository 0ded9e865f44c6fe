// SPDX-License-Identifier: MIT
/*
 * Is the module there, is it the right one, and will it be there tomorrow?
 */
#include "check.h"

#include <errno.h>
#include <glob.h>
#include <shmbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "container.h"
#include "modinfo.h"

static struct utsname kernel;

static bool file_has(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	bool has = false;
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return false;
	while (!has && getline(&line, &room, file) > 0)
		has = strstr(line, word);
	free(line);
	fclose(file);
	return has;
}

static bool installed(void)
{
	char path[200];

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", kernel.release);
	return file_has(path, "/shmbuf.ko");
}

static bool built_in(void)
{
	char path[200];

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", kernel.release);
	return file_has(path, "/shmbuf.ko");
}

/* A kernel whose package was removed while it runs has none, nor has one of a container's host. */
static bool has_modules(void)
{
	char path[200];

	snprintf(path, sizeof(path), "/lib/modules/%s", kernel.release);
	return !access(path, F_OK);
}

static bool has_headers(void)
{
	char path[200];

	snprintf(path, sizeof(path), "/lib/modules/%s/build/Makefile", kernel.release);
	return !access(path, F_OK);
}

static bool has(const char *pattern)
{
	glob_t found;
	bool some = !glob(pattern, 0, NULL, &found);

	if (some)
		globfree(&found);
	return some;
}

static void check_absent(struct checks *checks)
{
	struct check *check = check_add(checks, "module", VERDICT_BAD,
					"it isn't loaded (kernel %s)", kernel.release);

	if (in_container())
		check_advise(check,
			     "on the host: modprobe shmbuf; then pass the device in (--device /dev/shmbuf)");
	else if (installed())
		check_advise(check, "modprobe shmbuf");
	else if (!has_modules())
		check_advise(check,
			     "this kernel's modules aren't here: boot a kernel that is installed; in a container have the host load it");
	else
		check_advise(check,
			     "it isn't installed for this kernel: install package shmbuf-dkms, or as root 'make dkms-install' in the source tree; then modprobe shmbuf");
}

/* Whether the loaded module isn't what modprobe would load; then that is said. */
static bool check_replaced(struct checks *checks, const char *version)
{
	char next[64], source[64], next_source[64];
	struct check *check;

	if (!module_field("version", next, sizeof(next)))
		return false;
	read_line("/sys/module/shmbuf/srcversion", source, sizeof(source));
	module_field("srcversion", next_source, sizeof(next_source));
	if (strcmp(version, next))
		check = check_add(checks, "module", VERDICT_CARE,
				  "version %s is loaded, version %s is installed, and this tool is of version %s",
				  version, next, CTL_VERSION);
	else if (*source && *next_source && strcmp(source, next_source))
		check = check_add(checks, "module", VERDICT_CARE,
				  "version %s is loaded, but other sources of it are installed (srcversion %s, not %s)",
				  version, next_source, source);
	else
		return false;
	check_advise(check,
		     "the loaded one goes on until nobody uses it (shmbufctl list): then rmmod shmbuf; modprobe shmbuf; or reboot");
	return true;
}

static void check_loaded(struct checks *checks)
{
	struct check *check;
	char version[64];

	if (!read_line("/sys/module/shmbuf/version", version, sizeof(version))) {
		check_add(checks, "module", VERDICT_GOOD, "it is loaded, and tells no version");
		return;
	}
	if (check_replaced(checks, version))
		return;
	if (strcmp(version, CTL_VERSION)) {
		check_add(checks, "module", VERDICT_NOTE,
			  "version %s is loaded, this tool is of version %s", version,
			  CTL_VERSION);
	} else if (has_modules() && !installed() && !built_in()) {
		check = check_add(checks, "module", VERDICT_CARE,
				  "version %s is loaded, but none is installed for this kernel (%s)",
				  version, kernel.release);
		check_advise(check,
			     "to have it after the next boot: install package shmbuf-dkms, or as root 'make dkms-install' in the source tree");
	} else {
		check_add(checks, "module", VERDICT_GOOD, "version %s is loaded", version);
	}
}

static void check_abi(struct checks *checks, bool loaded)
{
	struct shmbuf_info info;
	struct check *check;
	int ret;

	if (!loaded || !node_is_of_module())
		return;
	ret = shmbuf_query(NULL, &info);
	if (ret < 0 && ret != -EPROTONOSUPPORT)
		return;
	if (!ret && info.abi_version > SHMBUF_ABI_VERSION) {
		check_add(checks, "abi", VERDICT_NOTE,
			  "the module's ABI %u is newer than this tool's %d, and knows all of it",
			  info.abi_version, SHMBUF_ABI_VERSION);
		return;
	}
	if (!ret && info.abi_version == SHMBUF_ABI_VERSION) {
		check_add(checks, "abi", VERDICT_GOOD, "module and tool have ABI %d",
			  SHMBUF_ABI_VERSION);
		return;
	}
	check = !ret ? check_add(checks, "abi", VERDICT_CARE,
				 "the module's ABI %u is older than this tool's %d: what is new since fails",
				 info.abi_version, SHMBUF_ABI_VERSION) :
		       check_add(checks, "abi", VERDICT_BAD,
				 "the loaded module is from before release 1.0: no program can use it");
	check_advise(check,
		     "install the module of this tool's release, and load it anew when no program uses it: rmmod shmbuf; modprobe shmbuf");
}

static void check_boot(struct checks *checks)
{
	static const char *const places[] = {
		"/etc/modules-load.d/*.conf", "/run/modules-load.d/*.conf",
		"/usr/local/lib/modules-load.d/*.conf", "/usr/lib/modules-load.d/*.conf",
		"/lib/modules-load.d/*.conf", "/etc/modules",
	};
	struct check *check;
	char line[256];
	glob_t found;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (glob(places[i], 0, NULL, &found))
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++) {
			FILE *file = fopen(found.gl_pathv[j], "re");

			while (file && fgets(line, sizeof(line), file)) {
				line[strcspn(line, " \t\n")] = '\0';
				if (strcmp(line, "shmbuf"))
					continue;
				check_add(checks, "boot", VERDICT_GOOD, "%s has it loaded at boot",
					  found.gl_pathv[j]);
				fclose(file);
				globfree(&found);
				return;
			}
			if (file)
				fclose(file);
		}
		globfree(&found);
	}
	check = check_add(checks,
			  "boot",
			  VERDICT_CARE, "it isn't loaded at boot: no modules-load.d names it");
	check_advise(check, "echo shmbuf > /etc/modules-load.d/shmbuf.conf");
}

static void check_dkms(struct checks *checks, bool loaded)
{
	char pattern[200];
	struct check *check;

	if (!has("/var/lib/dkms/shmbuf/*")) {
		check_add(checks, "dkms", VERDICT_NOTE,
			  "DKMS doesn't have it: it isn't built anew for new kernels");
		return;
	}
	snprintf(pattern, sizeof(pattern), "/var/lib/dkms/shmbuf/*/%s/*/module/shmbuf.ko*",
		 kernel.release);
	if (has(pattern)) {
		check_add(checks, "dkms", VERDICT_GOOD, "DKMS has built it for this kernel (%s)",
			  kernel.release);
	} else {
		check = check_add(checks, "dkms",
				  loaded || installed() ? VERDICT_CARE : VERDICT_BAD,
				  "DKMS has it, but hasn't built it for this kernel (%s)",
				  kernel.release);
		check_advise(check,
			     "install the kernel's headers, then dkms autoinstall -k %s; why it failed is in /var/lib/dkms/shmbuf/*/build/make.log",
			     kernel.release);
	}
}

static void check_headers(struct checks *checks, bool loaded)
{
	struct check *check;

	if (has_headers()) {
		check_add(checks, "headers", VERDICT_GOOD, "those of kernel %s are there",
			  kernel.release);
		return;
	}
	if (loaded || installed()) {
		check_add(checks, "headers", VERDICT_NOTE,
			  "those of kernel %s aren't there, but its module is", kernel.release);
		return;
	}
	check = check_add(checks, "headers", VERDICT_BAD,
			  "those of kernel %s aren't there: the module can't be built for it",
			  kernel.release);
	check_advise(check, "Debian: apt install linux-headers-%s", kernel.release);
}

void check_module(struct checks *checks)
{
	bool loaded = !access("/sys/module/shmbuf", F_OK);

	uname(&kernel);
	if (loaded)
		check_loaded(checks);
	else
		check_absent(checks);
	check_abi(checks, loaded);
	if (in_container()) {
		check_add(checks, "host", VERDICT_NOTE,
			  "this is a container: installing, loading and signing the module are its host's, and doctor's there");
		return;
	}
	if (built_in()) {
		check_add(checks, "boot", VERDICT_GOOD, "it is part of the kernel");
		return;
	}
	check_boot(checks);
	check_dkms(checks, loaded);
	check_headers(checks, loaded);
}
