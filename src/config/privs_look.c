/* SPDX-License-Identifier: MIT */
/* The child and its page. It must not know what is looked for. */
#include "config/privs_look.h"

#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "config/privs.h"

static _Noreturn void run_look(const struct identity *identity,
			       void (*look)(const void *asked, void *found), const void *asked,
			       void *page)
{
	struct err err;

	if (!privs_become(identity, &err))
		sys_leave(CODE_OSERR);
	look(asked, page);
	sys_leave(CODE_OK);
}

bool privs_look(const struct identity *identity, void (*look)(const void *asked, void *found),
		const void *asked, void *found, size_t size, struct err *err)
{
	void *page =
		sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct identity own =
		*identity; /* the caller may keep its own from children (madvise(2)) */
	int status = 0;
	pid_t pid;

	if (page == MAP_FAILED)
		return err_errno(err, CODE_OSERR, "cannot be looked for");
	memcpy(page, found, size);
	pid = sys_fork();
	if (pid == 0)
		run_look(&own, look, asked, page);
	while (pid > 0 && sys_waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	memcpy(found, page, size);
	sys_munmap(page, size);
	if (pid < 0)
		return err_errno(err, CODE_OSERR, "cannot be looked for");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != CODE_OK)
		return err_set(err, CODE_OSERR, "cannot be looked for as user %u, group %u",
			       identity->user, identity->group);
	return true;
}

bool privs_look_blame(const struct identity *identity, struct err *err)
{
	size_t used = strlen(err->text);

	if (identity->changes)
		snprintf(err->text + used, sizeof(err->text) - used, " (as user %u, group %u)",
			 identity->user, identity->group);
	return false;
}
