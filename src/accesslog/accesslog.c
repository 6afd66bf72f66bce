/* SPDX-License-Identifier: MIT */
/*
 * Opens the access log's target. Decides when lines are written or dropped, and logs failures.
 * accesslog/accessline formats a line, and the caller fills it.
 *
 *    FLOWING --error, or the reader is behind--> STUCK: tried again after a delay
 *    STUCK --written--> FLOWING; logged once it has lasted
 */
#include "accesslog/accesslog.h"

#include <string.h>

#include "accesslog/accessbuf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/timer.h"

enum {
	FLUSH_MS = 1000, /* the longest that a line waits */
	RETRY_MS = 20,   /* when the reader is behind */
	CALM_MS = 1000,  /* without a loss, until the recovery is logged */
	CLOCK_MS = 1000, /* between two readings of the wall clock */
};

bool accesslog_is_on;

/* Written by accesslog_open in each process; from accesslog_start on by the worker. */
static struct {
	struct accesslog_file file;
	enum access_format format;
	struct accessbuf buf;
	struct worker_tally *tally;
	const struct loop *loop;
	struct timer_heap *alarms;
	struct alarm alarm;
	struct access_clock clock;
	int64_t offset_us, looked_ms; /* wall clock minus loop clock, and the time of its reading */
	bool is_stuck;                /* the last write failed, or was not accepted */
	bool is_said;                 /* the loss of lines was logged */
	bool is_well;                 /* lines were written since the last trouble */
	uint64_t lost;                /* lines since then */
	int64_t troubled_ms;          /* time of the last trouble */
} state = { .file = ACCESSLOG_FILE_CLOSED };

enum access_format accesslog_format(const struct conf *conf)
{
	if (conf->log_access_format != ACCESS_AUTO)
		return (enum access_format)conf->log_access_format;
	return conf->log_format == LOG_JSON ? ACCESS_JSON : ACCESS_LOGFMT;
}

bool accesslog_open(const struct conf *conf, uid_t owner, struct err *err)
{
	if (!accesslog_file_open(&state.file, conf->log_access, owner, err))
		return false;
	state.format = accesslog_format(conf);
	return true;
}

bool accesslog_reopen(bool create, struct err *err)
{
	bool is_other;

	if (!writer_is_gone(&state.file.writer))
		accesslog_flush();
	if (!accesslog_file_reopen(&state.file, create, &is_other, err)) {
		if (state.tally)
			cell_add(&state.tally->access_log_failures_total, 1);
		return false;
	}
	if (state.buf.memory.bytes && is_other)
		accessbuf_begin_file(&state.buf);
	state.is_stuck = false;
	return true;
}

void accesslog_forget_folder(void)
{
	logfile_forget_folder(&state.file.file);
}

void accesslog_own(void)
{
	writer_part(&state.file.writer);
}

unsigned accesslog_fds(int *fds)
{
	if (state.file.file.fd >= 0)
		return logfile_fds(&state.file.file, fds);
	fds[0] = state.file.writer.fd;
	return fds[0] > STDERR_FILENO ? 1 : 0;
}

const struct accesslog_file *accesslog_file(void)
{
	return &state.file;
}

static void set_alarm(int64_t ms)
{
	int64_t due_ms = state.loop->now_ms + ms;

	if (state.alarms &&
	    (!timer_is_set(&state.alarm.timer) || due_ms < state.alarm.timer.due_ms))
		timer_set(state.alarms, &state.alarm.timer, due_ms);
}

/* Logs the first loss after a calm period; the counters have the rest. */
static void log_lost(const char *message)
{
	state.troubled_ms = state.loop->now_ms;
	state.is_well = false;
	if (!state.is_said)
		LOG(EVENT_access_log_failed, LOG_STR("target", state.file.target),
		    LOG_STR("message", message));
	state.is_said = true;
}

static void log_recovered(void)
{
	if (!state.is_said || !state.is_well || state.loop->now_ms < state.troubled_ms + CALM_MS)
		return;
	LOG(EVENT_access_log_resumed, LOG_STR("target", state.file.target),
	    LOG_NUM("lost", state.lost));
	state.is_said = false;
	state.lost = 0;
}

/* The caller has counted the lines. */
static void note_lost(uint64_t lines, const char *message)
{
	if (lines == 0)
		return;
	log_lost(message);
	state.lost += lines;
}

static void lose_one(const char *message)
{
	cell_add(&state.tally->access_log_lost_total, 1);
	note_lost(1, message);
}

static void note_failure(int error)
{
	state.is_stuck = true;
	set_alarm(error == EAGAIN ? RETRY_MS : FLUSH_MS);
	if (error == EAGAIN)
		return; /* no line is lost yet */
	cell_add(&state.tally->access_log_failures_total, 1);
	log_lost(strerror(error));
}

/* A file without a name accepts all lines, but they can never be read. */
static void note_gone(uint64_t lines)
{
	if (lines > 0 && !state.is_said)
		cell_add(&state.tally->access_log_failures_total, 1);
	note_lost(lines, "the file is gone: nobody can read what is written to it (-s reopen makes "
			 "a new one)");
}

