/* SPDX-License-Identifier: MIT */
#include "cli/tls_peer.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "e2e/harness.h"
#include "unit/certified.h"
#include "unit/folder.h"

int tls_peer_make_files(void **state)
{
	static const struct certified all[] = {
		{ .file = "ca", .common = "ca", .is_ca = true },
		{ .file = "good",
		  .common = "good",
		  .san = "DNS:good.example,IP:127.0.0.1,IP:::1",
		  .signer = "ca" },
		{ .file = "other", .common = "o", .san = "DNS:other.example", .signer = "ca" },
		{ .file = "old",
		  .common = "old",
		  .san = "IP:127.0.0.1",
		  .begin_days = -9,
		  .end_days = -3,
		  .signer = "ca" },
		{ .file = "alone", .common = "alone", .san = "IP:127.0.0.1" },
	};

	if (folder_make(state) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		certified_write(*state, &all[i]);
	return 0;
}

SSL_CTX *tls_peer_context(const char *folder, const char *name, int version)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	char path[512];

	assert_non_null(context);
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
	assert_int_equal(SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM), 1);
	snprintf(path, sizeof(path), "%s/%s.key", folder, name);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM), 1);
	return context;
}

SSL *tls_peer_new(SSL_CTX *context, int fd)
{
	struct timeval most = { .tv_sec = WAIT_MS / 1000 };
	SSL *peer = SSL_new(context);

	assert_non_null(peer);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)), 0);
	assert_int_equal(SSL_set_fd(peer, fd), 1);
	SSL_set_accept_state(peer);
	return peer;
}

SSL *tls_peer_accept(SSL_CTX *context, int fd)
{
	SSL *peer = tls_peer_new(context, fd);

	if (SSL_do_handshake(peer) != 1)
		fail_msg("no handshake: %s", ERR_reason_error_string(ERR_get_error()));
	return peer;
}

void tls_peer_say(SSL *peer, const char *text)
{
	assert_int_equal(SSL_write(peer, text, (int)strlen(text)), strlen(text));
}

void tls_peer_hear(SSL *peer, const char *text)
{
	char got[4096];
	size_t n = strlen(text), have = 0, more;

	assert_true(n < sizeof(got));
	while (have < n && SSL_read_ex(peer, got + have, n - have, &more) == 1)
		have += more;
	assert_int_equal(have, n);
	assert_memory_equal(got, text, n);
}

void tls_peer_expect_end(SSL *peer)
{
	char byte;
	int got = SSL_read(peer, &byte, 1);

	assert_int_equal(SSL_get_error(peer, got), SSL_ERROR_ZERO_RETURN);
}

void tls_peer_end(SSL *peer, int notifies)
{
	int fd = SSL_get_fd(peer);

	if (notifies)
		SSL_shutdown(peer);
	SSL_free(peer);
	close(fd);
}
