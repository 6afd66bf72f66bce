/* SPDX-License-Identifier: MIT */
/*
 * Message, answer, message, answer:
 *
 *   interval -> sending (and receiving) -> all sent -> answer whole -> the next one
 *
 * then, with -N, the peer's end.
 */
#include "client/session_run.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "client/complain.h"

/* One message under way. */
struct request {
	uint64_t number, count; /* from 1 */
	char label[64];
	int64_t start_us;
};

static int64_t latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t timeout_us(const struct session *session)
{
	return session->active_us + (int64_t)session->options->timeout_ms * 1000;
}

/* Of the last answer in raw, with -N, the peer's end tells the end, not silence. */
static bool ends_by_silence(const struct session *session, const struct request *request)
{
	return session->options->framing == FRAMING_RAW && session->output.part > 0 &&
	       !(session->options->half_close && request->number == request->count);
}

static int64_t silence_us(const struct session *session)
{
	return latest(session->received_us, session->sent_us) +
	       (int64_t)session->options->quiet_time_ms * 1000;
}

static bool is_response_complete(const struct session *session, const struct request *request,
				 int64_t now_us)
{
	if (session->options->no_responses)
		return true;
	if (session->options->framing != FRAMING_RAW)
		return session->output.answers >= request->number;
	if (session->connection->peer_closed)
		return session->output.part > 0;
	return ends_by_silence(session, request) && now_us >= silence_us(session);
}

/* Everything is out: with the last message, and -N, the peer is told so. */
static void shut_after_last(struct session *session, const struct request *request)
{
	bool is_out = input_left(&session->input) == 0 && !session->cannot_send;

	if (session->options->half_close && request->number == request->count && is_out &&
	    !session->connection->is_shut_down)
		session_shut_down(session);
}

/* Goes on until the message is sent and its answer is there. */
static bool await_response(struct session *session, const struct request *request, struct err *err)
{
	for (;;) {
		int64_t now_us = clock_us(), until_us = timeout_us(session);
		bool is_sent = input_left(&session->input) == 0 && !session->cannot_send;
		bool is_there = is_response_complete(session, request, now_us);

		shut_after_last(session, request);
		if (is_sent && is_there)
			return true;
		if (session->connection->peer_closed && (session->cannot_send || !is_there))
			return fail_closed(session, request->label, err);
		if (is_sent && ends_by_silence(session, request))
			until_us = silence_us(session);
		else if (now_us >= until_us)
			return fail_timeout(session, request->label, err);
		if (!session_poll(session, until_us, false, err))
			return false;
	}
}

static bool wait_interval(struct session *session, struct err *err)
{
	int64_t until_us = clock_us() + (int64_t)session->options->interval_ms * 1000;

	while (clock_us() < until_us)
		if (!session_poll(session, until_us, false, err))
			return false;
	return true;
}

static void trace_response(const struct session *session, const struct request *request)
{
	bool is_raw = session->options->framing == FRAMING_RAW;

	if (session->options->no_responses || session->output.answers != request->number)
		return;
	trace_print(session->trace,
		    "answer %" PRIu64 " of %" PRIu64 ": %" PRIu64 " byte%s after %lld us%s",
		    request->number, request->count, session->output.size,
		    session->output.size == 1 ? "" : "s",
		    (long long)(session->received_us - request->start_us),
		    !is_raw                          ? "" :
		    session->connection->peer_closed ? ", ended by the peer" :
						       ", then silence");
}

static bool send_message(struct session *session, const struct request *request,
			 const char *message, struct err *err)
{
	if (!input_set_message(&session->input, message, err))
		return false;
	session->active_us = clock_us();
	if (!await_response(session, request, err))
		return false;
	if (session->output.part > 0 && session->options->framing == FRAMING_RAW &&
	    !output_end_response(&session->output, err))
		return false;
	trace_response(session, request);
	return true;
}

/* With -N until the peer has ended too, else only a look. */
static bool await_close(struct session *session, struct err *err)
{
	int64_t until_us = 0;

	session->active_us = clock_us();
	do {
		if (session->connection->peer_closed)
			break;
		if (session->options->half_close)
			until_us = timeout_us(session);
		if (!session_poll(session, until_us, false, err))
			return false;
		if (session->options->half_close && !session->connection->peer_closed &&
		    clock_us() >= timeout_us(session))
			return fail_open(session, err);
	} while (session->options->half_close);
	if (session->output.excess > 0)
		return fail_excess(session, err);
	return session->error == 0 || fail_closed(session, "", err);
}

bool session_run_messages(struct session *session, struct err *err)
{
	int count = session->options->message_count;
	struct request request = { .count = UINT64_MAX };

	if (__builtin_mul_overflow((uint64_t)count, (uint64_t)session->options->count,
				   &request.count))
		request.count = UINT64_MAX;
	session->output.most = request.count;
	for (uint64_t i = 0; i < request.count; i++) {
		if (i > 0 && session->options->interval_ms > 0 && !wait_interval(session, err))
			return false;
		request.number = i + 1;
		request.start_us = clock_us();
		if (request.count > 1)
			snprintf(request.label, sizeof(request.label),
				 "message %" PRIu64 " of %" PRIu64 ": ", request.number,
				 request.count);
		if (!send_message(session, &request,
				  session->options->messages[i % (uint64_t)count], err))
			return false;
	}
	return await_close(session, err);
}
