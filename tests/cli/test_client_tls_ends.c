/* SPDX-License-Identifier: MIT */
/*
 * prefork-client --tls: how sessions end, and bytes that come late, in parts, or not at all. An end
 * without close_notify may be anyone's, so it ends no answer.
 */
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/err.h"
#include "cli/client_peer.h"
#include "cli/tls_peer.h"
#include "e2e/client.h"
#include "e2e/harness.h"
#include "unit/folder.h"

enum { BIG = 8 << 20, TICKS_MOST = 20 };

#define CUT "the peer has closed its side without close_notify: bytes may be missing"

static char ca[512];

static int set_up(void **state)
{
	snprintf(ca, sizeof(ca), "%s/ca.pem", (const char *)*state);
	return client_peer_set_up(state);
}

static SSL *serve(void **state)
{
	SSL_CTX *context = tls_peer_context(*state, "good", 0);
	SSL *peer = tls_peer_accept(context, client_peer_accept());

	SSL_CTX_free(context);
	return peer;
}

static void answer_and_end(void **state, const char *framing, const char *answer, int notifies)
{
	SSL *peer;

	RUN_CLIENT(&client_peer.client, "--tls", "--ca", ca, "-q", "20", "-f", framing,
		   client_peer.address, "hello");
	peer = serve(state);
	tls_peer_hear(peer, "hello");
	if (strcmp(framing, "line") == 0)
		tls_peer_hear(peer, "\n");
	tls_peer_say(peer, answer);
	tls_peer_end(peer, notifies);
}

static void raw_answer__that_ends_with_close_notify__is_whole(void **state)
{
	answer_and_end(state, "raw", "yes", 1);
	client_peer_assert(CODE_OK, "yes\n", NULL);
}

static void raw_answer__that_ends_without_close_notify__is_an_error(void **state)
{
	answer_and_end(state, "raw", "yes", 0);
	client_peer_assert(CODE_FAILED, "yes\n", CUT);
}

static void line__that_is_whole__needs_no_close_notify(void **state)
{
	answer_and_end(state, "line", "yes\n", 0);
	client_peer_assert(CODE_OK, "yes\n", NULL);
}

static void stream__that_ends_without_close_notify__is_an_error(void **state)
{
	SSL *peer;

	client_peer.client.input = "hello";
	RUN_CLIENT(&client_peer.client, "-N", "--tls", "--ca", ca, client_peer.address);
	peer = serve(state);
	tls_peer_hear(peer, "hello");
	tls_peer_expect_end(peer);
	tls_peer_say(peer, "yes");
	tls_peer_end(peer, 0);
	client_peer_assert(CODE_FAILED, "yes", CUT);
}

static void half_close__is_close_notify_and_the_end_and_answers_follow(void **state)
{
	SSL *peer;
	int fd;

	client_peer.client.input = "hello";
	RUN_CLIENT(&client_peer.client, "-N", "--tls", "--ca", ca, client_peer.address);
	peer = serve(state);
	fd = SSL_get_fd(peer);
	tls_peer_hear(peer, "hello");
	tls_peer_expect_end(peer);
	client_expect_end(fd);
	tls_peer_say(peer, "yes");
	/* no end of the connection follows it yet */
	SSL_shutdown(peer);
	client_peer_assert(CODE_OK, "yes", NULL);
	SSL_free(peer);
	close(fd);
}

