/* SPDX-License-Identifier: MIT */
/*
 * Tries a configuration in a forked child, which reports by a shared page and its exit code. Must
 * not wait for the child: the master's loop reaps it.
 */
#include "master/trial/config_trial.h"

#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "master/generation.h"
#include "master/modules.h"
#include "master/program/programs.h"
#include "master/reload_times.h"
#include "master/spawn.h"
#include "master/trial/prestart.h"
#include "master/trial/prestart_files.h"
#include "master/trial/prestart_tls.h"
#include "master/trial/service_trial.h"

enum { LISTENS_MOST = 4096, PROGRAMS_MOST = 256, NAMES_SIZE = 1024 * 1024 };

/* Large, but only pages that are written take memory. */
struct config_trial_page {
	struct err err;
	struct identity identity;
	size_t names_size;
	/* that were looked up, each with its NUL: user, group, listens, and those of programs */
	char names[NAMES_SIZE];
	struct command_found programs[PROGRAMS_MOST];     /* one for each program */
	struct listener_addresses resolved[LISTENS_MOST]; /* one for each listen */
	struct service_facts facts[LISTENS_MOST];         /* likewise */
};

enum { OF_PROGRAM = 5 };

static const char *name_of_program(const struct conf *conf, size_t n)
{
	const struct program_conf *program = &conf->programs[n / OF_PROGRAM];
	const struct command_options asked = COMMAND_OPTIONS(conf, program);
	const char *const names[OF_PROGRAM] = { program->command.texts[0], program->user,
						program->group, program->directory,
						command_search_path(&asked) };

	return names[n % OF_PROGRAM];
}

/* The nth name that is looked up for conf, or NULL after the last. */
static const char *name_of(const struct conf *conf, size_t n)
{
	if (n < 2)
		return n == 0 ? conf->user : conf->group;
	n -= 2;
	if (n < conf->listener_count)
		return conf->listeners[n].address;
	n -= conf->listener_count;
	return n < conf->program_count * OF_PROGRAM ? name_of_program(conf, n) : NULL;
}

static bool keep_names(struct config_trial_page *page, const struct conf *conf, struct err *err)
{
	const char *name;

	for (size_t i = 0; (name = name_of(conf, i)) != NULL; i++) {
		size_t size = strlen(name) + 1;

		if (conf->listener_count > LISTENS_MOST || conf->program_count > PROGRAMS_MOST ||
		    size > NAMES_SIZE - page->names_size)
			return err_set(err, CODE_CONFIG,
				       "%zu listens and %zu programs are more than a reload takes "
				       "(restart the server)",
				       conf->listener_count, conf->program_count);
		memcpy(page->names + page->names_size, name, size);
		page->names_size += size;
	}
	return true;
}

static bool try_services(const struct conf *conf, const struct identity *identity,
			 struct config_trial_page *page, struct err *err)
{
	return !modules_has_any(conf) || service_trial_run(conf, identity, page->facts, err);
}

/* The trial's own children do not have the page, and must not: the identity is outside. */
static bool find_identity(const struct conf *conf, struct identity *identity,
			  struct config_trial_page *page, struct err *err)
{
	if (!prestart_check_identity(conf, identity, err))
		return false;
	page->identity = *identity;
	return true;
}

/*
 * The resolver comes last but for what needs its addresses, so that all other mistakes are reported
 * at once. Listening sockets may be open already, so they do not count among those that the master
 * is to open.
 */
static bool examine_conf(const struct conf_source *source, const struct conf *now,
			 struct config_trial_page *page)
{
	struct err *err = &page->err;
	const struct conf *conf = prestart_load(source, err);
	struct identity identity;

	return conf && conf_can_reload(now, conf, err) && keep_names(page, conf, err) &&
	       find_identity(conf, &identity, page, err) &&
	       prestart_check_services(conf, &identity, err) && prestart_check_tls(conf, err) &&
	       prestart_check_chroot(conf, err) &&
	       programs_check(conf, &identity, page->programs, err) &&
	       prestart_check_directory(conf, "working_directory", conf->working_directory, err) &&
	       prestart_check_log(conf, &page->identity, err) &&
	       prestart_check_files(conf, 0, prestart_workers(conf) + GENERATION_SPARE, err) &&
	       listener_resolve(conf, page->resolved, err) &&
	       try_services(conf, &identity, page, err) &&
	       prestart_check_rlimit(
		       conf, listener_count_sockets(conf, page->resolved, prestart_workers(conf)),
		       prestart_workers(conf) + GENERATION_SPARE, err);
}

