/* SPDX-License-Identifier: MIT */
/* Handshakes of the server's side. A client that fails gets the protocol's alert from OpenSSL. */
#include "worker/preface/handshake.h"

#include "base/log.h"
#include "base/sys.h"
#include "tls/context.h"
#include "worker/conn.h"
#include "worker/hand.h"
#include "worker/transport.h"

/* What a client of plain HTTP understands: the alert of the protocol would be rubbish to it. */
static const char plain_answer[] =
	"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 53\r\n"
	"Connection: close\r\n\r\n400 Bad Request: this port speaks TLS (use https://)\n";

static enum preface fail(struct conn *c, enum close_reason ending, const char *reason)
{
	char remote[ADDR_TEXT];

	LOG(EVENT_handshake_failed, LOG_STR("listen", c->conf->address),
	    LOG_STR("remote", record_remote(c->record, remote)), LOG_STR("reason", reason));
	cell_add(&pool_tally(c->pool, c->record)->handshakes_failed_total, 1);
	conn_close(c, ending);
	return PREFACE_FAILED;
}

static enum preface fail_by_protocol(struct conn *c)
{
	if (session_is_plain_http())
		(void)sys_send(c->record->fd, plain_answer, sizeof(plain_answer) - 1,
			       MSG_DONTWAIT | MSG_NOSIGNAL);
	return fail(c, CLOSE_handshake_failed, session_reason_text());
}

static void note_done(struct conn *c)
{
	struct listener_tally *tally = pool_tally(c->pool, c->record);
	struct session_facts facts;

	c->record->tls = TLS_OPEN;
	session_facts(&c->pool->sessions, c->record->index, &facts);
	cell_add(&tally->handshakes_total, 1);
	if (facts.is_resumed)
		cell_add(&tally->handshakes_resumed_total, 1);
	if (log_wants(EVENT_handshake_done)) {
		char remote[ADDR_TEXT];

		LOG(EVENT_handshake_done, LOG_STR("listen", c->conf->address),
		    LOG_STR("remote", record_remote(c->record, remote)),
		    LOG_STR("protocol", facts.protocol), LOG_STR("cipher", facts.cipher),
		    LOG_STR("server_name", facts.server_name ? facts.server_name : ""),
		    LOG_NUM("resumed", facts.is_resumed));
	}
}

static bool begin(struct conn *c)
{
	struct record *r = c->record;

	if (!session_open(&c->pool->sessions, r->index,
			  tls_sites_context(c->pool->sites, r->listen), r->fd))
		return false;
	r->tls = TLS_HANDSHAKE;
	c->transport = &transport_tls;
	return true;
}

enum preface handshake_go_on(struct conn *c)
{
	enum session_end end;

	if (c->record->tls == TLS_NONE && !begin(c))
		return fail(c, CLOSE_system_error, "no memory for the session");
	end = session_handshake(&c->pool->sessions, c->record->index);
	c->record->active_ms = c->pool->loop->now_ms;
	c->record->waits_to_send = end == SESSION_WAITS_TO_SEND;
	switch (end) {
	case SESSION_MOVED:
		note_done(c);
		return PREFACE_OVER;
	case SESSION_WAITS:
	case SESSION_WAITS_TO_SEND:
		return PREFACE_WAITS;
	case SESSION_LOST:
		return fail(c, close_reason_of(errno), "the connection was lost");
	case SESSION_FAILED:
		return fail_by_protocol(c);
	default:
		return fail(c, CLOSE_client_closed, "the client ended it");
	}
}
