/* SPDX-License-Identifier: MIT */
/*
 * Sends and receives with poll(2). A send that takes less than all is ordinary: the rest follows
 * when there is room (send(2)); a receive gives what is there (recv(2)).
 */
#include "client/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"

struct session *session_new(struct connection *connection, const struct client_options *options,
			    const char *name, const struct trace *trace, struct err *err)
{
	struct session *session = calloc(1, sizeof(*session));
	bool is_stream = options->message_count == 0 && options->framing == FRAMING_RAW;

	if (session == NULL) {
		err_errno(err, CODE_OSERR, "cannot talk");
		return NULL;
	}
	session->connection = connection;
	session->options = options;
	session->name = name;
	session->trace = trace;
	session->active_us = clock_us();
	input_init(&session->input, options->framing);
	receive_init(&session->output, options->framing, UINT64_MAX);
	session->output.is_deaf = options->no_responses;
	show_init(&session->output.show, options->hex, is_stream);
	return session;
}

void session_free(struct session *session)
{
	input_free(&session->input);
	free(session);
}

static const char *error_name(int error)
{
	switch (error) {
	case EPIPE:
	case ECONNRESET:
		return "the peer has reset the connection";
	default:
		return strerror(error);
	}
}

/* An error of the connection, which ends it; what was received before stays received. */
static void fail_connection(struct session *session, const char *call, int error)
{
	trace_print(session->trace, "%s: %s", call, error_name(error));
	session->error = error;
	session->connection->is_reset = true;
	session->cannot_send = true;
	session->unsent = input_left(&session->input);
	input_discard(&session->input);
}

static bool receive_bytes(struct session *session, struct err *err)
{
	ssize_t n = sys_recv(session->connection->fd, session->buffer, sizeof(session->buffer), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		session->connection->peer_closed = true;
	if (n < 0) {
		fail_connection(session, "recv", errno);
		return true;
	}
	if (n == 0) {
		trace_print(session->trace, "recv: 0 bytes: the peer has closed its side");
		return true;
	}
	trace_print(session->trace, "recv: %zd byte%s", n, n == 1 ? "" : "s");
	session->received += (uint64_t)n;
	if (!output_receive(&session->output, session->buffer, (size_t)n, err)) {
		if (err->code == CODE_FAILED)
			err_prefix(err, "%s: ", session->name);
		return false;
	}
	/* the time after it was shown: a reader of stdout may be slow */
	session->received_us = session->active_us = clock_us();
	return true;
}

static void trace_full(struct session *session)
{
	if (!session->was_full)
		trace_print(session->trace, "send: the send buffer is full, %zu to go",
			    input_left(&session->input));
	session->was_full = true;
}

static void trace_sent(struct session *session, size_t n, size_t left)
{
	if (left > 0)
		trace_print(session->trace, "send: %zu of %zu bytes, %zu to go", n, n + left, left);
	else
		trace_print(session->trace, "send: %zu of %zu byte%s", n, n, n == 1 ? "" : "s");
}

static void send_bytes(struct session *session)
{
	size_t left = input_left(&session->input);
	ssize_t n =
		sys_send(session->connection->fd, input_head(&session->input), left, MSG_NOSIGNAL);

	if (n < 0 && errno == EAGAIN)
		trace_full(session);
	else if (n < 0 && errno != EINTR)
		fail_connection(session, "send", errno);
	if (n <= 0)
		return;
	session->was_full = false;
	trace_sent(session, (size_t)n, left - (size_t)n);
	session->sent += (uint64_t)n;
	session->sent_us = session->active_us = clock_us();
	input_consume(&session->input, (size_t)n);
}

static bool read_stdin(struct session *session, struct err *err)
{
	bool was_ended = session->input.is_ended;

	if (!input_read(&session->input, err))
		return false;
	session->active_us = clock_us();
	if (session->input.is_ended && !was_ended)
		trace_print(session->trace, "the end of the input");
	return true;
}

static int wait_ms(int64_t until_us)
{
	int64_t left_us;

	if (until_us == INT64_MAX)
		return -1;
	left_us = until_us - clock_us();
	if (left_us <= 0)
		return 0;
	return left_us / 1000 < INT_MAX - 1 ? (int)((left_us + 999) / 1000) : INT_MAX;
}

bool session_poll(struct session *session, int64_t until_us, bool is_fed, struct err *err)
{
	struct pollfd polls[2] = { { .fd = session->connection->fd },
				   { .fd = -1, .events = POLLIN } };
	bool is_sending = input_left(&session->input) > 0;

	if (!session->connection->peer_closed)
		polls[0].events |= POLLIN;
	if (is_sending)
		polls[0].events |= POLLOUT;
	if (polls[0].events == 0)
		polls[0].fd = -1;
	if (is_fed && !is_sending && !session->input.is_ended && !session->cannot_send)
		polls[1].fd = STDIN_FILENO;
	if (sys_poll(polls, 2, wait_ms(until_us)) < 0)
		return errno == EINTR || err_errno(err, CODE_OSERR, "cannot wait");
	if (polls[0].revents != 0 && !session->connection->peer_closed &&
	    !receive_bytes(session, err))
		return false;
	if ((polls[0].revents & ~POLLIN) != 0 && input_left(&session->input) > 0)
		send_bytes(session);
	return polls[1].revents == 0 || read_stdin(session, err);
}

void session_shut_down(struct session *session)
{
	session->connection->is_shut_down = true;
	session->connection->closed_first = !session->connection->peer_closed;
	if (sys_shutdown(session->connection->fd, SHUT_WR) < 0)
		trace_print(session->trace, "shutdown(SHUT_WR): %s", strerror(errno));
	else
		trace_print(session->trace, "shutdown(SHUT_WR): this side has ended sending");
	session->active_us = clock_us();
}
