/* SPDX-License-Identifier: MIT */
/*
 * Sends and receives with poll(2), and reads standard input. A short send is ordinary: the rest
 * follows when there is room (send(2)). Input lines are frames of framing line already; only
 * framing length waits for the end of a line, and writes its header before it, over bytes that were
 * sent. Must not decide when a session ends.
 */
#include "client/session.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"

enum { INPUT_SIZE = 65536 };

struct session *session_new(struct connection *conn, const struct client_options *options,
			    const char *name, struct err *err)
{
	struct session *s = calloc(1, sizeof(*s));
	bool is_stream = options->message_count == 0 && options->framing == FRAMING_RAW;

	if (s == NULL) {
		err_errno(err, CODE_OSERR, "cannot talk");
		return NULL;
	}
	s->conn = conn;
	s->options = options;
	s->name = name;
	s->active_us = clock_us();
	s->input.screen = conn->screen;
	s->input.is_line_start = true;
	s->input.first = s->input.filled = FRAMING_EXTRA;
	output_init(&s->output, options->framing, options->hex, is_stream, conn->screen);
	s->output.is_discarded = options->no_responses;
	return s;
}

void session_free(struct session *s)
{
	free(s->input.bytes);
	free(s);
}

static bool grow_input(struct input *input, size_t size, struct err *err)
{
	char *bytes;

	if (size <= input->size)
		return true;
	bytes = realloc(input->bytes, size);
	if (bytes == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a message of %zu bytes", size);
	input->bytes = bytes;
	input->size = size;
	return true;
}

bool session_set_message(struct session *s, const char *message, struct err *err)
{
	size_t length = strlen(message);

	if (!grow_input(&s->input, length + FRAMING_EXTRA, err))
		return false;
	s->input.start = 0;
	s->input.end = framing_wrap(s->options->framing, message, length, s->input.bytes);
	s->input.messages++;
	return true;
}

/* Reads to bytes + at; *n is 0 at the end, and when there was no input yet. */
static bool read_stdin(struct input *input, size_t at, size_t *n, struct err *err)
{
	ssize_t got = sys_read(STDIN_FILENO, input->bytes + at, input->size - at);

	*n = got > 0 ? (size_t)got : 0;
	if (got > 0)
		screen_read(input->screen, input->bytes[at + *n - 1]);
	if (got == 0)
		input->is_ended = true;
	if (got >= 0 || errno == EINTR || errno == EAGAIN)
		return true;
	return err_errno(err, CODE_OSERR, "cannot read standard input");
}

/* Bytes pass unchanged; a last line without a newline gets one. */
static bool read_bytes(struct input *input, enum framing framing, struct err *err)
{
	size_t n;

	if (!grow_input(input, INPUT_SIZE, err) || !read_stdin(input, 0, &n, err))
		return false;
	input->start = 0;
	input->end = n;
	if (framing == FRAMING_RAW)
		return true;
	if (input->is_ended && !input->is_line_start)
		input->bytes[input->end++] = '\n';
	for (size_t i = 0; i < input->end; i++)
		input->messages += input->bytes[i] == '\n';
	if (input->end > 0)
		input->is_line_start = input->bytes[input->end - 1] == '\n';
	return true;
}

/* Turns the next whole line, if there is one, into a frame. */
static void frame_line(struct input *input)
{
	size_t have = input->filled - input->first;
	char *line = input->bytes + input->first;
	const char *lf = have > 0 ? memchr(line + input->searched, '\n', have - input->searched) :
				    NULL;
	size_t length = lf != NULL ? (size_t)(lf - line) : have;
	uint32_t big_endian;

	input->searched = have;
	if (lf == NULL && (!input->is_ended || have == 0))
		return;
	input->searched = 0;
	input->start = input->first - FRAMING_EXTRA;
	input->end = input->first + length;
	input->first += length + (lf != NULL);
	input->messages++;
	big_endian = htonl((uint32_t)length);
	memcpy(input->bytes + input->start, &big_endian, sizeof(big_endian));
}

/* Moves an incomplete line to the front, with room for its header, and reads on after it. */
static bool read_lines(struct input *input, struct err *err)
{
	size_t have = input->filled - input->first, n;

	if (have > FRAMING_LENGTH_MOST)
		return err_set(err, CODE_USAGE, "a line of the input has more than %d bytes",
			       FRAMING_LENGTH_MOST);
	if (have > 0 && input->first != FRAMING_EXTRA)
		memmove(input->bytes + FRAMING_EXTRA, input->bytes + input->first, have);
	input->first = FRAMING_EXTRA;
	input->filled = FRAMING_EXTRA + have;
	if (!grow_input(input,
			have + FRAMING_EXTRA < INPUT_SIZE / 2 ? INPUT_SIZE : 2 * input->filled,
			err) ||
	    !read_stdin(input, input->filled, &n, err))
		return false;
	input->filled += n;
	frame_line(input);
	return true;
}

/* Reads once and makes the bytes the next piece, if they are enough for one. */
static bool read_input(struct session *s, struct err *err)
{
	bool was_ended = s->input.is_ended;
	bool is_good = s->options->framing == FRAMING_LENGTH ?
			       read_lines(&s->input, err) :
			       read_bytes(&s->input, s->options->framing, err);

	if (!is_good)
		return false;
	s->active_us = clock_us();
	if (s->input.is_ended && !was_ended)
		connection_trace(s->conn, "the end of the input");
	return true;
}

/* After n bytes of the piece were sent, the next message that was read already may follow. */
static void consume_input(struct session *s, size_t n)
{
	struct input *input = &s->input;

	input->start += n;
	if (input->start == input->end && s->options->framing == FRAMING_LENGTH &&
	    input->bytes != NULL)
		frame_line(input);
}

static void discard_input(struct input *input)
{
	input->start = input->end = 0;
	input->first = input->filled = FRAMING_EXTRA;
	input->searched = 0;
}

static const char *describe_error(const struct connection *conn, int error, char *text)
{
	switch (error) {
	case EPIPE:
	case ECONNRESET:
		return "the peer has reset the connection";
	default:
		return connection_describe_error(conn, error, text);
	}
}

/* An error of the connection ends sending; bytes received before it stay. */
static void fail_connection(struct session *s, const char *call, int error)
{
	char text[TLS_REASON_TEXT];

	connection_trace(s->conn, "%s: %s", call, describe_error(s->conn, error, text));
	s->error = error;
	s->conn->is_reset = error != EPROTO;
	s->is_ending = false;
	s->cannot_send = true;
	s->unsent = session_unsent(s);
	discard_input(&s->input);
}

static bool receive_bytes(struct session *s, struct err *err)
{
	ssize_t n = connection_receive(s->conn, s->buffer, sizeof(s->buffer));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		s->conn->peer_closed = true;
	if (n < 0) {
		fail_connection(s, "recv", errno);
		return true;
	}
	if (n == 0) {
		connection_trace(s->conn, "recv: %s", connection_describe_close(s->conn));
		return true;
	}
	connection_trace(s->conn, "recv: %zd byte%s", n, n == 1 ? "" : "s");
	s->received += (uint64_t)n;
	if (!output_receive(&s->output, s->buffer, (size_t)n, err)) {
		if (err->code == CODE_FAILED)
			err_prefix(err, "%s: ", s->name);
		return false;
	}
	/* after the write, because the reader of stdout may be slow */
	s->received_us = s->active_us = clock_us();
	return true;
}

static void trace_full(struct session *s)
{
	if (!s->was_full)
		connection_trace(s->conn, "send: the send buffer is full, %zu to go",
				 session_unsent(s));
	s->was_full = true;
}

static void trace_sent(const struct session *s, size_t n, size_t left)
{
	if (left > 0)
		connection_trace(s->conn, "send: %zu of %zu bytes, %zu to go", n, n + left, left);
	else
		connection_trace(s->conn, "send: %zu of %zu byte%s", n, n, n == 1 ? "" : "s");
}

static void send_bytes(struct session *s)
{
	size_t left = session_unsent(s);
	ssize_t n = connection_send(s->conn, s->input.bytes + s->input.start, left);

	if (n < 0 && errno == EAGAIN)
		trace_full(s);
	else if (n < 0 && errno != EINTR)
		fail_connection(s, "send", errno);
	if (n <= 0)
		return;
	s->was_full = false;
	trace_sent(s, (size_t)n, left - (size_t)n);
	s->sent += (uint64_t)n;
	s->sent_us = s->active_us = clock_us();
	consume_input(s, (size_t)n);
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

/* The close_notify of TLS goes before the end of the connection, and may need room. */
static void shut_down_sending(struct session *s)
{
	s->is_ending = !connection_notify(s->conn);
	if (s->is_ending)
		return;
	if (sys_shutdown(s->conn->fd, SHUT_WR) < 0)
		connection_trace(s->conn, "shutdown(SHUT_WR): %s", strerror(errno));
	else
		connection_trace(s->conn, "shutdown(SHUT_WR): this side has ended sending");
}

static short choose_events(const struct session *s)
{
	short events = 0;

	if (!s->conn->peer_closed)
		events |= connection_receive_events(s->conn);
	if (session_unsent(s) > 0)
		events |= connection_send_events(s->conn);
	if (s->is_ending)
		events |= POLLOUT;
	return events;
}

/* With TLS, each side may wait for what is the other side's event. */
static bool handle_events(struct session *s, short events, bool is_ready, struct err *err)
{
	short send_events = connection_send_events(s->conn) | POLLERR | POLLHUP | POLLNVAL;

	if ((events != 0 || is_ready) && !s->conn->peer_closed && !receive_bytes(s, err))
		return false;
	if ((events & send_events) && session_unsent(s) > 0)
		send_bytes(s);
	if ((events & ~POLLIN) && s->is_ending)
		shut_down_sending(s);
	return true;
}

bool session_poll(struct session *s, int64_t until_us, bool reads_stdin, struct err *err)
{
	struct pollfd polls[2] = { { .fd = s->conn->fd, .events = choose_events(s) },
				   { .fd = -1, .events = POLLIN } };
	bool is_ready = !s->conn->peer_closed && connection_is_ready(s->conn);

	if (polls[0].events == 0)
		polls[0].fd = -1;
	if (reads_stdin && session_unsent(s) == 0 && !s->input.is_ended && !s->cannot_send)
		polls[1].fd = STDIN_FILENO;
	if (sys_poll(polls, 2, is_ready ? 0 : wait_ms(until_us)) < 0)
		return errno == EINTR || err_errno(err, CODE_OSERR, "cannot wait");
	if (!handle_events(s, polls[0].revents, is_ready, err))
		return false;
	return polls[1].revents == 0 || read_input(s, err);
}

void session_shut_down(struct session *s)
{
	s->conn->is_shut_down = true;
	s->conn->closed_first = !s->conn->peer_closed;
	shut_down_sending(s);
	s->active_us = clock_us();
}
