/* SPDX-License-Identifier: MIT */
/*
 * ack: receives messages and answers each with the same reply. A message is counted, never stored,
 * so its length costs no memory: counting alone joins messages that arrive in parts and separates
 * those that arrive together.
 *
 *   raw     the bytes of one receive are one message; the answer is the bare reply
 *   line    a message ends with LF, a CR before it is not part of it; the answer is reply LF
 *   length  4 bytes, unsigned, big-endian, then so many; the answer likewise
 */
#include <string.h>

#include "services/services.h"
#include "worker/conn_record.h"

enum { HEADER = 4, MESSAGE_MOST = 16 * 1024 * 1024 }; /* the latter: of any max_message */

struct ack {
	uint32_t bytes; /* line: received; length: of the header, then still to come */
	uint32_t most;  /* max_message as it was when the message began */
	uint8_t header; /* length: bytes of the header received so far */
	bool after_cr;  /* line: the last byte was a CR */
	bool begun;     /* in the middle of a message */
};

/* A reload changes the limit from the next message on. */
static void begin_message(const struct conn *c, struct ack *a)
{
	if (!a->begun)
		a->most = (uint32_t)c->conf->max_message;
	a->begun = true;
}

enum step { STEP_ON, STEP_NO_ROOM, STEP_TOO_LONG };

/* Adds the answer, whole or not at all. */
static bool answer_message(struct conn *c, struct ack *a)
{
	uint32_t n = (uint32_t)strlen(c->conf->reply);
	uint32_t big_endian = htonl(n);

	if (buf_room(&c->out) < n + HEADER)
		return false;
	if (c->conf->framing == FRAMING_LENGTH)
		buf_put(&c->out, &big_endian, HEADER);
	buf_put(&c->out, c->conf->reply, n);
	if (c->conf->framing == FRAMING_LINE)
		buf_put(&c->out, "\n", 1);
	conn_count_message(c);
	memset(a, 0, sizeof(*a));
	return true;
}

static enum step take_raw(struct conn *c, struct ack *a)
{
	size_t n = buf_used(&c->in);

	if (n > (size_t)c->conf->max_message)
		return STEP_TOO_LONG;
	if (!answer_message(c, a))
		return STEP_NO_ROOM;
	buf_drop(&c->in, n);
	return STEP_ON;
}

/* Takes the bytes up to the LF. The CR counts only when a byte other than LF follows it. */
static enum step take_line(struct conn *c, struct ack *a)
{
	const char *head = buf_head(&c->in);
	const char *lf = memchr(head, '\n', buf_used(&c->in));
	size_t n = lf ? (size_t)(lf - head) : buf_used(&c->in);
	bool ends_in_cr = n > 0 ? head[n - 1] == '\r' : a->after_cr;
	size_t length = a->bytes + (n > 0 && a->after_cr) + n - (n > 0 && ends_in_cr);

	begin_message(c, a);
	if (length > a->most)
		return STEP_TOO_LONG;
	if (lf && !answer_message(c, a))
		return STEP_NO_ROOM;
	if (lf) {
		n++;
	} else {
		a->bytes = (uint32_t)length;
		a->after_cr = ends_in_cr;
	}
	buf_drop(&c->in, n);
	return STEP_ON;
}

static enum step take_header(struct conn *c, struct ack *a)
{
	begin_message(c, a);
	while (a->header < HEADER && buf_used(&c->in) > 0) {
		a->bytes = a->bytes << 8 | (uint8_t)*buf_head(&c->in);
		a->header++;
		buf_drop(&c->in, 1);
	}
	return a->header == HEADER && a->bytes > a->most ? STEP_TOO_LONG : STEP_ON;
}

static enum step take_body(struct conn *c, struct ack *a)
{
	size_t n = buf_used(&c->in) < a->bytes ? buf_used(&c->in) : a->bytes;

	a->bytes -= (uint32_t)n;
	buf_drop(&c->in, n);
	return a->bytes == 0 && !answer_message(c, a) ? STEP_NO_ROOM : STEP_ON;
}

static enum step take_length(struct conn *c, struct ack *a)
{
	if (a->header < HEADER) {
		enum step step = take_header(c, a);

		if (step != STEP_ON || a->header < HEADER)
			return step;
	}
	return take_body(c, a);
}

static enum verdict answer_input(struct conn *c)
{
	static enum step (*const take[])(struct conn *, struct ack *) = {
		[FRAMING_RAW] = take_raw,
		[FRAMING_LINE] = take_line,
		[FRAMING_LENGTH] = take_length,
	};
	struct ack *a = conn_state(c);
	bool answer_waits = a->header == HEADER && a->bytes == 0; /* it had no room in the buffer */

	while (buf_used(&c->in) > 0 || answer_waits) {
		switch (take[c->conf->framing](c, a)) {
		case STEP_ON:
			break;
		case STEP_NO_ROOM:
			return MORE;
		case STEP_TOO_LONG:
			return conn_finish(c, CLOSE_message_too_long);
		}
		answer_waits = false;
	}
	if (!conn_in_ended(c))
		return MORE;
	return conn_finish(c, a->begun ? CLOSE_message_incomplete : CLOSE_client_closed);
}

static bool is_idle(const struct conn *c)
{
	const struct ack *a = conn_state_const(c);

	return !a->begun && buf_used(&c->in) == 0 && buf_used(&c->out) == 0;
}

static bool is_sound(const struct conn *c)
{
	const struct ack *a = conn_state_const(c);

	return a->header <= HEADER && a->most <= MESSAGE_MOST && a->bytes <= MESSAGE_MOST &&
	       (a->header < HEADER || a->bytes <= a->most) && *(const uint8_t *)&a->after_cr <= 1 &&
	       *(const uint8_t *)&a->begun <= 1;
}

const struct service service_ack = {
	.name = "ack",
	.state_version = 1,
	.state_size = sizeof(struct ack),
	.input = answer_input,
	.idle = is_idle,
	.is_sound = is_sound,
};
