/* SPDX-License-Identifier: MIT */
/*
 * The life of one copy. Must not wait, and must not look at other copies: programs.c does. Signals
 * go through member.c.
 */
#include "master/program/copy.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "config/command_exec.h"
#include "master/program/copy_fork.h"
#include "master/program/copy_report.h"
#include "master/program/copy_streams.h"
#include "master/program/program_board.h"

static void note_ready(struct copy *copy, const char *how)
{
	if (copy->report.fd >= 0 || copy->failure.text[0] != '\0' ||
	    !member_note_ready(&copy->member))
		return;
	copy->was_ready = true;
	copy->beat_ms = copy->program->loop->now_ms;
	program_board_note(copy);
	LOG(EVENT_program_ready, LOG_STR("program", copy->program->conf->title),
	    LOG_NUM("copy", copy->member.number), LOG_NUM("child_pid", copy->member.pid),
	    LOG_STR("how", how));
}

/* A failure of the child comes before its death, which decides what follows. */
static void handle_report(void *owner, uint32_t events)
{
	struct copy *copy = owner;

	(void)events;
	if (command_exec_report(copy->report.fd, &copy->failure) == COMMAND_STARTING)
		return;
	copy_fork_close_report(copy);
}

/* SIGABRT leaves a core, or a trace of where it hangs. */
static void end_hung(struct copy *copy, const char *why, int64_t now_ms)
{
	copy->why = why;
	member_kill(&copy->member, SIGABRT);
	member_hang(&copy->member, now_ms + MEMBER_ABORT_MS);
	program_board_note(copy);
}

static void kill_hung(struct copy *copy, int64_t silent_ms, int64_t now_ms)
{
	LOG(EVENT_program_hung, LOG_STR("program", copy->program->conf->title),
	    LOG_NUM("copy", copy->member.number), LOG_NUM("child_pid", copy->member.pid),
	    LOG_NUM("silent_ms", silent_ms));
	cell_add(&program_board_tally(copy->program)->program_hangs_total, 1);
	end_hung(copy, "watchdog", now_ms);
}

/* Of the first copies of a generation the reload, or the start, decides. */
static bool has_to_be_ready(const struct copy *copy)
{
	return copy->program->has_started && !copy->was_ready &&
	       copy->member.state == MEMBER_STARTING;
}

static void kill_late(struct copy *copy, int64_t now_ms)
{
	LOG(EVENT_program_late, LOG_STR("program", copy->program->conf->title),
	    LOG_NUM("copy", copy->member.number), LOG_NUM("child_pid", copy->member.pid));
	end_hung(copy, "ready_timeout", now_ms);
}

/* Until it is ready, ready_timeout is its limit. */
static bool must_beat(const struct copy *copy)
{
	return copy->program->conf->watchdog > 0 && copy->was_ready &&
	       member_must_beat(&copy->member) && !member_is_leaving(&copy->member);
}

/* It is told once for each start: whoever knows the socket's name can send to it. */
static void note_stranger(struct copy *copy, pid_t stranger)
{
	if (stranger == 0 || copy->has_stranger)
		return;
	copy->has_stranger = true;
	LOG(EVENT_program_notify_ignored, LOG_STR("program", copy->program->conf->title),
	    LOG_NUM("copy", copy->member.number), LOG_NUM("child_pid", copy->member.pid),
	    LOG_NUM("sender_pid", stranger));
}

static void handle_notify(void *owner, uint32_t events)
{
	struct copy *copy = owner;
	struct program *program = copy->program;
	struct notify_news news;

	/* the program runs before it sends, but the two events may come in any order */
	if (copy->report.fd >= 0)
		handle_report(copy, events);
	notify_socket_read(copy->notify.fd, copy->member.pid, &news);
	note_stranger(copy, news.stranger);
	if (news.beats)
		copy->beat_ms = program->loop->now_ms;
	if (news.status[0] != '\0')
		program_board_tell(copy, news.status);
	if (news.is_ready)
		note_ready(copy, "notify");
	if (news.is_hung && must_beat(copy))
		kill_hung(copy, 0, program->loop->now_ms);
}

void copy_init(struct copy *copy, struct program *program, unsigned number)
{
	*copy = (struct copy){
		.member = { .number = number, .program = program->conf->title },
		.program = program,
		.report = { .fd = -1, .ready = handle_report, .owner = copy },
		.notify = { .fd = -1, .ready = handle_notify, .owner = copy },
		.row = SCOREBOARD_COPIES,
	};
	copy_streams_init(copy);
}

static void note_refusal(struct copy *copy, int64_t now_ms)
{
	struct program *program = copy->program;
	struct err err;

	err_errno(&err, CODE_OSERR, "program \"%s\": cannot start copy %u", program->conf->title,
		  copy->member.number);
	if (!program->has_started) {
		program->failure = err;
		member_leave(&copy->member, now_ms);
		return;
	}
	LOG(EVENT_program_failed, LOG_STR("program", program->conf->title),
	    LOG_NUM("copy", copy->member.number), LOG_STR("message", err.text));
	copy->member.started_ms = now_ms;
	member_respawn(&copy->member, false, false, now_ms);
	program_board_note(copy);
}

