/* SPDX-License-Identifier: MIT */
/*
 * Detaches by two forks and a pipe. Must not be called once there are workers, or a lock that a
 * fork would lose.
 */
#include "master/daemon.h"

#include "base/sys.h"
#include "config/signals.h"

static bool read_report(int fd, struct err *outcome)
{
	size_t done = 0;
	ssize_t got;

	do {
		got = sys_read(fd, (char *)outcome + done, sizeof(*outcome) - done);
		if (got > 0)
			done += (size_t)got;
	} while (done < sizeof(*outcome) && (got > 0 || (got < 0 && errno == EINTR)));
	return done == sizeof(*outcome);
}

/* A stop signal to the starter is meant for the daemon, which is alone in its process group. */
static void hand_on_signals(int signals, pid_t group)
{
	int number;

	while ((number = signals_next(signals, NULL)) > 0)
		if (signals_find(number)->master == SIGNAL_QUIT ||
		    signals_find(number)->master == SIGNAL_STOP)
			sys_kill(-group, number);
}

/* In the process that was started: waits for the daemon's report, or its death. */
static bool await_report(int fd, pid_t child, struct err *err)
{
	struct pollfd watched[] = { { .fd = fd, .events = POLLIN },
				    { .fd = signals_open(false), .events = POLLIN } };
	int status;

	/* Waits for the process in between; then the daemon exists and can be signalled. */
	while (sys_waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	while (sys_poll(watched, 2, -1) < 0 || watched[0].revents == 0)
		hand_on_signals(watched[1].fd, child);
	if (!read_report(fd, err))
		err_set(err, CODE_OSERR, "the daemon died before it was ready (the log says why)");
	sys_close(fd);
	sys_close(watched[1].fd);
	return false;
}

static void leave_terminal(void)
{
	int fd = sys_open("/dev/null", O_RDWR | O_CLOEXEC, 0);

	for (int standard = STDIN_FILENO; fd >= 0 && standard <= STDERR_FILENO; standard++)
		sys_dup2(fd, standard);
	if (fd > STDERR_FILENO)
		sys_close(fd);
}

bool daemon_start(int *report_fd, struct err *err)
{
	int ends[2];
	pid_t child;

	if (sys_pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, CODE_OSERR, "cannot make a pipe to the daemon");
	child = sys_fork();
	if (child < 0) {
		err_errno(err, CODE_OSERR, "cannot fork the daemon");
		sys_close(ends[0]);
		sys_close(ends[1]);
		return false;
	}
	if (child > 0) {
		sys_close(ends[1]);
		return await_report(ends[0], child, err);
	}
	sys_close(ends[0]);
	*report_fd = ends[1];
	sys_setsid();
	/* A process that is no session leader gets no controlling terminal by opening one. */
	child = sys_fork();
	if (child < 0) {
		err_errno(err, CODE_OSERR, "cannot fork the daemon");
		daemon_report(report_fd, err);
	}
	if (child != 0)
		sys_leave(CODE_OK);
	leave_terminal();
	return true;
}

void daemon_report(int *report_fd, const struct err *outcome)
{
	ssize_t written;

	if (*report_fd < 0)
		return;
	/*
	 * Less than PIPE_BUF: the write is whole or fails. A starter that is gone needs no report.
	 */
	do
		written = sys_write(*report_fd, outcome, sizeof(*outcome));
	while (written < 0 && errno == EINTR);
	sys_close(*report_fd);
	*report_fd = -1;
}
