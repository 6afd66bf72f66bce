/* SPDX-License-Identifier: MIT */
/*
 * Starts, ends, reaps and reports. It must not wait, neither for a worker nor for a program, and
 * signals no process but those of its programs' groups.
 */
#include "services/exec/exec_program.h"

#include <stdlib.h>
#include <string.h>

#include "base/brief.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "services/exec/exec_environment.h"
#include "services/exec/exec_socket.h"
#include "worker/give.h"

enum {
	LEFT_LOOK_MS = 100, /* between two looks whether a session has processes */
	/*
	 * A short program ends before it is watched, which spares two wake-ups; what a longer one
	 * writes waits in its pipe, and an order to end it in the control socket.
	 */
	WATCH_AFTER_MS = 10
};

bool exec_programs_new(struct exec_programs *all, const struct command *command, unsigned most)
{
	all->most = most;
	all->list = calloc(most, sizeof(*all->list));
	all->free = calloc(most, sizeof(struct exec_program *));
	all->live = calloc(most, sizeof(*all->live));
	if (!all->list || !all->free || !all->live)
		return false;
	for (unsigned i = 0; i < most; i++)
		all->free[i] = &all->list[most - 1 - i];
	return exec_spawn_new(&all->spawn, command);
}

/* The fields by which the access log finds the connection, and the program and its client. */
#define NAMES(p)                                                                                  \
	LOG_NUM("worker", (p)->request.worker), LOG_NUM("generation", (p)->request.generation),   \
		LOG_NUM("connection", (p)->request.number), LOG_NUM("child_pid", (p)->group.pid), \
		LOG_STR("remote", (p)->remote)

