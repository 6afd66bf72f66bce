/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes a connection's record: its state, why and in which phase it ends, and its lines
 * in the logs.
 */
#include "accesslog/accesslog.h"
#include "base/log.h"
#include "worker/conn_record.h"

const char *conn_remote(const struct conn *c, char *text)
{
	return net_write(&c->remote, c->remote_port, text);
}

bool conn_is_between_messages(const struct conn *c)
{
	if (c->service->idle)
		return c->service->idle(c);
	return buf_used(&c->in) == 0 && buf_used(&c->out) == 0;
}

bool conn_rests(const struct conn *c)
{
	return c->state == CONN_LINGERING || (c->state == CONN_OPEN && conn_is_between_messages(c));
}

char conn_phase_letter(const struct conn *c, enum close_reason reason, bool is_between_messages)
{
	if (c->state == CONN_LINGERING)
		return reason == CLOSE_client_closed ? '-' : 'L';
	if (reason == CLOSE_message_invalid || reason == CLOSE_message_too_long ||
	    reason == CLOSE_message_incomplete || reason == CLOSE_message_timeout)
		return 'R';
	if (buf_used(&c->out) > 0)
		return 'D';
	return c->state == CONN_FLUSHING || is_between_messages ? '-' : 'R';
}

void conn_set_phase(struct conn *c, enum close_reason reason)
{
	c->phase = (uint8_t)conn_phase_letter(c, reason, conn_is_between_messages(c));
}

void conn_set_close_reason(struct conn *c, enum close_reason reason)
{
	if (c->ending != CLOSE_none)
		return;
	conn_set_phase(c, reason);
	c->ending = (uint8_t)reason;
}

void conn_log_ended(const struct conn *c, int64_t now_us, int error)
{
	char remote[ADDR_TEXT];

	if (!log_wants(EVENT_connection_ended))
		return;
	LOG(EVENT_connection_ended, LOG_STR("remote", conn_remote(c, remote)),
	    LOG_STR("service", c->service->name), LOG_STR("ending", close_reason_name(c->ending)),
	    LOG_NUM("bytes_in", c->bytes_in), LOG_NUM("bytes_out", c->bytes_out),
	    LOG_NUM("messages", c->messages), LOG_NUM("ms", (now_us - c->opened_us) / 1000),
	    LOG_STR("error", c->ending == CLOSE_system_error ? strerrorname_np(error) : "none"));
}

const char *conn_state_letters(char *state, enum close_reason reason, char phase)
{
	state[0] = close_reason_who(reason);
	state[1] = phase;
	state[2] = '\0';
	return state;
}

/* The byte is checked: a service may have overwritten it. */
static char phase_of(const struct conn *c)
{
	return c->phase == 'R' || c->phase == 'D' || c->phase == 'L' ? (char)c->phase : '-';
}

void conn_log_access(const struct conn *c, int64_t now_us)
{
	char state[3];
	struct access_entry entry = {
		.what = CONN_LOG_WHAT,
		.connection = c->number,
		.listen = c->conf->address,
		.service = c->service->name,
		.remote = { &c->remote, c->remote_port },
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.messages = c->messages,
		.seconds = now_us - c->opened_us,
		.ending = close_reason_name(c->ending),
		.state = conn_state_letters(state, c->ending, phase_of(c)),
	};

	accesslog_add(&entry);
}

void conn_log_refused(const struct listen_conf *conf, const struct addr *remote, uint64_t number)
{
	struct net net;
	uint16_t port = net_from_addr(&net, remote);
	char state[3];
	struct access_entry entry = {
		.what = CONN_LOG_WHAT,
		.connection = number,
		.listen = conf->address,
		.service = conf->service,
		.remote = { &net, port },
		.ending = close_reason_name(CLOSE_refused),
		.state = conn_state_letters(state, CLOSE_refused, '-'),
	};

	accesslog_add(&entry);
}

bool conn_logs(void)
{
	return accesslog_is_on;
}

static struct access_text text_of(const char *text, size_t length)
{
	return (struct access_text){ length > 0 ? text : NULL, length };
}

void conn_log_request(const struct conn *c, const struct conn_request *request)
{
	char state[] = "--";
	struct access_entry entry = {
		.what = "request",
		.connection = c->number,
		.listen = c->conf->address,
		.service = c->service->name,
		.remote = { &c->remote, c->remote_port },
		.bytes_in = request->bytes_in,
		.bytes_out = request->bytes_out,
		.messages = 1,
		.ending = close_reason_name(CLOSE_none),
		.state = state,
		.method = text_of(request->method, request->method_length),
		.path = text_of(request->path, request->path_length),
		.status = request->status,
	};

	if (!accesslog_is_on)
		return;
	if (c->begun_us != 0)
		entry.seconds = accesslog_now_us() - c->begun_us;
	accesslog_add(&entry);
}
