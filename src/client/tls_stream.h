/* SPDX-License-Identifier: MIT */
/*
 * TLS on a connected socket, for the client and its bench. No call waits. The socket stays the
 * caller's.
 */
#ifndef CLIENT_TLS_STREAM_H
#define CLIENT_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/tls_flags.h"

struct tls_context;

/* How receiving has ended. */
enum tls_end {
	TLS_END_NONE,
	TLS_END_NOTIFIED, /* the peer has sent close_notify */
	TLS_END_CUT,      /* the connection ended without one: bytes may be missing */
	TLS_END_FAILED,   /* error and reason say why */
};

/*
 * Zeroed, it is closed. Of a closed one the session may be kept, which the next one that is opened
 * in its place resumes.
 */
struct tls_stream {
	struct ssl_st *ssl; /* NULL: closed */
	struct tls_context *context;
	int fd;
	short receive_wait, send_wait; /* POLLIN or POLLOUT: what the call that waits needs */
	enum tls_end end;
	bool reads_once, is_dry;        /* a receive is one recv(2) at most */
	bool has_ended;                 /* recv(2) has returned 0 */
	bool is_notified;               /* close_notify was sent */
	int io_error, error;            /* errno of the last call, and of the end */
	int reason;                     /* OpenSSL's, with EPROTO */
	int verify_error;               /* X509_V_OK, or what is wrong with the certificate */
	struct x509_st *certificate;    /* the server's, as far as it was rejected */
	struct ssl_session_st *session; /* the last one that may be resumed; NULL: none */
	uint64_t tickets;               /* sessions that the server has offered for resumption */
	unsigned long ticket_s;         /* how long the last one of these may be used */
};

/* Prepares a handshake on the socket. Returns false with errno (ENOMEM). */
bool tls_stream_open(struct tls_stream *stream, struct tls_context *context, int fd);

enum tls_handshake { TLS_HANDSHAKE_DONE, TLS_HANDSHAKE_WAITS, TLS_HANDSHAKE_FAILED };

/*
 * Goes on with the handshake. When it waits, it needs receive_wait; when it fails, the stream has
 * ended.
 */
enum tls_handshake tls_stream_handshake(struct tls_stream *stream);

/*
 * As recv(2) and send(2) of a non-blocking socket. EAGAIN: the call needs receive_wait, or
 * send_wait, and is to be repeated with the same bytes. A receive of 0 is the end, proper or cut;
 * EPROTO is an error of TLS.
 */
ssize_t tls_stream_receive(struct tls_stream *stream, char *to, size_t size);
ssize_t tls_stream_send(struct tls_stream *stream, const char *bytes, size_t size);

/* True when a receive would return an end that came with the bytes before it: no event tells. */
static inline bool tls_stream_is_ready(const struct tls_stream *stream)
{
	return stream->end != TLS_END_NONE;
}

/* True when the handshake went on with an earlier session. */
bool tls_stream_is_resumed(const struct tls_stream *stream);

/* Sends close_notify once. Returns false while it waits for room (POLLOUT). */
bool tls_stream_notify(struct tls_stream *stream);

/* Frees all but the session, which tls_stream_forget frees. */
void tls_stream_close(struct tls_stream *stream);
void tls_stream_forget(struct tls_stream *stream);

enum { TLS_REASON_TEXT = 768 };

/* What a handshake has agreed on, in words. */
struct tls_facts {
	const char *protocol, *cipher, *group; /* group "": none was needed */
	bool is_resumed;
	const char *verify_error; /* NULL: the certificate is verified */
	char names[TLS_TEXT];     /* of the certificate */
	char issuer[TLS_TEXT], until[32];
	char host[TLS_TEXT]; /* the name that was asked for; "": none */
	char alpn[TLS_TEXT]; /* "": the server has chosen none */
};
void tls_stream_read_facts(const struct tls_stream *stream, struct tls_facts *facts);

/* Writes why a stream has ended, in words, to a text of TLS_REASON_TEXT bytes. Returns it. */
const char *tls_stream_describe_end(const struct tls_stream *stream, char *text);

#endif