/* The worker has its end, or its next one will; one that was taken over may have filled it. */
static void send_report(int control, struct exec_report report)
{
	report.magic = EXEC_REPORT_MAGIC;
	(void)!sys_send(control, &report, sizeof(report), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A worker that was taken over can have sent anything to it, and closed its own end. */
static void close_control(struct exec_program *p)
{
	if (p->control.place != 0)
		loop_unwatch(p->all->loop, &p->control);
	brief_close(p->control.fd);
	p->control.fd = -1;
}

static void free_program(struct exec_program *p)
{
	struct exec_programs *all = p->all;
	struct exec_live *last = &all->live[--all->count];

	timer_cancel(all->alarms, &p->alarm.timer);
	exec_group_close(&p->group);
	last->program->place = p->place;
	all->live[p->place] = *last;
	p->state = EXEC_PROGRAM_FREE;
	all->free[all->most - all->count - 1] = p;
}

/* Its session, and so its process group, has its pid (setsid(2)); it is not reaped yet. */
static void signal_program(struct exec_program *p, enum exec_program_state next, int number)
{
	p->state = next;
	(void)sys_kill(-p->group.pid, SIGCONT); /* a stopped one would not act on the other */
	(void)sys_kill(-p->group.pid, number);
}

static void end_program(struct exec_program *p)
{
	if (p->state != EXEC_PROGRAM_RUNS)
		return;
	signal_program(p, EXEC_PROGRAM_TERMED, SIGTERM);
	p->kill_ms = p->all->loop->now_ms + p->all->kill_after_ms;
	timer_set(p->all->alarms, &p->alarm.timer, p->kill_ms);
}

/* After KILL there is nothing more to do: what is left then is dead, and waits to be reaped. */
static void look_at_rest(struct exec_program *p)
{
	int64_t now_ms = p->all->loop->now_ms;

	if (now_ms < p->kill_ms && exec_group_signal(&p->group, 0)) {
		timer_set(p->all->alarms, &p->alarm.timer, now_ms + LEFT_LOOK_MS);
		return;
	}
	(void)exec_group_signal(&p->group, SIGKILL);
	free_program(p);
}

static void handle_alarm(void *owner)
{
	struct exec_program *p = owner;

	switch (p->state) {
	case EXEC_PROGRAM_RUNS:
		p->timed_out = true;
		end_program(p);
		break;
	case EXEC_PROGRAM_TERMED:
		signal_program(p, EXEC_PROGRAM_KILLED, SIGKILL);
		break;
	case EXEC_PROGRAM_LEFT:
		look_at_rest(p);
		break;
	default:
		break;
	}
}

/* The worker has ended the connection, or writes what no worker writes. */
static void handle_control(void *owner, uint32_t events)
{
	struct exec_program *p = owner;

	(void)events;
	loop_unwatch(p->all->loop, &p->control);
	end_program(p);
}

static void log_line(void *owner, const char *text, bool is_cut)
{
	const struct exec_program *p = owner;

	if (is_cut)
		LOG(EVENT_exec_output, NAMES(p), LOG_STR("text", text), LOG_STR("cut", "yes"));
	else
		LOG(EVENT_exec_output, NAMES(p), LOG_STR("text", text));
}

static void tell_lost(struct exec_program *p, bool is_last)
{
	uint64_t lost = output_lines_take_lost(&p->output.lines, is_last, p->all->loop->now_ms);

	if (lost > 0)
		LOG(EVENT_exec_output_lost, NAMES(p), LOG_NUM("lines", lost));
}

/* Lost lines are told, and reading goes on, once the second is over. */
static void await_second(void *owner)
{
	struct exec_program *p = owner;
	int64_t due_ms = output_lines_due_ms(&p->output.lines, INT64_MAX);

	if (due_ms < INT64_MAX)
		timer_set(p->all->alarms, &p->second.timer, due_ms);
}

/* A program that cannot be watched is ended at once. */
static void watch_control(struct exec_program *p)
{
	if (!p->is_watched && !loop_watch(p->all->loop, &p->control, EPOLLIN | EPOLLRDHUP))
		end_program(p);
	p->is_watched = true;
}

static void handle_second(void *owner)
{
	struct exec_program *p = owner;

	watch_control(p);
	tell_lost(p, false);
	output_watch_resume(&p->output, p->all->loop->now_ms);
	await_second(p);
}

/* What its children write later has no reader. */
static void drain_errors(struct exec_program *p)
{
	output_watch_drain(&p->output, p->all->loop->now_ms);
	tell_lost(p, true);
	timer_cancel(p->all->alarms, &p->second.timer);
	output_watch_close(&p->output);
}

static unsigned count_same(const struct exec_programs *all, const struct exec_live *one)
{
	unsigned same = 0;

	for (unsigned i = 0; i < all->count; i++) {
		const struct exec_live *live = &all->live[i];

		same += live->remote.family == one->remote.family && live->user == one->user &&
			memcmp(live->remote.bytes, one->remote.bytes, sizeof(one->remote.bytes)) ==
				0;
	}
	return same;
}

/* The reading end alone does not block: the program gets a pipe as it expects it. */
static bool open_errors(const struct exec_programs *all, int *pair)
{
	pair[0] = pair[1] = -1;
	if (all->heritage->listen->stderr == STDERR_CONNECTION)
		return true;
	return sys_pipe2(pair, O_CLOEXEC) == 0 && sys_fcntl_int(pair[0], F_SETFL, O_NONBLOCK) == 0;
}

static void close_pair(const int *pair)
{
	for (unsigned i = 0; i < 2; i++)
		if (pair[i] >= 0)
			(void)sys_close(pair[i]);
}

/* Returns the pid, or -1 with err. */
static pid_t spawn_program(struct exec_programs *all, struct exec_program *p, int socket,
			   const struct exec_ends *ends, int *errors, struct err *err)
{
	int fds[3] = { socket, socket, socket };
	struct exec_environment environment;
	struct command_start start = { .fds = fds, .fd_count = 3 };
	pid_t pid;

	if (!open_errors(all, errors) || sys_fcntl_int(socket, F_SETFL, 0) < 0) {
		close_pair(errors);
		err_errno(err, CODE_OSERR, "cannot make its descriptors");
		return -1;
	}
	if (errors[1] >= 0)
		fds[2] = errors[1];
	exec_environment_fill(&environment, ends);
	start.variables = environment.list;
	start.variable_count = environment.count;
	p->started_us = clock_us();
	pid = exec_spawn(&all->spawn, &start, err);
	if (errors[1] >= 0)
		(void)sys_close(errors[1]);
	if (pid < 0 && errors[0] >= 0)
		(void)sys_close(errors[0]);
	return pid;
}

static void watch_program(struct exec_program *p, int errors)
{
	struct exec_programs *all = p->all;
	int64_t timeout_ms = all->heritage->listen->timeout;

	if (timeout_ms > 0)
		timer_set(all->alarms, &p->alarm.timer, p->started_us / 1000 + timeout_ms);
	if (errors >= 0)
		output_watch_hold(&p->output, all->loop, errors);
	p->is_watched = false;
	timer_set(all->alarms, &p->second.timer, all->loop->now_ms + WATCH_AFTER_MS);
}

static void note_program(struct exec_programs *all, struct exec_program *p, pid_t pid,
			 const struct exec_live *live, int control, int errors)
{
	exec_group_hold(&p->group, pid, false);
	p->state = EXEC_PROGRAM_RUNS;
	p->place = all->count;
	p->control = (struct watch){ .fd = control, .ready = handle_control, .owner = p };
	p->second.fire = handle_second;
	p->second.owner = p;
	output_watch_init(&p->output, log_line, await_second, p);
	all->live[all->count] = *live;
	all->live[all->count].program = p;
	all->live[all->count++].pid = pid;
	watch_program(p, errors);
	LOG(EVENT_exec_started, NAMES(p));
}

static void refuse_start(const struct exec_program *p, int control, const struct err *err)
{
	LOG(EVENT_exec_failed, NAMES(p), LOG_STR("message", err->text));
	send_report(control, (struct exec_report){ .outcome = EXEC_NOT_STARTED });
	brief_close(control);
}

bool exec_programs_start(struct exec_programs *all, const struct exec_request *request,
			 struct rights *got)
{
	struct exec_program *p = all->free[all->most - all->count - 1];
	struct exec_ends ends = exec_environment_ends(request);
	struct exec_live live = { .remote = request->remote };
	int control = got->fds[GIVE_CONTROL], errors[2];
	struct err err = { 0 };
	pid_t pid;

	if (got->count != GIVE_FDS || !exec_socket_is_client(got->fds[GIVE_SOCKET], &ends) ||
	    !exec_socket_is_control(control)) {
		rights_close(got);
		return false;
	}
	live.user = ends.peer.uid;
	ends.of_the_same = count_same(all, &live) + 1;
	p->all = all;
	p->alarm.fire = handle_alarm;
	p->alarm.owner = p;
	p->group = (struct exec_group){ .fd = -1 };
	p->request = *request;
	p->timed_out = false;
	(void)addr_write(&ends.remote, p->remote);
	pid = spawn_program(all, p, got->fds[GIVE_SOCKET], &ends, errors, &err);
	brief_close(got->fds[GIVE_SOCKET]); /* that worker, or a program, can have made it linger */
	if (pid < 0)
		refuse_start(p, control, &err);
	else
		note_program(all, p, pid, &live, control, errors[0]);
	return true;
}

static void log_exit(const struct exec_program *p, const struct exec_report *report)
{
	if (log_wants(EVENT_exec_exited))
		LOG(EVENT_exec_exited, NAMES(p),
		    LOG_NUM(report->outcome == EXEC_EXITED ? "code" : "signal", report->code),
		    LOG_NUM("ms", report->took_us / 1000));
}

/* What a program leaves that went by itself goes on; what one leaves that was ended is ended. */
static void leave_session(struct exec_program *p)
{
	bool has_left = exec_group_signal(&p->group, 0);

	if (p->state == EXEC_PROGRAM_RUNS && has_left)
		LOG(EVENT_exec_stayed, NAMES(p));
	if (p->state == EXEC_PROGRAM_RUNS || !has_left) {
		free_program(p);
		return;
	}
	p->all->live[p->place].pid = 0;
	p->state = EXEC_PROGRAM_LEFT;
	timer_set(p->all->alarms, &p->alarm.timer, p->all->loop->now_ms + LEFT_LOOK_MS);
}

static void note_exit(struct exec_program *p, int status)
{
	struct exec_report report = { .outcome = WIFEXITED(status) ? EXEC_EXITED : EXEC_KILLED,
				      .code = (uint32_t)(WIFEXITED(status) ? WEXITSTATUS(status) :
									     WTERMSIG(status)),
				      .timed_out = p->timed_out,
				      .took_us = (uint64_t)(clock_us() - p->started_us) };

	send_report(p->control.fd, report);
	close_control(p);
	drain_errors(p);
	log_exit(p, &report);
	leave_session(p);
}

static struct exec_program *find_program(const struct exec_programs *all, pid_t pid)
{
	for (unsigned i = 0; i < all->count; i++)
		if (all->live[i].pid == pid)
			return all->live[i].program;
	return NULL;
}

void exec_programs_reap(struct exec_programs *all)
{
	pid_t pid;
	int status;

	while ((pid = exec_spawn_next_dead()) > 0) {
		struct exec_program *p = find_program(all, pid);

		if (p && p->state != EXEC_PROGRAM_RUNS)
			exec_group_hold(&p->group, pid, true);
		if (!exec_spawn_reap(pid, &status)) {
			if (p)
				exec_group_close(&p->group);
			return;
		}
		if (p)
			note_exit(p, status);
	}
}

void exec_programs_end(struct exec_programs *all, int64_t kill_after_ms)
{
	all->kill_after_ms = kill_after_ms;
	for (unsigned i = 0; i < all->count; i++) {
		struct exec_program *p = all->live[i].program;
		int64_t kill_ms = all->loop->now_ms + kill_after_ms;

		end_program(p);
		if (p->kill_ms <= kill_ms || p->state == EXEC_PROGRAM_KILLED)
			continue;
		p->kill_ms = kill_ms;
		timer_set(all->alarms, &p->alarm.timer, kill_ms);
	}
}