void accesslog_flush(void)
{
	struct worker_tally *tally = state.tally;
	struct accessbuf_flow flow;
	bool is_gone;

	if (!state.buf.memory.bytes || accessbuf_used(&state.buf) == 0)
		return;
	is_gone = writer_is_gone(&state.file.writer);
	flow = accessbuf_flush(&state.buf, &state.file.writer,
			       is_gone ? &tally->access_log_lost_total :
					 &tally->access_log_lines_total,
			       &tally->access_log_lost_total);
	state.is_stuck = flow.error != 0;
	if (is_gone)
		note_gone(flow.written);
	note_lost(flow.cut, flow.error != 0 ? strerror(flow.error) : "a line was cut");
	if (flow.error != 0) {
		note_failure(flow.error);
	} else if (!is_gone) {
		state.is_well = true;
		log_recovered();
	}
}

void accesslog_relieve(size_t bytes)
{
	if (!state.is_stuck && state.buf.memory.bytes && accessbuf_used(&state.buf) > bytes)
		accesslog_flush();
}

/* Repeats while a line waits, or the recovery is still to be logged. */
static void flush_late(void *owner)
{
	(void)owner;
	accesslog_flush();
	log_recovered();
	if (accessbuf_used(&state.buf) > 0 || (state.is_said && state.is_well))
		set_alarm(FLUSH_MS);
}

void accesslog_start(struct accessbuf_memory memory, struct worker_tally *tally,
		     const struct loop *loop)
{
	state.buf = accessbuf_of(memory);
	state.tally = tally;
	state.loop = loop;
	state.alarms = NULL;
	state.alarm = (struct alarm){ .fire = flush_late };
	state.clock = (struct access_clock){ 0 };
	state.looked_ms = 0;
	state.is_stuck = state.is_said = state.is_well = false;
	state.lost = 0;
	accesslog_is_on = state.file.writer.kind != WRITER_NONE;
}

void accesslog_watch(struct timer_heap *alarms)
{
	state.alarms = alarms;
	if (accessbuf_used(&state.buf) > 0)
		set_alarm(FLUSH_MS);
}

static int64_t wall_us(void)
{
	const struct loop *loop = state.loop;

	if (state.looked_ms == 0 || loop->now_ms >= state.looked_ms + CLOCK_MS) {
		state.offset_us = clock_wall_offset_us();
		state.looked_ms = loop->now_ms;
	}
	return loop->now_us + state.offset_us;
}

int64_t accesslog_now_us(void)
{
	return state.loop->now_us;
}

static bool has_room(void)
{
	return accessbuf_has_room(&state.buf, ACCESSLINE_MOST);
}

void accesslog_add(struct access_entry *entry)
{
	struct strbuf line;

	if (!accessentry_has(entry, state.format))
		return;
	if (!has_room() && !state.is_stuck)
		accesslog_flush();
	if (!has_room()) {
		lose_one("what is written to it is not taken fast enough");
		return;
	}
	entry->time = wall_us();
	line = accessbuf_room(&state.buf);
	if (!accessline_write(&line, entry, state.format, &state.clock)) {
		lose_one("a line is too long");
		return;
	}
	accessbuf_add(&state.buf, line.used);
	if (!timer_is_set(&state.alarm.timer))
		set_alarm(FLUSH_MS);
}

void accesslog_file_close(struct accesslog_file *file)
{
	writer_close(&file->writer);
	logfile_close(&file->file);
	memcpy(file->target, "off", sizeof("off"));
}

bool accesslog_file_open(struct accesslog_file *file, const char *target, uid_t owner,
			 struct err *err)
{
	bool is_file = strcmp(target, "off") != 0 && strcmp(target, "stderr") != 0;
	struct logfile fresh = LOGFILE_CLOSED("access log");

	if (strlen(target) >= sizeof(file->target))
		return err_set(err, CODE_CONFIG,
			       "cannot open the access log: its path is too long");
	if (is_file && !logfile_use(&fresh, target, owner, err))
		return false;
	accesslog_file_close(file);
	memcpy(file->target, target, strlen(target) + 1);
	file->file = fresh;
	if (is_file)
		file->writer = writer_take(fresh.fd);
	else if (strcmp(target, "stderr") == 0)
		file->writer = writer_open(STDERR_FILENO);
	return true;
}

/* After a failed fstat the files count as different. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino != 0 && a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

bool accesslog_file_reopen(struct accesslog_file *file, bool create, bool *is_other,
			   struct err *err)
{
	struct stat before = { 0 }, after = { 0 };

	*is_other = false;
	if (file->file.fd < 0)
		return true;
	(void)sys_fstat(file->file.fd, &before);
	if (!logfile_reopen(&file->file, create, err))
		return false;
	(void)sys_fstat(file->file.fd, &after);
	*is_other = !is_same(&before, &after);
	file->writer = writer_take(file->file.fd);
	return true;
}
