/* SPDX-License-Identifier: MIT */
/*
 * Reads prefaces. Behind a PROXY header nothing is taken from the socket where another process will
 * have it.
 */
#include "worker/preface/preface.h"

#include "base/log.h"
#include "base/sys.h"
#include "net/admission.h"
#include "worker/conn.h"
#include "worker/conn_io.h"
#include "worker/preface/handshake.h"
#include "worker/hand.h"

bool preface_begin(struct conn *c)
{
	if (!c->conf->accept_proxy && !handshake_is_due(c) && !c->service->preface)
		return false;
	if (c->conf->accept_proxy) {
		*c->proxy = (struct proxy_header){ 0 };
		c->record->proxy = PROXY_AWAITED;
	}
	conn_move_to(c, CONN_PREFACE);
	return true;
}

static enum preface end_conn(struct conn *c, enum close_reason reason)
{
	conn_close(c, reason);
	return PREFACE_FAILED;
}

static enum preface refuse_header(struct conn *c, enum proxy_error error)
{
	char remote[ADDR_TEXT];

	LOG(EVENT_proxy_header_refused, LOG_STR("listen", c->conf->address),
	    LOG_STR("remote", record_remote(c->record, remote)),
	    LOG_STR("reason", proxy_error_name(error)),
	    LOG_STR("message", proxy_error_sentence(error)));
	c->proxy->error = (uint8_t)error;
	return end_conn(c, error == PROXY_ERROR_no_header ? CLOSE_proxy_header_missing :
							    CLOSE_proxy_header_invalid);
}

/* A peer that only connects, such as a health check, has done nothing wrong. */
static enum preface end_early(struct conn *c)
{
	if (c->proxy->stage == PROXY_STAGE_HEAD && buf_used(&c->in) == 0)
		return end_conn(c, CLOSE_client_closed);
	return refuse_header(c, PROXY_ERROR_incomplete);
}

static void log_client(const struct conn *c, const char *proxy, const struct proxy_facts *facts)
{
	char remote[ADDR_TEXT], destination[ADDR_TEXT];
	bool has_ends = facts->source.family != AF_UNSPEC;

	LOG(EVENT_proxy_header_accepted, LOG_STR("listen", c->conf->address),
	    LOG_STR("proxy", proxy), LOG_STR("remote", record_remote(c->record, remote)),
	    LOG_STR("destination", has_ends ? net_write(&facts->destination,
							facts->destination_port, destination) :
					      "unknown"));
}

/* From now on the client's address is the header's; one that names none leaves the socket's own. */
static void take_client(struct conn *c, const struct proxy_facts *facts)
{
	struct record *r = c->record;
	char proxy[ADDR_TEXT];

	(void)record_remote(r, proxy);
	r->proxy = proxy_facts_are_any(facts) ? PROXY_KNOWN : PROXY_NONE;
	r->begun_us = 0;
	if (facts->source.family != AF_UNSPEC) {
		r->remote = facts->source;
		r->remote_port = facts->source_port;
		hand_note_client(c->pool, r);
	}
	if (log_wants(EVENT_proxy_header_accepted))
		log_client(c, proxy, facts);
	if (buf_used(&c->in) > 0)
		conn_io_count_input(c, buf_used(&c->in));
}

static enum preface read_header(struct conn *c)
{
	size_t used;
	enum proxy_progress progress = proxy_header_read(c->proxy, c->proxy_texts, buf_head(&c->in),
							 buf_used(&c->in), &used);

	if (progress == PROXY_INVALID)
		return refuse_header(c, (enum proxy_error)c->proxy->error);
	buf_drop(&c->in, used);
	if (progress == PROXY_INCOMPLETE)
		return conn_in_ended(c) ? end_early(c) : PREFACE_WAITS;
	take_client(c, &c->proxy->facts);
	return PREFACE_OVER;
}

/* The preface of the service. */
static enum preface read_own(struct conn *c)
{
	enum verdict verdict = hand_ask_preface(c);

	if (verdict == FINISH)
		return PREFACE_OVER;
	if (verdict == ABORT || buf_room(&c->in) == 0)
		return end_conn(c, CLOSE_message_invalid);
	return conn_in_ended(c) ? end_conn(c, CLOSE_message_incomplete) : PREFACE_WAITS;
}

static enum preface admit_client(struct conn *c)
{
	struct pool *pool = c->pool;
	struct addr remote = net_to_addr(&c->record->remote, c->record->remote_port);
	const char *reason = admission_refusal(c->conf, pool->bans, &remote, pool->loop->now_ms);

	if (!reason)
		return PREFACE_OVER;
	LOG(EVENT_connection_refused, LOG_STR("listen", c->conf->address),
	    LOG_STR("reason", reason));
	cell_add(&pool_tally(pool, c->record)->connections_refused_total, 1);
	return end_conn(c, CLOSE_refused);
}

/*
 * What follows the header is left in the socket where another process will have it, with all that
 * the client sends (worker/give.h), and where a TLS session reads it.
 */
static enum conn_io receive_input(struct conn *c)
{
	if (c->record->proxy != PROXY_AWAITED ||
	    (!c->service->gives_sockets && !handshake_is_due(c)))
		return conn_io_receive(c);
	return conn_io_receive_most(c, proxy_header_missing(c->proxy, buf_head(&c->in),
							    buf_used(&c->in)));
}

/* Receives for the PROXY header, or for the preface of the service behind it. */
static enum preface read_input(struct conn *c)
{
	enum conn_io io = receive_input(c);
	bool was_awaited = c->record->proxy == PROXY_AWAITED;
	enum preface state = PREFACE_OVER;

	if (io != IO_SOME)
		return io == IO_FAILED ? end_conn(c, close_reason_of(errno)) : PREFACE_WAITS;
	if (was_awaited)
		state = read_header(c);
	if (state != PREFACE_OVER || handshake_is_due(c) || !c->service->preface)
		return state;
	return was_awaited && buf_used(&c->in) == 0 ? PREFACE_WAITS : read_own(c);
}

/* The first bytes may be there already, in the socket or in what the session has read ahead. */
static enum preface read_session(struct conn *c)
{
	enum preface state = handshake_go_on(c);

	return state == PREFACE_OVER && c->service->preface ? read_input(c) : state;
}

enum preface preface_read(struct conn *c)
{
	enum preface state = PREFACE_OVER;

	if (c->record->proxy == PROXY_AWAITED || !handshake_is_due(c))
		state = read_input(c);
	if (state == PREFACE_OVER && handshake_is_due(c))
		state = read_session(c);
	return state == PREFACE_OVER ? admit_client(c) : state;
}
