/* SPDX-License-Identifier: MIT */
/*
 * Where the log goes and which events go there. Making a line's text is base/logline's; deciding
 * what to log is the caller's. Called by every part, in master and workers; nothing it meets stops
 * the program.
 *
 * The log file keeps its descriptor's number for life: a reopening puts the new file in the place
 * of the old one, so that processes which share a descriptor table agree about it.
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
	int fd;     /* of the file, or the socket to syslog; else -1 */
	int folder; /* the file's, O_PATH; else -1 */
	char name[LOGFILE_NAME];
	uid_t owner;
	char role[16];
	int number;
	pid_t pid;
	struct logline line;
} state = { .level = LEVEL_NOTICE, .fd = -1, .folder = -1, .number = -1 };

static bool wants_colour(void)
{
	const char *off = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(off && *off) && term && strcmp(term, "dumb") != 0 && isatty(STDERR_FILENO);
}

static void let_go(void)
{
	if (state.fd >= 0)
		sys_close(state.fd);
	if (state.folder >= 0)
		sys_close(state.folder);
	state.fd = state.folder = -1;
}

/* Only a file that the server makes is given to the workers' user: one that was there is not. */
static void warn_of_owner(const char *path)
{
	char text[512];

	if (logfile_is_lasting(state.fd, state.owner))
		return;
	snprintf(text, sizeof(text),
		 "the workers cannot open the log %s anew after a rotation (chown it to user %u)",
		 path, state.owner);
	LOG(EVENT_environment_warned, LOG_STR("message", text));
}

static bool use_file(const char *path, uid_t owner, struct err *err)
{
	const char *name;
	int fd, folder = logfile_folder(path, &name);

	if (folder < 0)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot open the log %s", path);
	fd = logfile_open(folder, name, true, owner, err);
	if (fd < 0) {
		sys_close(folder);
		return err_prefix(err, "cannot open the log %s: ", path);
	}
	let_go();
	state.target = TO_FILE;
	state.fd = fd;
	state.folder = folder;
	state.owner = owner;
	snprintf(state.name, sizeof(state.name), "%s", name);
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
	state.fd = fd;
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
	state.colour = state.target == TO_STDERR && format == LOG_TEXT && wants_colour();
	if (state.target == TO_FILE && !had_file)
		warn_of_owner(path);
	return true;
}

void log_forget_folder(void)
{
	if (state.folder >= 0)
		sys_close(state.folder);
	state.folder = -1;
}

bool log_reopen(bool create, struct err *err)
{
	int fd;

	if (state.target != TO_FILE)
		return true;
	if (state.folder < 0)
		return err_set(err, CODE_OSERR,
			       "the log cannot be opened anew inside a chroot (log to syslog or "
			       "stderr there, or reload)");
	fd = logfile_open(state.folder, state.name, create, state.owner, err);
	if (fd < 0 && !create && err->code == CODE_NOPERM)
		err_set(err, err->code,
			"%s (the workers' user must own it and be able to enter its folder)",
			err->text);
	if (fd < 0)
		return err_prefix(err, "cannot reopen the log %s: ", state.name);
	if (sys_dup3(fd, state.fd, O_CLOEXEC) < 0) {
		err_errno(err, CODE_OSERR, "cannot reopen the log %s", state.name);
		sys_close(fd);
		return false;
	}
	sys_close(fd);
	return true;
}

unsigned log_fds(int *fds)
{
	const int all[LOG_FDS] = { state.fd, state.folder };
	unsigned count = 0;

	for (unsigned i = 0; i < LOG_FDS; i++) {
		if (all[i] >= 0)
			fds[count++] = all[i];
	}
	return count;
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
	int fd = state.target == TO_FILE ? state.fd : STDERR_FILENO;
	ssize_t written;

	if (state.target == TO_SYSLOG) {
		syslogd_send(state.fd, SYSLOGD_PATH, levels[level].priority, line->text,
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
