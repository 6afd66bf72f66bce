/* SPDX-License-Identifier: MIT */
/* Reads the output of copies. Must not wait for them, nor read more than a piece at a time. */
#include "master/program/copy_streams.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "master/program/program_board.h"

enum { STREAM_ERR = 1 };

static void log_line(void *owner, const char *text, bool is_cut)
{
	const struct copy_stream *stream = owner;
	struct copy *copy = stream->copy;
	struct log_field program = LOG_STR("program", copy->program->conf->title);
	struct log_field number = LOG_NUM("copy", copy->member.number);
	struct log_field pid = LOG_NUM("child_pid", copy->member.pid);
	struct log_field name = LOG_STR("stream", stream->name), said = LOG_STR("text", text);

	cell_add(&program_board_tally(copy->program)->program_output_lines_total, 1);
	if (stream == &copy->streams[STREAM_ERR] && text[0] != '\0')
		snprintf(copy->last_line, sizeof(copy->last_line), "%s", text);
	if (is_cut)
		LOG(EVENT_program_output, program, number, pid, name, said, LOG_STR("cut", "yes"));
	else
		LOG(EVENT_program_output, program, number, pid, name, said);
}

void copy_streams_init(struct copy *copy)
{
	static const char *const names[COPY_STREAMS] = { "stdout", "stderr" };

	for (unsigned i = 0; i < COPY_STREAMS; i++) {
		struct copy_stream *stream = &copy->streams[i];

		stream->copy = copy;
		stream->name = names[i];
		output_watch_init(&stream->output, log_line, NULL, stream);
	}
}

/* O_NONBLOCK is for the master's end alone: the two ends are two descriptions (pipe(7)). */
static bool open_stream(struct copy_stream *stream, int *end)
{
	int pair[2];

	if (sys_pipe2(pair, O_CLOEXEC) < 0)
		return false;
	*end = pair[1];
	output_watch_init(&stream->output, log_line, NULL, stream);
	return output_watch_open(&stream->output, stream->copy->program->loop, pair[0]) &&
	       sys_fcntl_int(pair[0], F_SETFL, O_NONBLOCK) == 0;
}

bool copy_streams_open(struct copy *copy, int *ends)
{
	for (unsigned i = 0; i < COPY_STREAMS; i++)
		if (!open_stream(&copy->streams[i], &ends[i]))
			return false;
	return true;
}

static void tell_lost(struct copy *copy, bool is_last, int64_t now_ms)
{
	for (unsigned i = 0; i < COPY_STREAMS; i++) {
		struct copy_stream *stream = &copy->streams[i];
		uint64_t lost = output_lines_take_lost(&stream->output.lines, is_last, now_ms);

		if (lost == 0)
			continue;
		cell_add(&program_board_tally(copy->program)->program_output_lost_total, lost);
		LOG(EVENT_program_output_lost, LOG_STR("program", copy->program->conf->title),
		    LOG_NUM("copy", copy->member.number), LOG_STR("stream", stream->name),
		    LOG_NUM("lines", lost));
	}
}

void copy_streams_drain(struct copy *copy, int64_t now_ms)
{
	for (unsigned i = 0; i < COPY_STREAMS; i++)
		output_watch_drain(&copy->streams[i].output, now_ms);
	tell_lost(copy, true, now_ms);
}

void copy_streams_close(struct copy *copy)
{
	for (unsigned i = 0; i < COPY_STREAMS; i++)
		output_watch_close(&copy->streams[i].output);
}

void copy_streams_step(struct copy *copy, int64_t now_ms)
{
	tell_lost(copy, false, now_ms);
	for (unsigned i = 0; i < COPY_STREAMS; i++)
		output_watch_resume(&copy->streams[i].output, now_ms);
}

int64_t copy_streams_due_ms(const struct copy *copy, int64_t otherwise_ms)
{
	int64_t due_ms = otherwise_ms;

	for (unsigned i = 0; i < COPY_STREAMS; i++)
		due_ms = output_lines_due_ms(&copy->streams[i].output.lines, due_ms);
	return due_ms;
}
