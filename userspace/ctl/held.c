// SPDX-License-Identifier: MIT
#include "held.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "death.h"
#include "fail.h"
#include "text.h"

static int take(struct shmbuf *b, uint32_t index, const struct wish *wish)
{
	if (wish->try)
		return wish->shared ? shmbuf_tryrdlock(b, index) : shmbuf_trylock(b, index);
	return shmbuf_lock_flags(b, index, wish->shared ? SHMBUF_SHARED : 0, wish->deadline);
}

static void tell(struct target *target, uint32_t index)
{
	char *name = text_safe(target->name), how[DEATH_TEXT] = "";
	struct shmbuf_owner_info info;

	if (!shmbuf_owner_info(target->b, index, &info, NULL, 0) &&
	    (info.state & SHMBUF_OWNER_DEAD))
		death_text(how, sizeof(how), &info.death);
	say("buffer '%s', lock %u: its last holder died, and the data may be half changed%s%s",
	    name, index, *how ? ": " : "", how);
	free(name);
}

static bool run_repair(struct target *target, uint32_t index, const char *command)
{
	char text[16];
	int status;

	snprintf(text, sizeof(text), "%u", index);
	if (setenv("SHMBUF_BUFFER", target->name, 1) || setenv("SHMBUF_INDEX", text, 1))
		fail_memory();
	fflush(stdout);
	status = system(command);
	if (status == 0)
		return true;
	if (status == -1)
		say("the command for the repair couldn't be run: %s", strerror(errno));
	else if (WIFEXITED(status))
		say("the command for the repair ended with status %d: the lock stays as it was",
		    WEXITSTATUS(status));
	else
		say("signal %d killed the command for the repair: the lock stays as it was",
		    WTERMSIG(status));
	return false;
}

/* The lock is held exclusively, whatever was wished for. */
static int go_on(struct target *target, uint32_t index, const struct wish *wish)
{
	int ret;

	tell(target, index);
	if (wish->repair) {
		if (!run_repair(target, index, wish->repair))
			return -EOWNERDEAD;
	} else if (!wish->consistent) {
		say("repair the data first; --consistent says that it is in order");
		return -EOWNERDEAD;
	}
	ret = shmbuf_consistent(target->b, index);
	if (!ret && wish->shared)
		ret = shmbuf_downgrade(target->b, index);
	return ret ? fail_object(ret, target->name, index, "lock") : 0;
}

int lock_take(struct target *target, uint32_t index, const struct wish *wish)
{
	int ret = take(target->b, index, wish);

	switch (ret) {
	case 0:
	case -EBUSY:
	case -ETIMEDOUT:
		return ret;
	case -EOWNERDEAD:
		return go_on(target, index, wish);
	default:
		return fail_object(ret, target->name, index, "lock");
	}
}

int lock_give(struct target *target, uint32_t index)
{
	int ret = shmbuf_unlock(target->b, index);
	char *name;

	if (ret != -EPERM)
		return ret ? fail_object(ret, target->name, index, "lock") : 0;
	name = text_safe(target->name);
	ret = fail(CTL_FAILED,
		   "buffer '%s', lock %u was taken away meanwhile: others may have changed the data, too",
		   name, index);
	free(name);
	return ret;
}
