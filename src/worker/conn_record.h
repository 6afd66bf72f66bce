/* SPDX-License-Identifier: MIT */
/*
 * A connection in hand, as its service sees it: its record with its buffers, its options and its
 * peer, and the calls by which a service reads and reports on it. It moves no bytes and makes no
 * transition: worker/conn.h does.
 */
#ifndef WORKER_CONN_RECORD_H
#define WORKER_CONN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/proxy_header.h"
#include "worker/record.h"
#include "worker/service.h"

struct pool;
struct transport;

/*
 * Bytes of a file that are in memory, to be sent behind c->out, and where the rest of them comes
 * from when the kernel does not take them all. Never longer than from the service to the send.
 */
struct lent {
	const char *bytes;
	size_t length; /* 0: there are none */
	uint64_t offset;
	int fd; /* the service's; -1: the rest fits c->out */
};

/*
 * Valid while the connection is in hand; the same struct then serves the next one. In a pair each
 * side is a struct conn of its own, and `peer` is the other side.
 */
struct conn {
	struct record *record; /* in the arena */
	struct conn *peer;     /* NULL: no pair */
	const struct listen_conf *conf;
	const struct service *service;
	const struct transport *transport;
	struct pool *pool;
	struct buf in, out; /* conn_store writes them to the record */
	struct lent lent;
	/* in the arena: of a client's side whose record->proxy is not PROXY_NONE */
	struct proxy_header *proxy;
	struct proxy_texts *proxy_texts;
};

/* The client's side of the connection. */
static inline struct conn *conn_client(struct conn *c)
{
	return c->record->side == SIDE_CLIENT ? c : c->peer;
}

static inline bool conn_is_client(const struct conn *c)
{
	return c->record->side == SIDE_CLIENT;
}

/* The service's own zeroed state, from either side. */
static inline void *conn_state(struct conn *c)
{
	return conn_client(c)->record->state_bytes;
}

static inline const void *conn_state_const(const struct conn *c)
{
	return c->record->side == SIDE_CLIENT ? c->record->state_bytes :
						c->peer->record->state_bytes;
}

/* True when the other end of this side has ended its stream: c->in gets no more bytes. */
static inline bool conn_in_ended(const struct conn *c)
{
	return c->record->in_ended;
}

/* True while output of this side, bytes or a file range, has not gone out. */
static inline bool conn_has_output(const struct conn *c)
{
	return buf_used(&c->out) > 0 || c->record->file_left > 0 || c->lent.length > 0;
}

/* The bytes that wait behind c->out: nothing may be written there meanwhile. */
static inline uint64_t conn_range_left(const struct conn *c)
{
	return c->record->file_left + c->lent.length;
}

/* The same, or while its end has not gone out. */
static inline bool conn_is_sending(const struct conn *c)
{
	return conn_has_output(c) || c->record->output == OUTPUT_ENDING;
}

/* A service counts a message that it has answered. */
static inline void conn_count_message(struct conn *c)
{
	conn_client(c)->record->messages++;
}

/* A service says when its worker reads from this side; FLOW_BOUNDED at first. */
static inline void conn_set_flow(struct conn *c, enum conn_flow flow)
{
	c->record->flow = (uint8_t)flow;
}

/* The sending direction of this side ends once its output has gone out. */
static inline void conn_end_output(struct conn *c)
{
	if (c->record->output == OUTPUT_OPEN)
		c->record->output = OUTPUT_ENDING;
}

/*
 * Sends `length` bytes of a regular file from `offset` on, after the bytes in c->out. The
 * connection owns fd from now on. No range may be waiting; c->out gets no more bytes before drained
 * is called.
 */
void conn_send_file(struct conn *c, int fd, uint64_t offset, uint64_t length);

/*
 * The same for bytes of the file that are in memory: the least that a send costs. Bytes and fd are
 * the service's, and must be valid until it is asked again. fd is -1 only when the bytes fit
 * c->out.
 */
void conn_send_memory(struct conn *c, const struct lent *lent);

