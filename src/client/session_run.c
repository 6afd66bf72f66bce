/* SPDX-License-Identifier: MIT */
/*
 * Runs a session to its end and reports its errors. With messages on the command line:
 *
 *   interval -> send (and receive) -> all sent -> response complete -> the next message
 *
 * and then, with -N, until the peer has closed too. With standard input, the end is:
 *
 *   raw            the peer's close; or, without -N, silence after the end of the input
 *   line, length   as many responses as there were lines
 *
 * If no byte was sent, line and length end as raw does, because the peer may send first. Must not
 * touch the socket itself.
 */
#include "client/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "base/units.h"

/* A message of the command line in work. */
struct request {
	uint64_t number, count; /* from 1 */
	char label[64];         /* "" or "message 2 of 3: " */
	int64_t start_us;
};

static int64_t max_us(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min_us(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Ends the output line. An error of stdout is not the one to be reported here. */
static void end_output_line(struct session *s)
{
	struct err ignored = { .code = CODE_OK };

	output_end(&s->output, &ignored);
}

/* Each of these ends the output, fills err (CODE_FAILED, "NAME: label why") and returns false. */
static bool fail_closed(struct session *s, const char *label, struct err *err)
{
	uint64_t unsent = s->error != 0 ? s->unsent : session_unsent(s), part = s->output.part;
	const char *what = "closed its side";
	char text[TLS_REASON_TEXT];

	end_output_line(s);
	if (s->error == EPIPE || s->error == ECONNRESET)
		what = "reset the connection";
	else if (s->error != 0)
		return err_set(err, CODE_FAILED, "%s: %sthe connection broke: %s", s->name, label,
			       connection_describe_error(s->conn, s->error, text));
	if (unsent > 0)
		snprintf(text, sizeof(text), "with %" PRIu64 " byte%s not sent", unsent,
			 plural(unsent));
	else if (part > 0)
		snprintf(text, sizeof(text),
			 "in the middle of the answer, after %" PRIu64 " byte%s", part,
			 plural(part));
	else
		snprintf(text, sizeof(text), "before the answer");
	return err_set(err, CODE_FAILED, "%s: %sthe peer has %s %s", s->name, label, what, text);
}

static bool fail_timeout(struct session *s, const char *label, struct err *err)
{
	size_t left = session_unsent(s);
	uint64_t part = s->output.part;
	char shown[UNITS_TEXT];

	/* sending had ended before, and the peer sent no more */
	if (s->error != 0)
		return fail_closed(s, label, err);
	units_write_duration(s->options->timeout_ms, shown);
	end_output_line(s);
	if (left > 0)
		return err_set(err, CODE_FAILED,
			       "%s: %sthe peer has taken nothing for %s, with %zu byte%s to go",
			       s->name, label, shown, left, plural(left));
	if (part > 0)
		return err_set(err, CODE_FAILED,
			       "%s: %sthe answer stopped after %" PRIu64
			       " byte%s: nothing more for %s",
			       s->name, label, part, plural(part), shown);
	return err_set(err, CODE_FAILED, "%s: %sno answer within %s", s->name, label, shown);
}

static bool fail_not_closed(struct session *s, struct err *err)
{
	char shown[UNITS_TEXT];

	end_output_line(s);
	return err_set(err, CODE_FAILED, "%s: the peer has not ended its side within %s", s->name,
		       units_write_duration(s->options->timeout_ms, shown));
}

/* Anyone on the way can end a connection, but none can forge the close_notify of TLS. */
static bool fail_cut(struct session *s, const char *label, struct err *err)
{
	end_output_line(s);
	return err_set(err, CODE_FAILED,
		       "%s: %sthe peer has closed its side without close_notify: bytes may be "
		       "missing",
		       s->name, label);
}

static bool fail_excess(struct session *s, struct err *err)
{
	end_output_line(s);
	return err_set(err, CODE_FAILED, "%s: more came than was asked for", s->name);
}

static int64_t timeout_us(const struct session *s)
{
	return s->active_us + (int64_t)s->options->timeout_ms * 1000;
}

/* With -N the last raw response ends with the peer's close, not with silence. */
static bool ends_by_silence(const struct session *s, const struct request *request)
{
	return s->options->framing == FRAMING_RAW && s->output.part > 0 &&
	       !(s->options->half_close && request->number == request->count);
}

static int64_t silence_us(const struct session *s)
{
	return max_us(s->received_us, s->sent_us) + (int64_t)s->options->quiet_time_ms * 1000;
}

static bool is_response_complete(const struct session *s, const struct request *request,
				 int64_t now_us)
{
	if (s->options->no_responses)
		return true;
	if (s->options->framing != FRAMING_RAW)
		return s->output.responses >= request->number;
	if (s->conn->peer_closed)
		return s->output.part > 0;
	return ends_by_silence(s, request) && now_us >= silence_us(s);
}

/* With -N, sending ends when the last message is sent. */
static void shut_down_after_last(struct session *s, const struct request *request)
{
	bool is_sent = session_unsent(s) == 0 && !s->cannot_send;

	if (s->options->half_close && request->number == request->count && is_sent &&
	    !s->conn->is_shut_down)
		session_shut_down(s);
}

/* Waits until the message is sent and its response complete. */
static bool await_response(struct session *s, const struct request *request, struct err *err)
{
	for (;;) {
		int64_t now_us = clock_us(), until_us = timeout_us(s);
		bool is_sent = session_unsent(s) == 0 && !s->cannot_send;
		bool is_complete = is_response_complete(s, request, now_us);

		shut_down_after_last(s, request);
		if (is_sent && is_complete)
			return true;
		if (s->conn->peer_closed && (s->cannot_send || !is_complete))
			return fail_closed(s, request->label, err);
		if (is_sent && ends_by_silence(s, request))
			until_us = silence_us(s);
		else if (now_us >= until_us)
			return fail_timeout(s, request->label, err);
		if (!session_poll(s, until_us, false, err))
			return false;
	}
}

static bool wait_interval(struct session *s, struct err *err)
{
	int64_t until_us = clock_us() + (int64_t)s->options->interval_ms * 1000;

	while (clock_us() < until_us)
		if (!session_poll(s, until_us, false, err))
			return false;
	return true;
}

static void trace_response(const struct session *s, const struct request *request)
{
	bool is_raw = s->options->framing == FRAMING_RAW;

	if (s->options->no_responses || s->output.responses != request->number)
		return;
	connection_trace(s->conn,
			 "answer %" PRIu64 " of %" PRIu64 ": %" PRIu64 " byte%s after %lld us%s",
			 request->number, request->count, s->output.size, plural(s->output.size),
			 (long long)(s->received_us - request->start_us),
			 !is_raw              ? "" :
			 s->conn->peer_closed ? ", ended by the peer" :
						", then silence");
}

static bool run_request(struct session *s, const struct request *request, const char *message,
			struct err *err)
{
	if (!session_set_message(s, message, err))
		return false;
	s->active_us = clock_us();
	if (!await_response(s, request, err))
		return false;
	if (s->conn->is_cut && s->options->framing == FRAMING_RAW && s->output.part > 0)
		return fail_cut(s, request->label, err);
	if (s->output.part > 0 && s->options->framing == FRAMING_RAW &&
	    !output_end_response(&s->output, err))
		return false;
	trace_response(s, request);
	return true;
}

/* With -N, waits until the peer has closed too, otherwise only looks for more bytes. */
static bool await_close(struct session *s, struct err *err)
{
	int64_t until_us = 0;

	s->active_us = clock_us();
	do {
		if (s->conn->peer_closed)
			break;
		if (s->options->half_close)
			until_us = timeout_us(s);
		if (!session_poll(s, until_us, false, err))
			return false;
		if (s->options->half_close && !s->conn->peer_closed && clock_us() >= timeout_us(s))
			return fail_not_closed(s, err);
	} while (s->options->half_close);
	if (s->output.excess > 0)
		return fail_excess(s, err);
	if (s->conn->is_cut && s->options->half_close)
		return fail_cut(s, "", err);
	return s->error == 0 || fail_closed(s, "", err);
}

bool session_run_messages(struct session *s, struct err *err)
{
	uint64_t messages = (uint64_t)s->options->message_count;
	struct request request = { .count = UINT64_MAX };

	if (__builtin_mul_overflow(messages, (uint64_t)s->options->count, &request.count))
		request.count = UINT64_MAX;
	s->output.max_responses = request.count;
	for (uint64_t i = 0; i < request.count; i++) {
		if (i > 0 && s->options->interval_ms > 0 && !wait_interval(s, err))
			return false;
		request.number = i + 1;
		request.start_us = clock_us();
		if (request.count > 1)
			snprintf(request.label, sizeof(request.label),
				 "message %" PRIu64 " of %" PRIu64 ": ", request.number,
				 request.count);
		if (!run_request(s, &request, s->options->messages[i % messages], err))
			return false;
	}
	return await_close(s, err);
}

/* True when the stream ends by the number of its responses. */
static bool is_counted(const struct session *s)
{
	return s->options->framing != FRAMING_RAW && s->input.messages > 0 &&
	       !s->options->no_responses;
}

static bool is_all_sent(const struct session *s)
{
	return s->input.is_ended && session_unsent(s) == 0 && !s->cannot_send;
}

/* The time at which silence ends the stream; INT64_MAX: never. */
static int64_t stream_silence_us(const struct session *s, int64_t input_ended_us)
{
	if (!is_all_sent(s) || s->options->half_close || is_counted(s) || s->received == 0)
		return INT64_MAX;
	return max_us(s->received_us, input_ended_us) + (int64_t)s->options->quiet_time_ms * 1000;
}

/* The time at which the peer is late; INT64_MAX: no byte is expected of it. */
static int64_t stream_timeout_us(const struct session *s)
{
	bool is_asked = is_counted(s) && s->output.responses < s->input.messages;

	if (session_unsent(s) > 0 || s->input.is_ended || s->cannot_send || is_asked)
		return timeout_us(s);
	return INT64_MAX;
}

/* The time at which bytes that the output holds back are written. */
static int64_t release_us(const struct session *s)
{
	if (!output_is_holding(&s->output))
		return INT64_MAX;
	return s->received_us + (int64_t)s->options->quiet_time_ms * 1000;
}

static bool is_stream_complete(const struct session *s, int64_t now_us, int64_t input_ended_us)
{
	if (!is_all_sent(s) || s->options->half_close)
		return false;
	if (is_counted(s))
		return s->output.responses >= s->input.messages;
	return s->options->no_responses || now_us >= stream_silence_us(s, input_ended_us);
}

/* True when there is input that cannot be sent any more. */
static bool has_more_input(const struct session *s)
{
	struct pollfd poll = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return !s->input.is_ended && sys_poll(&poll, 1, 0) > 0 &&
	       sys_read(STDIN_FILENO, &byte, 1) > 0;
}

static bool end_stream(struct session *s, struct err *err)
{
	bool is_good = s->error == 0 && session_unsent(s) == 0;

	if (is_counted(s) && s->output.responses < s->input.messages)
		is_good = false;
	if (!is_counted(s) && !s->options->no_responses && s->sent > 0 && s->received == 0)
		is_good = false;
	if (!is_good)
		return fail_closed(s, "", err);
	if (s->conn->is_cut && !is_counted(s))
		return fail_cut(s, "", err);
	if (is_counted(s) && (s->output.responses > s->input.messages || s->output.part > 0))
		return fail_excess(s, err);
	if (s->conn->peer_closed && has_more_input(s))
		return err_set(err, CODE_FAILED,
			       "%s: the peer has closed its side before the end of the input",
			       s->name);
	return output_end(&s->output, err);
}

static bool end_late_stream(struct session *s, struct err *err)
{
	bool is_asked = is_counted(s) && s->output.responses < s->input.messages;

	if (session_unsent(s) == 0 && s->conn->is_shut_down && s->error == 0 && !is_asked)
		return fail_not_closed(s, err);
	/* no byte was sent or received */
	if (s->sent == 0 && s->error == 0 && session_unsent(s) == 0)
		return true;
	return fail_timeout(s, "", err);
}

bool session_run_stream(struct session *s, struct err *err)
{
	int64_t input_ended_us = 0;

	for (;;) {
		int64_t now_us = clock_us(), held_until_us = release_us(s), until_us;

		if (s->input.is_ended && input_ended_us == 0)
			input_ended_us = now_us;
		if (is_all_sent(s) && s->options->half_close && !s->conn->is_shut_down)
			session_shut_down(s);
		if (s->conn->peer_closed || is_stream_complete(s, now_us, input_ended_us))
			return end_stream(s, err);
		until_us = stream_silence_us(s, input_ended_us);
		if (until_us == INT64_MAX && now_us >= stream_timeout_us(s))
			return end_late_stream(s, err);
		if (now_us >= held_until_us && !output_release(&s->output, err))
			return false;
		if (until_us == INT64_MAX)
			until_us = stream_timeout_us(s);
		if (!session_poll(s, min_us(until_us, release_us(s)), true, err))
			return false;
	}
}
