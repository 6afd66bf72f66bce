/* SPDX-License-Identifier: MIT */
/* Tells how copies have ended. It starts and ends none. */
#include "master/program/copy_report.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"

/* Why it ended, in a word for the log. */
static const char *find_reason(const struct copy *copy, int status)
{
	if (copy->failure.text[0] != '\0')
		return "start_failed";
	if (copy->why)
		return copy->why;
	return WIFSIGNALED(status) ? "signal" : "exit";
}

void copy_report_end(const struct copy *copy, int status, bool is_expected)
{
	struct log_field how = WIFSIGNALED(status) ? LOG_NUM("signal", WTERMSIG(status)) :
						     LOG_NUM("code", WEXITSTATUS(status));
	struct log_field program = LOG_STR("program", copy->program->conf->title);
	struct log_field number = LOG_NUM("copy", copy->member.number);
	struct log_field pid = LOG_NUM("child_pid", copy->member.pid);
	struct log_field reason = LOG_STR("reason", find_reason(copy, status));

	if (is_expected)
		LOG(EVENT_program_exited, program, number, pid, how, reason);
	else if (copy->failure.text[0] != '\0')
		LOG(EVENT_program_failed, program, number, pid,
		    LOG_STR("message", copy->failure.text));
	else
		LOG(EVENT_program_crashed, program, number, pid, how, reason,
		    LOG_STR("last_line", copy->last_line));
}

static void describe_status(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "signal %d, %s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "exit code %d", WEXITSTATUS(status));
}

void copy_report_early(struct copy *copy, int status)
{
	struct program *program = copy->program;
	char how[64];

	if (program->has_started)
		return;
	program->early++;
	describe_status(status, how, sizeof(how));
	if (copy->failure.text[0] != '\0')
		err_set(&program->failure, CODE_OSERR, "program \"%s\": %s", program->conf->title,
			copy->failure.text);
	else if (program->early >= COPY_REPORT_EARLY_MOST)
		err_set(&program->failure, CODE_OSERR,
			"program \"%s\": copies ended %u times before all were ready; the last "
			"one, copy %u, with %s, after it wrote \"%s\"",
			program->conf->title, program->early, copy->member.number, how,
			copy->last_line);
}
