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

/* The memory of a slot's sessions, in its arena; `map` has a byte for each unit. */
struct session_memory {
	struct region *regions;
	char *base;
	uint8_t *map;
	uint32_t units;
};

/*
 * A worker begins: it makes no session yet, and has none. maker: different from that of every
 * worker of the slot before. Returns false with errno set. Allocates; session_stop frees.
 */
bool session_start(struct sessions *sessions, const struct session_memory *memory, uint32_t maker);
void session_stop(struct sessions *sessions);

/*
 * After the death of a worker, between session_start and the first session: session_begin_claims,
 * then session_claim for each record that goes on with a session, which returns false if that one
 * is damaged, and session_disown for each record that has none; then session_settle wipes and frees
 * all memory that no session has.
 */
void session_begin_claims(struct sessions *sessions);
bool session_claim(struct sessions *sessions, uint32_t number);
void session_disown(struct sessions *sessions, uint32_t number);
void session_settle(struct sessions *sessions);

/* Allocations of the library outside of sessions since session_start. */
uint64_t session_strays(void);

/* Bytes of memory that the sessions have now. */
size_t session_memory_used(const struct sessions *sessions);

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
 * One that waits must be called again with the same bytes, wherever they are, and not with fewer
 * than session_owed says.
 */
size_t session_owed(const struct sessions *sessions, uint32_t number);
enum session_end session_send(struct sessions *sessions, uint32_t number, const char *bytes,
			      size_t size, size_t *moved);

/* Says to the other end that no more will come (close_notify). */
enum session_end session_finish(struct sessions *sessions, uint32_t number);

/* True when bytes have come that the socket does not show any more. */
bool session_has_input(const struct sessions *sessions, uint32_t number);

/* Gives back its memory, wiped. Says nothing to the other end. */
void session_close(struct sessions *sessions, uint32_t number);

/* What the handshake has agreed on; the texts are the library's, or the session's. */
struct session_facts {
	const char *protocol, *cipher;
	const char *server_name; /* NULL: the client gave none */
	bool is_resumed;
};
void session_facts(struct sessions *sessions, uint32_t number, struct session_facts *facts);

/* Why the last call failed, in words; true when the peer speaks HTTP without TLS. */
const char *session_reason_text(void);
bool session_is_plain_http(void);

#endif
