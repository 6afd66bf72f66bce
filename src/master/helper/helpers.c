/* SPDX-License-Identifier: MIT */
/* Forks helpers and judges their deaths. Must not wait, and must not know what helpers do. */
#include "master/helper/helpers.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proctitle.h"
#include "base/sys.h"
#include "config/signals.h"
#include "master/helper/helper_links.h"
#include "master/spawn.h"
#include "worker/fds.h"
#include "worker/helper.h"

enum { OWN_FILES = 64 }; /* of a helper: its epoll, signalfd and log, and some for the C library */

unsigned helpers_alive(const struct procs *procs)
{
	unsigned alive = 0;

	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		alive += g->helpers.count - helper_set_in(&g->helpers, HELPER_GONE);
	return alive;
}

static rlim_t count_files(const struct helper *helper, unsigned links)
{
	unsigned own = helper->job->files ? helper->job->files(helper->conf) : 0;

	return (rlim_t)own + links + OWN_FILES;
}

static unsigned count_links(const struct generation *generation, unsigned index)
{
	return generation->helpers.links[index].list ? generation->helpers.link_count : 0;
}

static void name_process(const struct helper *helper)
{
	if (helper->job->is_shared)
		proctitle_set("prefork-srv: %s", helper->job->name);
	else
		proctitle_set("prefork-srv: %s %s", helper->job->name, helper->conf->address);
}

/* In the child. A helper that is started anew finds what is left in the links. */
static _Noreturn void become_helper(struct procs *procs, struct generation *generation,
				    unsigned index, pid_t master)
{
	const struct helper *helper = &generation->helpers.list[index];
	struct helper_heritage heritage = { .conf = generation->conf,
					    .listen = helper->conf,
					    .board = helper->job->part ? procs->board : NULL,
					    .identity = &generation->identity,
					    .links = generation->helpers.links[index].list,
					    .link_count = count_links(generation, index),
					    .master_pid = master,
					    .report_fd = helper->report };
	struct err err;

	if (!spawn_settle_helper(procs, generation, count_files(helper, heritage.link_count),
				 helper->job->part, &err)) {
		log_role("helper", -1);
		LOG(EVENT_helper_failed, LOG_STR("message", err.text));
		sys_leave(CODE_OSERR);
	}
	log_role("helper", -1);
	name_process(helper);
	if (!fds_keep_helper(&heritage)) {
		LOG(EVENT_helper_failed, LOG_STR("message", "cannot close what is not its own"),
		    LOG_STR("error", strerror(errno)));
		sys_leave(CODE_OSERR);
	}
	sys_leave(helper->job->run(&heritage));
}

static struct log_field name_service(const struct helper *helper)
{
	return LOG_STR("service", helper->job->name);
}

static struct log_field name_listener(const struct helper *helper)
{
	return LOG_STR("listen", helper->conf->address);
}

static void note_refusal(struct procs *procs, struct generation *generation, struct helper *helper,
			 int64_t now_ms)
{
	if (generation == procs->starting) {
		err_errno(&generation->failure, CODE_OSERR, "cannot start the helper of %s %s",
			  helper->job->name, helper->conf->address);
		helper_give_up(helper);
		return;
	}
	LOG(EVENT_helper_died, name_service(helper), name_listener(helper),
	    LOG_STR("message", "the system refused to start it"),
	    LOG_STR("error", strerror(errno)));
	helper->started_ms = now_ms;
	helper_respawn(helper, now_ms);
}

static void start_helper(struct procs *procs, struct generation *generation, unsigned index,
			 int64_t now_ms)
{
	struct helper *helper = &generation->helpers.list[index];
	pid_t master = getpid(), pid;

	pid = sys_fork();
	if (pid == 0)
		become_helper(procs, generation, index, master);
	if (pid < 0) {
		note_refusal(procs, generation, helper, now_ms);
		return;
	}
	helper_started(&generation->helpers, index, pid, now_ms);
	LOG(EVENT_helper_started, name_service(helper), name_listener(helper),
	    LOG_NUM("child_pid", pid), LOG_NUM("generation", generation->id));
}

void helpers_start_due(struct procs *procs, int64_t now_ms)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->helpers.count; i++) {
			const struct helper *helper = &g->helpers.list[i];

			if (helper->state == HELPER_WAITING && helper->due_ms <= now_ms &&
			    g->failure.text[0] == '\0')
				start_helper(procs, g, i, now_ms);
		}
}

