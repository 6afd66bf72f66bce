/* SPDX-License-Identifier: MIT */
/*
 * The record of one connection, in the arena, and the calls by which a service reads and reports on
 * its connection. It moves no bytes and makes no transition: worker/conn.h does.
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

/* In the arena, at the same address in every worker of the slot. */
struct conn {
	uint32_t magic;  /* CONN_MAGIC while the record is in use */
	uint32_t index;  /* index of this record */
	uint32_t serial; /* distinguishes connections that use the same record in turn */
	int fd;
	uint8_t state;  /* enum conn_state */
	uint8_t ending; /* enum close_reason: the first reason counts */
	bool in_ended;  /* the client has ended its side */
	uint8_t phase;  /* conn_phase_letter at that reason; at the close if no side is at fault */
	uint32_t listener;  /* index into the heritage's listeners */
	uint16_t watched;   /* events set in epoll; 0: not in epoll */
	bool is_unfinished; /* its share was spent: the service may have more output */
	uint8_t weight;     /* enum conn_weight */
	struct buf in, out;
	uint64_t bytes_in, bytes_out, messages;
	uint64_t number;   /* unique in this worker's number and generation */
	int64_t opened_us; /* clock_us() */
	int64_t active_ms; /* when bytes last moved, or the lingering began */
	int64_t begun_us;  /* when the message in progress began; 0: between messages */
	struct timer_node timer;
	const struct listen_conf *conf;
	const struct service *service;
	struct net remote; /* the client's address, all bits; empty for unix */
	uint16_t remote_port;
	_Alignas(8) char state_bytes[]; /* the service's, followed by CONN_MAGIC once more */
};

/* Bytes of a record whose service keeps state_size bytes of state. */
static inline size_t conn_record_size(size_t state_size)
{
	return (sizeof(struct conn) + state_size + sizeof(uint64_t) + 7) / 8 * 8;
}

/* The word at the end of a record of `stride` bytes; a write beyond the state changes it. */
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

/* A service counts a message that it has answered. */
static inline void conn_count_message(struct conn *c)
{
	c->messages++;
}

/*
 * The phase of a connection that ends now: R a message is coming in, D an answer is going out, L
 * the last answer has gone out and the client has not ended its side properly, - none of these.
 * Follows no pointer of the record.
 */
char conn_phase_letter(const struct conn *c, enum close_reason reason, bool is_between_messages);

/* The service decides; without its hook, true when both buffers are empty. */
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
	const char *method, *path; /* length 0: none */
	size_t method_length, path_length;
	unsigned status;
	uint64_t bytes_in, bytes_out;
};

/* True when requests are logged; otherwise the service need not gather them. */
bool conn_logs(void);

/*
 * A service logs a request before it drops its bytes: a line of the access log, which takes the
 * time since the request's first byte from the record. Does nothing without an access log.
 */
void conn_log_request(const struct conn *c, const struct conn_request *request);

/* Writes the client's address with its port to text, of ADDR_TEXT bytes; returns text. */
const char *conn_remote(const struct conn *c, char *text);

/* True when it is between messages or lingers: ending it now costs no client an answer. */
bool conn_rests(const struct conn *c);

/*
 * The access log's fields "what" and "state" of a connection; writes 3 bytes to state and returns
 * it.
 */
#define CONN_LOG_WHAT "connection"
const char *conn_state_letters(char *state, enum close_reason reason, char phase);

/*
 * Adds a line of the access log for a connection that has ended, at now_us; its record is still as
 * it was at the end. Only when accesslog_is_on.
 */
void conn_log_access(const struct conn *c, int64_t now_us);

/*
 * The same for a connection that was refused by its address, from the listener of conf, with the
 * number that it would have had. Only when accesslog_is_on.
 */
void conn_log_refused(const struct listen_conf *conf, const struct addr *remote, uint64_t number);

#endif
