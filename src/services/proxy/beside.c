/* SPDX-License-Identifier: MIT */
/* Starts a process beside the workers. It has nothing to finish when it is told to leave. */
#include "services/proxy/beside.h"

#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "config/privs.h"
#include "config/signals.h"

static volatile sig_atomic_t wants_reopen; /* written by the handler */

static void leave(int number)
{
	(void)number;
	_exit(CODE_OK);
}

static void note_reopen(int number)
{
	(void)number;
	wants_reopen = 1;
}

static bool handle(int number, void (*handler)(int number))
{
	struct sigaction action = { .sa_handler = handler };

	return sigaction(number, &action, NULL) == 0;
}

/* Lookups may take long, and have no other end than the process's. */
static bool handle_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	return handle(SIGNAL_HELPER_LEAVE, leave) && handle(SIGNAL_HELPER_STOP, leave) &&
	       handle(SIGNAL_HELPER_END, leave) && handle(SIGUSR1, note_reopen) &&
	       handle(SIGTERM, SIG_IGN) && handle(SIGINT, SIG_IGN) && handle(SIGQUIT, SIG_IGN) &&
	       handle(SIGHUP, SIG_IGN) && sys_sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

struct upstream **beside_start(const struct helper_heritage *heritage, unsigned *count,
			       struct err *err)
{
	struct upstream **list;

	if (!privs_become(heritage->identity, err))
		return NULL;
	list = upstreams_new(heritage->conf, heritage->board, count);
	if (!list || !handle_signals()) {
		err_errno(err, CODE_OSERR, "cannot begin its work");
		return NULL;
	}
	return list;
}

void beside_settle(void)
{
	struct err err;

	if (!wants_reopen)
		return;
	wants_reopen = 0;
	if (!log_reopen(false, &err))
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
}