void helpers_look(struct procs *procs)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g)) {
		helper_links_give(&g->helpers);
		for (unsigned i = 0; i < g->helpers.count; i++) {
			struct helper *helper = &g->helpers.list[i];

			if (helper_hear(helper, clock_ms()))
				LOG(EVENT_helper_ready, name_service(helper), name_listener(helper),
				    LOG_NUM("child_pid", helper->pid),
				    LOG_NUM("generation", g->id));
		}
	}
}

int64_t helpers_due_ms(const struct procs *procs, int64_t otherwise_ms)
{
	int64_t due_ms = otherwise_ms;

	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->helpers.count; i++) {
			const struct helper *helper = &g->helpers.list[i];

			if (helper->state == HELPER_WAITING && helper->due_ms < due_ms)
				due_ms = helper->due_ms;
			if (helper->state == HELPER_LEAVING && helper->kill_ms > 0 &&
			    helper->kill_ms < due_ms)
				due_ms = helper->kill_ms;
		}
	return due_ms;
}

static void log_death(const struct helper *helper, int status)
{
	struct log_field service = name_service(helper), listen = name_listener(helper);
	struct log_field pid = LOG_NUM("child_pid", helper->pid);

	if (helper->state == HELPER_LEAVING && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		LOG(EVENT_helper_exited, service, listen, pid);
	else if (helper->state == HELPER_LEAVING && WIFSIGNALED(status) &&
		 WTERMSIG(status) == SIGKILL)
		LOG(EVENT_helper_exited, service, listen, pid, LOG_NUM("signal", SIGKILL));
	else if (WIFSIGNALED(status))
		LOG(EVENT_helper_died, service, listen, pid, LOG_NUM("signal", WTERMSIG(status)),
		    LOG_STR("message", strsignal(WTERMSIG(status))));
	else
		LOG(EVENT_helper_died, service, listen, pid, LOG_NUM("code", WEXITSTATUS(status)));
}

static void judge_death(struct procs *procs, struct generation *generation, struct helper *helper,
			int status, int64_t now_ms)
{
	log_death(helper, status);
	if (generation != procs->starting || helper->state != HELPER_STARTING) {
		helper_respawn(helper, now_ms);
		return;
	}
	err_set(&generation->failure, CODE_OSERR,
		"the helper of %s %s left before it was ready (%s %d; the log says why)",
		helper->job->name, helper->conf->address,
		WIFSIGNALED(status) ? "signal" : "exit code",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	helper_give_up(helper);
}

bool helpers_reap(struct procs *procs, pid_t pid, int status, int64_t now_ms)
{
	helpers_look(procs); /* it may have reported before it died */
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->helpers.count; i++) {
			if (g->helpers.list[i].pid != pid)
				continue;
			judge_death(procs, g, &g->helpers.list[i], status, now_ms);
			return true;
		}
	return false;
}

void helpers_kill_silent(struct generation *generation, int64_t now_ms)
{
	for (unsigned i = 0; i < generation->helpers.count; i++) {
		struct helper *helper = &generation->helpers.list[i];
		int64_t silent_ms =
			helper_kill_silent(helper, generation->conf->hang_timeout, now_ms);

		if (silent_ms > 0)
			LOG(EVENT_helper_hung, name_service(helper), name_listener(helper),
			    LOG_NUM("child_pid", helper->pid), LOG_NUM("silent_ms", silent_ms));
	}
}

void helpers_kill_due(struct procs *procs, int64_t now_ms)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->helpers.count; i++) {
			struct helper *helper = &g->helpers.list[i];

			if (helper_kill_due(helper, now_ms))
				LOG(EVENT_helper_killed, name_service(helper),
				    name_listener(helper), LOG_NUM("child_pid", helper->pid));
		}
}

void helpers_signal(struct procs *procs, int signal, int64_t now_ms)
{
	int order = signal == SIGKILL ? SIGNAL_HELPER_END : SIGNAL_HELPER_STOP;

	if (signal != SIGINT && signal != SIGKILL)
		return;
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->helpers.count; i++)
			helper_tell_to_leave(&g->helpers.list[i], order, now_ms);
}

void helpers_reopen(const struct procs *procs)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->helpers.count; i++)
			if (g->helpers.list[i].pid > 0)
				sys_kill(g->helpers.list[i].pid, SIGUSR1);
}
