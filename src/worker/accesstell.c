/* SPDX-License-Identifier: MIT */
/*
 * Makes entries of the access log out of records, sound ones and remains. It trusts a dead worker's
 * record no further than it must, and follows no pointer in it. Called by conns.c, acceptor.c,
 * recovery.c, the master's accessrest, and by services through worker/conn.h.
 */
#include "worker/accesstell.h"

#include "base/clock.h"
#include "worker/accesslog.h"
#include "worker/remains.h"

static const char CONNECTION[] = "connection", REQUEST[] = "request";

static const char *write_state(char *state, enum ending ending, char phase)
{
	state[0] = ending_who(ending);
	state[1] = phase;
	state[2] = '\0';
	return state;
}

/* The record's byte: a service may have written over it. */
static char phase_of(const struct conn *c)
{
	return c->phase == 'R' || c->phase == 'D' || c->phase == 'L' ? (char)c->phase : '-';
}

void accesstell_ended(const struct conns *all, const struct conn *c)
{
	char state[3];
	struct access_entry entry = {
		.what = CONNECTION,
		.connection = c->number,
		.listen = c->conf->address,
		.service = c->service->name,
		.remote = { &c->remote, c->remote_port },
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.messages = c->messages,
		.seconds = all->loop->now_us - c->opened_us,
		.ending = ending_name(c->ending),
		.state = write_state(state, c->ending, phase_of(c)),
	};

	accesslog_add(&entry);
}

void accesstell_refused(const struct conns *all, unsigned listener, const struct addr *remote)
{
	const struct listen_conf *conf = all->listeners->list[listener].conf;
	struct net net;
	uint16_t port = conns_remember(&net, remote);
	char state[3];
	struct access_entry entry = {
		.what = CONNECTION,
		.connection = ++all->arena->head->conn_number,
		.listen = conf->address,
		.service = conf->service,
		.remote = { &net, port },
		.ending = ending_name(ENDING_refused),
		.state = write_state(state, ENDING_refused, '-'),
	};

	accesslog_add(&entry);
}

void accesstell_remains(struct access_entry *entry, const struct arena *arena,
			const struct conf *conf, struct conn *c, enum ending ending, int64_t now_us,
			char *state)
{
	static const char unknown[] = "unknown";
	bool is_whole = remains_is_whole(arena, c);
	const struct listen_conf *listen = is_whole ? remains_conf(conf, c) : NULL;

	*entry = (struct access_entry){
		.what = CONNECTION,
		.listen = listen ? listen->address : unknown,
		.service = listen ? listen->service : unknown,
		.ending = ending_name(ending),
		.state = write_state(state, ending, is_whole ? conn_phase(c, ending) : '-'),
	};
	if (!is_whole)
		return;
	entry->connection = c->number;
	entry->bytes_in = c->bytes_in;
	entry->bytes_out = c->bytes_out;
	entry->messages = c->messages;
	if (c->opened_us > 0 && c->opened_us <= now_us)
		entry->seconds = now_us - c->opened_us;
	if (remains_has_remote(&c->remote))
		entry->remote = (struct access_remote){ &c->remote, c->remote_port };
}

void accesstell_lost(const struct arena *arena, const struct conf *conf, struct conn *c,
		     enum ending ending)
{
	struct access_entry entry;
	char state[3];

	accesstell_remains(&entry, arena, conf, c, ending, clock_us(), state);
	accesslog_add(&entry);
}

bool conn_logs(void)
{
	return accesslog_is_on;
}

void conn_log_request(const struct conn *c, const struct conn_request *request)
{
	char state[] = "--";
	struct access_entry entry = {
		.what = REQUEST,
		.connection = c->number,
		.listen = c->conf->address,
		.service = c->service->name,
		.remote = { &c->remote, c->remote_port },
		.bytes_in = request->bytes_in,
		.bytes_out = request->bytes_out,
		.messages = 1,
		.ending = ending_name(ENDING_none),
		.state = state,
		.method = { request->method, request->method_length },
		.path = { request->path, request->path_length },
		.status = request->status,
	};

	if (!accesslog_is_on)
		return;
	if (c->begun_us > 0)
		entry.seconds = accesslog_now_us() - c->begun_us;
	accesslog_add(&entry);
}
