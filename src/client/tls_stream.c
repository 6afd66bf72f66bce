/* SPDX-License-Identifier: MIT */
/*
 * Moves bytes between the socket, OpenSSL and the caller. A receive makes one recv(2) and then
 * takes all that OpenSSL has of it, so that nothing is left behind for which no event would come;
 * an end that came with bytes is kept for the next receive. Must not wait.
 */
#include "client/tls_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>

#include "base/sys.h"
#include "client/tls_inside.h"

static int note_call(BIO *bio, struct tls_stream *stream, ssize_t moved, int flags)
{
	BIO_clear_retry_flags(bio);
	if (moved >= 0)
		return (int)moved;
	stream->io_error = errno;
	if (errno == EAGAIN || errno == EINTR)
		BIO_set_flags(bio, flags | BIO_FLAGS_SHOULD_RETRY);
	return -1;
}

static int read_socket(BIO *bio, char *to, int size)
{
	struct tls_stream *stream = BIO_get_data(bio);
	ssize_t got = -1;

	if (stream->is_dry)
		errno = EAGAIN;
	else
		got = sys_recv(stream->fd, to, (size_t)size, MSG_DONTWAIT);
	stream->is_dry = stream->reads_once;
	stream->has_ended = got == 0;
	return note_call(bio, stream, got, BIO_FLAGS_READ);
}

/*
 * Nothing follows close_notify (RFC 8446, 6.1): OpenSSL would still answer an update of keys, on a
 * socket that may be shut down by then.
 */
static int write_socket(BIO *bio, const char *bytes, int size)
{
	struct tls_stream *stream = BIO_get_data(bio);
	ssize_t put = size;

	if (!stream->is_notified)
		put = sys_send(stream->fd, bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return note_call(bio, stream, put, BIO_FLAGS_WRITE);
}

static long control_socket(BIO *bio, int command, long number, void *pointer)
{
	struct tls_stream *stream = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return stream->has_ended;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

BIO_METHOD *tls_stream_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");

	if (method == NULL)
		return NULL;
	BIO_meth_set_read(method, read_socket);
	BIO_meth_set_write(method, write_socket);
	BIO_meth_set_ctrl(method, control_socket);
	return method;
}

/* The first thing that is wrong counts: what follows it may be its consequence. */
int tls_stream_on_verify(int is_good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_stream *stream = SSL_get_app_data(ssl);
	X509 *certificate = X509_STORE_CTX_get0_cert(store);

	if (is_good)
		return 1;
	if (stream->verify_error == X509_V_OK) {
		stream->verify_error = X509_STORE_CTX_get_error(store);
		if (certificate != NULL && X509_up_ref(certificate) == 1)
			stream->certificate = certificate;
	}
	return stream->context->is_insecure;
}

/* Returns 1 when the session is kept. */
int tls_stream_on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_stream *stream = SSL_get_app_data(ssl);

	stream->tickets++;
	stream->ticket_s = SSL_SESSION_get_ticket_lifetime_hint(session);
	if (!stream->context->resumes)
		return 0;
	SSL_SESSION_free(stream->session);
	stream->session = session;
	return 1;
}

static bool attach_socket(struct tls_stream *stream)
{
	BIO *bio = BIO_new(stream->context->method);

	if (bio == NULL)
		return false;
	BIO_set_data(bio, stream);
	BIO_set_init(bio, 1);
	SSL_set_bio(stream->ssl, bio, bio);
	return true;
}

bool tls_stream_open(struct tls_stream *stream, struct tls_context *context, int fd)
{
	SSL_SESSION *session = stream->session;
	bool has_name = context->host[0] != '\0' && !context->is_address;
	bool is_good;

	*stream = (struct tls_stream){ .context = context,
				       .fd = fd,
				       .receive_wait = POLLIN,
				       .send_wait = POLLOUT,
				       .session = session,
				       .ssl = SSL_new(context->ctx) };
	is_good = stream->ssl != NULL && attach_socket(stream) &&
		  SSL_set_app_data(stream->ssl, stream) == 1 &&
		  (!has_name || SSL_set_tlsext_host_name(stream->ssl, context->host) == 1) &&
		  (session == NULL || SSL_set_session(stream->ssl, session) == 1);
	ERR_clear_error();
	if (is_good) {
		SSL_set_connect_state(stream->ssl);
		return true;
	}
	tls_stream_close(stream);
	errno = ENOMEM;
	return false;
}

static void end_stream(struct tls_stream *stream, enum tls_end end, int error)
{
	stream->end = end;
	stream->error = error;
}