void copy_start(struct copy *copy, int64_t now_ms)
{
	pid_t pid;

	copy->failure.text[0] = copy->last_line[0] = '\0';
	copy->why = NULL;
	copy->was_ready = copy->is_overdue = copy->has_stranger = false;
	copy->cpu_us = copy->memory_bytes = 0;
	pid = copy_fork(copy);
	if (pid < 0) {
		note_refusal(copy, now_ms);
		return;
	}
	member_started(&copy->member, clock_ms()); /* the turn may have begun long before */
	copy->member.pid = pid;
	program_board_start(copy);
	LOG(EVENT_program_started, LOG_STR("program", copy->program->conf->title),
	    LOG_NUM("copy", copy->member.number), LOG_NUM("child_pid", pid),
	    LOG_NUM("generation", copy->program->generation));
}

void copy_end_group(const struct copy *copy)
{
	if (copy->member.pid > 0)
		sys_kill(-copy->member.pid, SIGKILL);
}

/*
 * A copy that was ready and was killed did not fail at its start: it starts again at once, as a
 * worker that has served does. RESPAWN_BACKOFF_FIRST_MS lie between two starts at least, because
 * nothing but READY=1 proves that such a copy worked.
 */
static void respawn_copy(struct copy *copy, int status, int64_t now_ms)
{
	bool was_killed = copy->was_ready && WIFSIGNALED(status);
	int64_t earliest_ms = copy->member.started_ms + RESPAWN_BACKOFF_FIRST_MS;

	member_respawn(&copy->member, false, was_killed, now_ms);
	if (copy->member.due_ms < earliest_ms)
		copy->member.due_ms = earliest_ms;
}

/* One that crashes on its way out, or has to be killed, does not end as it was told to. */
static bool is_end_expected(struct copy *copy, int status)
{
	const struct member *member = &copy->member;
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (!member_is_leaving(member) || member_is_hung(member))
		return false;
	if (copy->is_overdue && signal == SIGKILL)
		copy->why = "shutdown_timeout";
	else if (signal == 0 || signal == copy_fork_stop_signal(copy) ||
		 signal == member->retire_signal)
		return true;
	else
		copy->why = NULL;
	return false;
}

void copy_end(struct copy *copy, int status, int64_t now_ms)
{
	bool is_expected = is_end_expected(copy, status);

	if (copy->report.fd >= 0)
		command_exec_report(copy->report.fd, &copy->failure);
	copy_streams_drain(copy, now_ms);
	copy_report_end(copy, status, is_expected);
	copy_fork_close(copy);
	copy->member.pid = 0;
	program_board_end(copy, status, !is_expected);
	if (member_is_leaving(&copy->member)) {
		member_leave(&copy->member, now_ms);
	} else {
		copy_report_early(copy, status);
		respawn_copy(copy, status, now_ms);
	}
	program_board_note(copy);
}

void copy_retire(struct copy *copy, const char *why, int64_t kill_ms)
{
	if (!copy->why)
		copy->why = why;
	member_retire(&copy->member, copy_fork_stop_signal(copy), kill_ms);
	program_board_note(copy);
}

void copy_hurry(struct copy *copy, bool is_kill)
{
	if (copy->member.pid == 0)
		return;
	if (is_kill)
		member_signal(&copy->member, SIGKILL);
	else
		member_kill(&copy->member, copy_fork_stop_signal(copy));
}

void copy_step(struct copy *copy, int64_t now_ms)
{
	const struct program_conf *conf = copy->program->conf;

	if (conf->ready_after > 0 && member_is_running(&copy->member) && !copy->was_ready &&
	    now_ms >= copy->member.started_ms + conf->ready_after)
		note_ready(copy, "ready_after");
	if (must_beat(copy) && now_ms - copy->beat_ms > conf->watchdog)
		kill_hung(copy, now_ms - copy->beat_ms, now_ms);
	if (has_to_be_ready(copy) && now_ms >= copy->member.started_ms + conf->ready_timeout)
		kill_late(copy, now_ms);
	copy_streams_step(copy, now_ms);
	copy->is_overdue = member_kill_due(&copy->member, now_ms) || copy->is_overdue;
}

static void come_earlier(int64_t *due_ms, int64_t than_ms)
{
	if (than_ms < *due_ms)
		*due_ms = than_ms;
}

int64_t copy_due_ms(const struct copy *copy, int64_t otherwise_ms)
{
	const struct program_conf *conf = copy->program->conf;
	const struct member *member = &copy->member;
	int64_t due_ms = copy_streams_due_ms(copy, otherwise_ms);

	if (member_wants_worker(member))
		come_earlier(&due_ms, member->due_ms);
	if (member->kill_ms > 0)
		come_earlier(&due_ms, member->kill_ms);
	if (conf->ready_after > 0 && copy->report.fd < 0 && member_is_running(member) &&
	    !copy->was_ready)
		come_earlier(&due_ms, member->started_ms + conf->ready_after);
	if (must_beat(copy))
		come_earlier(&due_ms, copy->beat_ms + conf->watchdog + 1);
	if (has_to_be_ready(copy))
		come_earlier(&due_ms, member->started_ms + conf->ready_timeout);
	return due_ms;
}
