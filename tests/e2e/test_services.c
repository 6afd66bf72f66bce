/* SPDX-License-Identifier: MIT */
/* echo, discard, daytime and chargen, as their clients see them. */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"

static void echo__returns_every_byte_and_honours_a_half_close(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo" } });
	int fd = client_connect(FIRST(s));
	char bytes[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	client_send(fd, bytes, sizeof(bytes));
	client_half_close(fd);
	client_expect(fd, bytes, sizeof(bytes));
	client_expect_end(fd);
	close(fd);
	server_wait_event(s, "connection_ended", "ending=client_closed");
	server_stop(s);
}

enum { BULK = 64 << 20, CHUNK = 65536 };

static char pattern(size_t at)
{
	return (char)((at * 2654435761u) >> 13);
}

/* Sends the next bytes, from offset *sent, as many as the socket takes now. */
static void push(int fd, size_t *sent)
{
	char bytes[CHUNK];
	size_t n = BULK - *sent < CHUNK ? BULK - *sent : CHUNK;
	ssize_t taken;

	for (size_t i = 0; i < n; i++)
		bytes[i] = pattern(*sent + i);
	taken = send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (taken < 0 && errno != EAGAIN)
		fail_msg("send: %s", strerror(errno));
	*sent += taken > 0 ? (size_t)taken : 0;
	if (*sent == BULK)
		client_half_close(fd);
}

/* Receives and compares the bytes that are there; false at the end. */
static bool pull(int fd, size_t *got)
{
	char bytes[CHUNK];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n < 0)
		fail_msg("recv: %s after %zu bytes", strerror(errno), *got);
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] != pattern(*got + (size_t)i))
			fail_msg("byte %zu is wrong", *got + (size_t)i);
	}
	*got += (size_t)n;
	return n > 0;
}

static void echo__with_a_slow_reader_of_64_mib__is_exact_and_bounded(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo" } });
	pid_t worker = server_worker(s, 0);
	long before_kb = process_status(worker, "VmHWM");
	struct pollfd p = { .fd = client_connect(FIRST(s)), .events = POLLOUT };
	size_t sent = 0, got = 0;

	(void)state;
	while (sent < BULK && poll(&p, 1, 500) == 1)
		push(p.fd, &sent);
	if (sent == BULK)
		server_fail(s, "took all of %d bytes while the client read none", BULK);
	do {
		p.events = (short)(POLLIN | (sent < BULK ? POLLOUT : 0));
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		if (sent < BULK && (p.revents & POLLOUT))
			push(p.fd, &sent);
	} while (!(p.revents & (POLLIN | POLLHUP | POLLERR)) || pull(p.fd, &got));
	assert_int_equal(got, BULK);
	close(p.fd);
	assert_in_range(process_status(worker, "VmHWM") - before_kb, 0, 8 << 10);
	server_stop(s);
}

static void echo__whose_client_vanishes__goes_on(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo" } });
	struct pollfd p = { .fd = client_connect(FIRST(s)), .events = POLLOUT };
	size_t sent = 0;

	(void)state;
	while (sent < BULK && poll(&p, 1, 300) == 1)
		push(p.fd, &sent);
	client_reset(p.fd);
	server_wait_event(s, "connection_ended", "ending=client_reset");
	client_ask(FIRST(s), "echo", "echo");
	server_stop(s);
}

static void discard__takes_all_and_says_nothing(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=discard" } });
	int fd = client_connect(FIRST(s));
	char *bytes = calloc(1, 4 << 20);

	(void)state;
	client_send(fd, bytes, 4 << 20);
	client_half_close(fd);
	client_expect_end(fd);
	close(fd);
	free(bytes);
	server_stop(s);
}

static void daytime__says_one_line_and_ends(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=daytime" } });
	int fd = client_connect(FIRST(s));
	char line[128];
	size_t n = client_drain(fd, line, sizeof(line));

	(void)state;
	assert_in_range(n, 10, 100);
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	assert_non_null(strstr(line, "20"));
	close(fd);
	server_wait_event(s, "connection_ended", "ending=service_finished");
	server_stop(s);
}

static void chargen__says_the_pattern_until_the_client_leaves(void **state)
{
	enum { LINE = 74, LINES = 3000 };
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=chargen" } });
	int fd = client_connect(FIRST(s));
	char line[LINE];

	(void)state;
	for (int i = 0; i < LINES; i++) {
		for (int j = 0; j < LINE - 2; j++)
			line[j] = (char)(' ' + (i + j) % 95);
		memcpy(line + LINE - 2, "\r\n", 2);
		client_expect(fd, line, LINE);
	}
	close(fd);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
}

static void chargen__while_the_server_quits__ends(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=chargen" },
							.set = { "shutdown_timeout=500ms" } });
	int fd = client_connect(FIRST(s));
	char text[1];

	(void)state;
	client_hear(fd, " !\"#$%&");
	server_signal(s, SIGTERM);
	client_drain(fd, text, sizeof(text));
	close(fd);
	server_end(s, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(echo__returns_every_byte_and_honours_a_half_close),
		E2E(echo__with_a_slow_reader_of_64_mib__is_exact_and_bounded),
		E2E(echo__whose_client_vanishes__goes_on),
		E2E(discard__takes_all_and_says_nothing),
		E2E(daytime__says_one_line_and_ends),
		E2E(chargen__says_the_pattern_until_the_client_leaves),
		E2E(chargen__while_the_server_quits__ends),
	};

	return E2E_RUN(tests);
}
