/* SPDX-License-Identifier: MIT */
#include "secure.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"
#include "unit/certified.h"

char secure_folder[128];

void secure_make_folder(void)
{
	snprintf(secure_folder, sizeof(secure_folder), "%s", harness_folder());
}

const char *secure_section(const char *options)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "tls \"site\" { certificate = \"%s/site.pem\"\n key = \"%s/site.key\"\n%s}\n",
		 secure_folder, secure_folder, options);
	return text;
}

void secure_make_files(const char *common)
{
	certified_write(secure_folder, &(struct certified){ .file = "site", .common = common });
}

const char *secure_conf(const char *lines)
{
	static char text[5120];

	snprintf(text, sizeof(text), "%s%s", secure_section(""), lines);
	return text;
}

static void fail_by_library(const char *what, const SSL *ssl, int result)
{
	char why[256] = "";

	ERR_error_string_n(ERR_peek_error(), why, sizeof(why));
	fail_msg("%s: %d %s", what, SSL_get_error(ssl, result), why);
}

void secure_connect(struct secure *c, const char *address, const struct handshaken_wish *wish)
{
	const struct timeval most = { .tv_sec = WAIT_MS / 1000 };

	c->fd = client_connect(address);
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0);
	c->ssl = handshaken_client(wish);
	assert_non_null(c->ssl);
	assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
}

void secure_shake_hands(struct secure *c)
{
	int result = SSL_connect(c->ssl);

	if (result != 1)
		fail_by_library("handshake", c->ssl, result);
}

void secure_open(struct secure *c, const char *address, const struct handshaken_wish *wish)
{
	secure_connect(c, address, wish);
	secure_shake_hands(c);
}

void secure_say(struct secure *c, const char *text)
{
	int result = SSL_write(c->ssl, text, (int)strlen(text));

	if (result != (int)strlen(text))
		fail_by_library("send", c->ssl, result);
}

void secure_hear(struct secure *c, const char *text)
{
	size_t length = strlen(text);
	char got[1024];

	assert_true(length < sizeof(got));
	for (size_t at = 0; at < length;) {
		int result = SSL_read(c->ssl, got + at, (int)(length - at));

		if (result <= 0)
			fail_by_library("receive", c->ssl, result);
		at += (size_t)result;
	}
	assert_memory_equal(got, text, length);
}

void secure_expect_end(struct secure *c)
{
	char byte;
	int result = SSL_read(c->ssl, &byte, 1);

	if (result > 0 || SSL_get_error(c->ssl, result) != SSL_ERROR_ZERO_RETURN)
		fail_by_library("end", c->ssl, result);
}

const char *secure_common(struct secure *c)
{
	static char text[128];
	X509 *shown = SSL_get1_peer_certificate(c->ssl);

	assert_non_null(shown);
	text[0] = '\0';
	X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, text, sizeof(text));
	X509_free(shown);
	return text;
}

void secure_close(struct secure *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	*c = (struct secure){ .fd = -1 };
}

static const struct handshaken_wish wishes[] = { { .version = TLS1_2_VERSION },
						 { .version = TLS1_3_VERSION } };

const struct handshaken_wish *secure_wish(unsigned i)
{
	return &wishes[i % 2];
}

void secure_kill_workers(struct server *s, unsigned count)
{
	unsigned ready = server_count(s, "worker_ready", NULL);

	for (unsigned i = 0; i < count; i++) {
		pid_t victim = server_worker(s, i);

		WAIT_UNTIL(s, process_stop_waiting(victim));
		kill(victim, SIGKILL);
	}
	server_wait_count(s, ready + count, "worker_ready", NULL);
}

struct server *secure_start(unsigned workers, const char *lines)
{
	char conf[6144];

	secure_make_folder();
	secure_make_files("site");
	snprintf(conf, sizeof(conf), "workers = %u\n%s", workers, secure_conf(lines));
	return server_start(&(struct plan){ .conf = conf });
}

size_t secure_hello(struct secure *c, char *to, size_t size)
{
	BIO *out = BIO_new(BIO_s_mem()), *in = BIO_new(BIO_s_mem());
	int length;

	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(c->ssl, in, out);
	(void)SSL_connect(c->ssl);
	length = BIO_read(out, to, (int)size);
	assert_true(length > 100);
	return (size_t)length;
}

void secure_shake_hands_by_hand(struct secure *c)
{
	char bytes[16384];

	for (;;) {
		bool is_over = SSL_connect(c->ssl) == 1;
		int length = BIO_read(SSL_get_wbio(c->ssl), bytes, sizeof(bytes));

		if (length > 0)
			client_send(c->fd, bytes, (size_t)length);
		if (is_over)
			return;
		length = (int)recv(c->fd, bytes, sizeof(bytes), 0);
		assert_true(length > 0);
		BIO_write(SSL_get_rbio(c->ssl), bytes, length);
	}
}
