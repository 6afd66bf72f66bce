/* SPDX-License-Identifier: MIT */
/*
 * The record of one connection, in the arena: what is known of it, and what a service may ask and
 * say of it. It moves no bytes and makes no transition: worker/conn.h does.
 */
#ifndef WORKER_CONN_RECORD_H
#define WORKER_CONN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/timer.h"
#include "stats/scoreboard.h"
#include "worker/service.h"

enum { CONN_MAGIC = 0x636f6e6e };

/* In the arena: every worker of the slot has it at the same address. */
struct conn {
	uint32_t magic;  /* CONN_MAGIC while the record is in use */
	uint32_t index;  /* of this record */
	uint32_t serial; /* tells this connection from earlier ones of the same record */
	int fd;
	uint8_t state;      /* enum conn_state */
	uint8_t ending;     /* enum close_reason: the first reason that came up */
	bool in_ended;      /* the client has ended its side */
	uint8_t phase;      /* conn_phase_letter of then; if nobody is to blame, of the close */
	uint32_t listener;  /* index into the heritage's listeners */
	uint16_t watched;   /* what epoll was asked for; 0: not in epoll */
	bool is_unfinished; /* its share was spent: the service is to be asked for more */
	uint8_t weight;     /* enum conn_weight */
	struct buf in, out;
	uint64_t bytes_in, bytes_out, messages;
	uint64_t number;   /* tells it from all others of its number of worker and generation */
	int64_t opened_us; /* clock_us() */
	int64_t active_ms; /* last time that bytes moved, or the lingering began */
	int64_t begun_us;  /* when the message in progress began; 0: between messages */
	struct timer_node timer;
	const struct listen_conf *conf;
	const struct service *service;
	struct net remote; /* the client's address, all bits; unix has none */
	uint16_t remote_port;
	_Alignas(8) char state_bytes[]; /* the service's, and behind it CONN_MAGIC once more */
};

/* Bytes of a record whose service keeps so much state. */
static inline size_t conn_record_size(size_t state_size)
{
	return (sizeof(struct conn) + state_size + sizeof(uint64_t) + 7) / 8 * 8;
}

/*
 * The word at the end of a record of `stride` bytes: whoever wrote beyond a state has changed it.
 */
static inline uint32_t *conn_guard(struct conn *c, size_t stride)
{
	return (uint32_t *)((char *)c + stride - sizeof(uint64_t));
}

/* The service's own zeroed state. */
static inline void *conn_state(struct conn *c)
{
	return c->state_bytes;
}

static inline const void *conn_state_const(const struct conn *c)
{
	return c->state_bytes;
}

/* A service says: a message has been answered. */
static inline void conn_count_message(struct conn *c)
{
	c->messages++;
}

/*
 * What the connection is doing, for an ending that comes now: R a message is coming in, D an answer
 * is going out, L the last one has gone out and the client has not ended its side in order, - none
 * of these. Follows no pointer of the record.
 */
char conn_phase_letter(const struct conn *c, enum close_reason reason, bool is_between_messages);

/* Its service says so, or nothing of it is in the buffers. */
bool conn_is_between_messages(const struct conn *c);

/* Notes in the record what it is doing, for that ending. */
void conn_set_phase(struct conn *c, enum close_reason reason);

/* Logs the event that it has ended, at now_us; error is the errno of a system_error. */
void conn_log_ended(const struct conn *c, int64_t now_us, int error);

/* The first reason to end it counts. */
void conn_set_close_reason(struct conn *c, enum close_reason reason);

/* A service says why it ends the connection, and returns the result as its verdict. */
static inline enum verdict conn_finish(struct conn *c, enum close_reason reason)
{
	conn_set_close_reason(c, reason);
	return FINISH;
}

/* A request that a service has answered; texts are borrowed and need not end with a NUL. */
struct conn_request {
	const char *method, *path; /* of length 0: there is none */
	size_t method_length, path_length;
	unsigned status;
	uint64_t bytes_in, bytes_out;
};

/* True when requests are to be told, so that nothing is gathered in vain. */
bool conn_logs(void);

/*
 * A service tells of a request, before it is done with its bytes: a line of the access log, which
 * has the time since the request's first byte by itself. Nothing when there is no access log.
 */
void conn_log_request(const struct conn *c, const struct conn_request *request);

/* The client's address with its port, in ADDR_TEXT bytes; returns text. */
const char *conn_remote(const struct conn *c, char *text);

/* True when it is between messages, or lingers: ending it now costs nobody an answer. */
bool conn_rests(const struct conn *c);

/* The access log's fields what and state of a connection; state: 3 bytes, which it returns. */
#define CONN_LOG_WHAT "connection"
const char *conn_state_letters(char *state, enum close_reason reason, char phase);

/*
 * Adds a line of the access log for a connection that has ended, at now_us; its record is as it was
 * at the end. Only when accesslog_is_on.
 */
void conn_log_access(const struct conn *c, int64_t now_us);

/*
 * The same for one that was let in no further than to its address, from the listener of conf, by
 * the number that it would have had. Only when accesslog_is_on.
 */
void conn_log_refused(const struct listen_conf *conf, const struct addr *remote, uint64_t number);

#endif
