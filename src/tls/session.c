/* SPDX-License-Identifier: MIT */
/*
 * Each call enters the region, asks OpenSSL, and leaves the region with an empty error queue: the
 * queue is the thread's, and its texts would lie in the region (ERR_put_error(3)).
 */
#include "tls/session.h"

#include <errno.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "base/sys.h"
#include "tls/memory.h"

/* The methods of a BIO on a socket; the number of the descriptor is its data. */
static BIO_METHOD *method;

/* What the socket said in the last call, and OpenSSL. */
static struct {
	int error; /* errno */
	bool has_ended;
	int reason;
} last;

static int fd_of(BIO *bio)
{
	return (int)(intptr_t)BIO_get_data(bio);
}

static bool may_try_again(int error)
{
	return error == EAGAIN || error == EINTR;
}

static int note_call(BIO *bio, ssize_t moved, int flags)
{
	BIO_clear_retry_flags(bio);
	if (moved >= 0)
		return (int)moved;
	last.error = errno;
	if (may_try_again(errno))
		BIO_set_flags(bio, flags | BIO_FLAGS_SHOULD_RETRY);
	return -1;
}

static int read_socket(BIO *bio, char *to, int size)
{
	ssize_t got = sys_recv(fd_of(bio), to, (size_t)size, MSG_DONTWAIT);

	last.has_ended = got == 0;
	return note_call(bio, got, BIO_FLAGS_READ);
}

static int write_socket(BIO *bio, const char *bytes, int size)
{
	return note_call(bio,
			 sys_send(fd_of(bio), bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL),
			 BIO_FLAGS_WRITE);
}

static long control_socket(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return last.has_ended;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

bool session_prepare(void)
{
	if (method)
		return true;
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
	return method && BIO_meth_set_read(method, read_socket) == 1 &&
	       BIO_meth_set_write(method, write_socket) == 1 &&
	       BIO_meth_set_ctrl(method, control_socket) == 1;
}

bool session_start(struct sessions *s, const struct session_memory *memory, uint32_t maker)
{
	unsigned char byte;

	*s = (struct sessions){ .regions = memory->regions, .maker = maker };
	/* a new process seeds both generators anew (RAND_bytes(3)): that memory stays */
	if (RAND_bytes(&byte, 1) != 1 || RAND_priv_bytes(&byte, 1) != 1) {
		errno = EAGAIN;
		return false;
	}
	if (!blocks_start(&s->blocks, memory->base, memory->map, memory->units))
		return false;
	memory_serve(&s->blocks, s->regions);
	return true;
}

void session_stop(struct sessions *s)
{
	memory_serve(NULL, NULL);
	blocks_stop(&s->blocks);
}

void session_begin_claims(struct sessions *s)
{
	blocks_begin_claims(&s->blocks);
}

bool session_claim(struct sessions *s, uint32_t number)
{
	struct region *region = &s->regions[number];

	if (region->number == number && region->session && region_claim(&s->blocks, region) &&
	    region_of(&s->blocks, region->session) == number)
		return true;
	region->session = NULL;
	region->first = 0;
	return false;
}

/* Most records have never had a session: their pages stay untouched. */
void session_disown(struct sessions *s, uint32_t number)
{
	struct region *region = &s->regions[number];

	if (region->session || region->first != 0)
		*region = (struct region){ 0 };
}

void session_settle(struct sessions *s)
{
	blocks_settle(&s->blocks);
}

uint64_t session_strays(void)
{
	return memory_outside();
}

size_t session_memory_used(const struct sessions *s)
{
	return (size_t)s->blocks.used * BLOCK_UNIT;
}

static SSL *enter(struct sessions *s, uint32_t number)
{
	memory_enter(&s->regions[number]);
	last.error = 0;
	last.has_ended = false;
	return s->regions[number].session;
}

static void leave(void)
{
	ERR_clear_error();
	memory_leave();
}

/* The sockets of both directions are one BIO, which SSL_set_bio(3) takes over. */
static SSL *new_session(SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);
	BIO *bio = ssl ? BIO_new(method) : NULL;

	if (!bio) {
		SSL_free(ssl);
		return NULL;
	}
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_accept_state(ssl);
	/* it is told apart here: the library would end the other direction too, by an alert */
	SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	return ssl;
}