/*
 * The connection owns fd, a regular file or a folder, beyond a range of it, beyond this worker's
 * life and wherever the connection moves: conn_send_held sends a range of the file as
 * conn_send_file does, conn_drop_file closes it while no range waits. Nothing else may be held or
 * wait.
 */
void conn_hold_file(struct conn *c, int fd);
void conn_send_held(struct conn *c, uint64_t offset, uint64_t length);
void conn_drop_file(struct conn *c);

/*
 * While the connection is open and untimed, no timeout of the options ends it, but only the
 * deadline that the service sets.
 */
static inline void conn_set_untimed(struct conn *c, bool is_untimed)
{
	conn_client(c)->record->is_untimed = is_untimed;
}

/* It ends with a reset: the client must not take what it has for the whole answer. */
static inline void conn_set_reset(struct conn *c)
{
	conn_client(c)->record->is_reset = true;
}

/*
 * The service's hook expired is called for this side in_ms milliseconds from now, unless the
 * deadline is set again before; 0: never.
 */
void conn_set_deadline(struct conn *c, int64_t in_ms);

/*
 * What the PROXY header of the connection said of its client, whose address is the record's
 * `remote` by then: above all the destination. NULL: it had no header, or one that says nothing
 * (LOCAL, UNKNOWN), or the header is not complete yet. Valid while the connection is in hand.
 */
const struct proxy_facts *conn_proxy_facts(const struct conn *c);

/* A text of the header, without a NUL, and its length; NULL: it has none. */
const char *conn_proxy_text(const struct conn *c, enum proxy_text which, size_t *length);

/* Writes the buffers' numbers and limits to the record, and likewise for the peer. */
void conn_store(struct conn *c);

/*
 * The service decides; without its hook, or when the connection is ending, true when all buffers of
 * the connection are empty, and in a pair not one end alone has ended its stream.
 */
bool conn_is_between_messages(const struct conn *c);

/* Notes the phase in the record, for that reason. */
void conn_set_phase(struct conn *c, enum close_reason reason);

/* Logs the event connection_ended, at now_us; error is the errno of a system_error. */
void conn_log_ended(const struct conn *c, int64_t now_us, int error);

/* Sets why the connection ends, unless a reason is set already. */
void conn_set_close_reason(struct conn *c, enum close_reason reason);

/* A service sets why it ends the connection, and returns the result as its verdict. */
static inline enum verdict conn_finish(struct conn *c, enum close_reason reason)
{
	conn_set_close_reason(c, reason);
	return FINISH;
}

/* A request that a service has answered; the texts are borrowed and need no NUL at the end. */
struct conn_request {
	struct access_text line; /* the request line; never NULL, but it may be empty */
	struct access_text method, path, user, referer, user_agent; /* NULL: none */
	unsigned status;
	uint64_t bytes_in, bytes_out;
	uint64_t body_bytes; /* of the answer, without its head */
	bool is_cut;         /* the connection ended before the answer had gone out */
};

/* True when requests are logged; otherwise the service need not gather them. */
bool conn_logs(void);

/*
 * A service logs a request before it drops its bytes: a line of the access log, which takes the
 * time since the request's first byte from the record. Does nothing without an access log.
 */
void conn_log_request(const struct conn *c, const struct conn_request *request);

/* True when it is between messages or lingers: ending it now costs no client an answer. */
bool conn_rests(const struct conn *c);

/*
 * Adds a line of the access log for a connection that has ended, at now_us; its record is still as
 * it was at the end. Only when accesslog_is_on.
 */
void conn_log_access(const struct conn *c, int64_t now_us);

/* A connection that no record was made for: the listener's options, and what it would have. */
struct conn_refused {
	const struct listen_conf *conf;
	enum close_reason ending;
	const struct addr *remote;
	uint64_t number;
	uint32_t generation;
	unsigned worker;
};

/* The same for a connection that was refused as it came. Only when accesslog_is_on. */
void conn_log_refused(const struct conn_refused *refused);

#endif
