/* SPDX-License-Identifier: MIT */
/*
 * Tries a configuration in a forked child, which reports by a shared page and its exit code. Must
 * not wait for the child: the master's loop reaps it. Called by reload.c.
 */
#include "master/trial.h"

#include <string.h>

#include "base/sys.h"
#include "master/environment.h"

struct trial_page {
	struct err err;
};

static _Noreturn void try(const struct conf_source *source, struct err *err)
{
	const struct conf *conf;

	/* A trial must not outlive the server that asked for it. */
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	conf = environment_load(source, err);
	_exit(conf && environment_check(conf, err) && environment_log(conf, err) ? CODE_OK :
										   CODE_FAILED);
}

static void unmap(struct trial *trial)
{
	if (trial->page)
		sys_munmap(trial->page, sizeof(*trial->page));
	trial->page = NULL;
}

bool trial_start(struct trial *trial, const struct conf_source *source, int64_t now_ms,
		 struct err *err)
{
	void *page = sys_mmap(NULL, sizeof(*trial->page), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return err_errno(err, CODE_OSERR, "cannot try the configuration");
	*trial = (struct trial){ .kill_ms = now_ms + TRIAL_MOST_MS, .page = page };
	trial->pid = sys_fork();
	if (trial->pid == 0)
		try(source, &trial->page->err);
	if (trial->pid > 0)
		return true;
	trial->pid = 0;
	err_errno(err, CODE_OSERR, "cannot fork to try the configuration");
	unmap(trial);
	return false;
}

bool trial_reap(struct trial *trial, pid_t pid, int status)
{
	if (trial->pid != pid)
		return false;
	trial->pid = 0;
	trial->status = status;
	return true;
}

bool trial_has_ended(const struct trial *trial)
{
	return trial->page && trial->pid == 0;
}

bool trial_finish(struct trial *trial, struct err *err)
{
	bool passed = WIFEXITED(trial->status) && WEXITSTATUS(trial->status) == CODE_OK;

	if (trial->late)
		err_set(err, CODE_CONFIG, "reading the configuration took longer than %d s",
			TRIAL_MOST_MS / 1000);
	else if (WIFSIGNALED(trial->status))
		err_set(err, CODE_INTERNAL, "reading the configuration crashed (signal %d, %s)",
			WTERMSIG(trial->status), strsignal(WTERMSIG(trial->status)));
	else if (!passed)
		*err = trial->page->err;
	passed = passed && !trial->late;
	unmap(trial);
	return passed;
}

void trial_expire(struct trial *trial, int64_t now_ms)
{
	if (trial->pid == 0 || trial->late || now_ms < trial->kill_ms)
		return;
	trial->late = true;
	sys_kill(trial->pid, SIGKILL);
}

void trial_abandon(struct trial *trial)
{
	if (trial->pid > 0)
		sys_kill(trial->pid, SIGKILL);
	unmap(trial);
}