/* A file in memory of that many bytes, read from its start. */
static int make_file(char *bytes, size_t size)
{
	int fd = memfd_create("bytes", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	return fd;
}

/* Echoes all, and asks the client for new keys again and again, also after its close_notify. */
static void echo_slowly(SSL *peer)
{
	char bytes[9999];
	size_t got, put, all = 0;

	while (SSL_read_ex(peer, bytes, sizeof(bytes), &got) == 1) {
		assert_int_equal(SSL_write_ex(peer, bytes, got, &put), 1);
		all += put;
		SSL_key_update(peer, SSL_KEY_UPDATE_REQUESTED);
	}
	assert_int_equal(all, BIG);
}

/* Both ends send more than the sockets hold: one that waits for the other would wait for ever. */
static void big_stream__against_a_slow_echo__comes_back_whole(void **state)
{
	static char bytes[BIG], back[BIG + 1];
	int small = 65536, in, out;
	SSL *peer;

	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (char)(i * 2654435761U >> 24);
	in = client_peer.client.input_fd = make_file(bytes, BIG);
	out = client_peer.client.output_fd = make_file("", 0);
	setsockopt(client_peer.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(client_peer.listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	RUN_CLIENT(&client_peer.client, "-N", "--tls", "--ca", ca, client_peer.address);
	peer = serve(state);
	echo_slowly(peer);
	tls_peer_end(peer, 1);
	client_peer_assert(CODE_OK, "", NULL);
	assert_int_equal(pread(out, back, sizeof(back), 0), BIG);
	assert_memory_equal(back, bytes, BIG);
	close(in);
	close(out);
}

/* Passes on what the server wants to send, a byte at a time. */
static void send_bytes_singly(BIO *out, int fd)
{
	char byte;

	while (BIO_read(out, &byte, 1) == 1)
		client_send(fd, &byte, 1);
}

static void records__in_single_bytes__are_put_together(void **state)
{
	SSL_CTX *context = tls_peer_context(*state, "good", 0);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *peer = SSL_new(context);
	char bytes[4096], text[6];
	ssize_t n;
	int fd;

	RUN_CLIENT(&client_peer.client, "--tls", "--ca", ca, client_peer.address, "hello");
	fd = client_peer_accept();
	SSL_set_accept_state(peer);
	SSL_set_bio(peer, in, out);
	while (SSL_do_handshake(peer) != 1) {
		send_bytes_singly(out, fd);
		n = recv(fd, bytes, sizeof(bytes), 0);
		assert_true(n > 0);
		BIO_write(in, bytes, (int)n);
	}
	while (SSL_read(peer, text, 5) != 5) {
		n = recv(fd, bytes, sizeof(bytes), 0);
		assert_true(n > 0);
		BIO_write(in, bytes, (int)n);
	}
	assert_memory_equal(text, "hello", 5);
	tls_peer_say(peer, "yes");
	SSL_shutdown(peer);
	send_bytes_singly(out, fd);
	client_peer_assert(CODE_OK, "yes\n", NULL);
	SSL_free(peer);
	SSL_CTX_free(context);
	close(fd);
}

/* Returns the processor time that a process has used, in ticks of the clock. */
static unsigned long used_ticks(pid_t pid)
{
	char path[64], line[1024], *at;
	unsigned long user = 0, system = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	at = strrchr(line, ')');
	assert_non_null(at);
	assert_int_equal(sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &system),
			 2);
	return user + system;
}

/* The test waits until a client that does not wait would have been seen. */
static void half_a_record__costs_no_processor_time(void **state)
{
	SSL_CTX *context = tls_peer_context(*state, "good", 0);
	BIO *kept = BIO_new(BIO_s_mem());
	unsigned long before;
	char record[256];
	SSL *peer;
	int fd, n;

	RUN_CLIENT(&client_peer.client, "-q", "5", "--tls", "--ca", ca, client_peer.address, "x");
	fd = client_peer_accept();
	peer = tls_peer_accept(context, fd);
	tls_peer_hear(peer, "x");
	SSL_set0_wbio(peer, kept);
	tls_peer_say(peer, "yes");
	n = BIO_read(kept, record, sizeof(record));
	assert_true(n > 20);
	before = used_ticks(client_peer.client.pid);
	client_send(fd, record, (size_t)n - 10);
	poll(NULL, 0, 400);
	assert_in_range(used_ticks(client_peer.client.pid) - before, 0, TICKS_MOST);
	client_send(fd, record + n - 10, 10);
	SSL_shutdown(peer);
	n = BIO_read(kept, record, sizeof(record));
	client_send(fd, record, (size_t)n);
	client_peer_assert(CODE_OK, "yes\n", NULL);
	SSL_free(peer);
	SSL_CTX_free(context);
	close(fd);
}

static void record__that_was_changed__is_an_error(void **state)
{
	SSL *peer;
	int fd;

	RUN_CLIENT(&client_peer.client, "--tls", "--ca", ca, client_peer.address, "hello");
	peer = serve(state);
	fd = SSL_get_fd(peer);
	tls_peer_hear(peer, "hello");
	client_send(fd, "\27\3\3\0\21 sixteen and more", 5 + 17);
	client_peer_assert(CODE_FAILED, "",
			   "the connection broke: TLS: decryption failed or bad record mac");
	tls_peer_end(peer, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, client_peer_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(raw_answer__that_ends_with_close_notify__is_whole),
		CASE(raw_answer__that_ends_without_close_notify__is_an_error),
		CASE(line__that_is_whole__needs_no_close_notify),
		CASE(stream__that_ends_without_close_notify__is_an_error),
		CASE(half_close__is_close_notify_and_the_end_and_answers_follow),
		CASE(big_stream__against_a_slow_echo__comes_back_whole),
		CASE(records__in_single_bytes__are_put_together),
		CASE(half_a_record__costs_no_processor_time),
		CASE(record__that_was_changed__is_an_error),
	};

	return cmocka_run_group_tests(tests, tls_peer_make_files, folder_remove);
}
