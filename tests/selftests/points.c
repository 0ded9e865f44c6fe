// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deaths and delays at each point of module/points.h, one line of TAP for each case.  The
 * work that looks after all who wait is held up meanwhile: what it would repair within 100 ms
 * must not need it.  Where the dead one had nothing, its death is held up as well.
 * For a module with points alone; "points TEXT" runs the cases with TEXT in their names.
 */
#include "point_held.h"
#include "point_killed.h"
#include "point_live.h"

static const char *wanted = "";
static int nr_tests, nr_failed;

static void report(bool ok, const char *name)
{
	nr_failed += !ok;
	printf("%s %d - %s\n", ok ? "ok" : "not ok", ++nr_tests, name);
}

/* In a process of its own, so that a case that fails takes nobody along. */
static void run_case(const char *how, const char *point, const char *what,
		     void (*run)(const void *arg), const void *arg)
{
	__u64 most = get_parameter("max_user_owners");
	char name[160];
	int status;
	pid_t pid;

	snprintf(name, sizeof(name), "%s at %s: %s", how, point, what);
	if (!strstr(name, wanted))
		return;
	pid = spawn();
	if (!pid) {
		alarm(TEST_TIMEOUT_DEFAULT);
		run(arg);
		_exit(0);
	}
	status = reap(pid);
	if (status == NOT_REACHED) {
		printf("# %s: not reached\n", name);
		return;
	}
	if (status) {
		arm("all", "off", 0, 0);
		set_parameter("max_user_owners", most);
	}
	report(!status, name);
}

static bool is_killed_or_held(const char *point)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(killed); i++)
		if (!strcmp(killed[i].point, point))
			return true;
	for (i = 0; i < ARRAY_SIZE(burials); i++)
		if (!strcmp(burials[i], point))
			return true;
	/* Held up all the time. */
	return !strcmp(point, "sweep_begun");
}

static void each_point(void)
{
	char text[4096], point[64], *line;
	bool all = true;

	read_points(text);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		CHECK(sscanf(line, "%63s", point) == 1);
		if (!is_killed_or_held(point)) {
			printf("# no case for %s\n", point);
			all = false;
		}
		if (strcmp(point, "sweep_begun"))
			run_case("delayed", point, "turns are taken", run_live, strdup(point));
	}
	if (!*wanted)
		report(all, "each point has a case");
}

int main(int argc, char **argv)
{
	size_t i;

	if (access(POINT_PARAMETER, F_OK)) {
		ksft_print_header();
		ksft_exit_skip("this module has no points: POINTS=1 tests/vm/run\n");
	}
	wanted = argc > 1 ? argv[1] : "";
	printf("TAP version 13\n");
	for (i = 0; i < ARRAY_SIZE(killed); i++)
		run_case("killed", killed[i].point, killed[i].name, run_killed, &killed[i]);
	for (i = 0; i < ARRAY_SIZE(held); i++)
		run_case("held", held[i].point, held[i].name, run_held, &held[i]);
	for (i = 0; i < ARRAY_SIZE(granted); i++)
		run_case("chosen, then killed, the granter held", granted[i].point,
			 granted[i].name, run_granted, &granted[i]);
	for (i = 0; i < ARRAY_SIZE(burials); i++)
		run_case("held", burials[i], "the burial of a holder", run_burial, &burials[i]);
	run_case("held", "any_taken", "a unit is taken and a queue won", run_two_won, NULL);
	run_case("held", "any_taken", "a lock is taken and a queue won", run_lock_lost, NULL);
	run_case("held", "member_new", "two threads join at once", run_two_join, NULL);
	each_point();
	printf("1..%d\n", nr_tests);
	return nr_failed || !nr_tests ? KSFT_FAIL : KSFT_PASS;
}
