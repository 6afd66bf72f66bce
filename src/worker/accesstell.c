/* SPDX-License-Identifier: MIT */
/*
 * Makes lines of the access log out of the records of living workers: a dead one's are
 * worker/record_check' business.
 */
#include "worker/accesstell.h"

#include "accesslog/accesslog.h"

const char *conn_state_letters(char *state, enum close_reason reason, char phase)
{
	state[0] = close_reason_who(reason);
	state[1] = phase;
	state[2] = '\0';
	return state;
}

/* The record's byte: a service may have written over it. */
static char phase_of(const struct conn *c)
{
	return c->phase == 'R' || c->phase == 'D' || c->phase == 'L' ? (char)c->phase : '-';
}

void conn_log_ended_access(const struct pool *pool, const struct conn *c)
{
	char state[3];
	struct access_entry entry = {
		.what = ACCESSTELL_CONNECTION,
		.connection = c->number,
		.listen = c->conf->address,
		.service = c->service->name,
		.remote = { &c->remote, c->remote_port },
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.messages = c->messages,
		.seconds = pool->loop->now_us - c->opened_us,
		.ending = close_reason_name(c->ending),
		.state = conn_state_letters(state, c->ending, phase_of(c)),
	};

	accesslog_add(&entry);
}

void conn_log_refused(const struct pool *pool, unsigned listener, const struct addr *remote)
{
	const struct listen_conf *conf = pool->listeners->list[listener].conf;
	struct net net;
	uint16_t port = net_from_addr(&net, remote);
	char state[3];
	struct access_entry entry = {
		.what = ACCESSTELL_CONNECTION,
		.connection = ++pool->arena->head->conn_number,
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
