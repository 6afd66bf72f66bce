/* SPDX-License-Identifier: MIT */
/*
 * Decides which events are logged, and fills the fields of a line. base/logline makes the text and
 * base/logsink writes it; the caller chooses the events. No failure here stops the program.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/logfile.h"
#include "base/logline.h"
#include "base/logsink.h"
#include "base/stdio.h"
#include "base/sys.h"

enum { RETRY_MS = 200 }; /* between two tries to write pending output */

struct log_level_row {
	const char *name, *colour;
	int priority; /* of syslog(3) */
};

/* In the order of enum log_level. */
static const struct log_level_row levels[] = {
	{ "debug", "\033[2m", LOG_DEBUG },    { "info", "\033[36m", LOG_INFO },
	{ "notice", "\033[32m", LOG_NOTICE }, { "warning", "\033[33m", LOG_WARNING },
	{ "error", "\033[31m", LOG_ERR },
};

const struct log_row log_rows[EVENT_COUNT] = {
#define EVENT(name, level, sentence) [EVENT_##name] = { #name, LEVEL_##level, sentence },
#include "tables/events.def"
};

/* Written by log_open and log_role. Each process has its own copy. */
static struct {
	enum log_level level;
	enum log_format format;
	bool colour;
	char role[16];
	int number;
	pid_t pid;
	struct logline line;
	int64_t due_ms; /* next try to write pending output */
} state = { .level = LEVEL_NOTICE, .number = -1 };

static void warn_of_owner(const char *path)
{
	char text[LOGFILE_WARNING];

	if (logsink_warns(path, text))
		LOG(EVENT_environment_warned, LOG_STR("message", text));
}

bool log_open(const char *path, enum log_level level, enum log_format format, uid_t owner,
	      struct err *err)
{
	bool had_file = logsink_target() == TO_FILE;

	if (!logsink_open(path, owner, err))
		return false;
	state.level = level;
	state.format = format;
	state.colour = logsink_target() == TO_STDERR && format == LOG_TEXT &&
		       stdio_has_colour(STDERR_FILENO);
	if (!had_file)
		warn_of_owner(path);
	return true;
}

void log_forget_folder(void)
{
	logsink_forget_folder();
}

bool log_reopen(bool create, struct err *err)
{
	return logsink_reopen(create, err);
}

void log_own(void)
{
	logsink_own();
}

unsigned log_fds(int *fds)
{
	return logsink_fds(fds);
}

void log_count_in(_Atomic uint64_t *cell)
{
	logsink_count_in(cell);
}

void log_role(const char *role, int number)
{
	snprintf(state.role, sizeof(state.role), "%s", role);
	state.number = number;
	state.pid = getpid();
	logsink_forget();
	sys_fault_role(role);
}

bool log_wants(enum log_event event)
{
	return log_rows[event].level >= state.level;
}

/* Time, level and event are bare words in a text line. syslog adds time and level itself. */
static void begin_line(struct logline *line, const struct log_row *row)
{
	const struct log_level_row *level = &levels[row->level];
	struct timespec now;
	char time[LOGLINE_TIME];

	clock_gettime(CLOCK_REALTIME, &now);
	logline_time(now.tv_sec, (int)(now.tv_nsec / 1000000), time);
	logline_begin(line, state.format == LOG_JSON, logsink_most());
	if (line->json) {
		logline_text(line, "time", time);
		logline_text(line, "level", level->name);
		logline_text(line, "event", row->name);
		return;
	}
	if (logsink_target() != TO_SYSLOG) {
		logline_raw(line, time);
		logline_raw(line, " ");
		logline_raw(line, state.colour ? level->colour : "");
		logline_raw(line, level->name);
		logline_raw(line, state.colour ? "\033[0m " : " ");
	}
	logline_raw(line, row->name);
}

static void add_process(struct logline *line)
{
	if (state.pid == 0)
		state.pid = getpid();
	if (state.role[0])
		logline_text(line, "role", state.role);
	if (state.number >= 0)
		logline_number(line, "worker", state.number);
	logline_number(line, "pid", state.pid);
}

/* Returns false when the line is lost. */
static bool write_line(enum log_event event, const struct log_field *fields, unsigned count)
{
	const struct log_row *row = &log_rows[event];

	begin_line(&state.line, row);
	add_process(&state.line);
	for (unsigned i = 0; i < count; i++) {
		if (fields[i].text)
			logline_text(&state.line, fields[i].name, fields[i].text);
		else
			logline_number(&state.line, fields[i].name, fields[i].number);
	}
	logline_end(&state.line);
	return logsink_write(levels[row->level].priority, state.line.text, state.line.length);
}

/* Writes the number of lost lines at any log level: each was a line to be written. */
static bool log_lost_lines(void)
{
	const char *why;
	uint64_t lost = logsink_lost(&why);

	if (lost == 0)
		return true;
	if (!write_line(EVENT_log_lines_lost,
			(const struct log_field[]){ LOG_NUM("count", lost),
						    LOG_STR("message", why) },
			2))
		return false;
	logsink_told(lost);
	return true;
}

/* Writes pending output first. True when a new line may follow. */
static bool write_owed(void)
{
	return logsink_has_room() && log_lost_lines() && (!logsink_owes() || logsink_has_room());
}

void log_write(enum log_event event, const struct log_field *fields, unsigned count)
{
	int kept = errno;

	if (!log_wants(event))
		return;
	if (!write_owed() || !write_line(event, fields + 1, count - 1))
		logsink_lose();
	errno = kept;
}

int64_t log_due_ms(int64_t otherwise_ms)
{
	return logsink_owes() && state.due_ms < otherwise_ms ? state.due_ms : otherwise_ms;
}

void log_settle(int64_t now_ms)
{
	int kept = errno;

	if (!logsink_owes() || now_ms < state.due_ms)
		return;
	(void)write_owed();
	state.due_ms = now_ms + RETRY_MS;
	errno = kept;
}