bool session_open(struct sessions *s, uint32_t number, SSL_CTX *context, int fd)
{
	struct region *region = &s->regions[number];
	SSL *ssl;

	BUG_ON(region->session || region->first != 0);
	*region = (struct region){ .number = number };
	memory_enter(region);
	ssl = new_session(context, fd);
	leave();
	if (!ssl) {
		region_drop(&s->blocks, region);
		return false;
	}
	region->maker = s->maker;
	region->session = ssl;
	return true;
}

/* Why the call with that result has moved nothing. */
static enum session_end end_of(const SSL *ssl, int result)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return SESSION_WAITS;
	case SSL_ERROR_WANT_WRITE:
		return SESSION_WAITS_TO_SEND;
	case SSL_ERROR_ZERO_RETURN:
		return last.has_ended ? SESSION_CUT : SESSION_ENDED;
	case SSL_ERROR_SYSCALL:
		if (last.has_ended)
			return SESSION_CUT;
		errno = last.error != 0 ? last.error : EPROTO;
		return SESSION_LOST;
	default:
		last.reason = ERR_GET_REASON(ERR_peek_error());
		return SESSION_FAILED;
	}
}

/* Leaves the region; errno is the socket's. */
static enum session_end end_call(const SSL *ssl, int result)
{
	enum session_end end = result > 0 ? SESSION_MOVED : end_of(ssl, result);
	int error = errno;

	leave();
	errno = error;
	return end;
}

/* After a call that waits, what was read ahead is a part of a record at most. */
static enum session_end note_ahead(struct region *region, enum session_end end)
{
	region->is_ahead = end == SESSION_MOVED;
	return end;
}

enum session_end session_handshake(struct sessions *s, uint32_t number)
{
	SSL *ssl = enter(s, number);

	return note_ahead(&s->regions[number], end_call(ssl, SSL_do_handshake(ssl)));
}

enum session_end session_receive(struct sessions *s, uint32_t number, char *to, size_t size,
				 size_t *moved)
{
	SSL *ssl = enter(s, number);

	*moved = 0;
	return note_ahead(&s->regions[number], end_call(ssl, SSL_read_ex(ssl, to, size, moved)));
}

/* Bytes of a record: OpenSSL has encrypted no more than that when a send waits. */
enum { RECORD_MOST = SSL3_RT_MAX_PLAIN_LENGTH };

static size_t least_of(size_t one, size_t other)
{
	return one < other ? one : other;
}

enum session_end session_send(struct sessions *s, uint32_t number, const char *bytes, size_t size,
			      size_t *moved)
{
	SSL *ssl = enter(s, number);
	enum session_end end;

	*moved = 0;
	end = end_call(ssl, SSL_write_ex(ssl, bytes, size, moved));
	s->regions[number].owed = end == SESSION_MOVED ? 0 : (uint32_t)least_of(size, RECORD_MOST);
	return end;
}

size_t session_owed(const struct sessions *s, uint32_t number)
{
	return s->regions[number].owed;
}

/* 0: the other end has not said so yet, for which nobody waits. */
enum session_end session_finish(struct sessions *s, uint32_t number)
{
	SSL *ssl = enter(s, number);
	int result = SSL_shutdown(ssl);

	return end_call(ssl, result == 0 ? 1 : result);
}

bool session_has_input(const struct sessions *s, uint32_t number)
{
	const struct region *region = &s->regions[number];

	return region->is_ahead && SSL_has_pending(region->session) == 1;
}

void session_close(struct sessions *s, uint32_t number)
{
	struct region *region = &s->regions[number];

	region->is_ending = true;
	if (region->maker == s->maker) {
		SSL *ssl = enter(s, number);

		SSL_free(ssl);
		leave();
		REGION_CHECK(region_count(&s->blocks, region) == 0); /* nothing outlives it */
	}
	region_drop(&s->blocks, region);
}

void session_facts(struct sessions *s, uint32_t number, struct session_facts *facts)
{
	SSL *ssl = enter(s, number);

	*facts = (struct session_facts){
		.protocol = SSL_get_version(ssl),
		.cipher = SSL_get_cipher_name(ssl),
		.server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
		.is_resumed = SSL_session_reused(ssl) == 1,
	};
	leave();
}

bool session_is_plain_http(void)
{
	return last.reason == SSL_R_HTTP_REQUEST || last.reason == SSL_R_HTTPS_PROXY_REQUEST;
}

const char *session_reason_text(void)
{
	const char *text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, last.reason));

	return text ? text : "unknown reason";
}
