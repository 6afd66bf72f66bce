/* SPDX-License-Identifier: MIT */
/* Opens and closes what is between a copy and the master, and forks. It changes no state. */
#include "master/program/copy_fork.h"

#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "config/command_exec.h"
#include "config/signals.h"
#include "master/program/copy_streams.h"

enum { VALUE_TEXT = 24 };

/* In the order of the words of option stop_signal. */
static const int stop_signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGKILL };

int copy_fork_stop_signal(const struct copy *copy)
{
	return stop_signals[copy->program->conf->stop_signal];
}

static void close_watch(struct copy *copy, struct watch *watch)
{
	if (watch->fd < 0)
		return;
	if (watch->place > 0)
		loop_unwatch(copy->program->loop, watch);
	if (watch == &copy->notify)
		notify_socket_close(watch->fd);
	else
		sys_close(watch->fd);
	*watch = (struct watch){ .fd = -1, .ready = watch->ready, .owner = watch->owner };
}

/* Descriptors that a start makes for the child alone. */
struct ends {
	int streams[COPY_STREAMS], report;
};

static bool open_ends(struct copy *copy, struct ends *ends)
{
	int pair[2];

	*ends = (struct ends){ { -1, -1 }, -1 };
	if (sys_pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	copy->report.fd = pair[0];
	ends->report = pair[1];
	copy->notify.fd = notify_socket_open(copy->notify_name);
	return copy->notify.fd >= 0 && copy_streams_open(copy, ends->streams) &&
	       loop_watch(copy->program->loop, &copy->report, EPOLLIN) &&
	       loop_watch(copy->program->loop, &copy->notify, EPOLLIN);
}

static void close_ends(const struct ends *ends)
{
	for (unsigned i = 0; i < COPY_STREAMS; i++)
		if (ends->streams[i] >= 0)
			sys_close(ends->streams[i]);
	if (ends->report >= 0)
		sys_close(ends->report);
}

static _Noreturn void become_program(const struct copy *copy, const struct ends *ends, pid_t master)
{
	const struct program *program = copy->program;
	struct command_variable variables[6];
	char count[VALUE_TEXT], watchdog[VALUE_TEXT];
	int fds[COMMAND_FDS] = { -1, ends->streams[0], ends->streams[1] };
	unsigned fd_count = 3, n = 0;

	for (unsigned i = 0; i < program->fd_count; i++)
		fds[fd_count++] = program->fds[i];
	snprintf(count, sizeof(count), "%u", program->fd_count);
	snprintf(watchdog, sizeof(watchdog), "%lld", (long long)program->conf->watchdog * 1000);
	if (!program->told) {
		variables[n++] = (struct command_variable){ "LISTEN_FDS", count };
		variables[n++] = (struct command_variable){ "LISTEN_PID", NULL };
		variables[n++] = (struct command_variable){ "LISTEN_FDNAMES", program->fd_names };
	}
	variables[n++] = (struct command_variable){ "NOTIFY_SOCKET", copy->notify_name };
	if (program->conf->watchdog > 0) {
		variables[n++] = (struct command_variable){ "WATCHDOG_USEC", watchdog };
		variables[n++] = (struct command_variable){ "WATCHDOG_PID", NULL };
	}
	command_exec(program->command,
		     &(struct command_start){ .fds = fds,
					      .fd_count = fd_count,
					      .variables = variables,
					      .variable_count = n,
					      .report_fd = ends->report,
					      .death_signal = copy_fork_stop_signal(copy),
					      .parent = master,
					      .signals = signals_changed() });
}

void copy_fork_close_report(struct copy *copy)
{
	close_watch(copy, &copy->report);
}

void copy_fork_close(struct copy *copy)
{
	close_watch(copy, &copy->report);
	close_watch(copy, &copy->notify);
	copy_streams_close(copy);
}

pid_t copy_fork(struct copy *copy)
{
	pid_t master = getpid(), pid = -1;
	struct ends ends;
	int error;

	if (open_ends(copy, &ends)) {
		pid = sys_fork();
		if (pid == 0)
			become_program(copy, &ends, master);
	}
	error = errno;
	close_ends(&ends);
	if (pid < 0)
		copy_fork_close(copy);
	errno = error;
	return pid;
}