/* An error of TLS; the first one of the queue is the cause. */
static void note_reason(struct tls_stream *stream)
{
	unsigned long first = ERR_peek_error();

	stream->reason = ERR_GET_REASON(first);
	if (ERR_GET_LIB(first) == ERR_LIB_SSL &&
	    stream->reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		end_stream(stream, TLS_END_CUT, 0);
	else
		end_stream(stream, TLS_END_FAILED, EPROTO);
}

/*
 * After a call that moved nothing: returns true when it waits, with *wait, and else sets the end.
 */
static bool note_result(struct tls_stream *stream, int result, short *wait)
{
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*wait = POLLIN;
		return true;
	case SSL_ERROR_WANT_WRITE:
		*wait = POLLOUT;
		return true;
	case SSL_ERROR_ZERO_RETURN:
		end_stream(stream, TLS_END_NOTIFIED, 0);
		return false;
	case SSL_ERROR_SYSCALL:
		end_stream(stream, TLS_END_FAILED,
			   stream->io_error != 0 ? stream->io_error : ECONNRESET);
		return false;
	default:
		note_reason(stream);
		return false;
	}
}

enum tls_handshake tls_stream_handshake(struct tls_stream *stream)
{
	int result;

	stream->io_error = 0;
	result = SSL_do_handshake(stream->ssl);
	if (result == 1) {
		stream->receive_wait = POLLIN;
		return TLS_HANDSHAKE_DONE;
	}
	if (note_result(stream, result, &stream->receive_wait)) {
		ERR_clear_error();
		return TLS_HANDSHAKE_WAITS;
	}
	ERR_clear_error();
	return TLS_HANDSHAKE_FAILED;
}

/* Takes all that OpenSSL has and one recv(2) brings. */
static size_t read_all(struct tls_stream *stream, char *to, size_t size)
{
	size_t used = 0, got;
	int result;

	stream->io_error = 0;
	stream->reads_once = true;
	do {
		result = SSL_read_ex(stream->ssl, to + used, size - used, &got);
		if (result == 1)
			used += got;
		else if (!note_result(stream, result, &stream->receive_wait))
			break;
	} while (result == 1 && used < size && SSL_has_pending(stream->ssl));
	stream->reads_once = stream->is_dry = false;
	ERR_clear_error();
	return used;
}

ssize_t tls_stream_receive(struct tls_stream *stream, char *to, size_t size)
{
	if (stream->end == TLS_END_NONE) {
		size_t used = read_all(stream, to, size);

		if (used > 0) {
			stream->receive_wait = POLLIN;
			return (ssize_t)used;
		}
	}
	if (stream->end == TLS_END_NOTIFIED || stream->end == TLS_END_CUT)
		return 0;
	errno = stream->end == TLS_END_FAILED ? stream->error : EAGAIN;
	return -1;
}

/* A socket that takes no more bytes may still have some to be received. */
ssize_t tls_stream_send(struct tls_stream *stream, const char *bytes, size_t size)
{
	enum tls_end end = stream->end;
	size_t put = 0;
	int result;

	if (end == TLS_END_CUT || end == TLS_END_FAILED) {
		errno = end == TLS_END_CUT ? EPIPE : stream->error;
		return -1;
	}
	stream->io_error = 0;
	result = SSL_write_ex(stream->ssl, bytes, size, &put);
	if (result == 1) {
		stream->send_wait = POLLOUT;
		return (ssize_t)put;
	}
	if (note_result(stream, result, &stream->send_wait)) {
		ERR_clear_error();
		errno = EAGAIN;
		return -1;
	}
	ERR_clear_error();
	errno = stream->end == TLS_END_FAILED ? stream->error : EPIPE;
	if (stream->end == TLS_END_FAILED && stream->error != EPROTO)
		stream->end = end;
	return -1;
}

bool tls_stream_is_resumed(const struct tls_stream *stream)
{
	return SSL_session_reused(stream->ssl) == 1;
}

bool tls_stream_notify(struct tls_stream *stream)
{
	short wait = 0;
	int result;

	if (stream->ssl == NULL || stream->end == TLS_END_CUT || stream->end == TLS_END_FAILED ||
	    SSL_in_init(stream->ssl) || stream->is_notified)
		return true;
	stream->io_error = 0;
	result = SSL_shutdown(stream->ssl);
	if (result < 0 && SSL_get_error(stream->ssl, result) == SSL_ERROR_WANT_WRITE)
		wait = POLLOUT;
	ERR_clear_error();
	stream->is_notified = wait == 0;
	return wait == 0;
}

/* A session whose connection has ended without close_notify could else not be resumed. */
void tls_stream_close(struct tls_stream *stream)
{
	if (stream->ssl != NULL && stream->verify_error == X509_V_OK)
		SSL_set_shutdown(stream->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(stream->ssl);
	X509_free(stream->certificate);
	stream->ssl = NULL;
	stream->certificate = NULL;
}

void tls_stream_forget(struct tls_stream *stream)
{
	SSL_SESSION_free(stream->session);
	stream->session = NULL;
}