/* A process that is forked from now on must not write into the page that the master will read. */
static bool hide_page(const struct config_trial *trial)
{
	return sys_madvise(trial->page, sizeof(*trial->page), MADV_DONTFORK) == 0;
}

static _Noreturn void run_trial(const struct conf_source *source, struct procs *procs, pid_t master,
				const struct config_trial *trial)
{
	/* A trial must not outlive the server that forked it, which may be gone already. */
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_own();
	if (!spawn_leave_server(procs) || !hide_page(trial)) {
		err_errno(&trial->page->err, CODE_OSERR, "cannot begin to try the configuration");
		sys_leave(CODE_FAILED);
	}
	sys_leave(getppid() == master && examine_conf(source, procs->current->conf, trial->page) ?
			  CODE_OK :
			  CODE_FAILED);
}

bool config_trial_start(struct config_trial *trial, const struct conf_source *source,
			struct procs *procs, int64_t now_ms, struct err *err)
{
	void *page = sys_mmap(NULL, sizeof(*trial->page), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pid_t master = getpid();

	if (page == MAP_FAILED)
		return err_errno(err, CODE_OSERR, "cannot try the configuration");
	*trial = (struct config_trial){ .kill_ms = now_ms + RELOAD_TRIAL_MS, .page = page };
	trial->pid = sys_fork();
	if (trial->pid == 0)
		run_trial(source, procs, master, trial);
	if (trial->pid > 0 && hide_page(trial))
		return true;
	err_errno(err, CODE_OSERR, "cannot fork to try the configuration");
	config_trial_abandon(trial);
	trial->pid = 0;
	return false;
}

bool config_trial_reap(struct config_trial *trial, pid_t pid, int status)
{
	if (trial->pid != pid)
		return false;
	trial->pid = 0;
	trial->status = status;
	return true;
}

bool config_trial_has_ended(const struct config_trial *trial)
{
	return trial->page && trial->pid == 0;
}

bool config_trial_passed(const struct config_trial *trial, struct err *err)
{
	bool passed = WIFEXITED(trial->status) && WEXITSTATUS(trial->status) == CODE_OK;

	if (trial->late)
		err_set(err, CODE_CONFIG,
			"reading the configuration and looking up its names took longer than %d s",
			RELOAD_TRIAL_MS / 1000);
	else if (WIFSIGNALED(trial->status))
		err_set(err, CODE_INTERNAL, "reading the configuration crashed (signal %d, %s)",
			WTERMSIG(trial->status), strsignal(WTERMSIG(trial->status)));
	else if (!passed)
		*err = trial->page->err;
	return passed && !trial->late;
}

static bool has_names(const struct config_trial_page *page, const struct conf *conf)
{
	const char *name, *at = page->names, *end = at + page->names_size;

	for (size_t i = 0; (name = name_of(conf, i)) != NULL; i++) {
		if (at >= end || strcmp(at, name) != 0)
			return false;
		at += strlen(at) + 1;
	}
	return at == end;
}

bool config_trial_found(const struct config_trial *trial, const struct conf *conf,
			const struct identity **identity,
			const struct listener_addresses **resolved, struct err *err)
{
	if (!has_names(trial->page, conf))
		return err_set(err, CODE_CONFIG,
			       "the configuration changed while it was read (reload again)");
	*identity = &trial->page->identity;
	*resolved = trial->page->resolved;
	return true;
}

const struct service_facts *config_trial_facts(const struct config_trial *trial)
{
	return trial->page->facts;
}

const struct command_found *config_trial_programs(const struct config_trial *trial)
{
	return trial->page->programs;
}

void config_trial_expire(struct config_trial *trial, int64_t now_ms)
{
	if (trial->pid == 0 || trial->late || now_ms < trial->kill_ms)
		return;
	trial->late = true;
	sys_kill(trial->pid, SIGKILL);
}

void config_trial_abandon(struct config_trial *trial)
{
	if (trial->pid > 0)
		sys_kill(trial->pid, SIGKILL);
	if (trial->page)
		sys_munmap(trial->page, sizeof(*trial->page));
	trial->page = NULL;
}
