/* SPDX-License-Identifier: MIT */
/*
 * Where the log goes and which events go there. Making a line's text is base/logline's; deciding
 * what to log is the caller's. Called by every part, in master and workers; nothing it meets stops
 * the program.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/logfile.h"
#include "base/logline.h"
#include "base/standard.h"
#include "base/sys.h"
#include "base/syslogd.h"

enum target { TO_STDERR, TO_FILE, TO_SYSLOG };

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

/* Written by log_open and log_role; each process has its own copy. */
static struct {
	enum target target;
	enum log_level level;
	enum log_format format;
	bool colour;
	struct logfile file;
	int syslog; /* the socket; else -1 */
	char role[16];
	int number;
	pid_t pid;
	struct logline line;
} state = { .level = LEVEL_NOTICE, .file = LOGFILE_CLOSED("log"), .syslog = -1, .number = -1 };

static void let_go(void)
{
	logfile_close(&state.file);
	if (state.syslog >= 0)
		sys_close(state.syslog);
	state.syslog = -1;
}

static void warn_of_owner(const char *path)
{
	char text[LOGFILE_WARNING];

	if (logfile_warns(&state.file, path, text))
		LOG(EVENT_environment_warned, LOG_STR("message", text));
}

static bool use_file(const char *path, uid_t owner, struct err *err)
{
	if (!logfile_use(&state.file, path, owner, err))
		return false;
	if (state.syslog >= 0)
		sys_close(state.syslog);
	state.syslog = -1;
	state.target = TO_FILE;
	return true;
}

static bool use_syslog(struct err *err)
{
	int fd = syslogd_open(SYSLOGD_PATH);

	if (fd < 0)
		return err_errno(err, err_code(errno, CODE_OSERR),
				 "cannot reach syslog at " SYSLOGD_PATH);
	let_go();
	state.target = TO_SYSLOG;
	state.syslog = fd;
	return true;
}

bool log_open(const char *path, enum log_level level, enum log_format format, uid_t owner,
	      struct err *err)
{
	bool had_file = state.target == TO_FILE;

	if (strcmp(path, "stderr") == 0) {
		let_go();
		state.target = TO_STDERR;
	} else if (strcmp(path, "syslog") == 0) {
		if (!use_syslog(err))
			return false;
	} else if (!use_file(path, owner, err)) {
		return false;
	}
	state.level = level;
	state.format = format;
	state.colour = state.target == TO_STDERR && format == LOG_TEXT &&
		       standard_has_colour(STDERR_FILENO);
	if (state.target == TO_FILE && !had_file)
		warn_of_owner(path);
	return true;
}

void log_forget_folder(void)
{
	logfile_forget_folder(&state.file);
}

bool log_reopen(bool create, struct err *err)
{
	return state.target != TO_FILE || logfile_reopen(&state.file, create, err);
}

unsigned log_fds(int *fds)
{
	if (state.syslog < 0)
		return logfile_fds(&state.file, fds);
	fds[0] = state.syslog;
	return 1;
}

void log_role(const char *role, int number)
{
	snprintf(state.role, sizeof(state.role), "%s", role);
	state.number = number;
	state.pid = getpid();
	fault_role(role);
}

bool log_wants(enum log_event event)
{
	return log_rows[event].level >= state.level;
}

/* Time, level and event: bare words in a text line, and syslog has the first two already. */
static void begin(struct logline *line, const struct log_row *row)
{
	const struct log_level_row *level = &levels[row->level];
	struct timespec now;
	char time[LOGLINE_TIME];

	clock_gettime(CLOCK_REALTIME, &now);
	logline_time(now.tv_sec, (int)(now.tv_nsec / 1000000), time);
	logline_begin(line, state.format == LOG_JSON);
	if (line->json) {
		logline_text(line, "time", time);
		logline_text(line, "level", level->name);
		logline_text(line, "event", row->name);
		return;
	}
	if (state.target != TO_SYSLOG) {
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

/* A line that cannot be written is lost: there is nobody left to tell. */
static void deliver(const struct logline *line, enum log_level level)
{
	int fd = state.target == TO_FILE ? state.file.fd : STDERR_FILENO;
	ssize_t written;

	if (state.target == TO_SYSLOG) {
		syslogd_send(state.syslog, SYSLOGD_PATH, levels[level].priority, line->text,
			     line->length - 1);
		return;
	}
	do
		written = sys_write(fd, line->text, line->length);
	while (written < 0 && errno == EINTR);
}

void log_write(enum log_event event, const struct log_field *fields, unsigned count)
{
	int kept = errno;

	if (!log_wants(event))
		return;
	begin(&state.line, &log_rows[event]);
	add_process(&state.line);
	for (unsigned i = 1; i < count; i++) {
		if (fields[i].text)
			logline_text(&state.line, fields[i].name, fields[i].text);
		else
			logline_number(&state.line, fields[i].name, fields[i].number);
	}
	logline_end(&state.line);
	deliver(&state.line, log_rows[event].level);
	errno = kept;
}
