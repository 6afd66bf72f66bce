/* SPDX-License-Identifier: MIT */
/* Turns the child of a fork into the program. Must not allocate, log or return. */
#include "config/command_exec.h"

#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "base/strbuf.h"
#include "base/sys.h"
#include "config/privs.h"
#include "config/signals.h"

enum { NICE_MOST = 19, VARIABLES_SIZE = 16 * 1024 };

static bool start_session(const struct command_start *start, struct err *err)
{
	signals_restore(start->signals);
	return sys_setsid() >= 0 || err_errno(err, CODE_OSERR, "cannot make a session of its own");
}

static bool lower_priority(const struct command *command, struct err *err)
{
	int now;

	if (command->nice == 0)
		return true;
	errno = 0;
	now = getpriority(PRIO_PROCESS, 0);
	if (now == -1 && errno != 0)
		now = 0;
	if (sys_setpriority(now + command->nice < NICE_MOST ? now + command->nice : NICE_MOST) == 0)
		return true;
	return err_errno(err, CODE_OSERR, "nice: cannot be set");
}

/* After the change of user, which would clear it. The parent may be gone already. */
static bool follow_parent(const struct command_start *start, struct err *err)
{
	if (start->death_signal > 0 &&
	    sys_prctl(PR_SET_PDEATHSIG, (unsigned long)start->death_signal) < 0)
		return err_errno(err, CODE_OSERR, "cannot follow the server's end");
	if (start->death_signal > 0 && getppid() != start->parent)
		sys_leave(CODE_OSERR);
	return true;
}

/* An absolute path of the program stays what it is; a relative one starts here. */
static bool enter_directory(const struct command *command, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (command->directory[0] == '\0' || sys_chdir(command->directory) == 0)
		return true;
	return err_errno(err, CODE_OSERR, "directory: cannot enter %s",
			 quote_show(command->directory, shown));
}

/*
 * -1 stands for /dev/null. Returns a descriptor above the places that the program's will have: this
 * one, or a copy; or -1.
 */
static int lift_fd(int fd, int above)
{
	int opened, lifted;

	if (fd >= above)
		return fd;
	opened = fd < 0 ? sys_open("/dev/null", O_RDWR | O_CLOEXEC, 0) : -1;
	lifted = sys_fcntl_int(fd < 0 ? opened : fd, F_DUPFD_CLOEXEC, above);

	if (opened >= 0)
		sys_close(opened);
	return lifted;
}

/* The report's descriptor comes last, so that all above it can be closed. */
static bool place_fds(const struct command_start *start, int *report_fd, struct err *err)
{
	int count = (int)start->fd_count, lifted[COMMAND_FDS + 1] = { 0 };
	bool good = true;

	for (int i = 0; good && i <= count; i++) {
		lifted[i] = lift_fd(i < count ? start->fds[i] : *report_fd, count + 1);
		good = lifted[i] >= 0;
	}
	if (good)
		*report_fd = lifted[count];
	for (int i = 0; good && i < count; i++)
		good = sys_dup2(lifted[i], i) == i;
	if (good && sys_dup3(*report_fd, count, O_CLOEXEC) == count) {
		*report_fd = count;
		if (sys_close_range((unsigned)count + 1, ~0U) == 0)
			return true;
	}
	return err_errno(err, CODE_OSERR, "cannot arrange its %d descriptors", count);
}

static bool add_variable(char **list, size_t *count, struct strbuf *texts,
			 const struct command_variable *variable)
{
	char *text = texts->base + texts->used;

	strbuf_raw(texts, variable->name);
	strbuf_raw(texts, "=");
	if (variable->value)
		strbuf_raw(texts, variable->value);
	else
		strbuf_u64(texts, (uint64_t)getpid());
	strbuf_put(texts, "", 1);
	command_put_variable(list, count, text);
	return !texts->is_cut;
}

/* The list of the command is this child's own copy, since the fork. */
static bool add_variables(const struct command *command, const struct command_start *start,
			  struct strbuf *texts, struct err *err)
{
	size_t count = command->environment_count;

	for (unsigned i = 0; i < start->variable_count; i++)
		if (!add_variable(command->environment, &count, texts, &start->variables[i]))
			return err_set(err, CODE_OSERR, "its variables need more than %d bytes",
				       VARIABLES_SIZE);
	command->environment[count] = NULL;
	return true;
}

/* *report_fd is where the report's pipe stands, at the end as at the start. */
static bool prepare_child(const struct command *command, const struct command_start *start,
			  int *report_fd, struct strbuf *texts, struct err *err)
{
	umask(command->umask);
	return start_session(start, err) && place_fds(start, report_fd, err) &&
	       lower_priority(command, err) && command_limits_set(&command->limits, err) &&
	       privs_become(&command->found.identity, err) && enter_directory(command, err) &&
	       follow_parent(start, err) && add_variables(command, start, texts, err);
}

/* A message of this size is written whole (pipe(7)); a parent that is gone needs none. */
static _Noreturn void report_failure(int report_fd, const struct err *err)
{
	(void)!sys_write(report_fd, err, sizeof(*err));
	sys_leave(CODE_OSERR);
}

_Noreturn void command_exec(const struct command *command, const struct command_start *start)
{
	char memory[VARIABLES_SIZE], shown[QUOTE_TEXT];
	struct strbuf texts = strbuf_on(memory, sizeof(memory));
	int report_fd = start->report_fd;
	struct err err = { 0 };

	BUG_ON(start->fd_count > COMMAND_FDS || start->variable_count > COMMAND_VARIABLES);
	if (prepare_child(command, start, &report_fd, &texts, &err)) {
		sys_execve(command->found.path, command->words, command->environment);
		err_errno(&err, CODE_OSERR, "command: cannot run %s",
			  quote_show(command->found.path, shown));
	}
	report_failure(report_fd, &err);
}

enum command_progress command_exec_report(int fd, struct err *err)
{
	struct err report;
	ssize_t got;

	do
		got = sys_read(fd, &report, sizeof(report));
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return COMMAND_STARTING;
	if (got != sizeof(report))
		return COMMAND_RUNS;
	report.text[sizeof(report.text) - 1] = '\0';
	err_set(err, CODE_OSERR, "%s", report.text);
	return COMMAND_FAILED;
}
