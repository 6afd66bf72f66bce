/* SPDX-License-Identifier: MIT */
/*
 * The TLS sessions of a slot: each is an SSL of OpenSSL that lies in its region of the arena, and
 * so outlives the worker that began it. The next worker goes on with it: its pointers are still
 * good, because the arena is mapped at the same address, and so is everything shared that was made
 * before the worker was cloned. It never gives it to SSL_free(3), since the counts of references in
 * shared objects have died with the worker. One thread, one session at a time. Worker only, but for
 * session_prepare.
 */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tls/region.h"

struct ssl_ctx_st; /* SSL_CTX */

struct sessions {
	struct blocks blocks;
	struct region *regions; /* in the arena, by the number of the record */
	uint32_t maker;         /* this worker, among those of its slot */
};

/* How a call on a session has ended. */
enum session_end {
	SESSION_MOVED,         /* bytes have moved, or the handshake is over */
	SESSION_WAITS,         /* until the socket can be read */
	SESSION_WAITS_TO_SEND, /* until it can be written, whatever the call was */
	SESSION_ENDED,         /* the other end has said so (close_notify) */
	SESSION_CUT,           /* the other end's stream has ended without that */
	SESSION_LOST,          /* the socket failed, with errno */
	SESSION_FAILED         /* by the protocol: session_reason; the alert has gone out */
};

/* Once, after the library has started, before a worker is cloned. False: no memory. */
bool session_prepare(void);

/* Begins a session of the server's side on the socket. False: no memory is left for it. */
bool session_open(struct sessions *sessions, uint32_t number, struct ssl_ctx_st *context, int fd);

/* True for a record that has a session. */
static inline bool session_is_there(const struct sessions *sessions, uint32_t number)
{
	return sessions->regions && sessions->regions[number].session;
}

/* The other calls are for a session that is there. Each makes as few calls on the socket as the
 * protocol needs, and never blocks. */
enum session_end session_handshake(struct sessions *sessions, uint32_t number);

/* *moved: the bytes that are in `to` then, or that were taken. */
enum session_end session_receive(struct sessions *sessions, uint32_t number, char *to, size_t size,
				 size_t *moved);

/*
 * One that waits must be called again with the same bytes, wherever they are, and not with fewer.
 */
enum session_end session_send(struct sessions *sessions, uint32_t number, const char *bytes,
			      size_t size, size_t *moved);

/* Says to the other end that no more will come (close_notify). */
enum session_end session_finish(struct sessions *sessions, uint32_t number);

/* True when bytes have come that the socket does not show any more. */
bool session_has_input(struct sessions *sessions, uint32_t number);

/* Gives back its memory, wiped. Says nothing to the other end. */
void session_close(struct sessions *sessions, uint32_t number);

/* What the handshake has agreed on; the texts are the library's, or the session's. */
struct session_facts {
	const char *protocol, *cipher;
	const char *server_name; /* NULL: the client gave none */
	bool is_resumed;
};
void session_facts(struct sessions *sessions, uint32_t number, struct session_facts *facts);

/* Why the last call failed: a code of ERR_GET_REASON, and in words. */
int session_reason(void);
const char *session_reason_text(void);

#endif
