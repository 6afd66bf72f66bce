/* SPDX-License-Identifier: MIT */
/*
 * Passes standard input on, as it comes (raw) or each line as a message. What ends it:
 *
 *   raw            the peer's end; or, without -N, silence after the end of the input
 *   line, length   as many answers as there were lines
 *
 * Where nothing was sent, line and length end as raw does: the peer speaks without being asked.
 */
#include "client/stream.h"

#include "base/clock.h"
#include "base/sys.h"
#include "client/complain.h"

/* The answers are counted. */
static bool is_counted(const struct session *session)
{
	return session->options->framing != FRAMING_RAW && session->input.messages > 0 &&
	       !session->options->no_responses;
}

static bool is_all_sent(const struct session *session)
{
	return session->input.is_ended && input_left(&session->input) == 0 && !session->cannot_send;
}

/* When the silence is long enough, if it ends anything; else INT64_MAX. */
static int64_t silence_us(const struct session *session, int64_t ended_us)
{
	int64_t last_us = session->received_us > ended_us ? session->received_us : ended_us;

	if (!is_all_sent(session) || session->options->half_close || is_counted(session) ||
	    session->received == 0)
		return INT64_MAX;
	return last_us + (int64_t)session->options->quiet_time_ms * 1000;
}

/* When the peer is late, if it has to do anything; else INT64_MAX. */
static int64_t timeout_us(const struct session *session)
{
	bool is_asked = is_counted(session) && session->output.answers < session->input.messages;

	if (input_left(&session->input) > 0 || session->input.is_ended || session->cannot_send ||
	    is_asked)
		return session->active_us + (int64_t)session->options->timeout_ms * 1000;
	return INT64_MAX;
}

/* When a dump shows what its last row waits for. */
static int64_t pause_us(const struct session *session)
{
	const struct show *show = &session->output.show;

	if (show->row_used == 0 && show->escape.count == 0)
		return INT64_MAX;
	return session->received_us + (int64_t)session->options->quiet_time_ms * 1000;
}

static bool is_complete(const struct session *session, int64_t now_us, int64_t ended_us)
{
	if (!is_all_sent(session) || session->options->half_close)
		return false;
	if (is_counted(session))
		return session->output.answers >= session->input.messages;
	return session->options->no_responses || now_us >= silence_us(session, ended_us);
}

/* True when input is there that nobody will get any more. */
static bool has_more_input(struct session *session)
{
	struct pollfd poll = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return !session->input.is_ended && sys_poll(&poll, 1, 0) > 0 &&
	       sys_read(STDIN_FILENO, &byte, 1) > 0;
}

static bool finish_stream(struct session *session, struct err *err)
{
	bool is_raw = !is_counted(session),
	     is_good = session->error == 0 && input_left(&session->input) == 0;

	if (is_raw && !session->options->no_responses && session->sent > 0 &&
	    session->received == 0)
		is_good = false;
	if (!is_raw && (session->output.answers < session->input.messages))
		is_good = false;
	if (!is_good)
		return fail_closed(session, "", err);
	if (!is_raw &&
	    (session->output.answers > session->input.messages || session->output.part > 0))
		return fail_excess(session, err);
	if (session->connection->peer_closed && has_more_input(session))
		return err_set(err, CODE_FAILED,
			       "%s: the peer has closed its side before the end of the input",
			       session->name);
	return output_end(&session->output, err);
}

static bool check_timeout(struct session *session, struct err *err)
{
	if (input_left(&session->input) == 0 && session->connection->is_shut_down &&
	    session->error == 0 &&
	    !(is_counted(session) && session->output.answers < session->input.messages))
		return fail_open(session, err);
	/* nothing was asked, nothing came */
	if (session->sent == 0 && session->error == 0 && input_left(&session->input) == 0)
		return true;
	return fail_timeout(session, "", err);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

bool session_run_stream(struct session *session, struct err *err)
{
	int64_t ended_us = 0;

	for (;;) {
		int64_t now_us = clock_us(), pause = pause_us(session), until_us;

		if (session->input.is_ended && ended_us == 0)
			ended_us = now_us;
		if (is_all_sent(session) && session->options->half_close &&
		    !session->connection->is_shut_down)
			session_shut_down(session);
		if (session->connection->peer_closed || is_complete(session, now_us, ended_us))
			return finish_stream(session, err);
		until_us = silence_us(session, ended_us);
		if (until_us == INT64_MAX && now_us >= timeout_us(session))
			return check_timeout(session, err);
		if (now_us >= pause && !show_pause(&session->output.show, err))
			return false;
		if (until_us == INT64_MAX)
			until_us = timeout_us(session);
		if (!session_poll(session, earliest(until_us, pause_us(session)), true, err))
			return false;
	}
}
