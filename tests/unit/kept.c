/* SPDX-License-Identifier: MIT */
/* A keeper and its workers: processes that only wait for a signal. Must not sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/sys.h"
#include "config/signals.h"
#include "unit/crew.h"
#include "unit/kept.h"

struct kept kept;

/*
 * Forks a child that exits with 0 on SIGUSR1 and with CODE_NO_RESPAWN on SIGUSR2; unless it stays,
 * also on the order to a keeper to leave. Otherwise only SIGKILL ends it.
 */
static pid_t fork_waiter(bool stays)
{
	sigset_t all, heard;
	int number;
	pid_t pid = sys_fork();

	if (pid != 0)
		return pid;
	sigfillset(&all);
	sys_sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&heard);
	sigaddset(&heard, SIGUSR1);
	sigaddset(&heard, SIGUSR2);
	if (!stays)
		sigaddset(&heard, SIGNAL_KEEPER_LEAVE);
	sigwait(&heard, &number);
	_exit(number == SIGUSR2 ? CODE_NO_RESPAWN : 0);
}

static pid_t spawn_waiter(struct procs *of, struct generation *in, unsigned number)
{
	(void)of;
	(void)in;
	(void)number;
	return fork_waiter(kept.keeper_stays);
}

int kept_make(void **state)
{
	sigset_t all;
	struct err err;

	/*
	 * a child has this mask until it sets its own; and the log must not report thousands of
	 * deaths
	 */
	sigfillset(&all);
	if (crew_make(state) != 0 || sys_sigprocmask(SIG_SETMASK, &all, NULL) < 0 ||
	    !log_open("/dev/null", LEVEL_ERROR, LOG_TEXT, (uid_t)-1, &err))
		return -1;
	kept = (struct kept){ .procs = *state, .now_ms = CREW_NOW, .accepts = KEPT_ACCEPTED };
	kept.procs->spawn = spawn_waiter;
	kept.procs->page = keeper_pids_new();
	kept.generation = crew_generation(NULL, 1);
	kept.generation->conf->keep_connections = true;
	if (!kept.procs->page || !workers_begin(kept.procs, kept.generation, kept.now_ms, &err))
		return -1;
	workers_promote(kept.procs);
	kept.member = &kept.generation->members[0];
	kept.slot = &kept.generation->slots[0];
	kept_clear();
	return 0;
}

static void kill_and_await(pid_t pid)
{
	if (pid <= 0)
		return;
	assert_int_equal(sys_kill(pid, SIGKILL), 0);
	crew_await_death(pid);
}

int kept_free(void **state)
{
	struct keeper_pids *page = kept.procs->page;

	kill_and_await(kept.member->pid);
	kill_and_await(kept.member->keeper);
	if (crew_free(state) != 0 || !keeper_pids_drop(page))
		return -1;
	return 0;
}

void kept_start(void)
{
	kept.now_ms += KEPT_LATER_MS;
	workers_start_due(kept.procs, kept.now_ms);
}

void kept_clone(void)
{
	struct listener_tally *tally = &kept.slot->tally.listeners[0];
	const struct member *member = kept.member;

	if (member->keeper == 0 || keeper_pids_get(kept.procs->page, 0) != 0 ||
	    !member_is_alive(member) || member_wants_worker(member))
		return;
	kept.procs->page->pids[0] = fork_waiter(false);
	assert_true(kept.procs->page->pids[0] > 0);
	assert_int_equal(kept.slot->live, member->held);
	cell_add(&tally->connections_accepted_total, kept.accepts);
	kept.slot->live += kept.accepts;
	cell_set(&tally->connections_live, kept.slot->live);
	workers_look(kept.procs);
}

void kept_report_ready(void)
{
	kept.slot->state = SLOT_READY;
	workers_look(kept.procs);
}

void kept_drain(void)
{
	cell_add(&kept.slot->tally.connections_ended_total[CLOSE_drained], kept.slot->live);
	scoreboard_set_live(kept.slot, NULL);
}

void kept_move(unsigned in, unsigned out)
{
	struct worker_tally *tally = &kept.slot->tally;

	cell_add(&tally->connections_moved_in_total[MOVE_rebalance], in);
	cell_add(&tally->connections_moved_out_total[MOVE_retirement], out);
	kept.slot->live += in - out;
	cell_set(&tally->listeners[0].connections_live, kept.slot->live);
}

void kept_kill_worker(void)
{
	kill_and_await(kept.member->pid);
	workers_reap(kept.procs, kept.now_ms);
}

void kept_kill_keeper(void)
{
	kill_and_await(kept.member->keeper);
	workers_reap(kept.procs, kept.now_ms);
}

void kept_kill_both(void)
{
	kill_and_await(kept.member->pid);
	kill_and_await(kept.member->keeper);
	workers_reap(kept.procs, kept.now_ms);
}

void kept_exit_worker(int code)
{
	pid_t pid = kept.member->pid;

	if (pid == 0)
		return;
	assert_int_equal(sys_kill(pid, code == 0 ? SIGUSR1 : SIGUSR2), 0);
	crew_await_death(pid);
	workers_reap(kept.procs, kept.now_ms);
}

void kept_clear(void)
{
	while (kept.member->pid > 0 || kept.member->keeper > 0)
		kept_kill_both();
	member_retire(kept.member, SIGQUIT, INT64_MAX);
	assert_int_equal(kept.member->state, MEMBER_EMPTY);
}
